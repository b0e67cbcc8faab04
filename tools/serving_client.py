"""Asks TensorFlow Serving: `animegan_tf/cli/serving_client.py`."""

from animegan_tf.cli import run_tool
from animegan_tf.cli.serving_client import main

if __name__ == "__main__":
    run_tool(main)
