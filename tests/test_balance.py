"""White balance goes as far as the colours of human skin, and no further."""

import numpy as np
import pytest

from animegan_tf.imaging.balance import skin_color, white_balance
from animegan_tf.imaging.color import from_lab, to_lab
from animegan_tf.imaging.landmarks import FaceMesh

HUE, CHROMA = 50, 22


def portrait(lightness=65, hue=HUE, chroma=CHROMA):
    """A picture of one colour but for a dark corner, and a mesh in the middle."""
    lab = np.zeros((80, 80, 3), np.float32)
    turn = np.deg2rad(hue)
    lab[:] = lightness, chroma * np.cos(turn), chroma * np.sin(turn)
    lab[:8, :8] = 10, 0, 0
    points = np.random.default_rng(0).uniform(30, 60, (478, 2)).astype(np.float32)
    return from_lab(lab), FaceMesh(points, points[:468, 0], 1.0)


@pytest.mark.parametrize("lightness", (30, 50, 80))
def test_skin_of_a_human_colour_leaves_the_photo_as_it_is(lightness):
    image, mesh = portrait(lightness)
    np.testing.assert_array_equal(white_balance(image, mesh), image)


@pytest.mark.parametrize("hue, expected", ((80, 66), (20, 38)))
def test_a_cast_goes_as_far_as_the_nearest_human_hue(hue, expected):
    image, mesh = portrait(hue=hue)
    lightness, a, b = skin_color(to_lab(white_balance(image, mesh)), mesh)
    assert np.rad2deg(np.arctan2(b, a)) == pytest.approx(expected, abs=1.5)
    assert np.hypot(a, b) == pytest.approx(CHROMA, abs=1)
    assert lightness == pytest.approx(65, abs=1)


def test_a_coloured_light_is_not_taken_away_as_a_whole():
    image, mesh = portrait(hue=200, chroma=30)
    _, a, b = skin_color(to_lab(white_balance(image, mesh)), mesh)
    assert a < 0 and b < 12


def test_the_dark_is_corrected_less():
    image, mesh = portrait(hue=80)
    before, after = (
        to_lab(x).reshape(80, 80, 3) for x in (image, white_balance(image, mesh))
    )
    moved = np.linalg.norm(after - before, axis=2)
    assert moved[0, 0] < 0.5 * moved[40, 40]
