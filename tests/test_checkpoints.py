"""Checkpoints of the authors' TF1 code, written here, paint here as they did there."""

import errno
import os
import shutil
from functools import partial

import numpy as np
import pytest
import tensorflow as tf
from helpers import (
    DISCRIMINATOR,
    GENERATOR,
    assert_close,
    discriminator_names,
    generator_names,
    recipe_weights,
    reference,
)

from animegan_tf.checkpoints import authors_variables, import_checkpoint
from animegan_tf.errors import InputError
from animegan_tf.export import export_litert
from animegan_tf.inference import Stylizer, load_generator
from animegan_tf.models import (
    build_discriminator,
    build_generator,
    main_tail,
    save_generator,
)
from animegan_tf.ops import to_float, to_uint8

NAME = "AnimeGANv3.model-99"
NORM = ["Variable", "Variable_1", "Variable_2", "Variable_3"]


def authors_shapes(names):
    """Shapes by name; the memory is the kernel of a 1-D convolution there."""
    shapes = {name: tuple(variable.shape) for name, variable in names.items()}
    return {
        name: (1, *shape) if name.endswith("attention/kernel") else shape
        for name, shape in shapes.items()
    }


def generator_values(width=32, memory=128):
    """Weights of a generator in the authors' shapes, by their names."""
    names = generator_names(build_generator(width, memory))
    return recipe_weights(GENERATOR, authors_shapes(names))


def without_support(values):
    return {name: value for name, value in values.items() if "support" not in name}


def of_a_training_run(values):
    """The weights with all else that the authors' training saves.

    That is two discriminators, Adam's moments, and a second batch normalisation in
    each attention, in the scope in which the generator is built again to paint.
    """
    shapes = authors_shapes(discriminator_names(build_discriminator(4)))
    judges = recipe_weights(DISCRIMINATOR, shapes)
    everything = {**values, **judges}
    for name, value in judges.items():
        everything[name.replace("discriminator", "discriminator_main", 1)] = value
    trained = [name for name in everything if not name.endswith(("_2", "_3", "/u"))]
    rng = np.random.default_rng(0)
    for name in trained:
        for slot in ("Adam", "Adam_1"):
            moment = rng.normal(0, 0.1, everything[name].shape)
            everything[f"{name}/{slot}"] = moment.astype("float32")
    everything["beta1_power"] = everything["beta2_power"] = np.float32(0.5)
    for name, value in values.items():
        if name.split("/")[-1] in NORM:
            everything[name.replace("generator", "generator_1", 1)] = value
            # Nobody painted with these.
            everything[name] = np.full_like(value, 3)
    return everything


def write(folder, values, meta=False):
    """Saves variables as TF1 programs do; the prefix of the files."""
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        variables = [
            v1.get_variable(name, initializer=value, use_resource=False)
            for name, value in values.items()
        ]
        session.run(v1.global_variables_initializer())
        v1.train.Saver(variables).save(
            session, str(folder / NAME), write_meta_graph=meta
        )
    return folder / NAME


@pytest.fixture(scope="module")
def values():
    return generator_values(4, 8)


@pytest.fixture(scope="module")
def checkpoint(values, tmp_path_factory):
    """Prefix of a checkpoint of a narrow generator, with all its files."""
    return write(tmp_path_factory.mktemp("checkpoint"), values, meta=True)


@pytest.fixture
def copy(checkpoint, tmp_path):
    """Prefix of a copy that a test may damage."""
    folder = tmp_path / "copy"
    shutil.copytree(checkpoint.parent, folder)
    return folder / NAME


def assert_holds(model, values):
    for name, variable in authors_variables(model).items():
        expected = values[name].reshape(variable.shape)
        np.testing.assert_array_equal(variable.numpy(), expected)


# Numbers of the authors' code.


@pytest.fixture(scope="module")
def photo():
    return np.asarray(to_float(reference()["photo_uint8"]))


def assert_paints(picture, tail):
    expected = reference()[f"G_{tail}_inference_asymmetric"]
    assert_close(np.asarray(picture)[:, ::4, ::4], expected, 1e-4)


def test_a_training_checkpoint_paints_as_the_authors_code(photo, tmp_path):
    prefix = write(tmp_path, of_a_training_run(generator_values()))
    model = import_checkpoint(prefix)
    painted = model(photo, training=False)
    for tail in ("support", "main"):
        assert_paints(painted[tail], tail)
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}


def test_a_generator_file_paints_as_the_authors_code(photo, tmp_path):
    prefix = write(tmp_path, without_support(generator_values()))
    model = import_checkpoint(prefix)
    assert_paints(model(photo, training=False), "main")
    assert not [w.path for w in model.weights if "support" in w.path]


