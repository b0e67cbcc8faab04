"""What both training phases do in a step besides their losses."""

import keras
import tensorflow as tf
from keras import ops

from animegan_tf.ops import guided_filter, to_gray
from animegan_tf.training.health.readings import Readings
from animegan_tf.training.replicas import is_finite, on_every_replica, parts_of_mean


class Phase(keras.Model):
    """A training phase, whose steps are applied as a whole or not at all.

    A `train_step` begins with `snapshot` and ends with `finish`: where it has met NaN
    or infinity it changes nothing, no weight, moment or count, no average, no statistic
    that a pass through a network has moved.

    Args:
        name: of the model.
        losses: names of its losses.
        figures: names of what else `finish` is given.
        sides: what is trained, "generator" and "discriminators", each by its optimizer
            in `optimizers`.

    Attributes:
        readings: `Readings` of the last step.
        trackers: dict of the means that `fit` logs.
    """

    def __init__(self, name, losses, figures=(), sides=("generator",)):
        super().__init__(name=name)
        self.built = True  # its networks are; it has no call of its own
        self.trackers = {name: keras.metrics.Mean(name=name) for name in losses}
        self.readings = Readings((*losses, *figures), sides)

    @property
    def metrics(self):
        return list(self.trackers.values())

    @property
    def optimizers(self):
        """Optimizers by the side that they train."""
        return {"generator": self.generator_optimizer}

    @property
    def moved_variables(self):
        """All that a step may move, but the means of the log."""
        optimizers = [v for o in self.optimizers.values() for v in o.variables]
        average = [*self.average.model.variables, self.average.updates]
        return [*self.generator.variables, *average, *optimizers]

    def snapshot(self):
        """Pairs of `moved_variables` and their values now."""
        return snapshot(self.moved_variables)

    def finish(self, before, losses, figures=None):
        """Undoes a step where a loss or a moment is not finite; logs it.

        Args:
            before: result of `snapshot`.
            losses: dict of float32 scalars.
            figures: dict of more scalars for `readings`, which may be anything.

        Returns:
            The means of the losses by name, which is what a step gives to `fit`.
        """
        sound = {f"step/{side}": _is_sound(o) for side, o in self.optimizers.items()}
        holds = tf.stack([is_finite(losses.values()), *sound.values()])
        applied = on_every_replica(tf.reduce_all(holds))
        restore(before, applied)
        figures = {**losses, **(figures or {}), "step/applied": applied, **sound}
        self.readings.write(figures)
        return self.track(losses, applied)

    def is_finite(self):
        """Whether all that a step may move is finite: boolean scalar."""
        return is_finite([v for v in self.moved_variables if v.dtype == "float32"])

    def track(self, losses, applied=True):
        """Adds losses to their means, unless the step was not applied; the means."""
        for name, value in losses.items():
            kept = tf.where(applied, value, 0.0)
            self.trackers[name].update_state(kept, tf.cast(applied, tf.float32))
        return {name: tracker.result() for name, tracker in self.trackers.items()}


def snapshot(variables):
    """Pairs of variables and their values now, for `restore`."""
    return [(variable, tf.identity(variable)) for variable in variables]


def restore(before, kept):
    """Gives variables their values of a `snapshot`, unless a boolean scalar is true."""
    for variable, value in before:
        variable.assign(tf.where(kept, tf.convert_to_tensor(variable), value))


def _is_sound(optimizer):
    """Whether an optimizer's moments, and so what it gives to weights, are finite.

    A `LossScaleOptimizer` finds its scale by overflows, skips those steps by itself and
    halves it. With no scale left, what is not finite is no overflow.
    """
    finite = is_finite([v for v in optimizer.variables if v.dtype == "float32"])
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        finite &= tf.convert_to_tensor(optimizer.dynamic_scale) >= 1.0
    return finite


def stylize(generator, photo):
    """Runs the generator as training sees it.

    Args:
        generator: model of `build_generator`.
        photo: `(batch, height, width, 3)` float32 in [-1, 1].

    Returns:
        `{"raw": ..., "support": ..., "gray": ..., "main": ...}`, each of the photo's
        shape: the support tail as it is, the same after the guided filter, that in
        grey, and the main tail.
    """
    stylized = generator(photo, training=True)
    support = guided_filter(stylized["support"])
    return {
        "raw": stylized["support"],
        "support": support,
        "gray": to_gray(support),
        "main": stylized["main"],
    }


def describe(features, pictures):
    """Features of several batches, one pass after the other.

    Left to itself, TensorFlow starts them side by side, which takes the memory of all
    and gains no time where each fills the processor.

    Args:
        features: model of `build_features`.
        pictures: dict of batches.

    Returns:
        `{name: {"content": features, "style": [features, ...]}}`.
    """
    described, before = {}, []
    for name, batch in pictures.items():
        with tf.control_dependencies(before):
            described[name] = features(tf.identity(batch))
        before = [described[name]["content"]]
    return described


def watching(variables):
    """A `tf.GradientTape` that records these Keras variables and no others."""
    tape = tf.GradientTape(watch_accessed_variables=False)
    with tape:
        for variable in variables:
            tape.watch(variable.value)
    return tape


def minimize(losses, tape, optimizer, variables, inputs=()):
    """One update of `variables` down the gradient of the losses' sum.

    Args:
        losses: dict of scalars that the tape has recorded.
        tape: of `watching`.
        optimizer: of `build_optimizer`.
        variables: what it moves.
        inputs: list of recorded tensors.

    Returns:
        The gradients by `inputs`.
    """
    scale = optimizer.scale_loss(1.0)
    with tape:
        loss = optimizer.scale_loss(sum(losses.values()))
    gradients, by_inputs = tape.gradient(loss, [variables, list(inputs)])
    optimizer.apply(parts_of_mean(gradients), variables)
    return [gradient / scale for gradient in by_inputs]


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
        """Follows the model by one step."""
        n = ops.cast(self.updates, "float32")
        keep = ops.minimum(self.decay, (1.0 + n) / (10.0 + n))
        pairs = zip(self.model.trainable_weights, self.source.trainable_weights)
        for average, weight in pairs:
            average.assign(average + (1.0 - keep) * (weight - average))
        pairs = zip(self.model.non_trainable_weights, self.source.non_trainable_weights)
        for copy, weight in pairs:
            copy.assign(weight)
        self.updates.assign_add(1)
