"""Trains a generator: `animegan_tf/cli/train.py`."""

from animegan_tf.cli import run_tool
from animegan_tf.cli.train import main

if __name__ == "__main__":
    run_tool(main)
