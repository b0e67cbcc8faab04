"""A run of learning from an illustrator, from its settings to `generator.keras`."""

import dataclasses
import json
import signal
from pathlib import Path

import keras
import numpy as np

from animegan_tf.data.crops import CropBatches, PairCrops
from animegan_tf.data.pairs import load_pairs, split_pairs
from animegan_tf.errors import InputError, Interrupted, TrainingError
from animegan_tf.files import remove_temporaries, write_atomic
from animegan_tf.inference import load_generator
from animegan_tf.models import (
    build_generator,
    generator_shape,
    main_tail,
    save_generator,
    widened,
)
from animegan_tf.settings import save_config
from animegan_tf.training.illustrated.callbacks import Journal, Keeper, draw_sheet
from animegan_tf.training.illustrated.learner import (
    IllustrationLearner,
    StagedRate,
    build_optimizer,
    perceptual_network,
)
from animegan_tf.training.illustrated.settings import (
    IllustratedConfig,
    check_settings,
    read_stages,
)
from animegan_tf.training.saving.checkpoint import (
    newest_checkpoint,
    read_checkpoint,
    write_checkpoint,
)
from animegan_tf.training.saving.lock import owned
from animegan_tf.training.signals import StopSignals

_SHOWN = 8
_KEPT = 2  # checkpoints


def learn(config: IllustratedConfig, resume: bool = False) -> Path:
    """Trains a generator's main tail on drawings, or goes on where it was stopped.

    Args:
        config: the run's settings.
        resume: continue from the newest whole checkpoint in `config.run_dir`; what the
            run once started from is not read again.

    Returns:
        Path of `generator.keras`: the averaged main tail, float32.

    Raises:
        InputError: settings, folders, weights or checkpoints that cannot be used, or
            another process trains in the folder.
        TrainingError: a loss or weight that is no longer finite.
        Interrupted: SIGINT or SIGTERM came, and the run is saved.
    """
    check_settings(config)
    training, held = split_pairs(config.photos, config.illustrated, config.hold_out)
    with owned(config.run_dir):
        folder = config.run_dir
        if not resume and any(folder.glob("checkpoints/step_*")):
            raise InputError(
                f"{folder} must be a new run's folder; it holds checkpoints: give "
                f"another --run-dir, or --resume {folder}"
            )
        remove_temporaries(folder)
        keras.utils.set_random_seed(config.seed)
        features = None
        if config.perceptual_weights is not None:
            features = perceptual_network(config.perceptual_weights)
        init = None if resume else config.init
        run = Run(config, init, load_pairs(held), features)
        taken = run.restore() if resume else 0
        crops = PairCrops(
            load_pairs(training), config.seed, config.faces, config.degraded
        )
        save_config(config, folder / "config.json")
        _cut_log(run.log, taken)
        run.fit(crops, taken)
    return run.path


