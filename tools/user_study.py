"""Asks people which of two methods paints better: `animegan_tf/cli/user_study.py`."""

from animegan_tf.cli import run_tool
from animegan_tf.cli.user_study import main

if __name__ == "__main__":
    run_tool(main)
