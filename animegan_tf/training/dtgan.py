"""Phase 2: both tails against their discriminators."""

import keras
import tensorflow as tf
from keras import ops

from animegan_tf import losses
from animegan_tf.config import ObjectiveConfig, augmentations, penalty_of
from animegan_tf.layers import compiled_layers
from animegan_tf.objectives import objective
from animegan_tf.ops import gram_matrix, to_gray
from animegan_tf.training.diffaug import AugmentationShare, augmented, draw
from animegan_tf.training.health.readings import (
    FIGURES,
    Readings,
    accuracy,
    change,
    diversity,
    slope,
)
from animegan_tf.training.penalties import slope_penalty
from animegan_tf.training.step import (
    Side,
    apply_step,
    gradients_of,
    paint,
    remember,
    track,
    watching,
)
from animegan_tf.training.targets import revision_in_graph, targets_in_graph

GENERATOR_TERMS = (
    "support/adversarial",
    "support/content",
    "support/style_low",
    "support/style_middle",
    "support/style_high",
    "support/region",
    "support/photo_region",
    "support/color",
    "support/total_variation",
    "support/painted_pixel",
    "main/adversarial",
    "main/revision_pixel",
    "main/revision_feature",
    "main/total_variation",
)
DISCRIMINATOR_TERMS = (
    "discriminator/anime",
    "discriminator/painted",
    "discriminator/smooth",
    "discriminator/main",
)
PENALTY_TERMS = ("discriminator/penalty_support", "discriminator/penalty_main")
SHARES = ("augmentation/support", "augmentation/main")


