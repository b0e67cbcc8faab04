import cv2
import numpy as np
import pytest

from animegan_tf.errors import InputError
from animegan_tf.imaging.flicker import TemporalSmoother, flicker


def scene(seed=1, height=120, width=160):
    coarse = np.random.default_rng(seed).uniform(30, 225, (8, 10, 3))
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def seen(clean, rng, noise=4.0):
    """A frame of a camera."""
    return np.clip(clean + rng.normal(0, noise, clean.shape), 0, 255).astype(np.uint8)


def harsh(photo):
    """Paints with more contrast, and so with more noise."""
    return np.clip(photo * 1.5 - 60.0, 0, 255).astype(np.uint8)


def flat(photo):
    """Paints in few colours, whose borders jump with the noise."""
    return cv2.medianBlur(photo, 5) // 32 * 32 + 16


def smoothed(photos, pictures, strength):
    smoother = TemporalSmoother(strength)
    return [smoother(photo, picture) for photo, picture in zip(photos, pictures)]


@pytest.mark.parametrize("noise", [2, 4, 8])
@pytest.mark.parametrize("paint", [harsh, flat])
def test_flicker_of_what_stands_still_is_at_least_halved(paint, noise):
    rng = np.random.default_rng(0)
    photos = [seen(scene(), rng, noise) for _ in range(12)]
    pictures = [paint(photo) for photo in photos]
    before = flicker(photos, pictures)
    after = flicker(photos, smoothed(photos, pictures, 0.8))
    assert before > 0.5
    assert after < 0.5 * before
    assert after < flicker(photos, smoothed(photos, pictures, 0.4)) < before


def moving_square(speed, colour, rng, count=16, noise=4.0, ground=None):
    """Frames, and masks of the square."""
    ground = scene() if ground is None else ground
    frames, masks = [], []
    for number in range(count):
        clean, left = ground.copy(), 10 + speed * number
        clean[40:80, left : left + 30] = colour
        frames.append(seen(clean, rng, noise))
        mask = np.zeros(clean.shape[:2], bool)
        mask[40:80, left : left + 30] = True
        masks.append(mask)
    return frames, masks


@pytest.mark.parametrize("speed", [1, 3, 7])
@pytest.mark.parametrize("paint", [harsh, flat])
def test_what_moves_leaves_no_trail(paint, speed):
    rng = np.random.default_rng(0)
    photos, masks = moving_square(speed, (240, 50, 30), rng)
    pictures = [paint(photo) for photo in photos]
    last = smoothed(photos, pictures, 0.8)[-1].astype(int)
    change = np.abs(last - pictures[-1]).mean(-1)
    rim = masks[-1] ^ cv2.erode(masks[-1].astype(np.uint8), np.ones((7, 7))) > 0
    left = np.logical_or.reduce(masks[:-1]) & ~masks[-1]
    elsewhere = ~np.logical_or.reduce(masks)
    # At the square's rim the picture is the fresh one; where the square has been, it
    # differs from it by the noise that is taken out, as everywhere, and no more.
    assert change[rim].mean() < 1
    assert change[left].mean() < 1.1 * change[elsewhere].mean()
    bias = (last - pictures[-1])[left].mean(0)
    assert np.abs(bias).max() < 1


def test_motion_is_seen_by_its_colour_too():
    rng = np.random.default_rng(0)
    ground = np.full((120, 160, 3), 128.0)
    colour = 188, 98, 125  # as light as the ground
    photos, masks = moving_square(3, colour, rng, ground=ground)
    last = smoothed(photos, photos, 1)[-1].astype(int)
    left = masks[-2] & ~masks[-1]
    assert np.abs((last - photos[-1])[left].mean(0)).max() < 2


def test_a_cut_begins_anew():
    rng = np.random.default_rng(0)
    photos = [seen(scene(1), rng) for _ in range(5)]
    photos += [seen(scene(2), rng) for _ in range(5)]
    for photo in photos:  # bars that stay
        photo[:12] = photo[-12:] = 0
    pictures = [harsh(photo) for photo in photos]
    pictures[5][:12] = 40
    result = smoothed(photos, pictures, 1)
    np.testing.assert_array_equal(result[0], pictures[0])
    np.testing.assert_array_equal(result[5], pictures[5])
    assert (result[4] != pictures[4]).any() and (result[6] != pictures[6]).any()


def test_slow_change_is_followed():
    """A fade of one level a frame never lags by more than noise would."""
    photos = [np.full((40, 40, 3), 60 + number, np.uint8) for number in range(60)]
    result = smoothed(photos, photos, 1)
    assert abs(int(result[-1][20, 20, 0]) - int(photos[-1][20, 20, 0])) <= 4


def test_what_stands_still_converges_to_the_mean_without_rounding_away():
    photo = np.full((40, 40, 3), 128, np.uint8)
    pictures = [np.full((40, 40, 3), 100 + (n % 2), np.uint8) for n in range(50)]
    pictures += [np.full((40, 40, 3), 103, np.uint8)] * 50
    result = smoothed([photo] * 100, pictures, 1)
    assert (result[-1] == 103).all()


def test_pictures_smaller_than_their_photos():
    rng = np.random.default_rng(0)
    photos = [seen(scene(), rng, 8) for _ in range(8)]
    pictures = [harsh(photo[::2, ::2]) for photo in photos]
    result = smoothed(photos, pictures, 0.8)
    assert result[3].shape == (60, 80, 3) and result[3].dtype == np.uint8
    assert flicker(photos, result) < 0.5 * flicker(photos, pictures)
    other = TemporalSmoother(1)
    other(photos[0], photos[0])
    np.testing.assert_array_equal(other(photos[1], pictures[1]), pictures[1])


def test_strength_zero_changes_nothing_and_others_are_refused():
    rng = np.random.default_rng(0)
    photos = [seen(scene(), rng) for _ in range(4)]
    for photo, picture in zip(photos, smoothed(photos, photos, 0)):
        np.testing.assert_array_equal(picture, photo)
    for strength in (-0.1, 1.1, float("nan")):
        with pytest.raises(InputError, match=f"strength must .*received {strength}"):
            TemporalSmoother(strength)


def test_flicker_counts_still_pixels_only():
    photos = [np.full((40, 80, 3), 100, np.uint8) for _ in range(3)]
    pictures = [np.full((40, 80, 3), value, np.uint8) for value in (10, 13, 12)]
    assert flicker(photos, pictures) == 2
    photos[1][:, :40] = 140
    pictures[1][:, :20] = 200  # well inside what has moved
    assert flicker(photos, pictures) == 2
    assert flicker(iter(photos), iter(pictures)) == 2
    assert np.isnan(flicker(photos[:1], pictures[:1]))
    with pytest.raises(ValueError):
        flicker(photos, pictures[:2])
