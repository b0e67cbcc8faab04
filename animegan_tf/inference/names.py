"""Generators by name: what lies in `saved_models`."""

import os
from pathlib import Path

from animegan_tf.errors import InputError

GENERATOR, CHECKPOINTS = "generator.keras", "checkpoints"
SHELF = Path(__file__).parents[2] / "saved_models"


def find_generator(named) -> Path:
    """The generator that is meant by a path, or by the name of a saved model.

    What looks like a name is one: a folder of that name in the working folder, which
    may be anybody's, is never taken in its place.

    Args:
        named: path of a file; of a folder that holds a `generator.keras`, as a run's
            does, or a SavedModel; each with a separator or an ending, as "./mine" (a
            `Path` of that is a name: it drops the dot). Else a name in the
            `saved_models` of the checkout.

    Returns:
        Path of the file or of the SavedModel's folder; the path itself, where there is
        neither.

    Raises:
        InputError: a name that no model has.
    """
    if _is_name(named):
        path = SHELF / named
        if not path.is_dir():
            raise InputError(
                f"{named}: a name must be that of a model in {SHELF}, received "
                f"another; the path of a file or folder here is written ./{named}."
            )
    else:
        path = Path(named)
    if (path / GENERATOR).is_file():
        return path / GENERATOR
    # `Path` drops the "./" that tells a path from a name.
    return path.absolute() if _is_name(path) else path


def find_start(named) -> Path:
    """What training can start from: a generator, or the folder of a run.

    Args:
        named: as `find_generator` takes it.

    Returns:
        Path of a `.keras` file, or of a folder with checkpoints.

    Raises:
        InputError: there is neither, or it is a generator for inference alone.
    """
    if not _is_name(named) and (Path(named) / CHECKPOINTS).is_dir():
        return Path(named)
    path = find_generator(named)
    if path.suffix != ".keras" or not path.is_file():
        raise InputError(
            f"--init must name a {GENERATOR}, a model of saved_models that has one, or "
            f"a run's folder, received {named}."
        )
    return path


def _is_name(named):
    """Whether a text looks like a name: no separator, no ending."""
    text = os.fspath(named)
    return text not in ("", "..") and text == Path(text).name and not Path(text).suffix
