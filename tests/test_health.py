"""Each failure provoked in real training, and what is done about it."""

import dataclasses
import json
import math
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from pages import Page

from animegan_tf.config import (
    HealthConfig,
    LossWeights,
    ObjectiveConfig,
    OptimizerConfig,
    TrainConfig,
)
from animegan_tf.errors import TrainingError
from animegan_tf.models import build_discriminator
from animegan_tf.samples import draw_anime, draw_photo, random_portrait
from animegan_tf.settings import load_config, save_config
from animegan_tf.training.health import callback as acting
from animegan_tf.training.health import watch as health
from animegan_tf.training.health.callback import HealthCallback
from animegan_tf.training.health.page import health_page, write_health_page
from animegan_tf.training.health.readings import FIGURES, diversity
from animegan_tf.training.health.watch import Watch, swing
from animegan_tf.training.step import WeightAverage, build_optimizer
from animegan_tf.training.targets import TargetPool
from animegan_tf.training.variants import DTGANVariant

SIZE, BATCH, RATE = 32, 2, 1e-3
PAINTS, COPIES, REPEATS = 0, 1, 2


# Training on tiny networks.


class Switch(keras.layers.Layer):
    """What the generator painted, its input, or always the same picture."""

    def build(self, input_shape):
        self.mode = self.add_weight(
            shape=(), dtype="int32", initializer="zeros", trainable=False
        )

    def call(self, inputs):
        photo, painted = inputs
        same = tf.zeros_like(painted) + 0.25
        painted = tf.where(self.mode == REPEATS, same, painted)
        return tf.where(self.mode == COPIES, photo, painted)

    def compute_output_shape(self, input_shape):
        return input_shape[1]


class Trainer(DTGANVariant):
    """With a loss that can be spoilt."""

    def support_losses(self, *args):
        losses = super().support_losses(*args)
        return losses | {"support/color": losses["support/color"] * self.spoil}


def build_small_generator():
    """Two tails on a base, with statistics to move: traced in a second."""
    photo = keras.Input((None, None, 3))
    base = keras.layers.Conv2D(8, 5, padding="same")(photo)
    base = keras.layers.LeakyReLU(0.2)(keras.layers.BatchNormalization()(base))
    switch, tails = Switch(), {}
    for tail in ("support", "main"):
        x = keras.layers.Conv2D(8, 3, padding="same", activation="relu")(base)
        x = keras.layers.Conv2D(3, 3, padding="same", activation="tanh")(x)
        tails[tail] = switch([photo, x])
    return keras.Model(photo, tails), switch


class OneColor(keras.layers.Layer):
    """Paints every photo in the one colour that it learns."""

    def build(self, input_shape):
        self.color = self.add_weight(shape=(3,), initializer="zeros")

    def call(self, photo):
        return tf.zeros_like(photo) + tf.tanh(self.color - 0.5)


def build_features():
    image = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(8, 7, 4, padding="same")(image)
    return keras.Model(image, {"content": x, "style": [x] * 3})


def build_trainer(generator, discriminators, weights):
    targets = TargetPool()
    targets.make = lambda filtered, raw: (filtered, (raw / 255).astype(np.float32))
    average = WeightAverage(generator, 0.9)
    trainer = Trainer(
        *(generator, *discriminators, build_features()),
        weights=weights,
        targets=targets,
        average=average,
        settings=ObjectiveConfig(),
    )
    trainer.spoil, config = tf.Variable(1.0), OptimizerConfig()
    trainer.generator_optimizer, trainer.discriminator_optimizer = (
        build_optimizer(RATE, config, "float32", variables)
        for variables in (
            generator.trainable_variables,
            trainer.discriminator_variables,
        )
    )
    return trainer


def build_small():
    """Networks in which every failure but one can be provoked."""
    generator, switch = build_small_generator()
    discriminators = [build_discriminator(4, name) for name in ("support", "main")]
    trainer = build_trainer(generator, discriminators, LossWeights())
    trainer.mode = switch.mode
    return trainer


