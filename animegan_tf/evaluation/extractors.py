"""Extractors by network, with what a report must say about each.

Importing this module loads no TensorFlow, nor does asking a cache: a network is built
when it first has something to run.
"""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from animegan_tf.errors import InputError
from animegan_tf.evaluation.features import resample
from animegan_tf.evaluation.weights import KERAS_INCEPTION, file_hash

# Below this VGG16 has no pixel left at its last level.
_LPIPS_LEAST = 16


@dataclass(frozen=True)
class Inception:
    """What sets one InceptionV3 apart.

    Attributes:
        builder: name of the function in `networks`.
        shift, scale: it takes (levels - shift) / scale.
        filter: how pictures are brought to its size, a name in `features.FILTERS`.
    """

    builder: str
    shift: float
    scale: float
    filter: str = "bicubic"


INCEPTIONS = {
    "inception": Inception("imagenet_inception", 127.5, 127.5),
    # With the bicubic filter the published figures of the AnimeGANv3 authors'
    # portrait models do not come out; the classifier is that sensitive to sharpness.
    "drawing-inception": Inception("drawing_inception", 0.0, 255.0, "lanczos"),
}


class _Network:
    """What all networks have: weights, their hash, a size and a filter."""

    def __init__(self, name, weights, filter, batch_size):
        if batch_size < 1:
            raise InputError(f"a batch size must be 1 or more, received {batch_size}.")
        self.name, self.weights = name, Path(weights)
        self.weights_hash = file_hash(self.weights)
        self.filter, self.batch_size = filter, batch_size

    @property
    def identifier(self) -> str:
        parts = self.name, self.weights_hash[:32], self.size, self.filter
        return "-".join(map(str, parts))

    def prepare(self, image):
        """Brings a picture to what `run` takes.

        Args:
            image: uint8 RGB (height, width, 3).

        Returns:
            float32 RGB (size, size, 3) in [0, 255], see `features.resample`.
        """
        return resample(image, self.size, self.filter)

    def check(self) -> None:
        """Build the model now, so that wrong weights show before other work is done.

        Raises:
            InputError: the weights are of another network.
        """
        self._function  # builds it

    def _in_batches(self, *columns):
        """Outputs for columns of any length.

        Batches always have `batch_size` rows, the last one filled up: convolutions of
        another shape may round the last digit otherwise, and cost a compilation.
        """
        outputs = []
        for start in range(0, len(columns[0]), self.batch_size):
            parts = [column[start : start + self.batch_size] for column in columns]
            count = len(parts[0])
            filled = [part + part[-1:] * (self.batch_size - count) for part in parts]
            found = self._function(*map(np.stack, filled))
            outputs.append([np.asarray(x)[:count] for x in found])
        return [np.concatenate(parts) for parts in zip(*outputs)]


class InceptionNetwork(_Network):
    """Describes pictures by an InceptionV3: pooled features and class probabilities.

    Args:
        name: "inception" (ImageNet, keras.applications) or "drawing-inception"
            (drawings against photographs).
        weights: path of its weights, see the functions of `networks`; None for those
            of "inception" that keras.applications fetches.
        batch_size: int, pictures at once.

    Attributes:
        name, weights, batch_size: as given.
        weights_hash: SHA-256 of the file, 64 hexadecimal digits.
        size: int, side of the square it takes.
        filter: how pictures are brought to that size, a name in `features.FILTERS`.
        identifier: name, hash, size and filter in one word.

    Raises:
        InputError: an unknown name, or no weights there. Weights of another network
            are refused when the model is built; `check` does it at once.
    """

    size = 299

    def __init__(self, name: str, weights: Path | None = None, batch_size: int = 8):
        if name not in INCEPTIONS:
            raise InputError(
                f"a feature network must be one of {', '.join(INCEPTIONS)}, received "
                f"{name!r}."
            )
        weights = _inception_weights(name) if weights is None else weights
        super().__init__(name, weights, INCEPTIONS[name].filter, batch_size)

    def run(self, images: list) -> dict:
        """Describes prepared pictures.

        Args:
            images: list of what `prepare` returns.

        Returns:
            `{"features": (pictures, 2048), "probabilities": (pictures, classes)}`,
            float32.
        """
        features, probabilities = self._in_batches(images)
        return {"features": features, "probabilities": probabilities}

    @cached_property
    def _function(self):
        from animegan_tf.evaluation import networks

        spec = INCEPTIONS[self.name]
        model = getattr(networks, spec.builder)(self.weights)
        return networks.traced(
            lambda images: model((images - spec.shift) / spec.scale, training=False), 1
        )


