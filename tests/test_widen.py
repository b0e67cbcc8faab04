"""Generators made twice as wide."""

import numpy as np
import pytest
from helpers import random_generator

from animegan_tf.models import generator_shape, main_tail, widened


@pytest.fixture(scope="module")
def generator():
    return random_generator(4)


def photos():
    return np.random.default_rng(3).uniform(-1, 1, (2, 32, 40, 3)).astype("float32")


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_a_wide_generator_paints_what_the_narrow_one_did(generator, noise):
    wide = widened(generator, noise)
    assert generator_shape(wide) == {**generator_shape(generator), "width": 8}
    expected = main_tail(generator)(photos(), training=False)
    assert np.abs(wide(photos(), training=False) - expected).max() < 1e-4


def test_noise_gives_equal_channels_weights_of_their_own(generator):
    quiet, noisy = widened(generator, 0.0), widened(generator, 0.5)
    for layer in quiet.layers:
        kernel = getattr(layer, "kernel", None)
        if kernel is None or kernel.shape[-2] == 3:
            continue
        twins = np.split(np.asarray(kernel), 2, axis=-2)
        np.testing.assert_array_equal(*twins)
        twins = np.split(np.asarray(noisy.get_layer(layer.name).kernel), 2, axis=-2)
        assert np.abs(twins[0] - twins[1]).min() > 0
