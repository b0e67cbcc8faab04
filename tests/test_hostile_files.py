"""Files of a stranger: whatever reads them runs nothing of theirs."""

import base64
import io
import json
import marshal
import os
import sys
import zipfile
from contextlib import contextmanager
from pathlib import Path

import h5py
import joblib
import numpy as np
import pytest
import tensorflow as tf

from animegan_tf.checkpoints import import_checkpoint
from animegan_tf.config import TrainConfig
from animegan_tf.data.manifest import Manifest, kept_names
from animegan_tf.errors import InputError
from animegan_tf.evaluation.features import FeatureCache
from animegan_tf.evaluation.networks import imagenet_inception
from animegan_tf.evaluation.weights import read_arrays
from animegan_tf.imaging import faces
from animegan_tf.imaging.codec import read_image
from animegan_tf.imaging.faces import FaceDetector
from animegan_tf.inference import load_runtime
from animegan_tf.models.features import read_weights
from animegan_tf.settings import load_config
from animegan_tf.study.answers import read_key
from animegan_tf.training.saving.checkpoint import read_checkpoint

# Of the readers under watch: the folder that they may open files in, and what they did.
_watched, _seen = [], []


def _hook(event, arguments):
    if not _watched:
        return
    if event in ("pickle.find_class", "exec", "os.system", "subprocess.Popen"):
        _seen.append((event, arguments))
    elif event == "open" and isinstance(arguments[0], (str, bytes)):
        if _watched[0] not in Path(os.fsdecode(arguments[0])).resolve().parents:
            _seen.append((event, arguments))


sys.addaudithook(_hook)  # cannot be taken out again; it does nothing by itself


@contextmanager
def watched(folder):
    """Within it, code that runs and files opened outside of `folder` are noticed."""
    _watched.append(folder.resolve())
    try:
        yield _seen
    finally:
        _watched.clear()


class Harmful:
    """Makes a folder `ran` in the working folder when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, ("ran",)


def pickled():
    return np.array({"conv1_1": Harmful()}, dtype=object)


def write_npy(path):
    with open(path, "wb") as file:  # else numpy adds an ending
        np.save(file, pickled(), allow_pickle=True)


def write_npz(path):
    np.savez(path, block1_conv1__kernel=pickled())


def write_pickle(path):
    joblib.dump(Harmful(), path)


def write_torch(path):
    content = io.BytesIO()
    joblib.dump(Harmful(), content)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", content.getvalue())


def secret_of(path):
    """A file that is none of the reader's business."""
    secret = path.parents[1] / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["kernel"] = np.ones((3, 3, 3, 64), "float32")
    return secret


def write_linked_h5(path):
    with h5py.File(path, "w") as file:
        link = h5py.ExternalLink(secret_of(path), "kernel")
        file["block1_conv1/block1_conv1_W_1:0"] = link


def write_external_h5(path):
    with h5py.File(path, "w") as file:
        file.create_dataset(
            "block1_conv1/block1_conv1_W_1:0",
            (3, 3, 3, 64),
            "float32",
            external=[(os.fsencode(secret_of(path)), 0, h5py.h5f.UNLIMITED)],
        )


def write_virtual_h5(path):
    source = h5py.VirtualSource(secret_of(path), "kernel", (3, 3, 3, 64))
    layout = h5py.VirtualLayout((3, 3, 3, 64), "float32")
    layout[:] = source
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("block1_conv1/block1_conv1_W_1:0", layout)


def write_keras(path):
    """A model whose only layer is code."""
    code = base64.b64encode(marshal.dumps(compile("1 / 0", "", "eval"))).decode()
    layer = {"module": "keras.layers", "class_name": "Lambda", "registered_name": None}
    layer["config"] = {"function": {"class_name": "__lambda__", "config": code}}
    config = {"class_name": "Sequential", "config": {"layers": [layer]}}
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("config.json", json.dumps(config | {"module": "keras"}))
        file.writestr("metadata.json", "{}")
        file.writestr("model.weights.h5", b"")


def write_pickle_among_weights(path):
    write_keras(path)
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("model.weights.npz", b"")


