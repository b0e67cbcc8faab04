"""Layers that keep the statistics of one picture and use them for others.

LADE and external attention look at a whole picture. A picture that is painted in parts
needs the same statistics in all of them, or the parts do not match.
"""

import keras
from keras import ops


class _Measured(keras.layers.Layer):
    """Shares the weights of a layer.

    While `measuring` is true it does what the layer does, and notes the statistics of
    the first sample; else it takes the noted ones. In a traced function the value at
    the time of tracing counts.
    """

    def __init__(self, layer):
        super().__init__(dtype=layer.dtype_policy, name=layer.name, trainable=False)
        self.layer = layer
        self.measuring = True

    def add_statistic(self, name, shape):
        return self.add_weight(
            name=name, shape=shape, initializer="zeros", dtype="float32", autocast=False
        )

    def compute_output_shape(self, input_shape):
        return input_shape


class MeasuredLADE(_Measured):
    """`LADE` with the moments of another picture.

    Args:
        layer: a built `LADE` that is not spectrally normalised.
    """

    def build(self, input_shape):
        shape = (1, 1, 1, input_shape[-1])
        self.mean, self.scale, self.shift = (
            self.add_statistic(name, shape) for name in ("mean", "scale", "shift")
        )

    def call(self, inputs):
        x = ops.cast(inputs, "float32")
        if self.measuring:
            self.mean.assign(ops.mean(x, axis=(1, 2), keepdims=True)[:1])
            scale, shift = self.layer.moments(x, self.layer.kernel)[1:]
            self.scale.assign(scale[:1])
            self.shift.assign(shift[:1])
        y = (x - self.mean) * self.scale + self.shift
        return ops.leaky_relu(
            ops.cast(y, self.compute_dtype), self.layer.negative_slope
        )


class MeasuredAttention(_Measured):
    """`ExternalAttention` with the softmax of another picture.

    The softmax over the pixels divides by a sum over them. That of the other picture
    has another number of terms, which the division by the sum over the slots cancels.

    Args:
        layer: a built `ExternalAttention`.
    """

    def build(self, input_shape):
        self.normaliser = self.add_statistic("normaliser", (1, 1, self.layer.memory))

    def call(self, inputs):
        scores = self.layer.scores(inputs)
        if self.measuring:
            self.normaliser.assign(ops.logsumexp(scores, axis=1, keepdims=True)[:1])
        return self.layer.read(inputs, ops.exp(scores - self.normaliser))
