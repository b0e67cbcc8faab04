"""Checkpoints of the authors' TensorFlow 1 code as generators of this package."""

import re
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath

import keras
import numpy as np
import tensorflow as tf

from animegan_tf.errors import InputError
from animegan_tf.models import build_generator, main_tail

_STEM = "base/Conv/weights"
_ATTENTION = "External_attention"
_SHOWN = 3


def import_checkpoint(path: Path) -> keras.Model:
    """Reads the generator of an AnimeGANv3 checkpoint.

    Discriminators and optimizers in the file are passed over. Width and memory slots
    are those of the file.

    The authors' programs build the generator twice, to train and to paint. Both share
    the kernels, but each has a batch normalisation of its own in the attention; the
    second one's, in the scope `generator_1`, is what their pictures are painted with,
    and is what is read where the file has it.

    Args:
        path: what a checkpoint's files share of their names, one of these files, or
            a folder with one checkpoint or a file `checkpoint` that names one.

    Returns:
        The model of `build_generator(resize="corner")`, or its main tail where the
        file has no support tail; float32.

    Raises:
        InputError: there is no checkpoint, it cannot be read or is of another model,
            or variables are missing, misshapen or not finite.
    """
    path = Path(path)
    prefix = _find_prefix(path)
    with _reading(path):
        reader = tf.train.load_checkpoint(str(prefix))
        shapes = reader.get_variable_to_shape_map()
    root = _find_root(path, shapes)
    generator = _build(path, root, shapes)
    painting = f"{root.removesuffix('/')}_1/"
    if f"{painting}main/{_ATTENTION}/Variable" not in shapes:
        painting = root
    variables = authors_variables(generator, root, painting)
    _check_shapes(path, variables, shapes)
    for name, variable in variables.items():
        with _reading(path):
            value = reader.get_tensor(name)
        if not np.all(np.isfinite(value)):
            raise InputError(f"{path}: {name} must be finite, received other numbers.")
        variable.assign(value.reshape(variable.shape))
    return generator


def authors_variables(generator, root="generator/", norm_root=None):
    """The variables of a generator by their names in the authors' checkpoints.

    Args:
        generator: model of `build_generator`, or its main tail.
        root: scope of the names, with its slash.
        norm_root: the same, of the attention's batch normalisation; None for `root`.

    Returns:
        dict of the variables by name. The shapes are the authors', except that theirs
        of `External_attention/kernel` begins with a 1.
    """
    norm_root = root if norm_root is None else norm_root
    layers = {layer.name: layer for layer in generator.layers}
    blocks = [f"base_{i}" for i in range(7)]
    names = _numbered(root + "base", layers, _of_blocks(blocks))
    for tail in ("support", "main"):
        if tail not in layers:
            continue
        blocks = [
            f"{tail}_{i}_{side}" for i in range(3) for side in ("before", "after")
        ]
        convolutions = [*_of_blocks(blocks), f"{tail}_picture"]
        names |= _numbered(root + tail, layers, convolutions)
        attention = layers[f"{tail}_attention"]
        scope = f"{root}{tail}/{_ATTENTION}"
        names[f"{scope}/Conv/weights"] = attention.query.kernel
        names[f"{scope}/Conv_1/weights"] = attention.output_conv.kernel
        names[f"{scope}/kernel"] = attention.slots
        scope, norm = f"{norm_root}{tail}/{_ATTENTION}", attention.norm
        names[f"{scope}/Variable"] = norm.gamma
        names[f"{scope}/Variable_1"] = norm.beta
        names[f"{scope}/Variable_2"] = norm.moving_mean
        names[f"{scope}/Variable_3"] = norm.moving_variance
    return names


def _of_blocks(blocks):
    return [f"{block}_{layer}" for block in blocks for layer in ("conv", "lade")]


def _numbered(scope, layers, names):
    """Kernels under the names that slim gives to one convolution after the other."""
    return {
        f"{scope}/Conv{f'_{i}' if i else ''}/weights": layers[name].kernel
        for i, name in enumerate(names)
    }


