"""Measures painted pictures: `animegan_tf/cli/evaluate.py`."""

from animegan_tf.cli import run_tool
from animegan_tf.cli.evaluate import main

if __name__ == "__main__":
    run_tool(main)
