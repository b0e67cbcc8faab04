"""`tools/train.py --illustrated` without TensorFlow: `cli/train_illustrated.py`."""

from animegan_tf.cli import run_tool
from animegan_tf.cli.train_illustrated import main

if __name__ == "__main__":
    run_tool(main)
