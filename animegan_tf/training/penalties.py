"""Penalties on the gradient of a discriminator by its pictures.

They are trained through a gradient of a gradient, which `keras.ops` has no name for:
this module needs TensorFlow. What is made of the gradients is in `losses`.
"""

import tensorflow as tf

from animegan_tf.losses import gradient_penalty, zero_centred_penalty
from animegan_tf.training.replicas import own_part, replicas


def logit_gradients(discriminator, pictures):
    """Gradients of each picture's mean logit by the picture.

    Args:
        discriminator: `keras.Model` that judges every picture by itself; its spectral
            vectors stay.
        pictures: `(batch, ...)` float32.

    Returns:
        The pictures' shape, float32, itself differentiable by an outer tape with
        respect to the discriminator's variables.
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(pictures)
        logits = discriminator(pictures)
        total = tf.reduce_sum(logits)
    # Divided last: in float16 a patch's part would be rounded away inside.
    patches = tf.cast(tf.size(logits[0]), tf.float32)
    return tf.cast(tape.gradient(total, pictures), tf.float32) / patches


def penalty(kind, discriminator, real, fakes, key):
    """A penalty of one discriminator, without its factor.

    Args:
        kind: "gradient", on random points between every fake picture and a real one,
            kind by kind; "r1", on real pictures; or "r1_r2", on fake ones too.
        discriminator: as in `logit_gradients`.
        real: `(batch, ...)` float32.
        fakes: list of `(weight, pictures)`, a pair for each kind of fake pictures.
        key: int64 `(2,)`, seed of the random points.

    Returns:
        float32 scalar: each kind of fake counts with its weight, the real pictures with
        the sum of them.
    """
    real = tf.stop_gradient(real)
    fakes = [(weight, tf.stop_gradient(pictures)) for weight, pictures in fakes]
    measure = zero_centred_penalty
    if kind == "gradient":
        shown = [(weight, _between(real, fake, key)) for weight, fake in fakes]
        measure = gradient_penalty
    else:
        total = sum(weight for weight, _ in fakes)
        shown = [(total, real), *(fakes if kind == "r1_r2" else [])]
    pictures = tf.concat([pictures for _, pictures in shown], 0)
    gradients = tf.split(logit_gradients(discriminator, pictures), len(shown))
    return sum(weight * measure(part) for (weight, _), part in zip(shown, gradients))


def _between(real, fake, key):
    """A point on the line between each pair of pictures."""
    shape = (tf.shape(real)[0] * replicas(), *[1] * (len(real.shape) - 1))
    place = own_part(tf.random.stateless_uniform(shape, key, alg="philox"))
    return place * real + (1.0 - place) * fake
