"""Runs that start from trained generators, and models that are found by name."""

import dataclasses
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_runs import tiny_config

from animegan_tf.config import (
    StartConfig,
    TrainConfig,
    check_config,
)
from animegan_tf.errors import InputError
from animegan_tf.imaging.codec import read_image, write_image
from animegan_tf.inference import find_generator, find_start, load_generator, names
from animegan_tf.models import (
    build_features,
    build_generator,
    generator_shape,
    main_tail,
)
from animegan_tf.samples import write_samples
from animegan_tf.settings import load_config
from animegan_tf.training import build, run
from animegan_tf.training.start import Start


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("samples")
    write_samples(folder, photos=2, anime=2, size=40, validation=1)
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A generator that no defaults of ours would build, and its main tail alone."""
    folder = tmp_path_factory.mktemp("trained")
    keras.utils.set_random_seed(7)
    model = build_generator(6, memory=8, resize="corner")
    norm = model.get_layer("support_attention").norm
    norm.moving_mean.assign(np.full(norm.moving_mean.shape, 0.5))
    model.save(folder / "generator.keras")
    main_tail(model).save(folder / "main.keras")
    return folder


@pytest.fixture
def config(pictures, trained, tmp_path):
    start = StartConfig(init=str(trained / "generator.keras"))
    settings = {"pretrain_epochs": 0, "epochs": 1, "steps_per_epoch": 1}
    return tiny_config(pictures, tmp_path / "run", start=start, **settings)


def with_start(config, **changes):
    start = dataclasses.replace(config.start, **changes)
    return dataclasses.replace(config, start=start)


def weights(path):
    """`{layer: [arrays]}` of a generator's file."""
    layers = keras.saving.load_model(path, compile=False).layers
    return {layer.name: layer.get_weights() for layer in layers if layer.weights}


def assert_same(found, expected, names):
    for name in names:
        for a, b in zip(found[name], expected[name], strict=True):
            np.testing.assert_array_equal(a, b, err_msg=name)


def moved(found, before):
    """Names of the layers whose kernels differ."""
    return {n for n in before if np.abs(found[n][0] - before[n][0]).max() > 0}


# Runs.


def test_a_frozen_base_stays_while_the_tails_move_also_when_resumed(
    eager, config, trained
):
    # Of phase 1, which takes less time than phase 2 to prepare.
    config = dataclasses.replace(config, pretrain_epochs=9)
    config = with_start(config, freeze="base")
    path = run.train(config)
    before = weights(trained / "generator.keras")
    base = {name for name in before if name.startswith("base_")}
    saved = load_config(config.run_dir / "config.json", TrainConfig)
    # Shape by the file, and kept for those who go on without it.
    assert (saved.width, saved.memory, saved.upsampling) == (6, 8, "corner")
    assert saved.start.freeze == "base"
    moved_file = Path(config.start.init).rename(trained / "away.keras")
    try:
        run.train(dataclasses.replace(saved, epochs=2), resume=True)
    finally:
        moved_file.rename(config.start.init)
    for name in ("generator.keras", "generator_raw.keras"):
        after = weights(path.with_name(name))
        assert len(base) == 14 and moved(after, before) == set(before) - base
    # It can be thawed: the file does not know what was frozen.
    assert len(load_generator(path).trainable_variables) == 50
    with pytest.raises(InputError, match="does not fit"):
        run.train(with_start(dataclasses.replace(saved, epochs=3), freeze="none"), True)


def test_a_frozen_base_costs_neither_gradients_nor_slots(config):
    config = with_start(config, freeze="base")
    config = dataclasses.replace(config, precision="mixed_float16")
    pretrainer, trainer = build.build_trainers(config, build_features("random", None))
    kernels = {v.path for v in trainer.generator.variables if v.path.startswith("base")}
    asked = []
    gradient = tf.GradientTape.gradient

    class Watching:
        def gradient(self, target, sources, *args, **kwargs):
            flat = tf.nest.flatten(sources)
            asked.extend(v.path for v in flat if isinstance(v, keras.Variable))
            return gradient(self, target, sources, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tf.GradientTape, "gradient", Watching.gradient)
        batch = np.random.default_rng(0).uniform(-1, 1, (2, 32, 32, 3))
        batch = tf.constant(batch, tf.float32)
        names = ("photo", "photo_superpixels", "anime", "anime_smooth")
        logs = trainer.train_step(dict.fromkeys(names, batch))
    assert all(np.isfinite(float(value)) for value in logs.values())
    assert any(path.startswith("support_") for path in asked)
    assert not kernels & set(asked)
    assert len(kernels) == 14
    for model in (pretrainer, trainer):
        slots = [v.path for v in model.generator_optimizer.variables]
        assert any("support_0_before_conv" in path for path in slots)
        assert not any("base_" in path for path in slots)


def started(config):
    """The trainer of a run before its first step."""
    start = Start(config.start.init)
    features = build_features("random", None)
    _, trainer = build.build_trainers(start.shaped(config), features)
    start.give(trainer, None)
    return trainer


def layers_of(model):
    return {layer.name: layer.get_weights() for layer in model.layers if layer.weights}


