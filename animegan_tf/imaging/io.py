"""Picture files in and out, resizing and contact sheets."""

import os
import uuid
from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps, UnidentifiedImageError

from animegan_tf.errors import InputError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")

# Pillow knows some forty formats, a few of which start other programs. Only the
# decoders behind SUFFIXES are ever tried, whatever the file claims to be.
_DECODERS = ("JPEG", "PNG", "WEBP", "BMP")
_ENCODERS = {
    ".jpg": ("JPEG", {"quality": 95}),
    ".jpeg": ("JPEG", {"quality": 95}),
    ".png": ("PNG", {}),
    ".webp": ("WEBP", {"quality": 95}),
    ".bmp": ("BMP", {}),
}
_GROUND = 255


def list_images(folder: Path) -> list[Path]:
    """Pictures directly inside a folder, sorted by name.

    Hidden files and half-written temporary ones are passed over.

    Args:
        folder: path of an existing folder with at least one picture.

    Returns:
        list of Path.

    Raises:
        InputError: `folder` does not exist, is not a folder, cannot be listed or
            holds no picture.
    """
    folder = Path(folder)
    try:
        if not folder.exists():
            raise InputError(
                f"{folder}: a folder of pictures must exist there, received nothing."
            )
        if not folder.is_dir():
            raise InputError(f"{folder}: must be a folder, received a file.")
        files = [
            path
            for path in folder.iterdir()
            if path.is_file() and not path.name.startswith(".")
        ]
    except OSError as error:
        raise InputError(
            f"{folder}: the folder must be readable, received: {error.strerror}."
        ) from error
    images = sorted(path for path in files if _is_picture_name(path))
    if not images:
        raise InputError(
            f"{folder}: must hold at least one picture ({', '.join(SUFFIXES)}), "
            f"received none among its {len(files)} other files."
        )
    return images


def read_image(path: Path):
    """Decode one picture, upright and opaque, as 8-bit RGB.

    The EXIF rotation is applied, transparency is laid over white, 16-bit grey is
    scaled to 8 bits, and an animation gives its first frame. Pillow's limit
    against decompression bombs stays in force.

    Args:
        path: a file in one of the formats of `SUFFIXES`; its content decides
            which one.

    Returns:
        uint8 RGB (height, width, 3), writable.

    Raises:
        InputError: the file cannot be opened or decoded.
    """
    try:
        with Image.open(path, formats=_DECODERS) as image:
            image.load()
            return np.array(_to_rgb(ImageOps.exif_transpose(image)))
    except UnidentifiedImageError as error:
        raise _unreadable(path, "content of another kind") from error
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    except Exception as error:
        # Damaged files make Pillow's decoders raise nearly anything: SyntaxError,
        # struct.error, zlib.error, ValueError, DecompressionBombError.
        raise _unreadable(path, f"{type(error).__name__}: {error}") from error


def write_image(path: Path, image) -> None:
    """Encode one picture; the file appears complete or not at all.

    Args:
        path: destination; its suffix, one of `SUFFIXES`, chooses the format.
        image: uint8 RGB (height, width, 3).

    Raises:
        InputError: the suffix is unknown or the file cannot be written.
        ValueError: `image` is not uint8 RGB.
    """
    path = Path(path)
    if path.suffix.lower() not in _ENCODERS:
        raise InputError(
            f"{path}: a picture's name must end in one of {', '.join(SUFFIXES)}, "
            f"received {path.suffix!r}."
        )
    _check_rgb(image)
    format_name, options = _ENCODERS[path.suffix.lower()]
    # A short fresh name: it cannot clash between processes, nor outgrow the limit
    # of the file system when the final name is a long one.
    temporary = path.parent / f".{uuid.uuid4().hex}.tmp"
    try:
        with open(temporary, "wb") as file:
            Image.fromarray(image).save(file, format_name, **options)
        os.replace(temporary, path)
    except (OSError, ValueError) as error:
        # ValueError: a side over the format's limit, 16383 pixels for WebP.
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(
            f"{path}: the picture must be writable there, received: {reason}."
        ) from error
    finally:
        with suppress(OSError):  # already moved, or never made
            temporary.unlink()


