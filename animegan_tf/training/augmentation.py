"""Differentiable augmentation of what the discriminators see.

All of it treats the three channels alike, so grey pictures stay grey. What leaves the
picture is filled with 0, the middle grey of [-1, 1].
"""

import tensorflow as tf

from animegan_tf.training.replicas import mean_over_replicas, own_part, replicas

_SHIFT, _HOLE = 1 / 8, 1 / 2  # of the side, as in the paper


def draw(count, key):
    """Random numbers for the changes of a batch: float32 `(count, 8)` in [0, 1).

    Args:
        count: pictures of a kind, of this replica.
        key: int64 `(2,)`; the same key gives the same numbers.
    """
    whole = count * replicas()
    return own_part(tf.random.stateless_uniform((whole, 8), key, alg="philox"))


def augmented(pictures, names, numbers, probability):
    """Pictures, each with every change at a probability.

    Real and fake pictures that are given the same numbers change in the same way:
    picture i of one kind as picture i of the other.

    Args:
        pictures: `(batch, side, side, 3)` float32 in [-1, 1].
        names: some of `config.AUGMENTATIONS`.
        numbers: of `draw`.
        probability: between 0 and 1, a number or a scalar tensor.

    Returns:
        The same shape; brightness may leave the range by up to 0.5. The gradient flows
        back to the pictures.

    Reference:
        Zhao et al., "Differentiable Augmentation for Data-Efficient GAN Training",
        NeurIPS 2020; the probability is that of Karras et al., "Training Generative
        Adversarial Networks with Limited Data", NeurIPS 2020.
    """
    chance, places = numbers[:, :3] < probability, numbers[:, 3:]
    if "translation" in names:
        pictures = _shifted(pictures, places[:, :2], chance[:, 0])
    if "cutout" in names:
        pictures = pictures * _kept(pictures, places[:, 2:4], chance[:, 1])
    if "brightness" in names:
        change = tf.where(chance[:, 2], places[:, 4] - 0.5, 0.0)
        pictures = pictures + change[:, None, None, None]
    return pictures


def _shifted(pictures, places, chance):
    """Each moved by up to an eighth of its side."""
    for axis in (1, 2):
        side = pictures.shape[axis]
        most = int(side * _SHIFT + 0.5)
        shift = tf.cast(places[:, axis - 1] * (2 * most + 1), tf.int32) - most
        shift = tf.where(chance, shift, 0)
        # The rim that is added on either side is what comes in from outside.
        rim = [[0, 0]] * 4
        rim[axis] = [1, 1]
        source = tf.range(side)[None] - shift[:, None] + 1
        source = tf.clip_by_value(source, 0, side + 1)
        pictures = tf.gather(tf.pad(pictures, rim), source, axis=axis, batch_dims=1)
    return pictures


def _kept(pictures, places, chance):
    """Mask `(batch, side, side, 1)`: 0 in a square hole of half the side, else 1."""
    inside = []
    for axis in (1, 2):
        side = pictures.shape[axis]
        hole = int(side * _HOLE + 0.5)
        first = tf.floor(places[:, axis - 1] * (side + 1)) - hole // 2
        offset = tf.range(side, dtype=tf.float32)[None] - first[:, None]
        inside.append((offset >= 0) & (offset < hole))
    hole = inside[0][:, :, None] & inside[1][:, None] & chance[:, None, None]
    return tf.where(hole, 0.0, 1.0)[..., None]


class AugmentationProbability:
    """The probability with which pictures are changed, for one discriminator.

    Args:
        start: the probability; where it is adapted, the first one.
        target: separation of the training pictures to hold, between 0 and 1; 0 keeps
            the probability fixed.
        pictures: real pictures in which the probability can go from 0 to 1.
        name: of the variable.

    Attributes:
        value: float32 variable.

    Reference:
        Karras et al. 2020, section 3; adjusted after every batch instead of four.
    """

    def __init__(self, start, target, pictures, name):
        self.value = tf.Variable(start, dtype=tf.float32, name=name)
        self.target, self.pictures = target, pictures

    def adapt(self, real, middle):
        """Raises it if the discriminator separates too well, else lowers it.

        Near a separation of 0 it cannot tell, near 1 it knows every real picture it has
        seen: it overfits.

        Args:
            real: logits of a batch of training pictures.
            middle: logits between real and fake, broadcast.
        """
        if self.target:
            separation = mean_over_replicas(tf.reduce_mean(tf.sign(real - middle)))
            whole = tf.shape(real)[0] * replicas()
            pace = tf.cast(whole, tf.float32) / self.pictures
            step = pace * tf.sign(separation - self.target)
            self.value.assign(tf.clip_by_value(self.value + step, 0.0, 1.0))
