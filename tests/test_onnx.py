"""ONNX files compute in ONNX Runtime what the Keras model does in Keras."""

import sys

import numpy as np
import pytest
from helpers import photo, random_generator

from animegan_tf.errors import InputError
from animegan_tf.export import ModelCard, export_onnx
from animegan_tf.models import main_tail
from animegan_tf.ops import to_float, to_uint8

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("tf2onnx")
CARD = ModelCard("Ada Lovelace", "CC-BY-4.0, § 3", "1.2")


@pytest.fixture(scope="module")
def small():
    return random_generator(4)


@pytest.fixture(scope="module")
def path(small, tmp_path_factory):
    """A file for any size."""
    return export_onnx(small, tmp_path_factory.mktemp("onnx") / "g.onnx", card=CARD)


def run(path, images):
    """Pictures in [-1, 1] of one file and photos of one size."""
    session = onnxruntime.InferenceSession(str(path))
    batch = np.stack([np.asarray(to_float(image)) for image in images])
    return session.run(["picture"], {"image": batch})[0]


def shapes(path):
    graph = onnx.load(path).graph
    return {
        tensor.name: [
            dimension.dim_param or dimension.dim_value
            for dimension in tensor.type.tensor_type.shape.dim
        ]
        for tensor in (*graph.input, *graph.output)
    }


@pytest.mark.slow
def test_a_full_width_file_holds_the_weights_once_and_paints_alike(tmp_path):
    generator = random_generator(32)
    path = export_onnx(generator, tmp_path / "g.onnx")
    weights = sum(4 * int(np.prod(w.shape)) for w in main_tail(generator).weights)
    assert weights < path.stat().st_size < 1.05 * weights
    image = photo(128, 104)
    expected = np.asarray(to_uint8(main_tail(generator)(to_float(image)[None])))
    picture = np.asarray(to_uint8(run(path, [image])))
    assert np.abs(picture.astype(int) - expected).max() <= 1
    assert np.mean(picture != expected) < 0.01 and np.ptp(picture) > 100


def test_a_file_takes_any_batch_and_size(small, path):
    for height, width in ((64, 48), (16, 16), (24, 88)):
        images = [photo(height, width), photo(height, width)[::-1]]
        expected = main_tail(small)(np.stack([to_float(x) for x in images]))
        np.testing.assert_allclose(run(path, images), expected, atol=1e-4)


def test_a_file_is_valid_small_and_named(path):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    any_size = ["batch", "height", "width", 3]
    assert shapes(path) == {"image": any_size, "picture": any_size}
    # Into the layout of ONNX and back once, not in every layer.
    nodes = [node.op_type for node in model.graph.node]
    assert nodes.count("Transpose") == 2 and len(nodes) < 350


def test_a_file_says_whose_it_is_and_what_it_takes(path):
    session = onnxruntime.InferenceSession(str(path))
    meta = session.get_modelmeta()
    assert meta.custom_metadata_map == {
        "author": CARD.author,
        "license": CARD.license,
        "version": CARD.version,
        "normalization": "image = levels / 127.5 - 1; "
        "levels = round((picture + 1) * 127.5)",
    }
    assert meta.graph_name == "animegan_tf" and "DTGAN" in meta.description


@pytest.mark.parametrize("resize", ["corner", "transposed"])
def test_a_size_and_the_way_of_resizing_are_kept(resize, tmp_path):
    generator = random_generator(4, resize=resize)
    path = export_onnx(generator, tmp_path / "g.onnx", size=(32, 48))
    assert shapes(path)["image"] == ["batch", 32, 48, 3]
    expected = main_tail(generator)(to_float(photo(32, 48)[None]))
    np.testing.assert_allclose(run(path, [photo(32, 48)]), expected, atol=1e-4)


@pytest.mark.parametrize(
    "name, size, named",
    [
        ("g.onnx", 20, "20 x 20"),
        ("g.pb", 32, "g.pb"),
        ("no/g.onnx", 32, "no/g.onnx"),
    ],
)
def test_onnx_refuses(small, tmp_path, name, size, named):
    with pytest.raises(InputError, match=named):
        export_onnx(small, tmp_path / name, size=size)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("package", ["onnx", "tf2onnx"])
def test_a_missing_package_is_named_with_its_extra(
    small, tmp_path, monkeypatch, package
):
    for name in list(sys.modules):
        if name.split(".")[0] == package:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=rf"{package}.*\[onnx\]"):
        export_onnx(small, tmp_path / "g.onnx")
    assert list(tmp_path.iterdir()) == []
