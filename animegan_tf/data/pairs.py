"""Photos and their drawings: found, checked against each other, and read."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from animegan_tf.data import cache
from animegan_tf.data.importance import LANDMARKS, face_centre, importance_map
from animegan_tf.errors import InputError
from animegan_tf.files import list_images
from animegan_tf.imaging.codec import read_image

NAME = "landmarks.npz"
_NAMES_SHOWN = 3
_HELD_OUT = 8


@dataclass(frozen=True)
class PairFiles:
    """A photo, its drawing and the faces in both.

    Attributes:
        stem: what both files are called without their suffix.
        photo, drawing: paths.
        faces: float32 `(faces, 478, 2)`, landmarks in pixels of the photo.
    """

    stem: str
    photo: Path
    drawing: Path
    faces: np.ndarray


@dataclass(frozen=True)
class Pair:
    """`PairFiles` in memory.

    Attributes:
        photo: uint8 RGB `(height, width, 3)`.
        drawing: uint8 `(its height, its width, 4)`: RGB and `importance_map`.
        faces: float32 `(faces, 478, 2)`, landmarks in pixels of the photo.
    """

    photo: np.ndarray
    drawing: np.ndarray
    faces: np.ndarray


def find_pairs(photos: Path, illustrated: Path) -> list[PairFiles]:
    """Match drawings with photos by their stems, without reading pictures.

    Photos without a drawing are passed over, as an illustrator leaves out what it
    cannot read; so are pictures in the drawings' folder that are of no photo and
    without landmarks, such as a contact sheet.

    Args:
        photos: folder of photos.
        illustrated: folder of drawings, with a `landmarks.npz` that holds for each
            drawing's stem `(478, 2)` or `(faces, 478, 2)` points in pixels of the
            photo.

    Returns:
        list of `PairFiles`, sorted by stem.

    Raises:
        InputError: a folder or the landmarks are missing or unreadable, landmarks of
            another shape, or the three do not match.
    """
    photo_of, drawing_of = _by_stem(photos), _by_stem(illustrated)
    faces_of = _read_landmarks(illustrated / NAME)
    drawn = sorted(set(drawing_of) & set(photo_of))
    _require_all(drawing_of, faces_of, drawn, f"{illustrated / NAME}", "landmarks")
    _require_all(photo_of, photo_of, faces_of, f"{photos}", "a photo")
    _require_all(drawing_of, drawing_of, faces_of, f"{illustrated}", "a picture")
    return [
        PairFiles(stem, photo_of[stem], drawing_of[stem], faces_of[stem])
        for stem in drawn
    ]


def split_pairs(photos: Path, illustrated: Path, hold_out: Path | None = None):
    """The pairs that are learned, and those that are held out.

    Args:
        photos, illustrated: as `find_pairs` takes them.
        hold_out: text file of stems, one a line; None for the last 8 pairs.

    Returns:
        Two lists of `PairFiles`.

    Raises:
        InputError: as `find_pairs`; a list of stems that cannot be read or names none
            of the pairs; or nothing is left to learn.
    """
    files = find_pairs(photos, illustrated)
    stems = {pair.stem for pair in files[-_HELD_OUT:]}
    if hold_out is not None:
        try:
            stems = {line.strip() for line in hold_out.read_text().splitlines()}
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                f"{hold_out}: must be a readable text file of stems, received: {error}."
            ) from error
    held = [pair for pair in files if pair.stem in stems]
    training = [pair for pair in files if pair.stem not in stems]
    if not held or not training:
        raise InputError(
            f"{hold_out or illustrated}: must leave some of the {len(files)} pairs to "
            f"learn and some to look at, received {len(held)} to hold out."
        )
    return training, held


def load_pairs(files: list[PairFiles]) -> list[Pair]:
    """Read pairs into memory.

    Args:
        files: of `find_pairs`.

    Returns:
        list of `Pair`, in the same order.

    Raises:
        InputError: a picture cannot be read, a drawing has other proportions than its
            photo, or landmarks lie outside of it.
    """
    return list(cache.in_threads(_load, files, "reading pairs"))


def _load(files):
    photo, drawing = read_image(files.photo), read_image(files.drawing)
    height, width = photo.shape[:2]
    rows, columns = drawing.shape[:2]
    # Drawings of twice the size are welcome; one row may be lost to rounding.
    if abs(rows * width - columns * height) > max(width, columns):
        raise InputError(
            f"{files.drawing}: must have the proportions of {files.photo}, {width} x "
            f"{height}, received {columns} x {rows}."
        )
    for points in files.faces:
        x, y = face_centre(points)
        if not (0 <= x < width and 0 <= y < height):
            raise InputError(
                f"{files.drawing.parent / NAME}: the face of {files.stem} must lie in "
                f"its photo, {width} x {height}, received one at ({x:.0f}, {y:.0f})."
            )
    scale = np.array([columns / width, rows / height], np.float32)
    importance = importance_map(files.faces * scale, rows, columns)
    return Pair(photo, np.dstack([drawing, importance]), files.faces)


def _by_stem(folder):
    paths = list_images(folder)
    by_stem = {path.stem: path for path in paths}
    for path in paths:
        if by_stem[path.stem] is not path:
            raise InputError(
                f"{folder}: must hold one picture of each stem, received {path.name} "
                f"and {by_stem[path.stem].name}."
            )
    return by_stem


def _require_all(drawing_of, there, stems, place, what):
    """Whether all `stems` are `there`; some must be."""
    missing = [stem for stem in stems if stem not in there]
    if missing or not stems:
        dots = ", ..." if len(missing) > _NAMES_SHOWN else ""
        received = f"none for {', '.join(missing[:_NAMES_SHOWN])}{dots}"
        raise InputError(
            f"{place}: must hold {what} for each drawing of a photo, received "
            + (f"{received} of {len(drawing_of)} drawings." if stems else "no match.")
        )


def _read_landmarks(path):
    """`{stem: (faces, 478, 2) float32}` of a file."""
    if not path.is_file():
        raise InputError(
            f"{path}: must hold the landmarks of the drawings beside it, received no "
            "such file."
        )
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {stem: file[stem] for stem in file.files}
    except Exception as error:  # zip and numpy each fail in their own ways
        raise InputError(
            f"{path}: must be a readable .npz file, received: {error}."
        ) from error
    return {stem: _faces(path, stem, array) for stem, array in arrays.items()}


def _faces(path, stem, array):
    faces = array[None] if array.ndim == 2 else array
    if faces.ndim != 3 or len(faces) == 0 or faces.shape[1:] != (LANDMARKS, 2):
        raise InputError(
            f"{path}: {stem} must have the shape ({LANDMARKS}, 2) or (faces, "
            f"{LANDMARKS}, 2), received {array.shape}."
        )
    if faces.dtype.kind != "f" or not np.all(np.isfinite(faces)):
        raise InputError(
            f"{path}: {stem} must hold finite numbers of a floating-point type, "
            f"received {array.dtype}."
        )
    return faces.astype(np.float32)
