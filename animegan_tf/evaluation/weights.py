"""Weights of evaluation networks out of files, and the hash that names them."""

import collections
import hashlib
import pickle
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from animegan_tf.errors import InputError

# The file that keras.applications fetches.
KERAS_INCEPTION = "inception_v3_weights_tf_dim_ordering_tf_kernels.h5"
# What torch.save wrote before PyTorch 1.6 begins with these two pickles.
_LEGACY_START = (0x1950A86A20F9469CFC6C, 1001)
_STORAGE_TYPES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
}


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
    """Arrays of a file of weights, by name.

    Args:
        path: `.npz`, or `.pth` or `.pt` with what PyTorch's `torch.save` makes of a
            state dict, in the present format or in that before PyTorch 1.6. PyTorch
            is not needed, and nothing but arrays is ever unpickled.

    Returns:
        dict of name to array, of the types in the file.

    Raises:
        InputError: the file is absent, of another kind, or damaged.
    """
    path = Path(path)
    readers = {".npz": _read_npz, ".pth": _read_torch, ".pt": _read_torch}
    if path.suffix.lower() not in readers:
        raise InputError(
            f"{path}: weights must be a {', '.join(readers)} file, received "
            f"{path.suffix!r}."
        )
    if not path.is_file():
        raise InputError(f"{path}: a file of weights must exist there, received none.")
    try:
        return readers[path.suffix.lower()](path)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except Exception as error:  # each format fails in its own many ways
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


def _read_npz(path):
    with np.load(path) as file:
        return {name: file[name] for name in file}


@dataclass
class _Storage:
    """Memory that tensors share; in old files its bytes come after the tensors."""

    dtype: str
    count: int
    data: np.ndarray = field(default=None, repr=False)

    def fill(self, data):
        self.data = np.frombuffer(data, self.dtype, self.count)


@dataclass(frozen=True)
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple
    strides: tuple

    def array(self):
        last = self.offset + sum((n - 1) * s for n, s in zip(self.shape, self.strides))
        if 0 in self.shape:
            return np.zeros(self.shape, self.storage.dtype)
        if min((self.offset, *self.strides), default=0) < 0 or (
            last >= len(self.storage.data)
        ):
            raise InputError("a tensor must lie in its storage, received one outside.")
        data = self.storage.data[self.offset :]
        strides = [step * data.itemsize for step in self.strides]
        return np.lib.stride_tricks.as_strided(data, self.shape, strides).copy()


class _StateDict(pickle.Unpickler):
    """Reads a dict of tensors and nothing else: a pickle may otherwise run any code."""

    def __init__(self, file):
        super().__init__(file, encoding="utf-8")
        self.storages = {}

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, *layout: _Tensor(storage, *layout[:3])
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return lambda tensor, *_: tensor
        if module == "torch" and name in _STORAGE_TYPES:
            return _STORAGE_TYPES[name]
        raise InputError(
            "the pickle must hold a state dict of plain tensors, received "
            f"{module}.{name}."
        )

    def persistent_load(self, saved):
        _, dtype, key, _, count, *view = saved
        if any(part is not None for part in view):
            raise InputError("tensors must have whole storages, received a view.")
        return self.storages.setdefault(key, _Storage(dtype, count))


def _read_torch(path):
    read = _read_torch_zip if zipfile.is_zipfile(path) else _read_torch_legacy
    tensors = read(path)
    if not isinstance(tensors, dict):
        raise InputError(
            f"the file must hold a state dict, received a {type(tensors).__name__}."
        )
    return {k: v.array() for k, v in tensors.items() if isinstance(v, _Tensor)}


def _read_torch_zip(path):
    with zipfile.ZipFile(path) as file:
        (index,) = (name for name in file.namelist() if name.endswith("/data.pkl"))
        folder = index.removesuffix("data.pkl")
        with file.open(index) as pickled:
            unpickler = _StateDict(pickled)
            tensors = unpickler.load()
        for key, storage in unpickler.storages.items():
            storage.fill(file.read(f"{folder}data/{key}"))
    return tensors


def _read_torch_legacy(path):
    with open(path, "rb") as file:
        start = _StateDict(file).load(), _StateDict(file).load()
        if start != _LEGACY_START:
            raise InputError("the file must be one of torch.save, received another.")
        _StateDict(file).load()  # sizes of types on the machine that wrote it
        unpickler = _StateDict(file)
        tensors = unpickler.load()
        for key in _StateDict(file).load():
            storage = unpickler.storages[key]
            size = np.dtype(storage.dtype).itemsize
            if int.from_bytes(file.read(8), "little") != storage.count:
                raise InputError("storages must have the counts their tensors expect.")
            storage.fill(file.read(storage.count * size))
    return tensors
