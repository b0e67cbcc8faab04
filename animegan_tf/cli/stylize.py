"""Turns photos and videos into anime pictures and videos.

    python tools/stylize.py photo.jpg
    python tools/stylize.py photo.jpg -o picture.png --generator generator.keras
    python tools/stylize.py my/photos more/*.jpg -o painted --format jpg
    python tools/stylize.py photo.jpg -o picture.png --strength 0.7 --keep-color
    python tools/stylize.py group.jpg -o picture.png --faces
    python tools/stylize.py photo.jpg -o picture.png --eyes 1.3
    python tools/stylize.py my/photos -o painted --retouch
    python tools/stylize.py clip.mp4 -o painted.mp4 --side-by-side --smooth 0.8

Folders are searched for pictures and videos, and their sub-folders are made anew in the
output. What is there already is not painted again.
"""

import argparse
import os
import sys

from animegan_tf.cli import ArgumentParser
from animegan_tf.errors import InputError
from animegan_tf.inference import Stylizer, find_generator, load_runtime
from animegan_tf.inference.jobs import is_video, plan_jobs, stylize_jobs

# Flag, type, default, metavar and help.
NUMBERS = (
    ("--max-side", int, 1280, "PIXELS", "longest side painted at once; bounds memory"),
    ("--strength", float, 1.0, "X", "from 0, the photo, to 1, the painted picture"),
    ("--smooth", float, 0.0, "X", "videos: calm flicker where nothing moves, 0 to 1"),
    ("--crf", float, 18, "X", "videos: H.264's quality, from 0, lossless, to 51"),
)
CHOICES = {
    "--runtime": (
        ("keras", "litert", "saved_model", "onnx"),
        "what runs it; litert and onnx start fast and take the file beside a .keras "
        "(default: by the generator's ending)",
    ),
    "--large": (
        ("tiles", "shrink"),
        "paint larger photos part by part, or reduce them first (default: tiles with "
        "keras, else shrink)",
    ),
    "--rest": (
        ("paint", "keep"),
        "with --faces: what becomes of the rest of the photo (default: paint)",
    ),
    "--format": (("png", "jpg", "webp"), "of the pictures in a folder (default: png)"),
}
SWITCHES = {
    "--trust": "let a SavedModel do more than compute: it may read and write files",
    "--keep-color": "keep the photo's colours",
    "--retouch": "brighten and calm the photo first, hold the picture to its colours "
    "and flatten it after; slower, not for videos",
    "--faces": "find the faces, paint each by itself and lay it back (extra prepare)",
    "--partial": "videos: paint what is there of a file that breaks off",
    "--keep-metadata": "copy the photo's EXIF data: place, time, camera, names",
    "--overwrite": "paint anew what is in the folder",
}


def parse_arguments():
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("sources", nargs="+", metavar="IN", help="photos, videos, folders, patterns")
    add(
        *("-o", "--output"),
        default="painted",
        metavar="OUT",
        help="what to write for one photo or video; else a folder, made if missing "
        "(default: %(default)s)",
    )
    add(
        "--generator",
        default="portrait",
        metavar="PATH",
        help="generator of tools/train.py, or what tools/export.py made of one: a "
        ".tflite or .onnx file or a SavedModel's folder, as ./folder; or the name of a "
        "model in saved_models (default: %(default)s)",
    )
    weights = parser.add_mutually_exclusive_group()
    weights.add_argument(
        "--ema",
        action="store_true",
        help="paint with the weights averaged over training steps, generator.keras "
        "(default)",
    )
    weights.add_argument(
        "--raw",
        action="store_true",
        help="paint with the last step's weights, generator_raw.keras",
    )
    for flag, (choices, text) in CHOICES.items():
        add(flag, choices=choices, help=text)
    for flag, kind, default, metavar, text in NUMBERS:
        text += f" (default: {default:g})"
        add(flag, type=kind, default=default, metavar=metavar, help=text)
    add(
        "--eyes",
        type=float,
        metavar="X",
        help="find the faces and paint their eyes X times as wide, and higher still, "
        "1 to 2; not for videos (extra prepare)",
    )
    add(
        *("--compare", "--side-by-side"),
        action="store_true",
        help="write photo and picture side by side",
    )
    for flag, text in SWITCHES.items():
        add(flag, action="store_true", help=text)
    return parser.parse_args()


def main():
    args = parse_arguments()
    plan = plan_jobs(args.sources, args.output, args.format)
    videos = [source for source, _ in plan.jobs if is_video(source)]
    for flag, given in (("--retouch", args.retouch), ("--eyes", args.eyes)):
        if given and videos:
            raise InputError(
                f"{flag} must have photos only, received the video {videos[0]}."
            )
    new = plan.jobs
    if not plan.single and not args.overwrite:
        new = [job for job in plan.jobs if not os.path.isfile(job[1])]
    failed = 0
    if new:
        failed = stylize_jobs(
            *(make_stylizer(args), new, plan.single, args.compare, args.keep_metadata),
            smooth=args.smooth,
            crf=args.crf,
            partial=args.partial,
        )
    if not plan.single:
        print(f"painted: {len(new) - failed}")
        if len(new) < len(plan.jobs):
            print(f"skipped, as they are there already: {len(plan.jobs) - len(new)}")
        if plan.others:
            print(f"passed over, as they are no pictures: {plan.others}")
    print(args.output.rstrip("/") or "/")
    if failed:
        print(f"left out {failed} of {len(new)} files", file=sys.stderr)
        sys.exit(1)


def make_stylizer(args):
    generator = find_generator(args.generator)
    if args.raw:
        generator = generator.with_stem(f"{generator.stem}_raw")
    return Stylizer(
        load_runtime(generator, args.runtime, trust=args.trust),
        *(args.max_side, args.strength, args.keep_color),
        large=args.large,
        retouch=args.retouch,
        eyes=args.eyes,
        faces=(args.rest or "paint") if args.faces else None,
    )
