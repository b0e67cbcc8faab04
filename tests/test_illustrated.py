"""Learning from an illustrator: the loss, runs that stop and go on, what is refused."""

import dataclasses
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from helpers import assert_close
from illustrations import write_pairs
from tiny_runs import assert_same_values, final_values

from animegan_tf.data.crops import PairCrops
from animegan_tf.data.pairs import find_pairs, load_pairs, split_pairs
from animegan_tf.errors import InputError, Interrupted, TrainingError
from animegan_tf.inference import load_generator
from animegan_tf.models import (
    build_features,
    build_generator,
    main_tail,
    save_generator,
)
from animegan_tf.training.illustrated import callbacks, run
from animegan_tf.training.illustrated.learner import (
    IllustrationLearner,
    StagedRate,
    build_optimizer,
    perceptual_network,
)
from animegan_tf.training.illustrated.pack import pack
from animegan_tf.training.illustrated.run import learn
from animegan_tf.training.illustrated.settings import (
    IllustratedConfig,
    Stage,
    check_settings,
    read_stages,
)
from animegan_tf.training.saving.checkpoint import checkpoints, read_checkpoint

STAGES = "32:2:8:1e-3:0 40:1:3:1e-3:0"
# What is compiled here runs a few times only.
QUICK = {"XLA_FLAGS": "--xla_backend_optimization_level=0"}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return write_pairs(tmp_path_factory.mktemp("pairs"))


@pytest.fixture(scope="module")
def stems(folders):
    path = folders[0].parent / "stems.txt"
    path.write_text("face_5\n")
    return path


@pytest.fixture
def config(folders, stems, tmp_path):
    photos, illustrated = folders
    return IllustratedConfig(
        run_dir=tmp_path / "run",
        photos=photos,
        illustrated=illustrated,
        hold_out=stems,
        width=2,
        memory=4,
        stages=STAGES,
        faces=(20.0, 40.0),
        warm_up=2,
        log_steps=2,
    )


def learner_of(config, features=None):
    """A learner in its first stage, compiled."""
    tails = [main_tail(build_generator(4, 8)) for _ in range(2)]
    learner = IllustrationLearner(*tails, features, config)
    stages = read_stages(config.stages)
    rate = StagedRate(stages, config.warm_up, config.decay)
    optimizer = build_optimizer(rate, learner.generator.trainable_variables)
    learner.begin(stages[0], optimizer)
    return learner


def batch_of(folders, count=2, size=32):
    crops = PairCrops(load_pairs(find_pairs(*folders)), 0, (20, 40), 0.0)
    photos, drawings = zip(*[crops.draw(number, size) for number in range(count)])
    return np.stack(photos), np.stack(drawings)


# The learner.


def test_the_loss_falls_on_one_batch_and_the_average_follows(eager, folders, config):
    stages = "32:2:4000:5e-3:1"
    config = dataclasses.replace(config, stages=stages, warm_up=0)
    features = build_features("random", None)
    features = keras.Model(features.input, features.output["style"][:2])
    features.trainable = False
    learner, batch = learner_of(config, features), batch_of(folders)
    before = learner.average.get_weights()
    logs = []
    for _ in range(12):
        learner.reset_metrics()
        logs.append(learner.train_on_batch(*batch, return_dict=True))
    assert all(log["feature"] > 0 for log in logs)
    for term in ("loss", "pixel", "feature"):
        assert logs[-1][term] < 0.85 * logs[0][term]
    assert all(not weight.trainable for weight in learner.average.weights)
    ours = learner.generator.get_weights()
    for old, average, new in zip(before, learner.average.get_weights(), ours):
        assert np.any(average != old) and np.any(average != new)


def test_important_pixels_count_more(eager, folders, config):
    learner = learner_of(config)
    _, drawings = batch_of(folders)
    drawings[..., 3] = 0
    picture = np.zeros((2, 32, 32, 3), "float32")

    def pixel_term():
        learner.reset_metrics()
        learner.compute_loss(y=drawings, y_pred=picture, training=False)
        return float(learner.trackers[0].result())

    plain = pixel_term()
    target = drawings[..., :3] / 127.5 - 1
    assert plain == pytest.approx(np.abs(target).mean(), rel=1e-4)
    drawings[..., 3] = 255
    assert pixel_term() == pytest.approx(config.eyes * plain, rel=1e-4)


def test_colors_are_compared_by_squares(eager, folders, config):
    learner = learner_of(config)
    _, drawings = batch_of(folders)
    drawings[..., :3] = 127  # just below the middle: -1 / 255 of the way to an end

    def color_term(picture):
        learner.reset_metrics()
        learner.compute_loss(y=drawings, y_pred=picture, training=False)
        (tracker,) = (t for t in learner.trackers if t.name == "color")
        return float(tracker.result())

    off = np.full((2, 32, 32, 3), 0.5 - 1 / 255, "float32")
    assert color_term(off) == pytest.approx(config.color * 0.5, rel=1e-4)
    off[:, ::2] = -0.5 - 1 / 255  # as wrong in every pixel, right in the mean
    assert color_term(off) == pytest.approx(0, abs=1e-5)


