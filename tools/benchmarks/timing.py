"""Medians, the machine's own speed, and the memory of a process."""

import resource
import statistics
import sys
import time
from pathlib import Path

_CPUS = Path("/proc/cpuinfo")
# Flags of CPUs that multiply in a precision, as Linux names them.
_NATIVE = {
    "mixed_bfloat16": {"avx512_bf16", "amx_bf16", "bf16"},
    "mixed_float16": {"avx512_fp16", "amx_fp16", "fphp"},
}


def median_seconds(function, repeats):
    function()
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def matmul_gflops(repeats):
    """What the machine reaches in a 4096 x 4096 float32 matrix product."""
    import tensorflow as tf

    matrix = tf.random.normal((4096, 4096))
    product = tf.function(lambda a: tf.linalg.matmul(a, a)[0, 0])
    return 2 * 4096**3 / median_seconds(lambda: float(product(matrix)), repeats) / 1e9


def peak_gib():
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**30 if sys.platform == "darwin" else 2**20)


def is_emulated(precision):
    """Whether TensorFlow computes in a precision that its processor does not have.

    Where the processor's flags cannot be read, it counts as having all.
    """
    import tensorflow as tf

    if precision not in _NATIVE or tf.config.list_physical_devices("GPU"):
        return False
    try:
        flags = _CPUS.read_text().split()
    except OSError:
        return False
    return not _NATIVE[precision] & set(flags)
