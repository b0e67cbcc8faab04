"""A frozen 3x3 convolution with a quarter of the multiplications."""

import keras
import numpy as np

# Transforms of F(4x4, 3x3), interpolation points 0, 1, -1, 2, -2 and infinity.
_INPUT = (
    (4, 0, -5, 0, 1, 0),
    (0, -4, -4, 1, 1, 0),
    (0, 4, -4, -1, 1, 0),
    (0, -2, -1, 2, 1, 0),
    (0, 2, -1, -2, 1, 0),
    (0, 4, 0, -5, 0, 1),
)
_KERNEL = (
    (1 / 4, 0, 0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0, 0, 1),
)
_OUTPUT = (
    (1, 1, 1, 1, 1, 0),
    (0, 1, -1, 2, -2, 0),
    (0, 1, 1, 4, 4, 0),
    (0, 1, -1, 8, -8, 1),
)


@keras.saving.register_keras_serializable(package="animegan_tf")
class FrozenConv2D(keras.layers.Conv2D):
    """A 3x3 convolution with "same" padding whose kernel does not change any more.

    After `freeze()`, float32 pictures on a CPU under TensorFlow go through Winograd's
    minimal filtering over 4x4 tiles: 36 multiplications a tile, channel and filter
    instead of 144, at a relative error of about 2e-5. The gradient with respect to
    the input takes the same way; the kernel has none. Everywhere else, and before
    `freeze()`, it is `keras.layers.Conv2D`: GPU libraries choose such algorithms
    themselves.

    Args:
        filters: number of output channels.

    Input `(batch, height, width, channels)`, output `(batch, height, width,
    filters)`.

    Reference:
        Lavin, Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016.
    """

    def __init__(self, filters, **kwargs):
        kwargs = {**kwargs, "kernel_size": 3, "padding": "same", "strides": 1}
        super().__init__(filters, **kwargs)
        self.trainable = False
        self._convolve = None

    def freeze(self):
        """Transforms the present kernel; later changes to it have no effect."""
        if keras.backend.backend() != "tensorflow" or self.compute_dtype != "float32":
            return
        import tensorflow as tf

        if tf.config.list_physical_devices("GPU"):
            return
        kernel = np.asarray(self.kernel)
        # The gradient of a convolution is one with the kernel turned round.
        turned = np.transpose(kernel[::-1, ::-1], (0, 1, 3, 2))
        self._convolve = _frozen_function(kernel, turned, np.asarray(self.bias))

    def call(self, inputs):
        if self._convolve is None or None in inputs.shape:
            return super().call(inputs)
        return self._convolve(inputs)


def _frozen_function(kernel, turned, bias):
    import tensorflow as tf

    forward, backward = tf.constant(_transformed(kernel)), tf.constant(
        _transformed(turned)
    )
    bias, no_bias = tf.constant(bias), tf.zeros(kernel.shape[2])

    # Compiled as one: the sums over tiles cost more than they save unless fused.
    convolve = tf.function(_winograd, jit_compile=True)

    @tf.custom_gradient
    def apply(x):
        return convolve(x, forward, bias), lambda dy: convolve(dy, backward, no_bias)

    return apply


def _transformed(kernel):
    matrix = np.array(_KERNEL)
    tiles = np.einsum("ia,jb,abcd->ijcd", matrix, matrix, kernel.astype("float64"))
    return tiles.reshape(36, *kernel.shape[2:]).astype("float32")


def _combined(weights, terms):
    """Sum of the terms times their weights, zeros and ones not multiplied."""
    products = [t if w == 1 else w * t for w, t in zip(weights, terms) if w]
    total = products[0]
    for product in products[1:]:
        total = total + product
    return total


def _winograd(x, kernel, bias):
    import tensorflow as tf

    batch, height, width, channels = x.shape
    rows, columns = -(-height // 4), -(-width // 4)
    x = tf.pad(
        x, [[0, 0], [1, 4 * rows - height + 1], [1, 4 * columns - width + 1], [0, 0]]
    )
    bands = [x[:, i : i + 4 * rows - 3 : 4] for i in range(6)]
    tiles = []
    for across in (_combined(weights, bands) for weights in _INPUT):
        taps = [across[:, :, j : j + 4 * columns - 3 : 4] for j in range(6)]
        tiles += [_combined(weights, taps) for weights in _INPUT]
    tiles = tf.reshape(tf.stack(tiles), (36, batch * rows * columns, channels))

    products = tf.matmul(tiles, kernel)  # (36, tiles, filters)
    filters = kernel.shape[-1]
    products = tf.reshape(products, (6, 6, batch, rows, columns, filters))
    lines = []
    for weights in _OUTPUT:
        taps = tf.unstack(_combined(weights, tf.unstack(products)))
        lines.append(tf.stack([_combined(w, taps) for w in _OUTPUT], axis=3))
    picture = tf.stack(lines, axis=2)  # (B, rows, 4, columns, 4, filters)
    picture = tf.reshape(picture, (batch, 4 * rows, 4 * columns, filters)) + bias
    return picture[:, :height, :width]