def build_dirac():
    """One colour against discriminators that are linear in the mean colour.

    Without a damping of its own this is known to circle about its solution
    (Mescheder et al., "Which Training Methods for GANs do actually Converge?", ICML
    2018, section 2), at rates that are high enough.
    """
    photo = keras.Input((None, None, 3))
    generator = keras.Model(photo, {t: OneColor()(photo) for t in ("support", "main")})
    discriminators = []
    for name in ("support", "main"):
        image = keras.Input((None, None, 3))
        mean = keras.layers.GlobalAveragePooling2D(keepdims=True)(image)
        logits = keras.layers.Conv2D(1, 1, kernel_initializer="ones")(mean)
        discriminators.append(keras.Model(image, logits, name=name))
    nothing = {field.name: 0.0 for field in dataclasses.fields(LossWeights)}
    weights = nothing | {
        "style": (0.0, 0.0, 0.0),
        "support_adversarial": 1.0,
        "main_adversarial": 1.0,
        "anime_real": 1.0,
        "painted_fake": 1.0,
        "main_discriminator": 1.0,
    }
    return build_trainer(generator, discriminators, LossWeights(**weights))


class Lab:
    """One compiled step for all tests; every run begins with the same weights."""

    def __init__(self, build):
        self.trainer = build()
        self.step = tf.function(self.trainer.train_step, autograph=False)
        self.variables = self.trainer.moved_variables
        self.start = self.values()
        drawn = [
            np.stack([draw(random_portrait(i), SIZE) for i in range(8)]) / 127.5 - 1
            for draw in (draw_photo, draw_anime)
        ]
        self.photos, self.anime = [x.astype(np.float32) for x in drawn]

    def values(self):
        return [variable.numpy() for variable in self.variables]

    def reset(self):
        for variable, value in zip(self.variables, self.start):
            variable.assign(value)
        self.trainer.spoil.assign(1.0)
        self.trainer.discriminators_open.assign(True)
        self.rates(RATE, RATE)
        self.random = np.random.default_rng(0)

    def rates(self, generator, discriminators):
        self.trainer.generator_optimizer.learning_rate = generator
        self.trainer.discriminator_optimizer.learning_rate = discriminators

    def train_one(self):
        photo, anime = (
            pictures[self.random.choice(8, BATCH, replace=False)]
            for pictures in (self.photos, self.anime)
        )
        blurred = (anime + np.roll(anime, 1, 1) + np.roll(anime, 1, 2)) / 3
        batch = {
            "photo": photo,
            "photo_superpixels": photo,
            "anime": anime,
            "anime_smooth": blurred,
        }
        return self.step({name: tf.constant(x) for name, x in batch.items()})

    def train(self, watch, steps=200, until=None):
        """Until a failure, or for some steps; returns their number."""
        for step in range(1, steps + 1):
            self.train_one()
            for event in watch.add(self.trainer.readings.read(), 1, step):
                if event["failure"] == until:
                    return step
        return steps


@pytest.fixture(scope="module")
def _lab():
    keras.utils.set_random_seed(0)
    return Lab(build_small)


@pytest.fixture
def lab(_lab):
    _lab.reset()
    _lab.trainer.mode.assign(PAINTS)
    return _lab


def test_a_healthy_run_reports_nothing(lab):
    watch = Watch(HealthConfig())
    assert lab.train(watch) == 200
    assert watch.events == [] and watch.skipped == 0
    assert "no failure in 200 adversarial steps" in watch.summary()[0]


def test_a_discriminator_of_a_hundred_times_the_rate_is_reported(lab):
    lab.rates(RATE, 100 * RATE)
    watch = Watch(HealthConfig())
    assert lab.train(watch, until=health.VANISHING) < 200
    event = watch.events[0]
    assert event["failure"] == health.VANISHING
    assert "under 0.05" in event["message"]


def test_a_generator_that_returns_its_input_is_reported(lab):
    lab.trainer.mode.assign(COPIES)
    watch = Watch(HealthConfig(window=30))
    assert lab.train(watch, until=health.IDENTITY) < 200
    assert {e["failure"] for e in watch.events} == {health.IDENTITY}
    assert "0 grey levels from their photos, under 3" in watch.events[-1]["message"]


