"""Targets of a step: the pool changes when work is done, never what comes out."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from animegan_tf.imaging.smoothing import revise
from animegan_tf.imaging.superpixel import superpixels
from animegan_tf.training.targets import TargetPool, make_targets

PHOTO = np.load(Path(__file__).parent / "data" / "imaging_vectors.npz")["photo_uint8"]
BATCH = np.stack([PHOTO, PHOTO[::-1], PHOTO.transpose(1, 0, 2)])[:, :32, :48]
RAW = BATCH[::-1, ::-1]
UNIT = BATCH / np.float32(255)


@pytest.fixture
def pool():
    pool = TargetPool(2, {"min_size": 20}, {"strength": 7, "template": 6})
    yield pool
    pool.close()


def expected_targets():
    regions = [superpixels(image, min_size=20) for image in UNIT]
    revised = [revise(image, strength=7, template=6) for image in RAW]
    return np.stack(regions), np.stack(revised)


def test_pool_equals_direct_calls_in_order(pool):
    regions, revised = expected_targets()
    for found, expected in zip(pool.make(UNIT, RAW), (regions, revised)):
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(pool.revise(RAW), revised)


def test_superpixel_method_is_passed_on():
    pool = TargetPool(1, {"method": "slic", "segments": 12})
    expected = superpixels(BATCH[0], "slic", segments=12)
    np.testing.assert_array_equal(pool.make(BATCH[:1], RAW[:1])[0][0], expected)
    pool.close()


def test_pool_counts_seconds_until_its_reader_resets_them(pool):
    assert pool.seconds == 0
    pool.make(UNIT, RAW)
    first = pool.seconds
    pool.revise(RAW)
    assert 0 < first < pool.seconds
    pool.seconds = 0.0
    pool.revise(RAW)
    assert pool.seconds > 0


def test_pool_uses_the_cpus_it_has_and_closes():
    pool = TargetPool()
    assert pool.workers >= 1
    pool.close()
    with pytest.raises(RuntimeError):
        pool.revise(RAW)


def test_errors_of_a_job_reach_the_caller():
    pool = TargetPool(2, {"method": "none of these"})
    with pytest.raises(ValueError, match="none of these"):
        pool.make(UNIT, RAW)
    pool.close()


@pytest.mark.parametrize("traced", [False, True])
def test_graph_equals_pool(pool, traced):
    def call(filtered, raw):
        return make_targets(pool, filtered, raw)

    step = tf.function(call) if traced else call
    found = step(*(x / np.float32(127.5) - 1 for x in (BATCH, RAW)))
    regions, revised = expected_targets()
    assert {target.dtype for target in found.values()} == {tf.float32}
    np.testing.assert_allclose(found["superpixels"], regions * 2 - 1, atol=1e-5)
    np.testing.assert_allclose(found["revision"], revised * 2 - 1, atol=1e-6)


def test_the_last_bit_of_a_picture_moves_superpixels_by_no_more():
    """What lets several devices train as one does, whose last bits differ."""
    rng = np.random.default_rng(0)
    pool = TargetPool(workers=1)
    image = np.clip(UNIT + rng.uniform(-0.5, 0.5, UNIT.shape) / 255, 0, 1)
    first, other = (
        pool.make((image + shift).astype(np.float32), RAW)[0]
        for shift in (0, 3e-7 * rng.standard_normal(UNIT.shape))
    )
    assert np.abs(first - other).max() < 1e-6
    pool.close()


def test_graph_keeps_the_static_shape(pool):
    shapes = []

    @tf.function(input_signature=[tf.TensorSpec((None, 32, 48, 3))] * 2)
    def step(filtered, raw):
        targets = make_targets(pool, filtered, raw)
        shapes.extend(target.shape.as_list() for target in targets.values())
        return targets

    step(BATCH / np.float32(127.5) - 1, RAW / np.float32(127.5) - 1)
    assert shapes == [[None, 32, 48, 3]] * 2


def test_targets_pass_no_gradient(pool):
    image = tf.Variable(BATCH / np.float32(127.5) - 1)
    with tf.GradientTape() as tape:
        targets = make_targets(pool, image, image)
        loss = sum(tf.reduce_sum(target) for target in targets.values())
    assert tape.gradient(loss, image) is None


def test_values_out_of_range_are_clipped(pool):
    wild = np.full((1, 16, 16, 3), 7, np.float32)
    for target in make_targets(pool, wild, -wild).values():
        assert np.isfinite(target).all() and np.abs(target).max() <= 1 + 1e-6


def test_half_precision_pictures_are_taken(pool):
    half = tf.cast(BATCH / np.float32(127.5) - 1, tf.float16)
    for target in make_targets(pool, half, half).values():
        assert target.dtype == tf.float32
