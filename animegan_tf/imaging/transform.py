"""Sizes of pictures: resampled, cut square, laid out as contact sheets."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from animegan_tf.errors import InputError
from animegan_tf.imaging.codec import check_rgb

_WHITE = 255


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


def shrink(image, side: int):
    """Reduce a picture until neither side is longer than `side`.

    Args:
        image: uint8 RGB (any height, any width, 3).
        side: int, at least 1, in pixels.

    Returns:
        uint8 RGB of the same proportions; `image` itself if it is small enough.

    Raises:
        InputError: `side` is below 1.
    """
    if side < 1:
        raise InputError(f"side must be at least 1, received {side}.")
    height, width = image.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return image
    return resize(image, max(1, round(width * scale)), max(1, round(height * scale)))


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
        check_rgb(image)
    height = max(image.shape[0] for image in cells)
    width = max(image.shape[1] for image in cells)
    titles = [_title(label, width) for label in labels] if labels else []
    header = titles[0].shape[0] + gap if titles else 0
    sheet_size = (
        header + gap + len(rows) * (height + gap),
        gap + columns * (width + gap),
        3,
    )
    sheet = np.full(sheet_size, _WHITE, np.uint8)
    for column, title in enumerate(titles):
        _paste(sheet, title, gap, gap + column * (width + gap))
    for i, row in enumerate(rows):
        for j, image in enumerate(row):
            top = header + gap + i * (height + gap) + (height - image.shape[0]) // 2
            left = gap + j * (width + gap) + (width - image.shape[1]) // 2
            _paste(sheet, image, top, left)
    return sheet


def _title(text, width):
    """A one-line strip `width` pixels wide, in the largest type that fits it."""
    for size in (14, 12, 10, 8):
        font = ImageFont.load_default(size)
        if font.getlength(text) <= width:
            break
    strip = Image.new("RGB", (width, 18), (_WHITE, _WHITE, _WHITE))
    left = max(0, (width - font.getlength(text)) / 2)
    ImageDraw.Draw(strip).text((left, 1), text, fill=(0, 0, 0), font=font)
    return np.asarray(strip)


def _paste(sheet, image, top, left):
    sheet[top : top + image.shape[0], left : left + image.shape[1]] = image
