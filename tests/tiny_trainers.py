"""Trainers of phase 2 in small, and batches for them.

The networks are as shallow as they can be with every layer that knows of a batch or
moves a variable in a call: a step takes a moment, and what it does is the same.
"""

import keras
import numpy as np
import tensorflow as tf

from animegan_tf.config import LossWeights, ObjectiveConfig, OptimizerConfig
from animegan_tf.layers import (
    LADE,
    ExternalAttention,
    MinibatchDiscrimination,
    SpectralConv2D,
)
from animegan_tf.training import build, run
from animegan_tf.training.step import WeightAverage, build_optimizer
from animegan_tf.training.targets import TargetPool
from animegan_tf.training.variants import DTGANVariant

SIZE, BATCH = 32, 2
KINDS = ("photo", "photo_superpixels", "anime", "anime_smooth")


def small_generator(width=4, *shape, dtype="float32", **options):
    photo = keras.Input((None, None, 3), name="photo")
    x = keras.layers.Conv2D(width, 3, padding="same", dtype=dtype, name="base")(photo)
    tails = {}
    for name in ("support", "main"):
        y = ExternalAttention(4, dtype=dtype, name=f"{name}_attention")(x)
        y = LADE(dtype=dtype, name=f"{name}_lade")(y)
        y = keras.layers.Conv2D(
            3, 3, padding="same", dtype=dtype, name=f"{name}_picture"
        )(y)
        tails[name] = keras.layers.Activation("tanh", dtype="float32", name=name)(y)
    return keras.Model(photo, tails, name="generator")


def small_discriminator(width, name, dtype="float32", spectral=True, minibatch=0):
    picture = keras.Input((None, None, 3), name="picture")
    if spectral:
        x = SpectralConv2D(width, 3, 2, dtype=dtype, name="stem")(picture)
    else:
        x = keras.layers.Conv2D(width, 3, 2, dtype=dtype, name="stem")(picture)
    x = LADE(spectral=spectral, negative_slope=0.2, dtype=dtype, name="lade")(x)
    if minibatch:
        x = MinibatchDiscrimination(minibatch, dtype=dtype, name="minibatch")(x)
    x = keras.layers.Conv2D(1, 1, use_bias=False, dtype=dtype, name="logits")(x)
    x = keras.layers.Activation("linear", dtype="float32", name="output")(x)
    return keras.Model(picture, x, name=name)


def small_features(*names, **options):
    image = keras.Input((None, None, 3), name="picture")
    x, levels = image, []
    for channels in (4, 6, 8):
        x = keras.layers.Conv2D(channels, 3, 2, name=f"level_{channels}")(x)
        levels.append(x)
    return keras.Model(image, {"content": x, "style": levels}, trainable=False)


class CheapTargets(TargetPool):
    """Numpy code as the real one, in no time."""

    def make(self, filtered, raw):
        return self._wait_for(filtered**2), self.revise(raw)

    def revise(self, raw):
        return self._wait_for(raw.astype(np.float32) / 255)


def use_small_networks(patch):
    """Lets runs train these, by a `pytest.MonkeyPatch`."""
    patch.setattr(build, "build_generator", small_generator)
    patch.setattr(build, "build_discriminator", small_discriminator)
    patch.setattr(build, "TargetPool", CheapTargets)
    patch.setattr(run, "build_features", small_features)


def make_batch(count=BATCH, seed=0):
    rng = np.random.default_rng(seed)
    return {
        name: tf.constant(rng.uniform(-1, 1, (count, SIZE, SIZE, 3)), tf.float32)
        for name in KINDS
    }


def make_trainer(
    rates=(1e-3, 1e-3),
    precision="float32",
    weights=None,
    kind=DTGANVariant,
    **settings,
):
    """A trainer, always with the same weights."""
    keras.utils.set_random_seed(0)
    settings = ObjectiveConfig(**settings)
    generator = small_generator(dtype=precision)
    own = {"settings": settings, "seed": 5} if kind is DTGANVariant else {}
    trainer = kind(
        generator,
        *(
            small_discriminator(
                4, name, precision, settings.spectral, settings.minibatch
            )
            for name in ("support", "main")
        ),
        small_features(),
        weights=weights or LossWeights(),
        targets=CheapTargets(),
        average=WeightAverage(generator, 0.9),
        **own,
    )
    variables = generator.trainable_variables, trainer.discriminator_variables
    optimizers = [
        build_optimizer(rate, OptimizerConfig(), precision, moved)
        for rate, moved in zip(rates, variables)
    ]
    trainer.compile(*optimizers)
    return trainer


def values(variables):
    return [np.asarray(variable).copy() for variable in variables]


def moved(variables, before):
    """Whether each variable is another than it was."""
    return [bool((np.asarray(v) != b).any()) for v, b in zip(variables, before)]
