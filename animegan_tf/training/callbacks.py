"""What happens between steps and epochs: pictures, checkpoints, logs, alarms."""

import json
import os
import signal
import time

import keras
import numpy as np
import tensorflow as tf

from animegan_tf.errors import Interrupted
from animegan_tf.imaging.codec import write_image
from animegan_tf.imaging.transform import image_grid
from animegan_tf.models import save_generator
from animegan_tf.ops import to_float, to_uint8
from animegan_tf.untrusted import open_file


class Keeper(keras.callbacks.Callback):
    """Counts what is done, and saves the state and `generator.keras`.

    It comes last of all callbacks: a checkpoint counts an epoch only when all that is
    written of it is there. Checkpoints come every few epochs, every few steps within
    them, after the run's last epoch, also one that another callback makes the last,
    and at the next step when a signal asks the run to stop.

    Args:
        state: `TrainingState`.
        average: `WeightAverage`; its model is what `generator.keras` holds.
        path: where `generator.keras` goes; the last step's own weights go beside it,
            to `generator_raw.keras`. Both are written at epochs' ends and on signals.
        config: `TrainConfig`, for how often checkpoints come and the last epoch.
        signals: `StopSignals`.

    Raises:
        Interrupted: after saving, if a signal asked for it.
    """

    def __init__(self, state, average, path, config, signals):
        super().__init__()
        self.state, self.average, self.path = state, average, path
        self.every, self.every_steps = config.save_every, config.save_steps
        self.last, self.signals = config.epochs, signals

    def on_epoch_begin(self, epoch, logs=None):
        if self.state.progress.step:
            self.state.restore_means()

    def on_train_batch_end(self, batch, logs=None):
        progress = self.state.progress
        progress.end_step()
        if progress.step == progress.steps:
            return  # the log has no line of this epoch yet
        if self.signals.received:
            self.state.save()
            self._save_generators()
            self._interrupt()
        if self._is_long_ago():
            self.state.save()

    def on_epoch_end(self, epoch, logs=None):
        progress = self.state.progress
        progress.end_epoch()
        last = progress.epoch == self.last or self.model.stop_training
        due = progress.epoch % self.every == 0 or self._is_long_ago()
        if last or due or self.signals.received:
            # The checkpoint last: a run is done when the generators are there too.
            self.state.require_finite()
            self._save_generators()
            self.state.save()
        if self.signals.received and not last:
            self._interrupt()

    def _is_long_ago(self):
        since = self.state.progress.taken - (self.state.saved or 0)
        return self.every_steps and since >= self.every_steps

    def _save_generators(self):
        if not self.state.writes:
            return
        save_generator(self.average.model, self.path)
        raw = self.path.with_stem(f"{self.path.stem}_raw")
        save_generator(self.state.models["generator"], raw)

    def _interrupt(self):
        number = self.signals.received
        raise Interrupted(
            f"stopped by {signal.Signals(number).name}, {self.state.progress} is "
            f"saved; go on with: python tools/train.py --resume {self.path.parent}",
            number,
        )


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
        progress: `Progress`, in which the times of an epoch's steps add up.
        pool: `TargetPool` whose time goes into the line, or None.
    """

    def __init__(self, path, phase, progress, pool=None):
        super().__init__()
        self.path, self.phase, self.progress, self.pool = path, phase, progress, pool

    def on_train_batch_begin(self, batch, logs=None):
        self.start = time.perf_counter()
        if self.pool:
            self.pool.seconds = 0.0

    def on_train_batch_end(self, batch, logs=None):
        # What other callbacks do between two steps is no part of either.
        self.progress.seconds += time.perf_counter() - self.start
        if self.pool:
            self.progress.target_seconds += self.pool.seconds

    def on_epoch_end(self, epoch, logs=None):
        done, steps = self.progress, self.progress.step
        line = {"epoch": epoch + 1, "phase": self.phase, "steps": steps}
        line["seconds_per_step"] = round(done.seconds / max(steps, 1), 4)
        if self.pool:
            line["target_seconds_per_step"] = round(
                done.target_seconds / max(steps, 1), 4
            )
        line |= {name: float(value) for name, value in (logs or {}).items()}
        with open_file(self.path, "a") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())


class Curves(keras.callbacks.Callback):
    """Writes an epoch's figures for TensorBoard, named `epoch_` and their name.

    Not `keras.callbacks.TensorBoard`: what that has not written yet is lost with the
    process, and it draws the rate of an optimizer that is not in use here.

    Args:
        folder: `Path`; the files go into `train` there.
    """

    def __init__(self, folder):
        super().__init__()
        self.writer = tf.summary.create_file_writer(str(folder / "train"))

    def on_epoch_end(self, epoch, logs=None):
        with self.writer.as_default(step=epoch):
            for name, value in (logs or {}).items():
                tf.summary.scalar(f"epoch_{name}", value)
        self.writer.flush()
