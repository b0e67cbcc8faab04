"""Medians, the machine's own speed, and the memory of a process."""

import resource
import statistics
import sys
import time


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
