"""Stylizes folders with Apache Beam: `animegan_tf/cli/beam_stylize.py`."""

from animegan_tf.cli import run_tool
from animegan_tf.cli.beam_stylize import main

if __name__ == "__main__":
    run_tool(main)