def test_the_generator_and_its_average_start_from_the_file(config, trained):
    trainer = started(dataclasses.replace(config, precision="mixed_bfloat16"))
    before = weights(trained / "generator.keras")
    assert_same(layers_of(trainer.generator), before, before)
    assert_same(layers_of(trainer.average.model), before, before)
    assert trainer.generator.get_layer("base_0_conv").compute_dtype == "bfloat16"
    assert trainer.generator.get_layer("main_0_up").convention == "corner"


def test_a_missing_support_tail_starts_as_the_main_one(config, trained, capsys):
    trainer = started(with_start(config, init=trained / "main.keras"))
    told = capsys.readouterr().out
    assert "main.keras has no support tail: it starts as the main one" in told
    before = weights(trained / "main.keras")
    tail = {n.replace("main", "support"): v for n, v in before.items()}
    assert_same(layers_of(trainer.generator), before | tail, before | tail)


def test_every_shape_is_told_from_the_generator():
    for resize in ("nearest", "transposed"):
        shape = {"width": 5, "memory": 7, "resize": resize}
        assert generator_shape(build_generator(**shape)) == shape
        assert generator_shape(main_tail(build_generator(**shape))) == shape


@pytest.mark.parametrize("name", ["other.keras", "nowhere", "text.keras", "run"])
def test_what_training_cannot_start_from_begins_no_run(config, tmp_path, name):
    picture = keras.Input((None, None, 3))
    plain = keras.layers.Conv2D(3, 1, name="conv")(picture)
    keras.Model(picture, plain).save(tmp_path / "other.keras")
    (tmp_path / "text.keras").write_text("no network")
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    config = dataclasses.replace(config, run_dir=tmp_path / "new")
    with pytest.raises(InputError, match=name):
        run.train(with_start(config, init=tmp_path / name))
    assert not config.run_dir.exists()


def test_nothing_is_frozen_that_was_not_trained():
    with pytest.raises(
        InputError, match="--freeze must be none without --init, .*base"
    ):
        check_config(TrainConfig(start=StartConfig(freeze="base")))


# Names.


@pytest.fixture
def shelf(tmp_path, monkeypatch, trained):
    """Working folder with the `saved_models`: a generator, and a SavedModel."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(names, "SHELF", tmp_path / "saved_models")
    folder = tmp_path / "saved_models" / "portrait"
    folder.mkdir(parents=True)
    (folder / "generator.keras").symlink_to(trained / "generator.keras")
    (folder / "1").mkdir()
    (folder.with_name("served") / "2").mkdir(parents=True)
    return tmp_path


def test_models_are_found_by_name_and_by_path(shelf):
    saved_models = shelf / "saved_models"
    (shelf / "portrait").mkdir()  # of photos, perhaps
    assert find_generator("portrait") == saved_models / "portrait" / "generator.keras"
    assert find_generator("served") == saved_models / "served"
    assert find_generator("saved_models/served/2").name == "2"
    assert find_start("portrait").name == "generator.keras"
    (shelf / "portrait" / "generator.keras").touch()
    assert str(find_generator("./portrait")) == "portrait/generator.keras"
    assert str(find_generator("sub/served")) == "sub/served"
    (shelf / "run" / "checkpoints").mkdir(parents=True)
    assert str(find_start("./run")) == "run"
    for name in ("served", "sub/portrait", "./saved_models"):
        with pytest.raises(InputError, match=f"--init must name .* received {name}"):
            find_start(name)
    for name in ("nowhere", "run"):
        with pytest.raises(InputError, match=rf"{name}: a name must .* \./{name}\."):
            find_start(name)


def test_tools_take_names(shelf, run_here):
    write_image(shelf / "a.png", np.zeros((24, 32, 3), np.uint8))
    line = "stylize.py a.png -o b.png --generator portrait"
    assert run_here(*line.split())[0] == 0
    assert read_image(shelf / "b.png").shape == (24, 32, 3)
    status, _, err = run_here(*line.replace("portrait", "nowhere").split())
    assert status == 2 and "nowhere: a name must be that of a model" in err


def test_train_py_starts_from_a_name(shelf, run_here, monkeypatch):
    caught = []

    def train(config, resume):
        caught.append(config)
        (shelf / "samples").mkdir(exist_ok=True)
        (shelf / "samples" / "epoch_0001.png").touch()
        return shelf / "generator.keras"

    monkeypatch.setattr(run, "train", train)
    monkeypatch.setattr(run, "with_sample_data", lambda config: config)
    assert run_here("train.py", "--init", "portrait")[0] == 0
    flags = "--init=portrait --pretrain-epochs 2 --freeze base"
    assert run_here("train.py", *flags.split())[0] == 0
    assert run_here("train.py")[0] == 0
    # Painted photos are for phase 1, so that it is not left out.
    line = f"--init portrait --photos {shelf} --anime {shelf} --photo-painted {shelf}"
    write_image(shelf / "a.png", np.zeros((40, 40, 3), np.uint8))
    assert run_here("train.py", *line.split())[0] == 0
    assert [c.pretrain_epochs for c in caught] == [0, 2, 1, 5]
    assert [c.start.freeze for c in caught] == ["none", "base", "none", "none"]
    assert str(caught[0].start.init) == "portrait"
    for line, named in (
        ("--init served", "served"),
        ("--resume run --init portrait", "--init do not go with it"),
        ("--freeze base", "none without --init"),
    ):
        status, _, err = run_here("train.py", *line.split())
        assert status == 2 and named in err.splitlines()[-1]
