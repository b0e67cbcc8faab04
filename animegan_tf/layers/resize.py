"""Upsampling with dynamic height and width."""

import keras
from keras import ops

CONVENTIONS = ("half_pixel", "corner", "nearest")


@keras.saving.register_keras_serializable(package="animegan_tf")
class Upsample2x(keras.layers.Layer):
    """Doubles height and width by interpolation.

    Args:
        convention: where samples sit. "half_pixel": bilinear, pixel centres are
            aligned, as in TF2, Keras and PyTorch. "corner": bilinear, output pixel `i`
            reads input position `i / 2`, as TF1's `resize_images` did; only checkpoints
            trained that way (the DTGAN authors') need it. "nearest": every pixel four
            times.

    Input `(batch, height, width, channels)`; output `(batch, 2 height, 2 width,
    channels)` in the compute dtype.
    """

    def __init__(self, convention="half_pixel", **kwargs):
        super().__init__(**kwargs)
        if convention not in CONVENTIONS:
            raise ValueError(
                f"`convention` must be one of {CONVENTIONS}. Received: {convention!r}"
            )
        self.convention = convention

    def call(self, inputs):
        if keras.backend.backend() == "tensorflow":
            return self._resize_op(inputs)
        return self._double(self._double(inputs, axis=1), axis=2)

    def _resize_op(self, inputs):
        # TensorFlow's own op, because keras.ops.image.resize cannot be traced with
        # dynamic sizes and because LiteRT has a fast kernel for this op.
        import tensorflow as tf

        resize = tf.raw_ops.ResizeBilinear
        if self.convention == "nearest":
            resize = tf.raw_ops.ResizeNearestNeighbor
        doubled = resize(
            images=inputs,
            size=2 * tf.shape(inputs)[1:3],
            half_pixel_centers=self.convention != "corner",
        )
        doubled.set_shape(self.compute_output_shape(inputs.shape))
        return tf.cast(doubled, self.compute_dtype)

    def _double(self, x, axis):
        if self.convention == "nearest":
            return ops.repeat(x, 2, axis=axis)
        size = x.shape[axis]

        def shifted(step):
            index = ops.clip(ops.arange(size) + step, 0, size - 1)
            return ops.take(x, index, axis=axis)

        if self.convention == "half_pixel":
            even = 0.75 * x + 0.25 * shifted(-1)
            odd = 0.75 * x + 0.25 * shifted(1)
        else:
            even, odd = x, 0.5 * (x + shifted(1))
        pairs = ops.stack([even, odd], axis=axis + 1)
        shape = list(x.shape)
        shape[axis] = 2 * size
        return ops.reshape(pairs, shape)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        height = None if height is None else 2 * height
        width = None if width is None else 2 * width
        return (batch, height, width, channels)

    def get_config(self):
        return {**super().get_config(), "convention": self.convention}


@keras.saving.register_keras_serializable(package="animegan_tf")
class TransposedUpsample2x(keras.layers.Conv2DTranspose):
    """Doubles height and width by a learned 3x3 transposed convolution of stride 2.

    Output pixels with even and odd places sum over different numbers of taps, which
    shows as a checkerboard that the kernel has to unlearn: it is here to be compared.

    Args:
        filters: number of output channels.

    Input `(batch, height, width, channels)`; output `(batch, 2 height, 2 width,
    filters)` in the compute dtype. It has no bias.

    Reference:
        Odena, Dumoulin, Olah, "Deconvolution and Checkerboard Artifacts", Distill 2016.
    """

    def __init__(self, filters, **kwargs):
        own = {"kernel_size": 3, "strides": 2, "padding": "same", "use_bias": False}
        super().__init__(filters, **{**kwargs, **own})
