"""Draws photos of people as anime pictures: `animegan_tf/cli/illustrate.py`."""

from animegan_tf.cli import run_tool
from animegan_tf.cli.illustrate import main

if __name__ == "__main__":
    run_tool(main)
