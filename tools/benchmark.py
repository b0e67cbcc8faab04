"""Measures speed and memory: medians, everything of a table in one run.

    python tools/benchmark.py runtimes --plot runtimes.png
    python tools/benchmark.py runtimes --generator runs/mine/generator.keras --sizes 512
    python tools/benchmark.py quality --generator generator.keras --photos my/photos
    python tools/benchmark.py start
    python tools/benchmark.py folder
    python tools/benchmark.py bucket --repeats 3
    python tools/benchmark.py large --generator generator.keras --photo photo.jpg
    python tools/benchmark.py video --generator generator.keras
    python tools/benchmark.py accelerator face.tflite
    python tools/benchmark.py train
    python tools/benchmark.py train --image-size 256 --batch-size 2 --json step.json
    python tools/benchmark.py illustrated --width 32
    python tools/benchmark.py kills --kills 50
    python tools/benchmark.py finetune
    python tools/benchmark.py gaussians --plot gaussians.png
    python tools/benchmark.py checkerboard
    python tools/benchmark.py distribution
    python tools/benchmark.py precision
    python tools/benchmark.py compilation
    python tools/benchmark.py smoothing
    python tools/benchmark.py alignment dataset
    python tools/benchmark.py metrics my/photos my/anime \\
        --network drawing-inception --weights inception_v3_drawing_float16.npz

Other programs on the machine lengthen the times: compare figures of one run only, and
read the ratio to the machine's own matrix product beside them.
"""

import argparse
import json
from pathlib import Path

from benchmarks import (
    accelerator,
    checkerboard,
    distribution,
    finetuning,
    gaussians,
    illustrated,
    kills,
    metrics,
    precision,
    preparation,
    quality,
    runtimes,
    stylizing,
    training,
    video,
)

from animegan_tf.cli import ArgumentParser, run_tool


