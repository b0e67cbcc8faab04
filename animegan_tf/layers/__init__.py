"""Keras layers that the networks are built from."""

from animegan_tf.layers.attention import ExternalAttention
from animegan_tf.layers.convolution import ReflectPad2D, SpectralConv2D
from animegan_tf.layers.cpu import compiled_layers
from animegan_tf.layers.lade import LADE
from animegan_tf.layers.minibatch import MinibatchDiscrimination
from animegan_tf.layers.resize import TransposedUpsample2x, Upsample2x

__all__ = [
    "LADE",
    "ExternalAttention",
    "MinibatchDiscrimination",
    "ReflectPad2D",
    "SpectralConv2D",
    "TransposedUpsample2x",
    "Upsample2x",
    "compiled_layers",
]
