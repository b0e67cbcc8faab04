"""The failures of adversarial training, named while they happen.

`Watch` judges the figures of the last steps and holds no tensor; `HealthWatch` is the
callback that feeds it, tells what it found and does what the settings ask for.
"""

import copy
import json
import math
from collections import deque

import keras
import numpy as np

from animegan_tf.config import HealthConfig
from animegan_tf.errors import TrainingError
from animegan_tf.training.health.readings import FIGURES, TAILS
from animegan_tf.untrusted import open_file

NOT_A_NUMBER = "not a number"
VANISHING, COLLAPSE = "vanishing gradients", "mode collapse"
IDENTITY, OSCILLATION = "identity mapping", "non-convergence"
ADVICE = {
    NOT_A_NUMBER: "lower rates, or --precision float32 if it is another",
    VANISHING: "a lower --discriminator-rate, or --health.action lower-rate",
    COLLAPSE: "a lower --generator-rate, or more weight on content and colour",
    IDENTITY: "more weight on style and the adversarial terms, or a lower "
    "--discriminator-rate",
    OSCILLATION: "lower rates on both sides, or a larger --batch-size",
}
# The two losses that oppose each other, by tail.
_GENERATOR_LOSS = "{}/adversarial"
_DISCRIMINATOR_LOSS = {
    "support": ("discriminator/anime", "discriminator/painted", "discriminator/smooth"),
    "main": ("discriminator/main",),
}
CURVES = (
    *FIGURES,
    *(f"{tail}/{side}" for tail in TAILS for side in ("generator", "discriminator")),
)
_POINTS, _EVENTS = 400, 500
# What of a `Watch` is its state as it is.
_PLAIN = ("steps", "skipped", "streak", "acted", "reopen", "best", "events")


