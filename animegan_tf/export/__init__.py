"""A trained generator as files that other programs run."""

from animegan_tf.export.arguments import ModelCard
from animegan_tf.export.litert import export_litert
from animegan_tf.export.onnx import export_onnx
from animegan_tf.export.release import export_release
from animegan_tf.export.saved_model import export_saved_model

__all__ = [
    "ModelCard",
    "export_litert",
    "export_onnx",
    "export_release",
    "export_saved_model",
]
