"""Weights of evaluation networks out of files, and the hash that names them."""

import hashlib
from pathlib import Path

import numpy as np

from animegan_tf.errors import InputError

# The file that keras.applications fetches.
KERAS_INCEPTION = "inception_v3_weights_tf_dim_ordering_tf_kernels.h5"


def file_hash(path: Path) -> str:
    """SHA-256 of a file as 64 hexadecimal digits.

    Raises:
        InputError: there is no such file, or it cannot be read.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: a file of weights must exist there, received none.")
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(
            f"{path}: the weights must be readable, received: {error.strerror}."
        ) from error


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Arrays of a `.npz` file of weights, by name.

    Files of PyTorch are pickles, which may run any code: docs/evaluation.md tells how
    to make a `.npz` of one.

    Args:
        path: `.npz`.

    Returns:
        dict of name to array, of the types in the file.

    Raises:
        InputError: the file is absent, of another kind, or damaged.
    """
    path = Path(path)
    if path.suffix.lower() != ".npz":
        raise InputError(
            f"{path}: weights must be a .npz file, received {path.suffix!r}; "
            "docs/evaluation.md tells how to make one of a .pth."
        )
    if not path.is_file():
        raise InputError(f"{path}: a file of weights must exist there, received none.")
    try:
        with np.load(path) as file:
            return {name: file[name] for name in file}
    except Exception as error:  # a damaged file fails in its own many ways
        raise InputError(
            f"{path}: must be readable as weights, received: "
            f"{type(error).__name__}: {' '.join(str(error).split()).rstrip('.')}."
        ) from error


def take(arrays: dict, shapes: dict, source: Path, network: str) -> dict:
    """The arrays that a network needs, as float32.

    Args:
        arrays: of `read_arrays`; what is not needed is passed over.
        shapes: dict of name to the shape that the network has.
        source: the file, for the message.
        network: what it is, for the message.

    Returns:
        dict of name to float32 array.

    Raises:
        InputError: one is missing, of another shape, or not finite.
    """
    for name, shape in shapes.items():
        received = np.shape(arrays[name]) if name in arrays else "none"
        if received != tuple(shape):
            raise InputError(
                f"{source}: weights of {network} must have {name} of shape "
                f"{tuple(shape)}, received {received} among {len(arrays)} arrays."
            )
        if not np.isfinite(arrays[name]).all():
            raise InputError(
                f"{source}: weights must be finite numbers, received others in {name}."
            )
    return {name: np.asarray(arrays[name], np.float32) for name in shapes}
