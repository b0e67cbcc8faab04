"""Objectives and what steadies them, in training steps on pictures."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import assert_close

from animegan_tf.config import (
    AUGMENTATIONS,
    OBJECTIVES,
    LossWeights,
    ObjectiveConfig,
    OptimizerConfig,
    TrainConfig,
)
from animegan_tf.layers import compiled
from animegan_tf.models import build_discriminator, build_features, build_generator
from animegan_tf.ops import to_gray
from animegan_tf.training import build
from animegan_tf.training.diffaug import AugmentationShare, augmented, draw
from animegan_tf.training.dtgan import DTGANTrainer
from animegan_tf.training.penalties import verdict_gradients
from animegan_tf.training.step import WeightAverage, build_optimizer
from animegan_tf.training.targets import TargetPool

SIDE, BATCH = 32, 2
KINDS = ("photo", "photo_superpixels", "anime", "anime_smooth")


@pytest.fixture(autouse=True)
def plain_layers(monkeypatch):
    """Compiling every layer takes longer than these steps."""
    monkeypatch.setattr(compiled, "computes_on_cpu", lambda: False)


@pytest.fixture(scope="module")
def features():
    return build_features("random", None)


def make_batch(count=BATCH, seed=0):
    rng = np.random.default_rng(seed)
    return {
        name: tf.constant(rng.uniform(-1, 1, (count, SIDE, SIDE, 3)), tf.float32)
        for name in KINDS
    }


def make_trainer(features, **settings):
    keras.utils.set_random_seed(0)
    game = ObjectiveConfig(**settings)
    generator = build_generator(4, memory=8)
    trainer = DTGANTrainer(
        generator,
        *(
            build_discriminator(
                4, name, spectral=game.spectral, minibatch=game.minibatch
            )
            for name in ("support", "main")
        ),
        features,
        LossWeights(),
        TargetPool(),
        WeightAverage(generator, 0.9),
        game,
        seed=5,
    )
    trainer.compile(
        *(
            build_optimizer(1e-3, OptimizerConfig(), "float32", variables)
            for variables in (
                generator.trainable_variables,
                trainer.discriminator_variables,
            )
        )
    )
    return trainer


def values(model):
    return [np.asarray(weight).copy() for weight in model.weights]


def updates(trainer):
    return [
        int(optimizer.iterations)
        for optimizer in (trainer.generator_optimizer, trainer.discriminator_optimizer)
    ]


GAMES = {
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


def test_the_games_below_are_all_objectives_but_the_default():
    assert {"least_squares", *GAMES} == set(OBJECTIVES)


@pytest.mark.parametrize("name", GAMES)
def test_a_game_trains_both_sides_with_finite_terms(name, features):
    game = GAMES[name]
    trainer = make_trainer(features, **game)
    nets = trainer.generator, trainer.support_discriminator, trainer.main_discriminator
    before = [values(net) for net in nets]
    logs = trainer.train_step(make_batch())
    assert all(np.isfinite(float(value)) for value in logs.values())
    for net, old in zip(nets, before):
        trained = [i for i, w in enumerate(net.weights) if w.trainable]
        for i in trained:
            assert np.abs(np.asarray(net.weights[i]) - old[i]).max() > 0
    compares = name in ("wasserstein", "relativistic")
    assert ("discriminator/anime" in logs) != compares
    penalised = {"discriminator/penalty_support", "discriminator/penalty_main"}
    assert (penalised <= set(logs)) == (compares or "penalty" in game)
    assert ("augmentation/main" in logs) == ("ada_target" in game)


def test_terms_of_objectives_that_compare_weigh_every_fake_kind(features):
    trainer = make_trainer(features, objective="relativistic", penalty="none")
    rng = np.random.default_rng(1)
    names = ("painted", "anime", "smooth", "main", "revision")
    judged = {n: rng.normal(size=(2, 4, 4, 1)).astype("float32") for n in names}
    terms = trainer.discriminator_terms(judged)

    def expected(weight, fake, real):
        return weight * np.log1p(np.exp(judged[fake] - judged[real])).mean()

    assert {name: float(value) for name, value in terms.items()} == pytest.approx(
        {
            "discriminator/painted": expected(1.0, "painted", "anime"),
            "discriminator/smooth": expected(2.0, "smooth", "anime"),
            "discriminator/main": expected(0.1, "main", "revision"),
        },
        rel=1e-5,
    )


def test_penalties_of_a_step_are_those_of_the_pictures_shown(features):
    trainer = make_trainer(features, penalty="r1_r2", gamma=3.0)
    batch, key = make_batch(), tf.constant([0, 0], tf.int64)
    painted = {"gray": to_gray(batch["photo"]), "main": batch["photo"]}
    seen = trainer.seen(batch, painted, batch["anime"], key)
    terms = trainer.penalty_terms(seen, key)

    def square(network, pictures):
        gradients = np.asarray(verdict_gradients(network, pictures))
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


def test_a_slope_has_the_gradient_of_small_differences():
    # By the last kernel, in which slopes are linear: by those before leaky ReLUs they
    # jump. Spectral normalisation would hold its vectors fixed.
    network = build_discriminator(4, spectral=False)
    picture, kernel = make_batch()["photo"], network.get_layer("logits").kernel

    def penalty():
        return tf.reduce_sum(tf.square(100 * verdict_gradients(network, picture)))

    with tf.GradientTape() as tape:
        value = penalty()
    gradient = np.asarray(tape.gradient(value, kernel.value))
    start, around = np.asarray(kernel), []
    for step in (0.1, -0.1):
        kernel.assign(start + step * gradient / np.linalg.norm(gradient))
        around.append(float(penalty()))
    assert np.linalg.norm(gradient) == pytest.approx(
        (around[0] - around[1]) / 0.2, rel=1e-3
    )


@pytest.mark.parametrize("steps", [(1, 2), (2, 1)])
def test_a_side_with_more_steps_has_its_own_pictures_for_each(
    steps, features, monkeypatch
):
    trainer = make_trainer(
        features, generator_steps=steps[0], discriminator_steps=steps[1]
    )
    described = []
    monkeypatch.setattr(
        trainer,
        "describe",
        lambda x, old=trainer.describe: described.append(x) or old(x),
    )
    shown, judge = [], trainer.judge
    monkeypatch.setattr(
        trainer, "judge", lambda s, **k: shown.append(s["anime"]) or judge(s, **k)
    )
    batch = make_batch(BATCH * max(steps))
    trainer.train_step(batch)
    assert updates(trainer) == list(steps)
    # The perceptual network works for the generator's updates only.
    assert len(described) == 2 * steps[0]
    assert_close(np.concatenate(shown), to_gray(batch["anime"]), 0)
    assert int(trainer.average.updates) == steps[0]


def test_settings_reach_the_networks(features):
    game = ObjectiveConfig(spectral=False, minibatch=3, objective="hinge")
    for upsampling, kind in (("nearest", "Upsample2x"), ("transposed", "Transposed")):
        config = TrainConfig(width=4, upsampling=upsampling, objective=game)
        _, trainer = build.build_trainers(config, features)
        assert trainer.settings == game
        assert not [w for w in trainer.support_discriminator.weights if w.name == "u"]
        assert trainer.main_discriminator.get_layer("minibatch").kernels == 3
        layer = trainer.generator.get_layer("main_0_up")
        assert type(layer).__name__.startswith(kind)
    assert build.build_trainers(TrainConfig(width=4), features)[1].settings == (
        ObjectiveConfig()
    )


def test_a_minibatch_sees_no_other_kind_of_picture(features):
    trainer = make_trainer(features, minibatch=4)
    rng = np.random.default_rng(3)
    names = ("painted", "anime", "smooth", "main", "revision")
    seen = {
        name: tf.constant(rng.normal(size=(2, SIDE, SIDE, 3)), tf.float32)
        for name in names
    }
    first = trainer.judge(seen, training=False)
    seen |= {"smooth": seen["smooth"] * 2, "painted": seen["painted"] * 2}
    second = trainer.judge(seen, training=False)
    np.testing.assert_array_equal(first["anime"], second["anime"])
    assert np.abs(np.asarray(first["smooth"]) - second["smooth"]).max() > 1e-3


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


def test_the_share_rises_while_the_discriminator_knows_its_pictures():
    share = AugmentationShare(0.5, target=0.6, pictures=100, middle=0.5, name="share")
    sure, unsure = np.full((4, 2), 0.9), np.float32([[0.9, 0.1]] * 4)
    share.steer(sure, None)
    assert float(share.value) == pytest.approx(0.54)
    for _ in range(2):
        share.steer(unsure, None)
    assert float(share.value) == pytest.approx(0.46)
    for _ in range(20):
        share.steer(sure, None)
    assert float(share.value) == 1.0
    fixed = AugmentationShare(0.5, 0.0, 100, 0.5, "fixed")
    fixed.steer(sure, None)
    assert float(fixed.value) == 0.5


def test_a_resumed_step_draws_what_the_uninterrupted_one_would(features):
    """All that a step draws hangs on the seed and on `state`."""
    game = {
        **{"objective": "wasserstein", "diff_augment": "translation,brightness"},
        **{"ada_target": 0.6, "diff_augment_share": 0.5},
    }
    whole, resumed = make_trainer(features, **game), make_trainer(features, **game)
    whole.train_step(make_batch(seed=1))
    assert int(whole.state["steps"]) == 1
    assert float(whole.state["augmentation_main"]) != 0.5
    pairs = [
        (getattr(resumed, name), getattr(whole, name))
        for name in ("generator", "support_discriminator", "main_discriminator")
        + ("generator_optimizer", "discriminator_optimizer")
    ]
    for copy, original in pairs:
        for to, value in zip(copy.variables, original.variables):
            to.assign(value)

    def logs(trainer):
        for metric in trainer.metrics:
            metric.reset_state()
        return {k: float(v) for k, v in trainer.train_step(make_batch()).items()}

    for name, variable in resumed.state.items():
        variable.assign(whole.state[name])
    assert logs(resumed) == pytest.approx(logs(whole), rel=1e-6)
