"""SavedModels compute what the Keras model does; the tool that exports."""

import errno
import hashlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from helpers import photo, random_generator
from PIL import ExifTags, Image

from animegan_tf import export
from animegan_tf.errors import InputError
from animegan_tf.export import ModelCard, export_saved_model, saved_model
from animegan_tf.imaging.codec import encode_image, read_image
from animegan_tf.inference import Stylizer, load_generator
from animegan_tf.models import main_tail
from animegan_tf.ops import to_float


@pytest.fixture(scope="module")
def small():
    return random_generator(4)


# Without this package: a server has none.
LOAD = """
import sys
import numpy as np
import tensorflow as tf

folder, inputs, outputs = sys.argv[1:]
functions = tf.saved_model.load(folder).signatures
given = np.load(inputs)
picture = {name: functions[name](tf.constant(given[name]))["picture"].numpy()
           for name in ("uint8", "float")}
assert "animegan_tf" not in sys.modules
np.savez(outputs, **picture)
"""


@pytest.fixture(scope="module")
def saved(small, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved_models") / "animegan"
    return export_saved_model(small, folder)


@pytest.fixture(scope="module")
def signatures(saved):
    loaded = tf.saved_model.load(str(saved))
    # Functions of a signature hold their model only weakly.
    return {"model": loaded, **loaded.signatures}


@pytest.fixture(scope="module")
def stylizer(small):
    return Stylizer(small)


@pytest.fixture(scope="module")
def serve(signatures):
    """Sends files to the default signature; returns pictures."""

    def serve(*files):
        answer = signatures["serving_default"](image_bytes=tf.constant(files))
        return [
            np.array(Image.open(io.BytesIO(data)))
            for data in answer["output_bytes"].numpy()
        ]

    return serve


def encoded(image, form, **options):
    file = io.BytesIO()
    Image.fromarray(image).save(file, form, **options)
    return file.getvalue()


def assert_within_a_level(picture, expected):
    assert picture.dtype == np.uint8 and picture.shape == expected.shape
    assert np.abs(picture.astype(int) - expected).max() <= 1


@pytest.mark.slow
def test_a_version_holds_every_weight_once(tmp_path):
    generator = random_generator(32)
    saved = export_saved_model(generator, tmp_path / "animegan")
    assert saved.name == "1" and [p.name for p in saved.parent.iterdir()] == ["1"]
    files = [saved / "saved_model.pb", *(saved / "variables").iterdir()]
    written = sum(p.stat().st_size for p in files)
    weights = sum(4 * int(np.prod(w.shape)) for w in main_tail(generator).weights)
    assert weights < written < 1.1 * weights


def test_another_process_computes_the_same_without_the_package(
    stylizer, saved, tmp_path
):
    batch = np.stack([photo(44, 61), photo(44, 61)[::-1]])
    floats = np.asarray(to_float(batch))
    np.savez(tmp_path / "in.npz", uint8=batch, float=floats)
    command = [sys.executable, "-c", LOAD, saved, "in.npz", "out.npz"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    pictures = np.load(tmp_path / "out.npz")
    expected = np.stack([stylizer(image) for image in batch])
    assert_within_a_level(pictures["uint8"], expected)
    assert pictures["float"].dtype == np.float32
    assert np.abs(pictures["float"] - np.asarray(to_float(expected))).max() <= 1 / 127.5


def test_files_of_several_sizes_are_painted_in_one_batch(stylizer, serve):
    files = [
        encode_image(photo(32, 40)),
        encode_image(photo(17, 31), ".bmp"),
        encode_image(photo(45, 16), ".jpg"),
        encoded(photo(24, 24), "GIF"),
        encoded(photo(24, 33)[..., 0], "PNG"),
    ]
    for data, picture in zip(files, serve(*files), strict=True):
        if data[:3] == b"GIF":
            image = np.array(Image.open(io.BytesIO(data)).convert("RGB"))
        else:
            image = read_image("picture", data)
        assert_within_a_level(picture, stylizer(image))


def test_an_exif_orientation_is_left_to_the_client(stylizer, serve):
    image = photo(24, 40)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    turned = encoded(image, "PNG", exif=exif)
    assert read_image("turned", turned).shape == (40, 24, 3)
    (picture,) = serve(turned)
    assert_within_a_level(picture, stylizer(image))


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"no picture", "Unknown image file format"),
        (b"", "Input is empty"),
        (b"\xff\xd8\xff\xe0 no JPEG", "Invalid JPEG"),
        (encode_image(np.zeros((32, 32, 3), np.uint8))[:60], "PNG"),
        (encode_image(np.zeros((15, 32, 3), np.uint8)), "16 pixels or more"),
    ],
    ids=["text", "empty", "jpeg", "cut", "small"],
)
def test_bad_files_fail_their_batch_and_nothing_else(serve, data, reason):
    good = encode_image(photo(16, 16))
    with pytest.raises(tf.errors.InvalidArgumentError, match=reason):
        serve(good, data)
    assert serve(good)[0].shape == (16, 16, 3)


