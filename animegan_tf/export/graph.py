"""The main tail in layers that other runtimes run well.

They have the weights and outputs of the layers that they replace.
"""

import keras
import tensorflow as tf
from keras import ops

from animegan_tf.layers import LADE, ExternalAttention, ReflectPad2D
from animegan_tf.models import main_tail


def rebuilt_tail(generator, replaced):
    """A float32 copy of the main tail.

    Args:
        generator: model of `build_generator` or its main tail, in any precision.
        replaced: dict of layer classes to the classes that take their place.

    Returns:
        A `keras.Model`. LADE computes its moments from the convolution: the covariance
        needs transpositions of rank 3, and other runtimes are no faster by it.
    """

    def in_place(layer):
        config = {**layer.get_config(), "dtype": "float32"}
        if isinstance(layer, LADE):
            config["form"] = "convolution"
        return replaced.get(type(layer), type(layer)).from_config(config)

    tail = main_tail(generator)
    copy = keras.models.clone_model(tail, clone_function=in_place)
    copy.set_weights(tail.get_weights())
    return copy


class SlicePad2D(ReflectPad2D):
    """Mirrors by slices of one pixel: XNNPACK has no mirror padding.

    The rim is put together first, because XNNPACK joins five tensors at most.
    """

    def call(self, inputs):
        before, after = self.padding
        x = _mirrored(inputs, 1, before, after)
        return _mirrored(x, 2, before, after)


def _mirrored(x, axis, before, after):
    def pixel(start):
        # A stop of 0 would be the first pixel, not the one after the last.
        stop = start + 1 if start != -1 else None
        return x[(slice(None),) * axis + (slice(start, stop),)]

    parts = [
        [pixel(i) for i in range(before, 0, -1)],
        [x],
        [pixel(-i - 1) for i in range(1, after + 1)],
    ]
    parts = [tf.concat(part, axis) for part in parts if part]
    return tf.concat(parts, axis)


class PhasedConv2D(keras.layers.Conv2D):
    """Computes four pixels of a picture at once.

    XNNPACK's convolutions have room for sixteen channels, of which a picture fills
    three. One of stride 2 with the kernel at its four places fills twelve.
    """

    def call(self, inputs):
        if self.filters != 3:
            return super().call(inputs)
        places = [(down, across) for down in (0, 1) for across in (0, 1)]
        kernel = ops.concatenate(
            [
                ops.pad(self.kernel, [[i, 1 - i], [j, 1 - j], [0, 0], [0, 0]])
                for i, j in places
            ],
            axis=-1,
        )
        x = ops.conv(inputs, kernel, strides=2, padding="valid")
        return tf.nn.depth_to_space(x, 2)


class PixelAttention(ExternalAttention):
    """Attention as 1x1 convolutions, without reshaping `(B, H, W, C)`.

    Sums are inverted first, for the reason of `ProductLADE`.
    """

    def call(self, inputs, training=False):
        x = self.query(inputs)
        scores = ops.conv(x, self.slots[None, None])  # (B, H, W, slots)
        exponent = scores - ops.max(scores, axis=(1, 2), keepdims=True)
        attention = ops.exp(exponent)
        attention *= ops.reciprocal(ops.sum(attention, axis=(1, 2), keepdims=True))
        attention *= ops.reciprocal(1e-9 + ops.sum(attention, axis=3, keepdims=True))
        x = ops.conv(attention, ops.transpose(self.slots)[None, None])
        x = self.norm(self.output_conv(x), training=training)
        return ops.leaky_relu(inputs + x, 0.2)


class StepwiseLADE(LADE):
    """Takes every mean over the columns first, then over the rows.

    XNNPACK adds up a whole picture in one float32 number: at 1024 px that alone
    would put the result off by more than a grey level. The input itself is scaled and
    shifted, not its distance to the mean, which need not be stored then.
    """

    def call(self, inputs, training=False):
        kernel = ops.convert_to_tensor(self.kernel)
        mean, t = _mean(inputs), ops.conv(inputs, kernel)
        new_mean = ops.conv(mean, kernel)
        variance = _mean(tf.math.squared_difference(inputs, mean))
        new_variance = _mean(tf.math.squared_difference(t, new_mean))
        scale = ops.sqrt((new_variance + self.epsilon) / (variance + self.epsilon))
        y = inputs * scale + (new_mean - mean * scale)
        return ops.leaky_relu(y, self.negative_slope)


def _mean(x):
    return ops.mean(ops.mean(x, axis=2, keepdims=True), axis=1, keepdims=True)


class ProductLADE(LADE):
    """Multiplies by inverse deviations instead of dividing by deviations.

    ONNX convolves `(B, C, H, W)`, and tf2onnx takes the transpositions between that and
    `(B, H, W, C)` past products, where they cancel, but not past quotients: two would
    stay in every layer.
    """

    def moments(self, inputs, kernel):
        moments = self._convolution_moments(inputs, kernel)
        centered, variance, new_mean, new_variance = moments
        scale = ops.sqrt(new_variance + self.epsilon)
        return centered, scale * ops.rsqrt(variance + self.epsilon), new_mean
