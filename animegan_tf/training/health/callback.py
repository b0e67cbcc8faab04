"""The callback that tells of failures, and does what the settings ask for."""

import json

import keras

from animegan_tf.errors import TrainingError
from animegan_tf.training.health.readings import FIGURES
from animegan_tf.training.health.watch import ADVICE, NOT_A_NUMBER
from animegan_tf.untrusted import open_file

# What lower-rate multiplies the discriminators' rate by, and where it ends.
_RATE_FACTOR, LEAST_RATE = 0.5, 1e-6


class HealthCallback(keras.callbacks.Callback):
    """Feeds a `Watch` after every step, tells what it finds, and acts.

    The means of its figures join the epoch's logs as `health/...`, for the callbacks
    that come after this one.

    Args:
        watch: `Watch`, shared by both phases.
        phase: "pretrain" or "adversarial".
        progress: `Progress`, which counts a step only after this callback.
        log: file that gets a line of JSON for each failure, or None.

    Raises:
        TrainingError: too many steps in a row were not applied, or a failure was found
            and `HealthConfig.action` is "stop".
    """

    def __init__(self, watch, phase, progress, log):
        super().__init__()
        self.watch, self.config = watch, watch.config
        self.phase, self.progress, self.log = phase, progress, log

    def on_train_begin(self, logs=None):
        if self.watch.reopen is not None:
            self.model.discriminators_open.assign(False)

    def on_epoch_begin(self, epoch, logs=None):
        if not self.progress.step:
            self.watch.begin_epoch()

    def on_train_batch_end(self, batch, logs=None):
        epoch, step = self.progress.epoch + 1, self.progress.step + 1
        for event in self.watch.add(self.model.readings.read(), epoch, step):
            self._tell(event)
        if self.watch.streak >= self.config.bad_steps:
            raise TrainingError(
                f"{_told(self.watch.events[-1])}, and {self.watch.streak} steps in a "
                "row were not applied; the newest checkpoint is from before"
            )
        if self.watch.active:
            self._act()
        if self.watch.reopen is not None and self.watch.steps >= self.watch.reopen:
            self.watch.reopen = None
            self.model.discriminators_open.assign(True)

    def on_epoch_end(self, epoch, logs=None):
        for name in FIGURES:
            for _, mean in self.watch.epoch.points(name):
                logs[f"health/{name}"] = mean

    def _tell(self, event):
        text = f"{_told(event)}; try {ADVICE[event['failure']]}"
        print(f"health: {text}", flush=True)
        if self.log is None:
            return
        with open_file(self.log, "a") as file:
            file.write(json.dumps({"phase": self.phase, "event": text, **event}) + "\n")

    def _act(self):
        """At most once a window: what is done needs time to show."""
        watch, action = self.watch, self.config.action
        if action == "stop":
            event = next(iter(watch.active.values()))
            raise TrainingError(
                f"{_told(event)}; training stops, as --health.action asks for"
            )
        acted = -self.config.window if watch.acted is None else watch.acted
        if action == "warn" or watch.steps < acted + self.config.window:
            return
        watch.acted = watch.steps
        if action == "lower-rate":
            self._lower_rate()
        else:
            self._rest()

    def _lower_rate(self):
        optimizer = self.model.discriminator_optimizer
        rate = float(optimizer.learning_rate)
        lower = max(rate * _RATE_FACTOR, LEAST_RATE)
        if lower < rate:
            optimizer.learning_rate = lower
            print(f"health: the discriminators' rate is now {lower:.3g}", flush=True)

    def _rest(self):
        steps = self.config.window // 2
        self.watch.reopen = self.watch.steps + steps
        self.model.discriminators_open.assign(False)
        print(f"health: the discriminators rest for {steps} steps", flush=True)


def _told(event):
    """A failure with its place, as one clause."""
    place = f"in step {event['step']} of epoch {event['epoch']}"
    if event["failure"] == NOT_A_NUMBER:
        return f"the loss {event['message']} {place}"
    return f"{event['failure']} of the {event['tail']} tail {place}: {event['message']}"
