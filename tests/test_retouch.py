"""Filters around a painter: each does its part, and nothing where nothing is amiss."""

import numpy as np
import pytest
from runtime_standin import StandIn, negative
from skimage.color import lab2rgb, rgb2lab

from animegan_tf.cli import stylize
from animegan_tf.imaging.codec import read_image, write_image
from animegan_tf.imaging.retouch import (
    brightened,
    held,
    retouched,
    without_strokes,
    without_texture,
)
from animegan_tf.inference import Stylizer


def levels(lab):
    return np.rint(lab2rgb(lab) * 255).astype(np.uint8)


def shaded(low, high, a=18.0, b=12.0, side=48):
    """A ramp of lightness of one chroma, that of skin."""
    lightness = np.linspace(low, high, side)[None].repeat(side, 0)
    return levels(np.stack([lightness, lightness * 0 + a, lightness * 0 + b], -1))


def lightness(image):
    return rgb2lab(image)[..., 0]


def test_a_dark_photo_is_brightened_within_limits_and_keeps_its_chroma():
    photo = shaded(10, 50)
    bright = brightened(photo)
    gain = lightness(bright) / lightness(photo)
    assert gain.min() > 1.3 and lightness(bright).max() < 100 * 0.675**0.8 + 1
    apart = rgb2lab(bright)[..., 1:] - rgb2lab(photo)[..., 1:]
    assert np.abs(apart).max() < 1.5
    assert (np.diff(lightness(bright)[0]) > -0.5).all()


@pytest.mark.parametrize("low, high", [(40, 92), (70, 95)])
def test_a_light_photo_stays_as_it_is(low, high):
    photo = shaded(low, high)
    assert np.abs(brightened(photo).astype(int) - photo).max() <= 1


def test_dark_skin_in_a_light_photo_stays():
    photo = shaded(85, 90, a=0, b=0)
    photo[12:36, 12:36] = shaded(30, 34, side=24)
    after = brightened(photo)
    assert np.abs(lightness(after) - lightness(photo)).max() < 1.5


def test_texture_goes_and_outlines_stay():
    rng = np.random.default_rng(0)
    clean = np.where(np.arange(48) < 24, 90, 190)[None, :, None]
    clean = np.broadcast_to(clean, (48, 48, 3))
    noisy = np.clip(clean + rng.normal(0, 6, clean.shape), 0, 255).astype(np.uint8)
    calm = without_texture(noisy).astype(float)
    flat = np.s_[:, 4:20]
    assert calm[flat].std() < 0.35 * noisy[flat].std()
    step = calm[:, 24].mean() - calm[:, 23].mean()
    assert step > 85


def test_a_tinted_ground_gets_the_photos_chroma_and_lines_stay():
    photo = shaded(70, 75, a=0, b=0)
    lab = rgb2lab(photo)
    lab[..., 1] += 12
    lab[20:22, :, 0] = 5
    after = rgb2lab(held(levels(lab), photo))
    assert np.abs(after[..., 1:]).max() < 1.5
    assert after[20:22, :, 0].max() < 8


def test_a_rim_of_light_goes_and_what_is_light_in_the_photo_stays():
    photo = shaded(60, 60, a=0, b=0)
    photo[:, 24:] = 15  # hair
    photo[10:13, 30:33] = 250  # a light in it
    picture = photo.copy()
    picture[:, 20:24] = 255
    after = lightness(held(picture, photo))
    assert after[30, 20:24].max() < 60 + 4.5
    assert after[11, 31] > 97
    assert np.abs(after[30, 4:18] - 60).max() < 1


def test_strokes_on_bare_skin_go_and_lines_along_edges_stay():
    photo = shaded(60, 62)
    photo[:, 30:] = shaded(20, 20, a=0, b=0)[:, 30:]  # hair
    picture = photo.copy()
    picture[:, 29:31] = 0  # its outline
    picture[10:40, 8:11] = (60, 20, 10)
    after = without_strokes(picture, photo)
    away = np.abs(lightness(after) - lightness(photo))[:, 4:20]
    assert away.max() < 2
    assert lightness(after)[:, 29:31].max() < 1
    assert np.array_equal(after[:, 36:], picture[:, 36:])


def test_no_part_of_a_picture_is_much_lighter_than_the_photo():
    photo = shaded(40, 45)
    after = held(np.full_like(photo, 255), photo)
    assert (lightness(after) - lightness(photo)).max() < 7


def test_the_painter_sees_the_calmed_photo_and_its_picture_is_flattened():
    rng = np.random.default_rng(1)
    photo = np.clip(shaded(20, 50) + rng.normal(0, 5, (48, 48, 3)), 0, 255)
    photo, seen = photo.astype(np.uint8), []

    def paint(image):
        seen.append(image)
        return photo

    picture = retouched(paint, photo)
    assert np.array_equal(seen[0], without_texture(brightened(photo)))
    assert picture.dtype == np.uint8 and picture.shape == photo.shape
    changes = [
        np.count_nonzero(np.diff(lightness(x), axis=1) > 1) for x in (photo, picture)
    ]
    assert changes[1] < 0.3 * changes[0]


def test_a_stylizer_works_on_the_photo_before_and_on_the_picture_after():
    paint = Stylizer(StandIn(negative), max_side=32, retouch=True)
    photo = np.dstack([shaded(20, 60)[:32, :32], np.full((32, 32), 255, np.uint8)])
    photo[:8, :, 3] = 0
    photo[:8, :, :3] = (0, 255, 0)  # nobody sees it
    picture = paint(photo)
    assert np.array_equal(picture[..., 3], photo[..., 3])
    photo[:8, :, :3] = 255
    assert np.array_equal(picture[..., :3], retouched(negative, photo[..., :3]))
    assert paint(shaded(20, 60)).shape == (32, 32, 3)


def test_the_tool_retouches_photos_and_takes_no_videos(tmp_path, monkeypatch, run_here):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(stylize, "load_runtime", lambda *_, **__: StandIn(negative))
    photo = shaded(20, 60)
    write_image(tmp_path / "photo.png", photo)
    status, _, err = run_here("stylize.py", "photo.png", "-o", "a.png", "--retouch")
    assert status == 0, err
    assert np.array_equal(read_image("a.png"), retouched(negative, photo))
    (tmp_path / "clip.mp4").write_bytes(b"")
    status, _, err = run_here("stylize.py", "clip.mp4", "-o", "out.mp4", "--retouch")
    told = "--retouch must have photos only, received the video clip.mp4"
    assert status == 2 and told in err
    assert not (tmp_path / "out.mp4").exists()
