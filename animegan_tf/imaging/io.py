"""Picture files in and out, resizing and contact sheets."""

import errno
import io
import os
import re
import shutil
import stat
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageDraw, ImageFont, UnidentifiedImageError

from animegan_tf.errors import InputError, OutputError
from animegan_tf.imaging.decoding import open_picture, orientation, upright_exif

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
# Folder beside pictures in which a NAS of Synology keeps small copies. Names of other
# makes begin with a dot.
THUMBNAILS = "@eaDir"
_ENCODERS = {
    ".jpg": ("JPEG", {"quality": 95}),
    ".jpeg": ("JPEG", {"quality": 95}),
    # Half the default's time for 0.3 % more bytes.
    ".png": ("PNG", {"compress_level": 4}),
    ".webp": ("WEBP", {"quality": 95}),
    ".bmp": ("BMP", {}),
}
_TRANSPARENT = ("PNG", "WEBP")
# Numbers of errors that concern every file of a disk, and of a folder.
_NO_ROOM = (errno.ENOSPC, errno.EROFS, getattr(errno, "EDQUOT", errno.ENOSPC))
_NO_RIGHT = (errno.EACCES, errno.EPERM)
_GROUND = 255
# What a viewer does to the stored pixels, by EXIF orientation.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def find_images(folder: Path, recursive: bool = False) -> tuple[list[Path], list[Path]]:
    """Files of a folder: pictures, by their suffix, and all others.

    Hidden files and folders, and those in which a NAS keeps thumbnails, are passed
    over. Links are followed, except back to a folder that holds them.

    Args:
        folder: path of an existing folder.
        recursive: bool, whether sub-folders count.

    Returns:
        list of Path of the pictures and list of Path of the others (files of other
        kinds, half-written ones, broken links, devices), each sorted by the path
        below `folder`.

    Raises:
        InputError: `folder` does not exist, is not a folder, or cannot be listed.
    """
    folder = Path(folder)
    try:
        if not folder.exists():
            raise InputError(
                f"{folder}: a folder of pictures must exist there, received nothing."
            )
        if not folder.is_dir():
            raise InputError(f"{folder}: must be a folder, received a file.")
        files = sorted(
            _files(folder, recursive),
            key=lambda path: path.relative_to(folder).as_posix(),
        )
        images = [path for path in files if is_picture_name(path) and path.is_file()]
    except OSError as error:
        raise InputError(
            f"{error.filename or folder}: the folder must be readable, "
            f"received: {error.strerror}."
        ) from error
    known = set(images)
    return images, [path for path in files if path not in known]


