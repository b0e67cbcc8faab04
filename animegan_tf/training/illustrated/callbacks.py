"""What happens between steps: the log, checkpoints, sample sheets, stops."""

import json
import math
import os
import time

import keras
import numpy as np

from animegan_tf.errors import TrainingError
from animegan_tf.imaging.codec import write_image
from animegan_tf.imaging.transform import image_grid, shrink
from animegan_tf.ops import to_float, to_uint8


class Journal(keras.callbacks.Callback):
    """Appends a line of JSON every few steps: the terms' means, the rate, the speed.

    Args:
        path: the log.
        stage: `Stage` under way.
        before: steps of the run before this `fit`.
        every: steps between two lines.
        rate: function of steps to the learning rate.
    """

    def __init__(self, path, stage, before, every, rate):
        super().__init__()
        self.path, self.stage, self.before = path, stage, before
        self.every, self.rate = every, rate
        self.since, self.counted = None, 0

    def on_train_batch_end(self, batch, logs=None):
        if self.since is None:  # the first step is traced, which is no measure
            self.since, self.counted = time.perf_counter(), -1
        self.counted += 1
        step = self.before + batch + 1
        if step % self.every == 0:
            self._write(step, logs)

    def _write(self, step, logs):
        logs = {name: float(value) for name, value in logs.items()}
        if not all(math.isfinite(value) for value in logs.values()):
            raise TrainingError(
                f"the loss is no longer finite at step {step}; the newest checkpoint "
                "is from before"
            )
        seconds = time.perf_counter() - self.since
        line = {"step": step, "size": self.stage.size, "batch": self.stage.batch}
        line |= {name: round(value, 5) for name, value in logs.items()}
        line["rate"] = float(f"{float(self.rate(step)):.3g}")
        if self.counted:
            speed = self.counted * self.stage.batch / seconds
            line["pictures_per_second"] = round(speed, 2)
        text = json.dumps(line)
        print(text, flush=True)
        with open(self.path, "a") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        self.model.reset_metrics()
        self.since, self.counted = time.perf_counter(), 0


class Keeper(keras.callbacks.Callback):
    """Saves the run and draws sheets every few minutes, and stops on a signal.

    Args:
        run: `Run`, whose `save` and `draw` take the number of finished steps.
        before: steps of the run before this `fit`.
        config: `IllustratedConfig`.
        signals: `StopSignals`.

    Attributes:
        taken: finished steps of the run.
    """

    def __init__(self, run, before, config, signals):
        super().__init__()
        self.run, self.before, self.taken = run, before, before
        self.minutes = {
            run.save: config.save_minutes,
            run.draw: config.sample_minutes,
        }
        self.last = dict.fromkeys(self.minutes, time.monotonic())
        self.signals = signals

    def on_train_batch_end(self, batch, logs=None):
        self.taken = self.before + batch + 1
        for act, minutes in self.minutes.items():
            if time.monotonic() - self.last[act] >= 60 * minutes:
                self._act(act)
        if self.signals.received:
            self.model.stop_training = True

    def _act(self, act):
        # Asking for the model brings the values that JAX computes with into it.
        if self.model is not None:
            act(self.taken)
        self.last[act] = time.monotonic()


def draw_sheet(generator, pairs, path, side=256):
    """Writes a sheet of photo, drawing and what the generator makes, a row a pair.

    Args:
        generator: main tail.
        pairs: list of `Pair`.
        path: of the sheet.
        side: longest side of a picture, in pixels.
    """
    rows = []
    for pair in pairs:
        photo = shrink(pair.photo, side)
        height, width = (8 * (length // 8) for length in photo.shape[:2])
        photo = np.ascontiguousarray(photo[:height, :width])
        painted = to_uint8(generator(to_float(photo[None]), training=False))
        drawing = shrink(np.ascontiguousarray(pair.drawing[..., :3]), side)
        rows.append([photo, drawing, np.asarray(painted)[0]])
    path.parent.mkdir(parents=True, exist_ok=True)
    write_image(path, image_grid(rows, ["photo", "drawing", "learned"]))
