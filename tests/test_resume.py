"""Runs that stop in every way there is, and go on."""

import dataclasses
import json
import os
import random
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorflow.python.framework.config import disable_op_determinism
from tiny_runs import assert_same_values, final_values, log_of, tiny_config
from tiny_trainers import use_small_networks

from animegan_tf.config import OptimizerConfig
from animegan_tf.errors import InputError, Interrupted, TrainingError
from animegan_tf.samples import write_samples
from animegan_tf.training import build, run
from animegan_tf.training.health.readings import FIGURES
from animegan_tf.training.saving import checkpoint
from animegan_tf.training.saving.checkpoint import (
    checkpoints,
    newest_checkpoint,
    read_checkpoint,
    write_checkpoint,
)
from animegan_tf.training.saving.lock import owned
from animegan_tf.training.saving.state import TrainingState
from animegan_tf.training.signals import StopSignals
from animegan_tf.training.step import WeightAverage, build_optimizer

BENCHMARK = Path(__file__).parents[1] / "tools" / "benchmark.py"


# Whole runs, whose steps are computed operation by operation: tracing them takes longer
# than these runs. The benchmark `kills` has them as graphs too.


@pytest.fixture(scope="module")
def eager():
    tf.config.run_functions_eagerly(True)
    with pytest.MonkeyPatch.context() as patch:
        use_small_networks(patch)
        yield
    tf.config.run_functions_eagerly(False)
    disable_op_determinism()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("samples")
    write_samples(folder, photos=6, anime=5, size=48, validation=1)
    return folder


@pytest.fixture(scope="module")
def whole(eager, pictures, tmp_path_factory):
    """Settings of a run of two epochs, one a phase, that nothing interrupted."""
    config = tiny_config(
        *(pictures, tmp_path_factory.mktemp("runs") / "whole"),
        **{"epochs": 2, "steps_per_epoch": 2, "save_steps": 1, "deterministic": True},
    )
    run.train(config)
    return config


class After(keras.callbacks.Callback):
    """Does something after the n-th step from here."""

    def __init__(self, steps, action):
        super().__init__()
        self.steps, self.action = steps, action

    def on_train_batch_end(self, batch, logs=None):
        self.steps -= 1
        if self.steps == 0:
            self.action()


class Crash(Exception):
    pass


def crash():
    raise Crash


def curves_of(run_dir):
    """`[(step, name), ...]` of what TensorBoard shows."""
    found = []
    for path in sorted((run_dir / "tensorboard" / "train").iterdir()):
        for event in EventFileLoader(str(path)).Load():
            found += [(event.step, value.tag) for value in event.summary.value]
    return found


