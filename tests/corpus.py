"""Odd and damaged pictures, made from one portrait, and what builds such files."""

import io
import itertools
import struct
import zlib

import numpy as np
from PIL import Image
from skimage import color, data

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

# What has to be done to an upright picture to get the pixels that a camera stores
# with this EXIF orientation.
STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: a[:, ::-1].transpose(1, 0, 2),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: a[::-1].transpose(1, 0, 2),
}
# Adapted to D50, the white of ICC profiles: columns are the red, green and blue.
SRGB_TO_XYZ = np.array(
    [
        [0.43607, 0.38515, 0.14307],
        [0.22249, 0.71687, 0.06061],
        [0.01392, 0.09708, 0.7141],
    ]
)
ADOBE_TO_XYZ = np.array(
    [
        [0.60974, 0.20528, 0.14919],
        [0.31111, 0.62567, 0.06322],
        [0.01947, 0.06087, 0.74457],
    ]
)
ADOBE_GAMMA = 563 / 256
WHITE = (0.9642, 1.0, 0.8249)

# Files of the corpus that no reader can make a picture of.
UNREADABLE = frozenset(
    f"{name}{suffix}"
    for names, suffixes in (
        (("cut_in_header", "cut_early", "cut_late"), (".jpg", ".png", ".webp", ".bmp")),
        (("huge", "large"), (".jpg", ".png", ".webp", ".bmp")),
        (("empty", "zeros", "text"), (".jpg",)),
        (("gif_inside",), (".png",)),
    )
    for name in names
    for suffix in suffixes
)


def portrait():
    """uint8 RGB (300, 240, 3): a face of 83 x 107 pixels at (102, 64)."""
    return np.ascontiguousarray(data.astronaut()[:300, 80:320])


def save(image, format_name, **options):
    """Bytes of a file that Pillow can write."""
    file = io.BytesIO()
    if not isinstance(image, Image.Image):
        image = Image.fromarray(image)
    image.save(file, format_name, **options)
    return file.getvalue()


def oriented(image, orientation, format_name="JPEG", **options):
    """Bytes of a file that shows `image` once its EXIF orientation is applied."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return save(STORED[orientation](image), format_name, exif=exif, **options)


# PNG


def png_chunk(kind, content):
    checksum = zlib.crc32(kind + content)
    return (
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)
    )


def png(samples, colour_type, *extra, depth=None, interlaced=False):
    """Bytes of a PNG of any kind; Pillow writes neither 16-bit colour nor interlacing.

    Args:
        samples: uint8 or uint16 (height, width, channels).
        colour_type: 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGB and alpha.
        extra: chunks before the pixels.
        depth: bits of a sample, if they are fewer than its type has.
        interlaced: bool, whether in the seven passes of Adam7.
    """
    height, width, _ = samples.shape
    depth = depth or 8 * samples.itemsize
    starts = [(0, 0, 1, 1)]
    if interlaced:
        starts = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4)]
        starts += [(2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    passes = [samples[y::y_step, x::x_step] for y, x, y_step, x_step in starts]
    rows = (row for part in passes if part.size for row in part)
    stream = b"".join(b"\0" + _packed(row, depth) for row in rows)
    header = struct.pack(
        ">IIBBBBB", width, height, depth, colour_type, 0, 0, interlaced
    )
    return b"".join(
        (
            PNG_SIGNATURE,
            png_chunk(b"IHDR", header),
            *extra,
            png_chunk(b"IDAT", zlib.compress(stream)),
            png_chunk(b"IEND", b""),
        )
    )


def icc_chunk(profile):
    return png_chunk(b"iCCP", b"name\0\0" + zlib.compress(profile))


def _packed(row, depth):
    if depth == 16:
        return row.astype(">u2").tobytes()
    bits = np.unpackbits(row.reshape(-1, 1), axis=1)[:, 8 - depth :]
    return np.packbits(bits).tobytes()


# ICC profiles, version 2


def rgb_profile(to_xyz=ADOBE_TO_XYZ, gamma=ADOBE_GAMMA):
    """Bytes of the profile of a screen; by default Adobe RGB (1998), a wide gamut.

    Args:
        to_xyz: (3, 3), from linear colours to XYZ.
        gamma: exponent of the curve, or None for that of sRGB.
    """
    curve = _curve(gamma)
    tags = {b"wtpt": _xyz(WHITE)}
    for name, column in zip("rgb", to_xyz.T):
        tags |= {f"{name}XYZ".encode(): _xyz(column), f"{name}TRC".encode(): curve}
    return _profile(b"mntr", b"RGB ", b"XYZ ", tags)


def grey_profile(gamma):
    """Bytes of the profile of a grey screen."""
    tags = {b"wtpt": _xyz(WHITE), b"kTRC": _curve(gamma)}
    return _profile(b"mntr", b"GRAY", b"XYZ ", tags)


def swapped_cmyk_profile(steps=9, darkest=0):
    """Bytes of the profile of a printer whose cyan ink is magenta, and the reverse.

    Apart from that its inks mix as in Pillow's conversion without a profile, so that
    a picture with the two swapped looks right with it and wrong without.

    Args:
        steps: int, nodes of the table along each ink.
        darkest: lightness of black ink, in [0, 100].
    """
    inks = np.array(list(itertools.product(np.linspace(0, 1, steps), repeat=4)))
    magenta, cyan, yellow, black = inks.T
    paper = (1 - np.stack([cyan, magenta, yellow], -1)) * (1 - black[:, None])
    lab = color.xyz2lab(_linear(paper) @ SRGB_TO_XYZ.T, "D50", "2")
    lab[:, 0] = darkest + lab[:, 0] * (1 - darkest / 100)
    nodes = lab * (255 / 100, 1, 1) + (0, 128, 128)
    ramp = bytes(range(256))
    table = struct.pack(">4s4xBBBx", b"mft1", 4, 3, steps)
    table += (np.eye(3) * 65536).astype(">i4").tobytes()
    table += 4 * ramp
    table += np.clip(np.rint(nodes), 0, 255).astype(np.uint8).tobytes()
    table += 3 * ramp
    tags = {b"wtpt": _xyz(WHITE), b"A2B0": table}
    return _profile(b"prtr", b"CMYK", b"Lab ", tags)


def in_adobe_rgb(image):
    """An sRGB picture's values in Adobe RGB (1998), by the formulas alone."""
    linear = _linear(image / 255) @ SRGB_TO_XYZ.T @ np.linalg.inv(ADOBE_TO_XYZ).T
    return np.rint(255 * np.clip(linear, 0, 1) ** (1 / ADOBE_GAMMA)).astype(np.uint8)


