import dataclasses
import json
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from stand_ins import Grid
from tiny_runs import assert_same_values, final_values, tiny_config
from tiny_trainers import (
    SIZE,
    make_batch,
    small_features,
    small_generator,
    use_small_networks,
)

from animegan_tf.config import (
    EvaluationConfig,
    HealthConfig,
    LossWeights,
    OptimizerConfig,
    StartConfig,
    TrainConfig,
)
from animegan_tf.errors import InputError, TrainingError
from animegan_tf.evaluation.metrics import kernel_between
from animegan_tf.imaging.codec import read_image, write_image
from animegan_tf.imaging.transform import square
from animegan_tf.ops import to_float, to_uint8
from animegan_tf.samples import write_samples
from animegan_tf.settings import load_config
from animegan_tf.training import callbacks, held_out, run
from animegan_tf.training.held_out import DISTANCE, HeldOutDistance
from animegan_tf.training.pretrain import GeneratorPretrainer
from animegan_tf.training.saving.state import Progress, TrainingState
from animegan_tf.training.signals import StopSignals
from animegan_tf.training.step import WeightAverage, build_optimizer


@pytest.mark.parametrize("painted", [False, True])
def test_pretraining_lowers_its_distances(painted):
    keras.utils.set_random_seed(0)
    generator = small_generator()
    model = GeneratorPretrainer(
        generator,
        small_features(),
        LossWeights(),
        WeightAverage(generator, 0.9),
        painted,
    )
    variables = generator.trainable_variables
    model.compile(build_optimizer(2e-3, OptimizerConfig(), "float32", variables))
    batch = make_batch()
    if painted:
        batch["photo_painted"] = 0.6 - 0.3 * batch["photo"]
    history = model.fit(
        tf.data.Dataset.from_tensors(batch).repeat(),
        epochs=2,
        steps_per_epoch=15,
        shuffle=False,
        verbose=0,
    ).history
    terms = {"content", "pixel"} if painted else {"content"}
    assert set(history) == {
        f"{tail}/{t}" for tail in ("support", "main") for t in terms
    }
    for name, curve in history.items():
        assert curve[1] < (0.97 if painted else 0.9) * curve[0], name


def test_painted_photos_are_what_phase_1_learns_in_a_run(tmp_path):
    """Both tails come to paint what the photos say nothing of: a green veil."""
    write_samples(tmp_path, photos=4, anime=2, size=32, validation=1)
    veil = np.array([40, 200, 60])
    for path in (tmp_path / "train_photo").iterdir():
        mixed = 0.3 * read_image(path) + 0.7 * veil
        (tmp_path / "painted").mkdir(exist_ok=True)
        write_image(tmp_path / "painted" / path.name, mixed.astype(np.uint8))
    config = tiny_config(tmp_path, tmp_path / "run", epochs=1, steps_per_epoch=60)
    data = dataclasses.replace(config.data, photo_painted=tmp_path / "painted")
    optimizer = OptimizerConfig(pretrain_rate=5e-3, ema=0.9)
    weights = LossWeights(pretrain_pixel=50.0)
    config = dataclasses.replace(
        config, data=data, optimizer=optimizer, weights=weights
    )
    run.train(config)
    sheet = read_image(tmp_path / "run" / "samples" / "epoch_0001.png")
    photo, support, main = np.array_split(sheet, 3, axis=1)
    for tail in (support, main):
        excess = tail[..., 1].mean(dtype=float) - tail[..., ::2].mean(dtype=float)
        before = photo[..., 1].mean(dtype=float) - photo[..., ::2].mean(dtype=float)
        assert excess - before > 40
    logged = json.loads((tmp_path / "run" / "log.jsonl").read_text().splitlines()[0])
    assert {"main/pixel", "support/pixel"} <= set(logged)


def test_an_optimizer_that_was_not_built_is_refused(tmp_path):
    generator = small_generator()
    with pytest.raises(ValueError, match="'adam' must be built"):
        TrainingState(
            tmp_path,
            1,
            {"generator": generator},
            {"adam": keras.optimizers.Adam()},
            WeightAverage(generator, 0.9),
        )


# Whole runs, operation by operation: tracing a step takes longer than these do.
# test_tools.py has them as graphs.


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("samples")
    write_samples(folder, photos=6, anime=5, size=48, validation=2)
    return folder


@pytest.fixture
def config(eager, pictures, tmp_path, monkeypatch):
    use_small_networks(monkeypatch)
    return tiny_config(pictures, tmp_path / "run")


def test_a_run_writes_all_it_promises(config):
    path = run.train(dataclasses.replace(config, epochs=2, keep_checkpoints=1))
    generator = keras.saving.load_model(path)
    assert set(generator.output) == {"support", "main"}
    assert {layer.compute_dtype for layer in generator.layers} == {"float32"}
    folder = config.run_dir
    assert load_config(folder / "config.json", TrainConfig).data == config.data
    grids = sorted(p.name for p in (folder / "samples").iterdir())
    assert grids == ["epoch_0001.png", "epoch_0002.png"]
    grid = read_image(folder / "samples" / "epoch_0002.png")
    assert grid.shape[1] == 3 * 32 + 4 * 4
    assert any((folder / "tensorboard").rglob("events.*"))
    assert [p.name for p in (folder / "checkpoints").iterdir()] == ["step_00000006"]
    assert not [p for p in folder.rglob("*tmp*")]
    assert not list(folder.glob("*best*"))
    with pytest.raises(InputError, match="--resume"):
        run.train(config)


