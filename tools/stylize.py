"""Stylizes photos and videos: `animegan_tf/cli/stylize.py`."""

from animegan_tf.cli import run_tool
from animegan_tf.cli.stylize import main

if __name__ == "__main__":
    run_tool(main)
