"""Measures speed and memory: medians, everything of a table in one run.

    python tools/benchmark.py runtimes --plot runtimes.png
    python tools/benchmark.py runtimes --generator runs/mine/generator.keras --sizes 512
    python tools/benchmark.py quality --generator generator.keras --photos my/photos
    python tools/benchmark.py train
    python tools/benchmark.py train --image-size 256 --batch-size 2 --json step.json
    python tools/benchmark.py illustrated --width 32
    python tools/benchmark.py kills --kills 50

Other programs on the machine lengthen the times: compare figures of one run only, and
read the ratio to the machine's own matrix product beside them.
"""

import argparse
import json
from pathlib import Path

from benchmarks import illustrated, kills, quality, runtimes, training

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
        "--ways", nargs="+", choices=runtimes.WAYS, default=runtimes.WAYS
    )
    command.add_argument("--plot", type=Path, metavar="PNG", help="also draw the times")
    add_generator(command)
    command = add("quality", quality.measure_quality, "exported files beside Keras")
    command.add_argument("--photos", type=Path, required=True, metavar="DIR")
    command.add_argument("--image-size", type=int, default=256)
    command.add_argument("--pictures", type=int, default=0, help="0 for all")
    command.add_argument(
        "--ways", nargs="+", choices=quality.WAYS, default=quality.WAYS
    )
    command.add_argument(
        "--lpips", type=Path, metavar="NPZ", help="weights of VGG16 and LPIPS' heads"
    )
    add_generator(command)
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
