"""Makes training pictures out of folders of anything, and checks data sets.

    python tools/prepare.py photos my/photos dataset
    python tools/prepare.py anime my/anime dataset --style Mine
    python tools/prepare.py check dataset
    python tools/prepare.py networks networks

It goes on where it was stopped, and leaves alone what is done. The last command fetches
the networks that see faces.
"""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

from animegan_tf.cli import (
    ArgumentParser,
    add_config_arguments,
    config_from_arguments,
)
from animegan_tf.data.settings import AnimeSettings, PhotoSettings


def parse_arguments():
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    photos = commands.add_parser("photos", help="faces, aligned, with superpixels")
    anime = commands.add_parser("anime", help="a style, with smoothed edges")
    check = commands.add_parser("check", help="what training would stumble over")
    networks = commands.add_parser("networks", help="fetches what sees faces")
    networks.add_argument("folder", type=Path, help="folder that receives the files")
    for command, settings in ((photos, PhotoSettings()), (anime, AnimeSettings())):
        command.add_argument("source", type=Path, help="folder of pictures")
        command.add_argument("dataset", type=Path, help="folder that receives them")
        _add_run_arguments(command)
        add_config_arguments(command, settings)
    anime.add_argument("--style", required=True, help="name of the style's folder")
    check.add_argument("dataset", type=Path, help="folder of a data set")
    check.add_argument("--style", action="append", help="only these styles; repeat it")
    check.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def _add_run_arguments(command):
    command.add_argument(
        "--limit", type=int, metavar="N", help="only the first N sources by name"
    )
    command.add_argument(
        "--workers", type=int, default=0, metavar="N", help="processes; 0: one a core"
    )
    command.add_argument(
        "--dry-run", action="store_true", help="decide everything, write nothing"
    )
    command.add_argument(
        "--redo",
        action="store_true",
        help="delete what was made before, and begin anew",
    )


def prepare(args):
    from animegan_tf.data.prepare import prepare_anime, prepare_photos

    settings = PhotoSettings() if args.command == "photos" else AnimeSettings()
    settings = config_from_arguments(args, settings)
    options = (settings, args.limit, args.workers, args.dry_run, args.redo)
    if args.command == "photos":
        summary = prepare_photos(args.source, args.dataset, *options)
    else:
        summary = prepare_anime(args.source, args.dataset, args.style, *options)
    _tell(summary)


def _tell(summary):
    kept = sum(record.decision == "kept" for record in summary.records)
    print(f"{summary.new} sources worked on; {kept} pictures kept in all")
    dropped = [record for record in summary.records if record.decision == "dropped"]
    for reason, count in Counter(record.reason for record in dropped).most_common():
        print(f"{count:>6} dropped: {reason}")
    if summary.others:
        print(f"{len(summary.others):>6} files passed over that are no pictures")
    print(summary.report or "nothing was written, as --dry-run asks")


def fetch(args):
    from animegan_tf.data.networks import fetch_networks

    for file, fetched in fetch_networks(args.folder):
        said = "fetched" if fetched else "was there"
        print(f"{file.name}: {said} ({file.licence})", flush=True)


def main():
    args = parse_arguments()
    if args.command == "networks":
        fetch(args)
    elif args.command == "check":
        check(args)
    else:
        prepare(args)


def check(args):
    from animegan_tf.data.check import as_json, check_dataset, print_findings

    findings = check_dataset(args.dataset, args.style)
    if args.json:
        print(json.dumps(as_json(findings), indent=2))
    else:
        print_findings(findings)
    sys.exit(1 if findings.errors else 0)
