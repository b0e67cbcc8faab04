"""Runs of few steps with small networks, in a process of its own for its devices.

    python tests/replicas.py SAMPLES FOLDER none|mirrored|multiworker ...

The networks are as shallow as they can be with every layer that knows of a batch or
moves a variable in a call: a step is traced in seconds, and what it does with replicas
is the same.
"""

import dataclasses
import sys
from pathlib import Path

import keras
import numpy as np
from tiny_runs import tiny_config

from animegan_tf.config import DeviceConfig
from animegan_tf.layers import LADE, ExternalAttention, SpectralConv2D, compiled
from animegan_tf.training import build, run
from animegan_tf.training.targets import TargetPool

DEVICES = 2


def small_generator(width, *shape, **options):
    photo = keras.Input((None, None, 3), name="photo")
    x = keras.layers.Conv2D(width, 3, padding="same", name="base")(photo)
    tails = {}
    for name in ("support", "main"):
        y = LADE(name=f"{name}_lade")(ExternalAttention(4, name=f"{name}_attention")(x))
        tails[name] = keras.layers.Conv2D(
            3, 3, padding="same", activation="tanh", name=f"{name}_picture"
        )(y)
    return keras.Model(photo, tails, name="generator")


def small_discriminator(width, name, *shape, **options):
    picture = keras.Input((None, None, 3), name="picture")
    x = SpectralConv2D(width, 3, strides=2, name="stem")(picture)
    x = keras.layers.LeakyReLU(0.2)(LADE(spectral=True, name="lade")(x))
    return keras.Model(picture, SpectralConv2D(1, 1, name="logits")(x), name=name)


def small_features(*names, **options):
    picture = keras.Input((None, None, 3), name="picture")
    x = keras.layers.Conv2D(4, 3, strides=2, name="conv")(picture)
    return keras.Model(picture, {"content": x, "style": [x, x, x]}, trainable=False)


class CheapTargets(TargetPool):
    """Numpy code as the real ones, in no time."""

    def make(self, filtered, raw):
        return filtered**2, raw.astype(np.float32) / 255


def train(samples, run_dir, distribute):
    """Ten steps of phase 2; the same in every process that has this call."""
    cpu_devices = DEVICES if distribute == "mirrored" else 0
    config = tiny_config(
        samples,
        run_dir,
        devices=DeviceConfig(distribute=distribute, cpu_devices=cpu_devices),
        pretrain_epochs=0,
        epochs=1,
        steps_per_epoch=10,
    )
    data = dataclasses.replace(config.data, batch_size=4)
    run.train(dataclasses.replace(config, data=data))


def main():
    samples, folder, *ways = sys.argv[1:]
    build.build_generator = small_generator
    build.build_discriminator = small_discriminator
    run.build_features, build.TargetPool = small_features, CheapTargets
    compiled.computes_on_cpu = lambda: False  # XLA takes longer than these steps
    for way in ways:
        train(Path(samples), Path(folder) / way, way)


if __name__ == "__main__":
    main()
