"""The step of phase 2: its losses, its updates, and what a broken batch leaves."""

import functools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import assert_close
from tiny_trainers import make_batch, make_trainer, moved, small_generator, values

from animegan_tf import losses
from animegan_tf.config import LossWeights
from animegan_tf.ops import gram_matrix, guided_filter, to_gray, to_uint8
from animegan_tf.training.dtgan import DTGAN
from animegan_tf.training.step import (
    Phase,
    WeightAverage,
    minimize,
    restore,
    snapshot,
    watching,
)

# No two weights are alike, so that none can take another's place.
WEIGHTS = LossWeights(
    *(0.5, (1.0, 50.0, 250.0), 0.2, 0.3, 10.0, 2.0, 0.7),
    *(0.0, 1.0, 0.4, 20.0, 0.6, 0.8, 1.1, 2.1, 0.9),
)
RATE = 1e-3


def paper_losses(trainer, batch):
    """Both sides' losses, straight from the paper's table."""
    w, features = WEIGHTS, trainer.features
    d_support, d_main = trainer.support_discriminator, trainer.main_discriminator
    tails = trainer.generator(batch["photo"], training=True)
    support, main = guided_filter(tails["support"]), tails["main"]
    unit = np.clip((np.asarray(support) + 1) / 2, 0, 1)
    regions, revision = trainer.targets.make(
        unit, np.asarray(to_uint8(tails["support"]))
    )
    regions, revision = regions * 2 - 1, revision * 2 - 1
    gray, anime, smooth = map(to_gray, (support, batch["anime"], batch["anime_smooth"]))

    def content(a, b):
        return losses.feature_distance(features(a)["content"], features(b)["content"])

    grams = [map(gram_matrix, features(x)["style"]) for x in (anime, gray)]
    style = [losses.style_distance(*pair) for pair in zip(*grams)]
    generator = {
        "support/adversarial": w.support_adversarial
        * tf.reduce_mean((d_support(gray) - 0.9) ** 2),
        "support/content": w.content * content(batch["photo"], support),
        "support/style_low": w.style[0] * style[0],
        "support/style_middle": w.style[1] * style[1],
        "support/style_high": w.style[2] * style[2],
        "support/region": w.region * content(regions, support),
        "support/photo_region": w.photo_region
        * content(batch["photo_superpixels"], support),
        "support/color": w.color
        * losses.lab_distance(batch["photo"], support, w.lightness),
        "support/total_variation": w.total_variation * losses.total_variation(support),
        "main/adversarial": w.main_adversarial
        * tf.reduce_mean((d_main(main) - 1.0) ** 2),
        "main/revision_pixel": w.revision_pixel
        * tf.reduce_mean(tf.abs(revision - main)),
        "main/revision_feature": w.revision_feature * content(revision, main),
        "main/total_variation": w.total_variation * losses.total_variation(main),
    }
    gray, main = tf.stop_gradient(gray), tf.stop_gradient(main)
    discriminators = {
        "discriminator/anime": w.anime_real
        * tf.reduce_mean((d_support(anime) - 0.9) ** 2),
        "discriminator/painted": w.painted_fake
        * tf.reduce_mean((d_support(gray) - 0.1) ** 2),
        "discriminator/smooth": w.anime_smooth
        * tf.reduce_mean((d_support(smooth) - 0.1) ** 2),
        "discriminator/main": w.main_discriminator
        * tf.reduce_mean((d_main(revision) - 1.0) ** 2 + d_main(main) ** 2),
    }
    return generator, discriminators


@functools.cache
def first_step():
    """A trainer after one step, and what the paper and the step say of it.

    Returns:
        The trainer; by side, its variables, their values before and the gradients that
        the paper gives; the paper's losses and the step's.
    """
    trainer, batch = (
        make_trainer((RATE, RATE), weights=WEIGHTS, kind=DTGAN),
        make_batch(),
    )
    with tf.GradientTape(persistent=True) as tape:
        expected = paper_losses(trainer, batch)
        totals = [sum(side.values()) for side in expected]
    sides = trainer.generator.trainable_variables, trainer.discriminator_variables
    sides = [
        (variables, values(variables), tape.gradient(total, variables))
        for variables, total in zip(sides, totals)
    ]
    return trainer, sides, expected[0] | expected[1], trainer.train_step(batch)


def test_the_losses_are_those_of_the_paper():
    _, _, expected, found = first_step()
    assert {name: float(x) for name, x in found.items()} == pytest.approx(
        {name: float(x) for name, x in expected.items()}, rel=1e-4
    )


@pytest.mark.parametrize("side", ["generator", "discriminators"])
def test_each_side_goes_down_the_gradient_of_its_own_losses(side):
    trainer, sides, _, _ = first_step()
    variables, before, gradients = sides[side == "discriminators"]
    slots = trainer.optimizers[side].variables
    moments = [slot for slot in slots if slot.name.endswith("_momentum")]
    for variable, start, gradient, moment in zip(
        variables, before, gradients, moments, strict=True
    ):
        # Adam keeps 1 - beta_1 of its first gradient, and goes against it.
        assert_close(moment, 0.5 * np.asarray(gradient), 1e-3)
        change = np.asarray(variable) - start
        assert np.abs(change).max() == pytest.approx(RATE, rel=0.01)
        assert (change * np.asarray(moment) <= 0).all()