def _find_prefix(path):
    """What the names of a checkpoint's files have in common."""
    if path.name == "checkpoint" and path.is_file():
        path = path.parent
    if path.is_dir():
        return _newest(path)
    prefix = re.sub(r"\.(index|meta|data-\d+-of-\d+)$", "", str(path))
    if not Path(f"{prefix}.index").is_file():
        raise InputError(
            f"{path}: must be a TensorFlow checkpoint, one of its files or its "
            f"folder, received no file {prefix}.index."
        )
    return prefix


def _newest(folder):
    """Prefix of the checkpoint that a folder's file `checkpoint` names, or the only."""
    prefixes = [file.with_suffix("") for file in sorted(folder.glob("*.index"))]
    try:
        state = tf.train.get_checkpoint_state(str(folder))
    except (tf.errors.OpError, ValueError):  # such as bytes that are no text
        state = None
    if state:
        # It may name the folder that the checkpoint was trained in.
        name = PureWindowsPath(state.model_checkpoint_path).name
        if folder / name in prefixes:
            return folder / name
    if len(prefixes) != 1:
        raise InputError(
            f"{folder}: must hold one checkpoint, or a file named checkpoint that "
            f"says which, received {len(prefixes)} .index files."
        )
    return prefixes[0]


@contextmanager
def _reading(path):
    try:
        yield
    except Exception as error:  # OpError, IndexError, RuntimeError, by the damage
        message = getattr(error, "message", None) or str(error)
        reason = (message.strip().splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"{path}: must be a readable TensorFlow checkpoint, received: "
            f"{reason.rstrip('.')}."
        ) from error


def _find_root(path, shapes):
    """The scope in which a checkpoint has the generator, with its slash, or nothing."""
    roots = {
        name.removesuffix(_STEM)
        for name in shapes
        if name == _STEM or name.endswith(f"/{_STEM}")
    }
    if "generator/" in roots:
        return "generator/"
    if len(roots) != 1:
        raise InputError(
            f"{path}: must be a checkpoint of AnimeGANv3, with one variable "
            f"generator/{_STEM}, received {len(roots)} such among "
            f"{_listed(sorted(shapes))}."
        )
    return roots.pop()


def _build(path, root, shapes):
    """A generator of the size and with the tails that a checkpoint has."""
    stem = tuple(shapes[root + _STEM])
    if stem[:-1] != (7, 7, 3) or stem[-1] < 1:
        raise InputError(
            f"{path}: {root}{_STEM} must have the shape (7, 7, 3, width), "
            f"received {stem}."
        )
    # A kernel without slots is told apart with the other shapes.
    slots = shapes.get(f"{root}main/{_ATTENTION}/kernel", [])[-1:] or [0]
    generator = build_generator(stem[-1], slots[0] or 128, resize="corner")
    if any(name.startswith(f"{root}support/") for name in shapes):
        return generator
    return main_tail(generator)


def _check_shapes(path, variables, shapes):
    missing = [name for name in variables if name not in shapes]
    if missing:
        raise InputError(
            f"{path}: must hold every variable of AnimeGANv3's generator, "
            f"received no {_listed(missing)}."
        )
    wrong = []
    for name, variable in variables.items():
        expected, received = tuple(variable.shape), tuple(shapes[name])
        if name.endswith(f"{_ATTENTION}/kernel"):
            expected = (1, *expected)
        if received != expected:
            wrong.append(f"{name} of {received} in place of {expected}")
    if wrong:
        raise InputError(
            f"{path}: must hold the variables of AnimeGANv3's generator, "
            f"received {_listed(wrong)}."
        )


def _listed(items):
    """The first few, and how many more there are."""
    more = len(items) - _SHOWN
    text = ", ".join(items[:_SHOWN]) or "no variables"
    return f"{text} and {more} more" if more > 0 else text