def test_names_are_those_of_the_authors_code():
    names = authors_variables(build_generator(4))
    assert sorted(names) == sorted(reference()["names/generator"])


# Where a checkpoint is found.


@pytest.mark.parametrize(
    "name",
    [NAME, f"{NAME}.index", f"{NAME}.meta", f"{NAME}.data-00000-of-00001"]
    + ["checkpoint", ""],
)
def test_a_checkpoint_is_known_by_any_of_its_names(checkpoint, values, name):
    assert (checkpoint.parent / name).exists() or name == NAME
    model = import_checkpoint(checkpoint.parent / name)
    assert isinstance(model.output, dict)
    assert_holds(model, values)


@pytest.mark.parametrize(
    "text",
    [None, b"\xff\xfe\x00", b'model_checkpoint_path: "lost"'],
    ids=["none", "bytes", "lost"],
)
def test_the_only_checkpoint_of_a_folder_needs_no_file_that_names_it(
    copy, values, text
):
    (copy.parent / "checkpoint").unlink()
    if text is not None:
        (copy.parent / "checkpoint").write_bytes(text)
    assert_holds(import_checkpoint(copy.parent), values)


@pytest.mark.parametrize("old", ["/home/they", "C:\\\\them"])
def test_a_moved_folder_of_several_still_names_its_newest(copy, values, old):
    other = {name: value + 1 for name, value in values.items()}
    (copy.parent / "other").mkdir()
    for file in write(copy.parent / "other", other).parent.glob(f"{NAME}.*"):
        file.rename(copy.parent / file.name.replace("99", "98"))
    separator = "\\\\" if "\\" in old else "/"
    text = f'model_checkpoint_path: "{old}{separator}{NAME}"\n'
    (copy.parent / "checkpoint").write_text(text)
    assert_holds(import_checkpoint(copy.parent), values)
    (copy.parent / "checkpoint").unlink()
    with pytest.raises(InputError, match="received 2 .index files"):
        import_checkpoint(copy.parent)


@pytest.mark.parametrize("scope", ["", "net/generator/"])
def test_another_scope_around_the_generator_is_found(values, tmp_path, scope):
    renamed = {n.replace("generator/", scope, 1): v for n, v in values.items()}
    assert_holds(import_checkpoint(write(tmp_path, renamed)), values)


# What is refused.


def refused(path, *named):
    with pytest.raises(InputError) as caught:
        import_checkpoint(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ") and message.endswith(".")
    assert "\n" not in message
    for value in named:
        assert value in message


def test_missing_variables_are_named(values, tmp_path):
    gone = [f"generator/base/Conv_{i}/weights" for i in (3, 4, 5, 6, 7)]
    fewer = {name: value for name, value in values.items() if name not in gone}
    refused(write(tmp_path, fewer), *gone[:3], "and 2 more")


def test_a_support_tail_in_parts_is_refused(values, tmp_path):
    name = "generator/support/External_attention/Variable_2"
    fewer = {other: value for other, value in values.items() if other != name}
    refused(write(tmp_path, fewer), f"no {name}.")


@pytest.mark.parametrize(
    "name, shape, expected",
    [
        ("base/Conv", (5, 5, 3, 4), "(7, 7, 3, width)"),
        ("base/Conv", (), "(7, 7, 3, width)"),
        ("base/Conv", (7, 7, 3, 8), "base/Conv_1/weights of (1, 1, 4, 4)"),
        ("main/Conv_12", (7, 7, 4, 1), "(7, 7, 4, 1) in place of (7, 7, 4, 3)"),
        ("main/External_attention/kernel", (16, 8), "in place of (1, 16, 8)"),
    ],
)
def test_misshapen_variables_are_named(values, tmp_path, name, shape, expected):
    name = f"generator/{name}" if "kernel" in name else f"generator/{name}/weights"
    changed = {**values, name: np.zeros(shape, "float32")}
    refused(write(tmp_path, changed), name.split("/weights")[0], expected)


def test_weights_that_are_no_numbers_are_named(values, tmp_path):
    name = "generator/main/Conv_3/weights"
    changed = {**values, name: np.full_like(values[name], np.nan)}
    refused(write(tmp_path, changed), name, "finite")


def test_a_checkpoint_of_something_else_is_refused(tmp_path):
    other = {"generator/G_MODEL/A/Conv/weights": np.zeros((7, 7, 3, 4), "float32")}
    refused(write(tmp_path, other), "AnimeGANv3", *other)
    tf.train.Checkpoint(step=tf.Variable(1)).write(str(tmp_path / "second"))
    refused(tmp_path / "second", "AnimeGANv3", "step")


@pytest.mark.parametrize("suffix", ["index", "data-00000-of-00001"])
def test_truncated_files_are_refused(copy, suffix):
    file = copy.with_name(f"{NAME}.{suffix}")
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * 0.9)])
    refused(copy, "readable")