def in_swapped_cmyk(image):
    """An sRGB picture as a Pillow image for `swapped_cmyk_profile`."""
    return Image.fromarray(image[..., [1, 0, 2]]).convert("CMYK")


def _linear(values):
    """sRGB in [0, 1] to linear light, IEC 61966-2-1."""
    return np.where(
        values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4
    )


def _xyz(values):
    fixed = (round(value * 65536) for value in values)
    return struct.pack(">4s4x3i", b"XYZ ", *fixed)


def _curve(gamma):
    if gamma is not None:
        return struct.pack(">4s4xIH2x", b"curv", 1, round(gamma * 256))
    values = np.rint(65535 * _linear(np.linspace(0, 1, 1024))).astype(">u2")
    return struct.pack(">4s4xI", b"curv", len(values)) + values.tobytes()


def _profile(kind, space, connection, tags):
    table, content = struct.pack(">I", len(tags)), b""
    for name, value in tags.items():
        start = 128 + 4 + 12 * len(tags) + len(content)
        table += struct.pack(">4sII", name, start, len(value))
        content += value + bytes(-len(value) % 4)
    size = 128 + len(table + content)
    version = b"\2\x40\0\0"
    header = struct.pack(
        ">I4x4s4s4s4s12x4s28x", size, version, kind, space, connection, b"acsp"
    )
    header += _xyz(WHITE)[8:]
    return header.ljust(128, b"\0") + table + content


# The corpus


