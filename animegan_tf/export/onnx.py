"""A trained generator as an ONNX file."""

import tensorflow as tf

from animegan_tf.errors import InputError
from animegan_tf.export.arguments import (
    DESCRIPTION,
    NAME,
    ModelCard,
    checked_path,
    checked_sides,
)
from animegan_tf.export.graph import PixelAttention, ProductLADE, rebuilt_tail
from animegan_tf.files import write_atomic
from animegan_tf.layers import LADE, ExternalAttention

# Runtimes of 2022 know it; later ones bring nothing that the network needs.
OPSET = 17
NORMALIZATION = "image = levels / 127.5 - 1; levels = round((picture + 1) * 127.5)"


def export_onnx(generator, path, size=None, card=ModelCard()):
    """Writes the main tail as one ONNX file.

    It turns `image` into `picture`, both `(batch, height, width, 3)` float32 RGB in
    [-1, 1], for any batch and, in a file without a size, for every height and width
    that are multiples of 8 and 16 or more.

    Args:
        generator: model of `build_generator` or its main tail, in any precision; the
            file computes in float32.
        path: Path of the file, ending in `.onnx`; one that exists is replaced.
        size: side of square pictures or `(height, width)`, in pixels; None for any.
        card: `ModelCard`, which goes into the file's properties with the description
            and the normalisation.

    Returns:
        `path`.

    Raises:
        InputError: `path` or `size` cannot be used, or the extra `onnx` is missing.
    """
    path, (height, width) = checked_path(path, ".onnx"), checked_sides(size)
    convert, set_properties = _tools()
    model = rebuilt_tail(
        generator, {LADE: ProductLADE, ExternalAttention: PixelAttention}
    )
    spec = tf.TensorSpec([None, height, width, 3], tf.float32, name="image")
    function = tf.function(
        lambda image: {"picture": model(image, training=False)}, [spec]
    )
    file, _ = convert.from_function(function, [spec], opset=OPSET)
    _name_dimensions(file.graph)
    file.graph.name = file.producer_name = NAME
    file.graph.doc_string = file.doc_string = DESCRIPTION
    properties = {
        "author": card.author,
        "license": card.license,
        "version": card.version,
        "normalization": NORMALIZATION,
    }
    set_properties(file, properties)
    write_atomic(path, file.SerializeToString())
    return path


def _tools():
    """The converter, and the function that sets a file's properties."""
    try:
        from onnx.helper import set_model_props
        from tf2onnx import convert
    except ImportError as error:
        raise InputError(
            "The packages onnx and tf2onnx must be installed to write ONNX files, "
            f'with `pip install -e ".[onnx]"`, received: {error}.'
        ) from error
    return convert, set_model_props


def _name_dimensions(graph):
    """Gives the free dimensions of input and output a name in place of a number."""
    for tensor in (*graph.input, *graph.output):
        dimensions = tensor.type.tensor_type.shape.dim
        for dimension, name in zip(dimensions, ("batch", "height", "width")):
            if not dimension.dim_value:
                dimension.dim_param = name
