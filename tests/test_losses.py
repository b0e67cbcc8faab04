import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import assert_close, reference
from skimage.color import rgb2lab

from animegan_tf import losses
from animegan_tf.config import OBJECTIVES
from animegan_tf.ops import (
    gram_matrix,
    guided_filter,
    rgb_to_lab,
    to_float,
    to_gray,
    to_uint8,
)
from animegan_tf.training.penalties import logit_gradients, penalty


@pytest.fixture(scope="module")
def photo():
    return to_float(reference()["photo_uint8"])


def test_every_grey_level_survives_the_round_trip():
    levels = np.arange(256, dtype="uint8").reshape(1, 16, 16, 1).repeat(3, -1)
    np.testing.assert_array_equal(to_uint8(to_float(levels)), levels)
    np.testing.assert_array_equal(to_uint8(np.float32([-3, 3])), [0, 255])


def test_distances_of_features_are_divided_by_their_channels():
    a, b = np.zeros((1, 2, 2, 8), "float32"), np.full((1, 2, 2, 8), 3, "float32")
    assert float(losses.feature_distance(a, b)) == pytest.approx(3 / 8)
    assert float(losses.style_distance(a[0], b[0])) == pytest.approx(3 / 8)


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


# Objectives.

rng = np.random.default_rng(0)
REAL, FAKE = rng.normal(0, 2, (2, 3, 4, 4, 1)).astype("float32")


def sigmoid(x):
    return 1 / (1 + np.exp(-x.astype("float64")))


# What the papers write, in numpy: discriminator and generator.
FORMULAS = {
    "least_squares": (
        lambda r, f: ((r - 1) ** 2).mean() + (f**2).mean(),
        lambda r, f: ((f - 1) ** 2).mean(),
    ),
    "minimax": (
        lambda r, f: -np.log(sigmoid(r)).mean() - np.log(1 - sigmoid(f)).mean(),
        lambda r, f: np.log(1 - sigmoid(f)).mean(),
    ),
    "non_saturating": (
        lambda r, f: -np.log(sigmoid(r)).mean() - np.log(1 - sigmoid(f)).mean(),
        lambda r, f: -np.log(sigmoid(f)).mean(),
    ),
    "hinge": (
        lambda r, f: -np.minimum(0, r - 1).mean() - np.minimum(0, -1 - f).mean(),
        lambda r, f: -f.mean(),
    ),
    "wasserstein": (lambda r, f: f.mean() - r.mean(), lambda r, f: -f.mean()),
    "relativistic": (
        lambda r, f: -np.log(sigmoid(r - f)).mean(),
        lambda r, f: -np.log(sigmoid(f - r)).mean(),
    ),
}


@pytest.mark.parametrize("name", OBJECTIVES)
def test_an_objective_is_the_formula_of_its_paper(name):
    discriminator, generator = losses.objective(name)
    formulas = FORMULAS[name]
    total = sum(discriminator(REAL, FAKE))
    assert float(total) == pytest.approx(formulas[0](REAL, FAKE), rel=1e-5)
    assert float(generator(REAL, FAKE)) == pytest.approx(
        formulas[1](REAL, FAKE), rel=1e-5
    )


@pytest.mark.parametrize("name", OBJECTIVES)
def test_each_side_moves_the_logits_its_way_and_large_ones_stay_numbers(name):
    discriminator, generator = losses.objective(name)
    for scale in (0.1, 1e4):
        real, fake = (tf.constant([scale * x]) for x in (0.3, 0.2))
        with tf.GradientTape(persistent=True) as tape:
            tape.watch([real, fake])
            one, other = sum(discriminator(real, fake)), generator(real, fake)
        values = one, other, *tape.gradient(one, [real, fake])
        values += (tape.gradient(other, fake),)
        assert np.isfinite([float(np.sum(value)) for value in values]).all()
        if scale == 0.1:
            # Down the gradient: real up, fake down; the generator's fake up.
            assert values[2] < 0 and values[3] > 0 and values[4] < 0


def test_only_the_original_minimax_leaves_a_rejected_generator_without_gradient():
    slopes = {}
    for name in OBJECTIVES:
        real, fake = tf.constant([12.0]), tf.constant([-12.0])
        with tf.GradientTape() as tape:
            tape.watch(fake)
            loss = losses.objective(name).generator(real, fake)
        slopes[name] = abs(float(tape.gradient(loss, fake)[0]))
    assert slopes.pop("minimax") < 1e-4
    assert min(slopes.values()) > 0.99


# Penalties.


def test_penalties_against_their_closed_form():
    gradients = np.float32([[[3], [4]], [[0], [0]]])  # norms 5 and 0
    assert float(losses.gradient_penalty(gradients)) == pytest.approx(
        (16 + 1) / 2, rel=1e-5
    )
    assert float(losses.zero_centred_penalty(gradients)) == pytest.approx(25 / 4)


class Quadratic(keras.Model):
    """Four logits `scale |x|^2` a picture: the gradient of their mean is 2 scale x."""

    def __init__(self):
        super().__init__()
        self.scale = self.add_weight(name="scale", shape=(), initializer="ones")
        self.scale.assign(0.5)

    def call(self, x):
        value = self.scale * keras.ops.sum(x * x, axis=(1, 2, 3))
        return keras.ops.broadcast_to(
            value[:, None, None, None], (*value.shape, 2, 2, 1)
        )


def test_a_penalty_is_trained_through_the_gradient_of_the_gradient():
    network = Quadratic()
    real = tf.constant(rng.normal(size=(3, 4, 4, 3)), tf.float32)
    fakes = [(1.0, 2 * real), (2.0, 3 * real)]
    assert_close(logit_gradients(network, real), real, 1e-6)
    square = float(tf.reduce_sum(real * real)) / 3
    key = tf.constant([1, 2], tf.int64)
    # With scale s the penalty R1 is 2 s^2 |x|^2.
    for kind, amount in (("r1", 3), ("r1_r2", 3 + 1 * 4 + 2 * 9)):
        with tf.GradientTape() as tape:
            value = penalty(kind, network, real, fakes, key)
        assert float(value) == pytest.approx(0.5 * amount * square, rel=1e-5)
        slope = tape.gradient(value, network.scale.value)
        assert float(slope) == pytest.approx(2 * amount * square, rel=1e-5)


def test_the_gradient_penalty_looks_between_real_and_fake():
    network, key = Quadratic(), tf.constant([1, 2], tf.int64)
    real = tf.ones((400, 1, 1, 1))
    # At points x between 1 and 3, with gradients x: the mean of (x - 1)^2 is 4/3.
    value = penalty("gradient", network, real, [(2.0, 3 * real)], key)
    assert float(value) == pytest.approx(2 * 4 / 3, rel=0.1)
    again = penalty("gradient", network, real, [(2.0, 3 * real)], key)
    assert float(again) == float(value)
    other = penalty("gradient", network, real, [(2.0, 3 * real)], key + 1)
    assert float(other) != float(value)