def is_picture_name(path) -> bool:
    """Whether a file of this name is taken for a picture; half-written ones are not."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    return bool(suffixes) and suffixes[-1] in SUFFIXES and ".tmp" not in suffixes


def is_hidden(name: str) -> bool:
    """Whether a file or folder is not meant for people, by its own name."""
    return name.startswith(".") or name == THUMBNAILS


def list_images(folder: Path, recursive: bool = False) -> list[Path]:
    """Pictures of a folder, sorted by the path below it.

    Hidden files and half-written temporary ones are passed over.

    Args:
        folder: path of an existing folder with at least one picture.
        recursive: bool, whether pictures in sub-folders count.

    Returns:
        list of Path.

    Raises:
        InputError: `folder` does not exist, is not a folder, cannot be listed or
            holds no picture.
    """
    images, others = find_images(folder, recursive)
    if not images:
        raise InputError(
            f"{folder}: must hold at least one picture ({', '.join(SUFFIXES)}), "
            f"received none among its {len(others)} other files."
        )
    return images


def read_image(path: Path, data: bytes | None = None):
    """Decode one picture, upright and opaque, as 8-bit sRGB.

    As `read_image_alpha`, with transparency laid over white.

    Args:
        path: a file in one of the formats of `SUFFIXES`; its content decides
            which one.
        data: the file's bytes, where they have been read already.

    Returns:
        uint8 RGB (height, width, 3), writable.

    Raises:
        InputError: the file cannot be opened or decoded, or is too large.
    """
    return lay_over(*read_image_alpha(path, data), _GROUND)


def read_image_alpha(path: Path, data: bytes | None = None):
    """Decode one picture, upright, as 8-bit sRGB and its transparency.

    The EXIF rotation is applied, colours are brought to sRGB by the ICC profile
    inside the file, 16 bits become 8, and an animation gives its first frame. A
    damaged EXIF block or a profile that does not fit counts as none. Without a
    profile RGB is taken as sRGB, and CMYK converted by Pillow's plain formula.

    Args:
        path: a file in one of the formats of `SUFFIXES`; its content decides
            which one.
        data: the file's bytes, where they have been read already.

    Returns:
        uint8 RGB (height, width, 3), writable, and uint8 alpha (height, width), 255
        where opaque, or None if all of it is.

    Raises:
        InputError: the file cannot be opened or decoded, has more pixels than
            `PIL.Image.MAX_IMAGE_PIXELS`, a side of more than 65,535, or run lengths of
            more than 4 million.
    """
    try:
        image, alpha = _decode(open(path, "rb") if data is None else io.BytesIO(data))
        return np.array(image), None if alpha is None else np.array(alpha)
    except UnidentifiedImageError as error:
        reason = "content of another kind or with a damaged header"
        raise _unreadable(path, reason) from error
    except Image.DecompressionBombError as error:
        raise _unreadable(path, str(error)) from error
    except Exception as error:
        # Damaged files make Pillow's decoders raise nearly anything: OSError,
        # SyntaxError, struct.error, zlib.error, ValueError, AssertionError.
        raise _unreadable(path, _reason(error)) from error


def read_exif(path: Path) -> bytes | None:
    """The EXIF block of a picture file, for a picture that is upright already.

    Args:
        path: a file that `read_image` can read.

    Returns:
        bytes, with orientation 1 and without the thumbnail, or None where the file has
        no block, a damaged one, or one over 64 KB.

    Raises:
        InputError: the file cannot be opened.
    """
    try:
        with open(path, "rb") as file, open_picture(file) as image:
            return upright_exif(image)
    except OSError as error:
        raise _unreadable(path, _reason(error)) from error
    except Exception:  # it was a picture when it was painted
        return None


def lay_over(image, alpha, ground):
    """Put a picture with transparency on an opaque ground.

    Args:
        image: uint8 RGB (height, width, 3), colours not multiplied by alpha.
        alpha: uint8 (height, width), or None for an opaque picture.
        ground: grey level, RGB, or uint8 RGB (height, width, 3).

    Returns:
        uint8 RGB (height, width, 3), rounded to nearest; `image` itself where `alpha`
        is None.
    """
    if alpha is None:
        return image
    ground = np.broadcast_to(np.asarray(ground, np.uint8), image.shape)
    mixed = Image.composite(*map(Image.fromarray, (image, ground, alpha)))
    return np.array(mixed)


def encode_image(
    image, suffix: str = ".png", alpha=None, exif: bytes | None = None
) -> bytes:
    """Bytes of a picture file, the same ones for the same picture.

    Args:
        image: uint8 RGB (height, width, 3), colours not multiplied by alpha.
        suffix: one of `SUFFIXES`, chooses the format.
        alpha: uint8 (height, width), or None for an opaque picture. JPEG and BMP have
            none: there the picture is laid over white.
        exif: a block of `read_exif`, or None for no metadata. BMP has none.

    Returns:
        bytes.

    Raises:
        InputError: a side is over the format's limit, 16383 pixels for WebP.
        ValueError: `image` is not uint8 RGB, or `suffix` is unknown.
    """
    _check_rgb(image)
    if suffix.lower() not in _ENCODERS:
        raise ValueError(
            f"suffix must be one of {', '.join(SUFFIXES)}, received {suffix!r}."
        )
    format_name, options = _ENCODERS[suffix.lower()]
    if alpha is not None and format_name in _TRANSPARENT:
        image = np.dstack([image, alpha])
    else:
        image = lay_over(image, alpha, _GROUND)
    if exif is not None:
        options = {**options, "exif": exif}
    file = io.BytesIO()
    try:
        Image.fromarray(image).save(file, format_name, **options)
    except (OSError, ValueError) as error:
        raise InputError(
            f"a picture of {image.shape[1]} x {image.shape[0]} must fit the format "
            f"{format_name}, received: {_reason(error).rstrip('.')}."
        ) from error
    return file.getvalue()


def write_image(path: Path, image) -> None:
    """Encode one picture; the file appears complete or not at all.

    Args:
        path: destination; its suffix, one of `SUFFIXES`, chooses the format.
        image: uint8 RGB (height, width, 3).

    Raises:
        InputError: the suffix is unknown, the picture too large for the format, or
            the file cannot be written.
        ValueError: `image` is not uint8 RGB.
    """
    path = Path(path)
    if path.suffix.lower() not in _ENCODERS:
        raise InputError(
            f"{path}: a picture's name must end in one of {', '.join(SUFFIXES)}, "
            f"received {path.suffix!r}."
        )
    try:
        data = encode_image(image, path.suffix)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    write_atomic(path, data)


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file that is complete or not there, even if the power fails.

    Args:
        path: destination; a file there is replaced.
        data: the whole content.

    Raises:
        OutputError: no file can be written there.
        InputError: this one cannot, such as where a folder has its name.
    """
    with replacing(path) as temporary, _writing(path, _NO_RIGHT):
        temporary.write_bytes(data)


