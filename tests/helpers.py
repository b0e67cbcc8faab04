"""What several tests need: generic layer checks, reference numbers, tiny networks."""

import os
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from skimage.data import astronaut

from animegan_tf.models import build_generator

DATA = Path(__file__).parent / "data"
LAYERS, GENERATOR, DISCRIMINATOR = 2, 0, 1  # salts of the weight recipe


def shared(name):
    """A file or folder of the developers' networks and pictures; else skips the test.

    They lie in `shared` beside the checkout, or where ANIMEGAN_TF_SHARED says.
    """
    beside = Path(__file__).parents[2] / "shared"
    path = Path(os.environ.get("ANIMEGAN_TF_SHARED", beside)) / name
    if not path.exists():
        pytest.skip(f"there is no {path}")
    return path


def reference():
    """Numbers computed by the DTGAN authors' public graph code.

    Pictures and feature maps are thinned: `[:, ::4, ::4]` of pictures, every eighth
    channel of `vgg/block4_conv4`.
    """
    return np.load(DATA / "network_vectors.npz")


def recipe_weights(salt, shapes):
    """The reference's weights: `{name: array}` for `{name: shape}`.

    Every array comes from a generator of its own, seeded with its place in the sorted
    names, so that no file has to hold them.
    """
    values = {}
    for number, name in enumerate(sorted(shapes)):
        rng, shape = np.random.default_rng([1, salt, number]), shapes[name]
        last = name.split("/")[-1]
        if last in ("Variable", "Variable_3"):
            value = rng.uniform(0.5, 1.5, shape)
        elif last in ("Variable_1", "Variable_2"):
            value = rng.normal(0, 0.2, shape)
        elif last == "u":
            value = rng.standard_normal(shape)
        else:
            limit = np.sqrt(6 / (np.prod(shape[:-2]) * (shape[-2] + shape[-1])))
            value = rng.uniform(-limit, limit, shape)
        values[name] = value.astype("float32")
    return values


def _numbered(scope, number):
    return f"{scope}/Conv{f'_{number}' if number else ''}/weights"


def attention_names(layer, scope):
    """The authors' names of an external attention's variables."""
    scope = f"{scope}/External_attention"
    return {
        _numbered(scope, 0): layer.query.kernel,
        _numbered(scope, 1): layer.output_conv.kernel,
        f"{scope}/Variable": layer.norm.gamma,
        f"{scope}/Variable_1": layer.norm.beta,
        f"{scope}/Variable_2": layer.norm.moving_mean,
        f"{scope}/Variable_3": layer.norm.moving_variance,
        f"{scope}/kernel": layer.slots,
    }


def generator_names(generator):
    """`{the authors' name: variable}` of a generator with both tails."""
    names = {}
    for scope in ("base", "support", "main"):
        kernels = [
            layer.kernel
            for layer in generator.layers
            if layer.name.startswith(scope) and hasattr(layer, "kernel")
        ]
        names |= {
            _numbered(f"generator/{scope}", i): kernel
            for i, kernel in enumerate(kernels)
        }
        if scope != "base":
            attention = generator.get_layer(f"{scope}_attention")
            names |= attention_names(attention, f"generator/{scope}")
    return names


def discriminator_names(discriminator):
    """`{the authors' name: variable}` of a discriminator."""
    names = {"stem_conv": "conv_0", "logits": "D_logit"}
    for stage in range(3):
        names[f"stage_{stage}_down_conv"] = f"conv_s2_{stage}"
        names[f"stage_{stage}_down_lade"] = f"discriminatora{stage}_conv_IN"
        names[f"stage_{stage}_wide_conv"] = f"conv_s1_{stage}"
        names[f"stage_{stage}_wide_lade"] = f"discriminatorb{stage}_conv_IN"
    variables = {}
    for ours, theirs in names.items():
        layer = discriminator.get_layer(ours)
        variables[f"discriminator/{theirs}/kernel"] = layer.kernel
        variables[f"discriminator/{theirs}/u"] = layer.u
    return variables


def fill(variables, salt):
    """Sets variables by their recipe."""
    shapes = {}
    for name, variable in variables.items():
        shape = tuple(variable.shape)
        # The authors store the memory as a 1-D convolution's kernel.
        shapes[name] = (1, *shape) if name.endswith("attention/kernel") else shape
    for name, value in recipe_weights(salt, shapes).items():
        variables[name].assign(value.reshape(variables[name].shape))


def assert_close(actual, expected, tolerance):
    """Largest difference, relative to the largest expected value."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape
    error = np.abs(actual - expected).max() / max(np.abs(expected).max(), 1e-12)
    assert error <= tolerance, f"off by {error:.2g} of the largest value"


def check_layer(layer, shape, tmp_path):
    """What every layer of ours must do, for an input of a static shape.

    Eager and traced calls agree (traced with unknown batch, height and width), the
    symbolic shape is the real one, the configuration and a `.keras` file restore the
    layer, every trainable weight gets a gradient, and half precision stays finite on
    large inputs while its statistics are right.
    """
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    y = np.asarray(layer(x))
    assert tuple(layer.compute_output_shape(shape)) == y.shape

    spec = tf.TensorSpec([None, None, None, shape[-1]], tf.float32)
    traced = tf.function(layer, input_signature=[spec])
    np.testing.assert_allclose(traced(x), y, rtol=1e-4, atol=1e-5)

    image = keras.Input((None, None, shape[-1]))
    model = keras.Model(image, layer(image))
    model.save(tmp_path / "layer.keras")
    loaded = keras.saving.load_model(tmp_path / "layer.keras")
    np.testing.assert_allclose(loaded(x), y, rtol=1e-5, atol=1e-6)

    with tf.GradientTape() as tape:
        x = tf.constant(x)
        tape.watch(x)
        loss = tf.reduce_sum(tf.square(layer(x)))
    gradients = tape.gradient(loss, [x, *[w.value for w in layer.trainable_weights]])
    for gradient in gradients:
        assert gradient is not None and np.abs(gradient).max() > 0

    for policy in ("mixed_float16", "mixed_bfloat16"):
        half = layer.__class__.from_config({**layer.get_config(), "dtype": policy})
        half.build(shape)
        half.set_weights(layer.get_weights())
        y_half = half(x)
        assert y_half.dtype == policy.removeprefix("mixed_")
        tolerance = 0.02 if policy == "mixed_float16" else 0.1
        assert_close(np.asarray(y_half, "float32"), y, tolerance)
        assert all(w.dtype == "float32" for w in half.weights)


def random_generator(width, resize="half_pixel", dtype="float32"):
    """One whose pictures have contrast and whose normalisation does something."""
    keras.utils.set_random_seed(0)
    generator = build_generator(width, resize=resize, dtype=dtype)
    kernel = generator.get_layer("main_picture").kernel
    kernel.assign(4 * kernel.value)
    rng = np.random.default_rng(0)
    for weight in generator.get_layer("main_attention").norm.weights:
        weight.assign(rng.uniform(0.5, 1.5, weight.shape))
    return generator


def photo(height, width):
    """A face, uint8 RGB."""
    return np.ascontiguousarray(astronaut()[40 : 40 + height, 160 : 160 + width])