def test_the_rate_rises_keeps_to_the_stages_and_falls_to_nothing():
    stages = Stage(32, 2, 100, 1e-3, 0), Stage(64, 1, 50, 1e-4, 0)
    rate = StagedRate(stages, warm_up=10, decay=0.2)
    values = np.array([float(rate(step)) for step in range(100)])
    np.testing.assert_allclose(values[[0, 4, 9, 49]], [1e-4, 5e-4, 1e-3, 1e-3], 1e-5)
    np.testing.assert_allclose(values[50:80], 1e-4, 1e-5)
    assert values[90] == pytest.approx(0.5e-4, rel=1e-4)
    assert np.all(np.diff(values[80:]) < 0) and values[-1] < 1e-6


# Runs.


def stopped_after(monkeypatch, config, step):
    """Starts or resumes a run that gets SIGTERM in a step."""
    original = callbacks.Keeper.on_train_batch_end

    def on_train_batch_end(self, batch, logs=None):
        if self.before + batch + 1 == step:
            self.signals.received = 15
        original(self, batch, logs)

    with monkeypatch.context() as patch:
        patch.setattr(callbacks.Keeper, "on_train_batch_end", on_train_batch_end)
        with pytest.raises(Interrupted, match=f"step {step} is saved"):
            learn(config, resume=config.run_dir.exists())


def log_of(config):
    lines = (config.run_dir / "log.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_a_run_that_stopped_ends_as_one_that_did_not(eager, monkeypatch, config):
    whole = dataclasses.replace(config, run_dir=config.run_dir.with_name("whole"))
    learn(whole)
    for step in (2, 4):  # within a stage and at its end
        stopped_after(monkeypatch, config, step)
    path = learn(config, resume=True)
    assert_same_values(final_values(config.run_dir), final_values(whole.run_dir))
    steps = [(line["step"], line["size"], line["loss"]) for line in log_of(config)]
    assert [step[:2] for step in steps] == [(2, 32), (4, 32), (6, 40)]
    generator = load_generator(path)
    assert generator.output_shape[-1] == 3 and generator.name == "main_tail"
    sheets = sorted(p.name for p in (config.run_dir / "samples").iterdir())
    assert sheets[-1] == "step_0000007.png"


def test_a_run_sees_no_held_out_pair(eager, monkeypatch, config):
    drawn = []

    class Watched(PairCrops):
        def __init__(self, pairs, *args):
            drawn.extend(pair.faces.tobytes() for pair in pairs)
            super().__init__(pairs, *args)

    monkeypatch.setattr(run, "PairCrops", Watched)
    changes = {"stages": "32:1:1:1e-3:0", "precision": "mixed_bfloat16"}
    learn(dataclasses.replace(config, **changes))
    pairs = find_pairs(config.photos, config.illustrated)
    assert drawn == [pair.faces.tobytes() for pair in pairs[:5]]


@pytest.mark.parametrize("width, rule", [(2, None), (4, None), (6, "2, or twice")])
def test_a_run_starts_from_a_generator_or_a_wider_one(eager, config, width, rule):
    given = config.run_dir.with_name("given.keras")
    save_generator(build_generator(2, 4), given)
    config = dataclasses.replace(config, init=given, width=width, memory=9)
    if rule:
        with pytest.raises(InputError, match=rule):
            learn(config)
        assert not config.run_dir.exists()
        return
    started = run.Run(config, config.init, [])
    photo = np.random.default_rng(0).uniform(-1, 1, (1, 32, 32, 3))
    expected = main_tail(load_generator(given))(photo, training=False)
    for model in (started.generator, started.average):
        assert np.abs(model(photo, training=False) - expected).max() < 1e-4


def test_a_loss_that_is_no_number_ends_the_run(eager, monkeypatch, config):
    monkeypatch.setattr(IllustrationLearner, "_feature", lambda *_: float("nan"))
    with pytest.raises(TrainingError, match="no longer finite"):
        learn(config)
    assert not list(config.run_dir.glob("checkpoints/step_*"))


# What is refused.


@pytest.mark.parametrize(
    "changes, named",
    [
        ({"stages": "32:2:8:1e-3"}, "--stages must hold"),
        ({"stages": ""}, "one stage or more"),
        ({"stages": "36:2:8:1e-3:0"}, "SIZE a multiple of 8"),
        ({"stages": "32:2:8:1e-3:3"}, "SEEN between 0 and BATCH"),
        ({"faces": (60.0, 40.0)}, "--faces"),
        ({"degraded": 1.5}, "--degraded must be from 0 to 1"),
        ({"ema": float("nan")}, "--ema must be from 0 to 1"),
        ({"photos": None}, "--photos must be a folder"),
    ],
)
def test_settings_that_cannot_work_are_refused(config, changes, named):
    with pytest.raises(InputError, match=named):
        check_settings(dataclasses.replace(config, **changes))


@pytest.mark.parametrize(
    "arguments, named",
    [
        (["--epochs", "3"], "--epochs"),
        (["--hold-out", "nothing.txt"], "nothing.txt"),
        (["--init", "nothing.keras"], "nothing.keras"),
        (["--perceptual-weights", "nothing.npz"], "nothing.npz"),
    ],
)
def test_the_tool_refuses_in_a_sentence_and_writes_nothing(
    run_here, monkeypatch, tmp_path, folders, stems, arguments, named
):
    monkeypatch.chdir(tmp_path)
    known = ["--illustrated", folders[1], "--photos", folders[0], "--hold-out", stems]
    status, _, err = run_here("train.py", *known, "--width", 2, *arguments)
    assert status == 2 and named in err
    assert len(err.splitlines()) == 1 and err.startswith("error: ")
    assert list(tmp_path.iterdir()) == []


def test_the_tool_goes_on_with_what_it_began(run_here, eager, monkeypatch, config):
    stopped_after(monkeypatch, dataclasses.replace(config, stages="32:1:2:1e-3:0"), 1)
    status, out, _ = run_here("train.py", "--resume", config.run_dir)
    assert status == 0 and "generator.keras" in out
    status, out, _ = run_here("train.py", "--illustrated", "x", "--help")
    assert status == 0 and "--stages" in out and "--anime" not in out
    status, out, _ = run_here("train.py", "--help")
    assert status == 0 and "--illustrated" in out and "--stages" not in out


def test_it_learns_without_tensorflow(config):
    pytest.importorskip("jax")
    flags = ["--width", "2", "--memory", "4", "--stages", "32:2:4:1e-3:0"]
    code = (
        "import sys; sys.modules['tensorflow'] = None\n"
        "from animegan_tf.cli.train_illustrated import main\n"
        f"main({[*flags, '--log-steps', '1', '--save-minutes', '0']} + sys.argv[1:])"
    )
    folders = "--illustrated", config.illustrated, "--photos", config.photos
    arguments = *folders, "--hold-out", config.hold_out, "--run-dir", config.run_dir
    subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, "KERAS_BACKEND": "jax", **QUICK},
        cwd=Path(__file__).parents[1],
        check=True,
        timeout=300,
    )
    losses = [line["loss"] for line in log_of(config)]
    assert len(losses) == 2 and np.all(np.isfinite(losses))
    # Values of the middle of an epoch, which JAX has elsewhere, are saved as well.
    second, first = map(read_checkpoint, checkpoints(config.run_dir / "checkpoints"))
    changed = [name for name in first[0] if np.any(first[0][name] != second[0][name])]
    assert sum(name.startswith("generator/") for name in changed) > 20


