"""What a step tells about its own health: a few numbers from what it has anyway."""

import tensorflow as tf
from keras import ops

TAILS = ("support", "main")
MEASURES = ("accuracy", "slope", "diversity", "change")
FIGURES = tuple(f"{tail}/{measure}" for tail in TAILS for measure in MEASURES)


class Readings:
    """The last step's own figures, where a callback finds them.

    The means that a step gives to `fit` begin anew each epoch and hide single steps.

    Args:
        terms: names of the step's terms and measures.
        sides: names of its `Side`s.

    Attributes:
        names: of the figures: `terms`, then "step/applied" and "step/" with each side.
        values: `(names,)` float32 variable; replicas write their own, and it is read
            as their mean.
    """

    def __init__(self, terms, sides):
        self.names = (*terms, "step/applied", *(f"step/{side}" for side in sides))
        self.values = tf.Variable(
            tf.zeros(len(self.names)),
            trainable=False,
            synchronization=tf.VariableSynchronization.ON_READ,
            aggregation=tf.VariableAggregation.MEAN,
            name="readings",
        )

    def write(self, figures):
        """Keeps scalars of any dtype; there is one for every name."""
        figures = [tf.cast(figures[name], tf.float32) for name in self.names]
        self.values.assign(tf.stack(figures))

    def read(self):
        """`{name: float}` of the last step."""
        return dict(zip(self.names, self.values.numpy().tolist()))


def figures_of(photo, stylized, logits, gradients):
    """The figures of both tails by name.

    Args:
        photo: `(batch, height, width, 3)`.
        stylized: dict of the tails' pictures of it.
        logits: dict by kind: "anime" and "support", "revision" and "main".
        gradients: of the adversarial losses, without their weight, by the pictures that
            the discriminators saw, by tail.
    """
    figures = {}
    for tail, real in (("support", "anime"), ("main", "revision")):
        figures |= {
            f"{tail}/accuracy": accuracy(logits[real], logits[tail]),
            f"{tail}/slope": slope(gradients[tail]),
            f"{tail}/diversity": diversity(stylized[tail], photo),
            f"{tail}/change": change(stylized[tail], photo),
        }
    return figures


def accuracy(real, painted):
    """Share of patches that a discriminator tells apart: 1 all, 0.5 a guess.

    The line between real and painted is drawn halfway between the means of both, so
    that it means the same for every objective, whatever its logits should be.

    Args:
        real, painted: logits of any shape.
    """
    real, painted = ops.cast(real, "float32"), ops.cast(painted, "float32")
    middle = (ops.mean(real) + ops.mean(painted)) / 2.0
    right = ops.mean(ops.cast(real > middle, "float32"))
    return (right + ops.mean(ops.cast(painted < middle, "float32"))) / 2.0


def slope(gradient):
    """How much a term changes at most, per unit by which the picture changes (RMS).

    With the gradient of the adversarial term by the picture that the discriminator
    sees, it stands for the generator's gradient from that term, which is this one
    times the generator's own derivative: where it is 0, nothing of the term reaches a
    weight. Asking for the weights' gradient would cost a second pass back through the
    generator; this one the step computes on its way.

    Args:
        gradient: of a scalar by `(batch, height, width, channels)` pictures.

    Returns:
        Norm of the gradient, times the root of its size: the same for small and large
        pictures and batches.
    """
    size = tf.cast(tf.size(gradient), tf.float32)
    return tf.sqrt(2.0 * tf.nn.l2_loss(gradient) * size)


def diversity(painted, photo):
    """Distance of the painted pictures from each other, in that of their photos.

    Near 0 all photos are painted alike. Root mean squares over all pairs of the
    batch, which the variance about the batch's mean gives without forming pairs.

    Args:
        painted, photo: `(batch, height, width, 3)`.

    Returns:
        Scalar; NaN where the photos are equal or only one.
    """
    spread = ops.sqrt(ops.mean(ops.var(photo, axis=0)))
    return ops.sqrt(ops.mean(ops.var(painted, axis=0))) / spread


def change(painted, photo):
    """Mean absolute difference of painted pictures and their photos in grey levels."""
    return 127.5 * ops.mean(ops.abs(painted - photo))
