"""A training run from its settings to `generator.keras`."""

import dataclasses
import sys
from dataclasses import dataclass
from pathlib import Path

import keras

from animegan_tf.config import TrainConfig, check_config, save_config
from animegan_tf.data.pipeline import (
    build_dataset,
    steps_per_epoch,
    validation_batch,
)
from animegan_tf.data.sources import load_sources
from animegan_tf.errors import InputError
from animegan_tf.models import build_discriminator, build_features, build_generator
from animegan_tf.samples import write_samples
from animegan_tf.training.callbacks import (
    JsonLines,
    Keeper,
    SampleGrid,
    StopOnNaN,
    TrainingState,
)
from animegan_tf.training.dtgan import DTGANTrainer
from animegan_tf.training.pretrain import GeneratorPretrainer
from animegan_tf.training.step import WeightAverage, build_optimizer
from animegan_tf.training.targets import TargetPool


@dataclass(frozen=True)
class RunFiles:
    """Where a run writes."""

    folder: Path

    def __post_init__(self):
        names = {
            "config": "config.json",
            "log": "log.jsonl",
            "generator": "generator.keras",
            "best": "generator_best.keras",
            "checkpoints": "checkpoints",
            "samples": "samples",
            "tensorboard": "tensorboard",
        }
        for attribute, name in names.items():
            object.__setattr__(self, attribute, self.folder / name)


def train(config: TrainConfig, resume: bool = False, load: Path | None = None) -> Path:
    """Trains a generator, or goes on where a run was stopped.

    Args:
        config: the run's settings; `data.photos` and `data.anime` must be folders.
        resume: continue from the newest checkpoint in `config.run_dir`.
        load: folder of another run whose newest checkpoint gives the weights to
            start from; epochs and optimizers start anew.

    Returns:
        Path of `generator.keras`: the averaged generator with both tails, float32.

    Raises:
        InputError: settings, folders, weights or checkpoints that cannot be used.
        TrainingError: a loss or weight that is no longer finite.
    """
    check_config(config)
    files = RunFiles(config.run_dir)
    if not resume and files.checkpoints.is_dir() and any(files.checkpoints.iterdir()):
        raise InputError(
            f"{files.folder} must be a new run's folder; it holds checkpoints: give "
            f"another --run-dir, or --resume {files.folder}"
        )
    keras.utils.set_random_seed(config.data.seed)

    # Data and the frozen network first: most of what can be wrong shows here, before
    # anything is written.
    features = build_features(
        config.perceptual, config.perceptual_weights, dtype=features_dtype(config)
    )
    sources = load_sources(
        config.data, config.targets.min_size, config.targets.superpixels
    )
    photos = validation_batch(config.data, sources)
    steps = config.steps_per_epoch or steps_per_epoch(sources, config.data)

    # Networks, optimizers, and everything that resuming needs.
    pretrainer, trainer = build_trainers(config, features)
    state = _state(config, files, pretrainer, trainer)
    first = state.restore() if resume else 0
    if load:
        state.load_weights(RunFiles(load).checkpoints)
    if first >= config.epochs:
        raise InputError(
            f"--epochs must be above the {first} epochs this run has; got "
            f"{config.epochs}"
        )
    judges = _judges(config, trainer.average.model, files.best)
    files.folder.mkdir(parents=True, exist_ok=True)
    save_config(config, files.config)

    # Both phases.
    average = trainer.average
    grid = SampleGrid(
        average.model, photos, files.samples, config.save_every, config.epochs
    )
    keeper = Keeper(state, average, files.generator, config.save_every, config.epochs)
    board = keras.callbacks.TensorBoard(str(files.tensorboard), write_graph=False)
    switch = min(config.pretrain_epochs, config.epochs)
    phases = (
        ("pretrain", pretrainer, switch, None, []),
        ("adversarial", trainer, config.epochs, trainer.targets, judges),
    )
    for phase, model, last, pool, judges in phases:
        if first >= last:
            continue
        print(f"{phase}: epochs {first + 1} to {last}, {steps} steps each", flush=True)
        model.fit(
            build_dataset(sources, config.data, start_step=first * steps),
            initial_epoch=first,
            epochs=last,
            steps_per_epoch=steps,
            callbacks=[
                StopOnNaN(),
                *judges,
                JsonLines(files.log, phase, pool),
                keeper,
                grid,
                board,
            ],
            shuffle=False,
            verbose=1 if sys.stdout.isatty() else 2,
        )
        first = last
    return files.generator


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
    generator = build_generator(config.width, dtype=config.precision)
    settings, weights = config.optimizer, config.weights
    average = WeightAverage(generator, settings.ema)
    pretrainer = GeneratorPretrainer(generator, features, weights, average)
    trainer = DTGANTrainer(
        generator,
        build_discriminator(config.width, "support", config.precision),
        build_discriminator(config.width, "main", config.precision),
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


def _state(config, files, pretrainer, trainer):
    """All that resuming needs, by name."""
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
    return TrainingState(
        files.checkpoints, config.keep_checkpoints, models, optimizers, trainer.average
    )


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