def test_a_generator_of_one_picture_is_reported(lab):
    lab.trainer.mode.assign(REPEATS)
    watch = Watch(HealthConfig(window=30))
    assert lab.train(watch, until=health.COLLAPSE) < 200
    assert {e["failure"] for e in watch.events} == {health.COLLAPSE}


def test_losses_that_swing_to_and_fro_are_reported():
    dirac = Lab(build_dirac)
    for rates, swings in (((0.003, 0.01), False), ((0.5, 0.3), True)):
        dirac.reset()
        dirac.rates(*rates)
        watch = Watch(HealthConfig(window=40))
        steps = dirac.train(watch, 80, until=health.OSCILLATION)
        assert (steps < 80) == swings
    assert "losses swing by" in watch.events[-1]["message"]


def test_a_step_with_nan_is_not_applied_and_its_term_is_named(lab):
    watch = Watch(HealthConfig())
    for step in range(1, 4):
        lab.train_one()
        watch.add(lab.trainer.readings.read(), 1, step)
    means = lab.trainer.trackers["support/color"].result()
    before = lab.values()
    lab.trainer.spoil.assign(math.nan)
    lab.train_one()
    (event,) = watch.add(lab.trainer.readings.read(), 1, 4)
    assert (event["failure"], event["step"]) == (health.NOT_A_NUMBER, 4)
    assert event["message"] == "support/color was no longer a number"
    for variable, value in zip(lab.variables, before):
        np.testing.assert_array_equal(variable.numpy(), value, variable.name)
    assert float(lab.trainer.trackers["support/color"].result()) == float(means)
    lab.trainer.spoil.assign(1.0)
    lab.train_one()
    assert watch.add(lab.trainer.readings.read(), 1, 5) == []
    assert watch.streak == 0 and watch.skipped == 1
    moved = [(v.numpy() != b).any() for v, b in zip(lab.variables, before)]
    assert sum(moved) > 0.9 * len(moved)


# The measures and the watch, by figures.


def test_diversity_is_the_ratio_of_mean_pairwise_distances():
    random = np.random.default_rng(0)
    photo, painted = random.normal(0, (1, 2), (4, 5, 5, 3, 2)).transpose(4, 0, 1, 2, 3)

    def distance(pictures):
        pairs = [(a, b) for i, a in enumerate(pictures) for b in pictures[:i]]
        return math.sqrt(np.mean([np.mean((a - b) ** 2) for a, b in pairs]))

    expected = distance(painted) / distance(photo)
    assert float(diversity(painted, photo)) == pytest.approx(expected, rel=1e-5)
    assert math.isnan(diversity(painted[:1] * 0, photo[:1]))


@pytest.mark.parametrize("period", [2, 9, 20])
def test_a_swing_comes_back(period):
    random, steps = np.random.default_rng(0), np.arange(50)
    noise = 0.1 * random.standard_normal(50)
    wave = 0.8 * np.sin(2 * np.pi * steps / period + 1) + noise
    assert swing(1 + wave) == pytest.approx(np.std(wave), rel=0.1)
    assert swing(10 + noise) == swing(2 - steps / 50) == swing(np.ones(50)) == 0


def readings(**changes):
    """Of a healthy step, but for what is changed: `main__slope=0`."""
    values = {f"{tail}/accuracy": 0.8 for tail in ("support", "main")}
    for tail in ("support", "main"):
        values |= {f"{tail}/slope": 1.0, f"{tail}/diversity": 0.9}
        values |= {f"{tail}/change": 20.0, f"{tail}/adversarial": 0.5}
    for name in ("anime", "painted", "smooth", "main"):
        values[f"discriminator/{name}"] = 0.1
    values |= dict.fromkeys(("applied", "generator", "discriminators"), 1.0)
    values = {n if "/" in n else f"step/{n}": x for n, x in values.items()}
    return values | {name.replace("__", "/"): x for name, x in changes.items()}


