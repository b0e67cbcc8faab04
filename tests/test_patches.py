"""Patches: where they lie, how they end, and what their tone becomes."""

import tracemalloc

import cv2
import numpy as np
import pytest
from skimage import data
from skimage.registration import phase_cross_correlation

from animegan_tf.imaging.patches import Patch, blend, fitted, with_tone_of


def place(x, y, side, degrees=0):
    """`to_square` of a square about a point of the picture."""
    turn = np.exp(-1j * np.radians(degrees)) / side
    shift = 0.5 + 0.5j - turn * (x + 1j * y)
    return np.array(
        [[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]]
    )


def flat(side, *colour):
    return np.full((side, side, 3), colour, np.uint8)


def in_square(mask, to_square):
    """Coordinates in the square, (n, 2), of the pixels where a mask is set."""
    y, x = np.nonzero(mask)
    return np.stack([x, y], 1) @ to_square[:, :2].T + to_square[:, 2]


@pytest.mark.parametrize("degrees", range(0, 360, 30))
def test_patch_stays_in_its_square_and_fades_towards_the_border(degrees):
    picture, to_square = np.zeros((300, 320, 3), np.uint8), place(171, 140, 90, degrees)
    blend(picture, [Patch(flat(90, 250, 200, 100), to_square)])
    np.testing.assert_array_equal(picture[140, 171], (250, 200, 100))
    touched = in_square(picture.any(2), to_square)
    assert touched.min() > 0 and touched.max() < 1
    assert touched.min() < 0.05 and touched.max() > 0.95
    full = in_square(picture[..., 0] == 250, to_square)
    assert full.min() == pytest.approx(0.2, abs=0.03)
    assert full.max() == pytest.approx(0.8, abs=0.03)
    steps = [np.abs(np.diff(picture[..., 0].astype(int), axis=a)).max() for a in (0, 1)]
    assert max(steps) < 0.1 * 250


@pytest.mark.parametrize("x, y", [(0, 0), (199, 60), (-30, 60), (90, 130), (500, 500)])
def test_patch_over_the_border_covers_what_there_is_of_the_picture(x, y):
    wide = np.zeros((520, 600, 3), np.uint8)
    blend(wide, [Patch(flat(100, 90, 90, 90), place(x + 200, y + 200, 100, 20))])
    picture = np.zeros((120, 200, 3), np.uint8)
    blend(picture, [Patch(flat(100, 90, 90, 90), place(x, y, 100, 20))])
    # The same numbers, but for where they are rounded.
    difference = picture.astype(int) - wide[200:320, 200:400]
    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize("side", [30, 90, 300])
@pytest.mark.parametrize("degrees", [0, 17, 90, 200])
def test_detail_is_neither_shifted_nor_lost(side, degrees):
    rng = np.random.default_rng(0)
    texture = cv2.GaussianBlur(rng.normal(128, 255, (400, 400, 3)), (0, 0), 1.5)
    photo = np.clip(texture, 0, 255).astype(np.uint8)
    to_square = place(200.3, 190.7, side, degrees)
    # Cut out by OpenCV, from which the coordinates here are independent.
    to_pixels = to_square * 2 * side
    to_pixels[:, 2] -= 0.5
    large = cv2.warpAffine(photo, to_pixels, (2 * side,) * 2, flags=cv2.INTER_CUBIC)
    picture = np.zeros_like(photo)
    blend(picture, [fitted(large, to_square)])
    half = side // 4
    here = np.s_[190 - half : 191 + half, 200 - half : 201 + half]
    shift = phase_cross_correlation(
        photo[here].mean(2),
        picture[here].mean(2),
        upsample_factor=100,
        normalization=None,
    )[0]
    assert np.abs(shift).max() < 0.1
    spread = photo[here].std() / picture[here].std()
    assert 0.9 < spread < 1.1


