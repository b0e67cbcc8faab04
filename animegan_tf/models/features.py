"""Frozen perceptual features: VGG19, VGG16, or a seeded stand-in for trials."""

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from keras import ops

from animegan_tf.errors import InputError
from animegan_tf.layers.cpu import FrozenConv2D
from animegan_tf.untrusted import require_own_data


@dataclass(frozen=True)
class Network:
    """What sets one perceptual network apart.

    Attributes:
        depth: convolutions in each block.
        width: channels in each block.
        mean, deviation: `((x + 1) * span - mean) / deviation` prepares a picture x in
            [-1, 1], channels in RGB order.
        span: half the range of the pictures the network was trained on.
        bgr: whether its first kernel expects BGR.
        content, style: the levels the loss weights were tuned on.
        scale: factor a level that brings its features to the magnitude of VGG19's, so
            that the same loss weights keep their meaning.
    """

    depth: tuple[int, ...]
    width: tuple[int, ...]
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]
    span: float
    bgr: bool
    content: str
    style: tuple[str, str, str]
    scale: dict[str, float]


NETWORKS = {
    # Caffe's convention, as keras.applications and the AnimeGAN authors use it.
    "vgg19": Network(
        depth=(2, 2, 4, 4),
        width=(64, 128, 256, 512),
        mean=(123.68, 116.779, 103.939),
        deviation=(1.0, 1.0, 1.0),
        span=127.5,
        bgr=True,
        content="block4_conv4",
        style=("block2_conv2", "block3_conv3", "block4_conv4"),
        scale={},
    ),
    # torchvision's convention. The scales match the features' deviation, photo-anime
    # distance and Gram distance to VGG19's, level by level.
    "vgg16": Network(
        depth=(2, 2, 3, 3),
        width=(64, 128, 256, 512),
        mean=(0.485, 0.456, 0.406),
        deviation=(0.229, 0.224, 0.225),
        span=0.5,
        bgr=False,
        content="block4_conv3",
        style=("block2_conv2", "block3_conv3", "block4_conv3"),
        scale={"block2_conv2": 90.0, "block3_conv3": 50.0, "block4_conv3": 42.0},
    ),
    # For trials without any download: random filters still tell edges, textures and
    # colours apart, which is enough to see the method work, not to judge it.
    "random": Network(
        depth=(1, 1, 1, 1),
        width=(16, 32, 48, 64),
        mean=(0.5, 0.5, 0.5),
        deviation=(0.25, 0.25, 0.25),
        span=0.5,
        bgr=False,
        content="block4_conv1",
        style=("block2_conv1", "block3_conv1", "block4_conv1"),
        # Matches VGG16's photo-anime and Gram distances, as scaled above, on the
        # sample data.
        scale={"block2_conv1": 104.0, "block3_conv1": 90.0, "block4_conv1": 53.0},
    ),
}
# With fewer channels the transforms cost more than the multiplications they save.
_WINOGRAD_CHANNELS = 128
_KERAS_FILE = {
    "vgg19": "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
    "vgg16": "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
}