def replace_folder(temporary: Path, target: Path) -> None:
    """Renames a finished folder, in place of one that may be there.

    The old one goes only when the new one has its name, and comes back if that fails.

    Args:
        temporary: the finished folder, beside `target`.
        target: the name that it takes.

    Raises:
        OSError: it cannot be renamed; what was at `target` is there again.
    """
    if not target.exists():
        os.rename(temporary, target)
        return
    old = target.with_name(f".{uuid.uuid4().hex}.tmp")
    os.rename(target, old)
    try:
        os.rename(temporary, target)
    except OSError:
        os.rename(old, target)
        raise
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def replacing(path: Path):
    """A name for a file that takes the name `path` once the block has succeeded.

    The block writes and closes the file. If it fails, nothing of it is left.

    Args:
        path: destination; a file there is replaced.

    Yields:
        Path of a file that is not there yet, in the same folder.

    Raises:
        InputError: the finished file cannot be moved to its place.
    """
    path = Path(path)
    # A short fresh name: it cannot clash between processes, nor outgrow the limit
    # of the file system when the final name is a long one.
    temporary = path.parent / f".{uuid.uuid4().hex}.tmp"
    try:
        yield temporary
        with _writing(path):
            with open(temporary, "rb+") as file:
                # Else a file system may carry out the renaming before the writing.
                os.fsync(file.fileno())
            os.replace(temporary, path)
    finally:
        with suppress(OSError):  # already moved, or never made
            temporary.unlink()


def check_target(path: Path) -> None:
    """Refuses a name that no file can have, before work is done for the file.

    Args:
        path: where it is to be written; its folder exists.

    Raises:
        InputError: a folder has that name, or it is too long.
    """
    with _writing(path), suppress(FileNotFoundError):
        if stat.S_ISDIR(os.lstat(path).st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))


@contextmanager
def _writing(path, for_all=()):
    """Turns an `OSError` into our own; numbers `for_all` concern other files, too."""
    try:
        yield
    except OSError as error:
        every = error.errno in (*_NO_ROOM, *for_all)
        raise (OutputError if every else InputError)(
            f"{path}: the file must be writable there, received: {_reason(error)}."
        ) from error