def test_changed_bytes_and_lost_data_are_refused(copy):
    file = copy.with_name(f"{NAME}.data-00000-of-00001")
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    refused(copy, "readable", "Checksum")
    file.unlink()
    refused(copy, "readable")


def test_what_is_no_checkpoint_is_refused(tmp_path):
    refused(tmp_path / "nowhere", "nowhere.index")
    refused(tmp_path, "received 0 .index files")
    (tmp_path / "photo.jpg").write_bytes(b"picture")
    refused(tmp_path / "photo.jpg", "photo.jpg.index")


# What can be done with the model.


def test_an_imported_model_paints_and_converts_at_other_sizes(checkpoint, tmp_path):
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    model = import_checkpoint(checkpoint)
    noise = np.random.default_rng(0).uniform(-1, 1, (2, 24, 40, 3)).astype("float32")
    assert model(noise)["support"].shape == noise.shape
    expected = main_tail(model)(noise[:1])
    path = export_litert(model, tmp_path / "model.tflite", size=(24, 40))
    run = litert.Interpreter(str(path)).get_signature_runner()
    assert_close(run(image=noise[:1])["picture"], expected, 1e-3)


def test_a_written_generator_is_taken_by_the_stylizer(checkpoint, tmp_path):
    model = import_checkpoint(checkpoint)
    save_generator(model, tmp_path / "generator.keras")
    photo = np.random.default_rng(1).integers(0, 256, (51, 70, 3), dtype="uint8")
    picture = Stylizer(tmp_path / "generator.keras")(photo)
    padded = np.pad(photo, [(0, 5), (0, 2), (0, 0)], mode="reflect")
    expected = to_uint8(main_tail(model)(to_float(padded[None])))[0, :51, :70]
    assert np.abs(picture.astype(int) - expected).max() <= 1


# The tool.


@pytest.fixture
def tool(monkeypatch, run_here, tmp_path):
    """Runs the tool inside `tmp_path`; its status, output and errors."""
    monkeypatch.chdir(tmp_path)
    return partial(run_here, "import_checkpoint.py")


@pytest.mark.parametrize("tails", ["both", "main"])
def test_the_tool_writes_a_generator_that_paints_the_same(
    tool, values, tmp_path, tails
):
    kept = values if tails == "both" else without_support(values)
    prefix = write(tmp_path, kept)
    status, out, err = tool(prefix, "-o", "generator.keras")
    assert (status, out) == (0, "generator.keras\n"), err
    loaded = load_generator("generator.keras")
    assert_holds(loaded, values)
    assert isinstance(loaded.output, dict) == (tails == "both")
    # The other convention of upsampling would paint otherwise.
    noise = np.random.default_rng(1).uniform(-1, 1, (1, 16, 24, 3)).astype("float32")
    picture = main_tail(loaded)(noise)
    expected = main_tail(import_checkpoint(prefix))(noise)
    np.testing.assert_array_equal(picture, expected)
    other = main_tail(build_generator(4, 8))
    other.set_weights(main_tail(loaded).get_weights())
    assert np.abs(other(noise) - picture).max() > 0.01


def test_the_tool_keeps_a_generator_that_is_there(tool, checkpoint, tmp_path):
    path = tmp_path / "generator.keras"
    path.write_text("old")
    status, _, err = tool(checkpoint, "-o", path)
    assert (status, path.read_text()) == (2, "old")
    assert err.startswith(f"error: {path}: ") and "--overwrite" in err
    assert tool(checkpoint, "-o", path, "--overwrite")[0] == 0
    load_generator(path)


@pytest.mark.parametrize(
    "output, named", [("generator.h5", ".keras"), ("nowhere/generator.keras", "folder")]
)
def test_the_tool_refuses_a_name_before_it_reads(tool, output, named):
    status, out, err = tool("no_checkpoint", "-o", output)
    assert (status, out) == (2, "")
    assert err.startswith(f"error: {output}: ") and named in err


@pytest.mark.parametrize("fault", ["absent", "damaged", "full"])
def test_the_tool_leaves_nothing_behind_when_it_fails(
    tool, copy, tmp_path, monkeypatch, fault
):
    if fault == "absent":
        copy = copy.with_name("lost")
    elif fault == "damaged":
        copy.with_name(f"{NAME}.index").write_text("damaged")
    else:

        def no_space(file):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "fsync", no_space)
    status, out, err = tool(copy, "-o", "generator.keras")
    assert (status, out) == (2, "")
    assert err.count("error: ") == 1 and err.count("\n") == 1
    assert list(tmp_path.iterdir()) == [copy.parent]
