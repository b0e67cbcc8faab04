"""Turns a folder or bucket of photos into pictures with Apache Beam.

    python tools/beam_stylize.py my/photos -o painted --generator generator.tflite
    python tools/beam_stylize.py gs://bucket/photos -o gs://bucket/painted \\
        --generator gs://bucket/generator.tflite -- --runner DataflowRunner ...

What comes after -- goes to Beam; without it, the pipeline runs in this process.
Pictures that are there already are not painted again. Photos that cannot be painted are
named in left_out.txt in the output. docs/scale.md tells the rest.
"""

import argparse
import sys
from pathlib import Path

from animegan_tf.cli import ArgumentParser
from animegan_tf.errors import InputError
from animegan_tf.files import SUFFIXES
from animegan_tf.inference import find_generator
from animegan_tf.sizes import MIN_SIZE

# Else Beam's DirectRunner would first fetch a program of its own from the network.
_HERE = ("--runner", "FnApiRunner")


def parse_arguments():
    arguments, beam_flags = sys.argv[1:], []
    if "--" in arguments:
        at = arguments.index("--")
        arguments, beam_flags = arguments[:at], arguments[at + 1 :]
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("photos", metavar="IN", help="folder, searched with all below")
    add("-o", "--output", required=True, metavar="OUT", help="folder for the pictures")
    add(
        "--generator",
        required=True,
        metavar="PATH",
        help="a .tflite or .onnx file of tools/export.py, which need no TensorFlow on "
        "the workers, or else a generator.keras; or a SavedModel's local folder",
    )
    forms = [suffix[1:] for suffix in SUFFIXES]
    add("--format", choices=forms, default="png", help="of the pictures (default: png)")
    add("--keep-color", action="store_true", help="keep the photo's colours")
    for flag, kind, default, text in (
        ("--max-side", int, 1280, "photos with a longer side are reduced to it"),
        ("--strength", float, 1.0, "from 0, the photo, to 1, the painted picture"),
        ("--threads", int, 1, "of the network in each process; 0 for one a core"),
    ):
        text += f" (default: {default:g})"
        add(flag, type=kind, default=default, metavar="N", help=text)
    return parser.parse_args(arguments), beam_flags


def check_arguments(args):
    """What a thousand workers would refuse, one by one, is refused here."""
    for flag, holds, rule in (
        ("max_side", args.max_side >= MIN_SIZE, f"{MIN_SIZE} or more"),
        ("strength", 0 <= args.strength <= 1, "between 0 and 1"),
        ("threads", args.threads >= 0, "0 or more"),
    ):
        if not holds:
            name, value = flag.replace("_", "-"), getattr(args, flag)
            raise InputError(f"--{name} must be {rule}, received {value}.")


def generator_of(named):
    """Its path as workers of this machine find it."""
    if "://" in named:
        return named
    path = find_generator(named)
    if not path.exists():
        raise InputError(f"the generator {path} must be a file, received none.")
    return str(Path(path).absolute())


def main():
    args, beam_flags = parse_arguments()
    check_arguments(args)
    generator = generator_of(args.generator)
    try:
        import apache_beam as beam
    except ImportError as error:
        raise InputError(
            "the package apache-beam must be installed for this, with "
            f'`pip install -e ".[beam]"`, received: {error}.'
        ) from error
    from animegan_tf.beam import pipeline as painting

    options = beam.options.pipeline_options.PipelineOptions([*_HERE, *beam_flags])
    photos, output = map(painting.folder_of, (args.photos, args.output))
    settings = painting.Settings(
        *(generator, f".{args.format}", args.max_side, args.strength),
        *(args.keep_color, args.threads),
    )
    pipeline = beam.Pipeline(options=options)
    painting.stylize(pipeline, photos, output, settings)
    result = pipeline.run()
    result.wait_until_finish()
    tell(painting.counts(result), args)


def tell(counts, args):
    if not counts["painted"] + counts["skipped"] + counts["left_out"]:
        raise InputError(
            f"{args.photos}: must hold at least one picture ({', '.join(SUFFIXES)}), "
            f"received none among its {counts['others']} other files."
        )
    print(f"painted: {counts['painted']}")
    if counts["skipped"]:
        print(f"skipped, as they are there already: {counts['skipped']}")
    if counts["others"]:
        print(f"passed over, as they are no pictures: {counts['others']}")
    print(args.output.rstrip("/") or "/")
    if counts["left_out"]:
        print(f"left out {counts['left_out']}, see left_out.txt there", file=sys.stderr)
        sys.exit(1)
