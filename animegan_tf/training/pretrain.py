"""Phase 1: the generator learns to keep a photo's content."""

import keras

from animegan_tf import losses
from animegan_tf.layers import compiled_layers
from animegan_tf.training.readings import Readings
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


class GeneratorPretrainer(keras.Model):
    """Trains both tails to reproduce the perceptual content of the photo.

    Args:
        generator: model of `build_generator`.
        features: model of `build_features`.
        weights: `LossWeights`.
        average: `WeightAverage` of the generator.

    Its `fit` takes batches `{"photo": (batch, size, size, 3) float32 in [-1, 1]}`;
    other keys are ignored.

    Reference:
        Liu, Chen, Gao 2024, section 3.5 (initialisation).
    """

    def __init__(self, generator, features, weights, average):
        super().__init__(name="pretrainer")
        self.built = True  # its networks are; it has no call of its own
        self.generator, self.features = generator, features
        self.loss_weights, self.average = weights, average
        self.trackers = {name: keras.metrics.Mean(name=name) for name in TERMS}
        self.readings = Readings(TERMS, ("generator",))

    def compile(self, optimizer):
        super().compile(jit_compile=False)
        self.generator_optimizer = optimizer

    @property
    def metrics(self):
        return list(self.trackers.values())

    def terms(self, photo, painted):
        """Weighted content distances by name."""
        weights = {
            "support": self.loss_weights.pretrain_support,
            "main": self.loss_weights.pretrain_main,
        }
        target = self.features(photo)["content"]
        return {
            f"{tail}/content": weight
            * losses.feature_distance(target, self.features(painted[tail])["content"])
            for tail, weight in weights.items()
            if weight
        }

    @compiled_layers()
    def train_step(self, batch):
        remembered = remember(self.generator)
        variables = self.generator.trainable_variables
        with watching(variables) as tape:
            painted = paint(self.generator, batch["photo"])
            terms = self.terms(batch["photo"], painted)
            loss = sum(terms.values())
        gradients = gradients_of(tape, loss, self.generator_optimizer, variables)
        side = Side("generator", self.generator_optimizer, variables, gradients)
        done = apply_step(terms, [side], remembered, self.average)
        self.readings.write({**terms, **done})
        return track(self.trackers, terms, done["step/applied"])