class Run:
    """Networks, optimizer and files of a run.

    Args:
        config: `IllustratedConfig`.
        init: what `load_generator` takes, or None for random weights.
        held: list of `Pair`, the first of them for sheets.
        features: model of `perceptual_network`, or None.
    """

    def __init__(self, config, init, held, features=None):
        self.config, self.shown = config, held[:_SHOWN]
        self.path = config.run_dir / "generator.keras"
        self.log = config.run_dir / "log.jsonl"
        self.checkpoints = config.run_dir / "checkpoints"
        self.generator = _generator(config, init)
        self.average = _alike(self.generator, "float32")
        self.average.set_weights(self.generator.get_weights())
        self.stages = read_stages(config.stages)
        self.rate = StagedRate(self.stages, config.warm_up, config.decay)
        self.optimizer = build_optimizer(self.rate, self.generator.trainable_variables)
        self.learner = IllustrationLearner(
            self.generator, self.average, features, config
        )

    def fit(self, crops, taken):
        """All stages, as far as they are not done."""
        first = pictures = 0
        with StopSignals() as signals:
            for stage in self.stages:
                done = min(max(taken - first, 0), stage.steps)
                if done < stage.steps:
                    number = pictures + done * stage.batch
                    self._fit_stage(crops, stage, first + done, number, done, signals)
                first += stage.steps
                pictures += stage.steps * stage.batch

    def _fit_stage(self, crops, stage, before, number, done, signals):
        config, left = self.config, stage.steps - done
        batches = CropBatches(
            crops, stage.size, stage.batch, number, left, config.workers
        )
        journal = Journal(self.log, stage, before, config.log_steps, self.rate)
        keeper = Keeper(self, before, config, signals)
        self.learner.begin(stage, self.optimizer)
        self.learner.fit(batches, shuffle=False, verbose=0, callbacks=[journal, keeper])
        self.save(keeper.taken)
        self.draw(keeper.taken)
        if signals.received:
            raise Interrupted(
                f"stopped by {signal.Signals(signals.received).name}, step "
                f"{keeper.taken} is saved; go on with: python tools/train.py --resume "
                f"{config.run_dir}",
                signals.received,
            )

    def save(self, taken):
        """Writes a checkpoint and `generator.keras`.

        Raises:
            TrainingError: a weight is not finite; what is on disk stays.
        """
        arrays = {name: np.asarray(v) for name, v in self._variables().items()}
        for name, array in arrays.items():
            if not np.all(np.isfinite(array)):
                raise TrainingError(
                    f"the weight {name} is no longer finite after step {taken}; the "
                    "newest checkpoint is from before"
                )
        settings = dataclasses.asdict(self.config)
        facts = json.loads(json.dumps({"settings": settings}, default=str))
        save_generator(self.average, self.path)
        write_checkpoint(self.checkpoints, taken, arrays, facts, _KEPT)

    def draw(self, taken):
        """Writes a sheet of the first held-out pairs."""
        path = self.config.run_dir / "samples" / f"step_{taken:07d}.png"
        draw_sheet(self.average, self.shown, path)

    def restore(self):
        """Goes back to the newest whole checkpoint; the number of its steps."""
        path = newest_checkpoint(self.checkpoints)
        arrays, variables = read_checkpoint(path)[0], self._variables()
        shapes = {name: tuple(variable.shape) for name, variable in variables.items()}
        if shapes != {name: array.shape for name, array in arrays.items()}:
            raise InputError(
                f"{path} must be of a generator of this width, memory and optimizer; "
                "it is of another"
            )
        for name, variable in variables.items():
            variable.assign(arrays[name])
        return int(path.name.removeprefix("step_"))

    def _variables(self):
        groups = {
            "generator": self.generator.variables,
            "average": self.average.variables,
            "optimizer": self.optimizer.variables,
            "learner": [self.learner.updates],
        }
        return {
            f"{group}/{place:03d}/{variable.name}": variable
            for group, variables in groups.items()
            for place, variable in enumerate(variables)
        }


def _generator(config, init):
    """The main tail that is trained: random, a given one, or one made wider."""
    if init is None:
        full = build_generator(config.width, config.memory, dtype=config.precision)
        return main_tail(full)
    given = main_tail(load_generator(init))
    try:
        width = generator_shape(given)["width"]
    except (ValueError, AttributeError) as error:
        raise InputError(f"{init} must be a generator of tools/train.py") from error
    if config.width not in (width, 2 * width):
        raise InputError(
            f"--width must be that of {init}, {width}, or twice as much; got "
            f"{config.width}"
        )
    if config.width == 2 * width:
        given = widened(given, seed=config.seed)
    generator = _alike(given, config.precision)
    generator.set_weights(given.get_weights())
    return generator


def _alike(generator, dtype):
    """Another main tail of the same shape, with weights of its own."""
    return main_tail(build_generator(**generator_shape(generator), dtype=dtype))


def _cut_log(path, taken):
    """Takes out of the log what came after the checkpoint; all in a new run."""
    if not path.is_file():
        return
    lines = path.read_text().splitlines(keepends=True)
    kept = [line for line in lines if json.loads(line)["step"] <= taken]
    write_atomic(path, "".join(kept).encode())
