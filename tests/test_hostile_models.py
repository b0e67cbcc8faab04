"""Models of a stranger: which are taken, and what they cannot do."""

import io
import json
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import random_generator
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from animegan_tf.errors import InputError
from animegan_tf.export import export_saved_model
from animegan_tf.inference import find_generator, load_generator, load_runtime, names
from animegan_tf.inference.saved_model_ops import require_computing

FLOATS = tf.TensorSpec([None, None, None, 3], tf.float32, name="image")


@pytest.fixture(scope="module")
def generator():
    return random_generator(2)


@pytest.fixture(scope="module")
def keras_file(generator, tmp_path_factory):
    path = tmp_path_factory.mktemp("keras") / "generator.keras"
    generator.save(path)
    return path


def rewritten(source, path, **members):
    """A `.keras` file with some of its members replaced, or others besides."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w") as new:
        for name in {*old.namelist(), *members}:
            new.writestr(name, members.get(name) or old.read(name))
    return path


def config_of(path):
    with zipfile.ZipFile(path) as file:
        return json.loads(file.read("config.json"))


# Files of Keras.


@pytest.mark.parametrize(
    "module, name, registered",
    [
        ("keras.layers", "TFSMLayer", None),
        ("keras.layers", "Lambda", None),
        ("keras.layers", "TextVectorization", None),
        ("keras.src.layers.core.lambda_layer", "Lambda", None),
        ("keras.layers", "Activation", "builtins>eval"),
        (None, "Lambda", None),
        ("builtins", "function", "function"),
        ("keras.utils", "get_file", None),
        ("animegan_tf.cli", "run_tool", "animegan_tf>run_tool"),
        ("animegan_tf.layers", "LADE", "keras>Lambda"),
        (None, "__lambda__", None),
    ],
)
def test_other_classes_in_a_keras_file_are_refused_by_name(
    keras_file, tmp_path, module, name, registered
):
    config = config_of(keras_file)
    layer = config["config"]["layers"][-1]
    layer |= {"module": module, "class_name": name, "registered_name": registered}
    path = rewritten(
        keras_file, tmp_path / "generator.keras", **{"config.json": json.dumps(config)}
    )
    with pytest.raises(InputError, match=rf"only compute, received {module}\.{name}\."):
        load_generator(path)


def test_a_class_deep_in_a_layer_is_refused_too(keras_file, tmp_path):
    config = config_of(keras_file)
    lambda_ = {"class_name": "__lambda__", "config": {"value": "4wA="}}
    config["config"]["layers"][2]["config"]["kernel_regularizer"] = [{"a": lambda_}]
    path = rewritten(
        keras_file, tmp_path / "generator.keras", **{"config.json": json.dumps(config)}
    )
    with pytest.raises(InputError, match=r"received None\.__lambda__"):
        load_generator(path)


def test_a_keras_file_holds_its_three_members_alone(keras_file, tmp_path):
    path = rewritten(keras_file, tmp_path / "generator.keras", **{"assets/a": b"more"})
    with pytest.raises(InputError, match="must hold config.json, .*received"):
        load_generator(path)


def test_weights_in_a_keras_file_come_from_no_other_file(keras_file, tmp_path):
    with zipfile.ZipFile(keras_file) as file:
        content = io.BytesIO(file.read("model.weights.h5"))
    with h5py.File(content, "a") as file:
        file["other"] = h5py.ExternalLink(str(keras_file), "/")
    path = rewritten(
        keras_file,
        tmp_path / "generator.keras",
        **{"model.weights.h5": content.getvalue()},
    )
    with pytest.raises(InputError, match="received /other, which is kept elsewhere"):
        load_generator(path)


def test_the_generator_of_ours_is_read_as_it_was(generator, keras_file):
    loaded = load_generator(keras_file)
    for mine, theirs in zip(generator.get_weights(), loaded.get_weights()):
        np.testing.assert_array_equal(mine, theirs)
    assert isinstance(loaded, keras.Model)


# SavedModels.


def saved(folder, function):
    tf.saved_model.save(tf.Module(), str(folder), {"float": function})
    return folder


def painter(effect):
    """A signature that paints nothing, and does something else."""

    @tf.function(input_signature=[FLOATS])
    def paint(image):
        effect()
        return {"picture": image}

    return paint


EFFECTS = {
    "WriteFile": lambda: tf.io.write_file("written.txt", "text"),
    "ReadFile": lambda: tf.io.read_file("secret.txt"),
    "MatchingFiles": lambda: tf.io.matching_files("*"),
    "PrintV2": lambda: tf.print("text", output_stream="file://written.txt"),
    "EagerPyFunc": lambda: tf.py_function(lambda: 1, [], tf.int32),
    "SaveV2": lambda: tf.raw_ops.SaveV2(
        prefix="written", tensor_names=["a"], shape_and_slices=[""], tensors=[1.0]
    ),
    "RestoreV2": lambda: tf.raw_ops.RestoreV2(
        prefix="a", tensor_names=["a"], shape_and_slices=[""], dtypes=[tf.float32]
    ),
}


@pytest.mark.parametrize("operation", EFFECTS)
def test_a_saved_model_that_does_more_than_compute_is_refused(tmp_path, operation):
    def nested():
        tf.cond(tf.constant(True), lambda: tf.group(EFFECTS[operation]()), tf.no_op)

    path = saved(tmp_path / "model", painter(nested))
    with pytest.raises(InputError, match=rf"--trust\), received .*{operation}"):
        load_runtime(path)


def test_a_saved_model_that_is_trusted_may_write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    saved(tmp_path / "model", painter(EFFECTS["WriteFile"]))
    load_runtime("./model", trust=True)(np.zeros((16, 16, 3), np.uint8))
    assert Path("written.txt").read_text() == "text"


def edited(folder, edit):
    """Changes a saved model's graph in its file."""
    file = folder / "saved_model.pb"
    model = SavedModel.FromString(file.read_bytes())
    edit(model.meta_graphs[0])
    file.write_bytes(model.SerializeToString())


