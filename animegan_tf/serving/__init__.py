"""The client's side of TensorFlow Serving; nothing here needs TensorFlow for REST."""

from animegan_tf.serving.client import (
    SIGNATURES,
    GrpcClient,
    Refused,
    RestClient,
    signatures,
    versions,
)
from animegan_tf.serving.photos import paint, paint_files

__all__ = [
    "SIGNATURES",
    "GrpcClient",
    "Refused",
    "RestClient",
    "paint",
    "paint_files",
    "signatures",
    "versions",
]
