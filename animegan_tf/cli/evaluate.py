"""Measures painted pictures: figures with intervals, and a page to look at.

    python tools/evaluate.py --photos test/photos --anime test/anime \\
        --stylized mine=painted/mine --stylized other=painted/other \\
        --drawing drawing.npz --identity face.tflite --lpips vgg16.npz --output report
    python tools/evaluate.py --photos test/photos --anime test/anime \\
        --model runs/mine/generator.keras --inception imagenet --output report
    python tools/evaluate.py --sample --model generator.keras --output report

Pictures of a method have the names of the photos but for the ending. With --model the
photos are painted first. With --sample portraits are drawn whose true anime pictures
are known, and no data is needed.
"""

import argparse
import shlex
import sys
import tempfile
from pathlib import Path

from animegan_tf.cli import ArgumentParser
from animegan_tf.errors import InputError


def parse_arguments():
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    pictures = parser.add_argument_group("pictures")
    pictures.add_argument("--photos", type=Path, metavar="DIR", help="the photos")
    pictures.add_argument(
        "--anime",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="anime pictures to compare with; several folders count as one set",
    )
    pictures.add_argument(
        "--stylized",
        action="append",
        default=[],
        metavar="[NAME=]DIR",
        help="a method's pictures of the photos; as often as there are methods",
    )
    pictures.add_argument(
        "--model",
        action="append",
        default=[],
        metavar="[NAME=]PATH",
        help="a generator that paints the photos first: .keras, .tflite, .onnx, a "
        "SavedModel's folder, or the name of a model in saved_models; as often as "
        "there are generators",
    )
    pictures.add_argument(
        "--cartoon",
        action="store_true",
        help="measure OpenCV's cartoon filter, too",
    )
    pictures.add_argument(
        "--work",
        type=Path,
        metavar="DIR",
        help="where painted pictures are kept (default: nowhere)",
    )
    pictures.add_argument(
        "--sample",
        action="store_true",
        help="measure on drawn portraits, against their true anime pictures",
    )
    pictures.add_argument(
        "--portraits",
        type=int,
        default=64,
        metavar="N",
        help="with --sample: how many (default: %(default)s)",
    )
    networks = parser.add_argument_group(
        "networks", "what is not given is left out of the report by name"
    )
    networks.add_argument(
        "--inception",
        type=Path,
        metavar="PATH|imagenet",
        help="InceptionV3 of keras.applications for distances between sets: imagenet "
        "or .h5",
    )
    for name, what in (
        ("drawing", "InceptionV3 that tells drawings from photos, .npz"),
        ("lpips", "VGG16 with LPIPS heads, .npz"),
        ("identity", "face identity network, .tflite"),
    ):
        networks.add_argument(f"--{name}", type=Path, metavar="PATH", help=what)
    networks.add_argument(
        "--networks",
        type=Path,
        metavar="DIR",
        help="folder of the networks that see faces, of tools/prepare.py networks",
    )
    networks.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="where what networks said of pictures is kept for the next time",
    )
    figures = parser.add_argument_group("figures")
    for flag, default, what in (
        ("--size", 256, "side of the squares that are compared by pixels"),
        ("--bootstrap", 2000, "resamples for the intervals of means"),
        ("--kid-subset-count", 100, "subsets of the kernel distance"),
        ("--seed", 0, "seed of all that is drawn at random"),
    ):
        help = f"{what} (default: %(default)s)"
        figures.add_argument(flag, type=int, default=default, metavar="N", help=help)
    figures.add_argument(
        "--kid-subset-size",
        type=int,
        metavar="N",
        help="pictures in each of them (default: 1000, or the smaller set)",
    )
    report = parser.add_argument_group("report")
    report.add_argument(
        "--output", type=Path, required=True, metavar="DIR", help="a new folder for it"
    )
    report.add_argument(
        "--overwrite", action="store_true", help="replace an older report there"
    )
    return parser.parse_args()


def check_arguments(args):
    """What cannot go together shows before TensorFlow is imported."""
    if args.sample:
        folders = ("photos", "anime", "stylized", "inception", "drawing", "identity")
        for flag in (*folders, "networks"):
            if getattr(args, flag):
                raise InputError(f"--{flag} does not go with --sample.")
        return
    for flag in ("photos", "anime"):
        if not getattr(args, flag):
            raise InputError(f"--{flag} must name a folder of pictures, received none.")
    if not (args.stylized or args.model or args.cartoon):
        raise InputError("--stylized, --model or --cartoon must be given.")


def measure_folders(args, work):
    from animegan_tf.evaluation.evaluate import (
        Settings,
        check_folders,
        evaluate_folders,
    )
    from animegan_tf.evaluation.pictures import (
        CARTOON,
        check_leftovers,
        named_paths,
        paint_methods,
    )

    baseline = [f"{CARTOON}=cv2"] if args.cartoon else []
    named = list(named_paths(args.stylized + baseline + args.model).items())
    methods = {name: Path(path) for name, path in named[: len(args.stylized)]}
    models = dict(named[len(args.stylized) :])
    if args.cartoon:
        models[CARTOON] = None
    settings = Settings(
        args.inception,
        args.drawing,
        args.lpips,
        args.identity,
        args.networks,
        size=args.size,
        cache=args.cache,
        resamples=args.bootstrap,
        subset_size=args.kid_subset_size,
        subsets=args.kid_subset_count,
        seed=args.seed,
    )
    check_folders(args.photos, args.anime, methods, settings)
    check_leftovers(args.photos, work, models)
    methods |= paint_methods(models, args.photos, work)
    return evaluate_folders(
        args.photos, args.anime, methods, settings, command(), models
    )


def measure_sample(args):
    from animegan_tf.evaluation.pictures import named_paths
    from animegan_tf.evaluation.sample import evaluate_sample

    return evaluate_sample(
        named_paths(args.model),
        args.portraits,
        args.lpips,
        resamples=args.bootstrap,
        seed=args.seed,
        command=command(),
    )


def command():
    return shlex.join(["python", *sys.argv])


def main():
    args = parse_arguments()
    check_arguments(args)
    from animegan_tf.evaluation.report import check_output, write_report

    check_output(args.output, args.overwrite)
    with tempfile.TemporaryDirectory(prefix="evaluate-") as temporary:
        if args.sample:
            evaluation = measure_sample(args)
        else:
            evaluation = measure_folders(args, args.work or Path(temporary))
        # The report shows painted pictures, which may be gone afterwards.
        paths = write_report(evaluation, args.output, args.overwrite)
    for warning in evaluation.warnings:
        print(f"note: {warning}", file=sys.stderr)
    for title, reason in evaluation.left_out.items():
        print(f"not computed: {title}: {reason}", file=sys.stderr)
    for path in paths:
        print(path)
