"""Kernels for training steps on a CPU: LADE as one, frozen convolutions by Winograd.

XLA leaves convolutions slower than TensorFlow's own, so a whole step gains nothing
from it; but chains of element-wise operations and reductions, which TensorFlow sends
through memory one by one, take less time when compiled as one. Such a kernel is
compiled again for every size, which only training, with its one size, repays. GPUs and
TPUs need none of this: their libraries choose such algorithms themselves.
"""

import contextlib
import contextvars
import functools

import keras
import numpy as np
from keras import ops

_wanted = contextvars.ContextVar("animegan_tf_compiled_layers", default=False)


@contextlib.contextmanager
def compiled_layers():
    """Within it, layers that have a compiled form use it, if a CPU does the work."""
    token = _wanted.set(computes_on_cpu())
    try:
        yield
    finally:
        _wanted.reset(token)


def use_compiled(inputs):
    """Whether a layer should take its compiled form for this input."""
    return _wanted.get() and None not in inputs.shape


def computes_on_cpu():
    """Whether TensorFlow computes, and without a GPU or a TPU."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return not any(tf.config.list_physical_devices(x) for x in ("GPU", "TPU"))


@functools.cache
def _kernel(function):
    """A function as one kernel, so that layers of equal shape share a compilation."""
    import tensorflow as tf

    return tf.function(function, jit_compile=True)


# LADE.


def compiled_lade(x, weight, epsilon, slope):
    """`LADE` by covariance and leaky ReLU, with its gradient in closed form."""
    import tensorflow as tf

    @tf.custom_gradient
    def apply(x, weight):
        y, *statistics = _kernel(_forward)(x, weight, epsilon, slope)
        gradient = _kernel(_backward)
        return y, lambda dy: gradient(dy, x, weight, *statistics, slope)

    return apply(x, weight)


def _centred(x):
    """`(B, HW, C)` float32 without its mean, and the mean `(B, 1, C)`."""
    batch, height, width, channels = x.shape
    x = ops.reshape(ops.cast(x, "float32"), (batch, height * width, channels))
    mean = ops.mean(x, axis=1, keepdims=True)
    return x - mean, mean


def _leaky(values, of, slope):
    """`values` times the slope where `of` is below 0."""
    return values if slope == 1 else ops.where(of > 0, values, values * slope)


def _forward(x, weight, epsilon, slope):
    """The result, both variances plus epsilon `(B, 1, C)`, and cov(x) W."""
    centred, mean = _centred(x)
    product = ops.matmul(ops.transpose(centred, (0, 2, 1)), centred)
    covariance = product / centred.shape[1]  # (B, C, C)
    variance = ops.diagonal(covariance, axis1=1, axis2=2)[:, None] + epsilon
    spread = ops.matmul(covariance, weight)
    new_variance = ops.sum(spread * weight, axis=1, keepdims=True) + epsilon
    y = centred * ops.sqrt(new_variance / variance) + ops.matmul(mean, weight)
    y = _leaky(y, y, slope)
    return ops.cast(ops.reshape(y, x.shape), x.dtype), variance, new_variance, spread


def _backward(dy, x, weight, variance, new_variance, spread, slope):
    """Gradients with respect to `x` and `weight`.

    With `c` the centred input, `a` the scale, N pixels and `S` the covariance:
    `dS = diag(dvar) + W diag(dvar_t) W'` is symmetric, so `dc = a dy + c (2 / N) dS`;
    the mean's gradient spreads evenly over the pixels.
    """
    centred, mean = _centred(x)
    _, pixels, channels = centred.shape
    dy = ops.reshape(ops.cast(dy, "float32"), centred.shape)
    scale = ops.sqrt(new_variance / variance)
    dy = _leaky(dy, centred * scale + ops.matmul(mean, weight), slope)
    d_offset = ops.sum(dy, axis=1, keepdims=True)  # (B, 1, C)
    d_scale = ops.sum(dy * centred, axis=1, keepdims=True)
    d_new_variance = 0.5 * d_scale / ops.sqrt(new_variance * variance)
    d_variance = -0.5 * d_scale * scale / variance
    projected = ops.matmul(weight * d_new_variance, ops.transpose(weight))
    d_covariance = ops.eye(channels) * d_variance + projected  # (B, C, C)
    d_mean = ops.matmul(d_offset, ops.transpose(weight))
    dx = dy * scale + ops.matmul(centred, d_covariance * (2.0 / pixels))
    dx = dx + (d_mean - scale * d_offset) / pixels
    d_weight = 2.0 * spread * d_new_variance + ops.transpose(mean, (0, 2, 1)) * d_offset
    return ops.cast(ops.reshape(dx, x.shape), x.dtype), ops.sum(d_weight, axis=0)


# Frozen convolutions.

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
    forward, backward = _kernel(_convolve), _kernel(_convolve_back)

    @tf.custom_gradient
    def apply(x):
        y = forward(x, kernel, bias, rectify)
        # Unless it is rectified, the input need not be kept.
        return y, lambda dy: backward(dy, kernel, x if rectify else None)

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
