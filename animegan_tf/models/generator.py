"""The double-tail generator."""

import keras

from animegan_tf.layers import (
    LADE,
    ExternalAttention,
    ReflectPad2D,
    TransposedUpsample2x,
    Upsample2x,
)


def _conv(x, filters, kernel_size, name, strides=1, dtype=None):
    """Bias-free convolution, reflect-padded to keep the size divided by `strides`."""
    total = kernel_size - strides
    padding = (total - total // 2, total // 2)  # the smaller half after
    x = ReflectPad2D(padding, dtype=dtype, name=f"{name}_pad")(x)
    return keras.layers.Conv2D(
        filters, kernel_size, strides, use_bias=False, dtype=dtype, name=name
    )(x)


def _block(x, filters, kernel_size, name, strides=1, dtype=None):
    """Convolution, LADE, leaky ReLU."""
    x = _conv(x, filters, kernel_size, f"{name}_conv", strides, dtype)
    return LADE(negative_slope=0.2, dtype=dtype, name=f"{name}_lade")(x)


def _base(image, width, dtype):
    """The shared encoder: its output and the three skips, full size first."""
    x0 = _block(image, width, 7, "base_0", dtype=dtype)  # (B, H, W, 32)
    x = _block(x0, width, 3, "base_1", 2, dtype)
    x1 = _block(x, 2 * width, 3, "base_2", dtype=dtype)  # (B, H/2, W/2, 64)
    x = _block(x1, 2 * width, 3, "base_3", 2, dtype)
    x2 = _block(x, 4 * width, 3, "base_4", dtype=dtype)  # (B, H/4, W/4, 128)
    x = _block(x2, 4 * width, 3, "base_5", 2, dtype)
    x = _block(x, 4 * width, 3, "base_6", dtype=dtype)  # (B, H/8, W/8, 128)
    return x, (x0, x1, x2)


def _doubled(x, resize, name, dtype):
    if resize == "transposed":
        return TransposedUpsample2x(x.shape[-1], dtype=dtype, name=name)(x)
    return Upsample2x(resize, dtype=dtype, name=name)(x)


def _tail(x, skips, name, width, memory, resize, dtype):
    """One decoder: attention, three upsampling stages, a picture in [-1, 1]."""
    x = ExternalAttention(memory, dtype=dtype, name=f"{name}_attention")(x)
    for stage, skip in enumerate(reversed(skips)):
        filters, prefix = 4 * width // 2**stage, f"{name}_{stage}"
        x = _doubled(x, resize, f"{prefix}_up", dtype)
        x = _block(x, filters, 3, f"{prefix}_before", dtype=dtype)
        x = keras.layers.Add(dtype=dtype, name=f"{prefix}_skip")([x, skip])
        x = _block(x, filters, 3, f"{prefix}_after", dtype=dtype)
    x = _conv(x, 3, 7, f"{name}_picture", dtype=dtype)  # (B, H, W, 3)
    # float32: half precision has fewer steps near 1 than a picture has grey levels.
    return keras.layers.Activation("tanh", dtype="float32", name=name)(x)


def build_generator(width=32, memory=128, resize="half_pixel", dtype="float32"):
    """The generator that training uses: one encoder, two decoders ("tails").

    Args:
        width: channels of the first block; 32 in the paper.
        memory: slots of each tail's external attention; 128 in the paper.
        resize: how the tails double a size: a convention of `Upsample2x`, or
            "transposed" for `TransposedUpsample2x`.
        dtype: dtype policy of every layer, such as "mixed_bfloat16".

    Returns:
        A `keras.Model` from `(batch, height, width, 3)` in [-1, 1], height and width
        multiples of 8 and at least 16, to `{"support": ..., "main": ...}`, each of
        the input's shape, float32 in [-1, 1].

    Reference:
        Liu, Chen, Gao 2024, figure 2.
    """
    image = keras.Input((None, None, 3), name="image")
    x, skips = _base(image, width, dtype)
    outputs = {
        name: _tail(x, skips, name, width, memory, resize, dtype)
        for name in ("support", "main")
    }
    return keras.Model(image, outputs, name="generator")


def main_tail(generator):
    """The part of a generator that inference runs.

    Args:
        generator: a model of `build_generator`; or a main tail, returned as it is.

    Returns:
        A `keras.Model` with one input and one output, sharing the generator's
        weights; the support tail's are not in it.
    """
    if not isinstance(generator.output, dict):
        return generator
    return keras.Model(generator.input, generator.output["main"], name="main_tail")


def as_float32(model):
    """A copy of a mixed-precision model that computes in float32.

    Args:
        model: a functional `keras.Model` of this package, under any dtype policy.

    Returns:
        A new model of the same layers and weights under the policy "float32".
    """

    def in_float32(layer):
        return layer.__class__.from_config({**layer.get_config(), "dtype": "float32"})

    copy = keras.models.clone_model(model, clone_function=in_float32)
    copy.set_weights(model.get_weights())
    for layer in copy.layers:
        layer.trainable = True  # what one run froze is no property of the model
    return copy


def freeze_base(generator):
    """Takes the shared encoder out of a generator's trainable weights."""
    for layer in generator.layers:
        if layer.name.startswith("base_"):
            layer.trainable = False


def generator_shape(generator):
    """What tells `build_generator` to make another one of the same shape.

    Args:
        generator: model of `build_generator`, or its main tail.

    Returns:
        dict of `width`, `memory` and `resize`.

    Raises:
        ValueError: the model is none of these.
    """
    upsampling = generator.get_layer("main_0_up")
    return {
        "width": generator.get_layer("base_0_conv").filters,
        "memory": generator.get_layer("main_attention").memory,
        "resize": getattr(upsampling, "convention", "transposed"),
    }


def averaged(generators, shares):
    """A generator whose weights are the weighted mean of those of others.

    It paints between them only if they come from one run, or began at one generator:
    weights of runs that began apart mean different things.

    Args:
        generators: models of `build_generator`, float32 and of one shape.
        shares: a number above 0 for each; only their ratios count.

    Returns:
        A new model of the same shape.

    Raises:
        ValueError: the generators differ in shape.

    Reference:
        Wortsman et al., "Model soups: averaging weights of multiple fine-tuned models
        improves accuracy without increasing inference time", ICML 2022.
    """
    first, *others = ([tuple(w.shape) for w in g.weights] for g in generators)
    if any(shapes != first for shapes in others):
        raise ValueError("generators must have one shape to be averaged")
    total = sum(shares)
    weights = zip(*(generator.get_weights() for generator in generators))
    mean = as_float32(generators[0])
    mean.set_weights(
        [sum(s * w for s, w in zip(shares, ws, strict=True)) / total for ws in weights]
    )
    return mean
