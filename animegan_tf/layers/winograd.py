"""A frozen 3x3 convolution with a quarter of the multiplications."""

import functools

import keras
import numpy as np
from keras import ops

from animegan_tf.layers.compiled import computes_on_cpu

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
    instead of 144, equal to the plain one within 1e-4 of the largest value. The
    gradient with respect to the input takes the same way; the kernel has none.
    Everywhere else, and before `freeze()`, it is `keras.layers.Conv2D`: GPU libraries
    choose such algorithms themselves.

    Args:
        filters: number of output channels.
        rectify: take the ReLU of the input first; in the compiled form that costs no
            pass through memory, forward or back.

    Input `(batch, height, width, channels)`, output `(batch, height, width,
    filters)`.

    Reference:
        Lavin, Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016.
    """

    def __init__(self, filters, rectify=False, **kwargs):
        kwargs = {**kwargs, "kernel_size": 3, "padding": "same", "strides": 1}
        super().__init__(filters, **kwargs)
        self.trainable = False
        self.rectify = rectify
        self._convolve = None

    def freeze(self):
        """Transforms the present kernel; later changes to it have no effect."""
        if self.compute_dtype != "float32" or not computes_on_cpu():
            return
        self._convolve = _frozen_function(
            np.asarray(self.kernel), np.asarray(self.bias), self.rectify
        )

    def call(self, inputs):
        if self._convolve is None or None in inputs.shape:
            return super().call(ops.relu(inputs) if self.rectify else inputs)
        return self._convolve(inputs)

    def get_config(self):
        return {**super().get_config(), "rectify": self.rectify}


def _frozen_function(kernel, bias, rectify):
    import tensorflow as tf

    kernel, bias = tf.constant(_transformed(kernel)), tf.constant(bias)
    forward, backward = _compiled()

    @tf.custom_gradient
    def apply(x):
        y = forward(x, kernel, bias, rectify)
        # Unless it is rectified, the input need not be kept.
        return y, lambda dy: backward(dy, kernel, x if rectify else None)

    return apply


@functools.cache
def _compiled():
    """Both directions, each as one kernel: unless fused, the sums cost too much.

    One function for all layers, so that those of equal shape share a compilation.
    """
    import tensorflow as tf

    return (
        tf.function(_convolve, jit_compile=True),
        tf.function(_convolve_back, jit_compile=True),
    )


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


def _multiplied(planes, shape, kernel, transpose):
    """The 36 planes of `(B, rows, columns, C)`, each through its own matrix."""
    import tensorflow as tf

    batch, rows, columns = shape
    planes = tf.stack(planes)
    planes = tf.reshape(planes, (36, batch * rows * columns, planes.shape[-1]))
    products = tf.matmul(planes, kernel, transpose_b=transpose)
    products = tf.reshape(products, (6, 6, batch, rows, columns, products.shape[-1]))
    return tf.unstack(products)


def _convolve(x, kernel, bias, rectify):
    import tensorflow as tf

    batch, height, width, _ = x.shape
    if rectify:
        x = tf.nn.relu(x)
    rows, columns = -(-height // 4), -(-width // 4)
    down, across = (1, 4 * rows - height + 1), (1, 4 * columns - width + 1)
    x = tf.pad(x, [[0, 0], down, across, [0, 0]])
    bands = [x[:, i : i + 4 * rows - 3 : 4] for i in range(6)]
    planes = []
    for band in (_combined(weights, bands) for weights in _INPUT):
        taps = [band[:, :, j : j + 4 * columns - 3 : 4] for j in range(6)]
        planes += [_combined(weights, taps) for weights in _INPUT]
    products = _multiplied(planes, (batch, rows, columns), kernel, transpose=False)
    lines = []
    for weights in _OUTPUT:
        taps = tf.unstack(_combined(weights, products))
        lines.append(tf.stack([_combined(w, taps) for w in _OUTPUT], axis=3))
    picture = tf.stack(lines, axis=2)  # (B, rows, 4, columns, 4, filters)
    picture = tf.reshape(picture, (batch, 4 * rows, 4 * columns, -1)) + bias
    return picture[:, :height, :width]


def _convolve_back(dy, kernel, rectified):
    """Gradient with respect to the input: every transform transposed.

    `rectified` is the input if its ReLU was taken, else None.
    """
    import tensorflow as tf

    batch, height, width, _ = dy.shape
    rows, columns = -(-height // 4), -(-width // 4)
    down, across = (0, 4 * rows - height), (0, 4 * columns - width)
    dy = tf.pad(dy, [[0, 0], down, across, [0, 0]])
    lines = [dy[:, i::4] for i in range(4)]
    planes = []
    for line in (_combined(weights, lines) for weights in zip(*_OUTPUT)):
        taps = [line[:, :, j::4] for j in range(4)]
        planes += [_combined(weights, taps) for weights in zip(*_OUTPUT)]
    products = _multiplied(planes, (batch, rows, columns), kernel, transpose=True)
    lines = []
    for weights in zip(*_INPUT):
        taps = tf.unstack(_combined(weights, products))
        taps = [_combined(w, taps) for w in zip(*_INPUT)]
        lines.append(_overlapped(taps, axis=2))  # (B, rows, columns + 1, 4, C)
    picture = _overlapped(lines, axis=1)  # (B, rows + 1, 4, columns + 1, 4, C)
    picture = tf.reshape(picture, (batch, 4 * rows + 4, 4 * columns + 4, -1))
    picture = picture[:, 1 : height + 1, 1 : width + 1]
    return picture if rectified is None else tf.where(rectified > 0, picture, 0.0)


def _overlapped(taps, axis):
    """Adds up tiles of six that start every four: `(..., tiles + 1, 4, ...)`."""
    import tensorflow as tf

    def shifted(tap, before):
        padding = [[0, 0]] * tap.shape.rank
        padding[axis] = [before, 1 - before]
        return tf.pad(tap, padding)

    first = [shifted(tap, 0) for tap in taps[:4]]
    for i, tap in enumerate(taps[4:]):
        first[i] = first[i] + shifted(tap, 1)
    return tf.stack(first, axis=axis + 1)
