"""The metadata of LiteRT files: what Android's tools, and people, read in them.

A file names a buffer "TFLITE_METADATA", which is a flatbuffer of its own, after
`metadata_schema.fbs` of the repository tensorflow/tflite-support, version 1.5.0. The
packages that write it are abandoned, so its few tables are written here.
"""

import flatbuffers
import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

from animegan_tf.export.arguments import DESCRIPTION, NAME

BUFFER = "TFLITE_METADATA"
IDENTIFIER = b"M001"
# What files of any size are said to prefer; training's default.
DEFAULT_SIZE = 256

# Members of the schema's unions and of its enumeration.
_IMAGE_PROPERTIES = np.uint8(2)
_NORMALIZATION_OPTIONS = np.uint8(1)
_RGB = np.uint8(1)
# All of these fields are in the schema's first version.
_MIN_PARSER_VERSION = "1.0.0"

# Of input and output, each: lowest and highest value, and the mean and deviation by
# which Android's tools turn grey levels into input, and output into grey levels.
_RANGES = {
    "float": ((-1.0, 1.0, 127.5, 127.5), (-1.0, 1.0, -1.0, 1 / 127.5)),
    "uint8": ((0.0, 255.0, 0.0, 1.0), (0.0, 255.0, 0.0, 1.0)),
}


def add_metadata(model, card, io, height, width):
    """Adds the metadata to a LiteRT model.

    Args:
        model: `ModelT` of TensorFlow's `schema_py_generated`, changed in place.
        card: `ModelCard`.
        io: "float" or "uint8", the type of input and output.
        height, width: of the pictures, in pixels; None for any.
    """
    builder = flatbuffers.Builder()
    table = _model(card, io, height or DEFAULT_SIZE, width or DEFAULT_SIZE)
    builder.Finish(_table(builder, table), IDENTIFIER)
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = np.frombuffer(builder.Output(), np.uint8)
    entry.name, entry.buffer = BUFFER, len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or ()), entry]


# Tables are dicts by the numbers of their fields, which are their places in the schema.
# A union, such as the content's properties, has two: its type and itself.


def _model(card, io, height, width):
    image, picture = _RANGES[io]
    graph = {
        2: [_tensor("image", "The photo, RGB.", image, height, width)],  # inputs
        3: [_tensor("picture", "The anime picture, RGB.", picture, height, width)],
    }
    return {
        0: NAME,
        1: DESCRIPTION,
        2: card.version,
        3: [graph],
        4: card.author,
        5: card.license,
        7: _MIN_PARSER_VERSION,
    }


def _tensor(name, description, scale, height, width):
    low, high, mean, deviation = (np.array([x], np.float32) for x in scale)
    size = {0: np.uint32(width), 1: np.uint32(height)}
    content = {0: _IMAGE_PROPERTIES, 1: {0: _RGB, 1: size}}
    unit = {0: _NORMALIZATION_OPTIONS, 1: {0: mean, 1: deviation}}
    return {
        0: name,
        1: description,
        3: content,
        4: [unit],  # how the values are processed
        5: {0: high, 1: low},  # statistics
    }


def _table(builder, fields):
    """Offset of a table, from its values by the numbers of their fields."""
    numbers = {k: x for k, x in fields.items() if isinstance(x, np.integer)}
    # What a table refers to must be written before it is begun.
    offsets = {k: _reference(builder, fields[k]) for k in fields.keys() - numbers}
    builder.StartObject(max(fields) + 1)
    for field, offset in offsets.items():
        builder.PrependUOffsetTRelativeSlot(field, offset, 0)
    for field, number in numbers.items():
        byte = isinstance(number, np.uint8)
        prepend = builder.PrependUint8Slot if byte else builder.PrependUint32Slot
        prepend(field, int(number), 0)
    return builder.EndObject()


def _reference(builder, value):
    """Offset of a text, an array, a list of tables or a table."""
    if isinstance(value, str):
        return builder.CreateString(value)
    if isinstance(value, np.ndarray):
        return builder.CreateNumpyVector(value)
    if isinstance(value, dict):
        return _table(builder, value)
    offsets = [_table(builder, item) for item in value]
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return builder.EndVector()
