"""Phase 1: the generator learns to keep a photo's content, or painted photos."""

import keras

from animegan_tf import losses
from animegan_tf.layers import compiled_layers
from animegan_tf.training.health.readings import Readings
from animegan_tf.training.step import (
    Side,
    apply_step,
    gradients_of,
    paint,
    remember,
    track,
    watching,
)

TERMS = ("support/content", "main/content")
PAINTED_TERMS = ("support/pixel", "main/pixel")


class GeneratorPretrainer(keras.Model):
    """Trains both tails to reproduce the perceptual content of the photo.

    With painted photos they reproduce content and pixels of these instead: so a small
    generator learns what a larger one painted, or an averaged one with filters around
    it.

    Args:
        generator: model of `build_generator`.
        features: model of `build_features`.
        weights: `LossWeights`.
        average: `WeightAverage` of the generator.
        painted: whether there are painted photos.

    Its `fit` takes batches of `photo` and, if there are such, `photo_painted`, each
    `(batch, size, size, 3)` float32 in [-1, 1]; other keys are ignored.

    Reference:
        Liu, Chen, Gao 2024, section 3.5 (initialisation); painted photos: Hinton,
        Vinyals, Dean 2015, *Distilling the Knowledge in a Neural Network*.
    """

    def __init__(self, generator, features, weights, average, painted=False):
        super().__init__(name="pretrainer")
        self.built = True  # its networks are; it has no call of its own
        self.generator, self.features = generator, features
        self.loss_weights, self.average = weights, average
        self.painted = painted
        names = TERMS + (PAINTED_TERMS if painted else ())
        self.trackers = {name: keras.metrics.Mean(name=name) for name in names}
        self.readings = Readings(names, ("generator",))

    def compile(self, optimizer):
        super().compile(jit_compile=False)
        self.generator_optimizer = optimizer

    @property
    def metrics(self):
        return list(self.trackers.values())

    def terms(self, target, painted):
        """Weighted distances of both tails to what they learn, by name."""
        w, terms = self.loss_weights, {}
        content = self.features(target)["content"]
        for tail, weight in (
            ("support", w.pretrain_support),
            ("main", w.pretrain_main),
        ):
            picture = painted[tail]
            if not weight:
                continue
            terms[f"{tail}/content"] = weight * losses.feature_distance(
                content, self.features(picture)["content"]
            )
            if self.painted:
                pixel = losses.pixel_distance(target, picture)
                terms[f"{tail}/pixel"] = weight * w.pretrain_pixel * pixel
        return terms

    @compiled_layers()
    def train_step(self, batch):
        remembered = remember(self.generator)
        variables = self.generator.trainable_variables
        with watching(variables) as tape:
            painted = paint(self.generator, batch["photo"])
            target = batch["photo_painted" if self.painted else "photo"]
            terms = self.terms(target, painted)
            loss = sum(terms.values())
        gradients = gradients_of(tape, loss, self.generator_optimizer, variables)
        side = Side("generator", self.generator_optimizer, variables, gradients)
        done = apply_step(terms, [side], remembered, self.average)
        self.readings.write({**terms, **done})
        return track(self.trackers, terms, done["step/applied"])
