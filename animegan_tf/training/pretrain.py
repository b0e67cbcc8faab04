"""Phase 1: the generator learns to keep a photo's content, or painted photos."""

from animegan_tf import losses
from animegan_tf.layers import compiled_layers
from animegan_tf.training.step import Phase, minimize, stylize, watching

LOSSES = ("support/content", "main/content")
PAINTED_LOSSES = ("support/pixel", "main/pixel")


class GeneratorPretrainer(Phase):
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
        super().__init__("pretrainer", LOSSES + (PAINTED_LOSSES if painted else ()))
        self.generator, self.features = generator, features
        self.loss_weights, self.average = weights, average
        self.painted = painted

    def compile(self, optimizer):
        super().compile(jit_compile=False)
        self.generator_optimizer = optimizer

    @compiled_layers()
    def train_step(self, batch):
        before, variables = self.snapshot(), self.generator.trainable_variables
        with watching(variables) as tape:
            stylized = stylize(self.generator, batch["photo"])
            target = batch["photo_painted" if self.painted else "photo"]
            terms = self.generator_losses(target, stylized)
        minimize(terms, tape, self.generator_optimizer, variables)
        self.average.update()
        return self.finish(before, terms)

    def generator_losses(self, target, stylized):
        """Weighted distances of both tails to what they learn, by name."""
        w, terms = self.loss_weights, {}
        content = self.features(target)["content"]
        weights = {"support": w.pretrain_support, "main": w.pretrain_main}
        for tail, weight in weights.items():
            picture = stylized[tail]
            if not weight:
                continue
            terms[f"{tail}/content"] = weight * losses.feature_distance(
                content, self.features(picture)["content"]
            )
            if self.painted:
                pixel = losses.pixel_distance(target, picture)
                terms[f"{tail}/pixel"] = weight * w.pretrain_pixel * pixel
        return terms
