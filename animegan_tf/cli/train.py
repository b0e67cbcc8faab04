"""Trains a generator: photos on one side, anime pictures on the other.

Without arguments it draws its own sample data and shows the method at work in
minutes. Examples:

    python tools/train.py
    python tools/train.py --photos my/photos --anime my/anime --run-dir runs/mine
    python tools/train.py --dataset dataset --style Hayao --preset hayao
    python tools/train.py --init portrait --dataset dataset --style Mine --epochs 6
    python tools/train.py --init portrait --dataset dataset --style Mine \\
        --photo-painted painted --pretrain-epochs 4 --epochs 4
    python tools/train.py --illustrated drawings --photos my/photos --width 12
    python tools/train.py --resume runs/mine --epochs 150
"""

import argparse
import dataclasses
import json
import sys
from pathlib import Path

from animegan_tf.cli import (
    ArgumentParser,
    add_config_arguments,
    config_from_arguments,
)
from animegan_tf.config import TrainConfig, check_config
from animegan_tf.errors import InputError
from animegan_tf.files import list_images
from animegan_tf.inference import find_start
from animegan_tf.presets import PRESETS, SAMPLE
from animegan_tf.settings import load_config

# What --help shows: the settings that people change first.
FIRST = (
    *("data.photos", "data.anime", "run_dir", "start.init"),
    *("epochs", "pretrain_epochs", "steps_per_epoch", "data.image_size"),
    *("data.batch_size", "weights.style", "optimizer.generator_rate"),
    *("perceptual_weights", "precision"),
)


def main():
    if _learns_illustrations():
        from animegan_tf.cli.train_illustrated import main as learn

        learn(sys.argv[1:])
        return
    config, resume = parse_arguments()
    check_config(config)
    sample = config.data.photos is None and config.data.anime is None
    if not sample:
        check_folders(config)
    if config.start.init is not None and not resume:
        find_start(config.start.init)
    # TensorFlow takes seconds to import: --help and wrong flags need not wait.
    from animegan_tf.training.run import train, with_sample_data

    if sample:
        config = with_sample_data(config)
    path = train(config, resume)
    print(f"health page: {path.parent / 'health.html'}")
    print(f"generator:   {path}")
    grids = (path.parent / "samples").glob("*.png")
    print(f"sample grid: {max(grids, default='written by the first process')}")
    print(f"log:         {path.parent / 'log.jsonl'}")


def parse_arguments():
    """The settings, and whether a run goes on; ends the program after --help."""
    args = _parser(TrainConfig()).parse_args()
    base = _base(args)
    if args.help or args.help_all:
        _parser(base, None if args.help_all else FIRST).print_help()
        sys.exit(0)
    return config_from_arguments(args, base), args.resume is not None


def _parser(base, shown=None):
    parser = ArgumentParser(
        description=__doc__,
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, 2, 34),
        usage="%(prog)s [--photos DIR --anime DIR] [settings]",
        add_help=False,
    )
    add = parser.add_argument_group("what to start from").add_argument
    add("-h", "--help", action="store_true", help="the settings people change first")
    add("--help-all", action="store_true", help="every setting, by group")
    add(
        "--preset",
        metavar="NAME",
        help=f"loss weights and targets: {', '.join(PRESETS)} (default: portrait)",
    )
    add("--resume", type=Path, metavar="RUN_DIR", help="continue that folder's run")
    add(
        "--dataset",
        type=Path,
        metavar="DIR",
        help="folder in the AnimeGAN layout: train_photo, val, <style>/style; "
        "with --style",
    )
    add("--style", metavar="NAME", help="style folder inside --dataset")
    add(
        "--illustrated",
        type=Path,
        metavar="DIR",
        help="folder of the photos as drawn by an illustrator, which alone is learned "
        "then, by flags of its own: --illustrated DIR --help",
    )
    add_config_arguments(parser, base, shown)
    return parser


def _base(args):
    """The settings that the flags then change."""
    photos, anime, init, painted = (
        getattr(args, path, None)
        for path in ("data.photos", "data.anime", "start.init", "data.photo_painted")
    )
    if args.resume:
        if args.preset or args.dataset or args.style or init:
            raise InputError(
                "--resume goes on with its run's settings; --preset, --dataset, "
                "--style and --init do not go with it"
            )
        config = load_config(args.resume / "config.json", TrainConfig)
        return dataclasses.replace(config, run_dir=args.resume)
    if args.preset and args.preset not in PRESETS:
        raise InputError(
            f"--preset must be one of {', '.join(PRESETS)}, received {args.preset}."
        )
    preset = PRESETS[args.preset or "portrait"]
    if args.dataset or args.style:
        config = _upstream_layout(args, preset)
    else:
        config = preset if photos or anime or args.preset else SAMPLE
    if init and not painted:
        # It has learned what phase 1 teaches.
        config = dataclasses.replace(config, pretrain_epochs=0)
    return config


def _upstream_layout(args, config):
    if not (args.dataset and args.style):
        raise InputError("--dataset and --style go together; one of them is missing")
    style = args.dataset / args.style

    def if_there(folder):
        return folder if folder.is_dir() else None

    # The authors train every style with the photos' superpixels of 50 pixels.
    data = dataclasses.replace(
        config.data,
        photos=args.dataset / "train_photo",
        photo_superpixels=if_there(args.dataset / "seg_train_5-0.8-50"),
        anime=style / "style",
        validation=if_there(args.dataset / "val"),
    )
    return dataclasses.replace(config, data=data)


def check_folders(config):
    """A wrong path shows here, before anything is imported, fetched or made."""
    data, evaluation = config.data, config.evaluation
    for name in ("photos", "anime"):
        if getattr(data, name) is None:
            raise InputError(f"--{name} must name a folder of pictures, received none.")
    folders = [data.photos, data.anime, data.photo_superpixels, data.photo_painted]
    folders += [data.anime_smooth, data.validation]
    if evaluation.evaluate_every:
        folders += [evaluation.evaluate_photos, evaluation.evaluate_anime]
    for folder in folders:
        if folder is not None:
            list_images(folder)


def _learns_illustrations():
    """Whether the flags are those of `train_illustrated`."""
    first = ArgumentParser(add_help=False, allow_abbrev=False)
    for flag in ("--illustrated", "--resume"):
        first.add_argument(flag, type=Path)
    known, _ = first.parse_known_args()
    if known.illustrated or not known.resume:
        return known.illustrated is not None
    try:
        return "illustrated" in json.loads((known.resume / "config.json").read_text())
    except (OSError, ValueError):  # `load_config` says what is wrong
        return False
