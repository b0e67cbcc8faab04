"""Generators as files."""

import io
import json
import tempfile
import zipfile
from pathlib import Path

import keras

from animegan_tf.errors import InputError
from animegan_tf.files import write_atomic
from animegan_tf.models.generator import as_float32
from animegan_tf.untrusted import require_own_data

_MEMBERS = {"metadata.json", "config.json", "model.weights.h5"}
_LARGEST = {"config.json": 2**24, "model.weights.h5": 2**30}
# Classes that compute, and nothing else, by the module that Keras writes for them.
_LAYERS = """
    Activation Add Average AveragePooling2D BatchNormalization Concatenate Conv2D
    Conv2DTranspose Cropping2D Dense DepthwiseConv2D Dropout ELU Flatten
    GlobalAveragePooling2D GroupNormalization Identity InputLayer LayerNormalization
    LeakyReLU MaxPooling2D Maximum Minimum Multiply PReLU Permute ReLU Rescaling
    Reshape SeparableConv2D Softmax SpectralNormalization Subtract UnitNormalization
    UpSampling2D ZeroPadding2D
    """
_INITIALIZERS = """
    Constant GlorotNormal GlorotUniform HeNormal HeUniform LecunNormal LecunUniform
    Ones Orthogonal RandomNormal RandomUniform TruncatedNormal VarianceScaling Zeros
    """
_ALLOWED = {
    "keras.layers": _LAYERS.split(),
    "keras.initializers": _INITIALIZERS.split(),
    "keras": ["DTypePolicy"],
    "keras.src.models.functional": ["Functional"],
    None: ["__keras_tensor__"],
}


def save_generator(generator, path):
    """Writes a float32 `generator.keras` that is complete or not there.

    Args:
        generator: a model of `build_generator`, or its main tail.
        path: Path of the file; one that exists is replaced.

    Raises:
        InputError: the file cannot be written.
    """
    # Keras writes to names that end in .keras only.
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "generator.keras"
        as_float32(generator).save(file)
        write_atomic(path, file.read_bytes())


def read_generator(path):
    """Reads a `.keras` file that holds layers of ours and of Keras' core alone.

    Others can do more than compute: a `Lambda` is code, a `TFSMLayer` runs any
    SavedModel. Keras refuses some of them by itself, this all but a few.

    Args:
        path: Path of the file.

    Returns:
        A `keras.Model`, not compiled.

    Raises:
        InputError: another layer is in it, or it is no `.keras` file of Keras' own.
        Exception: of zip, JSON, HDF5 and Keras, where it is damaged.
    """
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if sorted(names) != sorted(_MEMBERS):
            raise InputError(
                f"{path}: must hold {', '.join(sorted(_MEMBERS))}, received "
                f"{', '.join(names[:8]) or 'nothing'}."
            )
        for name, largest in _LARGEST.items():
            if archive.getinfo(name).file_size > largest:
                raise InputError(
                    f"{path}: {name} must have {largest} bytes at most, received "
                    f"{archive.getinfo(name).file_size}."
                )
        _require_allowed(path, json.loads(archive.read("config.json")))
        require_own_data(path, io.BytesIO(archive.read("model.weights.h5")))
    return keras.saving.load_model(path, compile=False)


def _require_allowed(path, config):
    """Refuses a model's description that names another class anywhere in it."""
    parts = [config]
    while parts:
        part = parts.pop()
        if isinstance(part, dict):
            if "class_name" in part and not _is_allowed(part):
                raise InputError(
                    f"{path}: a generator must be made of this package's and Keras' "
                    "core layers, which only compute, received "
                    f"{part.get('module')}.{part['class_name']}."
                )
            parts += part.values()
        elif isinstance(part, list):
            parts += part


def _is_allowed(part):
    module, name = part.get("module"), part["class_name"]
    registered = part.get("registered_name")
    if isinstance(module, str) and module.startswith("animegan_tf."):
        known = keras.saving.get_registered_object(registered)
        return registered == f"animegan_tf>{name}" and known is not None
    own = registered is None or registered == name
    return own and isinstance(name, str) and name in _ALLOWED.get(module, ())
