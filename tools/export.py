"""Exports a generator: `animegan_tf/cli/export.py`."""

from animegan_tf.cli import run_tool
from animegan_tf.cli.export import main

if __name__ == "__main__":
    run_tool(main)
