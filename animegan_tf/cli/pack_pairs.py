"""Packs pairs and VGG16's first blocks into one small file, for a machine elsewhere.

    python -m animegan_tf.cli.pack_pairs pairs.zip \\
        --illustrated drawings --photos photos --perceptual-weights vgg16.npz

and there, with this package and JAX, or any backend of Keras:

    python -m zipfile -e pairs.zip pairs
    KERAS_BACKEND=jax python -m animegan_tf.training.illustrated \\
        --illustrated pairs/illustrated --photos pairs/photos \\
        --hold-out pairs/hold_out.txt --perceptual-weights pairs/vgg16.npz
"""

import argparse
from pathlib import Path

from animegan_tf.cli import ArgumentParser, run_tool
from animegan_tf.training.illustrated.pack import pack


def parse_arguments():
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("output", type=Path, metavar="ZIP", help="file to write")
    for flag in ("--illustrated", "--photos"):
        parser.add_argument(flag, type=Path, required=True, metavar="DIR")
    parser.add_argument("--perceptual-weights", type=Path, required=True)
    parser.add_argument(
        "--hold-out", type=Path, metavar="PATH", help="stems; default: the last 8"
    )
    parser.add_argument("--side", type=int, default=400, help="longest, in pixels")
    parser.add_argument("--megabytes", type=float, default=30.0, help="at most")
    return parser.parse_args()


def main():
    args = parse_arguments()
    quality = pack(
        args.output,
        args.photos,
        args.illustrated,
        args.hold_out,
        args.perceptual_weights,
        args.side,
        args.megabytes,
    )
    print(f"{args.output}: JPEG quality {quality}")


if __name__ == "__main__":
    run_tool(main)
