"""Generators by name: what lies in `saved_models`."""

from pathlib import Path

from animegan_tf.errors import InputError

GENERATOR, CHECKPOINTS = "generator.keras", "checkpoints"


def find_generator(named) -> Path:
    """The generator that is meant by a path, or by the name of a saved model.

    Args:
        named: path of a file; of a folder that holds a `generator.keras`, as a run's
            does, or a SavedModel; or a name in `saved_models` of the working folder or
            else of the checkout. A generator at the path goes before one of the name.

    Returns:
        Path of the file or of the SavedModel's folder; what was named, where there is
        neither.
    """
    path = Path(named)
    places = [path]
    if str(path) == path.name:
        checkout = Path(__file__).parents[2]
        places += [shelf / "saved_models" / path for shelf in (Path(), checkout)]
    for place in places:
        if (place / GENERATOR).is_file():
            return place / GENERATOR
        if place.is_file() or _holds_saved_model(place):
            return place
    return path


def find_start(named) -> Path:
    """What training can start from: a generator, or the folder of a run.

    Args:
        named: as `find_generator` takes it.

    Returns:
        Path of a `.keras` file, or of a folder with checkpoints.

    Raises:
        InputError: there is neither, or it is a generator for inference alone.
    """
    if (Path(named) / CHECKPOINTS).is_dir():
        return Path(named)
    path = find_generator(named)
    if path.suffix != ".keras" or not path.is_file():
        raise InputError(
            f"--init must name a {GENERATOR}, a model of saved_models that has one, or "
            f"a run's folder; got {named}"
        )
    return path


def _holds_saved_model(folder):
    if not folder.is_dir():
        return False
    versions = (p for p in folder.iterdir() if p.name.isdecimal())
    return (folder / "saved_model.pb").is_file() or any(versions)