def parse_arguments():
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="what", required=True, metavar="COMMAND")

    def add(name, measure, text):
        command = commands.add_parser(name, help=text)
        command.set_defaults(measure=measure)
        command.add_argument("--repeats", type=int, default=9, help="times measured")
        command.add_argument("--json", metavar="PATH", help="also write the figures")
        return command

    def add_generator(command):
        command.add_argument(
            "--generator", metavar="PATH", help="default: random weights"
        )

    command = add("runtimes", runtimes.measure_runtimes, "painting one picture")
    command.add_argument("--sizes", type=int, nargs="+", default=[256, 512, 1024])
    command.add_argument(
        "--ways", nargs="+", choices=runtimes.WAYS, default=runtimes.DEFAULT_WAYS
    )
    command.add_argument("--plot", type=Path, metavar="PNG", help="also draw the times")
    add_generator(command)
    command = add("quality", quality.measure_quality, "exported files beside Keras")
    command.add_argument("--photos", type=Path, required=True, metavar="DIR")
    command.add_argument("--image-size", type=int, default=256)
    command.add_argument("--pictures", type=int, default=0, help="0 for all")
    command.add_argument(
        "--ways", nargs="+", choices=quality.WAYS, default=quality.DEFAULT_WAYS
    )
    command.add_argument(
        "--lpips", type=Path, metavar="NPZ", help="weights of VGG16 and LPIPS' heads"
    )
    add_generator(command)
    command = add("start", stylizing.measure_start, "tools/stylize.py with one photo")
    command.add_argument("--image-size", type=int, default=512)
    add_generator(command)
    command = add("folder", stylizing.measure_folder, "a folder of photos")
    command.add_argument("--image-size", type=int, default=512)
    command.add_argument("--pictures", type=int, default=12)
    add_generator(command)
    command = add("bucket", stylizing.measure_bucket, "photos through Apache Beam")
    command.add_argument("--image-size", type=int, default=512)
    command.add_argument("--pictures", type=int, default=20)
    add_generator(command)
    command = add("large", stylizing.measure_large, "a photo painted in parts")
    command.add_argument(
        "--sides", type=int, nargs=2, default=[4000, 3000], metavar=("WIDTH", "HEIGHT")
    )
    command.add_argument("--photo", type=Path, metavar="PATH", help="default: drawn")
    add_generator(command)
    command = add("video", video.measure_video, "length, sound and flicker of a video")
    command.add_argument("--video", type=Path, metavar="PATH", help="default: drawn")
    command.add_argument("--seconds", type=int, default=30, help="of the drawn one")
    command.add_argument("--smooth", type=float, nargs="+", default=[0.8, 1.0])
    command.add_argument(
        "--pictures", type=int, default=40, help="frames whose flicker is measured"
    )
    add_generator(command)
    command = add(
        "accelerator", accelerator.measure_accelerator, "LiteRT files on a GPU"
    )
    command.add_argument("files", type=Path, nargs="+", help=".tflite with a size")
    command = add("train", training.measure_train, "one training step")
    command.add_argument("--image-size", type=int, default=128)
    command.add_argument("--batch-size", type=int, default=4)
    command.add_argument("--perceptual", default="vgg19")
    command.add_argument(
        "--precision",
        nargs="+",
        choices=training.PRECISIONS,
        help="default: float32, and mixed_bfloat16 where it is not emulated",
    )
    command.add_argument(
        "--freeze", choices=("none", "base"), default="none", help="of the generator"
    )
    command.add_argument("--one-process", action="store_true", help=argparse.SUPPRESS)
    command = add(
        "illustrated", illustrated.measure_illustrated, "learning from drawings"
    )
    command.set_defaults(repeats=5)
    command.add_argument("--image-size", type=int, default=256)
    command.add_argument("--batch-size", type=int, default=4)
    command.add_argument("--width", type=int, default=32)
    command.add_argument("--seen", type=int, default=1, help="by VGG16, of a batch")
    command = add("kills", kills.measure_kills, "a run killed at random and resumed")
    command.add_argument("--kills", type=int, default=50, help="in all")
    command.add_argument("--epochs", type=int, default=4, help="of a run")
    command.add_argument("--pretrain-epochs", type=int, default=2)
    command.add_argument("--steps", type=int, default=5, help="of an epoch")
    command.add_argument("--save-steps", type=int, default=2)
    command.add_argument("--seed", type=int, default=0, help="of the moments")
    command.add_argument(
        "--compiled", action="store_true", help="steps as graphs, traced at each start"
    )
    command = add("gaussians", gaussians.measure_gaussians, "objectives on eight modes")
    command.set_defaults(repeats=3)
    command.add_argument("--steps", type=int, default=4000)
    command.add_argument("--plot", type=Path, metavar="PNG", help="also draw samples")
    command = add(
        "checkerboard", checkerboard.measure_checkerboard, "ways of upsampling"
    )
    command.set_defaults(repeats=3)
    command.add_argument("--steps", type=int, default=150)
    command.add_argument("--image-size", type=int, default=64)
    command.add_argument("--width", type=int, default=8)
    command = add("finetune", finetuning.measure_finetune, "moving to a new style")
    command.add_argument(
        "--generator",
        type=Path,
        default=Path("runs/sample/generator.keras"),
        metavar="PATH",
        help="of the sample training (default: %(default)s)",
    )
    command.add_argument("--steps", type=int, default=300)
    command.add_argument("--freeze", choices=("none", "base"), default="none")
    command.add_argument(
        "--work",
        type=Path,
        default=Path("runs/finetune"),
        metavar="DIR",
        help="pictures and runs; runs that are there are not made again",
    )
    command = add("compilation", training.measure_compilation, "networks under XLA")
    command.add_argument("--image-size", type=int, default=128)
    command.add_argument("--batch-size", type=int, default=2)
    command.add_argument("--perceptual", default="vgg19")
    command = add("distribution", distribution.measure_distribution, "many devices")
    command.add_argument("--image-size", type=int, default=64)
    command.add_argument("--batch-size", type=int, default=4)
    command.add_argument("--width", type=int, default=16)
    command.add_argument("--steps", type=int, default=10, help="of each phase")
    command = add("precision", precision.measure_precision, "trained in halves")
    command.add_argument("--steps", type=int, default=75, help="of an epoch")
    command.add_argument("--epochs", type=int, default=4, help="of phase 2")
    command.add_argument("--portraits", type=int, default=16)
    command = add("smoothing", preparation.measure_smoothing, "edge smoothing")
    command.add_argument("--image-size", type=int, default=256)
    command = add("alignment", preparation.measure_alignment, "eyes in a data set")
    command.add_argument("dataset", type=Path, help="of tools/prepare.py photos")
    command = add("metrics", metrics.measure_metrics, "distances of sets of pictures")
    command.add_argument("photos", type=Path)
    command.add_argument("anime", type=Path)
    command.add_argument("--network", default="inception")
    command.add_argument("--weights", type=Path)
    command.add_argument("--count", type=int, default=500, help="pictures of a set")
    runtimes.add_inner_commands(commands)
    return parser.parse_args()


def main():
    args = parse_arguments()
    measured = args.measure(args)
    if getattr(args, "json", None):
        with open(args.json, "w") as file:
            json.dump(measured, file, indent=2)


if __name__ == "__main__":
    run_tool(main)
