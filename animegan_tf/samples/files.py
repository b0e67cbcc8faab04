"""Folders of drawn portraits, laid out as training reads them."""

import json
import re
import shutil
from pathlib import Path

import cv2

from animegan_tf.errors import InputError
from animegan_tf.files import write_atomic
from animegan_tf.samples.anime import draw_anime
from animegan_tf.samples.photo import draw_photo
from animegan_tf.samples.portrait import random_portrait

RECORD = "samples.json"
# Every seed of `write_samples` owns a million people; training and its sample grid use
# the first half of them.
_PEOPLE_A_SEED, _HELD_OUT = 1_000_000, 600_000


def held_out_people(count: int) -> range:
    """Seeds of people whom `write_samples` never draws, whatever its seed.

    Args:
        count: int, 1 to 100,000; the first ones are the same for every count.

    Returns:
        range of seeds for `random_portrait`, 600,000 and on.

    Raises:
        InputError: `count` is out of range.
    """
    if not 1 <= count <= 100_000:
        raise InputError(
            f"the number of portraits must be 1 to 100,000, received {count}."
        )
    return range(_HELD_OUT, _HELD_OUT + count)


def write_samples(
    folder: Path,
    photos: int,
    anime: int,
    size: int = 128,
    seed: int = 0,
    validation: int = 8,
) -> None:
    """Write drawn portraits in the folder layout that training reads.

    `train_photo` and `Sample/style` show different people, so they are unpaired.
    `val` and `val_anime` show the same people, met in neither training folder, under
    the same file names. A folder that `samples.json` says is complete for the same
    arguments is left alone.

    Args:
        folder: Path that receives the four folders and `samples.json`.
        photos: Number of training photos, int.
        anime: Number of anime pictures, int.
        size: Side of every picture in pixels, int.
        seed: Non-negative int below 1000; each seed has its own people.
        validation: Number of validation pairs, int.

    Raises:
        InputError: If a number is out of range, or if one of the four folders holds
            anything but pictures written by this function.
    """
    counts = {"photos": photos, "anime": anime, "validation": validation}
    for name, count in counts.items():
        if not 0 <= count <= 100_000:
            raise InputError(f"{name} must be in 0..100000. Received: {name}={count}")
    if size < 16:
        raise InputError(f"size must be at least 16. Received: size={size}")
    if not 0 <= seed < 1000:
        raise InputError(f"seed must be in 0..999. Received: seed={seed}")
    folder = Path(folder)
    arguments = {**counts, "size": size, "seed": seed, "drawing": 1}
    plan = _plan(photos, anime, seed, validation)
    if _complete(folder, arguments, plan):
        return
    for name in plan:
        _refuse_foreign(folder / name)
    # A run cut short must not look complete: the record goes first and returns last.
    (folder / RECORD).unlink(missing_ok=True)
    for name, (draw, seeds) in plan.items():
        _write_folder(folder / name, draw, seeds, size)
    write_atomic(folder / RECORD, (json.dumps(arguments, indent=2) + "\n").encode())


def _plan(photos, anime, seed, validation):
    """For each folder: the drawing function and the people's seeds."""

    def people(first, count):
        first += _PEOPLE_A_SEED * seed
        return range(first, first + count)

    return {
        "train_photo": (draw_photo, people(0, photos)),
        "Sample/style": (draw_anime, people(200_000, anime)),
        "val": (draw_photo, people(400_000, validation)),
        "val_anime": (draw_anime, people(400_000, validation)),
    }


def _name(index):
    """File name of a portrait."""
    return f"portrait_{index:05d}.png"


def _refuse_foreign(folder):
    """Raise `InputError` if writing into the folder would delete other files."""
    for path in sorted(folder.iterdir()) if folder.exists() else ():
        if not re.fullmatch(r"portrait_\d{5}\.png", path.name):
            raise InputError(
                f"{folder} must be absent or hold only drawn samples, because they are"
                f" replaced. Received: {path.name}"
            )


def _complete(folder, arguments, plan):
    """Whether the folder's record matches and every picture is there."""
    try:
        if json.loads((folder / RECORD).read_text()) != arguments:
            return False
    except (OSError, ValueError, RecursionError):
        return False
    return all(
        (folder / name / _name(index)).is_file()
        for name, (_, seeds) in plan.items()
        for index in range(len(seeds))
    )


def _write_folder(destination, draw, seeds, size):
    """Draw the portraits into a temporary folder, then put it at its destination."""
    # A hidden name, so that a reader of the parent folder never takes it for data.
    temporary = destination.with_name(f".{destination.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    for index, seed in enumerate(seeds):
        picture = draw(random_portrait(seed), size)
        path = temporary / _name(index)
        if not cv2.imwrite(str(path), picture[..., ::-1]):
            raise OSError(f"Could not write {path}")
    shutil.rmtree(destination, ignore_errors=True)
    temporary.replace(destination)
