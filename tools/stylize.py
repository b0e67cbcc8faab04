"""Turns photos into anime pictures.

    python tools/stylize.py photo.jpg -o picture.png --generator generator.keras
    python tools/stylize.py my/photos more/*.jpg -o painted --format jpg
    python tools/stylize.py photo.jpg -o picture.png --strength 0.7 --keep-color

Folders are searched for pictures, and their sub-folders are made anew in the output.
What is there already is not painted again.
"""

import argparse
import glob
import os
import sys
from pathlib import Path

from tqdm import tqdm

from animegan_tf.cli import ArgumentParser, run_tool
from animegan_tf.errors import InputError
from animegan_tf.imaging.io import SUFFIXES, find_images, make_folder


def parse_arguments():
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "photos", nargs="+", metavar="IN", help="photo, folder, or pattern of such"
    )
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="OUT",
        help="the picture to write for one photo; else a folder, made if missing",
    )
    parser.add_argument(
        "--generator",
        type=Path,
        default=Path("runs/sample/generator.keras"),
        metavar="PATH",
        help="generator of tools/train.py, or what tools/export.py made of one: a "
        ".tflite or .onnx file or a SavedModel's folder (default: %(default)s)",
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
        "--compare", action="store_true", help="write photo and picture side by side"
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


def expand(patterns):
    """Paths of the files and folders that are meant.

    Shells of Windows leave patterns to the program. What lies in a folder that is
    meant as well, as with `**`, counts as part of the folder.
    """
    paths = []
    for pattern in patterns:
        found = [pattern] if Path(pattern).exists() else []
        found = found or sorted(glob.glob(pattern, recursive=True))
        if not found:
            raise InputError(
                f"{pattern}: a photo, a folder or matches of the pattern must be "
                "there, received nothing."
            )
        paths += map(Path, found)
    folders = {absolute(path) for path in paths if path.is_dir()}
    return [path for path in paths if not folders.intersection(absolute(path).parents)]


def absolute(path):
    return Path(os.path.abspath(path))  # unlike Path.absolute, without ".."


def names_a_picture(patterns, output):
    """Whether `--output` is the picture of one photo, not a folder."""
    if Path(output).is_dir() or output.endswith(("/", os.sep)):
        return False
    first = Path(patterns[0])
    # A bracket is common in names of files, too.
    one = len(patterns) == 1 and (first.exists() or not glob.has_magic(patterns[0]))
    if one and not first.is_dir():
        return Path(output).suffix != ""
    if Path(output).suffix.lower() in SUFFIXES:
        raise InputError(
            f"{output}: for more than one photo --output must be a folder, "
            "received the name of a picture."
        )
    return False


def find_photos(paths, output):
    """(photo, its path below the output) for files and for pictures in folders.

    Also the number of files that are no pictures.
    """
    photos, others = [], 0
    for path in paths:
        if not path.is_dir():
            photos.append((path, Path(path.name)))
            continue
        if path.resolve() == output:
            raise InputError(
                f"{path}: --output must be another folder than the photos' own."
            )
        found, rest = (
            # Else pictures of the last call would be this one's photos.
            [file for file in files if output not in file.resolve().parents]
            for files in find_images(path, recursive=True)
        )
        if not found:
            raise InputError(
                f"{path}: must hold at least one picture ({', '.join(SUFFIXES)}), "
                f"received none among its {len(rest)} other files."
            )
        photos += [(file, file.relative_to(path)) for file in found]
        others += len(rest)
    return photos, others


def plan_folder(patterns, output, suffix):
    """(photo, picture) for each photo, and the number of files that are no pictures."""
    if output.exists() and not output.is_dir():
        raise InputError(f"{output}: --output must be a folder, received a file.")
    photos, others = find_photos(expand(patterns), output.resolve())
    pictures = {}
    for photo, name in photos:
        picture = output / name.with_suffix(suffix)
        # Windows takes names that differ in case for the same.
        first = pictures.setdefault(os.path.normcase(picture), (photo, picture))[0]
        if absolute(first) != absolute(photo):
            raise InputError(
                f"{first} and {photo} must become pictures of different names, "
                f"received {picture} for both."
            )
    return list(pictures.values()), others


def plan_picture(pattern, output):
    """As `plan_folder`, for the only photo."""
    if output.suffix.lower() not in SUFFIXES:
        raise InputError(
            f"--output must end in one of {', '.join(SUFFIXES)}, or in / for a folder; "
            f"got {output}"
        )
    if not output.parent.is_dir():
        raise InputError(f"{output}: its folder must exist, received none.")
    if not Path(pattern).exists():
        raise InputError(f"{pattern}: the photo must be there, received nothing.")
    return [(Path(pattern), output)], 0


def check_no_photo_is_replaced(jobs):
    photos = {photo.resolve() for photo, _ in jobs}
    for _, picture in jobs:
        if picture.resolve() in photos:
            raise InputError(
                f"{picture}: a picture must not replace a photo that is painted, "
                "received the same name."
            )


def main():
    args = parse_arguments()
    output, single = Path(args.output), names_a_picture(args.photos, args.output)
    if single and args.format:
        raise InputError("--format has no meaning where --output names a picture")
    if single:
        jobs, others = plan_picture(args.photos[0], output)
    else:
        suffix = f".{args.format or 'png'}"
        jobs, others = plan_folder(args.photos, output, suffix)
    check_no_photo_is_replaced(jobs)
    new = jobs
    if not single and not args.overwrite:
        new = [job for job in jobs if not job[1].is_file()]
    failed = paint(args, new, single) if new else 0
    if not single:
        tell(len(new) - failed, len(jobs) - len(new), others)
    print(output)
    if failed:
        print(f"left out {failed} of {len(new)} photos", file=sys.stderr)
        sys.exit(1)


def paint(args, jobs, single):
    """Number of photos that could not be painted; the only one's error is raised."""
    from animegan_tf.inference import Stylizer, load_runtime, paint_files

    stylizer = Stylizer(
        load_runtime(generator_path(args), args.runtime),
        args.max_side,
        args.strength,
        args.keep_color,
        large=args.large,
    )
    if not single:
        for _, picture in jobs:
            make_folder(picture.parent)
    failed = 0
    results = paint_files(stylizer, jobs, args.compare)
    for _, error in tqdm(results, total=len(jobs), unit="picture", disable=single):
        if error is None:
            continue
        if single:
            raise error
        tqdm.write(f"left out: {error}", file=sys.stderr)
        failed += 1
    return failed


def generator_path(args):
    if not args.raw:
        return args.generator
    return args.generator.with_stem(f"{args.generator.stem}_raw")


def tell(painted, skipped, others):
    print(f"painted: {painted}")
    if skipped:
        print(f"skipped, as they are there already: {skipped}")
    if others:
        print(f"passed over, as they are no pictures: {others}")


if __name__ == "__main__":
    run_tool(main)
