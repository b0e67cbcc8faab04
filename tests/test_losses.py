import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import assert_close, reference
from skimage.color import rgb2lab

from animegan_tf import losses
from animegan_tf.ops import (
    gram_matrix,
    guided_filter,
    rgb_to_lab,
    to_float,
    to_gray,
    to_uint8,
)


@pytest.fixture(scope="module")
def photo():
    return to_float(reference()["photo_uint8"])


def test_every_grey_level_survives_the_round_trip():
    levels = np.arange(256, dtype="uint8").reshape(1, 16, 16, 1).repeat(3, -1)
    np.testing.assert_array_equal(to_uint8(to_float(levels)), levels)
    np.testing.assert_array_equal(to_uint8(np.float32([-3, 3])), [0, 255])


def test_gray_lab_and_guided_filter_agree_with_the_authors_code(photo):
    numbers = reference()
    assert_close(to_gray(photo)[:, ::4, ::4], numbers["gray3"], 1e-5)
    assert_close(rgb_to_lab(photo)[:, ::4, ::4], numbers["lab"], 1e-5)
    filtered = (guided_filter(photo) + 1) / 2
    assert_close(filtered[:, ::4, ::4], numbers["guided_filter"], 1e-5)


def test_lab_agrees_with_skimage():
    rgb = np.random.default_rng(0).uniform(0, 1, (1, 32, 32, 3))
    assert_close(rgb_to_lab(rgb * 2 - 1), rgb2lab(rgb), 1e-4)


def test_lab_gradient_is_finite_at_black_and_white():
    picture = tf.constant([[[[-1.0] * 3, [1.0] * 3]]])
    with tf.GradientTape() as tape:
        tape.watch(picture)
        value = tf.reduce_sum(rgb_to_lab(picture))
    assert np.isfinite(tape.gradient(value, picture)).all()


def test_guided_filter_against_a_naive_loop():
    rng = np.random.default_rng(1)
    guide = rng.uniform(0, 1, (9, 8))

    def box(x):
        out = np.empty_like(x)
        for i in range(9):
            for j in range(8):
                out[i, j] = x[max(i - 2, 0) : i + 3, max(j - 2, 0) : j + 3].mean()
        return out

    variance = box(guide * guide) - box(guide) ** 2
    slope = variance / (variance + 0.01)
    expected = box(slope) * guide + box(box(guide) * (1 - slope))
    picture = np.repeat(guide[None, ..., None], 3, axis=-1).astype("float32") * 2 - 1
    assert_close((guided_filter(picture)[0, ..., 0] + 1) / 2, expected, 1e-5)


def test_losses_agree_with_the_authors_code(photo):
    numbers = reference()
    other = photo[::-1]
    assert float(losses.lab_distance(photo, other)) == pytest.approx(
        float(numbers["loss/lab_color"]), rel=1e-5
    )
    assert float(losses.total_variation(photo)) == pytest.approx(
        float(numbers["loss/total_variation"]), rel=1e-5
    )


def test_adversarial_losses_agree_with_the_authors_code():
    numbers = reference()
    a, b = numbers["logit_a"], numbers["logit_b"]
    mine = {
        "g_support": losses.lsgan(a, 0.9),
        "g_main": losses.lsgan(a, 1.0),
        "d_support": 0.5 * losses.lsgan(a, 0.9) + losses.lsgan(b, 0.1),
        "d_smooth": losses.lsgan(a, 0.1),
        "d_main": losses.lsgan(a, 1.0) + losses.lsgan(b, 0.0),
    }
    for name, value in mine.items():
        expected = float(numbers[f"adversarial/{name}"])
        assert float(value) == pytest.approx(expected, rel=1e-5), name


def test_total_variation_by_hand():
    picture = np.float32([[1, 3], [2, 7]]).reshape(1, 2, 2, 1)
    # down: 1, 16; across: 4, 25
    assert float(losses.total_variation(picture)) == (17 / 2 + 29 / 2) / 2


def test_gram_matrix_by_hand():
    features = np.float32([[[1, 2], [3, 6]]])[None]  # two pixels, two channels
    centred = np.array([[-1.0, -2.0], [1.0, 2.0]])
    expected = centred.T @ centred / (2 * 2)
    np.testing.assert_allclose(gram_matrix(features)[0], expected)
    plain = np.array([[1.0, 2.0], [3.0, 6.0]])
    np.testing.assert_allclose(
        gram_matrix(features, center=False)[0], plain.T @ plain / (2 * 2)
    )


def test_lightness_weighs_only_lightness():
    black, grey = np.full((1, 4, 4, 3), -1.0), np.full((1, 4, 4, 3), -0.2)
    once = float(losses.lab_distance(black, grey, lightness=1.0))
    assert once > 0.1
    assert float(losses.lab_distance(black, grey, 0.0)) == pytest.approx(0, abs=1e-4)
    assert float(losses.lab_distance(black, grey)) == pytest.approx(2 * once, rel=1e-3)


def test_distances_of_a_thing_to_itself_are_zero(photo):
    gram = gram_matrix(photo)
    for value in (
        losses.pixel_distance(photo, photo),
        losses.feature_distance(photo, photo),
        losses.style_distance(gram, gram),
        losses.lab_distance(photo, photo),
    ):
        assert float(keras.ops.convert_to_numpy(value)) == 0
