"""Picture files: what is read, what is refused, what is left on disk."""

import numpy as np
import pytest
from PIL import Image

from animegan_tf.errors import InputError
from animegan_tf.imaging import io
from animegan_tf.imaging.io import (
    SUFFIXES,
    image_grid,
    list_images,
    read_image,
    resize,
    square,
    write_image,
)


@pytest.fixture
def ramp():
    """A smooth picture without symmetry, which JPEG keeps within a few levels."""
    y, x = np.mgrid[0:24, 0:40]
    return np.stack([4 * x + 2 * y, 6 * y + 20, 200 - 3 * x], -1).astype(np.uint8)


# Reading and writing


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".JPG", ".Png"])
def test_every_suffix_round_trips(tmp_path, ramp, suffix):
    path = tmp_path / f"picture{suffix}"
    write_image(path, ramp)
    image = read_image(path)
    assert image.dtype == np.uint8 and image.shape == ramp.shape
    lossless = suffix.lower() in (".png", ".bmp")
    # WebP halves the colour resolution, which costs a few levels at the border.
    error = np.abs(image.astype(int) - ramp)
    assert error.max() == 0 if lossless else error.mean() < 3
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_content_decides_the_format_not_the_suffix(tmp_path, ramp):
    write_image(tmp_path / "a.png", ramp)
    (tmp_path / "a.png").rename(tmp_path / "a.jpg")
    np.testing.assert_array_equal(read_image(tmp_path / "a.jpg"), ramp)


def test_image_read_is_writable(tmp_path, ramp):
    write_image(tmp_path / "a.png", ramp)
    read_image(tmp_path / "a.png")[0, 0] = 0


