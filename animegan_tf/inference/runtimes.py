"""What runs a generator: Keras, or the file formats that `tools/export.py` writes."""

import os
from functools import partial
from pathlib import Path

import numpy as np

from animegan_tf.errors import InputError
from animegan_tf.imaging.color import to_range
from animegan_tf.inference.names import find_generator
from animegan_tf.inference.saved_model_ops import require_computing

TAILS = ("main", "support")


def load_generator(path: Path):
    """Reads a `generator.keras` as a `keras.Model`.

    Args:
        path: as `find_generator` takes it.

    Raises:
        InputError: no such file, or not a generator of this package.
    """
    path = _existing(find_generator(path))
    from animegan_tf.models import main_tail, read_generator

    try:
        model = read_generator(path)
        channels = model.input_shape[-1], main_tail(model).output_shape[-1]
    except InputError:
        raise
    except Exception as error:  # zip, JSON and HDF5 each fail in their own ways
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"{path} must be a generator.keras of tools/train.py: {reason}"
        ) from error
    if channels != (3, 3):
        raise InputError(
            f"{path} must turn pictures of 3 channels into the same; it has {channels}"
        )
    return model


class Runtime:
    """What all runtimes have in common; `load_runtime` makes one.

    Called with a photo, uint8 RGB `(height, width, 3)`, both sides multiples of 8 and
    16 or more, it gives the picture, float32 of the same shape in [-1, 1].

    Attributes:
        sides: the only `(height, width)` that it takes, or None where it takes any.
        tiling: whether it has the method `measured`, as Keras' alone has.
    """

    sides, tiling = None, False

    def __call__(self, photo):
        raise NotImplementedError


class KerasRuntime(Runtime):
    """Runs a Keras model in TensorFlow.

    Args:
        model: a generator, or its main tail.
        tail: "main" or "support".

    Raises:
        InputError: the model has no support tail.
        ValueError: `tail` is none of the above.
    """

    tiling = True

    def __init__(self, model, tail="main"):
        if tail not in TAILS:
            raise ValueError(f"tail must be one of {TAILS}, received {tail!r}.")
        self.tail = tail = _tail_of(model, tail)
        self._paint = _traced(lambda photo: tail(photo, training=False))
        self._measured = None

    def __call__(self, photo):
        return self._paint(photo[None])[0].numpy()

    def measured(self, photo):
        """Painting with the statistics of one photo.

        Args:
            photo: the photo that they are taken of, as the runtime takes it.

        Returns:
            A function from photos to pictures like this runtime, until the next call of
            this method; what it paints of a photo is what the whole would have there,
            except nearer than `sizes.REACH` to a border.
        """
        if self._measured is None:
            from animegan_tf.models.measured import MeasuredTail

            tail = MeasuredTail(self.tail)
            self._measured = [
                _traced(partial(tail, measuring=m)) for m in (True, False)
            ]
        measure, paint = self._measured
        measure(photo[None])
        return lambda part: paint(part[None])[0].numpy()


class LiteRTRuntime(Runtime):
    """Runs a LiteRT (TFLite) file on the CPU; loads no TensorFlow.

    Args:
        path: Path of a file of `export_litert`, of any precision, size and type of
            input and output.
        threads: 0 for one a core.

    Raises:
        InputError: the file cannot be read, is of another network, or the package
            ai-edge-litert is missing.
    """

    def __init__(self, path, threads=0):
        self.path = path = _existing(path)
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise _missing("ai-edge-litert", "litert", error) from error
        try:
            self._interpreter = Interpreter(
                str(path), num_threads=threads or os.cpu_count()
            )
            (source,) = self._interpreter.get_input_details()
            (target,) = self._interpreter.get_output_details()
        except (ValueError, RuntimeError) as error:
            raise _no_network(path, "LiteRT", error) from error
        self._source, self._target = source["index"], target["index"]
        self._uint8 = source["dtype"] == np.uint8
        shape = source["shape_signature"]
        if len(shape) != 4 or shape[-1] != 3 or source["dtype"] != target["dtype"]:
            raise _no_network(path, "LiteRT", f"an input of shape {tuple(shape)}")
        self.sides = None if -1 in shape else tuple(map(int, shape[1:3]))
        self._shape = None

    def __call__(self, photo):
        shape = (1, *photo.shape)
        if shape != self._shape:
            if self.sides is None:
                self._interpreter.resize_tensor_input(self._source, shape)
            self._interpreter.allocate_tensors()
            self._shape = shape
        batch = photo[None] if self._uint8 else to_range(photo[None])
        self._interpreter.set_tensor(self._source, batch)
        self._interpreter.invoke()
        picture = self._interpreter.get_tensor(self._target)[0]
        return to_range(picture) if self._uint8 else picture


