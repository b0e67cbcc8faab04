"""TensorFlow 1 checkpoints into .keras: `animegan_tf/cli/import_checkpoint.py`."""

from animegan_tf.cli import run_tool
from animegan_tf.cli.import_checkpoint import main

if __name__ == "__main__":
    run_tool(main)
