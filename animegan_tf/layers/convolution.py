"""Reflection padding and the spectrally normalised convolution."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="animegan_tf")
class ReflectPad2D(keras.layers.Layer):
    """Pads a picture by mirroring it about its border pixels.

    Args:
        padding: `(before, after)` in pixels, the same for height and width. Height
            and width must be larger than the larger of the two.

    Input `(batch, height, width, channels)`; output
    `(batch, height + before + after, width + before + after, channels)`, same dtype.
    """

    def __init__(self, padding, **kwargs):
        super().__init__(**kwargs)
        before, after = padding
        if before < 0 or after < 0:
            raise ValueError(
                f"`padding` must hold two numbers of 0 or more. Received: {padding}"
            )
        self.padding = (before, after)

    def call(self, inputs):
        pad = list(self.padding)
        return ops.pad(inputs, [[0, 0], pad, pad, [0, 0]], mode="reflect")

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        extra = sum(self.padding)
        height = None if height is None else height + extra
        width = None if width is None else width + extra
        return (batch, height, width, channels)

    def get_config(self):
        return {**super().get_config(), "padding": list(self.padding)}


def _unit(vector):
    return vector / (ops.sqrt(ops.sum(ops.square(vector))) + 1e-12)


class SpectralKernel:
    """Mixin that divides a layer's kernel by its largest singular value at use.

    One step of power iteration a call estimates the value; the vector it starts from
    is kept (float32, `(1, filters)`) and moves only in calls with `training=True`, so
    that a step which shows a discriminator to the generator first and trains it next
    counts once. The kernel itself stays as the optimizer left it, and the gradient
    flows through the division, unlike in `keras.layers.SpectralNormalization`.

    Reference:
        Miyato et al., "Spectral Normalization for GANs", ICLR 2018, algorithm 1.
    """

    def add_spectral_vector(self, filters):
        self.u = self.add_weight(
            name="u",
            shape=(1, filters),
            initializer="random_normal",
            trainable=False,
            dtype="float32",
            autocast=False,
        )

    def normalised(self, kernel, training):
        # float32 whatever the policy: a sum of squares over 1,152 taps loses too much
        # in half precision.
        kernel = ops.cast(kernel, "float32")
        matrix = ops.reshape(kernel, (-1, kernel.shape[-1]))  # (taps, filters)
        v = _unit(ops.matmul(self.u, ops.transpose(matrix)))
        u = _unit(ops.matmul(v, matrix))
        u, v = ops.stop_gradient(u), ops.stop_gradient(v)
        if training:
            self.u.assign(u)
        sigma = ops.matmul(ops.matmul(v, matrix), ops.transpose(u))[0, 0]
        return ops.cast(kernel / sigma, self.compute_dtype)


@keras.saving.register_keras_serializable(package="animegan_tf")
class SpectralConv2D(SpectralKernel, keras.layers.Layer):
    """Bias-free, unpadded convolution with a spectrally normalised kernel.

    Not a `keras.layers.Conv2D`, whose way of saving knows only kernel and bias.

    Args:
        filters: number of output channels.
        kernel_size: side of the kernel, in pixels.
        strides: step in pixels.

    Input `(batch, height, width, channels)`; output `(batch, (height - kernel_size)
    // strides + 1, ..., filters)` in the compute dtype.
    """

    def __init__(self, filters, kernel_size, strides=1, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.kernel_size, self.strides = filters, kernel_size, strides

    def build(self, input_shape):
        side = self.kernel_size
        self.kernel = self.add_weight(
            name="kernel",
            shape=(side, side, input_shape[-1], self.filters),
            initializer="glorot_uniform",
        )
        self.add_spectral_vector(self.filters)

    def call(self, inputs, training=False):
        kernel = self.normalised(self.kernel, training)
        return ops.conv(inputs, kernel, strides=self.strides, padding="valid")

    def compute_output_shape(self, input_shape):
        batch, *sides, _ = input_shape
        sides = [
            None if side is None else (side - self.kernel_size) // self.strides + 1
            for side in sides
        ]
        return (batch, *sides, self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
        }
