"""Draws photos of people as anime pictures, by code: teachers for a generator.

    python tools/prepare.py networks networks
    python tools/illustrate.py photos -o drawings --networks networks
    python tools/illustrate.py photos -o drawings --networks networks --style mine.json

Drawings have the photos' names and sizes. A stopped run goes on where it was. A style
is a name or a JSON file of its settings; --show-style prints one to begin with.
"""

import argparse
import sys
from pathlib import Path

from animegan_tf.cli import ArgumentParser
from animegan_tf.errors import InputError
from animegan_tf.illustration import STYLES, load_style


def parse_arguments():
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path, nargs="?", help="folder of photos")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help="folder for the drawings"
    )
    parser.add_argument(
        "--networks",
        type=Path,
        metavar="DIR",
        default=Path("networks"),
        help="folder that `tools/prepare.py networks` filled (default: %(default)s)",
    )
    parser.add_argument(
        "--style",
        default="anime",
        metavar="NAME|FILE.json",
        help=f"{', '.join(STYLES)}, or a file (default: %(default)s)",
    )
    parser.add_argument(
        "--workers", type=int, metavar="N", help="processes (default: one a core)"
    )
    parser.add_argument(
        "--show-style", action="store_true", help="print the style's settings and stop"
    )
    args = parser.parse_args()
    if not args.show_style and not (args.photos and args.output):
        raise InputError("a folder of photos and --output must be given.")
    if args.workers is not None and args.workers < 1:
        raise InputError(f"--workers must be at least 1, received {args.workers}.")
    return args


def main():
    args = parse_arguments()
    style = load_style(args.style)
    if args.show_style:
        print(style.to_json(), end="")
        return
    from animegan_tf.illustration.folder import SHEET, illustrate_folder

    done = illustrate_folder(
        args.photos, args.output, style, args.networks, args.workers
    )
    for reason, count in done.reasons().most_common():
        print(f"left out: {count}: {reason}", file=sys.stderr)
    print(f"drawings:      {args.output}: {len(done.drawn)}")
    print(f"contact sheet: {args.output / SHEET}")
