"""Runs of few steps with small networks, in a process of its own for its devices.

python tests/replicas.py SAMPLES FOLDER none|mirrored|multiworker ...
"""

import dataclasses
import sys
from pathlib import Path

import pytest
from tiny_runs import tiny_config
from tiny_trainers import use_small_networks

from animegan_tf.config import DeviceConfig
from animegan_tf.layers import cpu
from animegan_tf.training import run

DEVICES = 2


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
    patch = pytest.MonkeyPatch()
    use_small_networks(patch)
    patch.setattr(cpu, "computes_on_cpu", lambda: False)  # XLA takes longer
    for way in ways:
        train(Path(samples), Path(folder) / way, way)


if __name__ == "__main__":
    main()
