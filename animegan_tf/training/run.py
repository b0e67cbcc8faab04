"""A training run from its settings to `generator.keras`."""

import contextlib
import dataclasses
import json
import os
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path

import keras
import tensorflow as tf

from animegan_tf.config import TrainConfig, check_config, save_config
from animegan_tf.data.pipeline import (
    build_dataset,
    steps_per_epoch,
    validation_batch,
    window_readers,
)
from animegan_tf.data.sources import load_sources
from animegan_tf.errors import InputError
from animegan_tf.models import (
    build_discriminator,
    build_features,
    build_generator,
    freeze_base,
)
from animegan_tf.samples import write_samples
from animegan_tf.training.callbacks import (
    Curves,
    JsonLines,
    Keeper,
    SampleGrid,
)
from animegan_tf.training.distribute import Agreement, open_devices
from animegan_tf.training.dtgan import DTGANTrainer
from animegan_tf.training.health import HealthWatch, Watch
from animegan_tf.training.health_page import health_page
from animegan_tf.training.lock import owned
from animegan_tf.training.pretrain import GeneratorPretrainer
from animegan_tf.training.signals import StopSignals
from animegan_tf.training.start import Start
from animegan_tf.training.state import TrainingState
from animegan_tf.training.step import WeightAverage, build_optimizer
from animegan_tf.training.targets import TargetPool


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
    if devices.chief and not resume:
        _require_new(files)
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
        pretrainer, trainer = build_trainers(config, features)
    state = training_state(config, files, pretrainer, trainer, devices.chief)
    if resume:
        _go_on(state, config)
    if trained:
        trained.give(trainer, state)
    _set_steps(state.progress, steps)
    devices.require_agreement(
        _checksum(config, sources, state.progress),
        "all processes of a run must be started with the same settings, pictures and "
        "checkpoints; the ones of this run differ",
    )
    judges = []
    if devices.chief:
        judges = _judges(config, trainer.average.model, files.best)
        save_config(config, files.config)
        state.cut_logs()
    state.save()  # from the first moment on there is something to resume

    # Both phases.
    progress, last = state.progress, config.epochs
    grid = SampleGrid(
        trainer.average.model, photos, files.samples, config.save_every, last
    )
    switch = min(config.pretrain_epochs, last)
    if devices.chief:
        log_file, page = files.log, health_page(state.watch, files.health)
        written = [Curves(files.tensorboard), grid]
    else:
        log_file, page = Path(os.devnull), contextlib.nullcontext()
    phases = (
        ("pretrain", pretrainer, switch, None, [], config.data),
        ("adversarial", trainer, last, trainer.targets, judges, _of_updates(config)),
    )
    with StopSignals() as signals, page:
        agreement = []
        if devices.workers > 1:
            agreement = [signals := Agreement(devices, signals)]
        keeper = Keeper(state, trainer.average, files.generator, config, signals)
        readers = window_readers(sources, config.data)
        for phase, model, end, pool, judges, data in phases:
            own = [HealthWatch(state.watch, phase, progress, log_file), *judges]
            if devices.chief:
                own += [JsonLines(log_file, phase, progress, pool), *written]
            for first, until, rest in _parts(progress, end):
                _tell(phase, progress, until)
                start = progress.taken
                devices.fit(
                    model,
                    lambda share: build_dataset(
                        *(sources, data, None, start, readers),
                        dataclasses.replace(
                            share, updates=data.batch_size // config.data.batch_size
                        ),
                    ),
                    callbacks=[*own, *callbacks, *agreement, keeper],
                    verbose=1 if sys.stdout.isatty() else 2,
                    initial_epoch=first,
                    epochs=until,
                    steps_per_epoch=rest,
                )
                if model.stop_training:
                    return files.generator
    return files.generator


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
    before = state.restore()["optimizer"]
    if state.progress.epoch >= config.epochs:
        raise InputError(
            f"--epochs must be above the {state.progress.epoch} epochs this run has; "
            f"got {config.epochs}"
        )
    for name, optimizer in state.optimizers.items():
        setting = name.replace("optimizer", "rate")
        rate = getattr(config.optimizer, setting)
        if rate != before[setting]:
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


def features_dtype(config):
    """Policy of the perceptual network that goes with the run's precision."""
    # float16 ends at 65,504, which VGG's features come near.
    if config.precision == "mixed_bfloat16":
        return "mixed_bfloat16"
    return "float32"


def build_trainers(config, features):
    """Both trainers, compiled, which share the generator and its average.

    Args:
        config: `TrainConfig`.
        features: model of `build_features`.

    Returns:
        `(GeneratorPretrainer, DTGANTrainer)`.
    """
    resize = {"bilinear": "half_pixel"}.get(config.upsampling, config.upsampling)
    generator = build_generator(
        config.width, config.memory, resize, dtype=config.precision
    )
    if config.start.freeze == "base":
        freeze_base(generator)
    settings, weights = config.optimizer, config.weights
    average = WeightAverage(generator, settings.ema)
    painted = config.data.photo_painted is not None
    pretrainer = GeneratorPretrainer(generator, features, weights, average, painted)
    game = config.objective

    def discriminator(name):
        return build_discriminator(
            config.width, name, config.precision, game.spectral, game.minibatch
        )

    trainer = DTGANTrainer(
        generator,
        discriminator("support"),
        discriminator("main"),
        features,
        weights,
        TargetPool(
            workers=config.targets.workers or None,
            method=config.targets.superpixels,
            min_size=config.targets.min_size,
            strength=config.targets.denoise,
            template=config.targets.template,
        ),
        average,
        game,
        config.data.seed,
    )

    def optimizer(rate, variables):
        return build_optimizer(rate, settings, config.precision, variables)

    variables = generator.trainable_variables
    pretrainer.compile(optimizer(settings.pretrain_rate, variables))
    trainer.compile(
        optimizer(settings.generator_rate, variables),
        optimizer(settings.discriminator_rate, trainer.discriminator_variables),
    )
    return pretrainer, trainer


def training_state(config, files, pretrainer, trainer, writes=True):
    """All that resuming needs, by name, as a `TrainingState`.

    What draws random numbers in a step must do so from a `keras.random.SeedGenerator`
    that is an attribute of its trainer or of a layer in it, or by the step's number.
    """
    models = {
        "generator": trainer.generator,
        "support_discriminator": trainer.support_discriminator,
        "main_discriminator": trainer.main_discriminator,
    }
    optimizers = {
        "pretrain_optimizer": pretrainer.generator_optimizer,
        "generator_optimizer": trainer.generator_optimizer,
        "discriminator_optimizer": trainer.discriminator_optimizer,
    }
    trainers = pretrainer, trainer
    means = [v for model in trainers for m in model.metrics for v in m.variables]
    seeds = [v for model in trainers for v in model.variables if _is_seed(v)]
    return TrainingState(
        files.checkpoints,
        config.keep_checkpoints,
        models,
        optimizers,
        trainer.average,
        means,
        {"seeds": seeds, "objective": list(trainer.state.values())},
        json.loads(json.dumps(dataclasses.asdict(config), default=str)),
        (files.log, files.tensorboard),
        Watch(config.health),
        writes,
    )


def _is_seed(variable):
    return variable.name == "seed_generator_state"


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
