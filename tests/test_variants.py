"""Objectives and what steadies them, in training steps on pictures."""

import numpy as np
import pytest
import tensorflow as tf
from helpers import assert_close
from tiny_trainers import BATCH, KINDS, SIZE, make_batch, make_trainer, moved, values

from animegan_tf.config import (
    AUGMENTATIONS,
    OBJECTIVES,
    LossWeights,
    ObjectiveConfig,
    TrainConfig,
)
from animegan_tf.models import build_discriminator, build_features
from animegan_tf.ops import to_gray
from animegan_tf.training import build, variants
from animegan_tf.training.augmentation import AugmentationProbability, augmented, draw
from animegan_tf.training.dtgan import DTGAN
from animegan_tf.training.penalties import logit_gradients

VARIANTS = {
    "minimax": {"objective": "minimax", "penalty": "r1", "spectral": False},
    "non_saturating": {
        "objective": "non_saturating",
        "diff_augment": "translation,cutout,brightness",
        "ada_target": 0.6,
    },
    "hinge": {"objective": "hinge", "minibatch": 4},
    "wasserstein": {"objective": "wasserstein"},
    "relativistic": {"objective": "relativistic"},
}


def test_the_variants_below_are_all_objectives_but_the_default():
    assert {"least_squares", *VARIANTS} == set(OBJECTIVES)


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_trains_both_sides_with_finite_losses(name):
    settings = VARIANTS[name]
    trainer = make_trainer(**settings)
    trained = trainer.generator.trainable_variables + trainer.discriminator_variables
    before = values(trained)
    logs = trainer.train_step(make_batch())
    assert all(np.isfinite(float(value)) for value in logs.values())
    assert all(moved(trained, before))
    compares = name in ("wasserstein", "relativistic")
    assert ("discriminator/anime" in logs) != compares
    penalised = {"discriminator/penalty_support", "discriminator/penalty_main"}
    assert (penalised <= set(logs)) == (compares or "penalty" in settings)
    assert ("augmentation/main" in logs) == ("ada_target" in settings)


def test_default_settings_are_the_papers_step_to_the_bit():
    plain, variant = make_trainer(kind=DTGAN), make_trainer()
    for trainer in (plain, variant):
        trainer.train_step(make_batch())
    for a, b in zip(plain.moved_variables, variant.moved_variables):
        np.testing.assert_array_equal(a, b)


def test_losses_of_objectives_that_compare_weigh_every_fake_kind():
    trainer = make_trainer(objective="relativistic", penalty="none")
    rng = np.random.default_rng(1)
    names = ("support", "anime", "smooth", "main", "revision")
    logits = {n: rng.normal(size=(2, 4, 4, 1)).astype("float32") for n in names}
    losses = trainer.discriminator_losses(None, logits)

    def expected(weight, fake, real):
        return weight * np.log1p(np.exp(logits[fake] - logits[real])).mean()

    assert {name: float(value) for name, value in losses.items()} == pytest.approx(
        {
            "discriminator/painted": expected(1.0, "support", "anime"),
            "discriminator/smooth": expected(2.0, "smooth", "anime"),
            "discriminator/main": expected(0.1, "main", "revision"),
        },
        rel=1e-5,
    )


def test_phase_2_keeps_to_painted_photos_if_asked():
    trainer = make_trainer(weights=LossWeights(painted_pixel=3.0))
    batch = make_batch()
    batch["photo_painted"] = 0.6 - 0.3 * batch["photo"]
    loss = trainer.train_step(batch)["support/painted_pixel"]
    twin = make_trainer()
    support = variants.stylize(twin.generator, batch["photo"])["support"]
    expected = 3 * np.abs(support - batch["photo_painted"]).mean()
    assert float(loss) == pytest.approx(expected, rel=1e-4)
    # It reaches the support tail alone: its picture is not the one that a twin has.
    twin.train_step(batch)
    a, b = (t.generator.get_layer("support_picture").kernel for t in (trainer, twin))
    assert np.abs(np.asarray(a) - b).max() > 0


def test_penalties_of_a_step_are_those_of_the_pictures_shown():
    trainer = make_trainer(penalty="r1_r2", gamma=3.0)
    batch = make_batch()
    stylized = {"gray": to_gray(batch["photo"]), "main": batch["photo"]}
    inputs = trainer.discriminator_inputs(batch, stylized, batch["anime"])
    terms = trainer.penalties(inputs)

    def square(network, pictures):
        gradients = np.asarray(logit_gradients(network, pictures))
        return (gradients**2).sum((1, 2, 3)).mean() / 2

    support, main = trainer.support_discriminator, trainer.main_discriminator
    anime, gray, smooth = (
        square(support, to_gray(batch[name])) for name in ("anime", "photo", KINDS[3])
    )
    expected = 3 * (3 * anime + 1 * gray + 2 * smooth)
    assert float(terms["discriminator/penalty_support"]) == pytest.approx(
        expected, rel=1e-4
    )
    expected = 3 * 0.1 * (square(main, batch["anime"]) + square(main, batch["photo"]))
    assert float(terms["discriminator/penalty_main"]) == pytest.approx(
        expected, rel=1e-4
    )