def resize(image, width: int, height: int):
    """Resample a picture to an exact size, without aliasing when it shrinks.

    Args:
        image: uint8 RGB (any height, any width, 3).
        width, height: int, at least 1.

    Returns:
        uint8 RGB (height, width, 3); `image` itself when it has that size.

    Raises:
        InputError: a side is below 1.
    """
    if width < 1 or height < 1:
        raise InputError(
            f"width and height must be at least 1, received {width} x {height}."
        )
    if image.shape[:2] == (height, width):
        return image
    # Pillow widens the bicubic kernel by the scale, which OpenCV does not.
    resized = Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC)
    return np.array(resized)


def square(image, size: int):
    """Cut the central square out of a picture and resample it.

    Args:
        image: uint8 RGB (any height, any width, 3).
        size: int, side of the result.

    Returns:
        uint8 RGB (size, size, 3).

    Raises:
        InputError: `size` is below 1.
    """
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return resize(image[top : top + side, left : left + side], size, size)


def image_grid(rows: list[list], labels: list[str] | None = None, gap: int = 4):
    """Lay pictures out as a contact sheet.

    Every cell has the size of the largest picture; smaller ones sit in the middle
    of theirs, on white. A row that is shorter than the others ends in empty cells.

    Args:
        rows: list of rows, each a list of uint8 RGB (height, width, 3).
        labels: one title per column, drawn above the first row, or None.
        gap: int, pixels between cells and around the sheet.

    Returns:
        uint8 RGB (sheet height, sheet width, 3).

    Raises:
        ValueError: there is no picture, or `labels` do not match the columns.
    """
    cells = [image for row in rows for image in row]
    if not cells:
        raise ValueError("rows must hold at least one picture, received none.")
    columns = max(len(row) for row in rows)
    if labels is not None and len(labels) != columns:
        raise ValueError(
            f"labels must name each of the {columns} columns, received {len(labels)}."
        )
    for image in cells:
        _check_rgb(image)
    height = max(image.shape[0] for image in cells)
    width = max(image.shape[1] for image in cells)
    titles = [_title(label, width) for label in labels] if labels else []
    header = titles[0].shape[0] + gap if titles else 0
    sheet_size = (
        header + gap + len(rows) * (height + gap),
        gap + columns * (width + gap),
        3,
    )
    sheet = np.full(sheet_size, _GROUND, np.uint8)
    for column, title in enumerate(titles):
        _paste(sheet, title, gap, gap + column * (width + gap))
    for i, row in enumerate(rows):
        for j, image in enumerate(row):
            top = header + gap + i * (height + gap) + (height - image.shape[0]) // 2
            left = gap + j * (width + gap) + (width - image.shape[1]) // 2
            _paste(sheet, image, top, left)
    return sheet


def _is_picture_name(path):
    suffixes = [suffix.lower() for suffix in path.suffixes]
    return bool(suffixes) and suffixes[-1] in SUFFIXES and ".tmp" not in suffixes


def _unreadable(path, reason):
    return InputError(
        f"{path}: must be a readable JPEG, PNG, WebP or BMP picture, "
        f"received: {reason.rstrip('.')}."
    )


def _to_rgb(image):
    """A decoded Pillow image of any mode as mode RGB."""
    if image.mode.startswith("I"):
        # Grey of 16 bits (mode I in old releases). Pillow's own conversion clips
        # at 255 instead of scaling; 65535 / 257 is exactly 255.
        values = np.clip(np.asarray(image, np.float64), 0, 65535) / 257
        image = Image.fromarray(np.rint(values).astype(np.uint8))
    elif image.has_transparency_data:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, (_GROUND, _GROUND, _GROUND, 255))
        image = Image.alpha_composite(ground, image)
    return image.convert("RGB")


def _check_rgb(image):
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(
            "image must be uint8 RGB (height, width, 3), "
            f"received {image.dtype} {image.shape}."
        )


def _title(text, width):
    """A one-line strip `width` pixels wide, in the largest type that fits it."""
    for size in (14, 12, 10, 8):
        font = ImageFont.load_default(size)
        if font.getlength(text) <= width:
            break
    strip = Image.new("RGB", (width, 18), (_GROUND, _GROUND, _GROUND))
    left = max(0, (width - font.getlength(text)) / 2)
    ImageDraw.Draw(strip).text((left, 1), text, fill=(0, 0, 0), font=font)
    return np.asarray(strip)


def _paste(sheet, image, top, left):
    sheet[top : top + image.shape[0], left : left + image.shape[1]] = image