def write_saved_model(path):
    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.float32)])
    def paint(image):
        with tf.control_dependencies([tf.io.read_file("/etc/hostname")]):
            return {"picture": tf.identity(image)}

    tf.saved_model.save(tf.Module(), str(path), {"float": paint})


def write_text(path):
    path.write_text("__import__('os').mkdir('ran')\n" * 3)


def write_cache(path):
    (path / "n" / "ab").mkdir(parents=True)
    with open(path / "n" / "ab" / "abc.npz", "wb") as file:
        np.savez(file, row=pickled())


def write_checkpoint_files(path):
    path.mkdir()
    np.savez(path / "variables.npz", **{"generator/000/kernel": pickled()})
    (path / "state.json").write_text("{}")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder, with a folder for the hostile file in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "given").mkdir()
    return tmp_path / "given"


@pytest.mark.parametrize(
    "name, write, read",
    [
        ("vgg19.npy", write_npy, read_weights),
        ("vgg19.npz", write_npy, read_weights),
        ("vgg19.npz", write_npz, read_weights),
        ("vgg19.npz", write_pickle, read_weights),
        ("vgg19.h5", write_pickle, read_weights),
        ("lpips.npz", write_npz, read_arrays),
        ("fid.pth", write_torch, read_arrays),
        ("fid.pt", write_pickle, read_arrays),
        ("step_00000001", write_checkpoint_files, read_checkpoint),
        ("cache", write_cache, lambda path: FeatureCache(path).get("n", "abc")),
        ("generator.keras", write_keras, load_runtime),
        ("generator.keras", write_pickle_among_weights, load_runtime),
        ("generator.keras", write_pickle, load_runtime),
        ("model.tflite", write_pickle, load_runtime),
        ("model.onnx", write_pickle, load_runtime),
        ("model.d", write_saved_model, load_runtime),
        ("manifest.jsonl", write_text, lambda path: Manifest(path, {}).records),
        ("manifest.jsonl", write_pickle, kept_names),
        ("config.json", write_pickle, lambda path: load_config(path, TrainConfig)),
        ("config.json", write_text, lambda path: load_config(path, TrainConfig)),
        ("key.json", write_pickle, read_key),
        ("key.json", write_text, read_key),
        ("a.index", write_pickle, import_checkpoint),
        ("photo.png", write_pickle, read_image),
    ],
)
def test_no_reader_unpickles_or_opens_what_a_file_names(folder, name, write, read):
    path = folder / name
    write(path)

    def arrays():
        try:
            return read(path)
        except InputError:
            return None

    arrays()  # what it imports on the way is not watched
    _seen.clear()
    with watched(folder) as seen:
        assert not arrays()
    assert seen == []
    assert not Path("ran").exists()


@pytest.mark.parametrize("read", [read_weights, imagenet_inception])
@pytest.mark.parametrize(
    "write", [write_linked_h5, write_external_h5, write_virtual_h5]
)
def test_weights_that_another_hdf5_file_keeps_are_refused(folder, write, read):
    write(folder / "weights.h5")
    with pytest.raises(InputError, match="weights.h5: .*received /.*kept elsewhere"):
        read(folder / "weights.h5")


def test_an_hdf5_group_that_holds_itself_ends(folder):
    with h5py.File(folder / "weights.h5", "w") as file:
        file["group/itself"] = file.create_group("group")
    assert read_weights(folder / "weights.h5") == {}


def test_faces_are_found_with_the_weights_of_the_package_alone(folder):
    for name in ("pnet", "rnet", "onet"):
        write_pickle(f"{name}.lz4")
    FaceDetector()
    assert not Path("ran").exists()


def test_other_weights_in_the_package_are_not_unpickled(folder, monkeypatch):
    write_pickle("pnet.lz4")
    monkeypatch.setattr(faces, "_mtcnn_folder", Path, raising=False)
    with pytest.raises(InputError, match="pnet.lz4: must be that of mtcnn 1.0.0"):
        FaceDetector()
    assert not Path("ran").exists()