class Watch:
    """Judges training by the figures of its last steps.

    Args:
        config: `HealthConfig`.

    Attributes:
        steps: number of adversarial steps seen.
        skipped: number of steps that were not applied, `streak` of them just now.
        acted, reopen: steps at which something was last done about a failure, and at
            which the discriminators' rest ends; None for never.
        events: dicts, what was found, in order: "epoch", "step", "seen" (`steps` then),
            "failure", "tail", "message", and "until", the `steps` from which on it was
            seen no more.
        curve: `Curve` of all that was seen.
        epoch: `Curve` of one stretch, the epoch under way.
    """

    def __init__(self, config: HealthConfig):
        self.config, self.steps, self.skipped, self.streak = config, 0, 0, 0
        self.acted = self.reopen = None
        self.window = deque(maxlen=config.window)
        self.best = dict.fromkeys(TAILS, 0.0)
        self.events, self.active = [], {}
        self.curve, self.epoch = Curve(), Curve()

    def begin_epoch(self):
        self.epoch = Curve()

    def add(self, readings, epoch, step):
        """Takes the figures of one step in.

        Args:
            readings: `Readings.read()` of it.
            epoch, step: its epoch and its number within that, from 1.

        Returns:
            Events that begin with this step.
        """
        adversarial = FIGURES[0] in readings
        self.steps += adversarial
        place = {"epoch": epoch, "step": step, "seen": self.steps}
        if not readings["step/applied"]:
            return self._not_applied(readings, place)
        self.streak = 0
        if not adversarial:
            return []
        row = _curves(readings)
        self.window.append(row)
        self.curve.add(self.steps, row)
        self.epoch.add(0, row)
        every = max(1, self.config.window // 10)
        full = len(self.window) == self.config.window
        return self._judge(place) if full and self.steps % every == 0 else []

    def _not_applied(self, readings, place):
        self.skipped += 1
        self.streak += 1
        bad = [name for name, value in readings.items() if not math.isfinite(value)]
        bad = [name for name in bad if name not in FIGURES]
        sides = [name for name in readings if name.startswith("step/")]
        bad += [
            f"gradient of the {name.removeprefix('step/')}"
            for name in sides
            if not bad and name != "step/applied" and readings[name] < 1
        ]
        if self.streak > 1:
            return []
        message = f"{', '.join(bad)} was no longer a number"
        return [self._event(place, NOT_A_NUMBER, "", message)]

    def _judge(self, place):
        window = {name: np.array([row[name] for row in self.window]) for name in CURVES}
        found = {}
        for tail in TAILS:
            seen = {
                name.removeprefix(f"{tail}/"): values
                for name, values in window.items()
                if name.startswith(f"{tail}/")
            }
            for failure, message in self._failures(tail, seen):
                found[failure, tail] = message
        for key in set(self.active) - set(found):
            self.active.pop(key)["until"] = place["seen"]
        begin = []
        for (failure, tail), message in found.items():
            if (failure, tail) not in self.active:
                event = self._event(place, failure, tail, message)
                self.active[failure, tail] = event
                begin.append(event)
        return begin

    def _failures(self, tail, seen):
        """Pairs of a failure and what is said of it."""
        config, middle = self.config, {n: _middle(v) for n, v in seen.items()}
        slope, accuracy = middle["slope"], middle["accuracy"]
        best = self.best[tail] = max(self.best[tail], slope)
        told = f"slope of the adversarial term {slope:.3g}"
        if slope < config.slope:
            yield VANISHING, f"{told}, under {config.slope:g} (--health.slope)"
        elif accuracy >= config.accuracy and slope < config.fall * best:
            yield VANISHING, (
                f"discriminator right in {accuracy:.1%} and {told}, under "
                f"{config.fall:g} (--health.fall) of the {best:.3g} that it was"
            )
        if middle["diversity"] < config.diversity:
            yield COLLAPSE, (
                f"pictures differ by {middle['diversity']:.3g} of what their photos "
                f"do, under {config.diversity:g} (--health.diversity)"
            )
        if middle["change"] < config.change:
            yield IDENTITY, (
                f"pictures are {middle['change']:.3g} grey levels from their photos, "
                f"under {config.change:g} (--health.change)"
            )
        swings = [swing(seen[side]) for side in ("generator", "discriminator")]
        if config.swing and min(swings) > config.swing:
            yield OSCILLATION, (
                f"the losses swing by {swings[0]:.2f} and {swings[1]:.2f} of their "
                f"level, above {config.swing:g} (--health.swing)"
            )

    def _event(self, place, failure, tail, message):
        event = {**place, "failure": failure, "tail": tail, "message": message}
        self.events = [*self.events, event][-_EVENTS:]
        return event

    def summary(self):
        """Sentences on what was found, and on how the figures were."""
        counts = {}
        for event in self.events:
            counts[event["failure"]] = counts.get(event["failure"], 0) + 1
        found = ", ".join(f"{name} ({count})" for name, count in counts.items())
        lines = [
            f"health: {found or 'no failure'} in {self.steps} adversarial steps"
            + (f"; {self.skipped} steps were not applied" if self.skipped else "")
        ]
        for tail in TAILS if self.window else ():
            middle = {
                name: _middle([row[f"{tail}/{name}"] for row in self.window])
                for name in ("accuracy", "slope", "diversity", "change")
            }
            lines.append(
                f"  {tail} tail, median of the last {len(self.window)} steps: "
                f"accuracy {middle['accuracy']:.2f}, slope {middle['slope']:.3g}, "
                f"diversity {middle['diversity']:.2f}, "
                f"{middle['change']:.1f} grey levels from the photo"
            )
        return lines

    def get_state(self):
        """All that `set_state` needs to go on: numbers, texts, lists and dicts."""
        state = {name: getattr(self, name) for name in _PLAIN}
        return state | {
            "active": list(self.active.values()),
            "window": [[_shown(row[name]) for name in CURVES] for row in self.window],
            "curve": self.curve.get_state(),
            "epoch": self.epoch.get_state(),
        }

    def set_state(self, state):
        """Goes on from what `get_state` gave, through JSON or not.

        Raises:
            ValueError, TypeError, LookupError: it is something else.
        """
        if not all(map(_is_event, [*state["events"], *state["active"]])):
            raise ValueError("events must be failures, each with its place")
        self.active = {}
        for name in _PLAIN:
            setattr(self, name, copy.deepcopy(state[name]))
        for event in state["active"]:
            same = [known for known in self.events if known == event]
            self.active[event["failure"], event["tail"]] = (same or [dict(event)])[0]
        self.window.clear()
        for row in state["window"]:
            values = [math.nan if value is None else value for value in row]
            self.window.append(dict(zip(CURVES, values)))
        self.curve.set_state(state["curve"])
        self.epoch.set_state(state["epoch"])


def _is_event(event):
    numbers = [event[name] for name in ("epoch", "step", "seen")]
    return (
        all(type(number) is int for number in [*numbers, event.get("until", 0)])
        and event["failure"] in ADVICE
        and isinstance(event["message"], str)
    )


def _curves(readings):
    row = {name: readings[name] for name in FIGURES}
    for tail in TAILS:
        row[f"{tail}/generator"] = readings[_GENERATOR_LOSS.format(tail)]
        row[f"{tail}/discriminator"] = sum(
            # Objectives that compare have no term of the real pictures alone.
            readings.get(name, 0.0)
            for name in _DISCRIMINATOR_LOSS[tail]
        )
    return row


def _shown(value):
    """JSON has no NaN."""
    return value if math.isfinite(value) else None


def _middle(values):
    """The median of what is finite; NaN, which no threshold catches, of nothing."""
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    return float(np.median(values)) if values.size else math.nan


def swing(values):
    """How far a loss swings about its level, if it swings to and fro; else 0.

    A loss that falls does not swing, nor does one that only differs from batch to
    batch: a swing comes back, so that the loss is like itself again one period later,
    after it was unlike itself.

    Args:
        values: the loss of consecutive steps.

    Returns:
        Standard deviation about the straight line through them, divided by their mean
        size; 0 where the correlation with themselves, once it was negative, does not
        rise to 0.5 again within half of the steps.
    """
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    if len(values) < 8:
        return 0.0
    steps = np.arange(len(values))
    rest = values - np.polyval(np.polyfit(steps, values, 1), steps)
    power = np.mean(rest**2)
    if power <= 1e-12 * np.mean(values**2):
        return 0.0
    lags = range(1, len(values) // 2 + 1)
    like = np.array([np.mean(rest[lag:] * rest[:-lag]) for lag in lags]) / power
    unlike = np.flatnonzero(like < 0)
    if not unlike.size or like[unlike[0] :].max() < 0.5:
        return 0.0
    return float(np.sqrt(power) / np.mean(np.abs(values)))


class Curve:
    """Means of figures over stretches of steps, few however long training is.

    When there are too many stretches, each two become one.

    Attributes:
        rows: `[first step, {name: (sum, count)}]` by stretch.
    """

    def __init__(self):
        self.stretch, self.rows = 1, []

    def add(self, step, figures):
        if not self.rows or step >= self.rows[-1][0] + self.stretch:
            self.rows.append([step, {name: (0.0, 0) for name in CURVES}])
        sums = self.rows[-1][1]
        for name in CURVES:
            if math.isfinite(figures[name]):
                total, count = sums[name]
                sums[name] = total + figures[name], count + 1
        if len(self.rows) > _POINTS:
            self._halve()

    def _halve(self):
        self.stretch *= 2
        pairs = [self.rows[i : i + 2] for i in range(0, len(self.rows), 2)]
        self.rows = [
            [
                pair[0][0],
                {
                    name: tuple(map(sum, zip(*(sums[name] for _, sums in pair))))
                    for name in CURVES
                },
            ]
            for pair in pairs
        ]

    def points(self, name):
        """Pairs of a step and the mean of a figure over the stretch that it begins."""
        return [
            (step, sums[name][0] / sums[name][1])
            for step, sums in self.rows
            if sums[name][1]
        ]

    def get_state(self):
        rows = [
            [step, [list(sums[name]) for name in CURVES]] for step, sums in self.rows
        ]
        return {"stretch": self.stretch, "rows": rows}

    def set_state(self, state):
        self.stretch = state["stretch"]
        self.rows = [
            [step, {name: tuple(pair) for name, pair in zip(CURVES, sums)}]
            for step, sums in state["rows"]
        ]


class HealthWatch(keras.callbacks.Callback):
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
        recent = watch.acted is not None
        if (
            action == "warn"
            or recent
            and watch.steps < watch.acted + watch.config.window
        ):
            return
        watch.acted = watch.steps
        if action == "lower-rate":
            self._lower_rate()
        else:
            self._rest()

    def _lower_rate(self):
        optimizer = self.model.discriminator_optimizer
        rate = float(optimizer.learning_rate)
        lower = max(rate * self.config.rate_factor, self.config.least_rate)
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