@pytest.fixture
def exported(generator, tmp_path):
    return export_saved_model(generator, tmp_path / "model", warmup=False)


def test_functions_for_saving_are_not_called_by_those_that_paint(exported):
    require_computing(exported)

    def call_saving(graph):
        functions = graph.graph_def.library.function
        (save,) = (f for f in functions if "traced_save" in f.signature.name)
        (stylize,) = (f for f in functions if "inference_stylize" in f.signature.name)
        call = stylize.node_def.add(name="more", op="StatefulPartitionedCall")
        call.attr["f"].func.name = save.signature.name

    edited(exported, call_saving)
    with pytest.raises(InputError, match="received the operations .*SaveV2"):
        require_computing(exported)


def test_saved_models_of_other_forms_are_refused(exported):
    (exported / "saved_model.cpb").touch()
    with pytest.raises(InputError, match="in one saved_model.pb, .*saved_model.cpb"):
        load_runtime(exported)
    (exported / "saved_model.cpb").unlink()
    # TensorFlow runs the operations for starting of such a file when it loads it.
    edited(exported, lambda graph: graph.ClearField("object_graph_def"))
    with pytest.raises(InputError, match="must be a SavedModel of TensorFlow 2"):
        load_runtime(exported)
    (exported / "saved_model.pb").write_bytes(b"\xff no model")
    with pytest.raises(InputError, match="damaged"):
        load_runtime(exported)


# Names.


def test_a_folder_of_a_models_name_is_not_taken_for_it(
    keras_file, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    for folder in ("portrait", "saved_models/portrait", "other"):
        Path(folder).mkdir(parents=True)
        Path(folder, "generator.keras").write_bytes(keras_file.read_bytes())
    shipped = names.SHELF / "portrait" / "generator.keras"
    assert find_generator("portrait") == shipped
    assert find_generator(Path("portrait")) == shipped
    with pytest.raises(InputError, match=r"other: a name must be .* written \./other"):
        find_generator("other")
    assert find_generator("./other") == Path("other/generator.keras")
    assert find_generator("other/generator.keras") == Path("other/generator.keras")
    # It goes through twice: what it gives must not look like a name.
    Path("empty").mkdir()
    assert find_generator(find_generator("./empty")) == Path("empty").absolute()
