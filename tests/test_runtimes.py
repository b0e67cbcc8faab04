"""Every runtime paints the same picture, and says what it cannot run."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from animegan_tf.errors import InputError
from animegan_tf.export import export_litert, export_onnx, export_saved_model
from animegan_tf.imaging.codec import encode_image
from animegan_tf.inference import Stylizer, load_runtime
from animegan_tf.inference.runtimes import KerasRuntime
from animegan_tf.models import build_generator

TOOL = Path(__file__).parents[1] / "tools" / "stylize.py"


def noise(height, width):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), "uint8")


@pytest.fixture(scope="module")
def model():
    return build_generator(4, memory=8)


@pytest.fixture(scope="module")
def expected(model):
    """What Keras makes of a photo."""
    return Stylizer(model)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, model):
    """A generator in every format."""
    folder = tmp_path_factory.mktemp("formats")
    model.save(folder / "generator.keras")
    export_saved_model(model, folder / "served", 2)
    shutil.copytree(folder / "served" / "2", folder / "served" / "10")
    pytest.importorskip("ai_edge_litert")
    export_litert(model, folder / "generator.tflite")
    export_litert(model, folder / "uint8.tflite", io="uint8")
    export_litert(model, folder / "fixed.tflite", size=(24, 32))
    pytest.importorskip("tf2onnx")
    export_onnx(model, folder / "other.onnx")
    export_onnx(model, folder / "fixed.onnx", size=(24, 32))
    return folder


@pytest.mark.parametrize(
    "name",
    [
        *("generator.keras", "generator.tflite", "uint8.tflite", "other.onnx"),
        *("served", "served/2"),
    ],
)
def test_every_format_paints_alike(folder, expected, name):
    stylizer = Stylizer(folder / name)
    for sides in ((21, 27), (40, 24), (21, 27)):
        photo = noise(*sides)
        difference = expected(photo).astype(int) - stylizer(photo)
        assert np.abs(difference).max() <= 1


def test_a_file_beside_the_generator_is_taken_on_request(folder):
    runtime = load_runtime(folder / "generator.keras", "litert")
    assert runtime.path == folder / "generator.tflite"
    with pytest.raises(InputError, match="generator.onnx must be there"):
        load_runtime(folder / "generator.keras", "onnx")
    with pytest.raises(InputError, match="run by litert, received keras"):
        load_runtime(folder / "generator.tflite", "keras")
    with pytest.raises(InputError, match="support tail"):
        load_runtime(folder / "generator.tflite", tail="support")


@pytest.mark.parametrize("name", ["fixed.tflite", "fixed.onnx"])
def test_a_file_of_one_size_names_it(folder, name):
    stylizer = Stylizer(folder / name)
    assert stylizer(noise(23, 31)).shape == (23, 31, 3)
    with pytest.raises(InputError, match="32 x 24 .* received 24 x 24"):
        stylizer(noise(24, 24))


@pytest.mark.parametrize("suffix", [".keras", ".tflite", ".onnx"])
def test_what_is_no_network_is_refused(tmp_path, suffix):
    packages = {".keras": "keras", ".tflite": "ai_edge_litert", ".onnx": "onnxruntime"}
    pytest.importorskip(packages[suffix])
    path = tmp_path / f"text{suffix}"
    with pytest.raises(InputError, match=f"text{suffix} must be a file"):
        load_runtime(path)
    path.write_text("no network")
    with pytest.raises(InputError, match=f"text{suffix} must be"):
        load_runtime(path)


def test_a_folder_without_a_saved_model_is_refused(tmp_path):
    with pytest.raises(InputError, match="must be a SavedModel"):
        load_runtime(tmp_path)
    with pytest.raises(InputError, match="none must be a file"):
        load_runtime(tmp_path / "none")


def test_litert_paints_without_tensorflow(folder, tmp_path):
    (tmp_path / "photo.png").write_bytes(encode_image(noise(20, 24)))
    run = f"""
import runpy, sys
sys.argv = ["stylize.py", "photo.png", "-o", "picture.png", "--runtime", "litert",
            "--generator", {str(folder / "generator.keras")!r}]
runpy.run_path({str(TOOL)!r}, run_name="__main__")
heavy = {{"tensorflow", "keras", "jax", "torch"}} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", run], check=True, cwd=tmp_path, timeout=60)
    assert (tmp_path / "picture.png").is_file()


def test_parts_are_what_the_whole_would_be_with_the_same_statistics(model):
    photo = noise(240, 328)
    runtime = KerasRuntime(model)
    whole = Stylizer(runtime, max_side=328)(photo)
    # Statistics of the photo itself in place of a reduced copy.
    measured, runtime.measured = runtime.measured, lambda _: measured(photo)
    parts = Stylizer(runtime, max_side=200)(photo)
    difference = np.abs(parts.astype(int) - whole)
    assert difference.max() <= 1 and (difference > 0).mean() < 0.001
    assert np.std(whole) > 5


def test_statistics_of_a_reduced_copy_are_close(model, expected):
    rng = np.random.default_rng(1)
    waves = rng.normal(size=(2, 3)) / 40
    grid = np.indices((240, 400)).transpose(1, 2, 0)
    photo = (127.5 + 127.5 * np.sin(grid @ waves)).astype("uint8")
    stylizer = Stylizer(model, max_side=200)
    parts = stylizer(photo).astype(int)
    assert parts.shape == photo.shape
    whole = expected(photo)
    assert np.abs(parts - whole).mean() < 3
    with pytest.raises(InputError, match="received 400 x 9"):
        stylizer(photo[:9])
    assert stylizer(photo[:17]).shape == (17, 400, 3)


def test_only_keras_paints_in_parts(folder):
    with pytest.raises(InputError, match="tiles must be painted by keras"):
        Stylizer(folder / "generator.tflite", large="tiles")
    stylizer = Stylizer(folder / "generator.tflite", max_side=32)
    assert stylizer(noise(48, 64)).shape == (24, 32, 3)
    with pytest.raises(ValueError, match="'cut'"):
        Stylizer(folder / "generator.keras", large="cut")