# Elsewhere.


def test_packed_pairs_are_learned_like_the_others(folders, stems, tmp_path):
    photos, illustrated = folders
    network = build_features("vgg16", None)
    values = {}
    for layer in network.layers:
        for name, weight in zip(("kernel", "bias"), layer.get_weights()):
            values[f"{layer.name}__{name}"] = weight
    np.savez(tmp_path / "vgg16.npz", **values)
    arguments = photos, illustrated, stems, tmp_path / "vgg16.npz"
    assert pack(tmp_path / "pairs.zip", *arguments, side=48) == 92
    with zipfile.ZipFile(tmp_path / "pairs.zip") as archive:
        archive.extractall(tmp_path / "pairs")
    packed = tmp_path / "pairs"
    training, held = split_pairs(
        packed / "photos", packed / "illustrated", packed / "hold_out.txt"
    )
    assert [pair.stem for pair in held] == ["face_5"]
    assert [pair.photo.shape for pair in load_pairs(training)] == [(48, 48, 3)] * 5
    before = find_pairs(photos, illustrated)[0].faces
    np.testing.assert_allclose(training[0].faces, 0.75 * before, rtol=1e-6)
    picture = np.random.default_rng(0).uniform(-1, 1, (1, 32, 32, 3)).astype("float32")
    of_all, of_few = (
        perceptual_network(path)(picture)
        for path in (tmp_path / "vgg16.npz", packed / "vgg16.npz")
    )
    assert_close(of_few[1], of_all[1], 1e-2)
    with pytest.raises(InputError, match="--megabytes must be above"):
        pack(tmp_path / "small.zip", *arguments, side=48, megabytes=0.001)
    assert not (tmp_path / "small.zip").exists()
