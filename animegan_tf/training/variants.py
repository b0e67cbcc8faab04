"""What the settings can add to the paper's step: `ObjectiveConfig`."""

import keras
import tensorflow as tf

from animegan_tf import losses
from animegan_tf.config import augmentations, penalty_of
from animegan_tf.layers import compiled_layers
from animegan_tf.training.augmentation import AugmentationProbability, augmented, draw
from animegan_tf.training.dtgan import (
    DISCRIMINATOR_LOSSES,
    DTGAN,
    MAIN_LOSSES,
    SUPPORT_LOSSES,
)
from animegan_tf.training.penalties import penalty
from animegan_tf.training.replicas import is_finite
from animegan_tf.training.step import minimize, restore, snapshot, stylize, watching
from animegan_tf.training.targets import make_revision, make_targets

PENALTIES = ("discriminator/penalty_support", "discriminator/penalty_main")


class DTGANVariant(DTGAN):
    """`DTGAN` with other objectives, penalties, augmentation, and n to m updates.

    With the default settings it computes what `DTGAN` does, to the bit. Where one side
    has n updates in a step, the batch is n batches in one: each update has its own
    pictures, the side with one update has it in the last of them, and updates of the
    discriminators alone need neither superpixels nor the perceptual network.

    Args:
        networks: the four of `DTGAN`.
        weights, targets, average: as there.
        settings: `ObjectiveConfig`.
        seed: of the random numbers that the settings need, with the step's number.

    Attributes:
        state: dict of variables that go on in a resumed run, beside the networks and
            optimizers: number of steps, probabilities of augmentation.
        discriminators_open: boolean variable; while it is False the discriminators
            rest, their weights and moments stay.

    Its batches have `photo_painted` where `support/painted_pixel` has a weight.
    """

    def __init__(self, *networks, weights, targets, average, settings, seed=0):
        names = loss_names(weights, settings)
        super().__init__(*networks, weights, targets, average, names)
        self.settings, self.seed = settings, seed
        self.comparing = settings.objective in losses.COMPARING
        self.penalty, self.augmentations = penalty_of(settings), augmentations(settings)
        self.support_objective = losses.objective(settings.objective, 0.9, 0.1)
        self.main_objective = losses.objective(settings.objective)
        self.steps = tf.Variable(0, dtype=tf.int64, name="steps")
        self.updates = max(settings.generator_steps, settings.discriminator_steps)
        self.update = 0  # the one of a step that is being traced
        self.probabilities = {
            side: AugmentationProbability(
                settings.diff_augment_share,
                settings.ada_target,
                settings.ada_pictures,
                f"augmentation_{side}",
            )
            for side in ("support", "main")
        }
        if settings.ada_target:
            for side in self.probabilities:
                name = f"augmentation/{side}"
                self.trackers[name] = keras.metrics.Mean(name=name)
        self.discriminators_open = tf.Variable(
            True, trainable=False, name="discriminators_open"
        )

    @property
    def state(self):
        probabilities = {
            f"augmentation_{side}": probability.value
            for side, probability in self.probabilities.items()
        }
        return {"steps": self.steps, **probabilities}

    @property
    def moved_variables(self):
        return super().moved_variables + [p.value for p in self.probabilities.values()]

    @compiled_layers()
    def train_step(self, batch):
        *first, last = _parts(batch, self.updates)
        before = self.snapshot() if first else []
        resting = snapshot(
            self.discriminator_variables + self.discriminator_optimizer.variables
        )
        for self.update, part in enumerate(first):
            if self.settings.generator_steps > 1:
                self.update_generator(part)
            else:
                self.update_discriminators(part)
        self.update = len(first)
        logs = super().train_step(last)
        restore(resting, self.discriminators_open)
        if first:  # what these have spoilt has spoilt the last update, too
            restore(before, self.is_finite())
        self.steps.assign_add(1)
        return logs

    def update_generator(self, batch):
        """An update of the generator alone."""
        variables = self.generator.trainable_variables
        with watching(variables) as tape:
            stylized = stylize(self.generator, batch["photo"])
            targets = make_targets(self.targets, stylized["support"], stylized["raw"])
            inputs = self.discriminator_inputs(batch, stylized, targets["revision"])
            logits = self.logits(inputs, training=False)
            terms = self.generator_losses(batch, stylized, targets, logits)
        minimize(terms, tape, self.generator_optimizer, variables)
        self.average.update()
        self.track(terms, is_finite(terms.values()))

    def update_discriminators(self, batch):
        """An update of the discriminators alone."""
        stylized = stylize(self.generator, batch["photo"])
        revision = make_revision(self.targets, stylized["raw"])
        inputs = self.discriminator_inputs(batch, stylized, revision)
        variables = self.discriminator_variables
        with watching(variables) as tape:
            terms = self.discriminator_losses(inputs, self.logits(inputs))
        minimize(terms, tape, self.discriminator_optimizer, variables)
        self.track(terms, is_finite(terms.values()))

    def discriminator_inputs(self, batch, stylized, revision):
        inputs = super().discriminator_inputs(batch, stylized, revision)
        if not self.augmentations:
            return inputs
        numbers = draw(revision.shape[0], self.key())
        side_of = {"main": "main", "revision": "main"}
        return {
            name: augmented(
                pictures,
                self.augmentations,
                numbers,
                self.probabilities[side_of.get(name, "support")].value,
            )
            for name, pictures in inputs.items()
        }

    def logits(self, inputs, training=True):
        if self.settings.minibatch:  # logits depend on what else is in the batch
            support, main = self.support_discriminator, self.main_discriminator
            logits = {
                "support": support(inputs["support"]),
                "main": main(inputs["main"]),
                "smooth": support(inputs["smooth"]),
                "anime": support(inputs["anime"], training=training),
                "revision": main(inputs["revision"], training=training),
            }
        else:
            logits = super().logits(inputs, training)
        if training and self.settings.ada_target:
            self.adapt(logits)
        return logits

    def adapt(self, logits):
        """Adapts the probabilities of augmentation to what the discriminators know."""
        middle = 0.5 if self.settings.objective == "least_squares" else 0.0
        for side, real in (("support", "anime"), ("main", "revision")):
            probability = self.probabilities[side]
            fake = logits[side] if self.comparing else middle
            probability.adapt(logits[real], fake)
            self.track({f"augmentation/{side}": probability.value})

    def support_losses(self, batch, stylized, features, logits):
        terms = super().support_losses(batch, stylized, features, logits)
        if weight := self.loss_weights.painted_pixel:
            pixel = losses.pixel_distance(batch["photo_painted"], stylized["support"])
            terms["support/painted_pixel"] = weight * pixel
        return terms

    def discriminator_losses(self, inputs, logits):
        terms = super().discriminator_losses(inputs, logits)
        if self.comparing:
            del terms["discriminator/anime"]
        if self.penalty == "none":
            return terms
        return terms | self.penalties(inputs)

    def penalties(self, inputs):
        """Weighted penalties on both discriminators' gradients by name."""
        w, settings = self.loss_weights, self.settings
        gradient = self.penalty == "gradient"
        factor = settings.gradient_weight if gradient else settings.gamma
        support = [(w.painted_fake, inputs["support"])]
        support.append((w.anime_smooth, inputs["smooth"]))
        main = [(w.main_discriminator, inputs["main"])]
        sides = (
            (self.support_discriminator, inputs["anime"], support),
            (self.main_discriminator, inputs["revision"], main),
        )
        return {
            name: factor * penalty(self.penalty, *side, self.key() + 1)
            for name, side in zip(PENALTIES, sides)
        }

    def key(self):
        """Key of an update's random numbers; those of the data pipeline are others."""
        number = self.steps * self.updates + self.update
        key = tf.stack([tf.constant(self.seed, tf.int64), number])
        return tf.random.experimental.stateless_fold_in(key, 1, alg="philox")


def loss_names(weights, settings):
    """Names of all losses that these `LossWeights` and `ObjectiveConfig` ask for."""
    return (
        *SUPPORT_LOSSES,
        *(("support/painted_pixel",) if weights.painted_pixel else ()),
        *MAIN_LOSSES,
        *DISCRIMINATOR_LOSSES[settings.objective in losses.COMPARING :],
        *(PENALTIES if penalty_of(settings) != "none" else ()),
    )


def _parts(batch, count):
    """A batch of several batches, one after the other."""
    if count == 1:
        return [batch]
    parts = {name: tf.split(pictures, count) for name, pictures in batch.items()}
    return [dict(zip(parts, pictures)) for pictures in zip(*parts.values())]
