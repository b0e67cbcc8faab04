"""Measures of a picture: what moves them, and what leaves them alone."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from scipy import fft
from skimage import data

from animegan_tf.imaging import quality
from animegan_tf.samples import draw_anime, random_portrait

ASTRONAUT = data.astronaut()
GRAY = np.repeat(cv2.cvtColor(ASTRONAUT, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)


def plain(color, size=(40, 60)):
    return np.full((*size, 3), color, np.uint8)


def as_jpeg(image, level):
    content = io.BytesIO()
    Image.fromarray(image).save(content, "JPEG", quality=level)
    return np.array(Image.open(content))


def scaled(image, factor):
    size = [round(side * factor) for side in image.shape[1::-1]]
    return np.array(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


def toned(dark, light):
    """The astronaut in shades between two colours."""
    weights = GRAY[..., :1] / 255
    return (np.array(dark) * (1 - weights) + np.array(light) * weights).astype(np.uint8)


@pytest.mark.parametrize(
    "color, luma",
    [
        ((0, 0, 0), 0),
        ((255, 255, 255), 255),
        ((100, 0, 0), 29.9),
        ((0, 100, 0), 58.7),
        ((0, 0, 100), 11.4),
    ],
)
def test_brightness_is_the_mean_luma(color, luma):
    image = plain(color)
    assert quality.brightness(image) == pytest.approx(luma)
    image[:20] = 0
    assert quality.brightness(image) == pytest.approx(luma / 2)


def test_sharpness_of_one_dot_is_the_variance_of_its_laplacian():
    image = plain((0, 0, 0), (10, 10))
    image[4, 5] = 10
    response = np.zeros(100)
    response[:5] = 10, 10, 10, 10, -40
    assert quality.sharpness(image) == pytest.approx(response.var())


def test_sharpness_falls_with_blur():
    values = [
        quality.sharpness(cv2.GaussianBlur(ASTRONAUT, (0, 0), sigma))
        for sigma in (0.5, 1, 2, 4)
    ]
    assert values == sorted(values, reverse=True)
    assert quality.sharpness(ASTRONAUT) > values[0] > 20 * values[-1]
    assert quality.sharpness(plain((9, 200, 40))) == 0


@pytest.mark.parametrize(
    "image",
    [
        GRAY,
        toned((40, 20, 10), (250, 235, 205)),
        toned((10, 10, 60), (230, 240, 255)),
        plain((250, 10, 10)),
    ],
    ids=["grey", "sepia", "blue", "red"],
)
def test_one_hue_has_no_colourfulness_whatever_it_is(image):
    assert quality.colorfulness(image) < 2
    noise = np.random.default_rng(0).normal(0, 4, image.shape)
    scan = as_jpeg(np.clip(image + noise, 0, 255).astype(np.uint8), 60)
    assert quality.colorfulness(scan) < quality.MONOCHROME


def test_colours_make_colourfulness():
    full = quality.colorfulness(ASTRONAUT)
    half = quality.colorfulness(cv2.addWeighted(ASTRONAUT, 0.5, GRAY, 0.5, 0))
    assert full > 1.5 * half > 1.5 * quality.MONOCHROME
    for seed in range(3):
        drawing = draw_anime(random_portrait(seed), 128)
        assert quality.colorfulness(drawing) > quality.MONOCHROME


def test_hash_of_a_picture_that_needs_no_shrinking_is_zauners():
    image = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    rows = fft.dct(fft.dct(image.astype(float), axis=0), axis=1)[:16, :16]
    bits = "".join(str(int(bit)) for bit in (rows > np.median(rows)).ravel())
    value = quality.perceptual_hash(np.stack([image] * 3, axis=-1))
    assert f"{value:0256b}" == bits
    assert quality.HASH_BITS == len(bits)


@pytest.mark.parametrize(
    "change",
    [
        lambda image: as_jpeg(image, 30),
        lambda image: scaled(image, 0.4),
        lambda image: scaled(image, 1.7),
        lambda image: cv2.resize(image, (200, 200), interpolation=cv2.INTER_AREA),
        lambda image: np.clip(image * 1.1 + 15, 0, 255).astype(np.uint8),
        lambda image: (255 * (image / 255) ** 0.8).astype(np.uint8),
        lambda image: scaled(image[5:-5, 5:-5], 0.5),
        lambda image: np.repeat(
            cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2
        ),
    ],
    ids="jpeg small large opencv brighter gamma cut grey".split(),
)
def test_a_copy_is_a_near_duplicate(change):
    for image in (ASTRONAUT, draw_anime(random_portrait(1), 256)):
        a, b = quality.perceptual_hash(image), quality.perceptual_hash(change(image))
        assert quality.distance(a, b) <= quality.NEAR_DUPLICATE


def test_other_pictures_are_no_near_duplicates():
    pictures = [draw_anime(random_portrait(seed), 64) for seed in range(12)]
    pictures += [ASTRONAUT, ASTRONAUT[:, ::-1], ASTRONAUT[60:, 60:], data.chelsea()]
    values = [quality.perceptual_hash(np.ascontiguousarray(i)) for i in pictures]
    for i, a in enumerate(values):
        for b in values[:i]:
            assert quality.distance(a, b) > quality.NEAR_DUPLICATE


def test_plain_pictures_have_one_hash():
    values = {quality.perceptual_hash(plain((level,) * 3)) for level in (1, 77, 255)}
    assert len(values) == 1


def test_distance_counts_bits():
    assert quality.distance(0b1011, 0b0010) == 2
    assert quality.distance(0, 2**256 - 1) == 256
    assert quality.distance(5, 5) == 0


def test_index_finds_the_nearest_hash():
    rng = np.random.default_rng(0)
    index, values = quality.HashIndex(), []
    assert index.nearest(7) is None
    for i in range(150):  # more than the index has room for at first
        value = int.from_bytes(rng.bytes(32))
        if i:
            distances = [quality.distance(value, other) for other in values]
            best = min(distances)
            assert index.nearest(value) == (distances.index(best), best)
        index.add(value)
        values.append(value)
    assert len(index) == 150
    assert index.nearest(values[70] ^ (1 << 255) ^ 1) == (70, 2)


def test_index_names_the_first_of_equals():
    index = quality.HashIndex()
    for value in (12, 3, 3):
        index.add(value)
    assert index.nearest(3) == (1, 0)


def lettered(image, text, size, top, fill="white", outline="black"):
    picture = Image.fromarray(image)
    font = ImageFont.load_default(size)
    place = ((image.shape[1] - font.getlength(text)) / 2, top)
    ImageDraw.Draw(picture).text(
        place, text, fill, font, stroke_width=1, stroke_fill=outline
    )
    return np.array(picture)


@pytest.mark.parametrize("size", [14, 18, 22])
def test_subtitles_are_found(size):
    for seed in range(3):
        drawing = draw_anime(random_portrait(seed), 256)
        subtitle = lettered(drawing, "Wait for me, Sakura", size, 220)
        assert quality.text_share(subtitle) > quality.TEXT


def test_text_share_grows_by_the_area_of_each_line():
    page = plain((255, 255, 255), (256, 256))
    line = 14 * 165 / 256**2  # height of capitals times length
    for count, top in enumerate((20, 90, 160, 230), 1):
        page = lettered(page, "Lettering of a comic", 18, top, "black", "white")
        # Parts of a line may be missed, such as letters that touch.
        assert 0.3 < quality.text_share(page) / (count * line) < 1.2


def test_pictures_without_lettering_have_no_text_share():
    rows = plain((200, 220, 240), (256, 256))
    rows[100:110] = 0
    for image in (
        *(draw_anime(random_portrait(seed), 256) for seed in range(4)),
        plain((90, 90, 90)),
        rows,
        lettered(rows, "Hm", 24, 30),
    ):
        assert quality.text_share(image) <= quality.TEXT


@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (700, 1), (2, 3), (900, 1300)])
def test_every_size_is_measured(shape):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    for measure in (
        quality.brightness,
        quality.sharpness,
        quality.colorfulness,
        quality.text_share,
    ):
        value = measure(image)
        assert type(value) is float and np.isfinite(value) and value >= 0
    assert 0 <= quality.perceptual_hash(image) < 2**256
