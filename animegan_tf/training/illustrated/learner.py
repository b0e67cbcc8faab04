"""What is trained: one tail, by the distance of its picture to the drawing."""

import math

import keras
from keras import ops

from animegan_tf.layers import compiled_layers
from animegan_tf.models import build_features
from animegan_tf.ops import to_float

# Edges and small shapes; deeper levels tell what things are, which pixels do here.
LEVELS = ("block2_conv2", "block3_conv3")
TERMS = ("pixel", "gradient", "color", "feature")
# Side of the squares whose mean colours are compared.
_COLOR_SQUARE = 8
# Averages begin as the weights themselves and forget them slower and slower.
_AVERAGE_START = 10.0


class IllustrationLearner(keras.Model):
    """Trains a generator's main tail to paint what the illustrator drew.

    The loss is a weighted L1 distance of pixels, of their differences to the next
    ones, of mean colours in squares of 8 pixels, and of a perceptual network's features
    of a part of the batch. Every pixel's weight comes with the drawing: eyes, brows and
    mouth count more, but not for the mean colours.

    Args:
        generator: model of `main_tail`.
        average: another of the same shape, which follows its weights.
        features: model of `perceptual_network`, or None.
        config: `IllustratedConfig`.

    Its `fit` takes batches of `CropBatches`, of the size and number that `begin` was
    told.
    """

    def __init__(self, generator, average, features, config):
        super().__init__(name="illustration_learner")
        self.built = True  # its networks are; it has no weights of its own shape
        average.trainable = False
        self.generator, self.average, self.features = generator, average, features
        self.config, self.stage = config, None
        self.updates = self.add_weight(
            name="updates", shape=(), initializer="zeros", trainable=False
        )
        self.trackers = [keras.metrics.Mean(name=term) for term in TERMS]

    def begin(self, stage, optimizer):
        """Makes ready for a stage: its step is traced anew, with its sizes.

        Args:
            stage: `Stage`.
            optimizer: Keras optimizer, the same one in all stages.
        """
        self.stage = stage
        # XLA leaves convolutions on a CPU slower than TensorFlow; JAX has no other.
        compiled = keras.backend.backend() != "tensorflow"
        self.compile(optimizer, jit_compile=compiled)

    def call(self, photos, training=False):
        """Photos uint8 `(batch, size, size, 3)` to pictures float32 in [-1, 1]."""
        with compiled_layers():
            return self.generator(to_float(self._sized(photos)), training=training)

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        drawings = self._sized(y)
        target = to_float(drawings[..., :3])
        importance = ops.cast(drawings[..., 3:], "float32") / 255.0
        weights = 1.0 + (self.config.eyes - 1.0) * importance
        difference = y_pred - target
        terms = {
            "pixel": ops.mean(ops.abs(difference) * weights),
            "gradient": self.config.gradient * _gradient_distance(difference, weights),
            "color": self.config.color
            * ops.mean(ops.abs(_pooled(difference, _COLOR_SQUARE))),
            "feature": self.config.feature * self._feature(target, y_pred, weights),
        }
        for tracker in self.trackers:
            tracker.update_state(terms[tracker.name])
        if training:
            self._follow()
        return sum(terms.values())

    def _sized(self, pictures):
        """With a shape that is known when a step is traced: compiled layers need it."""
        size = self.stage.size
        shape = (self.stage.batch, size, size, pictures.shape[-1])
        return ops.reshape(pictures, shape)

    def _feature(self, target, painted, weights):
        """Distance of perceptual features, pixels weighted, of the first pictures."""
        seen = self.stage.seen
        if self.features is None or not seen:
            return 0.0
        ours, theirs = self.features(painted[:seen]), self.features(target[:seen])
        distance = 0.0
        for a, b in zip(ours, theirs):
            pooled = _pooled(weights[:seen], target.shape[1] // a.shape[1])
            distance += ops.mean(ops.abs(a - b) * pooled) / a.shape[-1]
        return distance

    def _follow(self):
        """Moves the average, one step behind, towards the generator."""
        decay = ops.minimum(
            self.config.ema, (1.0 + self.updates) / (_AVERAGE_START + self.updates)
        )
        for mean, weight in zip(self.average.weights, self.generator.weights):
            weight = ops.stop_gradient(ops.convert_to_tensor(weight))
            mean.assign(decay * mean + (1.0 - decay) * weight)
        self.updates.assign(self.updates + 1.0)


def _pooled(pictures, factor):
    """Means of squares, `(batch, size / factor, size / factor, channels)`."""
    # Not ops.average_pool, which fails under JAX in Keras 3.15.
    batch, size, _, channels = pictures.shape
    shape = (batch, size // factor, factor, size // factor, factor, channels)
    return ops.mean(ops.reshape(pictures, shape), axis=(2, 4))


def _gradient_distance(difference, weights):
    """Mean L1 of the differences between neighbours, below and to the right."""

    def part(pictures, axis, first):
        start, shape = [0] * 4, list(pictures.shape)
        start[axis], shape[axis] = first, shape[axis] - 1
        # Not by indexing, whose gradient TensorFlow takes five times as long for.
        return ops.slice(pictures, start, shape)

    distance = 0.0
    for axis in (1, 2):
        step = part(difference, axis, 1) - part(difference, axis, 0)
        distance += ops.mean(ops.abs(step) * part(weights, axis, 1))
    return distance


def perceptual_network(weights):
    """VGG16 up to its third block, frozen.

    Args:
        weights: path of its file, as `build_features` takes it; None for seeded random
            values.

    Returns:
        `keras.Model` from pictures in [-1, 1] to a list of the features of `LEVELS`.

    Raises:
        InputError: the file cannot be used.
    """
    content, *style = reversed(LEVELS)
    source = None if weights is None else str(weights)
    model = build_features("vgg16", source, content, style)
    levels = [*model.output["style"], model.output["content"]]
    return keras.Model(model.input, levels, name="perceptual", trainable=False)


class StagedRate(keras.optimizers.schedules.LearningRateSchedule):
    """The stages' rates: rising at first, falling to nothing by a cosine at the end.

    Args:
        stages: tuple of `Stage`.
        warm_up: steps in which the rate rises.
        decay: share of all steps in which it falls.
    """

    def __init__(self, stages, warm_up, decay):
        self.rates = [stage.rate for stage in stages]
        self.ends, total = [], 0
        for stage in stages:
            total += stage.steps
            self.ends.append(total)
        self.warm_up, self.fall = warm_up, max(1.0, decay * total)

    def __call__(self, step):
        step = ops.cast(step, "float32")
        rate = self.rates[0]
        for end, next_rate in zip(self.ends, self.rates[1:]):
            rate = ops.where(step < end, rate, next_rate)
        risen = ops.minimum(1.0, (step + 1.0) / max(1, self.warm_up))
        left = ops.clip((self.ends[-1] - step) / self.fall, 0.0, 1.0)
        return rate * risen * 0.5 * (1.0 - ops.cos(math.pi * left))


def build_optimizer(rate, variables):
    """Adam, built, with gradients whose norm over all weights is 1 at most.

    Args:
        rate: `StagedRate`.
        variables: that it trains.
    """
    optimizer = keras.optimizers.Adam(rate, beta_2=0.99, global_clipnorm=1.0)
    optimizer.build(variables)
    return optimizer