class Lpips(_Network):
    """LPIPS of pairs of pictures: perceptual distance by VGG16, version 0.1.

    Called with two pictures it compares them as they are. Through `extract` it
    compares files, brought to squares of 256 pixels.

    Args:
        weights: path of a `.npz`, see `networks.lpips_network`.
        batch_size: int, pairs at once.

    Attributes:
        name, weights, batch_size, weights_hash, size, filter, identifier: as of
            `InceptionNetwork`.

    Raises:
        InputError: as of `InceptionNetwork`.

    Reference:
        Zhang et al., *The Unreasonable Effectiveness of Deep Features as a
        Perceptual Metric*, CVPR 2018.
    """

    size = 256

    def __init__(self, weights: Path, batch_size: int = 4):
        super().__init__("vgg16-lpips", weights, "bicubic", batch_size)

    def __call__(self, photo, picture) -> float:
        """Distance of one pair.

        Args:
            photo, picture: uint8 RGB (height, width, 3) of one size, 16 pixels or
                more a side.

        Returns:
            float, 0 for equal pictures, about 0.7 for unrelated ones.

        Raises:
            InputError: the sizes differ or are too small.
        """
        shapes = np.shape(photo), np.shape(picture)
        if shapes[0] != shapes[1] or min(shapes[0][:2]) < _LPIPS_LEAST:
            raise InputError(
                f"LPIPS needs two pictures of one size, {_LPIPS_LEAST} pixels or more "
                f"a side, received the shapes {shapes[0]} and {shapes[1]}."
            )
        pair = (np.asarray(x, np.float32)[None] for x in (photo, picture))
        (distances,) = self._function(*pair)
        return float(distances[0])

    def run(self, photos: list, pictures: list) -> dict:
        """Compares prepared pictures, row by row.

        Args:
            photos, pictures: lists of what `prepare` returns, of one length.

        Returns:
            `{"distance": (pairs,)}`, float32.
        """
        (distances,) = self._in_batches(photos, pictures)
        return {"distance": distances}

    @cached_property
    def _function(self):
        from animegan_tf.evaluation import networks

        model = networks.lpips_network(self.weights)

        def compared(photos, pictures):
            pair = photos / 127.5 - 1, pictures / 127.5 - 1
            return [model(pair, training=False)]

        return networks.traced(compared, 2)


class FaceIdentity(_Network):
    """Describes faces by an identity embedding out of a LiteRT file.

    Args:
        weights: path of a `.tflite` from one square float32 RGB picture in [0, 255]
            to one embedding.

    Attributes:
        name, weights, batch_size, weights_hash, size, filter, identifier: as of
            `InceptionNetwork`; the size is what the file says.

    Raises:
        InputError: no such file, one of another kind, or the package ai-edge-litert
            is missing.
    """

    def __init__(self, weights: Path):
        super().__init__("face-identity", weights, "bilinear", batch_size=1)
        self._interpreter = _interpreter(self.weights)
        self.size = int(self._interpreter.get_input_details()[0]["shape"][1])

    def run(self, images: list) -> dict:
        """Embeds prepared faces.

        Args:
            images: list of what `prepare` returns of a face, see
                `face_measures.face_cuts`.

        Returns:
            `{"features": (faces, dimensions)}`, float32 rows of length 1.
        """
        (features,) = self._in_batches(images)
        return {"features": features / np.linalg.norm(features, axis=1, keepdims=True)}

    def _function(self, images):
        (source,) = self._interpreter.get_input_details()
        (target,) = self._interpreter.get_output_details()
        self._interpreter.set_tensor(source["index"], images)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(target["index"])]


def open_inception(which: Path) -> InceptionNetwork:
    """The InceptionV3 that a user names.

    Args:
        which: "imagenet" for the weights of keras.applications, or a path: `.h5` of
            the same, `.npz` of the drawing InceptionV3.

    Raises:
        InputError: another ending, or see `InceptionNetwork`.
    """
    if str(which) == "imagenet":
        return InceptionNetwork("inception")
    path = Path(which)
    if path.suffix.lower() == ".h5":
        return InceptionNetwork("inception", path)
    if path.suffix.lower() != ".npz":
        raise InputError(
            f"{path}: weights of an InceptionV3 must be imagenet or an .h5 or .npz "
            f"file, received {path.suffix!r}."
        )
    return InceptionNetwork("drawing-inception", path)


def _inception_weights(name):
    """Those of keras.applications; asking Keras for the path would load TensorFlow."""
    if name != "inception":
        raise InputError(
            f"the weights of {name} cannot be fetched: their path must be given, "
            "received none."
        )
    home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    path = home / "models" / KERAS_INCEPTION
    if not path.is_file():
        from animegan_tf.evaluation.networks import fetch_imagenet_inception

        fetch_imagenet_inception()
    return path


def _interpreter(path):
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise InputError(
            "The package ai-edge-litert must be installed to compare identities, with "
            f'`pip install -e ".[evaluate]"`, received: {error}.'
        ) from error
    try:
        interpreter = Interpreter(str(path))
        interpreter.allocate_tensors()
        details = interpreter.get_input_details() + interpreter.get_output_details()
    except (ValueError, RuntimeError) as error:
        raise InputError(
            f"{path}: must be a LiteRT file, received: "
            f"{' '.join(str(error).split()).rstrip('.')}."
        ) from error
    shapes = [tuple(map(int, one["shape"])) for one in details]
    numbers = {one["dtype"] for one in details} == {np.float32}
    # One input (1, side, side, 3) and one output (1, dimensions).
    fits = [len(shape) for shape in shapes] == [4, 2] and (
        shapes[0] == (1, shapes[0][1], shapes[0][1], 3) and shapes[1][0] == 1
    )
    if not (numbers and fits):
        raise InputError(
            f"{path}: must turn one square float32 RGB picture into one embedding, "
            f"received tensors of the shapes {', '.join(map(str, shapes))}."
        )
    return interpreter