# Each orientation with what a viewer has to do to the stored pixels.
UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: a.transpose(1, 0, 2)[:, ::-1],
    7: lambda a: a.transpose(1, 0, 2)[::-1, ::-1],
    8: lambda a: a.transpose(1, 0, 2)[::-1],
}


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_exif_orientation_is_applied(tmp_path, ramp, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(ramp).save(tmp_path / "a.png", exif=exif)
    image = read_image(tmp_path / "a.png")
    np.testing.assert_array_equal(image, UPRIGHT[orientation](ramp))


def test_alpha_is_laid_over_white(tmp_path):
    rgba = np.zeros((2, 3, 4), np.uint8)
    rgba[..., 0] = 200
    rgba[..., 3] = [0, 128, 255]
    Image.fromarray(rgba).save(tmp_path / "a.png")
    image = read_image(tmp_path / "a.png").astype(int)
    alpha = rgba[..., 3:] / 255
    expected = rgba[..., :3] * alpha + 255 * (1 - alpha)
    assert np.abs(image - expected).max() <= 1


def test_transparent_palette_and_grey_are_laid_over_white(tmp_path):
    palette = Image.fromarray(np.array([[0, 1]], np.uint8), "L").convert("P")
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.save(tmp_path / "palette.png", transparency=1)
    expected = [[[10, 20, 30], [255, 255, 255]]]
    np.testing.assert_array_equal(read_image(tmp_path / "palette.png"), expected)
    grey = Image.fromarray(np.array([[0, 90]], np.uint8))
    grey.save(tmp_path / "grey.png", transparency=0)
    expected = [[[255] * 3, [90] * 3]]
    np.testing.assert_array_equal(read_image(tmp_path / "grey.png"), expected)


def test_palette_and_grey_become_rgb(tmp_path, ramp):
    Image.fromarray(ramp).quantize(256).save(tmp_path / "p.png")
    assert read_image(tmp_path / "p.png").shape == ramp.shape
    Image.fromarray(ramp[..., 0]).save(tmp_path / "l.png")
    expected = np.repeat(ramp[..., :1], 3, axis=-1)
    np.testing.assert_array_equal(read_image(tmp_path / "l.png"), expected)
    Image.fromarray(ramp[..., 0] > 90).save(tmp_path / "one_bit.png")
    assert set(np.unique(read_image(tmp_path / "one_bit.png"))) == {0, 255}


def test_16_bit_grey_is_scaled_not_clipped(tmp_path):
    values = np.array([[0, 255, 257, 32768, 65535]], np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    image = read_image(tmp_path / "a.png")
    np.testing.assert_array_equal(image[0, :, 0], [0, 1, 1, 128, 255])


def test_cmyk_becomes_rgb(tmp_path):
    red = Image.new("RGB", (16, 16), (250, 10, 10))
    red.convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    assert Image.open(tmp_path / "a.jpg").mode == "CMYK"
    mean = read_image(tmp_path / "a.jpg").mean((0, 1))
    np.testing.assert_allclose(mean, [250, 10, 10], atol=4)


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_animation_gives_its_first_frame(tmp_path, suffix):
    frames = [Image.new("RGB", (16, 16), (level,) * 3) for level in (200, 20)]
    path = tmp_path / f"a{suffix}"
    frames[0].save(path, save_all=True, append_images=frames[1:], lossless=True)
    assert (read_image(path) == 200).all()


def test_undecodable_files_are_named(tmp_path, ramp):
    write_image(tmp_path / "whole.png", ramp)
    write_image(tmp_path / "whole.jpg", ramp)
    png = (tmp_path / "whole.png").read_bytes()
    jpeg = (tmp_path / "whole.jpg").read_bytes()
    contents = {
        "truncated.png": png[: len(png) // 2],
        "truncated.jpg": jpeg[: len(jpeg) // 2],
        "header_only.png": png[:20],
        "broken_chunk.png": png[:12] + b"\0\0\0\0" + png[16:],
        "no_pixels.png": png[:33] + png[-12:],
        "empty.jpg": b"",
        "zeros.webp": bytes(1000),
        "text.png": b"<html>404 not found</html>",
        "bitmap.bmp": b"BM" + bytes(range(60)),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=name):
            read_image(tmp_path / name)


def test_folder_missing_file_and_other_formats_are_refused(tmp_path, ramp):
    (tmp_path / "folder.png").mkdir()
    Image.fromarray(ramp).save(tmp_path / "gif.png", "GIF")
    for name in ("folder.png", "missing.png", "gif.png"):
        with pytest.raises(InputError, match=name):
            read_image(tmp_path / name)


def test_decompression_bomb_is_refused(tmp_path, ramp, monkeypatch):
    write_image(tmp_path / "a.png", ramp)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", ramp.shape[0] * ramp.shape[1] // 3)
    with pytest.raises(InputError, match="DecompressionBomb"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize("failure", [OSError("disk full"), ValueError("too wide")])
def test_failed_encode_leaves_the_old_file_and_nothing_else(
    tmp_path, ramp, monkeypatch, failure
):
    path = tmp_path / "a.png"
    write_image(path, ramp)
    before = path.read_bytes()

    def half_a_file(self, file, *args, **kwargs):
        file.write(b"half")
        raise failure

    monkeypatch.setattr(Image.Image, "save", half_a_file)
    with pytest.raises(InputError, match="a.png.*(disk full|too wide)"):
        write_image(path, ramp[::-1])
    with pytest.raises(InputError):
        write_image(tmp_path / "new.png", ramp)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_interrupted_encode_leaves_no_temporary_file(tmp_path, ramp, monkeypatch):
    def interrupted(self, file, *args, **kwargs):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(Image.Image, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_image(tmp_path / "a.png", ramp)
    assert not list(tmp_path.iterdir())


def test_unwritable_destinations_are_refused(tmp_path, ramp):
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file").touch()
    for path in ("folder.png", "missing/a.png", "file/a.png", "a.tiff", "a"):
        with pytest.raises(InputError, match=path):
            write_image(tmp_path / path, ramp)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder.png"]
    with pytest.raises(InputError, match="wide.webp"):
        write_image(tmp_path / "wide.webp", np.zeros((1, 20000, 3), np.uint8))


def test_only_uint8_rgb_is_written(tmp_path, ramp):
    for image in (ramp / 255, ramp[..., 0], np.dstack([ramp, ramp])):
        with pytest.raises(ValueError, match="uint8 RGB"):
            write_image(tmp_path / "a.png", image)


# Folders


def test_list_images_sorts_and_skips(tmp_path):
    names = ["b.png", "a.JPEG", "c.webp", ".hidden.png", "x.tmp.png", "n.txt", "d.tmp"]
    for name in names:
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "folder.png" / "deep.png").touch()
    found = [path.name for path in list_images(tmp_path)]
    assert found == ["a.JPEG", "b.png", "c.webp"]
    assert list_images(str(tmp_path)) == list_images(tmp_path)


def test_list_images_says_what_is_wrong(tmp_path):
    with pytest.raises(InputError, match="missing.*must exist"):
        list_images(tmp_path / "missing")
    (tmp_path / "a.txt").touch()
    (tmp_path / "b.gif").touch()
    with pytest.raises(InputError, match="a.txt.*a file"):
        list_images(tmp_path / "a.txt")
    with pytest.raises(InputError, match=r"\.webp.* 2 other files"):
        list_images(tmp_path)


# Sizes


def test_resize_shrinks_without_aliasing():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    small = resize(stripes, 16, 8)
    assert small.shape == (8, 16, 3)
    # Sampling single columns would give 0 or 255. The border sees one more stripe.
    assert np.abs(small[:, 1:-1].astype(int) - 127).max() <= 4


def test_resize_keeps_flat_colour_and_identity(ramp):
    assert resize(ramp, ramp.shape[1], ramp.shape[0]) is ramp
    flat = np.full((10, 20, 3), (3, 130, 255), np.uint8)
    assert (resize(flat, 33, 7) == (3, 130, 255)).all()
    with pytest.raises(InputError, match="0 x 5"):
        resize(flat, 0, 5)


@pytest.mark.parametrize("transpose", [False, True])
def test_square_takes_the_middle(transpose):
    image = np.zeros((20, 60, 3), np.uint8)
    image[:, 20:40] = 255
    if transpose:
        image = np.swapaxes(image, 0, 1)
    assert (square(image, 20) == 255).all()
    assert square(image, 50).shape == (50, 50, 3)


# Contact sheets


def test_grid_places_pictures_on_a_common_raster():
    big = np.full((10, 20, 3), 50, np.uint8)
    small = np.full((4, 6, 3), 100, np.uint8)
    sheet = image_grid([[big, small], [big]], gap=2)
    assert sheet.shape == (2 + 2 * 12, 2 + 2 * 22, 3) and sheet.dtype == np.uint8
    expected = np.full_like(sheet, 255)
    expected[2:12, 2:22] = 50
    expected[14:24, 2:22] = 50
    expected[5:9, 31:37] = 100
    np.testing.assert_array_equal(sheet, expected)


def test_grid_labels_stay_inside_their_column():
    cell = np.full((8, 40, 3), 90, np.uint8)
    plain = image_grid([[cell, cell, cell]])
    sheet = image_grid([[cell, cell, cell]], ["photo", "", "a title far too long"])
    header = sheet.shape[0] - plain.shape[0]
    np.testing.assert_array_equal(sheet[header:], plain)
    inked = (sheet[:header] < 128).any(axis=(0, 2))
    assert inked[4:44].any() and inked[92:132].any()
    assert not inked[44:92].any() and not inked[132:].any()


def test_grid_refuses_nothing_and_mismatched_labels():
    cell = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(ValueError, match="at least one picture"):
        image_grid([[], []])
    with pytest.raises(ValueError, match="2 columns, received 1"):
        image_grid([[cell, cell]], ["photo"])
    with pytest.raises(ValueError, match="uint8"):
        image_grid([[cell / 255]])


def test_module_takes_what_it_writes():
    assert set(io._ENCODERS) == set(SUFFIXES)
