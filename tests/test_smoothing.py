"""Smoothing filters against the authors' numbers and against what they promise."""

from pathlib import Path

import numpy as np
import pytest

from animegan_tf.errors import InputError
from animegan_tf.imaging.smoothing import edge_smooth, impulse_noise, l0_smooth, revise

# One 64 px photo and what the authors' code makes of it (uint8, or [-1, 1]).
VECTORS = np.load(Path(__file__).parent / "data" / "imaging_vectors.npz")
PHOTO = VECTORS["photo_uint8"]
SHINKAI = {"strength": 7, "template": 6}


def test_edge_smooth_matches_the_authors():
    error = np.abs(edge_smooth(PHOTO).astype(int) - VECTORS["edge_smooth"])
    assert error.max() <= 1


def test_edge_smooth_touches_only_the_neighbourhood_of_contours():
    image = np.full((40, 40, 3), 20, np.uint8)
    image[:, 20:] = 230
    smooth = edge_smooth(image)
    assert smooth.dtype == np.uint8
    changed = (smooth != image).any(axis=(0, 2))
    assert changed[18:22].all() and not changed[:18].any() and not changed[22:].any()


def test_l0_matches_the_authors():
    smooth = l0_smooth(PHOTO / 255)
    assert smooth.dtype == np.float64
    np.testing.assert_allclose(smooth, VECTORS["l0_smooth"], atol=2e-7)


def test_l0_in_float32_stays_close_to_float64():
    smooth = l0_smooth((PHOTO / 255).astype(np.float32))
    assert smooth.dtype == np.float32
    error = np.abs(smooth - VECTORS["l0_smooth"])
    assert error.max() < 2e-3 and error.mean() < 1e-4


@pytest.mark.parametrize("shape", [(31, 20, 3), (20, 31, 1), (1, 9, 3), (9, 1, 3)])
def test_l0_equals_the_textbook_form_at_any_size(shape):
    image = np.random.default_rng(0).random(shape)
    np.testing.assert_allclose(l0_smooth(image, 0.02), textbook_l0(image, 0.02, 2.0))
    np.testing.assert_allclose(
        l0_smooth(image, 0.02, 1.5), textbook_l0(image, 0.02, 1.5)
    )


def test_l0_of_faint_gradients_equals_the_textbook_form():
    # At first every gradient is below the threshold: a shorter path in the code.
    image = 0.5 + 0.1 * np.random.default_rng(0).random((16, 20, 3))
    np.testing.assert_allclose(l0_smooth(image, 1e-4), textbook_l0(image, 1e-4, 2.0))


def textbook_l0(image, lam, kappa):
    """Algorithm 1 of Xu et al. 2011 with complex transforms, line by line."""
    height, width, _ = image.shape
    impulse = np.zeros((height, width))
    impulse[0, 0] = 1
    transfer = sum(
        np.abs(np.fft.fft2(np.roll(impulse, -1, axis) - impulse)) ** 2
        for axis in (0, 1)
    )[..., None]
    source = np.fft.fft2(image, axes=(0, 1))
    smooth, beta = image, 2 * lam
    while beta < 1e5:
        down = np.roll(smooth, -1, 0) - smooth
        across = np.roll(smooth, -1, 1) - smooth
        dropped = (down**2 + across**2).sum(-1) < lam / beta
        down[dropped] = across[dropped] = 0
        divergence = np.roll(down, 1, 0) - down + np.roll(across, 1, 1) - across
        spectrum = source + beta * np.fft.fft2(divergence, axes=(0, 1))
        smooth = np.fft.ifft2(spectrum / (1 + beta * transfer), axes=(0, 1)).real
        beta *= kappa
    return smooth


def test_l0_flattens_texture_and_keeps_a_strong_edge():
    rng = np.random.default_rng(0)
    clean = np.full((32, 32, 3), 0.2)
    clean[8:24, 8:24] = 0.8
    smooth = l0_smooth(clean + rng.normal(0, 0.02, clean.shape), 0.02)
    flat = smooth[10:22, 10:22]
    assert np.abs(np.diff(flat, axis=0)).max() < 1e-3
    assert (smooth[16, 8] - smooth[16, 7]).min() > 0.5


def test_l0_leaves_its_input_alone():
    image = (PHOTO / 255).astype(np.float32)
    before = image.copy()
    l0_smooth(image)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("style, options", [("hayao", {}), ("shinkai", SHINKAI)])
def test_revision_matches_the_authors(style, options):
    revised = revise(PHOTO, **options)
    assert revised.dtype == np.float32
    assert revised.min() >= 0 and revised.max() <= 1
    reference = VECTORS[f"revision_{style}"].astype(np.float32)
    # On average within two levels: releases of OpenCV denoise differently. Handing
    # the picture over as BGR instead is 1.7 levels away, so the bound is tighter.
    assert np.abs(revised * 255 - (reference + 1) * 127.5).mean() < 1


@pytest.mark.parametrize("color", [(0, 0, 0), (255, 255, 255), (200, 120, 40)])
def test_flat_picture_is_a_fixed_point(color):
    flat = np.full((24, 36, 3), color, np.uint8)
    np.testing.assert_array_equal(edge_smooth(flat), flat)
    np.testing.assert_allclose(l0_smooth(flat / 255), flat / 255, atol=1e-12)
    # The denoiser goes through 8-bit Lab and back, which may move a level or two.
    np.testing.assert_allclose(revise(flat) * 255, flat, atol=2)


@pytest.mark.parametrize("amount", [0, 0.1, 0.37, 1])
def test_noise_whitens_the_share_asked_for(amount):
    image = np.zeros((20, 30, 3), np.uint8)
    noisy = impulse_noise(image, np.random.default_rng(0), amount)
    white = (noisy == 255).all(-1)
    assert white.sum() == round(600 * amount)
    assert (noisy[~white] == 0).all() and not image.any()


def test_noise_follows_its_generator():
    first, again, other = (
        impulse_noise(PHOTO, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_noise_reaches_views_that_are_not_contiguous():
    flipped = np.zeros((20, 30, 3), np.uint8)[:, ::-1].transpose(1, 0, 2)
    assert (impulse_noise(flipped, np.random.default_rng(0)) == 255).sum() == 60 * 3


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: impulse_noise(PHOTO, None, 1.1), r"amount .*\[0, 1\].* 1.1"),
        (lambda: impulse_noise(PHOTO, None, float("nan")), "amount .* nan"),
        (lambda: l0_smooth(PHOTO / 255, lam=0), "lam .*above 0.* 0"),
        (lambda: l0_smooth(PHOTO / 255, kappa=1), "kappa .*above 1.* 1"),
        (lambda: revise(PHOTO, template=0), "template .* 0, 7"),
        (lambda: revise(PHOTO, strength=-1), "strength .* -1, 6"),
    ],
)
def test_values_out_of_range_are_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_l0_refuses_levels():
    with pytest.raises(ValueError, match="float32 or float64.*uint8"):
        l0_smooth(PHOTO)
