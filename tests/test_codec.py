"""Picture files: what is read, what is refused, what is written."""

import os
from io import BytesIO

import corpus
import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from animegan_tf.errors import InputError
from animegan_tf.files import (
    SUFFIXES,
)
from animegan_tf.imaging.codec import (
    ENCODERS,
    encode_image,
    lay_over,
    read_image,
    read_image_alpha,
    write_image,
)


@pytest.fixture
def ramp():
    """A smooth picture without symmetry, which JPEG keeps within a few levels."""
    y, x = np.mgrid[0:24, 0:40]
    return np.stack([4 * x + 2 * y, 6 * y + 20, 200 - 3 * x], -1).astype(np.uint8)


@pytest.fixture(scope="module")
def odd_pictures(tmp_path_factory):
    return corpus.make_corpus(tmp_path_factory.mktemp("corpus"))


def difference(image, expected):
    """Mean and largest difference of two pictures, in levels."""
    assert image.shape == np.shape(expected)
    levels = np.abs(np.subtract(image, expected, dtype=float))
    return levels.mean(), levels.max()


# Reading and writing


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".JPG", ".Png"])
def test_every_suffix_round_trips(tmp_path, ramp, suffix):
    path = tmp_path / f"picture{suffix}"
    write_image(path, ramp)
    image = read_image(path)
    assert image.dtype == np.uint8 and image.shape == ramp.shape
    assert image.flags.writeable
    lossless = suffix.lower() in (".png", ".bmp")
    # WebP halves the colour resolution, which costs a few levels at the border.
    error = np.abs(image.astype(int) - ramp)
    assert error.max() == 0 if lossless else error.mean() < 3
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_content_decides_the_format_not_the_suffix(tmp_path, ramp):
    write_image(tmp_path / "a.png", ramp)
    (tmp_path / "a.png").rename(tmp_path / "a.jpg")
    np.testing.assert_array_equal(read_image(tmp_path / "a.jpg"), ramp)


@pytest.mark.parametrize("orientation", corpus.STORED)
@pytest.mark.parametrize("format_name", ["PNG", "WEBP"])
def test_exif_orientation_is_applied(tmp_path, ramp, format_name, orientation):
    options = {"lossless": True} if format_name == "WEBP" else {}
    file = corpus.oriented(ramp, orientation, format_name, **options)
    np.testing.assert_array_equal(read_image(tmp_path / "a", file), ramp)


def test_exif_orientation_turns_alpha_and_16_bits_too(tmp_path, ramp):
    alpha = ramp[..., 0]
    file = corpus.oriented(np.dstack([ramp, alpha]), 6, "PNG")
    image, read_alpha = read_image_alpha(tmp_path / "a.png", file)
    np.testing.assert_array_equal(image, ramp)
    np.testing.assert_array_equal(read_alpha, alpha)
    exif = Image.Exif()
    exif[0x0112] = 8
    stored = np.rot90(alpha.astype(np.uint16) * 257, -1)
    file = corpus.save(stored, "PNG", exif=exif)
    image = read_image(tmp_path / "a.png", file)
    np.testing.assert_array_equal(image, np.repeat(alpha[..., None], 3, axis=2))


@pytest.mark.parametrize(
    "block", [b"", b"Exif\0\0", b"no such block", b"Exif\0\0II*\0\xff\xff\xff\xff"]
)
@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP"])
@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_exif_counts_as_none(tmp_path, ramp, format_name, block):
    plain = read_image(tmp_path / "a", corpus.save(ramp, format_name))
    file = corpus.save(ramp, format_name, exif=block)
    np.testing.assert_array_equal(read_image(tmp_path / "a", file), plain)


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


def test_16_bit_colour_is_scaled(tmp_path):
    values = np.array([[[0, 258, 32768], [65535, 65280, 511]]], np.uint16)
    image = read_image(tmp_path / "a.png", corpus.png(values, 2))
    # Pillow drops the low byte: never more than a level off.
    assert difference(image, values / 257)[1] <= 1
    np.testing.assert_array_equal(image[:, :, 0], [[0, 255]])


def test_transparent_colour_of_every_depth_is_found(tmp_path):
    def alpha_of(samples, colour_type, colour, depth=None):
        chunk = corpus.png_chunk(b"tRNS", np.array(colour, ">u2").tobytes())
        file = corpus.png(samples, colour_type, chunk, depth=depth)
        return read_image_alpha(tmp_path / "a.png", file)[1].tolist()

    for depth in (1, 2, 4, 8):
        highest = 2**depth - 1
        grey = np.array([[[highest], [0], [highest]]], np.uint8)
        assert alpha_of(grey, 0, [highest], depth) == [[0, 255, 0]]
        assert alpha_of(grey, 0, [0], depth) == [[255, 0, 255]]
    wide = np.array([[[0x1234], [0x1235], [0x3412]]], np.uint16)
    assert alpha_of(wide, 0, [0x1234]) == [[0, 255, 255]]
    colour = np.repeat(wide[:, ::2], 3, axis=2)
    assert alpha_of(colour, 2, [0x1234] * 3) == [[0, 255]]


