"""Damaged files of every kind: decoded or refused in one way, never anything else.

`pytest tests/test_decoder_fuzz.py -m slow --fuzz-mutants 50000` looks further.
"""

import random
import struct
import time
import warnings
import zlib

import numpy as np
import pytest
from corpus import (
    PNG_SIGNATURE,
    grey_profile,
    in_swapped_cmyk,
    oriented,
    png,
    png_chunk,
    resized_header,
    rgb_profile,
    save,
    swapped_cmyk_profile,
)
from PIL import Image

from animegan_tf.errors import InputError
from animegan_tf.imaging.codec import lay_over, read_image_alpha

MAX_PIXELS = 1 << 20  # for the tests: mutants with large headers take time
SECONDS = 5  # each; test_costly_pictures.py has limits of memory, too


def seed_files():
    """`{name: bytes}` of small files that take every way through the decoder."""
    y, x = np.mgrid[0:22, 0:30]
    rgb = np.stack([8 * x, 11 * y, 250 - 4 * x - 5 * y], -1).astype(np.uint8)
    grey, alpha = rgb[..., :1], (9 * x[..., None]).astype(np.uint8)
    rgba, frames = np.dstack([rgb, alpha]), [Image.fromarray(rgb // 2)]
    wide = rgb.astype(np.uint16) * 257 + 7
    transparent = png_chunk(b"tRNS", struct.pack(">H", 3))
    palette = Image.fromarray(rgba).quantize(16)
    icc, cmyk_icc = rgb_profile(), swapped_cmyk_profile(steps=2)
    several = {"save_all": True, "append_images": frames}
    return {
        "baseline.jpg": save(rgb, "JPEG", quality=90),
        "progressive.jpg": save(rgb, "JPEG", progressive=True, subsampling=0),
        "restart.jpg": save(rgb, "JPEG", restart_marker_blocks=1),
        "grey.jpg": save(grey[..., 0], "JPEG", icc_profile=grey_profile(1.8)),
        "exif.jpg": oriented(rgb, 6),
        "icc.jpg": save(rgb, "JPEG", icc_profile=icc),
        "cmyk.jpg": save(in_swapped_cmyk(rgb), "JPEG"),
        "cmyk_icc.jpg": save(in_swapped_cmyk(rgb), "JPEG", icc_profile=cmyk_icc),
        "several.jpg": save(rgb, "MPO", **several),
        "grey.png": save(grey[..., 0], "PNG", icc_profile=grey_profile(2.2)),
        "grey4.png": png(grey // 16, 0, transparent, depth=4),
        "grey_alpha.png": png(np.dstack([grey, alpha]), 4),
        "grey16.png": png(wide[..., :1], 0, transparent),
        "rgb16.png": png(wide, 2, png_chunk(b"tRNS", b"\1\2\3\4\5\6")),
        "palette.png": save(palette, "PNG"),
        "rgba.png": save(rgba, "PNG", icc_profile=icc),
        "interlaced.png": png(rgba, 6, interlaced=True),
        "exif.png": oriented(rgb, 5, "PNG"),
        "several.png": save(rgb, "PNG", **several),
        "lossy.webp": save(rgb, "WEBP"),
        "lossless.webp": save(rgb, "WEBP", lossless=True),
        "alpha.webp": save(rgba, "WEBP", icc_profile=icc),
        "exif.webp": oriented(rgb, 7, "WEBP"),
        "several.webp": save(rgba, "WEBP", **several),
        "rgb.bmp": save(rgb, "BMP"),
        "palette.bmp": save(Image.fromarray(rgb).quantize(16), "BMP"),
        "runs.bmp": run_length_bitmap(),
    }


def run_length_bitmap():
    """Bytes of an 8 x 4 bitmap with compressed runs, which Pillow cannot write."""
    # A run; literal pixels and a run; a jump and a run; a run.
    rows = (b"\x08\1", b"\0\4\1\2\3\4\4\5", b"\0\2\2\0\6\2", b"\x08\3")
    pixels = b"\0\0".join(rows) + b"\0\1"
    colours = bytes(range(4 * 8))
    start = 14 + 40 + len(colours)
    size = struct.pack("<IiiHHIIiiII", 40, 8, 4, 1, 8, 1, len(pixels), 0, 0, 8, 0)
    return struct.pack("<2sIII", b"BM", 0, 0, start) + size + colours + pixels


# Files as lists of pieces: chunks, segments or headers


def split(file):
    if file.startswith(PNG_SIGNATURE):
        return [PNG_SIGNATURE, *_walk(file, 8, _png_length)]
    if file.startswith(b"RIFF"):
        return [file[:12], *_walk(file, 12, _riff_length)]
    if file.startswith(b"BM"):
        return [file[:14], file[14:54], file[54:]]
    return [file[:2], *_walk(file, 2, _jpeg_length)]


def _walk(file, start, length_at):
    pieces = []
    while start < len(file):
        length = max(1, length_at(file, start))
        pieces.append(file[start : start + length])
        start += length
    return pieces


def _png_length(file, start):
    return 12 + int.from_bytes(file[start : start + 4])


def _riff_length(file, start):
    length = int.from_bytes(file[start + 4 : start + 8], "little")
    return 8 + length + length % 2


def _jpeg_length(file, start):
    if file[start + 1 : start + 2] == b"\xda":  # the scans have no length
        return len(file) - start
    return 2 + int.from_bytes(file[start + 2 : start + 4])


# Mutations: (random.Random, bytes, every seed file) to bytes


def flip_bits(rng, file, _):
    file = bytearray(file)
    for _ in range(rng.choice([1, 1, 1, 2, 10])):
        file[rng.randrange(len(file))] ^= 1 << rng.randrange(8)
    return bytes(file)


def overwrite(rng, file, _):
    start, length = rng.randrange(len(file)), rng.choice([1, 1, 2, 4, 30])
    value = rng.choice([bytes(length), b"\xff" * length, rng.randbytes(length)])
    return file[:start] + value + file[start + length :]


def truncate(rng, file, _):
    return file[: rng.randrange(len(file))]


def insert(rng, file, _):
    start = rng.randrange(len(file))
    return file[:start] + rng.randbytes(rng.choice([1, 2, 100])) + file[start:]


def splice(rng, file, others):
    other = rng.choice(others)
    return file[: rng.randrange(len(file))] + other[rng.randrange(len(other)) :]


def rearrange_pieces(rng, file, others):
    pieces = split(file)
    place = rng.randrange(1, len(pieces) + 1)
    action = rng.choice(["duplicate", "delete", "swap", "borrow"])
    if action == "duplicate":
        pieces[place:place] = [rng.choice(pieces)] * rng.choice([1, 1, 3, 200])
    elif action == "delete":
        del pieces[place - 1]
    elif action == "swap":
        a, b = rng.randrange(len(pieces)), rng.randrange(len(pieces))
        pieces[a], pieces[b] = pieces[b], pieces[a]
    else:
        same = [other for other in others if other[:2] == file[:2]]
        pieces.insert(place, rng.choice(split(rng.choice(same))))
    return b"".join(pieces)


def damage_piece(rng, file, others):
    """Changes the content of one piece, which is compressed again if it was."""
    pieces = split(file)
    place = rng.randrange(len(pieces))
    piece, kind = pieces[place], pieces[place][4:8]
    if file.startswith(PNG_SIGNATURE) and kind in (b"IDAT", b"iCCP"):
        start = 8 if kind == b"IDAT" else piece.index(b"\0", 8) + 2
        content = zlib.decompress(piece[start:-4])
        content = zlib.compress(flip_bits(rng, content, others))
        pieces[place] = png_chunk(kind, piece[8:start] + content)
    else:
        pieces[place] = rng.choice([flip_bits, overwrite])(rng, piece, others)
    return b"".join(pieces)


def tamper_with_length(rng, file, _):
    pieces = split(file)
    place = rng.randrange(len(pieces))
    start, size, order = 0, 4, "big"
    if file.startswith(b"RIFF"):
        start, order = 4, "little"
    elif file.startswith(b"BM"):
        start, order = rng.choice([0, 2, 10, 20, 32]), "little"
    elif not file.startswith(PNG_SIGNATURE):
        start, size = 2, 2
    piece = bytearray(pieces[place])
    old = int.from_bytes(piece[start : start + size], order)
    new = rng.choice([0, 1, 2, old - 1, old + 1, old * 2, 2**31, 2**32 - 1])
    new %= 256**size
    piece[start : start + size] = new.to_bytes(size, order)
    pieces[place] = bytes(piece)
    return b"".join(pieces)


def change_dimensions(rng, file, _):
    sides = [0, 1, 2, 23, 29, 31, 255, 600, 5000, 16383, 65535]
    if file.startswith(PNG_SIGNATURE) and rng.random() < 0.5:
        # Depth, colour type, compression, filter and interlacing.
        header = bytearray(file[16:29])
        header[rng.randrange(8, 13)] = rng.choice([0, 1, 2, 3, 4, 6, 8, 16])
        return file[:8] + png_chunk(b"IHDR", bytes(header)) + file[33:]
    return resized_header(file, rng.choice(sides), rng.choice(sides))


MUTATIONS = (
    *(flip_bits, overwrite, truncate, insert, splice),
    *(rearrange_pieces, damage_piece, damage_piece, tamper_with_length),
    change_dimensions,
)


def repair_checksums(file):
    """Makes the chunks of a PNG valid, so that the code behind the check is reached."""
    pieces = split(file)
    for i, piece in enumerate(pieces[1:], 1):
        if len(piece) >= 12:
            pieces[i] = png_chunk(piece[4:8], piece[8:-4])
    return b"".join(pieces)


def mutant(seed, number, seeds):
    """The name and bytes of one damaged file; a pure function of its arguments."""
    rng = random.Random(f"{seed} {number}")
    names = sorted(seeds)
    name = names[number % len(names)]
    file = seeds[name]
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        mutation = rng.choice(MUTATIONS)
        try:
            file = mutation(rng, file, list(seeds.values()))
        except (IndexError, ValueError, struct.error, zlib.error):
            pass  # too damaged for one more mutation of this kind
    if file.startswith(PNG_SIGNATURE) and rng.random() < 0.8:
        file = repair_checksums(file)
    return f"{number}-{name}", file


def check_decoding(path, file):
    """Either a picture within limits or the one error; whether it was a picture."""
    try:
        image, alpha = read_image_alpha(path, file)
    except InputError as error:
        assert str(error).startswith(f"{path}: ") and len(str(error)) < 1000
        assert str(error).endswith(".") and "\n" not in str(error)
        return False
    assert image.dtype == np.uint8 and image.flags.writeable
    assert image.ndim == 3 and image.shape[2] == 3 and 0 < image.size <= 3 * MAX_PIXELS
    if alpha is not None:
        assert alpha.dtype == np.uint8 and alpha.shape == image.shape[:2]
    lay_over(image, alpha, 255)
    return True


@pytest.fixture
def small_limit(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", MAX_PIXELS)


def test_seed_files_are_whole_and_unlike_each_other(tmp_path, small_limit):
    files = seed_files()
    for name, file in files.items():
        assert check_decoding(tmp_path / name, file), name
        assert b"".join(split(file)) == file
        if name.endswith(".png"):
            assert repair_checksums(file) == file, name
    assert len(set(files.values())) == len(files)


@pytest.mark.slow
def test_mutants_are_decoded_or_refused(request, tmp_path, small_limit):
    count, seed = (request.config.getoption(f"--fuzz-{n}") for n in ("mutants", "seed"))
    seeds = seed_files()
    decoded = 0
    for number in range(count):
        name, file = mutant(seed, number, seeds)
        path = tmp_path / name
        # Pillow warns of much that is damaged; a program may turn that into errors.
        with warnings.catch_warnings():
            warnings.simplefilter(("ignore", "error")[number % 2])
            # Left there if it ends the interpreter.
            (tmp_path / "latest").write_bytes(file)
            start = time.perf_counter()
            try:
                decoded += check_decoding(path, file)
                assert time.perf_counter() - start < SECONDS
            except Exception:
                path.write_bytes(file)
                pytest.fail(f"mutant {number} of seed {seed} is in {path}")
    # Damage that always shows in the header would test nothing behind it.
    assert count < 100 or 0.1 < decoded / count < 0.8
