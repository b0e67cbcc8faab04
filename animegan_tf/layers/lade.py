"""Linearly adaptive denormalization."""

import keras
from keras import ops

from animegan_tf.layers.convolution import SpectralKernel
from animegan_tf.layers.cpu import compiled_lade, use_compiled

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
            return compiled_lade(inputs, weight, self.epsilon, self.negative_slope)
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