def test_a_penalty_has_the_gradient_of_small_differences():
    # By the last kernel, in which gradients are linear: by those before leaky ReLUs
    # they jump. Spectral normalisation would hold its vectors fixed.
    network = build_discriminator(4, spectral=False)
    picture, kernel = make_batch()["photo"], network.get_layer("logits").kernel

    def squares():
        return tf.reduce_sum(tf.square(100 * logit_gradients(network, picture)))

    with tf.GradientTape() as tape:
        value = squares()
    gradient = np.asarray(tape.gradient(value, kernel.value))
    start, around = np.asarray(kernel), []
    for step in (0.1, -0.1):
        kernel.assign(start + step * gradient / np.linalg.norm(gradient))
        around.append(float(squares()))
    assert np.linalg.norm(gradient) == pytest.approx(
        (around[0] - around[1]) / 0.2, rel=1e-3
    )


@pytest.mark.parametrize("steps", [(1, 2), (2, 1)])
def test_a_side_with_more_steps_has_its_own_pictures_for_each(steps, monkeypatch):
    trainer = make_trainer(generator_steps=steps[0], discriminator_steps=steps[1])
    described, shown, features = [], [], trainer.features.call
    monkeypatch.setattr(
        trainer.features,
        "call",
        lambda *a, **k: described.append(1) or features(*a, **k),
    )
    logits = trainer.logits
    monkeypatch.setattr(
        trainer, "logits", lambda x, **k: shown.append(x["anime"]) or logits(x, **k)
    )
    batch = make_batch(BATCH * max(steps))
    trainer.train_step(batch)
    assert [int(o.iterations) for o in trainer.optimizers.values()] == list(steps)
    # The perceptual network works for the generator's updates only.
    assert len(described) == 8 * steps[0]
    assert_close(np.concatenate(shown), to_gray(batch["anime"]), 0)
    assert int(trainer.average.updates) == steps[0]
    # What is broken in the first update undoes the step.
    before = values(trainer.moved_variables)
    batch["photo"] = tf.concat([batch["photo"][:1] * np.nan, batch["photo"][1:]], 0)
    trainer.train_step(batch)
    assert not any(moved(trainer.moved_variables, before))
    assert trainer.readings.read()["step/applied"] == 0


def test_settings_reach_the_networks():
    settings = ObjectiveConfig(spectral=False, minibatch=3, objective="hinge")
    features = build_features("random", None)
    for upsampling, kind in (("nearest", "Upsample2x"), ("transposed", "Transposed")):
        config = TrainConfig(width=4, upsampling=upsampling, objective=settings)
        _, trainer = build.build_trainers(config, features)
        assert trainer.settings == settings
        assert not [w for w in trainer.support_discriminator.weights if w.name == "u"]
        assert trainer.main_discriminator.get_layer("minibatch").kernels == 3
        layer = trainer.generator.get_layer("main_0_up")
        assert type(layer).__name__.startswith(kind)


def test_a_minibatch_sees_no_other_kind_of_picture():
    trainer = make_trainer(minibatch=4)
    rng = np.random.default_rng(3)
    names = ("support", "anime", "smooth", "main", "revision")
    inputs = {
        name: tf.constant(rng.normal(size=(2, SIZE, SIZE, 3)), tf.float32)
        for name in names
    }
    first = trainer.logits(inputs, training=False)
    inputs |= {"smooth": inputs["smooth"] * 2, "support": inputs["support"] * 2}
    second = trainer.logits(inputs, training=False)
    np.testing.assert_array_equal(first["anime"], second["anime"])
    assert np.abs(np.asarray(first["smooth"]) - second["smooth"]).max() > 1e-3


def test_discriminators_that_rest_leave_the_generator_training():
    trainer = make_trainer()
    trainer.discriminators_open.assign(False)
    before = values(trainer.moved_variables)
    trainer.train_step(make_batch())
    changed = {
        id(v): m
        for v, m in zip(trainer.moved_variables, moved(trainer.moved_variables, before))
    }
    assert all(changed[id(v)] for v in trainer.generator.trainable_variables)
    resting = (
        trainer.discriminator_variables + trainer.discriminator_optimizer.variables
    )
    assert not any(changed[id(v)] for v in resting)


