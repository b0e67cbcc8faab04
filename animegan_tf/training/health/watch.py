"""The failures of adversarial training, named while they happen.

`Watch` judges the figures of the last steps, holds no tensor and does nothing about
what it finds: that is `callback.HealthCallback`.
"""

import copy
import math
from collections import deque

import numpy as np
from scipy.signal import detrend

from animegan_tf.config import FAILURES, HealthConfig, ignored_failures
from animegan_tf.training.health.readings import FIGURES, MEASURES, TAILS

NOT_A_NUMBER = "not a number"
VANISHING, COLLAPSE, IDENTITY, OSCILLATION = FAILURES
ADVICE = {
    NOT_A_NUMBER: "lower rates, or --precision float32 if it is another",
    VANISHING: "a lower --discriminator-rate, or --health.action lower-rate",
    COLLAPSE: "a lower --generator-rate, or more weight on content and colour",
    IDENTITY: "more weight on style and the adversarial terms, or a lower "
    "--discriminator-rate",
    OSCILLATION: "lower rates on both sides, or a larger --batch-size",
}
# Medians of a window that are failures below these; the accuracy only where the slope
# has fallen to so much of the run's best. They were set on drawn portraits.
THRESHOLDS = {"slope": 0.05, "accuracy": 0.99, "diversity": 0.1, "change": 3.0}
_FALL = 0.1
# Part of its level that a loss may swing by.
_SWING = 0.3
# The two losses that oppose each other.
SIDES = ("generator", "discriminator")
_DISCRIMINATOR_LOSS = {
    "support": ("discriminator/anime", "discriminator/painted", "discriminator/smooth"),
    "main": ("discriminator/main",),
}
CURVES = (*FIGURES, *(f"{tail}/{side}" for tail in TAILS for side in SIDES))
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
        active: events that go on, by failure and tail.
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
            self.skipped += 1
            self.streak += 1
            if self.streak > 1:
                return []
            message = f"{', '.join(_not_finite(readings))} was no longer a number"
            return [self._event(place, NOT_A_NUMBER, "", message)]
        self.streak = 0
        if not adversarial:
            return []
        figures = _figures(readings)
        self.window.append(figures)
        self.curve.add(self.steps, figures)
        self.epoch.add(0, figures)
        length = self.config.window
        if len(self.window) < length or self.steps % max(1, length // 10):
            return []
        return self._judge(place)

    def _judge(self, place):
        window, found = dict(zip(CURVES, np.array(self.window).T)), {}
        for tail in TAILS:
            seen = {name: window[f"{tail}/{name}"] for name in (*MEASURES, *SIDES)}
            self.best[tail] = max(self.best[tail], _median(seen["slope"]))
            for failure, message in _failures(seen, self.best[tail]):
                if failure not in ignored_failures(self.config):
                    found[failure, tail] = message
        for key in set(self.active) - set(found):
            self.active.pop(key)["until"] = place["seen"]
        begin = {
            key: self._event(place, *key, message)
            for key, message in found.items()
            if key not in self.active
        }
        self.active |= begin
        return list(begin.values())

    def _event(self, place, failure, tail, message):
        event = {**place, "failure": failure, "tail": tail, "message": message}
        self.events = [*self.events, event][-_EVENTS:]
        return event

    def summary(self):
        """Sentences on what was found, and on how the figures were."""
        failures = [event["failure"] for event in self.events]
        counts = (
            f"{name} ({failures.count(name)})" for name in dict.fromkeys(failures)
        )
        lines = [
            f"health: {', '.join(counts) or 'no failure'} in {self.steps} adversarial "
            "steps"
            + (f"; {self.skipped} steps were not applied" if self.skipped else "")
        ]
        window = dict(zip(CURVES, np.array(self.window).T))
        for tail in TAILS if self.window else ():
            accuracy, slope, diversity, change = (
                _median(window[f"{tail}/{name}"]) for name in MEASURES
            )
            lines.append(
                f"  {tail} tail, median of the last {len(self.window)} steps: "
                f"accuracy {accuracy:.2f}, slope {slope:.3g}, diversity "
                f"{diversity:.2f}, {change:.1f} grey levels from the photo"
            )
        return lines

    def get_state(self):
        """All that `set_state` needs to go on: numbers, texts, lists and dicts."""
        state = {name: getattr(self, name) for name in _PLAIN}
        # JSON has no NaN.
        window = [[x if math.isfinite(x) else None for x in row] for row in self.window]
        return state | {
            "active": list(self.active.values()),
            "window": window,
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
        for name in _PLAIN:
            setattr(self, name, copy.deepcopy(state[name]))
        self.active = {}
        for event in state["active"]:
            same = [known for known in self.events if known == event]
            self.active[event["failure"], event["tail"]] = (same or [dict(event)])[0]
        self.window.clear()
        self.window.extend(np.array(row, float).tolist() for row in state["window"])
        self.curve.set_state(state["curve"])
        self.epoch.set_state(state["epoch"])


def _is_event(event):
    numbers = [event[name] for name in ("epoch", "step", "seen")]
    return (
        all(type(number) is int for number in [*numbers, event.get("until", 0)])
        and event["failure"] in ADVICE
        and isinstance(event["message"], str)
    )


def _not_finite(readings):
    """Names of the terms that are no numbers; else of sides whose gradients are not."""
    terms = [
        n for n, x in readings.items() if not math.isfinite(x) and n not in FIGURES
    ]
    sides = [
        n.removeprefix("step/")
        for n, x in readings.items()
        if n[:5] == "step/" and x < 1
    ]
    return terms or [f"gradient of the {side}" for side in sides if side != "applied"]


def _figures(readings):
    """The step's numbers in the order of `CURVES`."""
    losses = [
        value
        for tail in TAILS
        for value in (
            readings[f"{tail}/adversarial"],
            # Objectives that compare have no term of the real pictures alone.
            sum(readings.get(name, 0.0) for name in _DISCRIMINATOR_LOSS[tail]),
        )
    ]
    return [*(readings[name] for name in FIGURES), *losses]


def _failures(seen, best):
    """Pairs of a failure and what is said of it.

    Args:
        seen: dict of a tail's measures and losses in the window.
        best: the highest slope that this run had.
    """
    accuracy, slope, diversity, change = (_median(seen[name]) for name in MEASURES)
    told = f"slope of the adversarial term {slope:.3g}"
    if slope < THRESHOLDS["slope"]:
        yield VANISHING, f"{told}, under {THRESHOLDS['slope']:g}"
    elif accuracy >= THRESHOLDS["accuracy"] and slope < _FALL * best:
        yield (
            VANISHING,
            (
                f"discriminator right in {accuracy:.1%} and {told}, under {_FALL:g} of "
                f"the {best:.3g} that it was"
            ),
        )
    if diversity < THRESHOLDS["diversity"]:
        yield (
            COLLAPSE,
            (
                f"pictures differ by {diversity:.3g} of what their photos do, under "
                f"{THRESHOLDS['diversity']:g}"
            ),
        )
    if change < THRESHOLDS["change"]:
        yield (
            IDENTITY,
            (
                f"pictures are {change:.3g} grey levels from their photos, under "
                f"{THRESHOLDS['change']:g}"
            ),
        )
    swings = [swing(seen[side]) for side in SIDES]
    if min(swings) > _SWING:
        yield (
            OSCILLATION,
            (
                f"the losses swing by {swings[0]:.2f} and {swings[1]:.2f} of their "
                f"level, above {_SWING:g}"
            ),
        )


def _median(values):
    """Of what is finite; NaN, which no threshold catches, of nothing."""
    values = values[np.isfinite(values)]
    return float(np.median(values)) if values.size else math.nan


def swing(values):
    """How far a loss swings about its level, if it swings to and fro; else 0.

    A loss that falls does not swing, nor does one that only differs from batch to
    batch: a swing comes back, so that the loss is like itself again one period later,
    after it was unlike itself.

    Args:
        values: `(steps,)`, the loss of consecutive steps.

    Returns:
        Standard deviation about the straight line through them, divided by their mean
        size; 0 where the correlation with themselves, once it was negative, does not
        rise to 0.5 again within half of the steps.
    """
    values = values[np.isfinite(values)]
    if len(values) < 8:
        return 0.0
    rest = detrend(values)
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
        stretch: steps of each.
        starts: first step of each.
        sums: `(figures, 2)` array of each, sum and count of what is finite.
    """

    def __init__(self):
        self.stretch, self.starts, self.sums = 1, [], []

    def add(self, step, figures):
        if not self.starts or step >= self.starts[-1] + self.stretch:
            self.starts.append(step)
            self.sums.append(np.zeros((len(CURVES), 2)))
        finite = np.isfinite(figures)
        self.sums[-1] += np.stack([np.where(finite, figures, 0), finite], axis=1)
        if len(self.starts) > _POINTS:
            self.stretch *= 2
            self.sums = list(np.add.reduceat(self.sums, range(0, len(self.starts), 2)))
            self.starts = self.starts[::2]

    def points(self, name):
        """Pairs of a step and the mean of a figure over the stretch that it begins."""
        sums = [sums[CURVES.index(name)] for sums in self.sums]
        return [(a, float(x / n)) for a, (x, n) in zip(self.starts, sums) if n]

    def get_state(self):
        rows = [[a, sums.tolist()] for a, sums in zip(self.starts, self.sums)]
        return {"stretch": self.stretch, "rows": rows}

    def set_state(self, state):
        self.stretch = state["stretch"]
        self.starts = [start for start, _ in state["rows"]]
        self.sums = [np.array(sums, float) for _, sums in state["rows"]]
