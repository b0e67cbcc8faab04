"""Small files that once took minutes or all memory: now little of either."""

import io
import json
import struct
import subprocess
import sys

import numpy as np
import pytest
from corpus import png_chunk, save
from PIL import Image

from animegan_tf.errors import InputError
from animegan_tf.imaging.codec import read_exif, read_image

SECONDS, MEGABYTES = 5, 300
PIXELS = np.full((24, 32, 3), 128, np.uint8)


def run_lengths(width, height, data):
    """A bitmap of run lengths, which are not whole."""
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, 0, 0, 0, 1, 0)
    start = 14 + len(header) + 4
    return struct.pack("<2sIII", b"BM", 0, 0, start) + header + bytes(4) + data


def tags_that_share(tags, value, orientation=6):
    """EXIF whose tags all have one value of so many bytes."""
    values = 8 + 2 + 12 * (tags + 1)
    entries = struct.pack("<HHII", 0x0112, 3, 1, orientation)
    entries += b"".join(
        struct.pack("<HHII", 0x0200 + i, 7, value, values) for i in range(tags)
    )
    return struct.pack("<2sHIH", b"II", 42, 8, tags + 1) + entries + bytes(value)


def jpeg_with(exif):
    segments = [exif[i : i + 65000] for i in range(0, len(exif), 65000)]
    segments = b"".join(
        struct.pack(">2sH", b"\xff\xe1", len(s) + 8) + b"Exif\0\0" + s for s in segments
    )
    whole = save(PIXELS, "JPEG")
    # In place of the JFIF segment, which would tell the resolution.
    return whole[:2] + segments + whole[4 + int.from_bytes(whole[4:6]) :]


def png_with(exif):
    whole = save(PIXELS, "PNG")
    return whole[:33] + png_chunk(b"eXIf", exif) + whole[33:]


def webp_with(exif):
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, "WEBP", exif=exif)
    return file.getvalue()


def png_of(width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        save(PIXELS, "PNG")[:8] + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", b"")
    )


SHARED = tags_that_share(65_000, 200_000)
FILES = {
    # Refused: a side, run lengths, segments of EXIF.
    "row.bmp": lambda: run_lengths(89_000_000, 1, b"\x01\1" + b"\0\0" * 8),
    "lines.bmp": lambda: run_lengths(60_000, 1_400, b"\x01\1\0\0" * 5_000),
    "row.png": lambda: png_of(89_000_000, 1),
    "segments.jpg": lambda: jpeg_with(bytes(20_000_000)),
    # Painted, the right way up.
    "shared.jpg": lambda: jpeg_with(SHARED),
    "shared.png": lambda: png_with(SHARED),
    "shared.webp": lambda: webp_with(SHARED),
    "small.jpg": lambda: jpeg_with(tags_that_share(2_700, 32_000)),
    "small.png": lambda: png_with(tags_that_share(2_700, 32_000)),
}
MEASURE = """
import json, resource, sys, time
from animegan_tf.errors import InputError
from animegan_tf.imaging.codec import read_exif, read_image
def megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before, start, told = megabytes(), time.perf_counter(), ""
try:
    told = list(read_image(sys.argv[1]).shape[:2])
    assert read_exif(sys.argv[1]) is None
except InputError as error:
    told = str(error)
print(json.dumps([told, time.perf_counter() - start, megabytes() - before]))
"""


@pytest.fixture(params=FILES)
def path(request, tmp_path):
    path = tmp_path / request.param
    path.write_bytes(FILES[request.param]())
    return path


def test_no_picture_takes_much_time_or_memory(path):
    pytest.importorskip("resource")
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, path],
        **{"capture_output": True, "check": True, "text": True, "timeout": 60},
    )
    told, seconds, megabytes = json.loads(done.stdout)
    assert seconds < SECONDS and megabytes < MEGABYTES
    assert done.stderr == ""  # nor a warning
    names = list(FILES)
    if path.name in names[names.index("shared.jpg") :]:
        assert told == [32, 24]  # turned by its orientation
    else:
        assert "received: " in told


@pytest.mark.parametrize(
    "file, said",
    [
        (run_lengths(70_000, 1, b""), "a side of more than 65535 pixels"),
        (run_lengths(2_100, 2_100, b""), "run lengths of more than 4194304 pixels"),
        (jpeg_with(bytes(65 * 65_000)), "more than 64 segments of EXIF"),
        (png_of(1, 65_536), "a side of more than 65535 pixels"),
    ],
    ids=["bmp side", "bmp run lengths", "jpg segments", "png side"],
)
def test_what_a_picture_has_too_much_of_is_said(tmp_path, file, said):
    (tmp_path / "a").write_bytes(file)
    with pytest.raises(InputError, match=f"a: must be .* received: {said}."):
        read_image(tmp_path / "a")


def test_a_usual_block_is_copied_and_its_picture_turned(tmp_path):
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "maker", 6
    (tmp_path / "a.jpg").write_bytes(jpeg_with(exif.tobytes()[6:]))
    assert read_image(tmp_path / "a.jpg").shape == (32, 24, 3)
    kept = Image.Exif()
    kept.load(read_exif(tmp_path / "a.jpg"))
    assert dict(kept) == {0x010F: "maker", 0x0112: 1}
