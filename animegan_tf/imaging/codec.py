"""Pictures from files and into files."""

import io
from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError

from animegan_tf.errors import InputError
from animegan_tf.files import SUFFIXES, reason_of, write_atomic
from animegan_tf.imaging.decoding import open_picture, orientation, upright_exif

ENCODERS = {
    ".jpg": ("JPEG", {"quality": 95}),
    ".jpeg": ("JPEG", {"quality": 95}),
    # Half the default's time for 0.3 % more bytes.
    ".png": ("PNG", {"compress_level": 4}),
    ".webp": ("WEBP", {"quality": 95}),
    ".bmp": ("BMP", {}),
}
_TRANSPARENT = ("PNG", "WEBP")
_WHITE = 255
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
    return lay_over(*read_image_alpha(path, data), _WHITE)


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
        raise _unreadable(path, reason_of(error)) from error


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
        raise _unreadable(path, reason_of(error)) from error
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
    check_rgb(image)
    if suffix.lower() not in ENCODERS:
        raise ValueError(
            f"suffix must be one of {', '.join(SUFFIXES)}, received {suffix!r}."
        )
    format_name, options = ENCODERS[suffix.lower()]
    if alpha is not None and format_name in _TRANSPARENT:
        image = np.dstack([image, alpha])
    else:
        image = lay_over(image, alpha, _WHITE)
    if exif is not None:
        options = {**options, "exif": exif}
    file = io.BytesIO()
    try:
        Image.fromarray(image).save(file, format_name, **options)
    except (OSError, ValueError) as error:
        raise InputError(
            f"a picture of {image.shape[1]} x {image.shape[0]} must fit the format "
            f"{format_name}, received: {reason_of(error).rstrip('.')}."
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
    if path.suffix.lower() not in ENCODERS:
        raise InputError(
            f"{path}: a picture's name must end in one of {', '.join(SUFFIXES)}, "
            f"received {path.suffix!r}."
        )
    try:
        data = encode_image(image, path.suffix)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    write_atomic(path, data)


def _unreadable(path, reason):
    return InputError(
        f"{path}: must be a readable JPEG, PNG, WebP or BMP picture, "
        f"received: {reason.rstrip('.')}."
    )


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


def check_rgb(image):
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(
            "image must be uint8 RGB (height, width, 3), "
            f"received {image.dtype} {image.shape}."
        )
