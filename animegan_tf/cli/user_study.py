r"""Asks people which of two methods paints better: makes the page, counts the answers.

    python tools/user_study.py make --photos photos -o study \
        --method ours=painted/ours --method theirs=painted/theirs
    python tools/user_study.py count answers --key study/key.json --json figures.json

Give visitors study/study.html and keep study/key.json: only it tells which method
painted what. They open the page in a browser and send back the file that it saves.
"""

import argparse
import json
import sys
from pathlib import Path

from animegan_tf.cli import (
    ArgumentParser,
    add_config_arguments,
    config_from_arguments,
)
from animegan_tf.errors import InputError
from animegan_tf.files import write_atomic
from animegan_tf.study.make import StudySettings, make_study


def parse_arguments():
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("make", help="the page for visitors, and its key")
    make.add_argument("--photos", type=Path, required=True, help="folder of photos")
    make.add_argument(
        "--method",
        action="append",
        required=True,
        metavar="NAME=DIR",
        help="a method and the folder of its pictures, named as the photos; repeat it",
    )
    make.add_argument(
        "-o", "--output", type=Path, required=True, help="folder that receives both"
    )
    add_config_arguments(make, StudySettings())
    count = commands.add_parser("count", help="shares, ranking and agreement")
    count.add_argument(
        "answers", nargs="+", type=Path, help="files of answers, or folders of such"
    )
    count.add_argument("--key", type=Path, required=True, help="key.json of the study")
    count.add_argument(
        "--max-caught",
        type=int,
        default=1,
        metavar="N",
        help="catch trials a visitor may fail and still count (default: %(default)s)",
    )
    count.add_argument(
        "--complete-only", action="store_true", help="leave out who stopped early"
    )
    count.add_argument("--json", type=Path, metavar="OUT", help="write figures there")
    return parser.parse_args()


def make(args):
    methods = {}
    for text in args.method:
        name, _, folder = text.partition("=")
        if not name or not folder or name in methods:
            raise InputError(
                f"--method must be NAME=DIR with a name of its own, received {text}."
            )
        methods[name] = Path(folder)
    settings = config_from_arguments(args, StudySettings())
    study = make_study(args.photos, methods, args.output, settings)
    size = study.page.stat().st_size / 1e6
    print(
        f"{study.photos} photos, {len(methods)} methods; a visitor answers "
        f"{study.questions} questions and {study.catch} catch trials"
    )
    print(f"{study.page} ({size:.1f} MB): for visitors")
    print(f"{study.key}: keep it, and give it to no visitor")


def count(args):
    # Imports SciPy and scikit-image: a second, which --help need not wait for.
    from animegan_tf.study.answers import read_key, read_visits
    from animegan_tf.study.count import as_text, count_visits

    key = read_key(args.key)
    visits, left_out = read_visits(args.answers, key)
    for _, reason in left_out:
        print(f"left out: {reason}", file=sys.stderr)
    figures = count_visits(key, visits, args.max_caught, args.complete_only)
    figures["left_out"] = [reason for _, reason in left_out]
    print(as_text(figures))
    if args.json:
        write_atomic(args.json, (json.dumps(figures, indent=2) + "\n").encode())
        print(f"\n{args.json}")
    sys.exit(1 if left_out else 0)


def main():
    args = parse_arguments()
    {"make": make, "count": count}[args.command](args)
