"""Sizes of pictures and contact sheets."""

import numpy as np
import pytest

from animegan_tf.errors import InputError
from animegan_tf.imaging.transform import image_grid, resize, shrink, square


@pytest.fixture
def ramp():
    """A smooth picture without symmetry."""
    y, x = np.mgrid[0:24, 0:40]
    return np.stack([4 * x + 2 * y, 6 * y + 20, 200 - 3 * x], -1).astype(np.uint8)


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


@pytest.mark.parametrize("side", [1, 7, 39, 40, 400])
def test_shrink_bounds_the_longer_side_and_keeps_proportions(ramp, side):
    for image in (ramp, np.swapaxes(ramp, 0, 1)):
        small = shrink(image, side)
        if side >= 40:
            assert small is image
        else:
            assert max(small.shape[:2]) == side
            scale = side / 40
            for before, after in zip(image.shape[:2], small.shape[:2]):
                assert after >= 1 and abs(after - scale * before) <= 0.5
    with pytest.raises(InputError, match="side .* 0"):
        shrink(ramp, 0)


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
