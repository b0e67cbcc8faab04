"""Picture files opened at a cost that their pixels bound, whatever is in them."""

import re
import struct

from PIL import ExifTags, Image, UnidentifiedImageError
from PIL.BmpImagePlugin import BmpImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

# What JPEG can hold. A PNG or BMP of one row may be as long as all pixels allowed.
_LONGEST_SIDE = 65535
# Pillow unpacks run lengths in Python, pixel by pixel.
_LARGEST_RUN_LENGTH = 1 << 22
# Segments of EXIF in a JPEG, which Pillow joins one after the other.
_MOST_SEGMENTS = 64
# Bytes of an EXIF block that is copied.
_LARGEST_BLOCK = 1 << 16

_MARK = b"Exif\0\0"
_POINTERS = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo, ExifTags.IFD.Interop)
_SHORT, _LONG = 3, 4
_SIZES = dict(enumerate((1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4), 1))


class _Jpeg(JpegImageFile):
    """Without a look for the resolution, for which Pillow would read all of EXIF."""

    def _read_dpi_from_exif(self):
        pass


# By their first bytes. Pillow knows some forty formats more, a few of which start other
# programs.
_KINDS = {
    b"\xff\xd8\xff": _Jpeg,
    b"\x89PNG\r\n\x1a\n": PngImageFile,
    b"RIFF": WebPImageFile,
    b"BM": BmpImageFile,
}


def open_picture(file):
    """Opens a JPEG, PNG, WebP or BMP picture, by its content.

    Unlike `Image.open` it warns of nothing, and takes no more than the limit.

    Args:
        file: binary file at its beginning.

    Returns:
        `PIL.ImageFile.ImageFile`, whose pixels are not decoded yet.

    Raises:
        UnidentifiedImageError: it is of another kind, or its header is damaged.
        DecompressionBombError: it would cost more than a picture may; the message
            says of what it has too much.
        Exception: of Pillow's readers, where it is damaged.
    """
    start = file.read(12)
    kind = next((k for magic, k in _KINDS.items() if start.startswith(magic)), None)
    if kind is None or kind is WebPImageFile and start[8:] != b"WEBP":
        raise UnidentifiedImageError
    file.seek(0)
    if kind is _Jpeg and _count(file, _MARK) > _MOST_SEGMENTS:
        raise Image.DecompressionBombError(
            f"more than {_MOST_SEGMENTS} segments of EXIF"
        )
    file.seek(0)
    try:
        image = kind(file)
    except Image.DecompressionBombError as error:  # a WebP's canvas
        raise _too_many_pixels() from error
    except (SyntaxError, IndexError, TypeError, struct.error) as error:
        raise UnidentifiedImageError from error
    _check_size(image)
    return image


def orientation(image) -> int | None:
    """Which way up a picture lies, by EXIF or else XMP, 1 to 8; None where none says.

    No other tag is read.

    Args:
        image: of `open_picture`, its pixels loaded: a PNG may have EXIF behind them.
    """
    try:
        order, entries = _directory(_exif(image))
        for tag, kind, count, value in entries:
            if tag == ExifTags.Base.Orientation and kind in (_SHORT, _LONG):
                return _inline(order, kind, value) if count == 1 else None
    except (ValueError, struct.error):  # none, or a damaged one
        pass
    xmp = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    xmp = xmp.encode(errors="replace") if isinstance(xmp, str) else xmp
    found = re.search(rb'tiff:Orientation(?:="|>)([0-9])', xmp)
    return int(found[1]) if found else None


def upright_exif(image) -> bytes | None:
    """The EXIF block of a picture, for one that is upright already.

    Args:
        image: of `open_picture`.

    Returns:
        bytes, with orientation 1 and without the thumbnail; None where there is no
        block, a damaged one, or one over 64 KB.
    """
    try:
        block = _exif(image)
        # Tags may share a value, each of which Pillow would read by itself.
        if not _value_bytes(block) <= len(block) <= _LARGEST_BLOCK:
            return None
        exif = image.getexif()
        exif[ExifTags.Base.Orientation] = 1
        return exif.tobytes()  # which writes no thumbnail
    except Exception:  # a damaged block raises as freely as a damaged picture
        return None


def _check_size(image):
    pixels, limit = image.width * image.height, Image.MAX_IMAGE_PIXELS
    if limit is not None and pixels > limit:
        raise _too_many_pixels()
    if max(image.size) > _LONGEST_SIDE:
        raise Image.DecompressionBombError(
            f"a side of more than {_LONGEST_SIDE} pixels"
        )
    run_lengths = bool(image.tile) and image.tile[0][0] == "bmp_rle"
    if run_lengths and pixels > _LARGEST_RUN_LENGTH:
        raise Image.DecompressionBombError(
            f"run lengths of more than {_LARGEST_RUN_LENGTH} pixels"
        )


def _too_many_pixels():
    return Image.DecompressionBombError(f"more than {Image.MAX_IMAGE_PIXELS} pixels")


def _count(file, text):
    """How often a text is in the rest of a file, which may be larger than memory."""
    count, rest = 0, b""
    while part := file.read(1 << 20):
        part = rest + part
        count += part.count(text)
        rest = part[-len(text) + 1 :]
    return count


def _exif(image):
    """Bytes of the block, from its byte order on; a ValueError where there is none."""
    block = image.info.get("exif")
    if block is None:
        text = image.info.get("Raw profile type exif", "")
        block = bytes.fromhex("".join(text.split("\n")[3:]))
    while block.startswith(_MARK):
        block = block[len(_MARK) :]
    if block[:4] not in (b"II*\0", b"MM\0*"):
        raise ValueError("no block")
    return block


def _directory(block, start=None):
    """Byte order, and (tag, type, count, 4 bytes) of each entry of a directory."""
    order = "<" if block.startswith(b"II") else ">"
    if start is None:
        (start,) = struct.unpack_from(f"{order}I", block, 4)
    (number,) = struct.unpack_from(f"{order}H", block, start)
    places = range(start + 2, start + 2 + 12 * number, 12)
    return order, (struct.unpack_from(f"{order}HHI4s", block, at) for at in places)


def _inline(order, kind, value):
    return struct.unpack_from(order + ("H" if kind == _SHORT else "I"), value)[0]


def _value_bytes(block):
    """How much the values of a block take when each is read by itself."""
    total, waiting = 0, [None]
    for start in waiting:
        order, entries = _directory(block, start)
        for tag, kind, count, value in entries:
            total += count * _SIZES.get(kind, 1)
            if tag in _POINTERS and len(waiting) < 8:
                waiting.append(_inline(order, _LONG, value))
    return total
