"""Functional builders of the networks."""

from animegan_tf.models.discriminator import build_discriminator
from animegan_tf.models.features import build_features
from animegan_tf.models.files import read_generator, save_generator
from animegan_tf.models.generator import (
    as_float32,
    averaged,
    build_generator,
    freeze_base,
    generator_shape,
    main_tail,
)
from animegan_tf.models.widen import widened

__all__ = [
    "as_float32",
    "averaged",
    "build_discriminator",
    "build_features",
    "build_generator",
    "freeze_base",
    "generator_shape",
    "main_tail",
    "read_generator",
    "save_generator",
    "widened",
]
