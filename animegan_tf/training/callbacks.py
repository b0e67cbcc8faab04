"""What happens between steps and epochs: pictures, checkpoints, logs, alarms."""

import json
import math
import os
import time

import keras
import numpy as np
import tensorflow as tf

from animegan_tf.errors import InputError, TrainingError
from animegan_tf.imaging.io import image_grid, write_image
from animegan_tf.models import as_float32
from animegan_tf.ops import to_float, to_uint8


class StopOnNaN(keras.callbacks.Callback):
    """Ends training at the first step whose loss is no longer a number.

    Raises:
        TrainingError: names the terms, the epoch and the step.
    """

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        bad = [name for name, value in (logs or {}).items() if not math.isfinite(value)]
        if bad:
            raise TrainingError(
                f"the loss {', '.join(bad)} was no longer a number in step {batch + 1} "
                f"of epoch {self.epoch + 1}; the newest checkpoint is from before"
            )


class TrainingState:
    """Everything a run needs to go on, in one `tf.train.Checkpoint`.

    Args:
        folder: `Path` of the checkpoints.
        keep: number of newest ones kept.
        models, optimizers: dicts by name. Optimizers must be built.
        average: `WeightAverage`.

    Raises:
        ValueError: an optimizer without its slots. Keras would restore the weights
            and silently start its moments from zero.
    """

    def __init__(self, folder, keep, models, optimizers, average):
        for name, optimizer in optimizers.items():
            if not optimizer.built:
                raise ValueError(f"optimizer {name!r} must be built before it is saved")
        self.models, self.average = models, average
        self.epoch = tf.Variable(0, dtype=tf.int64, name="epoch")
        self.checkpoint = tf.train.Checkpoint(
            epoch=self.epoch,
            average=average.model,
            average_updates=average.updates,
            **models,
            **optimizers,
        )
        self.manager = tf.train.CheckpointManager(
            self.checkpoint, str(folder), max_to_keep=keep
        )

    def save(self, epoch):
        """Writes a checkpoint after `epoch` finished epochs.

        Raises:
            TrainingError: a weight is not finite; what is on disk stays.
        """
        for name, model in self.models.items():
            for weight in model.weights:
                if not np.all(np.isfinite(np.asarray(weight))):
                    raise TrainingError(
                        f"the weight {weight.path} of the {name} is no longer finite "
                        f"after epoch {epoch}; the newest checkpoint is from before"
                    )
        self.epoch.assign(epoch)
        self.manager.save(checkpoint_number=epoch)

    def restore(self):
        """Goes back to the newest checkpoint; returns its number of epochs.

        Raises:
            InputError: there is none, or it is of another kind of run.
        """
        _restore(self.checkpoint, self.manager.directory)
        return int(self.epoch.numpy())

    def load_weights(self, folder):
        """Takes the networks' weights, and nothing else, of another run.

        Args:
            folder: `Path` of that run's checkpoints.

        Raises:
            InputError: as `restore`.
        """
        _restore(tf.train.Checkpoint(**self.models), folder, partial=True)
        self.average.reset()


def _restore(checkpoint, folder, partial=False):
    """Reads the newest checkpoint in a folder into all that `checkpoint` holds."""
    newest = tf.train.latest_checkpoint(str(folder))
    if newest is None:
        raise InputError(f"{folder} must hold a checkpoint; there is none")
    try:
        status = checkpoint.restore(newest)
        status.assert_existing_objects_matched()
        if not partial:
            status.assert_consumed()
        status.expect_partial()
    except (AssertionError, ValueError, tf.errors.OpError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(
            f"{newest} does not fit this run's networks: {reason}"
        ) from error


class Keeper(keras.callbacks.Callback):
    """Saves the state and `generator.keras` every few epochs and at the end.

    Args:
        state: `TrainingState`.
        average: `WeightAverage`; its model is what `generator.keras` holds.
        path: where `generator.keras` goes; the last step's own weights go beside it,
            to `generator_raw.keras`.
        every: epochs between two.
        last: the run's last epoch, saved in any case, as is one that another callback
            makes the last.
    """

    def __init__(self, state, average, path, every, last):
        super().__init__()
        self.state, self.average, self.path = state, average, path
        self.every, self.last = every, last

    def on_epoch_end(self, epoch, logs=None):
        done = epoch + 1
        if done % self.every == 0 or done == self.last or self.model.stop_training:
            self.state.save(done)
            save_generator(self.average.model, self.path)
            raw = self.path.with_stem(f"{self.path.stem}_raw")
            save_generator(self.state.models["generator"], raw)


def save_generator(generator, path):
    """Writes a float32 `generator.keras`, to a temporary name renamed last."""
    temporary = path.with_name(f".{path.stem}.tmp.keras")
    as_float32(generator).save(temporary)
    os.replace(temporary, path)


class SampleGrid(keras.callbacks.Callback):
    """Writes a sheet of photo, support tail and main tail, one row a photo.

    Args:
        generator: the averaged generator.
        photos: uint8 RGB `(count, size, size, 3)`.
        folder: `Path` that receives `epoch_0001.png` and so on.
        every: epochs between two.
        last: the run's last epoch, drawn in any case.
    """

    def __init__(self, generator, photos, folder, every, last):
        super().__init__()
        self.generator, self.photos, self.folder = generator, photos, folder
        self.every, self.last = every, last

    def on_epoch_end(self, epoch, logs=None):
        done = epoch + 1
        if done % self.every == 0 or done == self.last or self.model.stop_training:
            self.write(self.folder / f"epoch_{done:04d}.png")

    def write(self, path):
        rows = []
        for photo in self.photos:  # one at a time: a batch may not fit beside training
            painted = self.generator(to_float(photo[None]), training=False)
            tails = [np.asarray(to_uint8(painted[t]))[0] for t in ("support", "main")]
            rows.append([photo, *tails])
        path.parent.mkdir(parents=True, exist_ok=True)
        write_image(path, image_grid(rows, ["photo", "support tail", "main tail"]))


class JsonLines(keras.callbacks.Callback):
    """Appends a line of JSON per epoch: epoch, phase, seconds, every loss term.

    Args:
        path: the log file.
        phase: "pretrain" or "adversarial".
        pool: `TargetPool` whose time goes into the line, or None.
    """

    def __init__(self, path, phase, pool=None):
        super().__init__()
        self.path, self.phase, self.pool = path, phase, pool

    def on_epoch_begin(self, epoch, logs=None):
        self.start, self.steps, self.seconds = time.perf_counter(), 0, 0.0
        if self.pool:
            self.pool.seconds = 0.0

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1
        # Taken here: what other callbacks do after an epoch is no part of a step.
        self.seconds = time.perf_counter() - self.start

    def on_epoch_end(self, epoch, logs=None):
        line = {"epoch": epoch + 1, "phase": self.phase, "steps": self.steps}
        line["seconds_per_step"] = round(self.seconds / max(self.steps, 1), 4)
        if self.pool:
            line["target_seconds_per_step"] = round(
                self.pool.seconds / max(self.steps, 1), 4
            )
        line |= {name: float(value) for name, value in (logs or {}).items()}
        with open(self.path, "a") as file:
            file.write(json.dumps(line) + "\n")
