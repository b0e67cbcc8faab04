"""Averages the weights of generators of one lineage.

    python tools/average.py runs/a/generator.keras runs/b/generator.keras -o mean.keras
    python tools/average.py early.keras late.keras --shares 1 3 -o mean.keras

Between an early and a late generator of one run, or two that began at the same one, it
sets how drawn pictures are against how much of the photo they keep.
"""

import argparse
import math
from pathlib import Path

from animegan_tf.cli import ArgumentParser
from animegan_tf.errors import InputError


def parse_arguments():
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("generators", nargs="+", metavar="GENERATOR")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="KERAS")
    parser.add_argument(
        "--shares",
        type=float,
        nargs="+",
        metavar="X",
        help="a number above 0 for each; only their ratios count (default: 1)",
    )
    return parser.parse_args()


def main():
    args = parse_arguments()
    shares = args.shares or [1.0] * len(args.generators)
    if len(shares) != len(args.generators):
        raise InputError(
            f"--shares must be {len(args.generators)} numbers, one for each generator, "
            f"received {len(shares)}."
        )
    if not all(0 < share < math.inf for share in shares):
        raise InputError(f"--shares must be above 0, received {shares}.")
    if args.output.suffix != ".keras":
        raise InputError(f"--output must end in .keras, received {args.output}.")
    # These import TensorFlow: seconds.
    from animegan_tf.inference import load_generator
    from animegan_tf.models import averaged, save_generator

    generators = [load_generator(path) for path in args.generators]
    try:
        mean = averaged(generators, shares)
    except ValueError as error:
        raise InputError(f"{', '.join(map(str, args.generators))}: {error}") from None
    save_generator(mean, args.output)
    print(args.output)