def test_alpha_is_given_only_where_something_is_transparent(tmp_path, ramp):
    def alpha_of(alpha, format_name="PNG"):
        file = corpus.save(np.dstack([ramp, alpha]), format_name, lossless=True)
        return read_image_alpha(tmp_path / "a", file)[1]

    alpha = np.full(ramp.shape[:2], 255, np.uint8)
    assert alpha_of(alpha) is None and alpha_of(alpha, "WEBP") is None
    alpha[3, 4] = 254
    np.testing.assert_array_equal(alpha_of(alpha), alpha)
    np.testing.assert_array_equal(alpha_of(alpha, "WEBP"), alpha)
    assert read_image_alpha(tmp_path / "a", corpus.save(ramp, "PNG"))[1] is None


def test_colour_below_transparency_is_kept(tmp_path, ramp):
    file = corpus.save(np.dstack([ramp, 0 * ramp[..., 0]]), "PNG")
    image, alpha = read_image_alpha(tmp_path / "a.png", file)
    np.testing.assert_array_equal(image, ramp)
    assert not alpha.any()
    assert (read_image(tmp_path / "a.png", file) == 255).all()


def test_lay_over_is_exact_for_every_level_and_ground(ramp):
    colour, alpha = np.mgrid[0:256, 0:256].astype(np.uint8)
    image = np.repeat(colour[..., None], 3, axis=-1)
    picture = np.roll(image, 100, axis=0)
    for ground in (255, 0, (10, 120, 230), picture):
        share = alpha[..., None] / 255
        expected = np.rint(image * share + np.asarray(ground) * (1 - share))
        np.testing.assert_array_equal(lay_over(image, alpha, ground), expected)
    assert lay_over(ramp, None, 0) is ramp


def test_bytes_already_read_are_decoded_in_place_of_the_file(tmp_path, ramp):
    path = tmp_path / "a.png"
    write_image(path, ramp[::-1])
    np.testing.assert_array_equal(read_image(path, corpus.save(ramp, "PNG")), ramp)
    with pytest.raises(InputError, match="a.png: .*another kind"):
        read_image(path, b"")


# Colour profiles


def test_cmyk_becomes_rgb(tmp_path):
    red = Image.new("RGB", (16, 16), (250, 10, 10))
    red.convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    assert Image.open(tmp_path / "a.jpg").mode == "CMYK"
    mean = read_image(tmp_path / "a.jpg").mean((0, 1))
    np.testing.assert_allclose(mean, [250, 10, 10], atol=4)


def test_picture_in_a_wide_gamut_comes_back_as_srgb(tmp_path, ramp):
    stored, profile = corpus.in_adobe_rgb(ramp), corpus.rgb_profile()
    assert difference(stored, ramp)[1] > 20
    file = corpus.save(stored, "PNG", icc_profile=profile)
    assert difference(read_image(tmp_path / "a.png", file), ramp)[1] <= 2
    file = corpus.save(stored, "WEBP", icc_profile=profile, lossless=True)
    assert difference(read_image(tmp_path / "a.webp", file), ramp)[1] <= 2
    file = corpus.save(stored, "JPEG", icc_profile=profile, quality=100, subsampling=0)
    assert difference(read_image(tmp_path / "a.jpg", file), ramp)[0] <= 2


def test_profile_applies_to_palettes_and_beside_alpha(tmp_path, ramp):
    options = {"icc_profile": corpus.rgb_profile()}
    few = Image.fromarray(ramp).quantize(64)
    stored = corpus.in_adobe_rgb(np.asarray(few.convert("RGB")))
    few.putpalette(corpus.in_adobe_rgb(np.reshape(few.getpalette(), (-1, 3))).tobytes())
    assert np.array_equal(few.convert("RGB"), stored)
    expected = read_image(tmp_path / "a", corpus.save(stored, "PNG", **options))
    image = read_image(tmp_path / "a", corpus.save(few, "PNG", **options))
    np.testing.assert_array_equal(image, expected)
    clear = np.dstack([stored, ramp[..., 0]])
    file = corpus.save(clear, "PNG", **options)
    image, alpha = read_image_alpha(tmp_path / "a", file)
    np.testing.assert_array_equal(image, expected)
    np.testing.assert_array_equal(alpha, ramp[..., 0])


