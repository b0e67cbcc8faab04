"""The patch discriminator of both tails."""

import keras

from animegan_tf.layers import (
    LADE,
    MinibatchDiscrimination,
    ReflectPad2D,
    SpectralConv2D,
)


def _conv(x, filters, kernel_size, name, strides=1, spectral=True, dtype=None):
    total = kernel_size - strides
    if total:
        padding = (total - total // 2, total // 2)
        x = ReflectPad2D(padding, dtype=dtype, name=f"{name}_pad")(x)
    if spectral:
        return SpectralConv2D(filters, kernel_size, strides, dtype=dtype, name=name)(x)
    return keras.layers.Conv2D(
        filters, kernel_size, strides, use_bias=False, dtype=dtype, name=name
    )(x)


def _block(x, filters, name, strides=1, spectral=True, dtype=None):
    x = _conv(x, filters, 3, f"{name}_conv", strides, spectral, dtype)
    return LADE(
        spectral=spectral, negative_slope=0.2, dtype=dtype, name=f"{name}_lade"
    )(x)


def build_discriminator(
    width=32, name="discriminator", dtype="float32", spectral=True, minibatch=0
):
    """A discriminator of patches.

    Args:
        width: channels of the first convolution; 32 in the paper.
        name: the model's name.
        dtype: dtype policy of every layer.
        spectral: normalise every kernel spectrally, as the paper does.
        minibatch: channels of `MinibatchDiscrimination` before the logits; 0 for none.

    Returns:
        A `keras.Model` from `(batch, height, width, 3)` in [-1, 1] to float32 logits
        `(batch, height/8, width/8, 1)`. Without `minibatch` statistics are per sample,
        so a batch of several sources gives the logits that separate calls would.

    Reference:
        Liu, Chen, Gao 2024, section 3.3; Isola et al. 2017 for patches; Miyato et al.
        2018 for spectral normalisation; Salimans et al. 2016 for `minibatch`.
    """
    image = keras.Input((None, None, 3), name="image")
    kind = {"spectral": spectral, "dtype": dtype}
    x = _conv(image, width, 7, "stem_conv", **kind)  # (B, H, W, 32)
    x = keras.layers.LeakyReLU(0.2, dtype=dtype, name="stem_relu")(x)
    for stage in range(3):
        filters = width * 2**stage
        x = _block(x, filters, f"stage_{stage}_down", 2, **kind)
        x = _block(x, 2 * filters, f"stage_{stage}_wide", **kind)
    if minibatch:
        x = MinibatchDiscrimination(minibatch, dtype=dtype, name="minibatch")(x)
    logits = _conv(x, 1, 1, "logits", **kind)  # (B, H/8, W/8, 1)
    logits = keras.layers.Activation("linear", dtype="float32", name="output")(logits)
    return keras.Model(image, logits, name=name)
