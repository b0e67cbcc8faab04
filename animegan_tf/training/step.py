"""What both training phases do in a step besides their losses."""

import keras
import tensorflow as tf
from keras import ops

from animegan_tf.ops import guided_filter


def paint(generator, photo):
    """Runs the generator as training sees it.

    Args:
        generator: model of `build_generator`.
        photo: `(batch, height, width, 3)` float32 in [-1, 1].

    Returns:
        `{"raw": ..., "support": ..., "main": ...}`, each of the photo's shape: the
        support tail as it is, the same after the guided filter, and the main tail.
    """
    painted = generator(photo, training=True)
    return {
        "raw": painted["support"],
        "support": guided_filter(painted["support"]),
        "main": painted["main"],
    }


def watching(variables):
    """A `tf.GradientTape` that records these Keras variables and no others."""
    tape = tf.GradientTape(watch_accessed_variables=False)
    with tape:
        for variable in variables:
            tape.watch(variable.value)
    return tape


def apply_gradients(tape, loss, optimizer, variables):
    """One optimizer step; a `LossScaleOptimizer` scales here and skips overflows."""
    with tape:
        scaled = optimizer.scale_loss(loss)
    optimizer.apply(tape.gradient(scaled, variables), variables)


def build_optimizer(rate, config, precision, variables):
    """Adam with its slots made, so that a checkpoint restores into them.

    Args:
        rate: learning rate.
        config: `OptimizerConfig`.
        precision: dtype policy; "mixed_float16" gets dynamic loss scaling.
        variables: the trainable variables it will move.
    """
    optimizer = keras.optimizers.Adam(rate, config.beta_1, config.beta_2)
    if precision == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(variables)
    return optimizer


class WeightAverage:
    """Exponential moving average of a model's weights, kept in a model of its own.

    The decay of update n is `min(decay, (1 + n) / (10 + n))`, so that the random
    start is forgotten early. Batch-norm statistics, averages already, are copied.

    Args:
        model: functional `keras.Model` to follow.
        decay: 0 copies the weights, 0.998 averages about 500 updates.

    Attributes:
        model: the averaged copy.
        updates: int64 variable, number of updates so far.
    """

    def __init__(self, model, decay):
        self.source, self.decay = model, decay
        self.model = keras.models.clone_model(model)
        self.updates = tf.Variable(0, dtype=tf.int64, name="average_updates")
        self.reset()

    def reset(self):
        """Starts from the weights that the model has now."""
        self.model.set_weights(self.source.get_weights())
        self.updates.assign(0)

    def update(self):
        n = ops.cast(self.updates, "float32")
        keep = ops.minimum(self.decay, (1.0 + n) / (10.0 + n))
        pairs = zip(self.model.trainable_weights, self.source.trainable_weights)
        for average, weight in pairs:
            average.assign(average + (1.0 - keep) * (weight - average))
        pairs = zip(self.model.non_trainable_weights, self.source.non_trainable_weights)
        for copy, weight in pairs:
            copy.assign(weight)
        self.updates.assign_add(1)
