"""Teaches a generator what an illustrator drew of the same photos.

    python tools/train.py --illustrated drawings --photos photos --width 12 \\
        --perceptual-weights vgg16.npz --run-dir runs/lite
    python tools/train.py --illustrated drawings --photos photos --width 24 \\
        --init runs/lite/generator.keras --run-dir runs/wide
    python tools/train.py --resume runs/lite

The drawings' folder holds `landmarks.npz`: for every stem the 478 points of its faces
in pixels of the photo. Under another backend than TensorFlow:

    KERAS_BACKEND=jax python -m animegan_tf.training.illustrated --illustrated ...
"""

import argparse
import dataclasses
import sys
from pathlib import Path

from animegan_tf.cli import (
    ArgumentParser,
    add_config_arguments,
    config_from_arguments,
)
from animegan_tf.data.pairs import split_pairs
from animegan_tf.errors import InputError
from animegan_tf.inference.names import find_generator
from animegan_tf.settings import load_config
from animegan_tf.training.illustrated.settings import IllustratedConfig, check_settings


def parse_arguments(arguments):
    """The settings, and whether a run goes on."""
    first = ArgumentParser(add_help=False, allow_abbrev=False)
    first.add_argument(
        "--resume", type=Path, metavar="RUN_DIR", help="continue the run in this folder"
    )
    known, _ = first.parse_known_args(arguments)
    base = IllustratedConfig()
    if known.resume:
        base = load_config(known.resume / "config.json", IllustratedConfig)
        base = dataclasses.replace(base, run_dir=known.resume)
    parser = ArgumentParser(
        prog="train.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[first],
    )
    add_config_arguments(parser, base)
    args = parser.parse_args(arguments)
    return config_from_arguments(args, base), known.resume is not None


def main(arguments=None):
    """Runs it.

    Args:
        arguments: list of str; None for those of the command line.
    """
    config, resume = parse_arguments(sys.argv[1:] if arguments is None else arguments)
    check_settings(config)
    split_pairs(config.photos, config.illustrated, config.hold_out)
    if config.init is not None and not find_generator(config.init).is_file():
        raise InputError(f"--init must name a generator.keras, received {config.init}.")
    # Keras takes seconds to import: --help and wrong flags need not wait.
    from animegan_tf.training.illustrated.run import learn

    path = learn(config, resume)
    print(f"generator:    {path}")
    print(f"sample sheet: {max((path.parent / 'samples').glob('*.png'))}")
    print(f"log:          {path.parent / 'log.jsonl'}")