def test_fine_detail_shrinks_to_its_mean():
    line = np.arange(256) % 2
    board = np.where(line ^ line[:, None], 255, 0).astype(np.uint8)
    picture = np.full((60, 60, 3), 127, np.uint8)
    blend(picture, [fitted(np.dstack([board] * 3), place(30, 30, 41, 30))])
    assert np.abs(picture.astype(int) - 127).max() < 8


def test_neighbours_part_the_picture_whatever_their_order():
    red, blue = flat(100, 200, 0, 0), flat(60, 0, 0, 200)
    patches = [Patch(red, place(80, 80, 100)), Patch(blue, place(130, 90, 60, 40))]
    pictures = [np.zeros((160, 200, 3), np.uint8) for _ in range(2)]
    blend(pictures[0], patches)
    blend(pictures[1], patches[::-1])
    assert np.abs(pictures[0].astype(int) - pictures[1]).max() <= 1
    for x, y, colour in [(80, 80, (200, 0, 0)), (130, 90, (0, 0, 200))]:
        difference = pictures[0][y, x].astype(int) - colour
        assert np.abs(difference).max() <= 4
    # No hole and no hard edge where they meet.
    between = pictures[0][85, 80:131].astype(int)
    assert between.sum(1).min() > 190
    assert np.abs(np.diff(between, axis=0)).max() <= 50


def test_small_patch_inside_a_large_one_keeps_its_middle():
    picture = np.zeros((400, 400, 3), np.uint8)
    large = Patch(flat(300, 200, 0, 0), place(190, 200, 380))
    small = Patch(flat(40, 0, 0, 200), place(290, 260, 40))
    blend(picture, [large, small])
    assert picture[260, 290, 2] > 180 and picture[200, 190, 0] == 200
    assert picture[260, 330, 0] > 100


def test_blending_takes_little_memory():
    picture = np.zeros((9000, 300, 3), np.uint8)
    patch = Patch(flat(64, 9, 9, 9), place(150, 4500, 9000))
    tracemalloc.start()
    blend(picture, [patch] * 3)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert picture[4500].max() == 9
    assert peak < picture.nbytes  # as float32, one copy would be four times that


# Tone


def disc(side, radius):
    axis = np.arange(side) - (side - 1) / 2
    return (np.hypot(axis, axis[:, None]) < radius)[..., None]


def outside(side):
    axis = (np.arange(side) + 0.5) / side * 2 - 1
    return np.hypot(axis / 0.85, axis[:, None] / 0.95) > 1


def test_equal_paintings_stay_as_they_are():
    photo = data.astronaut()[:128, 150:278]
    painted = 255 - photo
    np.testing.assert_array_equal(with_tone_of(painted, painted, photo), painted)


def test_a_face_keeps_its_tone_and_its_ground_takes_the_other():
    photo = np.where(disc(200, 50), (60, 40, 30), (40, 90, 160)).astype(np.uint8)
    # Lighter, and most so in the background.
    painted = (photo + np.where(disc(200, 50), 20, 60)).astype(np.uint8)
    result = with_tone_of(photo, painted, photo).astype(int)
    assert np.abs(result - painted)[90:110, 90:110].max() <= 1
    assert np.abs(result - photo)[outside(200)].max() <= 3


def test_tone_does_not_leak_over_edges_of_the_photo():
    half = (np.arange(200) < 100)[None, :, None]
    photo = np.where(half, 40, np.full((200, 200, 3), 200)).astype(np.uint8)
    painted = np.where(half, 40, np.full((200, 200, 3), 240)).astype(np.uint8)
    result = with_tone_of(photo, painted, photo).astype(int)
    assert np.abs(result - photo)[:4].max() <= 6


def test_painted_lines_outlast_the_tone():
    photo = np.full((200, 200, 3), 120, np.uint8)
    painted = np.full((200, 200, 3), 160, np.uint8)
    painted[6:9] = 0
    result = with_tone_of(photo, painted, photo).astype(int)
    assert result[12:15].mean() - result[6:9].mean() > 0.8 * 160
