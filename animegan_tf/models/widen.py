"""Generators of twice the width that paint the same."""

import numpy as np

from animegan_tf.layers import ExternalAttention
from animegan_tf.models.generator import build_generator, generator_shape, main_tail


def widened(generator, noise=0.5, seed=0):
    """A main tail of twice the width that computes the same as the given one.

    Every channel is there twice and what leaves it is halved, so that sums over
    channels stay what they were. LADE's moments, the attention's scores and batch
    normalisation are of one channel or such sums, and stay as well.

    Equal channels would get equal gradients and remain one. Noise tells them apart: it
    is added to the weights that leave one and taken from those that leave its twin,
    which changes nothing as long as the two are equal.

    Args:
        generator: float32 model of `build_generator`, or its main tail.
        noise: standard deviation, in that of the halved weights; 0: none.
        seed: of the noise.

    Returns:
        `keras.Model` of `main_tail`, float32, with the memory of the given one.

    Reference:
        Chen, Goodfellow, Shlens, "Net2Net: Accelerating Learning via Knowledge
        Transfer", ICLR 2016, section 2.3.
    """
    given = main_tail(generator)
    shape = generator_shape(given)
    wide = main_tail(build_generator(**{**shape, "width": 2 * shape["width"]}))
    rng = np.random.default_rng(seed)
    for layer in given.layers:
        larger = wide.get_layer(layer.name)
        if isinstance(layer, ExternalAttention):
            _widen_attention(layer, larger, noise, rng)
        elif layer.weights:
            larger.kernel.assign(_widened(layer.kernel, larger.kernel, noise, rng))
    return wide


def _widened(kernel, larger, noise, rng):
    """A kernel `(..., inputs, outputs)` as the wide layer's.

    Only the first layer has inputs, the last one outputs, that are not doubled.
    """
    kernel = np.asarray(kernel)
    kernel = np.tile(kernel, larger.shape[-1] // kernel.shape[-1])
    if larger.shape[-2] == kernel.shape[-2]:
        return kernel
    half = kernel / 2
    spread = rng.normal(0, noise * half.std(), half.shape).astype(half.dtype)
    return np.concatenate([half + spread, half - spread], axis=-2)


def _widen_attention(layer, larger, noise, rng):
    for name in ("query", "output_conv"):
        kernel, target = getattr(layer, name).kernel, getattr(larger, name).kernel
        target.assign(_widened(kernel, target, noise, rng))
    # The slots serve twice. Read, they give what they gave; the scores, a sum over
    # twice as many products, are halved by the query.
    larger.query.kernel.assign(larger.query.kernel / 2)
    larger.slots.assign(np.concatenate([np.asarray(layer.slots)] * 2))
    for weight, target in zip(layer.norm.weights, larger.norm.weights):
        target.assign(np.tile(np.asarray(weight), 2))
