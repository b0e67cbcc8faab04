"""Everything that a run needs to go on as if it had never stopped."""

import os
import random
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from animegan_tf.errors import InputError, TrainingError
from animegan_tf.training.saving.checkpoint import (
    newest_checkpoint,
    read_checkpoint,
    using,
    write_checkpoint,
)
from animegan_tf.untrusted import open_file


@dataclass
class Progress:
    """How far a run is.

    Attributes:
        taken: steps since the run began, which is also where the data pipeline is.
        epoch: finished epochs.
        step: finished steps of the epoch under way.
        steps: all steps of that epoch.
        seconds: time that its finished steps took.
        target_seconds: the share of the targets in it.
    """

    taken: int = 0
    epoch: int = 0
    step: int = 0
    steps: int = 0
    seconds: float = 0.0
    target_seconds: float = 0.0

    def end_step(self):
        self.taken += 1
        self.step += 1

    def end_epoch(self):
        self.epoch += 1
        self.step = 0
        self.seconds = self.target_seconds = 0.0

    def __str__(self):
        if self.step:
            return f"step {self.step} of epoch {self.epoch + 1}"
        return f"epoch {self.epoch}"


class TrainingState:
    """All variables, counters and random states of a run, and its checkpoints.

    Args:
        folder: `Path` of the checkpoints.
        keep: number of newest ones kept.
        models, optimizers: dicts by name. Optimizers must be built.
        average: `WeightAverage`.
        means: variables of the means that the log gets, of an epoch under way.
        others: further variables, lists by name, such as a seed generator's state.
        settings: dict of the run's settings, nested ones included; what a checkpoint
            that does not fit is compared by.
        logs: files that only grow, and folders of such: they are cut back to the
            length that they had at the checkpoint from which a run goes on, or else
            epochs would be in them twice.
        watch: `Watch`, or None.
        writes: False for a process that only takes part: a mean over replicas can be
            read where all of them read it.

    Attributes:
        progress: `Progress`; its owner moves it on.
        saved: number of steps in the newest checkpoint, or None.

    Raises:
        ValueError: an optimizer without its slots, which would start from zero.
    """

    def __init__(
        self,
        folder: Path,
        keep: int,
        models,
        optimizers,
        average,
        means=(),
        others=None,
        settings=None,
        logs=(),
        watch=None,
        writes=True,
    ):
        for name, optimizer in optimizers.items():
            if not optimizer.built:
                raise ValueError(f"optimizer {name!r} must be built before it is saved")
        self.folder, self.keep = folder, keep
        self.models, self.optimizers, self.average = models, optimizers, average
        groups = {name: model.variables for name, model in models.items()}
        groups |= {name: optimizer.variables for name, optimizer in optimizers.items()}
        groups["average"] = [*average.model.variables, average.updates]
        groups["means"] = list(means)
        groups |= others or {}
        self.variables = _by_name(groups)
        self.settings, self.logs = settings or {}, logs
        self.watch, self.writes = watch, writes
        self.progress, self.saved = Progress(), None
        self._lengths, self._means = {}, []

    def require_finite(self):
        """Refuses a state that is not worth keeping.

        Raises:
            TrainingError: a weight is not finite.
        """
        for name, model in self.models.items():
            for weight in model.weights:
                if not np.all(np.isfinite(np.asarray(weight))):
                    raise TrainingError(
                        f"the weight {weight.path} of the {name} is no longer finite "
                        f"after {self.progress}; the newest checkpoint is from before"
                    )

    def save(self):
        """Writes a checkpoint, unless there is one of this very step.

        Raises:
            TrainingError: a weight is not finite; what is on disk stays.
            InputError: it cannot be written; what is on disk stays.
        """
        if self.saved == self.progress.taken:
            return
        self.require_finite()
        arrays = {name: np.asarray(value) for name, value in self.variables.items()}
        facts = {
            "progress": asdict(self.progress),
            "random": _random_states(),
            "logs": {name: path.stat().st_size for name, path in self._log_files()},
            "settings": self.settings,
            "watch": self.watch.get_state() if self.watch else None,
        }
        if self.writes:
            write_checkpoint(self.folder, self.progress.taken, arrays, facts, self.keep)
        self.saved = self.progress.taken

    def restore(self):
        """Goes back to the newest whole checkpoint.

        Returns:
            The settings of the run that wrote it.

        Raises:
            InputError: there is none, or it is of another kind of run.
        """
        path = newest_checkpoint(self.folder)
        arrays, facts = read_checkpoint(path)
        with using(path):
            progress, settings = _progress(facts["progress"]), facts["settings"]
            _flat(settings)
            self._lengths = {name: abs(int(n)) for name, n in facts["logs"].items()}
            self._assign(path, self.variables, arrays, settings)
            _set_random_states(facts["random"])
            if self.watch:
                self.watch.set_state(facts["watch"])
        vars(self.progress).update(vars(progress))
        self.saved = progress.taken
        self._means = [
            (variable, arrays[name])
            for name, variable in self.variables.items()
            if name.startswith("means/")
        ]
        return settings

    def restore_means(self):
        """Sets the means of the epoch under way again, which Keras resets."""
        for variable, value in self._means:
            variable.assign(value)

    def cut_logs(self):
        """Takes out of the logs what came after the checkpoint; all in a new run."""
        for name, path in list(self._log_files()):
            length = self._lengths.get(name)
            if length is None:
                path.unlink()
            elif path.stat().st_size > length:
                with open_file(path, "r+") as file:
                    file.truncate(length)

    def load_weights(self, folder: Path):
        """Takes the networks' weights, and nothing else, of another run.

        Args:
            folder: that run's checkpoints.

        Raises:
            InputError: as `restore`.
        """
        path = newest_checkpoint(folder)
        arrays, facts = read_checkpoint(path)

        def of_models(named):
            return {k: v for k, v in named.items() if k.split("/")[0] in self.models}

        wanted = of_models(self.variables)
        with using(path):
            self._assign(path, wanted, of_models(arrays), facts["settings"])
        self.average.reset()

    def _assign(self, path, variables, arrays, settings):
        """All of a checkpoint, or an `InputError` before anything is assigned."""
        problem = _difference(variables, arrays)
        if problem:
            here = _flat(self.settings)
            changed = [
                f"{name} is {value} there and {here[name]} here"
                for name, value in _flat(settings).items()
                if here.get(name, value) != value
            ]
            raise InputError(
                f"{path} does not fit this run's networks: "
                + "; ".join([problem, *changed])
            )
        for name, variable in variables.items():
            variable.assign(arrays[name])

    def _log_files(self):
        """Pairs of a name that stays when the run's folder is moved, and a `Path`."""
        for top in self.logs:
            for path in [top, *sorted(top.rglob("*"))]:
                if path.is_file():
                    yield os.path.relpath(path, self.folder), path