def feed(watch, count, **changes):
    return [e for i in range(count) for e in watch.add(readings(**changes), 1, i + 1)]


def test_a_failure_is_told_once_and_its_end_is_noted():
    watch = Watch(HealthConfig(window=10))
    assert feed(watch, 20) == []
    (event,) = feed(watch, 30, main__slope=0.01)
    assert (event["failure"], event["tail"]) == (health.VANISHING, "main")
    assert feed(watch, 10) == [] and watch.active == {}
    assert 50 < watch.events[0]["until"] <= 60
    assert len(feed(watch, 30, main__slope=0.01)) == 1


def test_a_slope_that_fell_counts_where_the_discriminator_is_always_right():
    for accuracy, failures in ((0.9, 0), (1.0, 1)):
        watch = Watch(HealthConfig(window=10))
        feed(watch, 10, support__slope=5.0)
        found = feed(watch, 20, support__slope=0.4, support__accuracy=accuracy)
        assert len(found) == failures
    assert "of the 5 that it was" in found[0]["message"]


def test_what_was_not_measured_is_no_failure():
    watch = Watch(HealthConfig(window=10))
    unknown = {f"main__{n}": math.nan for n in ("slope", "diversity")}
    assert feed(watch, 30, **unknown) == []


def test_what_is_ignored_is_not_told():
    watch = Watch(HealthConfig(window=10, ignore="mode collapse,vanishing gradients"))
    (event,) = feed(watch, 30, main__slope=0.01, main__diversity=0, main__change=1.0)
    assert event["failure"] == health.IDENTITY


def test_thresholds_in_the_settings_of_earlier_versions_are_passed_over(tmp_path):
    path = tmp_path / "config.json"
    save_config(TrainConfig(health=HealthConfig(window=20)), path)
    settings = json.loads(path.read_text())
    settings["health"] |= {"slope": 0.1, "rate_factor": 0.5}
    path.write_text(json.dumps(settings))
    assert load_config(path, TrainConfig).health == HealthConfig(window=20)


def test_gradients_that_are_not_finite_are_named():
    watch = Watch(HealthConfig())
    (event,) = feed(watch, 2, step__applied=0.0, step__discriminators=0.0)
    assert event["message"] == "gradient of the discriminators was no longer a number"
    assert watch.skipped == 2


def test_a_watch_goes_on_from_its_state():
    whole, parts = (Watch(HealthConfig(window=10)) for _ in range(2))
    random = np.random.default_rng(0)
    for step in range(1, 501):
        values = readings(
            main__slope=0.01 if step % 150 > 100 else random.uniform(1, 2),
            support__diversity=math.nan if step % 7 else 0.5,
            step__applied=float(step % 50 != 0),
        )
        whole.add(values, 1, step)
        parts.add(values, 1, step)
        if step % 120 == 0:
            state = json.loads(json.dumps(parts.get_state()))
            parts = Watch(HealthConfig(window=10))
            parts.set_state(state)
    assert len(whole.events) > 3 and whole.skipped == 10
    assert json.dumps(whole.get_state()) == json.dumps(parts.get_state())
    assert len(whole.curve.starts) <= 400
    points = whole.curve.points("support/diversity")
    assert {value for _, value in points} == {0.5}


# What is done about a failure.


@pytest.fixture
def act(tmp_path, capsys):
    """Runs steps under an action; returns the model, what was printed and logged."""

    def run(count, action="warn", **changes):
        model = SimpleNamespace(
            readings=SimpleNamespace(read=lambda: readings(**changes)),
            discriminators_open=tf.Variable(True),
            discriminator_optimizer=keras.optimizers.Adam(1e-3),
            opened=[],
        )
        watch = Watch(HealthConfig(window=10, action=action))
        progress = SimpleNamespace(epoch=2, step=0)
        log = tmp_path / "log.jsonl"
        callback = HealthCallback(watch, "adversarial", progress, log)
        callback.set_model(model)
        callback.on_train_begin()
        callback.on_epoch_begin(2)
        for _ in range(count):
            callback.on_train_batch_end(0)
            model.opened.append(bool(model.discriminators_open.numpy()))
            progress.step += 1
        callback.on_epoch_end(2, logs := {})
        lines = log.read_text().splitlines() if log.exists() else []
        return model, capsys.readouterr().out, [json.loads(x) for x in lines], logs

    return run