class SavedModelRuntime(Runtime):
    """Runs the signature `float` of a SavedModel.

    Args:
        path: Path of a version's folder, or of a model's folder; there the newest
            version is taken.
        trust: whether it may do more than compute: read and write files.

    Raises:
        InputError: there is no SavedModel of `export_saved_model`, or it holds other
            operations and is not trusted.
    """

    def __init__(self, path, trust=False):
        path = _existing(path, folder=True)
        if not (path / "saved_model.pb").is_file():
            versions = [p for p in path.iterdir() if p.name.isdecimal()]
            path = max(versions, key=lambda p: int(p.name), default=path)
        import tensorflow as tf

        try:
            if not trust:
                require_computing(path)
            # Else the functions would be freed with the object that holds them.
            self._model = tf.saved_model.load(str(path))
            self._paint = self._model.signatures["float"]
        except InputError:
            raise
        except (OSError, KeyError, ValueError, tf.errors.OpError) as error:
            raise _no_network(path, "SavedModel", error) from error

    def __call__(self, photo):
        import tensorflow as tf

        return self._paint(tf.constant(to_range(photo[None])))["picture"][0].numpy()


class OnnxRuntime(Runtime):
    """Runs an ONNX file in ONNX Runtime on the CPU; loads no TensorFlow.

    Args:
        path: Path of a file of `export_onnx`.
        threads: 0 for one a core.

    Raises:
        InputError: the file cannot be read, is of another network, or the package
            onnxruntime is missing.
    """

    def __init__(self, path, threads=0):
        path = _existing(path)
        try:
            import onnxruntime
        except ImportError as error:
            raise _missing("onnxruntime", "onnx", error) from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or os.cpu_count()
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its own types, by the damage
            raise _no_network(path, "ONNX", error) from error
        (source,) = self._session.get_inputs()
        if len(source.shape) != 4 or source.shape[-1] != 3:
            raise _no_network(path, "ONNX", f"an input of shape {source.shape}")
        self._name = source.name
        sides = source.shape[1:3]
        self.sides = tuple(sides) if all(isinstance(s, int) for s in sides) else None

    def __call__(self, photo):
        return self._session.run(None, {self._name: to_range(photo[None])})[0][0]


def load_runtime(path, runtime=None, tail="main", threads=0, trust=False):
    """The runtime for a generator in any of the formats of this package.

    Args:
        path: Path of a `.keras`, `.tflite` or `.onnx` file, or of a SavedModel's
            folder; or what else `find_generator` finds one by.
        runtime: "keras", "litert", "saved_model" or "onnx"; None for what the path's
            ending says. A `.keras` path stands for the `.tflite` or `.onnx` file
            beside it, if asked for.
        tail: "main"; "support" only with Keras.
        threads: of LiteRT and ONNX Runtime; 0 for one a core.
        trust: whether a SavedModel may do more than compute.

    Returns:
        `Runtime`.

    Raises:
        InputError: the path and the runtime do not go together, or see the runtimes.
    """
    path = find_generator(path)
    suffixes = {"litert": ".tflite", "onnx": ".onnx", "keras": ".keras"}
    kinds = {suffix: kind for kind, suffix in suffixes.items()}
    own = "saved_model" if path.is_dir() else kinds.get(path.suffix)
    runtime = runtime or own or "keras"
    if own == "keras" and runtime in ("litert", "onnx"):
        path = path.with_suffix(suffixes[runtime])
        if not path.is_file():
            raise InputError(
                f"{path} must be there to be run by {runtime}, received none: "
                "tools/export.py makes it."
            )
    elif own and own != runtime:
        raise InputError(f"{path} must be run by {own}, received {runtime}.")
    if runtime == "keras":
        return KerasRuntime(load_generator(path), tail)
    if tail != "main":
        raise InputError(f"the support tail must be run by keras, received {runtime}.")
    if runtime == "saved_model":
        return SavedModelRuntime(path, trust)
    return {"litert": LiteRTRuntime, "onnx": OnnxRuntime}[runtime](path, threads)


def _traced(paint):
    """A function of pictures in [-1, 1] as one of uint8 pictures of any size."""
    import tensorflow as tf

    from animegan_tf.ops import to_float

    # Of any size: a photo of another shape must not cost a new trace.
    spec = tf.TensorSpec([1, None, None, 3], tf.uint8)
    return tf.function(lambda photo: paint(to_float(photo)), input_signature=[spec])


def _tail_of(model, tail):
    import keras

    from animegan_tf.models import main_tail

    if tail == "main":
        return main_tail(model)
    if not isinstance(model.output, dict):
        raise InputError(
            "the generator must have a support tail, received a main tail."
        )
    return keras.Model(model.input, model.output["support"], name="support_tail")


def _existing(path, folder=False):
    path = Path(path)
    if not (path.is_dir() if folder else path.is_file()):
        kind = "folder" if folder else "file"
        raise InputError(
            f"the generator {path} must be a {kind}, or a model of saved_models by its "
            "name, received none."
        )
    return path


def _missing(package, extra, error):
    return InputError(
        f"the package {package} must be installed for this, with "
        f'`pip install -e ".[{extra}]"`, received: {error}.'
    )


def _no_network(path, kind, reason):
    reason = (str(reason).strip().splitlines() or ["no reason given"])[0]
    return InputError(f"{path} must be a {kind} file of tools/export.py: {reason}")
