"""Linearly adaptive denormalization."""

import functools

import keras
from keras import ops

from animegan_tf.layers.compiled import use_compiled
from animegan_tf.layers.convolution import SpectralKernel

FORMS = ("covariance", "convolution")


@keras.saving.register_keras_serializable(package="animegan_tf")
class LADE(SpectralKernel, keras.layers.Layer):
    """Instance normalisation whose new mean and deviation are learned from the input.

    With `t = x W` (a 1x1 convolution), the result is `(x - mean(x)) / sqrt(var(x) +
    epsilon) * sqrt(var(t) + epsilon) + mean(t)`; moments are taken per sample and
    channel over height and width. With `W` the identity the layer returns its input.

    Both forms compute that. "convolution" is the formula as written. "covariance"
    uses `mean(t) = mean(x) W` and `var(t) = diag(W' cov(x) W)`, so that `t` is never
    stored and its gradient needs one product of the picture's size instead of two.

    Args:
        epsilon: added to both variances.
        spectral: divide `W` by its largest singular value (in discriminators).
        form: "covariance" or "convolution"; the same weights serve both.
        negative_slope: of a leaky ReLU that the result goes through; 1 for none.

    Input and output `(batch, height, width, channels)` in the compute dtype.

    Reference:
        Liu, Chen, Gao 2024, section 3.2. It differs from AdaIN in that the statistics
        come from the layer's own input, and from instance normalisation in that no
        scale or offset is learned directly.
    """

    def __init__(
        self,
        epsilon=1e-5,
        spectral=False,
        form="covariance",
        negative_slope=1.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if form not in FORMS:
            raise ValueError(f"`form` must be one of {FORMS}. Received: {form!r}")
        self.epsilon = epsilon
        self.spectral = spectral
        self.form = form
        self.negative_slope = negative_slope

    def build(self, input_shape):
        channels = input_shape[-1]
        self.kernel = self.add_weight(
            name="kernel",
            shape=(1, 1, channels, channels),
            initializer="glorot_uniform",
        )
        if self.spectral:
            self.add_spectral_vector(channels)

    def call(self, inputs, training=False):
        kernel = self.kernel
        if self.spectral:
            kernel = self.normalised(kernel, training)
        if self.form == "covariance" and use_compiled(inputs):
            weight = ops.cast(kernel[0, 0], "float32")
            return _compiled()(inputs, weight, self.epsilon, self.negative_slope)
        centered, scale, shift = self.moments(inputs, kernel)
        y = ops.cast(centered * scale + shift, self.compute_dtype)
        return ops.leaky_relu(y, self.negative_slope)

    def moments(self, inputs, kernel):
        """The input without its mean, and what it is multiplied by and added to."""
        moments = getattr(self, f"_{self.form}_moments")
        centered, variance, new_mean, new_variance = moments(inputs, kernel)
        scale = ops.sqrt(new_variance + self.epsilon) / ops.sqrt(
            variance + self.epsilon
        )
        return centered, scale, new_mean

    # Moments are float32 under every policy: the variance of activations around 300
    # overflows float16, and bfloat16 keeps three digits only.

    def _convolution_moments(self, x, kernel):
        t = ops.cast(ops.conv(x, kernel), "float32")
        x = ops.cast(x, "float32")
        mean = ops.mean(x, axis=(1, 2), keepdims=True)
        centered = x - mean
        variance = ops.mean(ops.square(centered), axis=(1, 2), keepdims=True)
        new_mean = ops.mean(t, axis=(1, 2), keepdims=True)
        new_variance = ops.mean(ops.square(t - new_mean), axis=(1, 2), keepdims=True)
        return centered, variance, new_mean, new_variance

    def _covariance_moments(self, x, kernel):
        x = ops.cast(x, "float32")
        weight = ops.cast(kernel[0, 0], "float32")  # (C, C)
        height, width, channels = ops.shape(x)[1:]
        mean = ops.mean(x, axis=(1, 2), keepdims=True)
        centered = x - mean
        flat = ops.reshape(centered, (-1, height * width, channels))  # (B, HW, C)
        count = ops.cast(height * width, "float32")
        covariance = ops.matmul(ops.transpose(flat, (0, 2, 1)), flat) / count
        variance = ops.diagonal(covariance, axis1=1, axis2=2)[:, None, None, :]
        new_mean = ops.matmul(mean, weight)
        projected = ops.sum(ops.matmul(covariance, weight) * weight, axis=1)
        return centered, variance, new_mean, projected[:, None, None, :]

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "epsilon": self.epsilon,
            "spectral": self.spectral,
            "form": self.form,
            "negative_slope": self.negative_slope,
        }


@functools.cache
def _compiled():
    """The covariance form and its gradient, in closed form, as two XLA kernels."""
    import tensorflow as tf

    forward = tf.function(_forward, jit_compile=True)
    backward = tf.function(_backward, jit_compile=True)

    def lade(x, weight, epsilon, slope):
        @tf.custom_gradient
        def apply(x, weight):
            y, *statistics = forward(x, weight, epsilon, slope)
            return y, lambda dy: backward(dy, x, weight, *statistics, slope)

        return apply(x, weight)

    return lade


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