def test_a_failure_is_printed_and_logged(act):
    model, out, (line,), logs = act(30, main__diversity=0.02)
    assert out.count("\n") == 1 and out.startswith(
        "health: mode collapse of the main tail in step 10 of epoch 3: pictures differ "
        "by 0.02 of what their photos do, under 0.1; try "
    )
    assert line["event"] == out.strip().removeprefix("health: ")
    assert (line["phase"], line["epoch"], line["step"]) == ("adversarial", 3, 10)
    assert logs["health/main/diversity"] == pytest.approx(0.02)
    assert set(logs) >= {f"health/{name}" for name in FIGURES}
    assert all(model.opened)
    assert float(model.discriminator_optimizer.learning_rate) == pytest.approx(1e-3)


def test_the_rate_is_lowered_once_a_window_to_its_floor(act, monkeypatch):
    monkeypatch.setattr(acting, "LEAST_RATE", 4e-4)
    model, out, _, _ = act(60, "lower-rate", main__slope=0.01)
    assert float(model.discriminator_optimizer.learning_rate) == pytest.approx(4e-4)
    assert "rate is now 0.0005" in out and "rate is now 0.0004" in out
    assert out.count("rate is now") == 2


def test_the_discriminators_rest_for_half_a_window(act):
    model, _, _, _ = act(40, "skip-discriminator", main__slope=0.01)
    resting = [step for step, is_open in enumerate(model.opened, 1) if not is_open]
    assert resting == [*range(10, 15), *range(20, 25), *range(30, 35), 40]


def test_training_stops_where_that_is_asked_for(act):
    with pytest.raises(TrainingError, match="identity mapping of the main .* stops"):
        act(30, "stop", main__change=1.0)


def test_training_stops_after_steps_in_a_row_that_were_not_applied(act):
    spoilt = {"step__applied": 0.0, "main__adversarial": math.nan}
    assert act(4, **spoilt)[2][0]["failure"] == health.NOT_A_NUMBER
    match = (
        "main/adversarial was no longer a number in step 1 of epoch 3, and 5 steps in "
        "a row were not applied; the newest checkpoint is from before"
    )
    with pytest.raises(TrainingError, match=match):
        act(5, **spoilt)


# The page.


@pytest.mark.charts
def test_the_page_shows_curves_thresholds_and_failures(tmp_path):
    watch = Watch(HealthConfig(window=10))
    feed(watch, 40)
    feed(watch, 20, main__slope=0.01, main__diversity=0.01)
    write_health_page(watch, tmp_path / "health.html", "<run>")
    html = (tmp_path / "health.html").read_text()
    shown = Page(html)
    assert "Health of <run>" in shown.text and "2 failures in 60" in shown.text
    for failure in (health.VANISHING, health.COLLAPSE):
        assert failure in shown.text
        # A flag is an element of its own, with a space on either side here.
        assert health.ADVICE[failure].split(" --")[0] in shown.text
    assert len(shown.charts) == 6
    slopes = shown.charts["Slope of the adversarial terms"]
    assert "threshold 0.05" in slopes and "adversarial step" in slopes
    assert sum("threshold" in chart for chart in shown.charts.values()) == 4


@pytest.mark.parametrize("steps", [0, 1])
def test_the_page_of_a_short_run_says_that_there_is_nothing(tmp_path, steps, capsys):
    watch = Watch(HealthConfig())
    with pytest.raises(KeyboardInterrupt):
        with health_page(watch, tmp_path / "health.html"):
            feed(watch, steps)
            raise KeyboardInterrupt
    shown = Page((tmp_path / "health.html").read_text())
    assert "None of the failures below was seen." in shown.text
    assert "no failure in" in capsys.readouterr().out
