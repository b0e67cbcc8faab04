"""Superpixels against the authors' numbers and scikit-image's definition."""

from pathlib import Path

import numpy as np
import pytest
from skimage.color import label2rgb
from skimage.segmentation import felzenszwalb

from animegan_tf.errors import InputError
from animegan_tf.imaging.superpixel import METHODS, paint_regions, superpixels

VECTORS = np.load(Path(__file__).parent / "data" / "imaging_vectors.npz")
PHOTO = VECTORS["photo_uint8"]


@pytest.mark.parametrize("min_size", [50, 100])
def test_felzenszwalb_matches_the_authors(min_size):
    painted = superpixels(PHOTO, min_size=min_size)
    reference = VECTORS[f"superpixel_{min_size}"]
    assert np.abs(painted.astype(int) - reference).max() <= 1


def test_painting_equals_label2rgb():
    labels = felzenszwalb(PHOTO, 5, 0.8, 20)
    expected = label2rgb(labels, PHOTO, kind="avg", bg_label=-1)
    np.testing.assert_array_equal(paint_regions(PHOTO, labels), expected)


def test_painting_by_hand():
    image = np.array([[[0, 10, 255], [3, 20, 255], [90, 7, 1]]], np.uint8)
    # Label 1 is unused; the mean 1.5 of the first region loses its fraction.
    painted = paint_regions(image, np.array([[0, 0, 2]]))
    np.testing.assert_array_equal(painted, [[[1, 15, 255]] * 2 + [[90, 7, 1]]])


@pytest.mark.parametrize("method", METHODS)
def test_flat_picture_is_a_fixed_point(method):
    flat = np.full((24, 36, 3), (200, 120, 40), np.uint8)
    np.testing.assert_array_equal(superpixels(flat, method), flat)


@pytest.mark.parametrize("method", METHODS)
def test_mean_colour_is_kept_and_colours_are_few(method):
    painted = superpixels(PHOTO, method, segments=40)
    assert painted.dtype == np.uint8 and painted.shape == PHOTO.shape
    # Dropping fractions costs at most one level, half of one on average.
    loss = PHOTO.mean((0, 1)) - painted.mean((0, 1))
    assert (loss > -1e-9).all() and (loss < 1).all()
    assert len(np.unique(painted.reshape(-1, 3), axis=0)) < 120


@pytest.mark.parametrize("method", METHODS)
def test_floats_are_painted_like_levels_and_keep_their_means(method):
    image = PHOTO / np.float32(255)
    painted = superpixels(image, method, segments=40)
    assert painted.dtype == np.float32
    np.testing.assert_allclose(painted.mean((0, 1)), image.mean((0, 1)), atol=1e-4)
    apart = np.abs(painted * 255 - superpixels(PHOTO, method, segments=40))
    assert np.mean(apart >= 1.001) < 0.01  # elsewhere only the fraction is lost


def test_options_reach_the_segmentation():
    def regions(**options):
        return len(np.unique(superpixels(PHOTO, **options).reshape(-1, 3), axis=0))

    assert regions(min_size=200) < regions(min_size=20)
    assert regions(scale=500, min_size=1) < regions(scale=5, min_size=1)
    assert regions(sigma=2, min_size=1) < regions(sigma=0.1, min_size=1)
    assert regions(method="slic", segments=10) < regions(method="slic", segments=80)


def test_unknown_method_is_refused():
    with pytest.raises(InputError, match="felzenszwalb, slic.*'quickshift'"):
        superpixels(PHOTO, "quickshift")
