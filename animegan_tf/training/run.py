"""A training run from its settings to `generator.keras`."""

import contextlib
import dataclasses
import functools
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path

import keras
import tensorflow as tf

from animegan_tf.config import DataConfig, TrainConfig, check_config
from animegan_tf.data.pipeline import (
    build_dataset,
    steps_per_epoch,
    validation_batch,
    window_readers,
)
from animegan_tf.data.sources import Sources, load_sources
from animegan_tf.errors import InputError
from animegan_tf.files import remove_temporaries
from animegan_tf.models import build_features
from animegan_tf.samples import write_samples
from animegan_tf.settings import save_config
from animegan_tf.training.build import (
    build_trainers,
    features_dtype,
    training_state,
)
from animegan_tf.training.callbacks import (
    Curves,
    JsonLines,
    Keeper,
    SampleGrid,
)
from animegan_tf.training.distribute import Agreement, open_devices
from animegan_tf.training.health.callback import HealthCallback
from animegan_tf.training.health.page import health_page
from animegan_tf.training.saving.checkpoint import using
from animegan_tf.training.saving.lock import owned
from animegan_tf.training.signals import StopSignals
from animegan_tf.training.start import Start
from animegan_tf.untrusted import inside


@dataclass(frozen=True)
class RunFiles:
    """Where a run writes."""

    folder: Path

    def __post_init__(self):
        names = {
            "config": "config.json",
            "health": "health.html",
            "log": "log.jsonl",
            "generator": "generator.keras",
            "best": "generator_best.keras",
            "checkpoints": "checkpoints",
            "samples": "samples",
            "tensorboard": "tensorboard",
        }
        for attribute, name in names.items():
            object.__setattr__(self, attribute, self.folder / name)


def train(config: TrainConfig, resume: bool = False, callbacks=()) -> Path:
    """Trains a generator, or goes on where a run was stopped.

    Args:
        config: the run's settings; `data.photos` and `data.anime` must be folders.
        resume: continue from the newest whole checkpoint in `config.run_dir`; what
            the run once started from is not read again.
        callbacks: Keras callbacks for both phases, besides the run's own.

    Returns:
        Path of `generator.keras`: the averaged generator with both tails, float32.

    Raises:
        InputError: settings, folders, weights or checkpoints that cannot be used, or
            another process trains in the folder.
        TrainingError: a loss or weight that is no longer finite.
        Interrupted: SIGINT or SIGTERM came, and the run is saved.
    """
    check_config(config)
    devices = open_devices(config.devices, config.data.batch_size)
    # Other processes than the chief only read there.
    with owned(config.run_dir) if devices.chief else contextlib.nullcontext():
        return _train(config, RunFiles(config.run_dir), devices, resume, callbacks)


def _train(config, files, devices, resume, callbacks):
    if devices.chief:
        _tidy(files, resume)
    _seed(config.data.seed, config.deterministic)
    trained = None
    if config.start.init is not None and not resume:
        trained = Start(config.start.init)
        config = trained.shaped(config)

    # Data and the frozen network first: most of what can be wrong shows here, before
    # anything is written.
    with devices.scope():
        features = build_features(
            config.perceptual, config.perceptual_weights, dtype=features_dtype(config)
        )
    sources = load_sources(
        config.data, config.targets.min_size, config.targets.superpixels
    )
    photos = validation_batch(config.data, sources)
    steps = config.steps_per_epoch or steps_per_epoch(sources, config.data)

    # Networks, optimizers, and everything that resuming needs.
    with devices.scope():
        trainers = build_trainers(config, features)
    state = training_state(config, files, *trainers, devices.chief)
    if resume:
        _go_on(state, config)
    if trained:
        trained.give(trainers[1], state)
    _set_steps(state.progress, steps)
    devices.require_agreement(
        _checksum(config, sources, state.progress),
        "all processes of a run must be started with the same settings, pictures and "
        "checkpoints; the ones of this run differ",
    )
    judges = []
    if devices.chief:
        judges = _judges(config, trainers[1].average.model, files.best)
        save_config(config, files.config)
        state.cut_logs()
    state.save()  # from the first moment on there is something to resume
    _fit(config, files, devices, sources, photos, trainers, state, judges, callbacks)
    return files.generator


def _tidy(files, resume):
    """Looks at a run's folder, whose files will be cut, added to and deleted."""
    for path in (files.log, files.checkpoints, files.samples, files.tensorboard):
        inside(files.folder, path.name, files.folder)
    if not resume:
        _require_new(files)
    if files.folder.is_dir():
        remove_temporaries(files.folder)


def _fit(config, files, devices, sources, photos, trainers, state, judges, callbacks):
    """Both phases, as far as they are not done; an early stop ends them."""
    pretrainer, trainer = trainers
    average, last = trainer.average, config.epochs
    written, log_file, page = [], None, contextlib.nullcontext()
    if devices.chief:
        log_file, page = files.log, health_page(state.watch, files.health)
        grid = (photos, files.samples, config.save_every, last)
        written = [Curves(files.tensorboard), SampleGrid(average.model, *grid)]
    switch = min(config.pretrain_epochs, last)
    phases = (
        ("pretrain", pretrainer, switch, None, [], config.data),
        ("adversarial", trainer, last, trainer.targets, judges, _of_updates(config)),
    )
    with StopSignals() as signals, page:
        agreement = []
        if devices.workers > 1:
            agreement = [signals := Agreement(devices, signals)]
        keeper = Keeper(state, average, files.generator, config, signals)
        readers = window_readers(sources, config.data)
        for phase, model, end, pool, judges, data in phases:
            own = [
                HealthCallback(state.watch, phase, state.progress, log_file),
                *judges,
            ]
            if devices.chief:
                own += [JsonLines(log_file, phase, state.progress, pool), *written]
            batches = _Batches(sources, data, readers, config.data.batch_size)
            own = [*own, *callbacks, *agreement, keeper]
            if _fit_phase(devices, phase, model, end, batches, state.progress, own):
                return


