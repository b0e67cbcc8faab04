"""Makes training pictures, and checks data sets: `animegan_tf/cli/prepare.py`."""

from animegan_tf.cli import run_tool
from animegan_tf.cli.prepare import main

if __name__ == "__main__":
    run_tool(main)