@keras.saving.register_keras_serializable(package="animegan_tf")
class PreparePicture(keras.layers.Layer):
    """`((x + 1) * span - mean) / deviation` of RGB in [-1, 1], optionally to BGR."""

    def __init__(self, mean, deviation, span, bgr, **kwargs):
        super().__init__(**kwargs)
        self.mean, self.deviation = tuple(mean), tuple(deviation)
        self.span, self.bgr = span, bgr

    def call(self, inputs):
        x = (ops.cast(inputs, "float32") + 1.0) * self.span
        x = (x - ops.convert_to_tensor(self.mean, "float32")) / ops.convert_to_tensor(
            self.deviation, "float32"
        )
        return ops.cast(ops.flip(x, axis=-1) if self.bgr else x, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        own = {"mean": self.mean, "deviation": self.deviation}
        return {**super().get_config(), **own, "span": self.span, "bgr": self.bgr}


def build_features(
    network="vgg19", weights="imagenet", content=None, style=None, dtype="float32"
):
    """A frozen network that describes pictures.

    Args:
        network: "vgg19", "vgg16" or "random" (a small seeded stand-in).
        weights: "imagenet" (fetched by keras.applications; VGG19 in Caffe's, VGG16 in
            torchvision's convention cannot be fetched); the path of a file, see
            `read_weights`; or None for seeded random values.
        content: level of the content features, such as "block4_conv4".
        style: levels of the style features.
        dtype: dtype policy of the convolutions.

    Returns:
        A `keras.Model` from `(batch, height, width, 3)` in [-1, 1] to
        `{"content": features, "style": [features, ...]}`, each `(batch, h, w,
        channels)` float32, before the ReLU, times the network's scale of that level.

    Raises:
        InputError: an unknown network or level, or weights that cannot be had.

    Reference:
        Simonyan, Zisserman, "Very Deep Convolutional Networks for Large-Scale Image
        Recognition", ICLR 2015, configurations D and E.
    """
    if network not in NETWORKS:
        known = ", ".join(NETWORKS)
        raise InputError(f"perceptual network must be one of {known}; got {network!r}")
    spec = NETWORKS[network]
    content, style = content or spec.content, tuple(style or spec.style)
    model = _build(network, spec, content, style, dtype)
    if weights is None or network == "random":
        _seed_weights(model)
    else:
        _set_weights(model, _find_weights(network, weights), weights)
    model.trainable = False
    for layer in _convolutions(model):
        if layer.kernel.shape[2] >= _WINOGRAD_CHANNELS:
            layer.freeze()
    return model


def _build(network, spec, content, style, dtype):
    names = [
        f"block{b + 1}_conv{c + 1}" for b, n in enumerate(spec.depth) for c in range(n)
    ]
    for level in (content, *style):
        if level not in names:
            raise InputError(
                f"{network} has the levels {', '.join(names)}; got {level!r}"
            )
    last = max(names.index(level) for level in (content, *style))
    image = keras.Input((None, None, 3), name="image")
    x = PreparePicture(
        spec.mean, spec.deviation, spec.span, spec.bgr, dtype=dtype, name="prepare"
    )(image)
    levels = {}
    for name in names[: last + 1]:
        block, position = int(name[5]), int(name[-1])
        if block > 1 and position == 1:
            x = keras.layers.MaxPooling2D(2, dtype=dtype, name=f"block{block}_pool")(x)
        # The ReLU of a level comes after its pooling, which commutes with it.
        x = FrozenConv2D(
            spec.width[block - 1], rectify=name != names[0], dtype=dtype, name=name
        )(x)
        if name in (content, *style):
            levels[name] = _scaled(x, spec.scale.get(name, 1.0), f"{name}_scaled")
    outputs = {"content": levels[content], "style": [levels[name] for name in style]}
    return keras.Model(image, outputs, name=network)


def _scaled(x, scale, name):
    """Times the level's scale, in float32; a scale of 1 must not cost a copy."""
    if scale == 1.0:
        return keras.layers.Identity(dtype="float32", name=name)(x)
    return keras.layers.Rescaling(scale, dtype="float32", name=name)(x)


def _convolutions(model):
    return [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]


def _seed_weights(model):
    rng = np.random.default_rng(19)
    for layer in _convolutions(model):
        kernel, bias = (weight.shape for weight in layer.weights)
        deviation = np.sqrt(2.0 / np.prod(kernel[:3]))
        layer.set_weights([rng.normal(0, deviation, kernel), np.zeros(bias)])


def _find_weights(network, weights):
    if weights != "imagenet":
        return read_weights(Path(weights))
    file = _KERAS_FILE[network]
    if network == "vgg16":
        raise InputError(
            "vgg16 is used in torchvision's convention, which keras.applications does "
            "not have: give its file with --perceptual-weights, or use vgg19"
        )
    try:
        source = keras.applications.VGG19(include_top=False, weights="imagenet")
    except Exception as error:  # no network, no disk, a damaged download
        raise InputError(
            f"the weights of {network} could not be fetched ({error}): get {file} from "
            "the Keras applications storage and give its path with --perceptual-weights"
        ) from error
    return {layer.name: layer.get_weights() for layer in _convolutions(source)}


def _set_weights(model, values, source):
    for layer in _convolutions(model):
        if layer.name not in values:
            raise InputError(
                f"{source} must hold the layer {layer.name} of {model.name}; it holds "
                f"{', '.join(sorted(values)) or 'no convolution'}"
            )
        expected = [tuple(weight.shape) for weight in layer.weights]
        received = [np.shape(value) for value in values[layer.name]]
        if expected != received:
            raise InputError(
                f"{source} must hold {layer.name} of shapes {expected}; got {received}"
            )
        layer.set_weights([np.asarray(v, "float32") for v in values[layer.name]])


def read_weights(path):
    """Kernels and biases by layer name, from the files that people have.

    Args:
        path: `.npz` with `block1_conv1__kernel` and `block1_conv1__bias` (or `/` in
            place of `__`), or `.h5` of keras.applications or of a Keras model. The
            `vgg19.npy` of AnimeGAN's authors is a pickle, which may run any code: the
            docs/training.md tells how to make a `.npz` of it.

    Returns:
        `{"block1_conv1": [kernel, bias], ...}` as numpy arrays.

    Raises:
        InputError: the file is absent, of another kind, or not readable as such.
    """
    if not path.is_file():
        raise InputError(f"perceptual weights: there is no file {path}")
    readers = {".npz": _read_npz, ".h5": _read_h5}
    if path.suffix not in readers:
        raise InputError(
            f"perceptual weights must be a .npz or .h5 file; got {path}; of a "
            "vgg19.npy docs/training.md tells how to make a .npz"
        )
    try:
        return readers[path.suffix](path)
    except InputError:
        raise
    except Exception as error:  # each format fails in its own many ways
        raise InputError(f"{path} cannot be read as weights: {error}") from error


def _pairs(arrays):
    """`{layer: [kernel, bias]}` from `(layer, array)` in any order."""
    values = {}
    for name, array in arrays:
        if array.ndim in (1, 4):
            values.setdefault(name, {})[array.ndim] = array
    return {name: [v[4], v[1]] for name, v in values.items() if len(v) == 2}


def _read_npz(path):
    with np.load(path) as file:
        names = [(key.replace("__", "/").split("/")[0], key) for key in file]
        return _pairs([(name, file[key]) for name, key in names])


def _read_h5(path):
    import h5py

    arrays = []

    def collect(name, item):
        # keras.applications: block1_conv1/block1_conv1_W_1:0; Keras 3:
        # layers/block1_conv1/vars/0.
        layer = [part for part in name.split("/") if "_conv" in part]
        if isinstance(item, h5py.Dataset) and layer:
            arrays.append((layer[0], item[()]))

    require_own_data(path)
    with h5py.File(path) as file:
        file.visititems(collect)
    return _pairs(arrays)
