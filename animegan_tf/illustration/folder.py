"""Whole folders of photos, drawn by all cores; a stopped run goes on."""

import json
import multiprocessing
import os
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from tqdm import tqdm

from animegan_tf.errors import InputError
from animegan_tf.files import list_images, make_folder, remove_temporaries, write_atomic
from animegan_tf.illustration.illustrator import LEAST_FACE, Illustrator
from animegan_tf.illustration.style import Style
from animegan_tf.imaging.codec import read_image, write_image
from animegan_tf.imaging.transform import image_grid, shrink
from animegan_tf.imaging.workers import begin_process

# What lies beside the drawings: points of every face, the style, a few of them.
LANDMARKS, RECORD, SHEET = "landmarks.npz", "illustrated.json", "contact_sheet.png"
_SHEET_PAIRS, _SHEET_COLUMNS, _SHEET_SIDE = 24, 6, 256
_NO_FACE = f"no face of {LEAST_FACE} pixels or more"
_illustrator = None


@dataclass(frozen=True)
class Illustrated:
    """What became of a folder's photos.

    Attributes:
        drawn: paths of the drawings, sorted.
        left_out: why, by the name of the photo.
    """

    drawn: tuple[Path, ...]
    left_out: dict[str, str]

    def reasons(self) -> Counter:
        """How many photos were left out for each reason."""
        return Counter(self.left_out.values())


def illustrate_folder(
    photos: Path,
    output: Path,
    style: Style,
    networks: Path,
    workers: int | None = None,
) -> Illustrated:
    """Draws every photo of a folder that shows a face.

    Drawings are PNG files of the photos' names and sizes. Those that are there already
    are kept. Beside them lie `landmarks.npz`, float32 (faces, 478, 2) by stem in pixels
    of the photo, as `training.illustrated` reads it; `illustrated.json`, the style and
    what was left out; and a contact sheet.

    Args:
        photos: folder of photos, each stem once.
        output: folder for the drawings.
        style: `Style`.
        networks: folder of the networks, see `imaging.networks`.
        workers: processes; None for one a core.

    Returns:
        `Illustrated`.

    Raises:
        InputError: folders or networks that cannot be used, drawings of another style
            in `output`, or no photo with a face.
    """
    paths = _by_stem(photos, output)
    _check_record(output, style)
    Illustrator(networks, style)  # what is wrong with the networks shows here
    new = not output.exists()
    make_folder(output)
    remove_temporaries(output)
    if not (output / RECORD).exists():
        _write_record(output, style, {})
    faces, left_out = {}, {}
    tasks = [(path, output / f"{stem}.png") for stem, path in paths.items()]
    for path, points, reason in _in_processes(tasks, style, networks, workers):
        if reason is None:
            faces[path.stem] = points
        else:
            left_out[path.name] = reason
    if not faces:
        _remove_empty(output, new)
        raise InputError(
            f"{photos}: must hold a photo with a face of {LEAST_FACE} pixels or more, "
            f"received none among {len(paths)} photos."
        )
    _write_landmarks(output, faces)
    _write_record(output, style, dict(sorted(left_out.items())))
    drawn = tuple(output / f"{stem}.png" for stem in sorted(faces))
    _write_sheet(output, [(paths[path.stem], path) for path in drawn])
    return Illustrated(drawn, left_out)


def _by_stem(photos, output):
    if output.exists() and output.resolve() == photos.resolve():
        raise InputError(
            f"{output}: must be another folder than the photos', received it."
        )
    by_stem = {}
    for path in list_images(photos):
        other = by_stem.setdefault(path.stem, path)
        if other is not path:
            raise InputError(
                f"{photos}: must hold one photo of each name, received {other.name} "
                f"and {path.name}."
            )
    return by_stem


def _in_processes(tasks, style, networks, workers):
    """Yields photo, landmarks and reason to be left out of every task, as they end."""
    count = min(workers or os.cpu_count() or 1, len(tasks))
    bar = {"desc": "drawing", "total": len(tasks), "unit": "photo"}
    if count == 1:
        illustrator = Illustrator(networks, style)
        yield from tqdm((_drawn(illustrator, *task) for task in tasks), **bar)
        return
    context = multiprocessing.get_context("spawn")
    setup = {"initializer": _begin, "initargs": (networks, style)}
    pool = ProcessPoolExecutor(count, context, **setup)
    try:
        futures = [pool.submit(_draw, *task) for task in tasks]
        for future in tqdm(as_completed(futures), **bar):
            yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(networks, style):
    global _illustrator
    begin_process()
    _illustrator = Illustrator(networks, style)


def _draw(path, target):
    return _drawn(_illustrator, path, target)


def _drawn(illustrator, path, target):
    """Draws a photo unless that is done: path, landmarks, reason to be left out."""
    try:
        photo = read_image(path)
    except InputError as error:
        return path, None, str(error)
    if target.exists():
        meshes = illustrator.faces(photo)
    else:
        seen = illustrator.see(photo)
        meshes = seen.meshes
        if meshes:
            write_image(target, illustrator(photo, seen))
    if not meshes:
        return path, None, _NO_FACE
    return path, np.stack([mesh.points for mesh in meshes]).astype(np.float32), None


def _check_record(output, style):
    """Refuses a folder of drawings in another style."""
    path = output / RECORD
    if not path.exists():
        return
    try:
        drawn = json.loads(path.read_text(encoding="utf-8"))["style"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: must be a record of drawings, received: {error}."
        ) from error
    if drawn != style.settings():
        raise InputError(
            f"{output}: must hold drawings of the same style, or none, "
            "received those of another one."
        )


def _write_record(output, style, left_out):
    record = {"style": style.settings(), "left_out": left_out}
    write_atomic(output / RECORD, (json.dumps(record, indent=1) + "\n").encode())


def _write_landmarks(output, faces):
    file = BytesIO()
    np.savez(file, **dict(sorted(faces.items())))
    write_atomic(output / LANDMARKS, file.getvalue())


def _write_sheet(output, pairs):
    """A few photos, each above its drawing."""
    step = max(1, len(pairs) // _SHEET_PAIRS)
    shown = pairs[::step][:_SHEET_PAIRS]
    rows = []
    for i in range(0, len(shown), _SHEET_COLUMNS):
        part = shown[i : i + _SHEET_COLUMNS]
        for paths in zip(*part):
            rows.append([shrink(read_image(path), _SHEET_SIDE) for path in paths])
    write_image(output / SHEET, image_grid(rows))


def _remove_empty(output, new):
    (output / RECORD).unlink(missing_ok=True)
    if new:
        output.rmdir()
