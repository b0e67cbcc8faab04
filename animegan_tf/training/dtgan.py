"""Phase 2, as in the paper: both tails against their discriminators."""

import tensorflow as tf

from animegan_tf import losses
from animegan_tf.ops import gram_matrix, to_gray
from animegan_tf.training.health.readings import FIGURES, figures_of
from animegan_tf.training.step import Phase, describe, minimize, stylize, watching
from animegan_tf.training.targets import make_targets

SUPPORT_LOSSES = (
    *("support/adversarial", "support/content"),
    *("support/style_low", "support/style_middle", "support/style_high"),
    *("support/region", "support/photo_region"),
    *("support/color", "support/total_variation"),
)
MAIN_LOSSES = (
    *("main/adversarial", "main/revision_pixel", "main/revision_feature"),
    "main/total_variation",
)
DISCRIMINATOR_LOSSES = (
    *("discriminator/anime", "discriminator/painted", "discriminator/smooth"),
    "discriminator/main",
)


class DTGAN(Phase):
    """Trains the double-tail generator and its two discriminators.

    Both sides are updated from the same pictures; the authors run the generator again
    before the discriminators' update. Every picture passes through the perceptual
    network once.

    Args:
        generator: model of `build_generator`.
        support_discriminator, main_discriminator: models of `build_discriminator`.
        features: model of `build_features`.
        weights: `LossWeights`.
        targets: `TargetPool`.
        average: `WeightAverage` of the generator.
        loss_names: of all losses.

    Its `fit` takes batches of `photo`, `photo_superpixels`, `anime` and `anime_smooth`,
    each `(batch, size, size, 3)` float32 in [-1, 1].

    Reference:
        Liu, Chen, Gao 2024, sections 3.1 and 3.4.
    """

    support_objective = losses.objective("least_squares", 0.9, 0.1)
    main_objective = losses.objective("least_squares", 1.0, 0.0)

    def __init__(
        self,
        generator,
        support_discriminator,
        main_discriminator,
        features,
        weights,
        targets,
        average,
        loss_names=SUPPORT_LOSSES + MAIN_LOSSES + DISCRIMINATOR_LOSSES,
    ):
        sides = ("generator", "discriminators")
        super().__init__("dtgan", loss_names, FIGURES, sides)
        self.generator = generator
        self.support_discriminator = support_discriminator
        self.main_discriminator = main_discriminator
        self.features, self.loss_weights = features, weights
        self.targets, self.average = targets, average

    def compile(self, generator_optimizer, discriminator_optimizer):
        # The targets are numpy code, which XLA cannot hold.
        super().compile(jit_compile=False)
        self.generator_optimizer = generator_optimizer
        self.discriminator_optimizer = discriminator_optimizer

    def train_step(self, batch):
        before = self.snapshot()
        with watching(self.generator.trainable_variables) as generator_tape:
            stylized = stylize(self.generator, batch["photo"])
            targets = make_targets(self.targets, stylized["support"], stylized["raw"])
            inputs = self.discriminator_inputs(batch, stylized, targets["revision"])
            # What this tape watches begins at the pictures, behind the generator.
            with watching(self.discriminator_variables) as discriminator_tape:
                logits = self.logits(inputs)
                discriminator_losses = self.discriminator_losses(inputs, logits)
            generator_losses = self.generator_losses(batch, stylized, targets, logits)

        by_inputs = minimize(
            generator_losses,
            generator_tape,
            self.generator_optimizer,
            self.generator.trainable_variables,
            [inputs["support"], inputs["main"]],
        )
        self.average.update()
        minimize(
            discriminator_losses,
            discriminator_tape,
            self.discriminator_optimizer,
            self.discriminator_variables,
        )
        figures = self.figures(batch["photo"], stylized, logits, by_inputs)
        return self.finish(before, generator_losses | discriminator_losses, figures)

    def discriminator_inputs(self, batch, stylized, revision):
        """What the discriminators see: grey pictures the support one, colour the main.

        Nothing else sees these tensors of the stylized pictures: gradients by them are
        of the adversarial losses alone.
        """
        return {
            "support": tf.identity(stylized["gray"]),
            "anime": to_gray(batch["anime"]),
            "smooth": to_gray(batch["anime_smooth"]),
            "main": tf.identity(stylized["main"]),
            "revision": revision,
        }

    def logits(self, inputs, training=True):
        """Logits of the `discriminator_inputs` by their names.

        The stylized pictures come first: the others' calls move the spectral vectors
        with which both are judged, if `training`.
        """
        support, main = self.support_discriminator, self.main_discriminator
        logits = {"support": support(inputs["support"]), "main": main(inputs["main"])}
        pictures = tf.concat([inputs["anime"], inputs["smooth"]], 0)
        shown = support(pictures, training=training)
        logits["anime"], logits["smooth"] = tf.split(shown, 2)
        logits["revision"] = main(inputs["revision"], training=training)
        return logits

    def generator_losses(self, batch, stylized, targets, logits):
        """Weighted losses of both tails by name."""
        pictures = {
            "photo": batch["photo"],
            "photo_region": batch["photo_superpixels"],
            "gray_anime": to_gray(batch["anime"]),
            "region": targets["superpixels"],
            "revision": targets["revision"],
        }
        pictures |= {name: stylized[name] for name in ("support", "gray", "main")}
        features = describe(self.features, pictures)
        support = self.support_losses(batch, stylized, features, logits)
        return support | self.main_losses(stylized, targets, features, logits)

    def support_losses(self, batch, stylized, features, logits):
        """Of the support tail: the anime's style on the photo's content."""
        w, support = self.loss_weights, stylized["support"]
        style_low, style_middle, style_high = (
            weight * losses.style_distance(gram_matrix(anime), gram_matrix(gray))
            for weight, anime, gray in zip(
                w.style, features["gray_anime"]["style"], features["gray"]["style"]
            )
        )

        def distance(name):
            return losses.feature_distance(
                features[name]["content"], features["support"]["content"]
            )

        adversarial = self.support_objective.generator(
            logits["anime"], logits["support"]
        )
        color = losses.lab_distance(batch["photo"], support, w.lightness)
        return {
            "support/adversarial": w.support_adversarial * adversarial,
            "support/content": w.content * distance("photo"),
            "support/style_low": style_low,
            "support/style_middle": style_middle,
            "support/style_high": style_high,
            "support/region": w.region * distance("region"),
            "support/photo_region": w.photo_region * distance("photo_region"),
            "support/color": w.color * color,
            "support/total_variation": w.total_variation
            * losses.total_variation(support),
        }

    def main_losses(self, stylized, targets, features, logits):
        """Of the main tail: the support tail's picture, revised."""
        w, main = self.loss_weights, stylized["main"]
        adversarial = self.main_objective.generator(logits["revision"], logits["main"])
        pixel = losses.pixel_distance(targets["revision"], main)
        feature = losses.feature_distance(
            features["revision"]["content"], features["main"]["content"]
        )
        return {
            "main/adversarial": w.main_adversarial * adversarial,
            "main/revision_pixel": w.revision_pixel * pixel,
            "main/revision_feature": w.revision_feature * feature,
            "main/total_variation": w.total_variation * losses.total_variation(main),
        }

    def discriminator_losses(self, inputs, logits):
        """Weighted losses of both discriminators by name."""
        w, objective = self.loss_weights, self.support_objective.discriminator
        anime, painted = objective(logits["anime"], logits["support"])
        _, smooth = objective(logits["anime"], logits["smooth"])
        main = self.main_objective.discriminator(logits["revision"], logits["main"])
        return {
            "discriminator/anime": w.anime_real * anime,
            "discriminator/painted": w.painted_fake * painted,
            "discriminator/smooth": w.anime_smooth * smooth,
            "discriminator/main": w.main_discriminator * sum(main),
        }

    def figures(self, photo, stylized, logits, gradients):
        """What tells of a training's health, by name."""
        w = self.loss_weights
        weights = w.support_adversarial, w.main_adversarial
        gradients = [g / weight for g, weight in zip(gradients, weights)]
        gradients = dict(zip(("support", "main"), gradients))
        return figures_of(photo, stylized, logits, gradients)

    @property
    def optimizers(self):
        return super().optimizers | {"discriminators": self.discriminator_optimizer}

    @property
    def discriminator_variables(self):
        """The trainable ones of both discriminators."""
        return (
            self.support_discriminator.trainable_variables
            + self.main_discriminator.trainable_variables
        )

    @property
    def moved_variables(self):
        networks = self.support_discriminator, self.main_discriminator
        return super().moved_variables + [v for n in networks for v in n.variables]