def test_small_pictures_are_refused_by_every_signature(signatures):
    image = tf.zeros((1, 32, 15, 3))
    for name, value in (("float", image), ("uint8", tf.cast(image, tf.uint8))):
        with pytest.raises(tf.errors.InvalidArgumentError, match="16 pixels or more"):
            signatures[name](image=value)


def test_a_server_session_runs_the_signature(saved):
    """By name of tensors, as TensorFlow Serving does."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        meta = tf.compat.v1.saved_model.load(session, ["serve"], str(saved))
        signature = meta.signature_def["serving_default"]
        assert signature.method_name == "tensorflow/serving/predict"
        (answer,) = session.run(
            signature.outputs["output_bytes"].name,
            {signature.inputs["image_bytes"].name: [encode_image(photo(16, 24))]},
        )
    assert read_image("answer", answer).shape == (16, 24, 3)


@pytest.fixture
def quick_save(monkeypatch):
    """Writes a stand-in for the SavedModel, where only its place matters."""

    def save(model, signatures, folder):
        (Path(folder) / "saved_model.pb").write_text(str(model.count_params()))

    monkeypatch.setattr(saved_model, "save_functions", save)


def test_versions_stand_side_by_side_and_are_not_replaced_unasked(
    small, tmp_path, quick_save
):
    folder = tmp_path / "deep" / "animegan"
    first = export_saved_model(small, folder)
    (first / "mark").touch()
    with pytest.raises(InputError, match="animegan/1"):
        export_saved_model(small, folder)
    assert (first / "mark").exists()
    for version in (0, -1):
        with pytest.raises(InputError, match=str(version)):
            export_saved_model(small, folder, version)
    assert export_saved_model(small, folder, 2) == folder / "2"
    assert export_saved_model(small, folder, overwrite=True) == first
    assert {p.name for p in first.iterdir()} == {"saved_model.pb", "assets.extra"}
    assert sorted(p.name for p in folder.iterdir()) == ["1", "2"]


def test_a_version_that_cannot_be_finished_leaves_what_was_there(
    small, tmp_path, quick_save, monkeypatch
):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="file/1"):
        export_saved_model(small, tmp_path / "file")
    first = export_saved_model(small, tmp_path / "model")
    (first / "mark").touch()

    def full(model, signatures, folder):
        (Path(folder) / "saved_model.pb").touch()
        raise tf.errors.ResourceExhaustedError(None, None, "no space left")

    monkeypatch.setattr(saved_model, "save_functions", full)
    for version in (1, 2):
        with pytest.raises(InputError, match=f"model/{version}: .*no space left"):
            export_saved_model(small, tmp_path / "model", version, overwrite=True)
    assert [p.name for p in (tmp_path / "model").iterdir()] == ["1"]
    assert (first / "mark").exists()


def test_a_version_is_whole_when_a_server_can_see_it(
    small, tmp_path, quick_save, monkeypatch
):
    rename, seen = os.rename, []

    def watch(source, target):
        assert {p.name for p in Path(source).iterdir()} == {
            "saved_model.pb",
            "assets.extra",
        }
        # A server passes over what is no number.
        seen.append([p.name for p in tmp_path.iterdir() if p.name.isdecimal()])
        assert len(list(tmp_path.iterdir())) == len(seen[-1]) + 1
        rename(source, target)

    monkeypatch.setattr(os, "rename", watch)
    for version in (1, 2):
        export_saved_model(small, tmp_path, version)
    assert seen == [[], ["1"]]


def test_a_version_without_its_warmup_requests_is_not_published(
    small, tmp_path, quick_save, monkeypatch
):
    def full(version):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(saved_model, "write_warmup", full)
    with pytest.raises(InputError, match="model/1: .*No space left"):
        export_saved_model(small, tmp_path / "model")
    assert list((tmp_path / "model").iterdir()) == []
    version = export_saved_model(small, tmp_path / "model", warmup=False)
    assert [p.name for p in version.iterdir()] == ["saved_model.pb"]


def test_a_version_that_cannot_be_replaced_comes_back(
    small, tmp_path, quick_save, monkeypatch
):
    first = export_saved_model(small, tmp_path)
    (first / "mark").touch()
    rename, targets = os.rename, []

    def second_fails(source, target):
        targets.append(target)
        if len(targets) == 2:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        rename(source, target)

    monkeypatch.setattr(os, "rename", second_fails)
    with pytest.raises(InputError, match="Input/output error"):
        export_saved_model(small, tmp_path, overwrite=True)
    assert targets[1:] == [first, first]
    assert [p.name for p in tmp_path.iterdir()] == ["1"]
    assert (first / "mark").exists()


# The tool.


@pytest.fixture
def call(tmp_path, monkeypatch, run_here):
    """Runs the tool in this process, inside `tmp_path`; returns status and output."""
    monkeypatch.chdir(tmp_path)
    return lambda line: run_here("export.py", *line.split())


def test_the_tool_passes_the_flags_of_litert_on(call, small, tmp_path, monkeypatch):
    small.save(tmp_path / "g.keras")
    asked = []

    def write(generator, path, **options):
        asked.append((generator.count_params(), options))
        return path

    monkeypatch.setattr(export, "export_litert", write)
    line = "g.keras -o g.tflite --format litert"
    flags = "--precision dynamic --io uint8 --size"
    card = "--author Ada --license CC0 --model-version 1.2"
    for rest in ("", f"{flags} 32", f"{flags} 32 48", card, "--license MIT"):
        assert call(f"{line} {rest}")[:2] == (0, "g.tflite\n")
    options = {"precision": "dynamic", "io": "uint8"}
    assert asked == [
        (small.count_params(), {}),
        (small.count_params(), {**options, "size": [32, 32]}),
        (small.count_params(), {**options, "size": [32, 48]}),
        (small.count_params(), {"card": ModelCard("Ada", "CC0", "1.2")}),
        (small.count_params(), {"card": ModelCard(license="MIT")}),
    ]


def test_the_tool_writes_a_version(call, small, tmp_path, quick_save):
    small.save(tmp_path / "g.keras")
    assert call("g.keras -o models/g --version 3")[:2] == (0, "models/g/3\n")
    assert call("g.keras -o models/g --version 3")[0] == 2
    assert call("g.keras -o models/g --version 3 --overwrite --no-warmup")[0] == 0
    version = tmp_path / "models" / "g" / "3"
    assert [p.name for p in version.iterdir()] == ["saved_model.pb"]


def test_the_tool_writes_onnx_and_nothing_else(call, small, tmp_path):
    onnx = pytest.importorskip("onnx")
    small.save(tmp_path / "g.keras")
    assert call("g.keras -o g.onnx --format onnx --license CC0")[:2] == (0, "g.onnx\n")
    properties = {x.key: x.value for x in onnx.load("g.onnx").metadata_props}
    assert properties["license"] == "CC0"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["g.keras", "g.onnx"]


def test_the_tool_writes_a_release(call, small, tmp_path):
    small.save(tmp_path / "g.keras")
    (tmp_path / "card.md").write_text("# Mine\n")
    line = "g.keras -o mine --format release --card card.md --license CC0"
    assert call(line)[:2] == (0, "mine\n")
    status, _, err = call(line)
    assert status == 2 and "mine: must be a new folder" in err
    folder = tmp_path / "mine"
    card = (folder / "README.md").read_text()
    assert card.startswith("# Mine\n\n## Files\n")
    files = {p for p in folder.rglob("*") if p.is_file()} - {folder / "README.md"}
    assert {p.name for p in folder.iterdir()} >= {"1", "generator.keras"}
    assert len(re.findall(r"^\| `", card, re.M)) == len(files)
    for path in files:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        name = path.relative_to(folder).as_posix()
        assert f"| `{name}` | {path.stat().st_size:,} | `{digest}` |" in card
    # Rounding to half the digits is all that was lost.
    weights = load_generator(folder / "generator.keras").get_weights()
    for kept, weight in zip(weights, small.get_weights(), strict=True):
        np.testing.assert_array_equal(kept, weight.astype(np.float16))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["card.md", "g.keras", "mine"]


@pytest.mark.parametrize(
    "line, named",
    [
        ("g.keras -o g --size 256", "--size"),
        ("g.keras -o g --format release", "--card"),
        ("g.keras -o g --format release --card none.md", "none.md"),
        ("g.keras -o g.tflite --format litert --version 2", "--version"),
        ("g.keras -o g.tflite --format litert --no-warmup", "--warmup"),
        ("g.keras -o g.tflite --format litert --precision int4", "int4"),
        ("g.keras -o g.onnx --format onnx --io uint8", "--io"),
        ("g.keras -o g --model-version 2", "--model-version"),
        ("g.keras -o g.onnx --format onnx --author \udcff", "author"),
        ("g.keras -o g.h5 --format hdf5", "hdf5"),
        ("none.keras -o g", "none.keras"),
        ("g.keras", "--output"),
    ],
)
def test_the_tool_refuses(call, tmp_path, line, named):
    status, _, err = call(line)
    assert status == 2 and named in err.splitlines()[-1]
    assert err.splitlines()[-1].startswith("error: ")
    assert list(tmp_path.iterdir()) == []
