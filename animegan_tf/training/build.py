"""The parts of a training run: networks, trainers, optimizers, state."""

import dataclasses
import json

from animegan_tf.models import build_discriminator, build_generator, freeze_base
from animegan_tf.training.health.watch import Watch
from animegan_tf.training.pretrain import GeneratorPretrainer
from animegan_tf.training.saving.state import TrainingState
from animegan_tf.training.step import WeightAverage, build_optimizer
from animegan_tf.training.targets import TargetPool
from animegan_tf.training.variants import DTGANVariant


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
        `(GeneratorPretrainer, DTGANVariant)`.
    """
    resize = {"bilinear": "half_pixel"}.get(config.upsampling, config.upsampling)
    generator = build_generator(
        config.width, config.memory, resize, dtype=config.precision
    )
    if config.start.freeze == "base":
        freeze_base(generator)
    settings, weights, targets = config.optimizer, config.weights, config.targets
    average = WeightAverage(generator, settings.ema)
    painted = config.data.photo_painted is not None
    pretrainer = GeneratorPretrainer(generator, features, weights, average, painted)
    trainer = DTGANVariant(
        generator,
        *_discriminators(config),
        features,
        weights=weights,
        targets=TargetPool(
            targets.workers or None,
            {"method": targets.superpixels, "min_size": targets.min_size},
            {"strength": targets.denoise, "template": targets.template},
        ),
        average=average,
        settings=config.objective,
        seed=config.data.seed,
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


def _discriminators(config):
    """The support tail's and the main tail's."""
    settings = config.objective.spectral, config.objective.minibatch
    return [
        build_discriminator(config.width, name, config.precision, *settings)
        for name in ("support", "main")
    ]


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
