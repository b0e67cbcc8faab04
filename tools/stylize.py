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

from animegan_tf.cli import ArgumentParser, run_tool
from animegan_tf.errors import InputError
from animegan_tf.inference import Stylizer, find_generator, load_runtime
from animegan_tf.inference.jobs import is_video, plan_jobs, stylize_jobs


def parse_arguments():
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="IN",
        help="photo, video, folder, or pattern of such",
    )
    parser.add_argument(
        "-o",
        "--output",
        default="painted",
        metavar="OUT",
        help="what to write for one photo or video; else a folder, made if missing "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--generator",
        default="portrait",
        metavar="PATH",
        help="generator of tools/train.py, or what tools/export.py made of one: a "
        ".tflite or .onnx file or a SavedModel's folder, as ./folder; or the name of a "
        "model in saved_models (default: %(default)s)",
    )
    parser.add_argument(
        "--trust",
        action="store_true",
        help="let a SavedModel do more than compute: it may read and write files",
    )
    parser.add_argument(
        "--runtime",
        choices=("keras", "litert", "saved_model", "onnx"),
        help="what runs it; litert and onnx start fast and take the file beside a "
        ".keras (default: by the generator's ending)",
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
    parser.add_argument(
        "--max-side",
        type=int,
        default=1280,
        metavar="PIXELS",
        help="longest side painted at once, which bounds memory (default: %(default)s)",
    )
    parser.add_argument(
        "--large",
        choices=("tiles", "shrink"),
        help="paint larger photos part by part, or reduce them first (default: tiles "
        "with keras, else shrink)",
    )
    parser.add_argument(
        "--strength",
        type=float,
        default=1.0,
        metavar="X",
        help="from 0, the photo, to 1, the painted picture (default: 1)",
    )
    parser.add_argument(
        "--keep-color", action="store_true", help="keep the photo's colours"
    )
    parser.add_argument(
        "--eyes",
        type=float,
        metavar="X",
        help="find the faces and paint their eyes X times as wide, and higher still, "
        "1 to 2; not for videos (extra prepare)",
    )
    parser.add_argument(
        "--retouch",
        action="store_true",
        help="brighten and calm the photo first, hold the picture to its colours and "
        "flatten it after; slower, not for videos",
    )
    parser.add_argument(
        "--faces",
        action="store_true",
        help="find the faces, paint each by itself and lay it back (extra prepare)",
    )
    parser.add_argument(
        "--rest",
        choices=("paint", "keep"),
        default="paint",
        help="with --faces: what becomes of the rest of the photo (default: paint)",
    )
    parser.add_argument(
        "--compare",
        "--side-by-side",
        action="store_true",
        help="write photo and picture side by side",
    )
    parser.add_argument(
        "--smooth",
        type=float,
        default=0.0,
        metavar="X",
        help="videos: calm the flicker where nothing moves, 0 to 1 (default: 0)",
    )
    parser.add_argument(
        "--crf",
        type=float,
        default=18,
        metavar="X",
        help="videos: quality of H.264, from 0, lossless, to 51 (default: 18)",
    )
    parser.add_argument(
        "--partial",
        action="store_true",
        help="videos: paint what is there of a file that breaks off",
    )
    parser.add_argument(
        "--keep-metadata",
        action="store_true",
        help="copy the photo's EXIF data: place, time, camera, names",
    )
    parser.add_argument(
        "--format",
        choices=("png", "jpg", "webp"),
        help="of the pictures in a folder (default: png)",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="paint anew what is in the folder"
    )
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
        faces=args.rest if args.faces else None,
    )


if __name__ == "__main__":
    run_tool(main)