def test_grey_profile_applies_to_grey_of_8_and_16_bits_and_with_alpha(tmp_path):
    profile = corpus.grey_profile(1.8)
    grey = np.array([[[0], [20], [55], [128], [255]]], np.uint8)
    # sRGB's curve of (grey / 255) ** 1.8, worked by hand.
    expected = np.repeat([[[0], [26], [71], [146], [255]]], 3, axis=2)
    for samples, colour_type in (
        (grey, 0),
        (grey.astype(np.uint16) * 257, 0),
        (np.dstack([grey, grey]), 4),
    ):
        file = corpus.png(samples, colour_type, corpus.icc_chunk(profile))
        image, _ = read_image_alpha(tmp_path / "a.png", file)
        assert difference(image, expected)[1] <= 1


def test_srgb_profile_changes_nothing(tmp_path, ramp):
    profile = corpus.rgb_profile(corpus.SRGB_TO_XYZ, gamma=None)
    file = corpus.save(ramp, "PNG", icc_profile=profile)
    assert difference(read_image(tmp_path / "a.png", file), ramp)[1] <= 1


def test_profile_of_inks_decides_what_cmyk_looks_like(tmp_path, ramp):
    stored, profile = corpus.in_swapped_cmyk(ramp), corpus.swapped_cmyk_profile()
    file = corpus.save(stored, "JPEG", quality=100)
    assert difference(read_image(tmp_path / "a.jpg", file), ramp)[0] > 20
    file = corpus.save(stored, "JPEG", quality=100, icc_profile=profile)
    assert difference(read_image(tmp_path / "a.jpg", file), ramp)[0] < 3


def test_darkest_ink_becomes_black_and_paper_white(tmp_path):
    profile = corpus.swapped_cmyk_profile(darkest=20)
    for black, expected in ((255, 0), (0, 255)):
        stored = Image.new("CMYK", (16, 16), (0, 0, 0, black))
        file = corpus.save(stored, "JPEG", quality=100, icc_profile=profile)
        image = read_image(tmp_path / "a.jpg", file)
        assert difference(image, np.full((16, 16, 3), expected))[1] <= 2


def test_profile_that_does_not_fit_counts_as_none(tmp_path, ramp):
    grey = ramp[..., 0]
    whole = corpus.rgb_profile()
    for image, profile in (
        (ramp, b"not a profile"),
        (ramp, whole[:150]),
        (ramp, whole.replace(b"RGB ", b"Lab ")),
        (ramp, corpus.grey_profile(1.0)),
        (ramp, corpus.swapped_cmyk_profile(2)),
        (grey, whole),
    ):
        expected = read_image(tmp_path / "a", corpus.save(image, "PNG"))
        file = corpus.save(image, "PNG", icc_profile=profile)
        np.testing.assert_array_equal(read_image(tmp_path / "a", file), expected)


def test_text_of_a_png_is_not_taken_for_a_profile(tmp_path, ramp):
    text = PngInfo()
    text.add_text("icc_profile", "none")
    file = corpus.save(ramp, "PNG", pnginfo=text)
    assert Image.open(BytesIO(file)).info["icc_profile"] == "none"
    np.testing.assert_array_equal(read_image(tmp_path / "a.png", file), ramp)


# The corpus of odd pictures


# Largest mean difference to the portrait, in levels: 0 where nothing is lost. JPEG
# costs about 2, and one that halves the colour resolution at low quality more.
LOSS = {
    **dict.fromkeys(("animated.png", "animated.webp", "bitmap.bmp"), 0),
    **dict.fromkeys(("interlaced.png", "png_inside.jpg", "rgb16.png"), 0),
    **dict.fromkeys((f"exif_{i}.jpg" for i in corpus.STORED), 2.5),
    **dict.fromkeys(("portrait.jpg", "damaged_exif.jpg", "damaged_profile.jpg"), 2.5),
    **{"cmyk.jpg": 2, "cmyk_profile.jpg": 2, "wide_gamut.png": 0.5},
    **{"palette.png": 3, "progressive.jpg": 4},
}


@pytest.mark.parametrize("name", LOSS)
def test_odd_file_shows_the_portrait(odd_pictures, name):
    image = read_image(odd_pictures[name])
    assert difference(image, corpus.portrait())[0] <= LOSS[name]


@pytest.mark.parametrize("name", ["grey.jpg", "grey.png", "grey16.png"])
def test_grey_file_shows_the_grey_portrait(odd_pictures, name):
    expected = np.array(Image.fromarray(corpus.portrait()).convert("L").convert("RGB"))
    loss, _ = difference(read_image(odd_pictures[name]), expected)
    assert loss == 0 if name.endswith(".png") else loss < 2


