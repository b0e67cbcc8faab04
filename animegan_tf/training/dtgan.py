"""Phase 2: both tails against their discriminators."""

import keras
import tensorflow as tf
from keras import ops

from animegan_tf import losses
from animegan_tf.layers import compiled_layers
from animegan_tf.ops import gram_matrix, to_gray
from animegan_tf.training.readings import (
    FIGURES,
    Readings,
    accuracy,
    change,
    diversity,
    slope,
)
from animegan_tf.training.step import (
    Side,
    apply_step,
    gradients_of,
    paint,
    remember,
    track,
    watching,
)
from animegan_tf.training.targets import targets_in_graph

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


class DTGANTrainer(keras.Model):
    """Trains the double-tail generator and its two discriminators.

    One painting and one update of each side a step, from the same pictures; the
    authors paint again after the generator's update. Every picture passes through
    the perceptual network once, and each discriminator sees a painted picture once.

    Args:
        generator: model of `build_generator`.
        support_discriminator, main_discriminator: models of `build_discriminator`.
        features: model of `build_features`.
        weights: `LossWeights`.
        targets: `TargetPool`.
        average: `WeightAverage` of the generator.

    Its `fit` takes batches of `photo`, `photo_superpixels`, `anime` and
    `anime_smooth`, each `(batch, size, size, 3)` float32 in [-1, 1].

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
    ):
        super().__init__(name="dtgan")
        self.built = True  # its networks are; it has no call of its own
        self.generator = generator
        self.support_discriminator = support_discriminator
        self.main_discriminator = main_discriminator
        self.features, self.loss_weights = features, weights
        self.targets, self.average = targets, average
        names = GENERATOR_TERMS + DISCRIMINATOR_TERMS
        self.trackers = {name: keras.metrics.Mean(name=name) for name in names}
        self.readings = Readings((*names, *FIGURES), ("generator", "discriminators"))
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

    def support_terms(self, photo, support, logits, described):
        """Weighted terms of the support tail by name."""
        w, content = self.loss_weights, described["support"]["content"]
        distances = [
            weight * losses.style_distance(gram_matrix(anime), gram_matrix(level))
            for weight, anime, level in zip(
                w.style, described["gray_anime"]["style"], described["gray"]["style"]
            )
        ]

        def distance(name):
            return losses.feature_distance(described[name]["content"], content)

        return {
            "support/adversarial": w.support_adversarial * losses.lsgan(logits, 0.9),
            "support/content": w.content * distance("photo"),
            "support/style_low": distances[0],
            "support/style_middle": distances[1],
            "support/style_high": distances[2],
            "support/region": w.region * distance("region"),
            "support/photo_region": w.photo_region * distance("photo_region"),
            "support/color": w.color * losses.lab_distance(photo, support, w.lightness),
            "support/total_variation": w.total_variation
            * losses.total_variation(support),
        }

    def main_terms(self, main, logits, described, revision):
        """Weighted terms of the main tail by name."""
        w = self.loss_weights
        return {
            "main/adversarial": w.main_adversarial * losses.lsgan(logits, 1.0),
            "main/revision_pixel": w.revision_pixel
            * losses.pixel_distance(revision, main),
            "main/revision_feature": w.revision_feature
            * losses.feature_distance(
                described["revision"]["content"], described["main"]["content"]
            ),
            "main/total_variation": w.total_variation * losses.total_variation(main),
        }

    def discriminator_terms(self, batch, revision, support_logits, main_logits):
        """Weighted terms of both discriminators by name.

        These calls move the spectral vectors, after the painted pictures were judged
        with the same ones.

        Returns:
            The terms, and the logits of what is real by tail.
        """
        w = self.loss_weights
        shown = ops.concatenate(
            [to_gray(batch["anime"]), to_gray(batch["anime_smooth"])]
        )
        anime, smooth = ops.split(self.support_discriminator(shown, training=True), 2)
        real = self.main_discriminator(revision, training=True)
        terms = {
            "discriminator/anime": w.anime_real * losses.lsgan(anime, 0.9),
            "discriminator/painted": w.painted_fake * losses.lsgan(support_logits, 0.1),
            "discriminator/smooth": w.anime_smooth * losses.lsgan(smooth, 0.1),
            "discriminator/main": w.main_discriminator
            * (losses.lsgan(real, 1.0) + losses.lsgan(main_logits, 0.0)),
        }
        return terms, {"support": anime, "main": real}

    @compiled_layers()
    def train_step(self, batch):
        remembered = remember(
            self.generator, self.support_discriminator, self.main_discriminator
        )
        # Each tape sees its own side's variables; both see the logits of the painted.
        generator_tape = watching(self.generator.trainable_variables)
        discriminator_tape = watching(self.discriminator_variables)
        with generator_tape:
            painted = paint(self.generator, batch["photo"])
            with generator_tape.stop_recording():
                superpixels, revision = targets_in_graph(
                    self.targets, painted["support"], painted["raw"]
                )
                fixed = {
                    "photo": batch["photo"],
                    "photo_region": batch["photo_superpixels"],
                    "gray_anime": to_gray(batch["anime"]),
                    "region": superpixels,
                    "revision": revision,
                }
                described = self.describe(fixed)
            gray = to_gray(painted["support"])
            moving = {
                "support": painted["support"],
                "gray": gray,
                "main": painted["main"],
            }
            described |= self.describe(moving)
            # Seen by a discriminator and by nothing else: gradients by these are of the
            # adversarial terms alone, and come with the others.
            seen = {"support": tf.identity(gray), "main": tf.identity(painted["main"])}
            with discriminator_tape:
                support_logits = self.support_discriminator(seen["support"])
                main_logits = self.main_discriminator(seen["main"])
            generator_terms = {
                **self.support_terms(
                    batch["photo"], painted["support"], support_logits, described
                ),
                **self.main_terms(painted["main"], main_logits, described, revision),
            }
            generator_loss = sum(generator_terms.values())
        with discriminator_tape:
            discriminator_terms, real_logits = self.discriminator_terms(
                batch, revision, support_logits, main_logits
            )
            discriminator_loss = sum(discriminator_terms.values())
        sides, reached = self.sides(
            (generator_tape, generator_loss),
            (discriminator_tape, discriminator_loss),
            seen,
        )
        terms = {**generator_terms, **discriminator_terms}
        done = apply_step(terms, sides, remembered, self.average)
        figures = self.figures(
            batch["photo"],
            painted,
            real_logits,
            {"support": support_logits, "main": main_logits},
            reached,
        )
        self.readings.write({**terms, **done, **figures})
        return track(self.trackers, terms, done["step/applied"])

    def sides(self, generator, discriminators, seen):
        """What each side is moved by.

        Args:
            generator, discriminators: each side's tape and loss.
            seen: pictures that the discriminators judged, by tail.

        Returns:
            The two `Side`s, and the gradients of the generator's loss by `seen`.
        """
        variables = self.generator.trainable_variables
        gradients = gradients_of(
            *generator, self.generator_optimizer, [*variables, *seen.values()]
        )
        number = len(variables)
        first = Side(
            "generator", self.generator_optimizer, variables, gradients[:number]
        )
        optimizer, variables = (
            self.discriminator_optimizer,
            self.discriminator_variables,
        )
        second = Side(
            "discriminators",
            optimizer,
            variables,
            gradients_of(*discriminators, optimizer, variables),
            self.discriminators_open,
        )
        return (first, second), dict(zip(seen, gradients[number:]))

    def figures(self, photo, painted, real_logits, painted_logits, gradients):
        """What tells of a training's health, of both tails, by name."""
        weights = {
            "support": self.loss_weights.support_adversarial,
            "main": self.loss_weights.main_adversarial,
        }
        scale = self.generator_optimizer.scale_loss(1.0)
        figures = {}
        for tail, weight in weights.items():
            measured = {
                "accuracy": accuracy(real_logits[tail], painted_logits[tail]),
                "slope": slope(gradients[tail] / (scale * weight)),
                "diversity": diversity(painted[tail], photo),
                "change": change(painted[tail], photo),
            }
            figures |= {f"{tail}/{name}": value for name, value in measured.items()}
        return figures
