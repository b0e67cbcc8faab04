"""Settings to start from: three sets of loss weights, and a run that needs no data."""

import dataclasses
from pathlib import Path

from animegan_tf.config import (
    DataConfig,
    LossWeights,
    OptimizerConfig,
    TargetConfig,
    TrainConfig,
)

_SHINKAI = TrainConfig(
    data=DataConfig(noise=0.1),
    weights=LossWeights(
        style=(0.1, 2.0, 28.0),
        region=0.8,
        photo_region=0.5,
        color=8.0,
        total_variation=0.0001,
        anime_smooth=5.0,
        pretrain_main=0.0,
    ),
    targets=TargetConfig(min_size=100, denoise=7.0, template=6),
)
# Portraits: far more style against content than for landscapes, chroma held firmly and
# lightness loosely, because anime is brighter than photographs but has their hues.
_PORTRAIT = TrainConfig(
    weights=LossWeights(
        content=0.3,
        style=(0.2, 10.0, 50.0),
        region=0.5,
        photo_region=0.3,
        color=15.0,
        lightness=1.0,
        support_adversarial=2.0,
    ),
)
PRESETS = {"portrait": _PORTRAIT, "hayao": TrainConfig(), "shinkai": _SHINKAI}

# A run that needs nothing but this package: drawn portraits, a small stand-in for the
# perceptual network, minutes on two cores. Random features answer to style with rings
# around every edge, so style counts less here and smoothness more.
SAMPLE = dataclasses.replace(
    _PORTRAIT,
    run_dir=Path("runs/sample"),
    data=DataConfig(image_size=96, batch_size=2, cache=Path("runs/cache")),
    weights=dataclasses.replace(
        _PORTRAIT.weights,
        content=0.6,
        style=(0.01, 0.3, 1.0),
        region=0.4,
        color=8.0,
        lightness=0.5,
        total_variation=1.0,
    ),
    optimizer=OptimizerConfig(
        generator_rate=1.5e-4, discriminator_rate=1.5e-4, ema=0.98
    ),
    pretrain_epochs=1,
    epochs=5,
    steps_per_epoch=75,
    perceptual="random",
)
