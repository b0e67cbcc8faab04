"""What the preparation of photos and of anime pictures share: one source in and out."""

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path

from animegan_tf.data.manifest import Record
from animegan_tf.errors import InputError
from animegan_tf.imaging import quality
from animegan_tf.imaging.codec import read_image_alpha

# Leaves room in a file name, 255 bytes at most, for four bytes a letter.
_STEM_LETTERS = 50


@dataclass(frozen=True)
class Prepared:
    """A record and, if it is of a kept picture, its files: folder to bytes."""

    record: Record
    files: dict[str, bytes] = field(default_factory=dict)


def content_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, 64 hex digits; "" if it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def read_source(path: Path, source: str):
    """Decode a source and begin its record.

    Args:
        path: the file.
        source: its name in the record.

    Returns:
        uint8 RGB (height, width, 3), uint8 alpha (height, width) or None, and a
        `Record`. If the file cannot be read or decoded, None, None and the record of
        a drop.
    """
    record = Record(source, sha256="", decision="kept")
    try:
        data = path.read_bytes()
    except OSError as error:
        return None, None, record.dropped("undecodable", f"{error.strerror}")
    record = record.replace(sha256=hashlib.sha256(data).hexdigest())
    try:
        image, alpha = read_image_alpha(path, data)
    except InputError as error:
        # The record must not depend on where the folder lies.
        detail = str(error).removeprefix(f"{path}: ")
        return None, None, record.dropped("undecodable", detail)
    height, width = image.shape[:2]
    return image, alpha, record.replace(width=width, height=height)


def measured(record: Record, picture) -> Record:
    """The record with brightness, sharpness and hash of a prepared picture."""
    return record.replace(
        brightness=round(quality.brightness(picture), 2),
        sharpness=round(quality.sharpness(picture), 2),
        hash=f"{quality.perceptual_hash(picture):064x}",
    )


def output_name(record: Record, suffix: str = "") -> str:
    """File name of a kept picture: the source's, and eight digits of its hash.

    The digits keep `a/1.jpg` and `b/1.jpg` apart, whenever and from wherever they
    come.
    """
    stem = Path(record.source).stem
    stem = re.sub(r"[^\w.-]+", "_", stem).strip(".")[:_STEM_LETTERS]
    return f"{stem}-{record.sha256[:8]}{suffix}.png"


def draw(record: Record, seed: int) -> float:
    """A number in [0, 1) that depends on the picture and the seed alone."""
    key = f"{seed} {record.sha256} {record.face}".encode()
    return int(hashlib.sha256(key).hexdigest()[:13], 16) / 16**13
