"""What the tools share: flags from the settings, and errors as one sentence."""

import argparse
import os
import sys
from pathlib import Path

from animegan_tf.errors import InputError, Interrupted, TrainingError
from animegan_tf.settings import flag_of, replaced, walk


class ArgumentParser(argparse.ArgumentParser):
    """Says what is wrong with a flag as `run_tool` says everything: in one sentence.

    Raises:
        InputError: in place of printing the usage and exiting.
    """

    def error(self, message):
        raise InputError(f"{message}; --help lists the flags")


def add_config_arguments(parser, config, shown=None):
    """Adds a flag for every setting of a configuration.

    Args:
        parser: `argparse.ArgumentParser`.
        config: dataclass of settings, nested ones included; its values are the
            defaults that the help shows.
        shown: paths of the settings that the help lists; None for all.
    """
    groups = {}
    for path, field, value in walk(config):
        title = path.split(".")[0] if "." in path else "run"
        group = groups.setdefault(title, parser.add_argument_group(title))
        kind = {Path | None: Path, str | None: str}.get(field.type, field.type)
        keywords = {
            "dest": path,
            "default": argparse.SUPPRESS,
            "help": f"{field.metadata['help']} (default: {_shown(value)})",
        }
        if kind is bool:
            keywords["action"] = argparse.BooleanOptionalAction
        elif isinstance(value, tuple):
            keywords.update(type=float, nargs=len(value), metavar="X")
        else:
            keywords.update(type=kind, choices=field.metadata["choices"])
            if not field.metadata["choices"]:
                keywords["metavar"] = {Path: "PATH", str: "NAME"}.get(kind, "X")
        if shown is not None and path not in shown:
            keywords["help"] = argparse.SUPPRESS
        group.add_argument(flag_of(path), **keywords)


def _shown(value):
    if isinstance(value, tuple):
        return " ".join(f"{x:g}" for x in value)
    return "none" if value is None else value


def config_from_arguments(args, config):
    """The configuration with the flags that were given in place of its values."""
    for path, _, value in walk(config):
        given = getattr(args, path, value)
        given = tuple(given) if isinstance(value, tuple) else given
        config = replaced(config, path, given)
    return config


def run_tool(main):
    """Runs a tool's `main()`; what the user can mend ends it with one sentence.

    Exits with 2 for an `InputError` or a file that cannot be used, 3 for a
    `TrainingError`, and with 128 and a signal's number when interrupted by it. What
    the terminal or file behind an output cannot show is written as an escape.
    """
    for stream in (sys.stdout, sys.stderr):
        # Names of files need be no text, and consoles know few letters.
        if hasattr(stream, "reconfigure"):  # else it was replaced by a caller
            stream.reconfigure(errors="backslashreplace")
    # Or else TensorFlow's notes about its build bury the sentence.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    try:
        main()
    except (InputError, TrainingError, OSError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(3 if isinstance(error, TrainingError) else 2)
    except Interrupted as stop:
        print(stop, file=sys.stderr)
        sys.exit(128 + stop.signal)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