# Augmentation.


def test_changes_are_those_drawn_and_the_same_for_all_kinds():
    rng = np.random.default_rng(4)
    pictures = tf.constant(rng.uniform(0.2, 1, (64, 16, 16, 3)), tf.float32)
    key = tf.constant([5, 7], tf.int64)
    numbers = draw(64, key)
    np.testing.assert_array_equal(numbers, draw(64, key))
    assert np.abs(np.asarray(numbers) - draw(64, key + 1)).max() > 0.1
    for name in AUGMENTATIONS:
        changed = np.asarray(augmented(pictures, [name], numbers, 0.5))
        met = np.abs(changed - pictures).max((1, 2, 3)) > 0
        assert 15 < met.sum() < 50
        # Another kind of picture: the same places, light and chances.
        other = np.asarray(augmented(2 * pictures, [name], numbers, 0.5))
        scaled = other / 2 if name != "brightness" else other - pictures
        assert_close(scaled, changed, 1e-6)
    np.testing.assert_array_equal(
        augmented(pictures, AUGMENTATIONS, numbers, 0.0), pictures
    )


def test_every_change_by_hand():
    numbers = np.zeros((1, 8), "float32")
    # Shift of -1 down, +1 across; hole centred at the first row and the middle column.
    numbers[0, 3:] = 0.0, 0.99, 0.0, 0.5, 0.75
    ramp = np.arange(1.0, 65.0, dtype="float32").reshape(1, 8, 8, 1).repeat(3, -1)
    shifted = np.zeros_like(ramp)
    shifted[:, :-1, 1:] = ramp[:, 1:, :-1]
    np.testing.assert_array_equal(
        augmented(ramp, ["translation"], numbers, 1.0), shifted
    )
    cut = ramp.copy()
    cut[:, :2, 2:6] = 0
    np.testing.assert_array_equal(augmented(ramp, ["cutout"], numbers, 1.0), cut)
    np.testing.assert_array_equal(
        augmented(ramp, ["brightness"], numbers, 1.0), ramp + 0.25
    )


def test_grey_stays_grey_and_the_gradient_returns_to_what_is_seen():
    pictures = to_gray(make_batch(8)["photo"])
    numbers = draw(8, tf.constant([0, 1], tf.int64))
    with tf.GradientTape() as tape:
        tape.watch(pictures)
        changed = augmented(pictures, AUGMENTATIONS, numbers, 1.0)
        total = tf.reduce_sum(changed)
    changed = np.asarray(changed)
    np.testing.assert_array_equal(changed[..., :1].repeat(3, -1), changed)
    gradient = np.asarray(tape.gradient(total, pictures))
    assert set(np.unique(gradient)) == {0.0, 1.0}
    assert 0.4 < gradient.mean() < 0.95


def test_the_probability_rises_while_the_discriminator_knows_its_pictures():
    probability = AugmentationProbability(0.5, target=0.6, pictures=100, name="p")
    sure, unsure = np.float32([[0.9, 0.9]] * 4), np.float32([[0.9, 0.1]] * 4)
    probability.adapt(sure, 0.5)
    assert float(probability.value) == pytest.approx(0.54)
    for _ in range(2):
        probability.adapt(unsure, 0.5)
    assert float(probability.value) == pytest.approx(0.46)
    # Where only differences count, the middle is the fake pictures' logits.
    probability.adapt(unsure, unsure - 0.1)
    assert float(probability.value) == pytest.approx(0.50)
    for _ in range(20):
        probability.adapt(sure, 0.5)
    assert float(probability.value) == 1.0
    fixed = AugmentationProbability(0.5, 0.0, 100, "fixed")
    fixed.adapt(sure, 0.5)
    assert float(fixed.value) == 0.5


def test_a_resumed_step_draws_what_the_uninterrupted_one_would():
    """All that a step draws hangs on the seed and on `state`."""
    settings = {
        **{"objective": "wasserstein", "diff_augment": "translation,brightness"},
        **{"ada_target": 0.6, "diff_augment_share": 0.5},
    }
    whole, resumed = make_trainer(**settings), make_trainer(**settings)
    whole.train_step(make_batch(seed=1))
    assert int(whole.state["steps"]) == 1
    assert float(whole.state["augmentation_main"]) != 0.5
    for copy, original in zip(resumed.moved_variables, whole.moved_variables):
        copy.assign(original)
    resumed.steps.assign(whole.steps)
    for metric in whole.metrics:
        metric.reset_state()
    a, b = (trainer.train_step(make_batch()) for trainer in (whole, resumed))
    assert {n: float(v) for n, v in a.items()} == {n: float(v) for n, v in b.items()}
