"""Requests with which TensorFlow Serving warms a version up."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from animegan_tf.imaging.codec import encode_image
from animegan_tf.ops import to_float

_FILE = Path("assets.extra", "tf_serving_warmup_requests")
_SIZE = 32


def write_warmup(version):
    """Writes a small request for every signature into the folder of a version.

    A server prepares a signature when its first request comes, which takes many times
    as long as the request. With this file it does so before the version goes live. A
    request that fails would keep the version from being served.

    Args:
        version: Path of the version's folder, which has no such file yet.

    Raises:
        OSError, tf.errors.OpError: the file cannot be written.

    Reference:
        https://www.tensorflow.org/tfx/serving/saved_model_warmup
    """
    path = Path(version) / _FILE
    path.parent.mkdir()
    with tf.io.TFRecordWriter(str(path)) as file:
        for signature, (name, value) in _inputs().items():
            file.write(_prediction_log(signature, name, value))


def _inputs():
    """Name and value of every signature's input."""
    down, across = np.mgrid[:_SIZE, :_SIZE] * (255 // (_SIZE - 1))
    image = np.stack([down, across, 255 - down], axis=-1).astype(np.uint8)
    # JPEG has a decoder of its own.
    files = [encode_image(image, suffix) for suffix in (".jpg", ".png")]
    return {
        "serving_default": ("image_bytes", files),
        "uint8": ("image", image[None]),
        "float": ("image", np.asarray(to_float(image[None]))),
    }


def _prediction_log(signature, name, value):
    """A request of one input as a serialized `tensorflow.serving.PredictionLog`.

    Put together by hand: the package that has this message would bring another build
    of TensorFlow along. The numbers of the fields are those of prediction_log.proto,
    predict.proto and model.proto in tensorflow_serving/apis.
    """
    tensor = tf.make_tensor_proto(value).SerializeToString()
    spec = _field(3, signature.encode())  # ModelSpec.signature_name
    entry = _field(1, name.encode()) + _field(2, tensor)  # key and value of a map
    request = _field(1, spec) + _field(2, entry)  # PredictRequest.model_spec, .inputs
    log = _field(1, request)  # PredictLog.request
    return _field(6, log)  # PredictionLog.predict_log


def _field(number, data):
    """A field of a protobuf message: its number, wire type 2, and the length ahead."""
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value):
    """Seven bits a byte, the lowest first, the top bit set in all but the last."""
    if value < 128:
        return bytes([value])
    return bytes([value & 127 | 128]) + _varint(value >> 7)
