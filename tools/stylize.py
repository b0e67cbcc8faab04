"""Turns one photo into an anime picture.

python tools/stylize.py photo.jpg -o picture.png --generator runs/sample/generator.keras
"""

import argparse
from pathlib import Path

from animegan_tf.cli import ArgumentParser, run_tool
from animegan_tf.errors import InputError
from animegan_tf.imaging.io import SUFFIXES, read_image, write_image


def parse_arguments():
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photo", type=Path, help="the photo to paint")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, help="the picture to write"
    )
    parser.add_argument(
        "--generator",
        type=Path,
        default=Path("runs/sample/generator.keras"),
        help="generator of tools/train.py (default: %(default)s)",
    )
    parser.add_argument(
        "--max-side",
        type=int,
        default=1280,
        metavar="PIXELS",
        help="larger photos are reduced to this (default: %(default)s)",
    )
    return parser.parse_args()


def main():
    args = parse_arguments()
    if args.output.suffix.lower() not in SUFFIXES:
        raise InputError(
            f"--output must end in one of {', '.join(SUFFIXES)}; got {args.output}"
        )
    image = read_image(args.photo)
    from animegan_tf.inference import Stylizer  # imports TensorFlow: seconds

    write_image(args.output, Stylizer(args.generator, args.max_side)(image))
    print(args.output)


if __name__ == "__main__":
    run_tool(main)
