"""What became of every picture that was prepared, as a file that survives a kill."""

import dataclasses
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from animegan_tf.errors import InputError
from animegan_tf.files import write_atomic
from animegan_tf.untrusted import is_name, open_file

NAME = "manifest.jsonl"
# Of the fields of a record that are no texts.
_SHAPES = {
    **dict.fromkeys(("width", "height", "brightness", "sharpness"), ()),
    **dict.fromkeys(("face", "confidence"), ()),
    **{"box": (4,), "landmarks": (5, 2), "transform": (2, 3)},
}


@dataclass(frozen=True)
class Record:
    """One picture, or one face of a picture, and what was decided about it.

    Attributes:
        source: path relative to the folder of sources, with forward slashes.
        sha256: of the source file's bytes, 64 hex digits.
        decision: "kept" or "dropped".
        reason: of a drop, a short fixed phrase such as "no face".
        detail: of a drop, the value and the rule it broke.
        name: of a kept picture, its file name in every folder that has it.
        folder: of a kept picture, its main folder inside the data set.
        width, height: of the upright source in pixels; 0 if it cannot be decoded.
        brightness, sharpness: of the prepared picture, see `imaging.quality`.
        hash: perceptual hash of the prepared picture, 64 hex digits.
        face: number of the face in its source, from 1, largest first.
        confidence: of the detector, in [0, 1].
        box: x, y, width, height of the face in the upright source, pixels.
        landmarks: x, y of left eye, right eye, nose, left and right mouth corner.
        transform: 2 x 3, from the source's pixel coordinates to the prepared ones.
    """

    source: str
    sha256: str
    decision: str
    reason: str = ""
    detail: str = ""
    name: str = ""
    folder: str = ""
    width: int = 0
    height: int = 0
    brightness: float | None = None
    sharpness: float | None = None
    hash: str = ""
    face: int | None = None
    confidence: float | None = None
    box: tuple[float, ...] | None = None
    landmarks: tuple[tuple[float, float], ...] | None = None
    transform: tuple[tuple[float, ...], ...] | None = None

    def replace(self, **fields) -> "Record":
        return dataclasses.replace(self, **fields)

    def dropped(self, reason: str, detail: str) -> "Record":
        return self.replace(decision="dropped", reason=reason, detail=detail)


class Manifest:
    """The records of one preparation, in memory and as lines of JSON.

    The first line holds the settings, every other line all records of one source. A
    line is added after the files that it tells of were written, so whatever a kill
    cuts off is made again, with the same bytes.

    Args:
        path: the file; it need not exist yet.
        settings: of the preparation, a dict that JSON can hold.
        read_only: never write; for trials.

    Attributes:
        groups: list of the records of each source, in the order of the file.

    Raises:
        InputError: the file holds something else, names that lead out of the data
            set among it, or was made with other settings.
    """

    def __init__(self, path: Path, settings: dict, read_only: bool = False):
        self.path, self.read_only = Path(path), read_only
        self.groups = []
        lines = _complete_lines(self.path)
        if lines:
            self._require_settings(lines[0], settings)
            self.groups = [self._parsed(i, line) for i, line in enumerate(lines[1:], 2)]
        if not read_only:
            # Also without the half line that a kill may have left at the end.
            kept = lines or [_line({"settings": settings})]
            write_atomic(self.path, "".join(f"{line}\n" for line in kept).encode())

    @property
    def records(self) -> list[Record]:
        return [record for group in self.groups for record in group]

    def add(self, group: list[Record]) -> None:
        """Append the records of one source, safely on disk on return."""
        self.groups.append(group)
        if self.read_only:
            return
        with open_file(self.path, "a") as file:
            file.write(_line([dataclasses.asdict(record) for record in group]) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def _require_settings(self, line, settings):
        found = self._json(1, line)
        found = found.get("settings") if isinstance(found, dict) else None
        if not isinstance(found, dict):
            raise self._damaged(1)
        names = sorted(found.keys() | settings.keys())
        for name in names:
            if found.get(name) != settings.get(name):
                raise InputError(
                    f"{self.path.parent}: must be continued with the settings it was "
                    f"begun with, {name} {found.get(name)}, received "
                    f"{settings.get(name)}; --redo makes everything again."
                )

    def _parsed(self, number, line):
        try:
            group = [
                Record(**_as_tuples(fields)) for fields in self._json(number, line)
            ]
        except (TypeError, AttributeError) as error:
            raise self._damaged(number) from error
        if not group or not all(map(_is_sound, group)):
            raise self._damaged(number)
        return group

    def _json(self, number, line):
        try:
            return json.loads(line)
        except (ValueError, RecursionError) as error:
            raise self._damaged(number) from error

    def _damaged(self, number):
        return InputError(
            f"{self.path}: must be a manifest of tools/prepare.py, received another "
            f"text in line {number}; --redo makes everything again."
        )


def kept_names(path: Path) -> list:
    """File names of the pictures that a manifest tells of, as far as it is readable.

    For clearing up: neither its settings nor its completeness matter, and what stands
    in the place of a name may be anything.
    """
    names = []
    for line in _complete_lines(path)[1:]:
        try:
            names += [r["name"] for r in json.loads(line) if r["decision"] == "kept"]
        except (ValueError, TypeError, KeyError, RecursionError):
            continue
    return names


def _is_sound(record):
    """Whether the fields are of their types, and the names stay where they belong."""
    values = dataclasses.asdict(record)
    return (
        all(
            values[name] is None or _has(values[name], s) for name, s in _SHAPES.items()
        )
        and None not in (record.width, record.height)
        and all(isinstance(values[n], str) for n in values.keys() - _SHAPES.keys())
        and is_name(record.source)
        and (record.decision != "kept" or _is_kept(record))
    )


def _is_kept(record):
    return (
        is_name(record.name, plain=True)
        and is_name(record.folder)
        and re.fullmatch("[0-9a-f]{64}", record.hash)
    )


def _has(value, shape):
    """Whether a value is a number, or tuples of numbers of a shape."""
    if shape:
        return (
            isinstance(value, tuple)
            and len(value) == shape[0]
            and all(_has(item, shape[1:]) for item in value)
        )
    # No quantity of a picture is larger, and NaN is in no interval.
    return type(value) in (int, float) and -1e9 < value < 1e9


def _line(value):
    # ASCII only: file names that are no UTF-8 come out as escapes and back.
    return json.dumps(value, separators=(",", ":"))


def _complete_lines(path):
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    return text.split("\n")[:-1]  # what follows the last line end is incomplete


def _as_tuples(fields):
    def frozen(value):
        return tuple(map(frozen, value)) if isinstance(value, list) else value

    return {name: frozen(value) for name, value in fields.items()}
