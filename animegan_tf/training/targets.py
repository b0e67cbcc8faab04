"""Superpixels and revisions of the support tail's pictures, made in every step.

The algorithms are numpy code: a step's graph stops for them, waits until the CPU has
them for its pictures, and goes on with the targets: this time is part of every
adversarial step, so all pictures of a batch are worked on at once.
"""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import tensorflow as tf
from keras import ops

from animegan_tf.imaging.smoothing import revise
from animegan_tf.imaging.superpixel import superpixels
from animegan_tf.ops import to_uint8


class TargetPool:
    """Superpixels and revisions of whole batches, on a pool of threads.

    Threads rather than processes: the loops of OpenCV, scikit-image and scipy.fft
    release Python's lock, and a forked process is unsafe beside TensorFlow.

    Args:
        workers: int, threads; None for one per CPU this process may use.
        superpixels: dict of arguments of `imaging.superpixel.superpixels`, or None.
        revision: dict of arguments of `imaging.smoothing.revise`, or None.

    Attributes:
        seconds: float, time for which steps have waited since its owner last set it to
            0; replicas that wait side by side all count.
    """

    def __init__(self, workers: int | None = None, superpixels=None, revision=None):
        self.superpixel_options = superpixels or {}
        self.revision_options = revision or {}
        self.workers = workers or _available_cpus()
        self.seconds = 0.0
        self._threads = ThreadPoolExecutor(self.workers, "targets")

    def make(self, filtered, raw):
        """Both targets of one step; all pictures of both share the pool.

        Args:
            filtered: guided-filtered support output,
                float32 RGB (batch, height, width, 3) in [0, 1].
            raw: support output before the filter, uint8 RGB of the same shape.

        Returns:
            (superpixels of `filtered`, revisions of `raw`): both
            float32 (batch, height, width, 3) in [0, 1].
        """
        # Revisions take longer: first in, so that no worker ends on one alone.
        revisions = self._threads.map(partial(revise, **self.revision_options), raw)
        regions = self._threads.map(
            partial(superpixels, **self.superpixel_options), filtered
        )
        return self._wait_for(regions), self._wait_for(revisions)

    def revise(self, raw):
        """The second result of `make` alone."""
        return self._wait_for(
            self._threads.map(partial(revise, **self.revision_options), raw)
        )

    def close(self) -> None:
        """Let the threads go; the pool cannot be used afterwards."""
        self._threads.shutdown()

    def _wait_for(self, results):
        start = time.perf_counter()
        pictures = np.stack(list(results))
        self.seconds += time.perf_counter() - start
        return pictures


def make_targets(pool: TargetPool, filtered, raw):
    """`TargetPool.make` as an operation of a TensorFlow graph, without gradient.

    What is to be revised crosses to the CPU as grey levels, rounded by `ops.to_uint8`,
    as OpenCV's non-local means takes nothing else; superpixels are made of floats,
    which keeps a step on several devices the step of one. The authors drop fractions in
    both, which darkens the targets by half a level. XLA has no such operation: the
    caller must not be compiled with `jit_compile=True`.

    Args:
        pool: TargetPool.
        filtered: guided-filtered support output,
            (batch, height, width, 3) float in [-1, 1].
        raw: support output before the filter, same shape, dtype and range.

    Returns:
        `{"superpixels": ..., "revision": ...}`, of `filtered` and of `raw`, each
        (batch, height, width, 3) float32 in [-1, 1], of the same static shape.
    """
    unit = ops.nan_to_num((ops.cast(filtered, "float32") + 1) / 2)
    superpixel, revision = tf.numpy_function(
        pool.make, [ops.clip(unit, 0, 1), to_uint8(raw)], [tf.float32, tf.float32]
    )
    return {
        "superpixels": _as_pictures(superpixel, raw.shape),
        "revision": _as_pictures(revision, raw.shape),
    }


def make_revision(pool: TargetPool, raw):
    """The revision of `make_targets` alone."""
    picture = tf.numpy_function(pool.revise, [to_uint8(raw)], tf.float32)
    return _as_pictures(picture, raw.shape)


def _as_pictures(unit, shape):
    # numpy_function forgets shapes, and the layers that come next need them.
    unit.set_shape(shape)
    return tf.stop_gradient(unit * 2 - 1)


def _available_cpus():
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # Windows and macOS
        return os.cpu_count() or 1
