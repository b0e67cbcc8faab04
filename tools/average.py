"""Averages the weights of generators: `animegan_tf/cli/average.py`."""

from animegan_tf.cli import run_tool
from animegan_tf.cli.average import main

if __name__ == "__main__":
    run_tool(main)
