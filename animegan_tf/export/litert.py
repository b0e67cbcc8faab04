"""A trained generator as LiteRT (TFLite) files for phones."""

import tempfile
from pathlib import Path

import keras
import tensorflow as tf
from keras import ops

from animegan_tf.errors import InputError
from animegan_tf.export.saved_model import save_functions
from animegan_tf.imaging.io import write_atomic
from animegan_tf.layers import LADE, ExternalAttention, ReflectPad2D
from animegan_tf.models import main_tail
from animegan_tf.ops import to_float, to_uint8
from animegan_tf.sizes import MIN_SIZE, MULTIPLE

PRECISIONS = ("float32", "float16", "dynamic")
IO = ("float", "uint8")


def export_litert(generator, path, precision="float32", size=None, io="float"):
    """Writes the main tail as one LiteRT (TFLite) file with builtin operators only.

    The file has one signature, from `image` to `picture`, one picture a call. Both are
    float32 RGB in [-1, 1] or uint8 RGB in [0, 255]; in a file without a size they are
    `(1, height, width, 3)` for every height and width that are multiples of 8 and 16
    or more, and the caller has to resize the input before allocating.

    Args:
        generator: model of `build_generator` or its main tail, in any precision.
        path: Path of the file, ending in `.tflite`; one that exists is replaced.
        precision: of the weights in the file: "float32"; "float16", which halves it;
            or "dynamic", 8 bits a weight, with activations of the convolutions
            rounded to 8 bits as they come.
        size: side of square pictures or `(height, width)`, in pixels; None for any.
        io: "float" or "uint8", the type of input and output.

    Returns:
        `path`.

    Raises:
        InputError: `path` or `size` cannot be used.
        ValueError: `precision` or `io` is none of the above.
    """
    path = Path(path)
    _check_choice("precision", precision, PRECISIONS)
    _check_choice("io", io, IO)
    height, width = _sides(size)
    if path.suffix != ".tflite":
        raise InputError(f"{path}: the name of a LiteRT file must end in .tflite.")
    if not path.parent.is_dir():
        raise InputError(f"{path}: its folder must exist, received none.")
    model = _for_litert(generator)

    def paint(image):
        if io == "uint8":
            return {"picture": to_uint8(model(to_float(image), training=False))}
        return {"picture": model(image, training=False)}

    dtype = tf.uint8 if io == "uint8" else tf.float32
    spec = tf.TensorSpec([1, height, width, 3], dtype, name="image")
    write_atomic(path, _converted(model, tf.function(paint, [spec]), precision))
    return path


def _check_choice(name, value, choices):
    if value not in choices:
        raise ValueError(f"`{name}` must be one of {choices}. Received: {value!r}")


def _sides(size):
    """`(height, width)` of a size in any form; None where it is free."""
    if size is None:
        return None, None
    sides = (size, size) if isinstance(size, int) else tuple(size)
    fits = len(sides) == 2 and all(
        side >= MIN_SIZE and side % MULTIPLE == 0 for side in sides
    )
    if not fits:
        raise InputError(
            f"the size must be one or two multiples of {MULTIPLE} from {MIN_SIZE} up, "
            f"received {' x '.join(map(str, sides))}."
        )
    return sides


# Layers of the LiteRT graph: the same weights and outputs as the layers they replace,
# in operators that its CPU library, XNNPACK, runs well.


class _SlicePad2D(ReflectPad2D):
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


class _PixelAttention(ExternalAttention):
    """Attention as 1x1 convolutions, without reshaping `(B, H, W, C)`."""

    def call(self, inputs, training=False):
        x = self.query(inputs)
        scores = ops.conv(x, self.slots[None, None])  # (B, H, W, slots)
        exponent = scores - ops.max(scores, axis=(1, 2), keepdims=True)
        attention = ops.exp(exponent)
        attention /= ops.sum(attention, axis=(1, 2), keepdims=True)
        attention /= 1e-9 + ops.sum(attention, axis=3, keepdims=True)
        x = ops.conv(attention, ops.transpose(self.slots)[None, None])
        x = self.norm(self.output_conv(x), training=training)
        return ops.leaky_relu(inputs + x, 0.2)


class _StepwiseLADE(LADE):
    """Takes every mean over the columns first, then over the rows.

    XNNPACK adds up a whole picture in one float32 number: at 1024 px that alone
    would put the result off by more than a grey level.
    """

    def _convolution_moments(self, x, kernel):
        t = ops.conv(x, kernel)
        mean, new_mean = _mean(x), _mean(t)
        centered = x - mean
        variance = _mean(ops.square(centered))
        return centered, variance, new_mean, _mean(ops.square(t - new_mean))


def _mean(x):
    return ops.mean(ops.mean(x, axis=2, keepdims=True), axis=1, keepdims=True)


def _for_litert(generator):
    """A float32 copy of the main tail in LiteRT's layers."""
    replaced = {
        LADE: _StepwiseLADE,
        ExternalAttention: _PixelAttention,
        ReflectPad2D: _SlicePad2D,
    }

    def in_litert(layer):
        config = {**layer.get_config(), "dtype": "float32"}
        if isinstance(layer, LADE):
            # The covariance needs transpositions of rank 3 and is no faster here.
            config["form"] = "convolution"
        return replaced.get(type(layer), type(layer)).from_config(config)

    tail = main_tail(generator)
    copy = keras.models.clone_model(tail, clone_function=in_litert)
    copy.set_weights(tail.get_weights())
    return copy


def _converted(model, function, precision):
    """Bytes of a LiteRT file that runs `function`."""
    # By way of a SavedModel: from a function alone the converter leaves out the
    # weights, and says nothing.
    with tempfile.TemporaryDirectory() as folder:
        save_functions(model, {"serving_default": function}, folder)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        if precision != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if precision == "float16":
            converter.target_spec.supported_types = [tf.float16]
        return converter.convert()