def make_folder(folder: Path) -> Path:
    """Make a folder, and those above it, unless it is there.

    Args:
        folder: path of the folder.

    Returns:
        `folder`.

    Raises:
        OutputError: nothing can be made there.
        InputError: this one cannot, such as where a file has its name.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        every = error.errno in (*_NO_ROOM, *_NO_RIGHT)
        raise (OutputError if every else InputError)(
            f"{folder}: must be a folder that can be written to, "
            f"received: {_reason(error)}."
        ) from error
    return folder


def remove_temporaries(folder: Path) -> None:
    """Delete what killed processes left behind in the middle of `write_atomic`.

    Args:
        folder: path of an existing folder in which nothing else is writing.

    Raises:
        InputError: a file cannot be deleted.
    """
    for path in Path(folder).glob(".*.tmp"):
        if re.fullmatch(r"\.[0-9a-f]{32}\.tmp", path.name):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise InputError(
                    f"{path}: the leftover must be deletable, "
                    f"received: {_reason(error)}."
                ) from error


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


def _files(folder, recursive, above=()):
    """Every entry of a folder that is neither hidden nor a folder."""
    # Unlike `Path.resolve`, this takes a link to itself for what it is.
    above = (*above, os.path.realpath(folder))
    files = []
    for path in folder.iterdir():
        if is_hidden(path.name):
            continue
        if not path.is_dir():
            files.append(path)
        elif recursive and os.path.realpath(path) not in above:
            files += _files(path, recursive, above)
    return files


def _unreadable(path, reason):
    return InputError(
        f"{path}: must be a readable JPEG, PNG, WebP or BMP picture, "
        f"received: {reason.rstrip('.')}."
    )


def _reason(error):
    """An exception in a few words, whether or not it has a message."""
    if isinstance(error, OSError) and (error.strerror or str(error)):
        return error.strerror or str(error)
    return ": ".join(filter(None, (type(error).__name__, str(error))))


def _decode(file):
    """A file's picture in mode RGB, upright and sRGB, and its alpha in mode L or None.

    Takes a binary file and closes it. Pillow gets no path, since it would map some
    files into memory, where one that is cut meanwhile ends the process.
    """
    with file, open_picture(file) as image:
        _fix_transparency(image)
        image.load()
        profile = image.info.get("icc_profile")
        image, alpha = _colour_and_alpha(_upright(image))
        if alpha is not None and alpha.getextrema()[0] == 255:
            alpha = None
        return _to_srgb(image, profile), alpha


def _fix_transparency(image):
    """Brings a PNG's transparent colour to the 8 bits that its samples will have.

    Pillow scales samples of 2, 4 and 16 bits, but not that colour.
    """
    value = image.info.get("transparency")
    raw_mode = image.tile[0][3] if image.tile else None
    if isinstance(value, int) and raw_mode in ("L;2", "L;4"):
        image.info["transparency"] = value * (85 if raw_mode == "L;2" else 17)
    elif isinstance(value, tuple) and raw_mode == "RGB;16B":
        image.info["transparency"] = tuple(sample >> 8 for sample in value)


def _upright(image):
    turn = _TURNS.get(orientation(image))
    return image if turn is None else image.transpose(turn)


def _colour_and_alpha(image):
    """A picture of any mode as mode L, RGB or CMYK, and its alpha in mode L or None."""
    if image.mode.startswith("I"):
        return _from_16_bits(image)
    grey = image.mode in ("1", "L", "LA")
    alpha = None
    if image.has_transparency_data:
        image = image.convert("LA" if grey else "RGBA")
        alpha = image.getchannel("A")
    if image.mode == "CMYK":
        return image, alpha
    return _in_mode(image, "L" if grey else "RGB"), alpha


def _from_16_bits(image):
    """Grey of 16 bits (mode I in old releases of Pillow) as `_colour_and_alpha` does.

    Pillow's own conversion clips at 255 instead of scaling.
    """
    values = np.clip(np.asarray(image), 0, 65535).astype(np.uint32)
    alpha = None
    if "transparency" in image.info:
        opaque = values != image.info["transparency"]
        alpha = Image.fromarray(np.where(opaque, 255, 0).astype(np.uint8))
    # 65535 / 257 is exactly 255.
    return Image.fromarray(((values + 128) // 257).astype(np.uint8)), alpha


def _to_srgb(image, profile):
    """A picture of mode L, RGB or CMYK in sRGB, by the bytes of an ICC profile or None.

    By perceptual intent, the one whose table every printer's profile has; with it
    the darkest ink becomes black, not grey.
    """
    if isinstance(profile, bytes):  # a text chunk of a PNG may have the same name
        with suppress(ImageCms.PyCMSError):
            transform = ImageCms.buildTransform(
                io.BytesIO(profile),
                ImageCms.createProfile("sRGB"),
                image.mode,
                "RGB",
                ImageCms.Intent.PERCEPTUAL,
            )
            return ImageCms.applyTransform(image, transform)
    return _in_mode(image, "RGB")


def _in_mode(image, mode):
    """Converted unless that would only make a copy; large pictures fill memory."""
    return image if image.mode == mode else image.convert(mode)


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