def _progress(values):
    """A `Progress` out of a checkpoint."""
    progress = Progress(**values)
    for name, value in vars(progress).items():
        kinds = int, type(getattr(Progress, name))
        if type(value) not in kinds or not 0 <= value < 2**53:
            raise ValueError(f"{name} cannot be {value!r}")
    return progress


def _by_name(groups):
    """Variables of several lists as one dict.

    The place in the list is in the name: two layers' variables may be called alike.
    The path is not, as it begins with a number that Keras counts up in a process.
    """
    return {
        f"{group}/{place:03d}/{variable.name.split(':')[0]}": variable
        for group, variables in groups.items()
        for place, variable in enumerate(variables)
    }


def _difference(variables, arrays):
    """The first thing in which a checkpoint is not what is wanted, or None."""
    for name, variable in variables.items():
        if name not in arrays:
            return f"it has no {name}"
        shape = tuple(variable.shape)
        if arrays[name].shape != shape:
            return f"{name} is {arrays[name].shape} there and {shape} here"
        if arrays[name].dtype.kind not in "biuf":
            return f"{name} holds no numbers"
    extra = sorted(set(arrays) - set(variables))
    return f"it has {extra[0]} besides" if extra else None


def _flat(settings, prefix=""):
    """`{"data.image_size": 256, ...}` of nested settings."""
    values = {}
    for name, value in settings.items():
        if isinstance(value, dict):
            values |= _flat(value, f"{prefix}{name}.")
        else:
            values[prefix + name] = value
    return values


def _random_states():
    """Of the generators that any code in this process may draw from, as JSON."""
    name, keys, *rest = np.random.get_state()
    version, words, gauss = random.getstate()
    return {
        "numpy": [name, keys.tolist(), *rest],
        "python": [version, list(words), gauss],
    }


def _set_random_states(states):
    np.random.set_state(tuple(states["numpy"]))
    version, words, gauss = states["python"]
    random.setstate((version, tuple(words), gauss))