def test_a_run_stopped_in_both_phases_ends_like_one_that_was_not(whole, capsys):
    part = dataclasses.replace(whole, run_dir=whole.run_dir.with_name("part"))
    handlers = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    # In the middle of phase 1, after its first step is saved.
    with pytest.raises(Crash):
        run.train(part, callbacks=[After(2, crash)])
    assert newest_checkpoint(part.run_dir / "checkpoints").name == "step_00000001"
    # A line of the epoch that is lost with its last step, and half a line.
    with open(part.run_dir / "log.jsonl", "a") as file:
        file.write('{"epoch": 1, "phase": "pretrain"}\n{"epo')
    # On, through the switch, into phase 2.
    part = dataclasses.replace(part, save_steps=0)
    stop = After(2, lambda: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(Interrupted, match="SIGTERM, step 1 of epoch 2 is saved") as e:
        run.train(part, resume=True, callbacks=[stop])
    assert f"--resume {part.run_dir}" in str(e.value)
    assert e.value.signal == signal.SIGTERM
    run.train(part, resume=True)
    assert "adversarial: epoch 2 from step 2 of 2 on" in capsys.readouterr().out
    assert (
        signal.getsignal(signal.SIGTERM),
        signal.getsignal(signal.SIGINT),
    ) == handlers
    assert_same_values(final_values(whole.run_dir), final_values(part.run_dir))
    assert log_of(part.run_dir) == log_of(whole.run_dir)
    lines = log_of(part.run_dir, times=True)
    assert [(x["epoch"], x["steps"]) for x in lines] == [(1, 2), (2, 2)]
    assert lines[1]["seconds_per_step"] > lines[1]["target_seconds_per_step"] > 0
    curves = curves_of(part.run_dir)
    assert sorted(curves) == sorted(curves_of(whole.run_dir))
    assert len(curves) == len(set(curves)) == 2 + 17 + len(FIGURES)


def test_a_checkpoint_holds_all_that_a_run_is(whole):
    values = final_values(whole.run_dir)
    groups = {name.split("/")[0] for name in values}
    assert groups == {
        *("generator", "support_discriminator", "main_discriminator", "average"),
        *("pretrain_optimizer", "generator_optimizer", "discriminator_optimizer"),
        *("objective", "means"),
    }
    endings = {name.split("/")[-1] for name in values if "discrim" in name}
    assert {"kernel", "u", "iteration"} <= endings
    assert {float(v) for k, v in values.items() if "average_updates" in k} == {4}
    assert any(ending.endswith("_momentum") for ending in endings)


def test_changed_settings_count_where_they_can(whole):
    state = read_checkpoint(newest_checkpoint(whole.run_dir / "checkpoints"))[1]
    assert state["progress"]["taken"] == 4 and state["progress"]["epoch"] == 2
    config = dataclasses.replace(
        whole, epochs=9, optimizer=OptimizerConfig(generator_rate=3e-5)
    )
    tf.random.get_global_generator()  # keras-cv calls it, also in deterministic runs
    pretrainer, trainer = build.build_trainers(config, lambda x: x)
    made = build.training_state(
        config, run.RunFiles(whole.run_dir), pretrainer, trainer
    )
    run._go_on(made, config)
    rates = [float(o.learning_rate) for o in made.optimizers.values()]
    assert rates == pytest.approx([2e-4, 3e-5, 1e-4])
    run._set_steps(made.progress, 5)  # between epochs they may change
    made.progress.step = 1
    with pytest.raises(InputError, match="--steps-per-epoch must be 5 until .*; got 2"):
        run._set_steps(made.progress, 2)


def test_sigkills_lose_no_more_than_the_interval(tmp_path):
    arguments = "kills --kills 2 --epochs 1 --pretrain-epochs 1 --steps 4 --seed 3"
    done = subprocess.run(
        [sys.executable, BENCHMARK, *arguments.split(), "--json", "figures.json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["kills"] == 2 and figures["in_write"] >= 1
    assert figures["worst_loss"] <= figures["save_steps"] == 2
    assert figures["equal_runs"] == figures["runs"]


# Checkpoints.


def write(folder, number, keep=3, **facts):
    write_checkpoint(folder, number, {"a/b": np.arange(number + 3)}, facts, keep)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_newest_stay_and_come_back_as_they_were(tmp_path):
    for number in (0, 5, 10):
        write(tmp_path, number, keep=2, epoch=number)
    assert names(tmp_path) == ["step_00000005", "step_00000010"]
    arrays, facts = read_checkpoint(newest_checkpoint(tmp_path))
    np.testing.assert_array_equal(arrays["a/b"], np.arange(13))
    assert facts == {"epoch": 10}


def test_what_is_left_of_other_attempts_goes(tmp_path):
    for number in (2, 9):
        write(tmp_path, number)
    for rest in (".writing", ".removing"):
        (tmp_path / rest).mkdir()
        (tmp_path / rest / "variables.npz").write_bytes(b"half")
    write(tmp_path, 4, keep=2)
    assert names(tmp_path) == ["step_00000002", "step_00000004"]


def test_nothing_has_its_name_before_it_is_on_disk(tmp_path, monkeypatch):
    done, fsync, rename = [], os.fsync, Path.rename

    def noted_fsync(descriptor):
        done.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")).name)
        fsync(descriptor)

    def noted_rename(path, target):
        done.append(f"{path.name} -> {target.name}")
        rename(path, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "rename", noted_rename)
    write(tmp_path, 1)
    assert done == [
        *("variables.npz", "state.json", "manifest.json", ".writing"),
        *(".writing -> step_00000001", tmp_path.name),
    ]


DAMAGE = {
    "cut off": lambda path: os.truncate(path / "variables.npz", 100),
    "one bit": lambda path: flip(path / "variables.npz"),
    "one bit of the facts": lambda path: flip(path / "state.json"),
    "absent": lambda path: (path / "variables.npz").unlink(),
    "no manifest": lambda path: (path / "manifest.json").unlink(),
    "empty manifest": lambda path: (path / "manifest.json").write_text(""),
    "manifest of nothing": lambda path: (path / "manifest.json").write_text(
        '{"version": 1, "files": {}}'
    ),
    "another version": lambda path: (path / "manifest.json").write_text(
        '{"version": 2, "files": {}}'
    ),
}


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_checkpoint_is_named_and_passed_over(tmp_path, capsys, how):
    for number in (1, 2):
        write(tmp_path, number)
    DAMAGE[how](tmp_path / "step_00000002")
    assert newest_checkpoint(tmp_path) == tmp_path / "step_00000001"
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"warning: {tmp_path}/step_00000002 is passed over: ")
    DAMAGE[how](tmp_path / "step_00000001")
    with pytest.raises(InputError, match="whole checkpoint; of 2, none is"):
        newest_checkpoint(tmp_path)
    write(tmp_path, 2)  # as a run that was here before
    assert newest_checkpoint(tmp_path).name == "step_00000002"


def test_folders_without_a_checkpoint_of_ours(tmp_path):
    (tmp_path / ".writing").mkdir()
    with pytest.raises(InputError, match="must hold a checkpoint; there is none"):
        newest_checkpoint(tmp_path)
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "ckpt-7"')
    with pytest.raises(InputError, match="of an earlier one, which cannot be resumed"):
        newest_checkpoint(tmp_path)


def test_a_full_disk_leaves_the_old_checkpoints(tmp_path):
    write(tmp_path, 1)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    large = {"a": np.zeros(300_000)}
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    try:
        with pytest.raises(InputError, match="step_00000002 must be writable .* stay"):
            write_checkpoint(tmp_path, 2, large, {}, 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert names(tmp_path) == ["step_00000001"]
    assert checkpoint.damage(tmp_path / "step_00000001") is None


# States.


def make_state(folder, width=3, precision="float32", **more):
    """A state of a network of two layers, one of which draws random numbers."""
    model = keras.Sequential(
        [
            keras.layers.Dense(width, name="first"),
            keras.layers.Dropout(0.5, seed=1, name="second"),
        ],
        name="network",
    )
    model.build((1, 2))
    optimizer = build_optimizer(
        1e-3, OptimizerConfig(), precision, model.trainable_variables
    )
    mean = keras.metrics.Mean()
    state = TrainingState(
        *(folder / "checkpoints", 2, {"generator": model}, {"adam": optimizer}),
        *(WeightAverage(model, 0.9), mean.variables),
        **more,
    )
    return state, model, optimizer, mean


def test_every_variable_and_random_state_comes_back(tmp_path):
    state, model, optimizer, mean = make_state(tmp_path, precision="mixed_float16")
    before = make_state(tmp_path, precision="mixed_float16")
    rng = np.random.default_rng(0)
    for variable in state.variables.values():
        low = rng.integers(1, 9, variable.shape)
        variable.assign(low.astype(np.asarray(variable).dtype))
    state.progress.taken, state.progress.step, state.progress.epoch = 7, 1, 2
    expected = {
        name: np.asarray(value).copy() for name, value in state.variables.items()
    }
    state.save()
    draws = random.random(), np.random.random()
    twin = before[0]
    twin.restore()
    assert (random.random(), np.random.random()) == draws
    found = {name: np.asarray(value).copy() for name, value in twin.variables.items()}
    assert_same_values(expected, found)
    assert {name.split("/")[-1] for name in found} >= {
        *("dynamic_scale", "step_counter", "iteration"),
        *("network_first_kernel_momentum", "kernel"),
        *("seed_generator_state", "average_updates", "total", "count"),
    }
    assert twin.progress == state.progress
    # Keras resets means when an epoch begins.
    before[3].reset_state()
    twin.restore_means()
    assert float(before[3].result()) == float(mean.result())


def test_the_same_step_is_written_once(tmp_path):
    state, model, *_ = make_state(tmp_path)
    state.save()
    (path,) = checkpoints(tmp_path / "checkpoints")
    time = path.stat().st_mtime_ns
    state.save()
    assert path.stat().st_mtime_ns == time
    state.progress.end_step()
    model.get_layer("first").kernel.assign(np.full((2, 3), np.nan))
    with pytest.raises(TrainingError, match="first/kernel of the generator"):
        state.save()
    assert checkpoints(tmp_path / "checkpoints") == [path]


def test_another_network_is_refused_with_what_differs(tmp_path):
    make_state(tmp_path, settings={"width": 3, "data": {"seed": 0}})[0].save()
    other = {"width": 5, "data": {"seed": 0}}
    state = make_state(tmp_path, 5, settings=other)[0]
    match = r"does not fit .* \(2, 3\) there and \(2, 5\) here; width is 3 there and 5"
    with pytest.raises(InputError, match=match):
        state.restore()
    state = make_state(tmp_path, others={"more": [tf.Variable(0)]})[0]
    with pytest.raises(InputError, match="it has no more/000/Variable"):
        state.restore()
    make_state(tmp_path, others={"more": [tf.Variable(0)]})[0].save()


def test_more_than_is_wanted_is_refused_too(tmp_path):
    make_state(tmp_path, precision="mixed_float16")[0].save()
    with pytest.raises(InputError, match="does not fit this run"):
        make_state(tmp_path)[0].restore()


def test_logs_are_cut_back_to_the_checkpoint(tmp_path):
    log, curves = tmp_path / "log.jsonl", tmp_path / "curves"
    (curves / "train").mkdir(parents=True)
    logs = {"logs": (log, curves)}
    state = make_state(tmp_path, **logs)[0]
    log.write_text("one\n")
    (curves / "train" / "a").write_bytes(b"12")
    state.save()
    for path in (log, curves / "train" / "a", curves / "train" / "b"):
        with open(path, "a") as file:
            file.write("more")
    state = make_state(tmp_path, **logs)[0]
    state.restore()
    state.cut_logs()
    assert log.read_text() == "one\n"
    assert names(curves / "train") == ["a"]
    assert (curves / "train" / "a").read_bytes() == b"12"
    make_state(tmp_path, **logs)[0].cut_logs()  # a new run
    assert not log.exists() and names(curves / "train") == []


# One process, and signals to it.


def test_a_folder_has_one_owner(tmp_path):
    folder = tmp_path / "runs" / "mine"
    with owned(folder):
        assert folder.is_dir()
        with pytest.raises(InputError, match="mine must be .* no other process"):
            with owned(folder):
                pass
    assert not (tmp_path / "runs").exists()
    with owned(folder):
        (folder / "config.json").write_text("{}")
    assert set(names(folder)) <= {".lock", "config.json"}
    with owned(folder):  # what the one before left does not matter
        pass
    assert (folder / "config.json").exists()


def test_the_second_signal_ends_the_process():
    # Shells start background jobs with SIGINT ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with StopSignals() as signals:
            os.kill(os.getpid(), signal.SIGINT)
            assert signals.received == signal.SIGINT
            with pytest.raises(KeyboardInterrupt):
                os.kill(os.getpid(), signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_threads_have_no_signals():
    entered = []

    def enter():
        with StopSignals() as signals:
            entered.append(signals.received)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert entered == [None]
