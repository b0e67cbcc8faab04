"""Writes a trained generator for a server, a phone or other programs.

python tools/export.py runs/sample/generator.keras -o saved_models/animegan
python tools/export.py runs/sample/generator.keras -o saved_models/animegan --version 2
python tools/export.py runs/sample/generator.keras -o animegan.tflite \\
    --format litert --precision dynamic --size 256 --io uint8
python tools/export.py runs/sample/generator.keras -o animegan.onnx --format onnx \\
    --author "Ada Lovelace" --license CC-BY-4.0 --model-version 1.2
python tools/export.py runs/sample/generator.keras -o saved_models/mine \\
    --format release --card mine.md
"""

import argparse
from functools import partial
from pathlib import Path

from animegan_tf.cli import ArgumentParser
from animegan_tf.errors import InputError

# What goes into the file about the model: flag and field of the model card.
CARD = {"author": "author", "license": "license", "model_version": "version"}
FLAGS = {
    "saved_model": ("version", "overwrite", "warmup"),
    "litert": ("precision", "io", "size", *CARD),
    "onnx": ("size", *CARD),
    "release": ("text", "overwrite", *CARD),
}


def parse_arguments():
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("generator", help="generator of tools/train.py")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        help="folder of a SavedModel's versions or of a release, or a .tflite or .onnx "
        "file",
    )
    parser.add_argument(
        "--format",
        choices=FLAGS,
        default="saved_model",
        help="saved_model for TensorFlow Serving, litert for phones, onnx for others, "
        "release for a folder of it all with a model card (default: %(default)s)",
    )
    add_flags(parser)
    return parser.parse_args()


def add_flags(parser):
    """Flags that only some formats have; ones that were not given stay out."""

    def group(title):
        add = parser.add_argument_group(title).add_argument
        return partial(add, default=argparse.SUPPRESS)

    add = group("saved_model and release")
    add("--overwrite", action="store_true", help="replace what is there")
    add = group("saved_model")
    add("--version", type=int, metavar="N", help="from 1 up (default: 1)")
    add(
        "--warmup",
        action=argparse.BooleanOptionalAction,
        help="requests with which a server warms the version up (default: --warmup)",
    )
    add = group("litert")
    add(
        "--precision",
        choices=("float32", "float16", "dynamic"),
        help="of the weights; dynamic has 8 bits and is the fastest (default: float32)",
    )
    add(
        "--io",
        choices=("float", "uint8"),
        help="pictures as float32 in [-1, 1] or uint8 in [0, 255] (default: float)",
    )
    add = group("release")
    card_help = "the model card in Markdown; the list of files is put under it"
    add("--card", dest="text", type=Path, metavar="FILE", help=card_help)
    add = group("litert, onnx and release")
    add("--author", metavar="NAME", help="who made the model, for its metadata")
    add("--license", metavar="TEXT", help="its licence (default: none stated)")
    add("--model-version", metavar="TEXT", help="its version (default: 1)")
    add = group("litert and onnx")
    size_help = "side of a square, or height and width, multiples of 8 (default: any)"
    add("--size", type=int, nargs="+", metavar="PIXELS", help=size_help)


def read_card(path):
    if path is None:
        raise InputError("--format release needs --card, a model card; none was given")
    try:
        return path.read_text()
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: must be a text to read, received: {error}."
        ) from None


def main():
    options = vars(parse_arguments())
    source, output, form = (options.pop(k) for k in ("generator", "output", "format"))
    for flag in options:
        if flag not in FLAGS[form]:
            flag = flag.replace("_", "-")
            raise InputError(f"--{flag} has no meaning with --format {form}")
    if form == "release":
        options["text"] = read_card(options.get("text"))
    if len(options.get("size", ())) == 1:
        options["size"] *= 2
    # These import TensorFlow: seconds.
    from animegan_tf import export
    from animegan_tf.inference import load_generator

    card = {CARD[k]: options.pop(k) for k in CARD.keys() & options}
    if card:
        options["card"] = export.ModelCard(**card)
    write = getattr(export, f"export_{form}")
    print(write(load_generator(source), output, **options))
