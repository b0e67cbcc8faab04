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

from tqdm import tqdm

from animegan_tf.cli import ArgumentParser, run_tool
from animegan_tf.errors import InputError, OutputError
from animegan_tf.files import check_target, make_folder
from animegan_tf.inference.plan import is_video, plan_jobs


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
    new = plan.jobs
    videos = [source for source, _ in plan.jobs if is_video(source)]
    for flag, given in (("--retouch", args.retouch), ("--eyes", args.eyes)):
        if given and videos:
            raise InputError(f"{flag} takes photos only; got the video {videos[0]}")
    if not plan.single and not args.overwrite:
        new = [job for job in plan.jobs if not os.path.isfile(job[1])]
    failed = paint(args, new, plan.single) if new else 0
    if not plan.single:
        tell(len(new) - failed, len(plan.jobs) - len(new), plan.others)
    print(args.output.rstrip("/") or "/")
    if failed:
        print(f"left out {failed} of {len(new)} files", file=sys.stderr)
        sys.exit(1)


def paint(args, jobs, single):
    """Number of files that could not be painted; the only one's error is raised."""
    stylizer = make_stylizer(args)
    ready = list(writable(jobs, single))
    failed = len(jobs) - len(ready)
    for source, error in painted(args, stylizer, ready, single):
        if error is None:
            continue
        if single:
            raise error
        tqdm.write(f"left out: {error}", file=sys.stderr)
        failed += 1
    return failed


def writable(jobs, single):
    """The jobs whose pictures can have their names; others are named, or raised."""
    for source, target in jobs:
        try:
            make_folder(target.parent)
            check_target(target)
        except InputError as error:
            if single or isinstance(error, OutputError):
                raise
            print(f"left out: {error}", file=sys.stderr)
        else:
            yield source, target


def make_stylizer(args):
    from animegan_tf.inference import Stylizer, find_generator, load_runtime

    generator = find_generator(args.generator)
    if args.raw:
        generator = generator.with_stem(f"{generator.stem}_raw")
    stylizer = Stylizer(
        load_runtime(generator, args.runtime, trust=args.trust),
        args.max_side,
        args.strength,
        args.keep_color,
        large=args.large,
    )
    if args.retouch:
        from animegan_tf.inference import RetouchedStylizer

        stylizer = RetouchedStylizer(stylizer)
    if args.eyes is not None:
        from animegan_tf.inference import LargeEyesStylizer

        stylizer = LargeEyesStylizer(stylizer, args.eyes)
    if not args.faces:
        return stylizer
    from animegan_tf.inference.portrait import PortraitStylizer

    return PortraitStylizer(stylizer, rest=args.rest)


def painted(args, stylizer, jobs, single):
    """(source, error or None) for each job: photos first, then videos one by one."""
    from animegan_tf.inference import paint_files

    def tell_of_faces(photo):
        if (args.faces or args.eyes) and not stylizer.faces:
            tqdm.write(f"no face found: {photo}", file=sys.stderr)

    photos = [job for job in jobs if not is_video(job[0])]
    results = paint_files(
        stylizer, photos, args.compare, args.keep_metadata, tell_of_faces
    )
    yield from tqdm(results, total=len(photos), unit="picture", disable=single)
    for job in jobs:
        if is_video(job[0]):
            yield job[0], video_error(args, stylizer, *job)


def video_error(args, stylizer, source, target):
    """None once a video is painted, or the error because of which it is not."""
    from animegan_tf.inference.video import paint_video

    with tqdm(unit="frame", desc=source.name) as bar:

        def progress(number, total):
            bar.total = total
            bar.update(number - bar.n)

        try:
            done = paint_video(
                *(stylizer, source, target, args.compare, args.smooth, args.crf),
                partial=args.partial,
                progress=progress,
            )
        except OutputError:
            raise
        except InputError as error:
            return error
    if done.undecoded:
        print(
            f"{source}: {done.undecoded} frames are damaged and left out",
            file=sys.stderr,
        )
    for codec in done.left_out:
        print(f"{source}: {target.suffix} holds no {codec} subtitles", file=sys.stderr)
    return None


def tell(done, skipped, others):
    print(f"painted: {done}")
    if skipped:
        print(f"skipped, as they are there already: {skipped}")
    if others:
        print(f"passed over, as they are no pictures: {others}")


if __name__ == "__main__":
    run_tool(main)
