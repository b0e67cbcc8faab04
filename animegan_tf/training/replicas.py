"""What a step needs to know of the other replicas that share it, while it is traced.

On one device there is one replica, and each function gives back what it was given.
"""

import tensorflow as tf


def replicas():
    """How many replicas share the step."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def on_every_replica(holds):
    """Whether a boolean scalar is true on all replicas."""
    if replicas() == 1:
        return holds
    context = tf.distribute.get_replica_context()
    # Counted in float32: not every way of adding up on GPUs takes integers.
    return context.all_reduce("SUM", tf.cast(holds, tf.float32)) > replicas() - 0.5


def mean_over_replicas(value):
    """The mean of all replicas' values of a float tensor."""
    if replicas() == 1:
        return value
    return tf.distribute.get_replica_context().all_reduce("MEAN", value)


def parts_of_mean(gradients):
    """What each replica gives to an optimizer, which adds all of theirs up.

    They are finite on all replicas or NaN on all of them, or else some would skip an
    overflow and others not: a `LossScaleOptimizer` looks at a replica's own.
    """
    if replicas() == 1:
        return gradients
    finite = on_every_replica(is_finite(gradients))
    factor = tf.where(finite, 1.0 / replicas(), float("nan"))
    return [gradient * tf.cast(factor, gradient.dtype) for gradient in gradients]


def own_part(numbers):
    """The rows of this replica's pictures, from those of the whole batch's."""
    if replicas() == 1:
        return numbers
    number = tf.distribute.get_replica_context().replica_id_in_sync_group
    return tf.split(numbers, replicas())[number]


def is_finite(tensors):
    """Whether no number in several float tensors is NaN or infinite: boolean scalar."""
    # A sum of squares is one fused pass a tensor, and keeps every NaN and infinity.
    squares = tf.stack([tf.nn.l2_loss(tensor) for tensor in tensors])
    return tf.reduce_all(tf.math.is_finite(squares))
