"""Sends photos to TensorFlow Serving and writes the pictures.

    python tools/serving_client.py photo.jpg -o picture.png
    python tools/serving_client.py my/photos -o painted --batch 4
    python tools/serving_client.py photo.jpg -o picture.png --grpc localhost:8500
    python tools/serving_client.py --status
    python tools/serving_client.py --metadata --version 2

Photos are turned upright by their EXIF before they are sent, which the server does not
do. --status ends with 0 if the version, or any, is available, else with 1.
"""

import argparse
import sys

from animegan_tf import serving
from animegan_tf.cli import ArgumentParser
from animegan_tf.errors import InputError
from animegan_tf.inference.jobs import is_video, plan_jobs, stylize_jobs


def version(text):
    return int(text) if text.isdecimal() else text


def parse_arguments():
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("photos", nargs="*", metavar="PHOTO", help="photos and folders of photos")
    add("-o", "--output", metavar="OUT", help="a picture, or a folder of PNG files")
    add("--status", action="store_true", help="print the states of the versions")
    add("--metadata", action="store_true", help="print the signatures")
    for flag, default, kind, help_text in (
        ("--url", "http://localhost:8501", str, "the server's, for REST"),
        ("--grpc", None, str, "the server's HOST:PORT, for gRPC in place of REST"),
        ("--model", "animegan", str, "name under which it is served"),
        ("--version", None, version, "number or label; else the newest served"),
        ("--timeout", 60.0, float, "seconds to wait for an answer"),
        ("--max-message", 256, int, "MiB of a gRPC message, sent or received"),
        ("--batch", 1, int, "photos in a request"),
        ("--max-side", 1280, int, "pixels to which larger photos are reduced"),
    ):
        shown = "" if default is None else " (default: %(default)s)"
        metavar = {int: "N", float: "X"}.get(kind, "TEXT")
        add(flag, default=default, type=kind, metavar=metavar, help=help_text + shown)
    add(
        "--signature",
        choices=serving.SIGNATURES,
        default="serving_default",
        help="send files, or arrays of uint8 or float (default: %(default)s)",
    )
    return parser.parse_args()


def connect(args):
    common = args.model, args.version, args.timeout
    if args.grpc:
        return serving.GrpcClient(args.grpc, *common, args.max_message)
    return serving.RestClient(args.url, *common)


def main():
    args = parse_arguments()
    if bool(args.photos) != (args.output is not None):
        raise InputError("photos and --output must be given together, received one")
    if sum([args.status, args.metadata, bool(args.photos)]) != 1:
        raise InputError("one of photos, --status and --metadata must be given")
    client = connect(args)
    if args.metadata:
        for name, text in client.signatures().items():
            print(f"{name}: {text}")
    elif args.status:
        states = client.versions()
        for number, state, error in states:
            print(f"version {number}: {state} {error}".rstrip())
        sys.exit(0 if "AVAILABLE" in [state for _, state, _ in states] else 1)
    else:
        stylize(client, args)


def stylize(client, args):
    plan = plan_jobs(args.photos, args.output)
    for source, _ in plan.jobs:
        if is_video(source):
            raise InputError(f"{source}: must be a photo, received a video.")
    stylizer = serving.ServedStylizer(client, args.signature, args.max_side)
    failed = stylize_jobs(stylizer, plan.jobs, plan.single, batch=args.batch)
    print(args.output)
    if failed:
        print(f"left out {failed} of {len(plan.jobs)} photos", file=sys.stderr)
        sys.exit(1)
