"""Training targets that only exist as numpy code, made once per step.

The graph stops, hands the pictures over, and goes on with the targets: this time
is part of every adversarial step, so all pictures of a batch are worked on at once.
"""

import contextlib
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

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
        method, scale, sigma, min_size, segments: as in
            `animegan_tf.imaging.superpixel.superpixels`.
        strength, color_strength, template, search, lam, kappa: as in
            `animegan_tf.imaging.smoothing.revise`.

    Attributes:
        seconds: float, wall time in which somebody waited for this pool since its
            owner last set it to 0. The pool only ever adds to it.
    """

    def __init__(
        self,
        workers: int | None = None,
        method: str = "felzenszwalb",
        scale: float = 5,
        sigma: float = 0.8,
        min_size: int = 50,
        segments: int = 200,
        strength: float = 5,
        color_strength: float = 6,
        template: int = 5,
        search: int = 7,
        lam: float = 0.005,
        kappa: float = 2.0,
    ):
        self.superpixel_options = {
            "method": method,
            "scale": scale,
            "sigma": sigma,
            "min_size": min_size,
            "segments": segments,
        }
        self.revision_options = {
            "strength": strength,
            "color_strength": color_strength,
            "template": template,
            "search": search,
            "lam": lam,
            "kappa": kappa,
        }
        self.workers = workers or _available_cpus()
        self.seconds = 0.0
        self._waiting, self._since, self._lock = 0, 0.0, threading.Lock()
        self._threads = ThreadPoolExecutor(self.workers, "targets")

    def superpixels(self, images):
        """Paint each picture of a batch in flat regions.

        Args:
            images: uint8 RGB (batch, height, width, 3), or float32 RGB in [0, 1].

        Returns:
            the same shape, dtype and range.
        """
        return self._collect([self._threads.map(self._superpixels, images)])[0]

    def revise(self, images):
        """Remove the texture of each picture of a batch.

        Args:
            images: uint8 RGB (batch, height, width, 3).

        Returns:
            float32 (batch, height, width, 3) in [0, 1].
        """
        return self._collect([self._threads.map(self._revise, images)])[0]

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
        revisions = self._threads.map(self._revise, raw)
        painted = self._threads.map(self._superpixels, filtered)
        return tuple(self._collect([painted, revisions]))

    def close(self) -> None:
        """Let the threads go; the pool cannot be used afterwards."""
        self._threads.shutdown()

    def _superpixels(self, image):
        return superpixels(image, **self.superpixel_options)

    def _revise(self, image):
        return revise(image, **self.revision_options)

    def _collect(self, pending):
        """Wait for jobs under way and stack each group, adding up the time."""
        with self._timed():
            return [np.stack(list(results)) for results in pending]

    @contextlib.contextmanager
    def _timed(self):
        """Counts time once, though several replicas may wait side by side."""
        with self._lock:
            if not self._waiting:
                self._since = time.perf_counter()
            self._waiting += 1
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= 1
                if not self._waiting:
                    self.seconds += time.perf_counter() - self._since


def targets_in_graph(pool: TargetPool, filtered, raw):
    """`TargetPool.make` as an operation of a TensorFlow graph, without gradient.

    What is to be revised crosses to the CPU as levels, rounded by `ops.to_uint8`, as
    OpenCV's non-local means takes nothing else; superpixels are made of floats, which
    keeps a step on several devices the step of one. The authors drop fractions in both,
    which darkens the targets by half a level. XLA has no such operation: the caller
    must not be compiled with `jit_compile=True`.

    Args:
        pool: TargetPool.
        filtered: guided-filtered support output,
            (batch, height, width, 3) float in [-1, 1].
        raw: support output before the filter, same shape, dtype and range.

    Returns:
        (superpixels of `filtered`, revisions of `raw`), each
        (batch, height, width, 3) float32 in [-1, 1], of the same static shape.
    """
    unit = ops.nan_to_num((ops.cast(filtered, "float32") + 1) / 2)
    superpixel, revision = tf.numpy_function(
        pool.make, [ops.clip(unit, 0, 1), to_uint8(raw)], [tf.float32, tf.float32]
    )
    # numpy_function forgets shapes, and the layers that come next need them.
    superpixel.set_shape(filtered.shape)
    revision.set_shape(raw.shape)
    return superpixel * 2 - 1, revision * 2 - 1


def revision_in_graph(pool: TargetPool, raw):
    """`TargetPool.revise` in the same way: the revision of `targets_in_graph` alone."""
    revision = tf.numpy_function(pool.revise, [to_uint8(raw)], tf.float32)
    revision.set_shape(raw.shape)
    return revision * 2 - 1


def _available_cpus():
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # Windows and macOS
        return os.cpu_count() or 1