def test_nan_keeps_the_last_good_checkpoint(config, monkeypatch):
    run.train(dataclasses.replace(config, epochs=1))
    kept = final_values(config.run_dir)
    monkeypatch.setattr(run, "build_features", _nan_features)
    with pytest.raises(TrainingError, match="support/content.* step 1 of epoch 2"):
        run.train(
            dataclasses.replace(config, health=HealthConfig(bad_steps=2)), resume=True
        )
    assert "2 steps not applied" in (config.run_dir / "health.html").read_text()
    assert_same_values(kept, final_values(config.run_dir))


def _nan_features(*args, **kwargs):
    features = small_features()
    for weight in features.weights:
        weight.assign(np.full(weight.shape, np.nan))
    return features


def test_resuming_needs_a_checkpoint_that_fits(config):
    with pytest.raises(InputError, match="must hold a checkpoint"):
        run.train(config, resume=True)
    run.train(dataclasses.replace(config, epochs=1, pretrain_epochs=1))
    with pytest.raises(InputError, match="does not fit"):
        run.train(dataclasses.replace(config, width=6), resume=True)
    with pytest.raises(InputError, match="--epochs must be above the 1"):
        run.train(dataclasses.replace(config, epochs=1), resume=True)


@pytest.mark.parametrize(
    "change, match",
    [
        ({"data": {"image_size": 36}}, "--image-size must be a multiple of 8.*36"),
        ({"data": {"image_size": 24}}, "--image-size must be 32 or more, .*24"),
        ({"data": {"batch_size": 9}}, "9"),
        ({"epochs": 0}, "--epochs"),
    ],
)
def test_settings_that_cannot_work_write_nothing(config, change, match):
    if "data" in change:
        change = {"data": dataclasses.replace(config.data, **change["data"])}
    with pytest.raises(InputError, match=match):
        run.train(dataclasses.replace(config, **change))
    assert not config.run_dir.exists()


def test_starting_from_a_run_takes_its_weights_and_starts_anew(config):
    run.train(dataclasses.replace(config, epochs=1))
    kept = final_values(config.run_dir)
    new = dataclasses.replace(
        config,
        run_dir=config.run_dir.with_name("new"),
        epochs=1,
        optimizer=OptimizerConfig(pretrain_rate=1e-12),
        start=StartConfig(init=config.run_dir),
        width=6,
    )
    run.train(new)
    after = final_values(new.run_dir)
    networks = ("generator/", "support_discriminator/", "main_discriminator/")
    trained = [n for n in kept if n.startswith(networks) and n.endswith("/kernel")]
    assert len({name.split("/")[0] for name in trained}) == 3
    for name in trained:
        np.testing.assert_allclose(after[name], kept[name], atol=1e-6, err_msg=name)
    assert load_config(new.run_dir / "config.json", TrainConfig).width == config.width


# Held-out pictures.


@pytest.fixture
def judged(config, pictures, monkeypatch):
    """Settings of a run that compares its epochs by a stand-in for InceptionV3."""
    monkeypatch.setattr(held_out, "open_inception", lambda path: Grid("grid", path))
    evaluation = EvaluationConfig(
        evaluate_every=1,
        evaluate_photos=pictures / "val",
        evaluate_anime=pictures / "val_anime",
        evaluate_network="weights",
    )
    return dataclasses.replace(config, steps_per_epoch=1, evaluation=evaluation)


def held_out_distance(generator, pictures):
    """The kernel distance of the held-out photos as a generator paints them."""
    grid, sets = Grid("grid", None), []
    for name in ("val", "val_anime"):
        images = [read_image(path) for path in sorted((pictures / name).iterdir())]
        if name == "val":
            photos = np.stack([square(image, SIZE) for image in images])
            images = np.asarray(to_uint8(generator(to_float(photos))["main"]))
        sets.append(grid.cells([grid.prepare(image) for image in images]))
    return kernel_between(*sets)


def test_the_best_epoch_by_held_out_pictures_is_kept(judged, pictures):
    path = run.train(judged)
    lines = (judged.run_dir / "log.jsonl").read_text().splitlines()
    distances = {x["epoch"]: x.get(DISTANCE) for x in map(json.loads, lines)}
    assert distances.pop(1) is None  # phase 1 paints nothing yet
    assert len(set(distances.values())) == 2
    best = json.loads((judged.run_dir / "best.json").read_text())
    assert best == {
        "epoch": min(distances, key=distances.get),
        "kernel_distance": min(distances.values()),
        "network": "hash-of-grid",
        "photos": 2,
        "anime": 2,
    }
    for name, expected in (("generator_best", best["epoch"]), ("generator", 3)):
        generator = keras.saving.load_model(path.with_name(f"{name}.keras"))
        found = held_out_distance(generator, pictures)
        assert found == pytest.approx(distances[expected], rel=1e-3)
    events = b"".join(p.read_bytes() for p in judged.run_dir.rglob("events.*"))
    assert f"epoch_{DISTANCE}".encode() in events


