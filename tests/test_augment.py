"""Colour changes, by each library that is installed."""

import importlib.util
import sys

import numpy as np
import pytest
import tensorflow as tf

from animegan_tf.data.augment import LIBRARIES, build_augmenter

INSTALLED = [
    name for name in LIBRARIES if importlib.util.find_spec(name.replace("-", "_"))
]


@pytest.fixture(params=INSTALLED)
def augment(request):
    return build_augmenter(1.0, request.param)


@pytest.fixture
def images():
    """Eight times the same picture, with colours away from the ends of the range."""
    rng = np.random.default_rng(0)
    return np.repeat(rng.integers(70, 180, (1, 16, 24, 3), np.uint8), 8, axis=0)


def hsv_means(image):
    return tf.image.rgb_to_hsv(image / 255).numpy().mean((0, 1))


def test_keras_is_always_tested():
    assert "keras" in INSTALLED


def test_shape_range_and_partner(augment, images):
    anime, smooth = augment(images, images, (1, 2))
    assert anime.dtype == tf.float32 and anime.shape == images.shape
    assert np.array_equal(anime, smooth)
    assert tf.reduce_min(anime) >= 0 and tf.reduce_max(anime) <= 255
    extremes = np.stack([np.zeros_like(images[0]), np.full_like(images[0], 255)])
    anime, _ = augment(extremes, extremes, (1, 2))
    assert tf.reduce_min(anime) >= 0 and tf.reduce_max(anime) <= 255


def test_each_picture_changes_in_its_own_way(augment, images):
    anime, _ = augment(images, images, (1, 2))
    means = np.array([hsv_means(image) for image in anime.numpy()])
    assert (np.ptp(means, axis=0) > (0.005, 0.02, 0.02)).all()
    contrast = anime.numpy().std((1, 2, 3))
    assert np.ptp(contrast) > 2


def test_a_pure_function_of_pictures_and_seed(augment, images):
    first, _ = augment(images, images, (1, 2))
    augment(images, images, (9, 9))
    again, _ = tf.function(augment)(tf.constant(images), images, tf.constant((1, 2)))
    assert np.allclose(first, again, atol=1e-3)
    for seed in ((1, 3), (2, 2)):
        assert not np.allclose(first, augment(images, images, seed)[0], atol=1)


@pytest.mark.parametrize("library", INSTALLED)
def test_strength_scales_the_change(library, images):
    changes = [
        np.abs(build_augmenter(s, library)(images, images, (1, 2))[0] - images).mean()
        for s in (0.01, 0.5, 1.0)
    ]
    assert changes[0] < 1 and changes[0] < changes[1] < changes[2]


@pytest.mark.skipif(len(INSTALLED) < 2, reason="keras-cv is not installed")
def test_libraries_agree(images):
    one, other = (build_augmenter(1.0, name) for name in LIBRARIES)
    assert np.allclose(
        one(images, images, (1, 2))[0], other(images, images, (1, 2))[0], atol=0.01
    )


def test_without_keras_cv_keras_does_it(monkeypatch, images):
    monkeypatch.setitem(sys.modules, "keras_cv", None)  # as if it were not installed
    expected = build_augmenter(1.0, "keras")(images, images, (1, 2))[0]
    assert np.array_equal(build_augmenter(1.0)(images, images, (1, 2))[0], expected)
    with pytest.raises(ImportError):
        build_augmenter(1.0, "keras-cv")


def test_strength_zero_changes_and_imports_nothing(monkeypatch, images):
    monkeypatch.setitem(sys.modules, "keras_cv", None)
    anime, smooth = build_augmenter(0.0, "keras-cv")(images, images + 1, (1, 2))
    assert np.array_equal(anime, images) and np.array_equal(smooth, images + 1)
