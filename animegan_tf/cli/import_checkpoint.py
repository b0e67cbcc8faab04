"""Turns a checkpoint of AnimeGANv3 (TensorFlow 1) into a generator.keras.

python tools/import_checkpoint.py checkpoint/generator_v3_Hayao_weight -o hayao.keras
python tools/import_checkpoint.py AnimeGANv3.model-99.index -o mine.keras --overwrite
"""

import argparse
from pathlib import Path

from animegan_tf.cli import ArgumentParser
from animegan_tf.errors import InputError


def parse_arguments():
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "checkpoint",
        type=Path,
        help="its folder, one of its files, or what their names share",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        help="name of the generator, ending in .keras",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace a generator that is there"
    )
    return parser.parse_args()


def check_output(path, overwrite):
    if path.suffix != ".keras":
        raise InputError(f"{path}: a generator's name must end in .keras.")
    if not path.parent.is_dir():
        raise InputError(f"{path}: its folder must exist, received none.")
    if path.exists() and not overwrite:
        raise InputError(
            f"{path}: must be a new file, received one that exists; --overwrite "
            "replaces it."
        )


def main():
    args = parse_arguments()
    check_output(args.output, args.overwrite)
    # Imports TensorFlow: seconds.
    from animegan_tf.checkpoints import import_checkpoint
    from animegan_tf.models import save_generator

    save_generator(import_checkpoint(args.checkpoint), args.output)
    print(args.output)