@pytest.fixture
def judge(judged, monkeypatch):
    """Function that makes a judge, and one from figures to what it does with them.

    The latter gives the epochs measured, and that after which training ends or None.
    """
    judged.run_dir.mkdir()

    def make(last=99, **changes):
        return HeldOutDistance(
            small_generator(),
            dataclasses.replace(judged.evaluation, **changes),
            judged.data,
            judged.run_dir / "generator_best.keras",
            last,
        )

    def follow(callback, figures, first=0):
        figures, measured = iter(figures), []
        monkeypatch.setattr(held_out, "kernel_between", lambda a, b: next(figures))
        callback.set_model(SimpleNamespace(stop_training=False))
        for epoch in range(first, callback.last):
            logs = {}
            callback.on_epoch_end(epoch, logs)
            measured += [epoch + 1] if DISTANCE in logs else []
            if callback.model.stop_training:
                return measured, epoch + 1
        return measured, None

    return make, follow


def best_of(judged):
    best = json.loads((judged.run_dir / "best.json").read_text())
    return best["epoch"], best["kernel_distance"]


def test_training_ends_when_nothing_better_comes(judge, judged, capsys):
    make, follow = judge
    figures = [3.0, 1.0, 2.0, 1.5, 0.5]
    assert follow(make(patience=2, last=5), figures) == ([1, 2, 3, 4], 4)
    assert best_of(judged) == (2, 1.0)
    assert "epoch 2, 1, was not undercut by the last 2" in capsys.readouterr().out
    kept = (judged.run_dir / "generator_best.keras").read_bytes()
    # What was best before counts when a run goes on.
    assert follow(make(patience=3), [9.0], first=4) == ([5], 5)
    assert best_of(judged) == (2, 1.0)
    assert (judged.run_dir / "generator_best.keras").read_bytes() == kept
    assert follow(make(last=6), [9.0, 0.5], first=4) == ([5, 6], None)
    assert best_of(judged) == (6, 0.5)


def test_epochs_between_are_not_measured_but_the_last_is(judge):
    make, follow = judge
    assert follow(make(evaluate_every=3, last=7), [3.0] * 3) == ([3, 6, 7], None)


def test_patience_counts_measurements(judge):
    make, follow = judge
    every = {"evaluate_every": 2, "patience": 2, "last": 12}
    assert follow(make(**every), [1.0, 2.0, 3.0]) == ([2, 4, 6], 6)


def test_the_epoch_that_ends_training_is_saved(judged, monkeypatch):
    saved = []
    monkeypatch.setattr(callbacks, "save_generator", lambda *_: None)
    progress = Progress(epoch=5, step=1, steps=1)
    state = SimpleNamespace(
        save=lambda: saved.append(progress.epoch),
        require_finite=lambda: None,
        models={"generator": None},
        progress=progress,
        writes=True,
        saved=0,
    )
    often = dataclasses.replace(judged, save_every=5, epochs=100)
    keeper = callbacks.Keeper(
        *(state, SimpleNamespace(model=None), judged.run_dir / "g.keras"),
        *(often, StopSignals()),
    )
    grid = callbacks.SampleGrid(None, [], judged.run_dir, 5, 100)
    monkeypatch.setattr(grid, "write", lambda path: saved.append(path.name))
    for stop in (False, True):
        progress.epoch = 6
        for callback in (keeper, grid):
            callback.set_model(SimpleNamespace(stop_training=stop))
            callback.on_epoch_end(6)
        assert saved == ([7, "epoch_0007.png"] if stop else [])


def test_held_out_pictures_that_do_not_do_begin_no_run(judged, tmp_path):
    (tmp_path / "one").mkdir()
    write_image(tmp_path / "one" / "a.png", np.zeros((40, 40, 3), np.uint8))
    for name, value, match in (
        ("evaluate_photos", tmp_path / "one", "two held-out pictures .* 1 and 2"),
        ("evaluate_anime", tmp_path / "none", "none"),
        ("evaluate_network", None, "--evaluate-network must be given"),
    ):
        evaluation = dataclasses.replace(judged.evaluation, **{name: value})
        with pytest.raises(InputError, match=match):
            run.train(dataclasses.replace(judged, evaluation=evaluation))
    assert not judged.run_dir.exists()


def test_a_record_of_other_pictures_is_refused(judge, judged):
    make, _ = judge
    record = {"epoch": 1, "kernel_distance": 0, "network": "x", "photos": 2, "anime": 2}
    for text, match in (
        ("{", "must be a record of this run"),
        ('{"epoch": 1}', "must be a record of this run"),
        (json.dumps(record), "of the same held-out pictures and network"),
    ):
        (judged.run_dir / "best.json").write_text(text)
        with pytest.raises(InputError, match=match):
            make()
