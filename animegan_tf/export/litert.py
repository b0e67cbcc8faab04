"""A trained generator as LiteRT (TFLite) files for phones."""

import tempfile

import keras
import tensorflow as tf
from tensorflow.lite.tools import flatbuffer_utils

from animegan_tf.export.arguments import ModelCard, checked_path, checked_sides
from animegan_tf.export.graph import (
    PhasedConv2D,
    PixelAttention,
    SlicePad2D,
    StepwiseLADE,
    rebuilt_tail,
)
from animegan_tf.export.metadata import add_metadata
from animegan_tf.export.saved_model import save_functions
from animegan_tf.files import write_atomic
from animegan_tf.layers import LADE, ExternalAttention, ReflectPad2D
from animegan_tf.ops import to_float, to_uint8

PRECISIONS = ("float32", "float16", "dynamic")
IO = ("float", "uint8")


def export_litert(
    generator, path, precision="float32", size=None, io="float", card=ModelCard()
):
    """Writes the main tail as one LiteRT (TFLite) file with builtin operators only.

    The file has one signature, from `image` to `picture`, one picture a call. Both are
    float32 RGB in [-1, 1] or uint8 RGB in [0, 255]; in a file without a size they are
    `(1, height, width, 3)` for every height and width that are multiples of 8 and 16
    or more, and the caller has to resize the input before allocating.

    A file with a size suits GPUs as it is: one picture a call, every shape static, at
    most four dimensions, nothing transposed or reshaped; the picture itself is
    interleaved of four in its last step.

    Args:
        generator: model of `build_generator` or its main tail, in any precision.
        path: Path of the file, ending in `.tflite`; one that exists is replaced.
        precision: of the weights in the file: "float32"; "float16", which halves it;
            or "dynamic", 8 bits a weight, with activations of the convolutions
            rounded to 8 bits as they come.
        size: side of square pictures or `(height, width)`, in pixels; None for any.
        io: "float" or "uint8", the type of input and output.
        card: `ModelCard`, which goes into the file's metadata with the names, ranges
            and normalisation of input and output.

    Returns:
        `path`.

    Raises:
        InputError: `path` or `size` cannot be used.
        ValueError: `precision` or `io` is none of the above.
    """
    _check_choice("precision", precision, PRECISIONS)
    _check_choice("io", io, IO)
    path, (height, width) = checked_path(path, ".tflite"), checked_sides(size)
    model = litert_tail(generator)

    def paint(image):
        if io == "uint8":
            return {"picture": to_uint8(model(to_float(image), training=False))}
        return {"picture": model(image, training=False)}

    dtype = tf.uint8 if io == "uint8" else tf.float32
    spec = tf.TensorSpec([1, height, width, 3], dtype, name="image")
    data = _converted(model, tf.function(paint, [spec]), precision)
    file = flatbuffer_utils.convert_bytearray_to_object(data)
    _begin_with_cast(file)
    add_metadata(file, card, io, height, width)
    write_atomic(path, flatbuffer_utils.convert_object_to_bytearray(file))
    return path


def _check_choice(name, value, choices):
    if value not in choices:
        raise ValueError(f"{name} must be one of {choices}, received {value!r}.")


def litert_tail(generator):
    """A float32 copy of the main tail in layers that XNNPACK runs well."""
    return rebuilt_tail(
        generator,
        {
            LADE: StepwiseLADE,
            keras.layers.Conv2D: PhasedConv2D,
            ExternalAttention: PixelAttention,
            ReflectPad2D: SlicePad2D,
        },
    )


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


def _begin_with_cast(file):
    """Moves the cast of a uint8 picture to the front.

    XNNPACK leaves it to LiteRT. Behind the operators that unpack float16 weights it
    would cut the network in two, and the weights would be unpacked at every call.
    """
    (graph,) = file.subgraphs
    graph.operators.sort(key=lambda operator: list(operator.inputs) != [*graph.inputs])