class DTGANTrainer(keras.Model):
    """Trains the double-tail generator and its two discriminators.

    One painting and one update of each side a step, from the same pictures, unless the
    settings want more updates of one side; the authors paint again after the
    generator's update. Every picture passes through the perceptual network once, and
    each discriminator sees a painted picture once, or twice where its slope is
    penalised. Where one side has n updates in a
    step, the batch is n batches in one: each update has its own pictures, the side with
    one update has it in the last of them, and updates of the discriminators alone need
    neither superpixels nor the perceptual network.

    Args:
        generator: model of `build_generator`.
        support_discriminator, main_discriminator: models of `build_discriminator`.
        features: model of `build_features`.
        weights: `LossWeights`.
        targets: `TargetPool`.
        average: `WeightAverage` of the generator.
        settings: `ObjectiveConfig`.
        seed: of the random numbers that the objective needs, with the step's number.

    Attributes:
        state: dict of variables that go on in a resumed run, beside the networks and
            optimizers: number of steps, shares of augmented pictures.

    Its `fit` takes batches of `photo`, `photo_superpixels`, `anime`, `anime_smooth`
    and, where its term has a weight, `photo_painted`, each `(batch, size, size, 3)`
    float32 in [-1, 1].

    Reference:
        Liu, Chen, Gao 2024, sections 3.1 and 3.4.
    """

    def __init__(
        self,
        generator,
        support_discriminator,
        main_discriminator,
        features,
        weights,
        targets,
        average,
        settings=ObjectiveConfig(),
        seed=0,
    ):
        super().__init__(name="dtgan")
        self.built = True  # its networks are; it has no call of its own
        self.generator = generator
        self.support_discriminator = support_discriminator
        self.main_discriminator = main_discriminator
        self.features, self.loss_weights = features, weights
        self.targets, self.average = targets, average
        self.settings, self.seed = settings, seed
        self.support_objective = objective(settings.objective, 0.9, 0.1)
        self.main_objective = objective(settings.objective)
        self.penalty = penalty_of(settings)
        self.augmentations = augmentations(settings)
        self.steps = tf.Variable(0, dtype=tf.int64, name="steps")
        self.shares = {
            side: AugmentationShare(
                settings.diff_augment_share,
                settings.ada_target,
                settings.ada_pictures,
                rules.middle,
                f"augmentation_{side}",
            )
            for side, rules in (
                ("support", self.support_objective),
                ("main", self.main_objective),
            )
        }
        names = self.term_names + (SHARES if settings.ada_target else ())
        self.trackers = {name: keras.metrics.Mean(name=name) for name in names}
        self.readings = Readings(
            (*self.term_names, *FIGURES), ("generator", "discriminators")
        )
        self.discriminators_open = tf.Variable(
            True, trainable=False, name="discriminators_open"
        )

    def compile(self, generator_optimizer, discriminator_optimizer):
        # The targets are numpy code, which XLA cannot hold.
        super().compile(jit_compile=False)
        self.generator_optimizer = generator_optimizer
        self.discriminator_optimizer = discriminator_optimizer

    @property
    def metrics(self):
        return list(self.trackers.values())

    @property
    def term_names(self):
        """Names of all terms of both sides."""
        absent = set()
        if not self.loss_weights.painted_pixel:
            absent.add("support/painted_pixel")
        if self.support_objective.compares:
            absent.add("discriminator/anime")
        if self.penalty == "none":
            absent.update(PENALTY_TERMS)
        names = GENERATOR_TERMS + DISCRIMINATOR_TERMS + PENALTY_TERMS
        return tuple(name for name in names if name not in absent)

    @property
    def state(self):
        shares = {
            f"augmentation_{side}": share.value for side, share in self.shares.items()
        }
        return {"steps": self.steps, **shares}

    @property
    def discriminator_variables(self):
        return (
            self.support_discriminator.trainable_variables
            + self.main_discriminator.trainable_variables
        )

    def describe(self, pictures):
        """Features of several batches, one pass after the other.

        Left to itself, TensorFlow starts them side by side, which takes the memory
        of all and gains no time where each fills the processor.

        Args:
            pictures: dict of batches.

        Returns:
            `{name: {"content": features, "style": [features, ...]}}`.
        """
        described, before = {}, []
        for name, batch in pictures.items():
            with tf.control_dependencies(before):
                described[name] = self.features(tf.identity(batch))
            before = [described[name]["content"]]
        return described

    def support_terms(self, batch, painted, judged, described):
        """Weighted terms of the support tail by name."""
        w, content = self.loss_weights, described["support"]["content"]
        support = painted["support"]
        distances = [
            weight * losses.style_distance(gram_matrix(anime), gram_matrix(level))
            for weight, anime, level in zip(
                w.style, described["gray_anime"]["style"], described["gray"]["style"]
            )
        ]

        def distance(name):
            return losses.feature_distance(described[name]["content"], content)

        terms = {
            "support/adversarial": w.support_adversarial
            * self.support_objective.painted(judged["painted"], judged["anime"]),
            "support/content": w.content * distance("photo"),
            "support/style_low": distances[0],
            "support/style_middle": distances[1],
            "support/style_high": distances[2],
            "support/region": w.region * distance("region"),
            "support/photo_region": w.photo_region * distance("photo_region"),
            "support/color": w.color
            * losses.lab_distance(batch["photo"], support, w.lightness),
            "support/total_variation": w.total_variation
            * losses.total_variation(support),
        }
        if w.painted_pixel:
            pixel = losses.pixel_distance(batch["photo_painted"], support)
            terms["support/painted_pixel"] = w.painted_pixel * pixel
        return terms

    def main_terms(self, painted, judged, described, fixed):
        """Weighted terms of the main tail by name."""
        w, main = self.loss_weights, painted["main"]
        return {
            "main/adversarial": w.main_adversarial
            * self.main_objective.painted(judged["main"], judged["revision"]),
            "main/revision_pixel": w.revision_pixel
            * losses.pixel_distance(fixed["revision"], main),
            "main/revision_feature": w.revision_feature
            * losses.feature_distance(
                described["revision"]["content"], described["main"]["content"]
            ),
            "main/total_variation": w.total_variation * losses.total_variation(main),
        }

    def discriminator_terms(self, judged):
        """Weighted terms of both discriminators by name, without penalties."""
        w, rules = self.loss_weights, self.support_objective
        anime, terms = judged["anime"], {}
        if not rules.compares:
            terms["discriminator/anime"] = w.anime_real * rules.real(anime)
        for name, weight in self.fake_weights.items():
            terms[f"discriminator/{name}"] = weight * rules.fake(judged[name], anime)
        rules, revision = self.main_objective, judged["revision"]
        main = rules.fake(judged["main"], revision)
        if not rules.compares:
            main = rules.real(revision) + main
        terms["discriminator/main"] = w.main_discriminator * main
        return terms

    @property
    def fake_weights(self):
        """Weight of each kind of picture that is fake to the support discriminator."""
        w = self.loss_weights
        return {"painted": w.painted_fake, "smooth": w.anime_smooth}

    def penalty_terms(self, seen, key):
        """Weighted penalties on the slopes of both discriminators by name."""
        if self.penalty == "none":
            return {}
        settings, terms = self.settings, {}
        factor = settings.gamma
        if self.penalty == "gradient":
            factor = settings.gradient_weight
        fakes = [(weight, seen[name]) for name, weight in self.fake_weights.items()]
        main = [(self.loss_weights.main_discriminator, seen["main"])]
        for name, network, real, kinds in (
            (PENALTY_TERMS[0], self.support_discriminator, "anime", fakes),
            (PENALTY_TERMS[1], self.main_discriminator, "revision", main),
        ):
            penalty = slope_penalty(self.penalty, network, seen[real], kinds, key + 1)
            terms[name] = factor * penalty
        return terms

    def seen(self, batch, painted, revision, key):
        """What the discriminators are shown, by kind of picture.

        Nothing else sees these tensors of the painted pictures: gradients by them are
        of the adversarial terms alone.
        """
        support = {
            "painted": tf.identity(painted["gray"]),
            "anime": to_gray(batch["anime"]),
            "smooth": to_gray(batch["anime_smooth"]),
        }
        main = {"main": tf.identity(painted["main"]), "revision": revision}
        if not self.augmentations:
            return support | main
        numbers = draw(revision.shape[0], key)

        def changed(pictures, side):
            share = self.shares[side].value
            return {
                name: augmented(picture, self.augmentations, numbers, share)
                for name, picture in pictures.items()
            }

        return changed(support, "support") | changed(main, "main")

    def judge(self, seen, training):
        """Logits by kind of picture.

        The painted pictures come first: the others' calls, if `training`, move the
        spectral vectors with which both are judged.
        """
        support, main = self.support_discriminator, self.main_discriminator
        judged = {"painted": support(seen["painted"]), "main": main(seen["main"])}
        if self.settings.minibatch:  # logits depend on what else is in the batch
            judged["smooth"] = support(seen["smooth"])
            judged["anime"] = support(seen["anime"], training=training)
        else:
            shown = ops.concatenate([seen["anime"], seen["smooth"]])
            logits = ops.split(support(shown, training=training), 2)
            judged["anime"], judged["smooth"] = logits
        judged["revision"] = main(seen["revision"], training=training)
        return judged

    def fixed_pictures(self, batch, painted, generator):
        """Pictures without gradient, by name: all that the `generator`'s terms compare
        with, or what the discriminators need alone.
        """
        if not generator:
            return {"revision": revision_in_graph(self.targets, painted["raw"])}
        superpixels, revision = targets_in_graph(
            self.targets, painted["support"], painted["raw"]
        )
        return {
            "photo": batch["photo"],
            "photo_region": batch["photo_superpixels"],
            "gray_anime": to_gray(batch["anime"]),
            "region": superpixels,
            "revision": revision,
        }

    def update(self, batch, key, generator, discriminators):
        """Updates one side or both, each if it is wanted, from the same pictures.

        Returns:
            The terms, the shares of augmented pictures, and the figures of the step's
            health, as far as they were computed; dicts.
        """
        remembered = remember(
            self.generator, self.support_discriminator, self.main_discriminator
        )
        # Each tape sees its own side's variables; both see the logits of the painted.
        tapes = (
            watching(self.generator.trainable_variables if generator else []),
            watching(self.discriminator_variables if discriminators else []),
        )
        painted, seen, judged, terms = self.play(
            batch, key, tapes, generator, discriminators
        )
        sides, figures, shares = [], {}, {}
        if generator:
            side, reached = self.generator_side(tapes[0], terms, seen)
            sides.append(side)
            figures = self.figures(batch["photo"], painted, judged, reached)
        if discriminators:
            with tapes[1]:
                own = self.discriminator_terms(judged) | self.penalty_terms(seen, key)
            sides.append(self.discriminator_side(tapes[1], own))
            terms = terms | own
        average = self.average if generator else None
        done = apply_step(terms, sides, remembered, average)
        if discriminators:
            shares = self.steer(judged, done["step/applied"])
        return terms, shares, {**terms, **done, **figures}

    def play(self, batch, key, tapes, generator, discriminators):
        """What both sides do before they are updated.

        Returns:
            The painted pictures, what the discriminators saw, their logits, and the
            `generator`'s terms, if they are wanted; dicts.
        """
        generator_tape, discriminator_tape = tapes
        terms = {}
        with generator_tape:
            painted = paint(self.generator, batch["photo"])
            with generator_tape.stop_recording():
                fixed = self.fixed_pictures(batch, painted, generator)
                described = self.describe(fixed) if generator else {}
            painted["gray"] = to_gray(painted["support"])
            if generator:
                moving = ("support", "gray", "main")
                described |= self.describe({name: painted[name] for name in moving})
            seen = self.seen(batch, painted, fixed["revision"], key)
            with discriminator_tape:
                judged = self.judge(seen, training=discriminators)
            if generator:
                terms |= self.support_terms(batch, painted, judged, described)
                terms |= self.main_terms(painted, judged, described, fixed)
        return painted, seen, judged, terms

    def generator_side(self, tape, terms, seen):
        """What moves the generator, and the gradients by what was seen, by tail."""
        with tape:
            loss = sum(terms.values())
        variables = self.generator.trainable_variables
        shown = {"support": seen["painted"], "main": seen["main"]}
        gradients = gradients_of(
            tape, loss, self.generator_optimizer, [*variables, *shown.values()]
        )
        number = len(variables)
        side = Side(
            "generator", self.generator_optimizer, variables, gradients[:number]
        )
        return side, dict(zip(shown, gradients[number:]))

    def discriminator_side(self, tape, terms):
        """What moves the discriminators."""
        with tape:
            loss = sum(terms.values())
        optimizer, variables = (
            self.discriminator_optimizer,
            self.discriminator_variables,
        )
        return Side(
            "discriminators",
            optimizer,
            variables,
            gradients_of(tape, loss, optimizer, variables),
            self.discriminators_open,
        )

    def steer(self, judged, applied):
        """Adjusts the shares of augmented pictures, if that is wanted; returns them."""
        if not self.settings.ada_target:
            return {}
        for side, real, fake in (
            ("support", "anime", "painted"),
            ("main", "revision", "main"),
        ):
            self.shares[side].steer(judged[real], judged[fake], applied)
        return {name: self.shares[name.split("/")[1]].value for name in SHARES}

    def figures(self, photo, painted, judged, gradients):
        """What tells of a training's health, of both tails, by name."""
        settings, figures = self.loss_weights, {}
        scale = self.generator_optimizer.scale_loss(1.0)
        for tail, weight, real, fake in (
            ("support", settings.support_adversarial, "anime", "painted"),
            ("main", settings.main_adversarial, "revision", "main"),
        ):
            measured = {
                "accuracy": accuracy(judged[real], judged[fake]),
                "slope": slope(gradients[tail] / (scale * weight)),
                "diversity": diversity(painted[tail], photo),
                "change": change(painted[tail], photo),
            }
            figures |= {f"{tail}/{name}": value for name, value in measured.items()}
        return figures

    @compiled_layers()
    def train_step(self, batch):
        wanted = self.settings.generator_steps, self.settings.discriminator_steps
        count, readings = max(wanted), []
        for place, part in enumerate(_parts(batch, count)):
            key = _key(self.seed, self.steps * count + place)
            sides = (count - place <= steps for steps in wanted)
            terms, shares, figures = self.update(part, key, *sides)
            readings.append(figures)
            applied = figures["step/applied"]
            logs = track(self.trackers, {**terms, **shares}, applied)
        self.steps.assign_add(1)
        self.readings.write(_joined(readings))
        return logs


def _key(seed, number):
    """Key of an update's random numbers; those of the data pipeline are others."""
    key = tf.stack([tf.constant(seed, tf.int64), number])
    return tf.random.experimental.stateless_fold_in(key, 1, alg="philox")


def _parts(batch, count):
    """A batch of several batches, one after the other."""
    if count == 1:
        return [batch]
    parts = {name: tf.split(pictures, count) for name, pictures in batch.items()}
    return [dict(zip(parts, pictures)) for pictures in zip(*parts.values())]


def _joined(readings):
    """One reading of several updates' readings: means, or whether all of them hold."""
    if len(readings) == 1:
        return readings[0]
    joined = {}
    for name in readings[-1]:  # after both sides' last update, so it has all
        values = [tf.cast(x[name], tf.float32) for x in readings if name in x]
        joined[name] = tf.reduce_mean(values)
        if name.startswith("step/"):
            joined[name] = tf.reduce_min(values)
    return joined
