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
    run_tool,
)
from animegan_tf.config import TrainConfig, check_config
from animegan_tf.errors import InputError
from animegan_tf.files import list_images
from animegan_tf.inference import find_start
from animegan_tf.presets import PRESETS, SAMPLE
from animegan_tf.settings import load_config


def parse_arguments():
    first = ArgumentParser(add_help=False)
    first.add_argument(
        "--preset",
        metavar="NAME",
        help=f"loss weights and targets to start from: {', '.join(PRESETS)} "
        "(default: portrait)",
    )
    first.add_argument(
        "--resume", type=Path, metavar="RUN_DIR", help="continue the run in this folder"
    )
    first.add_argument(
        "--dataset",
        type=Path,
        metavar="DIR",
        help="folder in the AnimeGAN layout: train_photo, val, <style>/style; "
        "with --style",
    )
    first.add_argument("--style", metavar="NAME", help="style folder inside --dataset")
    first.add_argument(
        "--illustrated",
        type=Path,
        metavar="DIR",
        help="folder of the photos as drawn by an illustrator, which alone is learned "
        "then, by flags of its own: --illustrated DIR --help",
    )
    known, _ = first.parse_known_args()
    ahead, _ = _flags_that_choose().parse_known_args()
    base = _base(known, ahead)
    parser = ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[first],
    )
    add_config_arguments(parser, base)
    args = parser.parse_args()
    return config_from_arguments(args, base), args.resume is not None


def _flags_that_choose():
    """Flags of settings on which the other settings' defaults hang."""
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    for flag in ("--photos", "--anime", "--init", "--photo-painted"):
        parser.add_argument(flag)
    return parser


def _base(known, ahead):
    """The settings that the flags then change."""
    if known.resume:
        if known.preset or known.dataset or known.style or ahead.init:
            raise InputError(
                "--resume goes on with its run's settings; --preset, --dataset, "
                "--style and --init do not go with it"
            )
        config = load_config(known.resume / "config.json", TrainConfig)
        return dataclasses.replace(config, run_dir=known.resume)
    if known.preset and known.preset not in PRESETS:
        raise InputError(
            f"--preset must be one of {', '.join(PRESETS)}, received {known.preset}."
        )
    if known.dataset or known.style:
        config = _upstream_layout(known)
    elif ahead.photos or ahead.anime or known.preset:
        config = _preset(known)
    else:
        config = SAMPLE
    if ahead.init and not ahead.photo_painted:
        # It has learned what phase 1 teaches.
        config = dataclasses.replace(config, pretrain_epochs=0)
    return config


def _preset(known):
    return PRESETS[known.preset or "portrait"]


def _upstream_layout(known):
    if not (known.dataset and known.style):
        raise InputError("--dataset and --style go together; one of them is missing")
    config, style = _preset(known), known.dataset / known.style

    def if_there(folder):
        return folder if folder.is_dir() else None

    # The authors train every style with the photos' superpixels of 50 pixels.
    data = dataclasses.replace(
        config.data,
        photos=known.dataset / "train_photo",
        photo_superpixels=if_there(known.dataset / "seg_train_5-0.8-50"),
        anime=style / "style",
        validation=if_there(known.dataset / "val"),
    )
    return dataclasses.replace(config, data=data)


def check_folders(data):
    """A wrong path shows here, before anything is imported, fetched or made."""
    partners = ("photo_superpixels", "photo_painted", "anime_smooth")
    for name in ("photos", "anime", *partners, "validation"):
        folder = getattr(data, name)
        if folder is not None:
            list_images(folder)
        elif name in ("photos", "anime"):
            raise InputError(f"--{name} must name a folder of pictures; none was given")


def check_held_out(evaluation):
    if evaluation.evaluate_every:
        list_images(evaluation.evaluate_photos)
        list_images(evaluation.evaluate_anime)


def learns_illustrations():
    """Whether the flags are those of `animegan_tf.training.illustrated`."""
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


def main():
    if learns_illustrations():
        from animegan_tf.training.illustrated.__main__ import main as learn

        learn(sys.argv[1:])
        return
    config, resume = parse_arguments()
    check_config(config)
    sample = config.data.photos is None and config.data.anime is None
    if not sample:
        check_folders(config.data)
    check_held_out(config.evaluation)
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


if __name__ == "__main__":
    run_tool(main)
