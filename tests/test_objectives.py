import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import assert_close

from animegan_tf.config import OBJECTIVES
from animegan_tf.objectives import (
    gradient_penalty,
    objective,
    share_taken_for_real,
    zero_centred_penalty,
)
from animegan_tf.training.penalties import slope_penalty, verdict_gradients

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


def discriminators(rules, real, fake):
    total = rules.fake(fake, real)
    return total if rules.compares else total + rules.real(real)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_an_objective_is_the_formula_of_its_paper(name):
    rules, (judge, paint) = objective(name), FORMULAS[name]
    assert float(discriminators(rules, REAL, FAKE)) == pytest.approx(
        judge(REAL, FAKE), rel=1e-5
    )
    assert float(rules.painted(FAKE, REAL)) == pytest.approx(
        paint(REAL, FAKE), rel=1e-5
    )


@pytest.mark.parametrize("name", OBJECTIVES)
def test_each_side_moves_the_logits_its_way_and_large_ones_stay_numbers(name):
    rules = objective(name)
    for scale in (0.1, 1e4):
        real, fake = (tf.constant([scale * x]) for x in (0.3, 0.2))
        with tf.GradientTape(persistent=True) as tape:
            tape.watch([real, fake])
            judged = discriminators(rules, real, fake)
            painted = rules.painted(fake, real)
        values = judged, painted, *tape.gradient(judged, [real, fake])
        values += (tape.gradient(painted, fake),)
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
            painted = objective(name).painted(fake, real)
        slopes[name] = abs(float(tape.gradient(painted, fake)[0]))
    assert slopes.pop("minimax") < 1e-4
    assert min(slopes.values()) > 0.99


def test_penalties_against_their_closed_form():
    gradients = np.float32([[[3], [4]], [[0], [0]]])  # lengths 5 and 0
    assert float(gradient_penalty(gradients)) == pytest.approx((16 + 1) / 2, rel=1e-5)
    assert float(zero_centred_penalty(gradients)) == pytest.approx(25 / 4)


class Quadratic(keras.Model):
    """Four logits `scale |x|^2` a picture: the verdict's gradient is 2 scale x."""

    def __init__(self):
        super().__init__()
        self.scale = self.add_weight(name="scale", shape=(), initializer="ones")
        self.scale.assign(0.5)

    def call(self, x):
        value = self.scale * keras.ops.sum(x * x, axis=(1, 2, 3))
        return keras.ops.broadcast_to(
            value[:, None, None, None], (*value.shape, 2, 2, 1)
        )


def test_a_slope_is_penalised_through_the_gradient_of_the_gradient():
    network = Quadratic()
    real = tf.constant(rng.normal(size=(3, 4, 4, 3)), tf.float32)
    fakes = [(1.0, 2 * real), (2.0, 3 * real)]
    assert_close(verdict_gradients(network, real), real, 1e-6)
    square = float(tf.reduce_sum(real * real)) / 3
    key = tf.constant([1, 2], tf.int64)
    # With scale s the penalty R1 is 2 s^2 |x|^2.
    for kind, amount in (("r1", 3), ("r1_r2", 3 + 1 * 4 + 2 * 9)):
        with tf.GradientTape() as tape:
            penalty = slope_penalty(kind, network, real, fakes, key)
        assert float(penalty) == pytest.approx(0.5 * amount * square, rel=1e-5)
        slope = tape.gradient(penalty, network.scale.value)
        assert float(slope) == pytest.approx(2 * amount * square, rel=1e-5)


def test_the_gradient_penalty_looks_between_real_and_fake():
    network, key = Quadratic(), tf.constant([1, 2], tf.int64)
    real = tf.ones((400, 1, 1, 1))
    # At points x between 1 and 3, with slopes x: the mean of (x - 1)^2 is 4/3.
    penalty = slope_penalty("gradient", network, real, [(2.0, 3 * real)], key)
    assert float(penalty) == pytest.approx(2 * 4 / 3, rel=0.1)
    again = slope_penalty("gradient", network, real, [(2.0, 3 * real)], key)
    assert float(again) == float(penalty)
    other = slope_penalty("gradient", network, real, [(2.0, 3 * real)], key + 1)
    assert float(other) != float(penalty)


def test_separation_of_training_pictures():
    real, fake = np.float32([0.6, 0.4, 0.9, 0.7]), np.float32([0.5, 0.6, 1.0, 0.2])
    assert float(share_taken_for_real(real, 0.5, fake)) == pytest.approx(0.5)
    assert float(share_taken_for_real(real, None, fake)) == pytest.approx(0.0)