def make_corpus(folder):
    """Writes every picture of the corpus.

    Those outside `UNREADABLE` show the `portrait` upright, some with a loss, apart
    from "one_pixel", "no_face", "six_faces" and "upside_down".

    Args:
        folder: path of a folder, made if missing.

    Returns:
        dict of file name to Path.
    """
    folder.mkdir(parents=True, exist_ok=True)
    image = portrait()
    files = {
        **_damaged(image),
        **_disguised(image),
        **_in_odd_modes(image),
        **_with_metadata(image),
        **_of_other_subjects(image),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return {name: folder / name for name in files}


def vignette():
    """uint8 (300, 240): opaque on the portrait's face, 0 in its corners."""
    y, x = np.mgrid[-1:1:300j, -1:1:240j]
    return np.rint(255 * np.clip(3.5 - 3 * np.hypot(x, y), 0, 1)).astype(np.uint8)


def six_faces():
    """uint8 RGB (400, 600, 3): the portrait's face six times, at two sizes."""
    face = portrait()[30:230, 40:240]
    small = np.pad(face[::2, ::2], ((50, 50), (50, 50), (0, 0)))
    row = np.concatenate([face, face[:, ::-1], small], 1)
    return np.concatenate([row, row[:, ::-1]])


def no_face():
    """uint8 RGB (300, 240, 3): sky, hills and a field."""
    y, x = np.mgrid[0:300, 0:240]
    image = np.stack([120 + y // 4, 160 + y // 5, 235 - y // 8], -1)
    image[y > 150 + 30 * np.sin(x / 30)] = (90, 140, 70)
    image[y > 220 + 10 * np.sin(x / 70)] = (190, 170, 80)
    return image.astype(np.uint8)


def _damaged(image):
    files = {}
    for suffix, format_name in (
        (".jpg", "JPEG"),
        (".png", "PNG"),
        (".webp", "WEBP"),
        (".bmp", "BMP"),
    ):
        whole = save(image, format_name)
        files[f"cut_in_header{suffix}"] = whole[:20]
        files[f"cut_early{suffix}"] = whole[: len(whole) // 10]
        files[f"cut_late{suffix}"] = whole[: len(whole) * 95 // 100]
        # Over twice Pillow's limit, where it raises, and between, where it warns.
        files[f"huge{suffix}"] = resized_header(whole, 16384, 16384)
        files[f"large{suffix}"] = resized_header(whole, 11000, 11000)
    return files


def resized_header(file, width, height):
    """A picture file, of a format with its own header, that claims another size."""
    file = bytearray(file)
    if file.startswith(PNG_SIGNATURE):
        header = struct.pack(">II", width, height) + file[24:29]
        file[8:33] = png_chunk(b"IHDR", header)
    elif file.startswith(b"BM"):
        struct.pack_into("<ii", file, 18, width, height)
    elif file.startswith(b"RIFF"):
        if file[12:16] != b"VP8X":
            file[12:12] = struct.pack("<4sI10x", b"VP8X", 10)
        sides = (max(1, side) - 1 for side in (width, height))
        file[24:30] = b"".join(side.to_bytes(3, "little") for side in sides)
        struct.pack_into("<I", file, 4, len(file) - 8)
    else:
        frame = min(i for i in map(file.find, (b"\xff\xc0", b"\xff\xc2")) if i > 0)
        struct.pack_into(">HH", file, frame + 5, height, width)
    return bytes(file)


def _disguised(image):
    pixel = image[:1, :1]
    return {
        "empty.jpg": b"",
        "zeros.jpg": bytes(1000),
        "text.jpg": b"<html>404 not found</html>",
        "gif_inside.png": save(image, "GIF"),
        "png_inside.jpg": save(image, "PNG"),
        "one_pixel.jpg": save(pixel, "JPEG"),
        "one_pixel.png": save(pixel, "PNG"),
        "one_pixel.webp": save(pixel, "WEBP"),
        "one_pixel.bmp": save(pixel, "BMP"),
    }


def _in_odd_modes(image):
    grey = np.asarray(Image.fromarray(image).convert("L"))
    clear = Image.fromarray(np.dstack([image, vignette()]))
    frames = {"save_all": True, "append_images": [Image.fromarray(image // 8)]}
    wide = image.astype(np.uint16) * 257
    return {
        "bitmap.bmp": save(image, "BMP"),
        "progressive.jpg": save(image, "JPEG", progressive=True),
        "interlaced.png": png(image, 2, interlaced=True),
        "animated.png": save(image, "PNG", **frames),
        "animated.webp": save(image, "WEBP", lossless=True, **frames),
        "cmyk.jpg": save(Image.fromarray(image).convert("CMYK"), "JPEG", quality=95),
        "grey.jpg": save(grey, "JPEG", quality=95),
        "grey.png": save(grey, "PNG"),
        "grey16.png": png(grey[..., None].astype(np.uint16) * 257, 0),
        "rgb16.png": png(wide, 2),
        "rgba16.png": png(np.dstack([wide, vignette().astype(np.uint16) * 257]), 6),
        "grey_alpha.png": png(np.dstack([grey, vignette()]), 4),
        "palette.png": save(Image.fromarray(image).quantize(256), "PNG"),
        "palette_alpha.png": save(clear.quantize(256), "PNG"),
        "rgba.png": save(clear, "PNG"),
        "rgba.webp": save(clear, "WEBP", lossless=True, exact=True),
    }


def _with_metadata(image):
    exif = save(image, "JPEG", quality=95, exif=b"Exif\0\0no such block")
    swapped = in_swapped_cmyk(image)
    profile = swapped_cmyk_profile()
    files = {
        "damaged_exif.jpg": exif,
        "damaged_profile.jpg": save(
            image, "JPEG", quality=95, icc_profile=rgb_profile()[:200]
        ),
        "wide_gamut.png": save(in_adobe_rgb(image), "PNG", icc_profile=rgb_profile()),
        "cmyk_profile.jpg": save(swapped, "JPEG", quality=95, icc_profile=profile),
    }
    for orientation in STORED:
        content = oriented(image, orientation, quality=95)
        files[f"exif_{orientation}.jpg"] = content
    return files


def _of_other_subjects(image):
    return {
        "portrait.jpg": save(image, "JPEG", quality=95),
        "upside_down.jpg": save(image[::-1, ::-1], "JPEG", quality=95),
        "no_face.jpg": save(no_face(), "JPEG", quality=95),
        "six_faces.jpg": save(six_faces(), "JPEG", quality=95),
    }
