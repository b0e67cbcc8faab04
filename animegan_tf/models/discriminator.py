"""The patch discriminator of both tails."""

import keras

from animegan_tf.layers import LADE, ReflectPad2D, SpectralConv2D


def _conv(x, filters, kernel_size, name, strides=1, dtype=None):
    total = kernel_size - strides
    if total:
        padding = (total - total // 2, total // 2)
        x = ReflectPad2D(padding, dtype=dtype, name=f"{name}_pad")(x)
    return SpectralConv2D(filters, kernel_size, strides, dtype=dtype, name=name)(x)


def _block(x, filters, name, strides=1, dtype=None):
    x = _conv(x, filters, 3, f"{name}_conv", strides, dtype)
    return LADE(spectral=True, negative_slope=0.2, dtype=dtype, name=f"{name}_lade")(x)


def build_discriminator(width=32, name="discriminator", dtype="float32"):
    """A discriminator of patches, spectrally normalised throughout.

    Args:
        width: channels of the first convolution; 32 in the paper.
        name: the model's name.
        dtype: dtype policy of every layer.

    Returns:
        A `keras.Model` from `(batch, height, width, 3)` in [-1, 1] to float32 logits
        `(batch, height/8, width/8, 1)`. Statistics are per sample, so a batch of
        several sources gives the logits that separate calls would.

    Reference:
        Liu, Chen, Gao 2024, section 3.3; Isola et al. 2017 for patches.
    """
    image = keras.Input((None, None, 3), name="image")
    x = _conv(image, width, 7, "stem_conv", dtype=dtype)  # (B, H, W, 32)
    x = keras.layers.LeakyReLU(0.2, dtype=dtype, name="stem_relu")(x)
    for stage in range(3):
        filters = width * 2**stage
        x = _block(x, filters, f"stage_{stage}_down", 2, dtype)
        x = _block(x, 2 * filters, f"stage_{stage}_wide", dtype=dtype)
    logits = _conv(x, 1, 1, "logits", dtype=dtype)  # (B, H/8, W/8, 1)
    logits = keras.layers.Activation("linear", dtype="float32", name="output")(logits)
    return keras.Model(image, logits, name=name)