@pytest.mark.parametrize(
    "name",
    ["rgba.png", "rgba.webp", "rgba16.png", "grey_alpha.png", "palette_alpha.png"],
)
def test_transparent_file_shows_the_portrait_over_white(odd_pictures, name):
    expected, alpha = corpus.portrait(), corpus.vignette()
    if name.startswith("grey"):
        expected = np.array(Image.fromarray(expected).convert("L").convert("RGB"))
    limit = 8 if name.startswith("palette") else 0
    read, read_alpha = read_image_alpha(odd_pictures[name])
    assert difference(read_alpha, alpha)[0] <= limit
    if not limit:
        np.testing.assert_array_equal(read, expected)
    over_white = lay_over(expected, alpha, 255)
    assert difference(read_image(odd_pictures[name]), over_white)[0] <= limit


def test_other_subjects_of_the_corpus_are_what_they_are_called(odd_pictures):
    for suffix in (".jpg", ".png", ".webp", ".bmp"):
        pixel = read_image(odd_pictures[f"one_pixel{suffix}"])
        assert difference(pixel, corpus.portrait()[:1, :1])[1] <= 2
    for name, expected in (
        ("upside_down", corpus.portrait()[::-1, ::-1]),
        ("no_face", corpus.no_face()),
        ("six_faces", corpus.six_faces()),
    ):
        assert difference(read_image(odd_pictures[f"{name}.jpg"]), expected)[0] < 3


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("name", sorted(corpus.UNREADABLE))
def test_damaged_file_is_refused_by_name(odd_pictures, name):
    with pytest.raises(InputError, match=f"{name}: must .* received: .*[^. :]\\.$"):
        read_image(odd_pictures[name])


def test_corpus_has_no_file_without_a_test(odd_pictures):
    others = {"grey.jpg", "grey.png", "grey16.png", "grey_alpha.png", "rgba.png"}
    others |= {"rgba.webp", "rgba16.png", "palette_alpha.png"}
    others |= {"upside_down.jpg", "no_face.jpg", "six_faces.jpg"}
    others |= {f"one_pixel{suffix}" for suffix in (".jpg", ".png", ".webp", ".bmp")}
    assert set(odd_pictures) == {*LOSS, *corpus.UNREADABLE, *others}


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".webp"])
def test_huge_header_is_refused_before_pixels_are_decoded(odd_pictures, suffix):
    # The pixels behind it are too few, which decoding would find.
    names = ["huge", "large"] if suffix != ".webp" else ["huge"]
    for name in names:
        with pytest.raises(InputError, match="received: more than 89478485 pixels"):
            read_image(odd_pictures[name + suffix])


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


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_limit_against_decompression_bombs_is_sharp(tmp_path, ramp, monkeypatch):
    write_image(tmp_path / "a.png", ramp)
    pixels = ramp.shape[0] * ramp.shape[1]
    for limit in (pixels - 1, pixels // 3):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        with pytest.raises(InputError, match=f"more than {limit} pixels"):
            read_image(tmp_path / "a.png")
    for limit in (pixels, None):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        np.testing.assert_array_equal(read_image(tmp_path / "a.png"), ramp)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_encoding_is_repeatable_and_what_is_written(tmp_path, ramp, suffix):
    file = encode_image(ramp, suffix)
    assert file == encode_image(ramp, suffix.upper())
    assert file == encode_image(np.asfortranarray(ramp), suffix)
    assert file != encode_image(ramp[::-1], suffix)
    write_image(tmp_path / f"a{suffix}", ramp)
    assert (tmp_path / f"a{suffix}").read_bytes() == file


def test_encoding_refuses_what_no_file_can_hold(ramp):
    with pytest.raises(ValueError, match="suffix .*'.gif'"):
        encode_image(ramp, ".gif")
    with pytest.raises(ValueError, match="uint8 RGB"):
        encode_image(ramp / 255)
    for suffix, shape in ((".webp", (1, 20000, 3)), (".jpg", (70000, 1, 3))):
        with pytest.raises(InputError, match=f"{shape[1]} x {shape[0]} must fit"):
            encode_image(np.zeros(shape, np.uint8), suffix)


@pytest.mark.parametrize("failure", [OSError(28, "disk full"), KeyboardInterrupt()])
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path, ramp, monkeypatch, step, failure
):
    path = tmp_path / "a.png"
    write_image(path, ramp)
    before = path.read_bytes()

    def fail(*_):
        assert len(list(tmp_path.iterdir())) == 2
        raise failure

    monkeypatch.setattr(os, step, fail)
    expected = InputError if isinstance(failure, OSError) else KeyboardInterrupt
    with pytest.raises(expected, match="a.png.*disk full|^$"):
        write_image(path, ramp[::-1])
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


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


def test_module_takes_what_it_writes():
    assert set(ENCODERS) == set(SUFFIXES)
