import re
import subprocess
import sys
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import assert_close, reference

from animegan_tf import losses
from animegan_tf.errors import InputError
from animegan_tf.models.features import NETWORKS, build_features, read_weights
from animegan_tf.ops import gram_matrix, to_float

PAGE = Path(__file__).parents[1] / "docs/training.md"


def stand_in_weights():
    """The VGG19 weights that the reference numbers were computed with."""
    rng, values, channels = np.random.default_rng(19), {}, 3
    for block, (depth, width) in enumerate(zip((2, 2, 4, 4), (64, 128, 256, 512)), 1):
        for position in range(1, depth + 1):
            kernel = rng.standard_normal((3, 3, channels, width))
            kernel = (kernel * np.sqrt(2 / (9 * channels))).astype("float32")
            bias = (rng.standard_normal(width) * 0.01).astype("float32")
            values[f"block{block}_conv{position}"] = [kernel, bias]
            channels = width
    return values


def write_npz(path, values):
    arrays = {}
    for name, (kernel, bias) in values.items():
        arrays |= {f"{name}__kernel": kernel, f"{name}__bias": bias}
    np.savez(path, **arrays)
    return path


@pytest.fixture(scope="module")
def weights():
    return stand_in_weights()


@pytest.fixture(scope="module")
def vgg19(weights, tmp_path_factory):
    path = write_npz(tmp_path_factory.mktemp("vgg") / "vgg19.npz", weights)
    return build_features("vgg19", path)


def test_vgg19_agrees_with_the_authors_code(vgg19):
    numbers = reference()
    photo = to_float(numbers["photo_uint8"])
    described = vgg19(photo)
    assert_close(described["content"][..., ::8], numbers["vgg/block4_conv4"], 1e-4)
    for level, name in zip(described["style"], ("block2_conv2", "block3_conv3")):
        mean = float(tf.reduce_mean(level))
        assert mean == pytest.approx(float(numbers[f"vgg/{name}_mean"]), rel=1e-4)
    other = vgg19(photo[::-1])
    content = losses.feature_distance(described["content"], other["content"])
    assert float(content) == pytest.approx(float(numbers["loss/content"]), rel=1e-4)
    for i, (mine, theirs) in enumerate(zip(described["style"], other["style"]), 2):
        style = losses.style_distance(gram_matrix(mine), gram_matrix(theirs))
        expected = float(numbers[f"loss/style_{i}"])
        assert float(style) == pytest.approx(expected, rel=1e-4)


def test_the_fast_convolutions_keep_every_size_right(vgg19, weights):
    # 36 is no multiple of what the tiles need in blocks 2 to 4.
    picture = np.random.default_rng(0).uniform(-1, 1, (1, 36, 52, 3)).astype("float32")
    plain = build_features("vgg19", None, dtype="float64")
    for layer in plain.layers:
        if layer.name in weights:
            layer.set_weights(weights[layer.name])
    assert_close(vgg19(picture)["content"], plain(picture)["content"], 1e-4)


def test_features_are_before_the_relu_and_frozen(vgg19):
    picture = np.random.default_rng(1).uniform(-1, 1, (1, 32, 32, 3))
    assert float(tf.reduce_min(vgg19(picture)["content"])) < 0
    assert vgg19.trainable_weights == []


def test_levels_are_chosen_by_name():
    model = build_features(
        "random", None, content="block2_conv1", style=("block1_conv1",)
    )
    described = model(np.zeros((1, 32, 32, 3)))
    assert described["content"].shape == (1, 16, 16, 32)
    assert [level.shape for level in described["style"]] == [(1, 32, 32, 16)]


def test_scales_multiply_the_features(tmp_path, weights):
    """VGG16 in torchvision's convention, against Keras' own network."""
    rng, values = np.random.default_rng(2), {}
    source = keras.applications.VGG16(include_top=False, weights=None)
    for layer in source.layers:
        if "_conv" in layer.name:
            kernel, bias = layer.get_weights()
            values[layer.name] = [kernel, rng.normal(0, 0.1, bias.shape)]
            layer.set_weights(values[layer.name])
    model = build_features("vgg16", write_npz(tmp_path / "vgg16.npz", values))
    picture = rng.uniform(-1, 1, (1, 32, 32, 3)).astype("float32")
    # The npz's README: minus (-.030, -.088, -.188), divided by (.458, .448, .450).
    prepared = (picture - [-0.030, -0.088, -0.188]) / [0.458, 0.448, 0.450]
    level = keras.Model(source.input, source.get_layer("block3_conv3").output)
    expected = 50 * np.asarray(level(prepared))
    mine = np.maximum(model(picture)["style"][1], 0)
    assert_close(mine, expected, 1e-4)