@dataclass(frozen=True)
class _Batches:
    """A phase's batches, whose step may be several batches of the settings in one."""

    sources: Sources
    data: DataConfig
    readers: list
    batch_size: int

    def since(self, start, share):
        """Dataset of a replica's `share` from the step `start` on."""
        updates = self.data.batch_size // self.batch_size
        share = dataclasses.replace(share, updates=updates)
        return build_dataset(self.sources, self.data, None, start, self.readers, share)


def _fit_phase(devices, phase, model, end, batches, progress, callbacks):
    """Brings a run to the epoch `end`; whether a callback stopped it before."""
    for first, until, rest in _parts(progress, end):
        _tell(phase, progress, until)
        devices.fit(
            model,
            functools.partial(batches.since, progress.taken),
            callbacks=callbacks,
            verbose=1 if sys.stdout.isatty() else 2,
            initial_epoch=first,
            epochs=until,
            steps_per_epoch=rest,
        )
        if model.stop_training:
            return True
    return False


def _require_new(files):
    """Refuses a folder with checkpoints, of whatever version; half of one is none."""
    if any(not path.name.startswith(".") for path in files.checkpoints.glob("*")):
        raise InputError(
            f"{files.folder} must be a new run's folder; it holds checkpoints: give "
            f"another --run-dir, or --resume {files.folder}"
        )


def _seed(seed, deterministic):
    keras.utils.set_random_seed(seed)
    if deterministic:
        tf.config.experimental.enable_op_determinism()
        # keras-cv asks for it and would get none, though nothing here draws from it.
        tf.random.set_global_generator(tf.random.Generator.from_seed(seed))


def _checksum(config, sources, progress):
    """A number of what all processes of a run must have alike."""
    names = [path.name for path in (*sources.photos, *sources.anime)]
    alike = names, progress, config.data.seed, config.weights, config.optimizer
    return zlib.crc32(repr(alike).encode()) % 2**31


def _go_on(state, config):
    """Restores the state; rates that the settings change take their new values."""
    settings = state.restore()
    with using(state.folder):
        before = dict(settings["optimizer"])
    if state.progress.epoch >= config.epochs:
        raise InputError(
            f"--epochs must be above the {state.progress.epoch} epochs this run has; "
            f"got {config.epochs}"
        )
    for name, optimizer in state.optimizers.items():
        setting = name.replace("optimizer", "rate")
        rate = getattr(config.optimizer, setting)
        if rate != before.get(setting):
            optimizer.learning_rate = rate


def _set_steps(progress, steps):
    """The steps of an epoch, which may change between epochs only."""
    if progress.step and progress.steps != steps:
        raise InputError(
            f"--steps-per-epoch must be {progress.steps} until the epoch is over in "
            f"which this run was stopped, at {progress}; got {steps}"
        )
    progress.steps = steps


def _parts(progress, end):
    """Calls of `fit` that bring a run to the epoch `end`: (first, until, steps).

    All epochs of a call are of one length, so that the rest of one under way is a
    call of its own.
    """
    if progress.epoch < end and progress.step:
        yield progress.epoch, progress.epoch + 1, progress.steps - progress.step
    if progress.epoch < end:
        yield progress.epoch, end, progress.steps


def _tell(phase, progress, until):
    first, steps = progress.epoch + 1, progress.steps
    if progress.step:
        text = f"epoch {first} from step {progress.step + 1} of {steps} on"
    else:
        text = f"epochs {first} to {until}, {steps} steps each"
    print(f"{phase}: {text}", flush=True)


def _of_updates(config):
    """The data settings of phase 2, where every update of a step has its own batch."""
    game, size = config.objective, config.data.batch_size
    updates = max(game.generator_steps, game.discriminator_steps)
    return dataclasses.replace(config.data, batch_size=size * updates)


def _judges(config, generator, path):
    """What compares the epochs by held-out pictures, if that is wanted."""
    settings = config.evaluation
    if not settings.evaluate_every:
        return []
    from animegan_tf.training.held_out import HeldOutDistance

    return [HeldOutDistance(generator, settings, config.data, path, config.epochs)]


def with_sample_data(config):
    """The settings with drawn portraits as data, written into the cache first.

    Args:
        config: `TrainConfig` without photos and anime folders.
    """
    data = config.data
    folder = data.cache / f"samples-{data.image_size}"
    print(f"drawing sample portraits into {folder}", flush=True)
    write_samples(folder, photos=160, anime=160, size=data.image_size, seed=data.seed)
    if config.perceptual == "random":
        print(
            "perceptual network: a small seeded stand-in, because this run downloads "
            "nothing; real training uses VGG19 (--perceptual vgg19)",
            flush=True,
        )
    data = dataclasses.replace(
        data,
        photos=folder / "train_photo",
        anime=folder / "Sample" / "style",
        validation=folder / "val",
    )
    return dataclasses.replace(config, data=data)