def test_every_picture_passes_each_network_as_often_as_it_must(monkeypatch):
    trainer, calls = make_trainer(kind=DTGAN), []

    def counting(name, model):
        original = type(model).__call__

        class Counted(type(model)):
            def __call__(self, x, **kwargs):
                calls.append((name, np.asarray(x).tobytes()))
                return original(self, x, **kwargs)

        monkeypatch.setattr(model, "__class__", Counted)

    counting("features", trainer.features)
    counting("generator", trainer.generator)
    counting("support", trainer.support_discriminator)
    counting("main", trainer.main_discriminator)
    layer = trainer.support_discriminator.get_layer("stem")
    twin = keras.models.clone_model(trainer.support_discriminator)
    twin.set_weights(trainer.support_discriminator.get_weights())
    trainer.train_step(make_batch())
    counts = {name: sum(c[0] == name for c in calls) for name, _ in calls}
    assert counts == {"features": 8, "generator": 1, "support": 2, "main": 2}
    assert len(set(calls)) == len(calls)
    # Spectral vectors move once, from the kernels that the step began with.
    twin(make_batch()["photo"], training=True)
    np.testing.assert_allclose(layer.u, twin.get_layer("stem").u, rtol=1e-5, atol=1e-6)


@functools.cache
def exact_losses():
    terms = make_trainer(kind=DTGAN).train_step(make_batch())
    return {name: float(value) for name, value in terms.items()}


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_a_step_in_mixed_precision(precision):
    trainer, batch = make_trainer(precision=precision, kind=DTGAN), make_batch()
    before = values(trainer.generator.trainable_variables)
    first = {name: float(x) for name, x in trainer.train_step(batch).items()}
    step = tf.function(trainer.train_step, autograph=False)  # as `fit` does
    for _ in range(5):  # the first steps find a loss scale that does not overflow
        logs = step(batch)
    assert all(np.isfinite(float(v)) for v in logs.values())
    assert any(moved(trainer.generator.trainable_variables, before))
    assert {w.dtype for w in trainer.generator.trainable_variables} == {"float32"}
    scaled = isinstance(
        trainer.discriminator_optimizer, keras.optimizers.LossScaleOptimizer
    )
    assert scaled == (precision == "mixed_float16")
    for name, value in exact_losses().items():
        assert first[name] == pytest.approx(value, rel=0.1, abs=1e-3)


# A step that is not finite.


@pytest.mark.parametrize(
    "kind, loss",
    [("photo", "support/color"), ("anime_smooth", "discriminator/smooth")],
)
def test_a_broken_batch_changes_nothing(kind, loss):
    trainer = first_step()[0]
    means = [v for metric in trainer.metrics for v in metric.variables]
    before = values(trainer.moved_variables + means)
    batch = make_batch(seed=1)
    batch[kind] = tf.where(batch[kind] > 0.99, math.nan, batch[kind])
    trainer.train_step(batch)
    assert not any(moved(trainer.moved_variables + means, before))
    readings = trainer.readings.read()
    assert readings["step/applied"] == 0
    assert math.isnan(readings[loss])
    assert math.isfinite(readings["discriminator/anime"])


class Root(Phase):
    """One weight at 1, and a loss whose gradient is infinite there."""

    def __init__(self, optimizer):
        super().__init__("root", ("loss",))
        self.generator = keras.Sequential([keras.layers.Dense(1, use_bias=False)])
        self.generator.build((1, 1))
        self.generator.set_weights([np.ones((1, 1))])
        self.average = WeightAverage(self.generator, 0.9)
        self.generator_optimizer = optimizer
        optimizer.build(self.generator.trainable_variables)

    def train_step(self, added):
        before, variables = self.snapshot(), self.generator.trainable_variables
        with watching(variables) as tape:
            loss = tf.sqrt(variables[0].value[0, 0] - 1.0) + added
        minimize({"loss": loss}, tape, self.generator_optimizer, variables)
        return self.finish(before, {"loss": loss})


def test_an_overflow_of_scaled_gradients_is_no_failure():
    def step(scale, added=0.0):
        optimizer = keras.optimizers.Adam(0.1)
        if scale:
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer, scale)
        phase = Root(optimizer)
        phase.train_step(added)
        assert float(phase.generator.weights[0][0, 0]) == 1.0
        assert int(optimizer.iterations) == 0
        readings = phase.readings.read()
        left = float(optimizer.dynamic_scale) if scale else None
        return readings["step/applied"], readings["step/generator"], left

    assert step(scale=1024.0) == (1, 1, 512)
    # What is not finite with nothing left to scale by is no overflow.
    assert step(scale=1.0) == (0, 0, 1)
    assert step(scale=None) == (0, 0, None)
    # A step that is refused for another reason does not lower the scale.
    assert step(scale=1024.0, added=math.nan) == (0, 1, 1024)


def test_a_snapshot_comes_back_unless_it_is_to_be_kept():
    number, count = keras.Variable([1.0, 2.0]), tf.Variable(3, dtype=tf.int64)
    for kept in (True, False):
        before = snapshot([number, count])
        number.assign([math.nan, 5.0])
        count.assign_add(1)
        restore(before, tf.constant(kept))
        number.assign(tf.where(tf.math.is_nan(number), 0.0, number))
    np.testing.assert_array_equal(number, [0.0, 5.0])
    assert int(count) == 4


def test_the_average_follows_with_its_decay():
    generator = small_generator()
    average = WeightAverage(generator, 0.9)
    weight, mean = generator.weights[0], average.model.weights[0]
    start = np.array(weight)
    weight.assign(start + 1)
    average.update()  # update 0: a decay of 1 / 10
    np.testing.assert_allclose(mean, start + 0.9, rtol=1e-5)
    average.updates.assign(10_000)
    average.update()  # far on: 0.9
    np.testing.assert_allclose(mean, start + 0.91, rtol=1e-5)
