"""What both training phases do in a step besides their losses."""

import contextlib
from dataclasses import dataclass

import keras
import tensorflow as tf
from keras import ops

from animegan_tf.ops import guided_filter
from animegan_tf.training.replicas import on_every_replica, replicas


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


def gradients_of(tape, loss, optimizer, sources):
    """Gradients of a loss by variables or tensors, as the optimizer takes them.

    A `LossScaleOptimizer` gets them times its scale.
    """
    with tape:
        scaled = optimizer.scale_loss(loss)
    return tape.gradient(scaled, sources)


def is_finite(tensors):
    """Whether no number in several tensors is NaN or infinite: a boolean scalar."""
    # A sum of squares is one fused pass a tensor, and keeps every NaN and infinity.
    squares = tf.stack([tf.nn.l2_loss(tensor) for tensor in tensors])
    return tf.reduce_all(tf.math.is_finite(squares))


@dataclass(frozen=True)
class Side:
    """One of the sides that a step trains.

    Attributes:
        name: "generator" or "discriminators".
        optimizer: of `build_optimizer`.
        variables: what it moves.
        gradients: of `gradients_of`, one a variable.
        open: boolean scalar or variable; where it is False, this side rests.
    """

    name: str
    optimizer: keras.optimizers.Optimizer
    variables: list
    gradients: list
    open: tf.Variable | bool = True

    def is_sound(self):
        """Whether the gradients are finite, or only too large for their scale.

        A `LossScaleOptimizer` finds its scale by overflows, skips those steps by
        itself and halves it. With no scale left, what is not finite is no overflow.
        """
        finite = is_finite(self.gradients)
        if isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer):
            finite |= tf.convert_to_tensor(self.optimizer.dynamic_scale) > 1.0
        return finite

    def apply(self, applied):
        """One optimizer step, or none: neither weights, moments nor count change."""
        applied = applied & tf.convert_to_tensor(self.open)

        def nothing():
            return [tf.zeros_like(gradient) for gradient in self.gradients]

        # NaN times 0 is NaN. Only tensors pass through the branches, because replicas
        # come together in the optimizer's `apply`, which no branch may hold.
        gradients = tf.cond(applied, lambda: list(self.gradients), nothing)
        adam = getattr(self.optimizer, "inner_optimizer", self.optimizer)
        with adam.gated(applied):
            self.optimizer.apply(shared_gradients(gradients), self.variables)


def may_apply(sound):
    """Whether a step is applied: the one decision, by which all that it changes goes.

    Args:
        sound: boolean scalars, what was found of its terms and of its sides.

    Returns:
        Boolean scalar.
    """
    return on_every_replica(tf.reduce_all(tf.stack(list(sound))))


def shared_gradients(gradients):
    """What each replica gives to `apply`, which adds all of theirs up, for the mean.

    They are finite on all replicas or NaN on all of them, or else some would skip an
    overflow and others not: a `LossScaleOptimizer` looks at a replica's own.
    """
    if replicas() == 1:
        return gradients
    finite = on_every_replica(is_finite(gradients))
    factor = tf.where(finite, 1.0 / replicas(), float("nan"))
    return [gradient * tf.cast(factor, gradient.dtype) for gradient in gradients]


def apply_step(terms, sides, remembered, average):
    """Applies a step to both sides and the average, or to nothing.

    Nothing changes where a term or a gradient is NaN or infinite: no weight, moment
    or count, no average, no statistic that a pass through a network has moved.

    Args:
        terms: dict of float32 scalars.
        sides: `Side`s.
        remembered: result of `remember` from before the networks were called.
        average: `WeightAverage` of the generator; None where it was not updated.

    Returns:
        `{"step/applied": ..., "step/generator": ...}`, boolean scalars: whether it
        was applied, and whether each side's gradients were sound.
    """
    sound = {f"step/{side.name}": side.is_sound() for side in sides}
    applied = may_apply([is_finite(terms.values()), *sound.values()])
    for side in sides:
        side.apply(applied)
    put_back(remembered, applied)
    if average is not None:
        average.update(applied)
    return {"step/applied": applied, **sound}


def track(trackers, terms, applied):
    """Adds a step's terms to their means, unless it was not applied.

    Returns:
        The means by name, which is what a step gives to `fit`.
    """
    weight = tf.cast(applied, tf.float32)
    for name, value in terms.items():
        trackers[name].update_state(tf.where(applied, value, 0.0), weight)
    return {name: tracker.result() for name, tracker in trackers.items()}


class GatedAdam(keras.optimizers.Adam):
    """Adam with a gate: within `gated(False)` its `apply` changes nothing.

    The gate multiplies scalars that Adam has anyway, so it costs no pass over the
    weights, and leaves the numbers of an applied step as they are to the bit.

    Reference:
        Kingma, Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015.
    """

    _gate = None

    @contextlib.contextmanager
    def gated(self, applied):
        """Within it, `applied` (boolean scalar tensor) decides on every update."""
        self._gate = tf.cast(applied, tf.float32)
        try:
            yield
        finally:
            self._gate = None

    def update_step(self, gradient, variable, learning_rate):
        gate = 1.0 if self._gate is None else self._gate
        index = self._get_variable_index(variable)
        moment, square = self._momentums[index], self._velocities[index]
        step = ops.cast(self.iterations + 1, "float32")
        rate = gate * learning_rate
        rate = rate * ops.sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)
        self.assign_add(moment, (gradient - moment) * (gate * (1 - self.beta_1)))
        self.assign_add(
            square, (ops.square(gradient) - square) * (gate * (1 - self.beta_2))
        )
        self.assign_sub(variable, moment * rate / (ops.sqrt(square) + self.epsilon))

    def apply(self, grads, trainable_variables=None):
        super().apply(grads, trainable_variables)
        if self._gate is not None:
            self.iterations.assign_sub(ops.cast(1.0 - self._gate, "int64"))


def remember(*models):
    """What a pass through networks moves besides training: pairs of it and its value.

    These are statistics of batch normalisation and spectral vectors, all small.
    """
    variables = [v for model in models for v in model.non_trainable_variables]
    return [(variable, tf.identity(variable)) for variable in variables]


def put_back(remembered, applied):
    """Undoes what `remember` saw move, unless the step is applied."""
    for variable, before in remembered:
        variable.assign(tf.where(applied, variable.value, before))


def build_optimizer(rate, config, precision, variables):
    """Adam with its slots made, so that a checkpoint restores into them.

    Args:
        rate: learning rate.
        config: `OptimizerConfig`.
        precision: dtype policy; "mixed_float16" gets dynamic loss scaling.
        variables: the trainable variables it will move.
    """
    optimizer = GatedAdam(rate, config.beta_1, config.beta_2)
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

    def update(self, applied=True):
        """Follows the model by one step, if that was applied (boolean scalar)."""
        n = ops.cast(self.updates, "float32")
        keep = ops.minimum(self.decay, (1.0 + n) / (10.0 + n))
        keep = ops.where(applied, keep, 1.0)
        pairs = zip(self.model.trainable_weights, self.source.trainable_weights)
        for average, weight in pairs:
            average.assign(average + (1.0 - keep) * (weight - average))
        pairs = zip(self.model.non_trainable_weights, self.source.non_trainable_weights)
        for copy, weight in pairs:
            copy.assign(weight)
        self.updates.assign_add(ops.cast(applied, "int64"))
