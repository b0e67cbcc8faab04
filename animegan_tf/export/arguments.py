"""What the exports are given besides a generator: a card, a place and a size."""

import dataclasses
from pathlib import Path

import animegan_tf
from animegan_tf.errors import InputError
from animegan_tf.sizes import MIN_SIZE, MULTIPLE

NAME = "animegan_tf"
DESCRIPTION = (
    "Turns a photo into an anime picture: the main tail of AnimeGANv3's DTGAN, "
    f"written by {NAME} {animegan_tf.__version__}."
)


@dataclasses.dataclass(frozen=True)
class ModelCard:
    """Author, licence and version: for whoever trained the model to state.

    Args:
        author: who made the model.
        license: name or text of its licence. The default claims nothing about the
            weights.
        version: of the model.

    Raises:
        InputError: a text is empty or cannot be written as UTF-8.
    """

    author: str = "not stated"
    license: str = (
        "No licence of these weights was stated: ask their author. The program that "
        "wrote this file is under the Apache License 2.0 and claims no right to them."
    )
    version: str = "1"

    def __post_init__(self):
        for field in dataclasses.fields(self):
            text = getattr(self, field.name)
            try:
                empty = not text.encode().strip()
            except UnicodeEncodeError:
                empty = True
            if empty:
                raise InputError(
                    f"the {field.name} of a model must be some text in UTF-8, "
                    f"received {text!r}."
                )


def checked_path(path, suffix):
    """The path of a file to write, whose folder exists.

    Raises:
        InputError: another suffix, or no folder.
    """
    path = Path(path)
    if path.suffix != suffix:
        raise InputError(f"{path}: its name must end in {suffix}, received another.")
    if not path.parent.is_dir():
        raise InputError(f"{path}: its folder must exist, received none.")
    return path


def checked_sides(size):
    """`(height, width)` of a size: one side, two, or None, where both are free.

    Raises:
        InputError: a side that the network does not take.
    """
    if size is None:
        return None, None
    sides = (size, size) if isinstance(size, int) else tuple(size)
    fits = len(sides) == 2 and all(
        side >= MIN_SIZE and side % MULTIPLE == 0 for side in sides
    )
    if not fits:
        raise InputError(
            f"the size must be one or two multiples of {MULTIPLE} from {MIN_SIZE} up, "
            f"received {' x '.join(map(str, sides))}."
        )
    return sides