def write_h5(path, values):
    with h5py.File(path, "w") as file:
        for name, (kernel, bias) in values.items():
            group = file.create_group(name)
            group[f"{name}_W_1:0"], group[f"{name}_b_1:0"] = kernel, bias
    return path


def write_keras_h5(path, values):
    with h5py.File(path, "w") as file:
        for name, pair in values.items():
            for i, array in enumerate(pair):
                file[f"layers/{name}/vars/{i}"] = array
    return path


@pytest.mark.parametrize(
    "name, write",
    [
        ("a.npz", write_npz),
        ("b.h5", write_h5),
        ("c.weights.h5", write_keras_h5),
    ],
)
def test_every_kind_of_weights_file_is_read(tmp_path, name, write):
    rng = np.random.default_rng(3)
    values = {
        f"block{i}_conv1": [
            rng.normal(size=(3, 3, 2, 4)).astype("float32"),
            rng.normal(size=4).astype("float32"),
        ]
        for i in (1, 2)
    }
    read = read_weights(write(tmp_path / name, values))
    assert sorted(read) == sorted(values)
    for layer, pair in values.items():
        for mine, theirs in zip(read[layer], pair):
            np.testing.assert_array_equal(mine, theirs)


def test_bad_weights_are_named(tmp_path, weights):
    with pytest.raises(InputError, match="no file .*none.npz"):
        build_features("vgg19", tmp_path / "none.npz")
    (tmp_path / "vgg19.pth").write_bytes(b"")
    with pytest.raises(InputError, match=".npz or .h5"):
        build_features("vgg19", tmp_path / "vgg19.pth")
    for name in ("a.npz", "a.h5"):
        (tmp_path / name).write_bytes(b"not what the name says")
        with pytest.raises(InputError, match=f"{name} cannot be read"):
            build_features("vgg19", tmp_path / name)
    fewer = {name: pair for name, pair in weights.items() if name != "block4_conv2"}
    with pytest.raises(InputError, match="block4_conv2"):
        build_features("vgg19", write_npz(tmp_path / "fewer.npz", fewer))
    first = [weights["block1_conv1"][0][..., :60], weights["block1_conv1"][1][:60]]
    bad = {**weights, "block1_conv1": first}
    with pytest.raises(InputError, match=r"block1_conv1 .*60"):
        build_features("vgg19", write_npz(tmp_path / "bad.npz", bad))


def test_unknown_networks_and_levels_are_named():
    with pytest.raises(InputError, match="vgg19, vgg16, random.*resnet"):
        build_features("resnet", None)
    with pytest.raises(InputError, match="block9_conv9"):
        build_features("random", None, content="block9_conv9")


def test_weights_that_cannot_be_fetched_name_the_file_and_the_flag(monkeypatch):
    def offline(**_):
        raise OSError("no route to host")

    monkeypatch.setattr(keras.applications, "VGG19", offline)
    with pytest.raises(InputError, match="notop.h5.*--perceptual-weights"):
        build_features("vgg19", "imagenet")
    with pytest.raises(InputError, match="--perceptual-weights"):
        build_features("vgg16", "imagenet")


def test_the_stand_in_is_the_same_every_time():
    picture = np.random.default_rng(4).uniform(-1, 1, (1, 32, 32, 3))
    first, second = (build_features("random", "imagenet")(picture) for _ in range(2))
    np.testing.assert_array_equal(first["content"], second["content"])
    assert set(NETWORKS) == {"vgg19", "vgg16", "random"}


def test_the_line_of_the_docs_makes_a_npz_of_the_authors_file(tmp_path):
    (line,) = re.findall(r'python -c "(import numpy.*vgg19.npz.*)"', PAGE.read_text())
    table = {"conv1_1": [np.ones((3, 3, 3, 2)), np.zeros(2)], "fc6": [np.ones(1)] * 2}
    np.save(tmp_path / "vgg19.npy", np.array(table, dtype=object), allow_pickle=True)
    subprocess.run([sys.executable, "-c", line], cwd=tmp_path, check=True)
    read = read_weights(tmp_path / "vgg19.npz")
    assert {k: [a.shape for a in v] for k, v in read.items()} == {
        "block1_conv1": [(3, 3, 3, 2), (2,)]
    }
