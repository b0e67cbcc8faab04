"""Writes a trained generator for a server or a phone.

python tools/export.py runs/sample/generator.keras -o saved_models/animegan
python tools/export.py runs/sample/generator.keras -o saved_models/animegan --version 2
python tools/export.py runs/sample/generator.keras -o animegan.tflite \\
    --format litert --precision dynamic --size 256 --io uint8
"""

import argparse
from pathlib import Path

from animegan_tf.cli import ArgumentParser, run_tool
from animegan_tf.errors import InputError

FLAGS = {
    "saved_model": ("version", "overwrite", "warmup"),
    "litert": ("precision", "size", "io"),
}


def parse_arguments():
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("generator", type=Path, help="generator of tools/train.py")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        help="folder of a SavedModel's versions, or a LiteRT file",
    )
    parser.add_argument(
        "--format",
        choices=FLAGS,
        default="saved_model",
        help="saved_model for TensorFlow Serving, litert for phones "
        "(default: %(default)s)",
    )

    def add(group, flag, **keywords):
        group.add_argument(flag, default=argparse.SUPPRESS, **keywords)

    group = parser.add_argument_group("saved_model")
    add(group, "--version", type=int, metavar="N", help="from 1 up (default: 1)")
    add(group, "--overwrite", action="store_true", help="replace a version")
    add(
        group,
        "--warmup",
        action=argparse.BooleanOptionalAction,
        help="requests with which a server warms the version up (default: --warmup)",
    )
    group = parser.add_argument_group("litert")
    add(
        group,
        "--precision",
        choices=("float32", "float16", "dynamic"),
        help="of the weights; dynamic has 8 bits and is the fastest (default: float32)",
    )
    add(
        group,
        "--size",
        type=int,
        nargs="+",
        metavar="PIXELS",
        help="side of a square, or height and width, multiples of 8 (default: any)",
    )
    add(
        group,
        "--io",
        choices=("float", "uint8"),
        help="pictures as float32 in [-1, 1] or uint8 in [0, 255] (default: float)",
    )
    return parser.parse_args()


def main():
    options = vars(parse_arguments())
    source, output, form = (options.pop(k) for k in ("generator", "output", "format"))
    for flag in options:
        if flag not in FLAGS[form]:
            raise InputError(f"--{flag} has no meaning with --format {form}")
    if len(options.get("size", ())) == 1:
        options["size"] *= 2
    # These import TensorFlow: seconds.
    from animegan_tf.export import export_litert, export_saved_model
    from animegan_tf.inference import load_generator

    export = {"saved_model": export_saved_model, "litert": export_litert}[form]
    print(export(load_generator(source), output, **options))


if __name__ == "__main__":
    run_tool(main)
