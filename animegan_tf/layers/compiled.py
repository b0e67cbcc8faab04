"""Layers as single compiled kernels, for training steps on a CPU.

XLA leaves convolutions slower than TensorFlow's own, so a whole step gains nothing
from it; but chains of element-wise operations and reductions, which TensorFlow sends
through memory one by one, take less time when compiled as one. Such a kernel is
compiled again for every size, which only training, with its one size, repays.
"""

import contextlib
import contextvars

import keras

_wanted = contextvars.ContextVar("animegan_tf_compiled_layers", default=False)


@contextlib.contextmanager
def compiled_layers():
    """Within it, layers that have a compiled form use it, if a CPU does the work."""
    token = _wanted.set(computes_on_cpu())
    try:
        yield
    finally:
        _wanted.reset(token)


def use_compiled(inputs):
    """Whether a layer should take its compiled form for this input."""
    return _wanted.get() and None not in inputs.shape


def computes_on_cpu():
    """Whether TensorFlow computes, and without a GPU or a TPU."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return not any(tf.config.list_physical_devices(x) for x in ("GPU", "TPU"))
