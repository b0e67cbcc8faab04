"""The client's side of TensorFlow Serving; nothing here needs TensorFlow for REST."""

from animegan_tf.serving.client import (
    SIGNATURES,
    GrpcClient,
    Refused,
    RestClient,
    ServerError,
)
from animegan_tf.serving.stylizer import ServedStylizer

__all__ = [
    "SIGNATURES",
    "GrpcClient",
    "Refused",
    "RestClient",
    "ServedStylizer",
    "ServerError",
]
