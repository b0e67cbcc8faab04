"""What the guards, the watch and the checkpoints of a run add to a bare step."""

import contextlib
import os
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock


def measure_overhead(config, pretrainer, trainer, batch, repeats):
    """The adversarial step as runs take it beside a bare one, turn by turn.

    Bare is the same step without the guard against NaN, without figures of health,
    and without callbacks. Checkpoints come every `save_steps`: the time of one is
    shared by so many steps.

    Args:
        config: `TrainConfig`, with the trainers that were built of it.
        batch: of `build_dataset`.
        repeats: pairs of steps measured.

    Returns:
        Median ratio of the pairs, and seconds of a checkpoint and of a step.
    """
    import tensorflow as tf

    full = tf.function(trainer.train_step)
    with _bare(trainer):
        bare = tf.function(trainer.train_step)
        bare(batch)
    watched = _watched(config, trainer, lambda: full(batch))
    watched()
    pairs = [(_seconds(watched), _seconds(lambda: bare(batch))) for _ in range(repeats)]
    saving = _checkpoint_seconds(config, pretrainer, trainer)
    seconds = statistics.median(a for a, _ in pairs)
    return {
        "overhead_ratio": statistics.median(a / b for a, b in pairs),
        "checkpoint_seconds": saving,
        "checkpoint_share": saving / config.save_steps / seconds,
    }


@contextlib.contextmanager
def _bare(trainer):
    """Within it, what is traced of a trainer's step has neither guard nor figures."""
    from animegan_tf.training import dtgan

    def apply_step(terms, sides, remembered, average):
        for side in sides:
            side.optimizer.apply(side.gradients, side.variables)
        average.update()
        return {"step/applied": True}

    with (
        mock.patch.object(dtgan, "remember", lambda *networks: []),
        mock.patch.object(dtgan, "apply_step", apply_step),
        mock.patch.object(trainer, "figures", lambda *seen: {}),
        mock.patch.object(trainer.readings, "write", lambda figures: None),
    ):
        yield


def _watched(config, trainer, step):
    """A step with the callbacks of a run, as `fit` calls them."""
    from animegan_tf.training.callbacks import JsonLines
    from animegan_tf.training.health.callback import HealthCallback
    from animegan_tf.training.health.watch import Watch
    from animegan_tf.training.saving.state import Progress

    nowhere, progress = Path(os.devnull), Progress()
    callbacks = [
        HealthCallback(Watch(config.health), "adversarial", progress, nowhere),
        JsonLines(nowhere, "adversarial", progress, trainer.targets),
    ]
    for callback in callbacks:
        callback.set_model(trainer)
        callback.on_epoch_begin(0)

    def watched():
        for callback in callbacks:
            callback.on_train_batch_begin(0)
        logs = {name: float(value) for name, value in step().items()}
        for callback in callbacks:
            callback.on_train_batch_end(0, logs)
        progress.end_step()
        return logs

    return watched


def _checkpoint_seconds(config, pretrainer, trainer):
    from animegan_tf.training import build, run

    with TemporaryDirectory() as folder:
        state = build.training_state(
            config, run.RunFiles(Path(folder)), pretrainer, trainer
        )
        return _seconds(state.save)


def _seconds(function):
    start = time.perf_counter()
    result = function() or {}
    for value in result.values():
        float(value)
    return time.perf_counter() - start
