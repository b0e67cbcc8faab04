import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import LAYERS, assert_close, attention_names, check_layer, fill, reference

from animegan_tf.layers import (
    LADE,
    ExternalAttention,
    MinibatchDiscrimination,
    ReflectPad2D,
    SpectralConv2D,
    TransposedUpsample2x,
    Upsample2x,
    compiled_layers,
    cpu,
)
from animegan_tf.layers.cpu import FrozenConv2D


@pytest.mark.parametrize(
    "layer",
    [
        LADE(),
        LADE(form="convolution"),
        LADE(spectral=True),
        ExternalAttention(memory=16),
        ReflectPad2D((1, 0)),
        SpectralConv2D(6, 3),
        SpectralConv2D(6, 3, strides=2),
        Upsample2x(),
        Upsample2x("corner"),
        Upsample2x("nearest"),
        TransposedUpsample2x(6),
        MinibatchDiscrimination(3),
    ],
    ids=lambda layer: layer.name,
)
def test_layer_contract(layer, tmp_path):
    check_layer(layer, (2, 12, 10, 4), tmp_path)


def test_lade_agrees_with_the_authors_code():
    numbers = reference()
    for form in ("covariance", "convolution"):
        layer = LADE(form=form)
        layer.build(numbers["lade/input"].shape)
        attention = ExternalAttention()
        attention.build((None, None, None, 128))
        names = attention_names(attention, "attention")
        fill({**names, "lade/Conv/weights": layer.kernel}, LAYERS)
        assert_close(layer(numbers["lade/input"]), numbers["lade/output"], 1e-5)


def test_lade_agrees_with_numpy():
    rng = np.random.default_rng(1)
    x, w = rng.normal(2, 3, (2, 5, 7, 4)), rng.normal(size=(4, 4))
    t = x @ w
    mean, deviation = x.mean((1, 2), keepdims=True), np.sqrt(x.var((1, 2)) + 1e-5)
    new = np.sqrt(t.var((1, 2)) + 1e-5)[:, None, None]
    expected = (x - mean) / deviation[:, None, None] * new
    expected += t.mean((1, 2), keepdims=True)
    layer = LADE()
    layer.build(x.shape)
    layer.kernel.assign(w[None, None])
    assert_close(layer(x), expected, 1e-5)


def test_lade_forms_agree_in_value_and_gradient():
    x = tf.constant(np.random.default_rng(2).normal(1, 2, (2, 9, 8, 6)), "float32")
    results = []
    for form in ("covariance", "convolution"):
        layer = LADE(form=form)
        layer.build(x.shape)
        layer.kernel.assign(np.random.default_rng(3).normal(size=(1, 1, 6, 6)))
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
            loss = tf.reduce_sum(tf.sin(y))
        results.append((y, *tape.gradient(loss, [x, layer.kernel.value])))
    for covariance, convolution in zip(*results):
        assert_close(covariance, convolution, 1e-5)


def test_lade_with_identity_projection_returns_its_input():
    x = np.random.default_rng(4).normal(5, 2, (1, 8, 8, 3)).astype("float32")
    layer = LADE()
    layer.build(x.shape)
    layer.kernel.assign(np.eye(3)[None, None])
    assert_close(layer(x), x, 1e-5)


@pytest.mark.parametrize("form", ["covariance", "convolution"])
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_lade_statistics_survive_half_precision(form, policy):
    # In float16 the variance of these would be infinite.
    x = np.random.default_rng(5).normal(0, 300, (1, 16, 16, 4)).astype("float32")
    layer = LADE(form=form, dtype=policy)
    layer.build(x.shape)
    layer.kernel.assign(np.eye(4)[None, None])
    assert_close(np.asarray(layer(x), "float32"), x, 0.01)


def test_lade_refuses_an_unknown_form():
    with pytest.raises(ValueError, match="'fast'"):
        LADE(form="fast")


def test_attention_agrees_with_the_authors_code():
    numbers = reference()
    layer, lade = ExternalAttention(), LADE()
    layer.build(numbers["attention/input"].shape)
    lade.build((None, None, None, 32))
    names = attention_names(layer, "attention")
    fill({**names, "lade/Conv/weights": lade.kernel}, LAYERS)
    output = layer(numbers["attention/input"], training=True)
    assert_close(output, numbers["attention/output_training"], 1e-5)


def test_attention_in_float16_keeps_small_weights():
    # Over 4,096 pixels a float16 softmax flushes weights to zero and 1e-9 is zero.
    x = np.random.default_rng(6).normal(0, 3, (1, 64, 64, 8)).astype("float32")
    outputs = []
    for policy in ("float32", "mixed_float16"):
        layer = ExternalAttention(memory=8, dtype=policy)
        layer.build(x.shape)
        layer.slots.assign(np.random.default_rng(7).normal(size=(8, 8)))
        for kernel in (layer.query.kernel, layer.output_conv.kernel):
            kernel.assign(np.random.default_rng(8).normal(size=(1, 1, 8, 8)))
        outputs.append(np.asarray(layer(x), "float32"))
    assert_close(outputs[1], outputs[0], 0.01)


def test_reflect_pad_mirrors_about_the_border_pixel():
    row = np.arange(4.0).reshape(1, 1, 4, 1).repeat(4, axis=1)
    padded = np.asarray(ReflectPad2D((2, 1))(row))
    assert padded[0, 0, :, 0].tolist() == [2, 1, 0, 1, 2, 3, 2]


def test_reflect_pad_refuses_negative_padding():
    with pytest.raises(ValueError, match="-1"):
        ReflectPad2D((1, -1))


def test_upsampling_conventions_by_hand():
    row = np.array([0.0, 4.0, 8.0]).reshape(1, 1, 3, 1)
    half_pixel = np.asarray(Upsample2x()(row))[0, 0, :, 0]
    corner = np.asarray(Upsample2x("corner")(row))[0, 0, :, 0]
    assert half_pixel.tolist() == [0, 1, 3, 5, 7, 8]
    assert corner.tolist() == [0, 2, 4, 6, 8, 8]
    nearest = np.asarray(Upsample2x("nearest")(row))[0, :, :, 0]
    assert nearest.tolist() == 2 * [[0, 0, 4, 4, 8, 8]]


def test_transposed_upsampling_overlaps_unevenly():
    layer = TransposedUpsample2x(1, kernel_initializer="ones")
    row = np.asarray(layer(np.ones((1, 4, 4, 1))))[0, 3, :, 0]
    assert row.tolist() == [1, 2, 1, 2, 1, 2, 1, 2] or set(row[1:-1]) == {1.0, 2.0}


def test_minibatch_discrimination_by_hand():
    layer = MinibatchDiscrimination(2, dims=2)
    layer.build((None, None, None, 2))
    layer.kernel.assign([[1, 0, 0, 0], [0, 1, 0, 2]])
    x = np.float32([[[[0, 2]]], [[[1, 2]]], [[[0, 3]]]])
    added = np.asarray(layer(x))[:, 0, 0, 2:]
    # Distances of the first vectors: 1 (0 and 1), 1 (0 and 2), 2 (1 and 2); of the
    # second ones: 0, 2, 2.
    e = np.exp
    expected = [
        [(e(-1) + e(-1)) / 2, (e(0) + e(-2)) / 2],
        [(e(-1) + e(-2)) / 2, (e(0) + e(-2)) / 2],
        [(e(-1) + e(-2)) / 2, (e(-2) + e(-2)) / 2],
    ]
    np.testing.assert_allclose(added, expected, rtol=1e-5)
    np.testing.assert_array_equal(np.asarray(layer(x[:1]))[..., 2:], 0)


@pytest.mark.parametrize("convention", ["half_pixel", "corner", "nearest"])
def test_upsampling_without_tensorflow_is_the_same(convention):
    x = np.random.default_rng(9).normal(size=(2, 5, 6, 3)).astype("float32")
    layer = Upsample2x(convention)
    portable = layer._double(layer._double(keras.ops.array(x), 1), 2)
    assert_close(portable, layer(x), 1e-6)


def test_upsampling_refuses_an_unknown_convention():
    with pytest.raises(ValueError, match="'align'"):
        Upsample2x("align")


def test_spectral_norm_divides_by_the_largest_singular_value():
    layer = SpectralConv2D(5, 3)
    layer.build((None, None, None, 4))
    # Two singular values near each other would take the iteration long to tell apart.
    layer.kernel.assign(np.random.default_rng(1).normal(size=layer.kernel.shape))
    for _ in range(100):
        normalised = layer.normalised(layer.kernel, training=True)
    matrix = np.asarray(normalised).reshape(-1, 5)
    assert np.linalg.svd(matrix, compute_uv=False)[0] == pytest.approx(1, abs=1e-4)


def test_spectral_vector_moves_only_in_training():
    layer = SpectralConv2D(5, 3)
    x = np.random.default_rng(10).normal(size=(1, 6, 6, 4)).astype("float32")
    layer(x)
    kernel, before = np.array(layer.kernel), np.array(layer.u)
    layer(x, training=False)
    np.testing.assert_array_equal(layer.u, before)
    layer(x, training=True)
    assert np.abs(np.asarray(layer.u) - before).max() > 0
    np.testing.assert_array_equal(layer.kernel, kernel)


def test_gradient_flows_through_the_singular_value():
    # At a fixed point of the iteration, scaling the kernel does not change the
    # normalised one: its gradient has no component along the kernel.
    layer = SpectralConv2D(5, 3)
    layer.build((None, None, None, 4))
    for _ in range(200):
        layer.normalised(layer.kernel, training=True)
    weights = tf.constant(
        np.random.default_rng(11).normal(size=(3, 3, 4, 5)), "float32"
    )
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer.normalised(layer.kernel, False) * weights)
    gradient = tape.gradient(loss, layer.kernel.value)
    along = float(tf.reduce_sum(gradient * layer.kernel.value))
    assert abs(along) < 1e-4 * float(tf.norm(gradient) * tf.norm(layer.kernel.value))


@pytest.fixture
def on_cpu(monkeypatch):
    monkeypatch.setattr(cpu, "computes_on_cpu", lambda: True)


@pytest.mark.usefixtures("on_cpu")
@pytest.mark.parametrize("rectify", [False, True])
@pytest.mark.parametrize("size", [(8, 12), (9, 14), (3, 5)])
def test_frozen_convolution_equals_the_ordinary_one(size, rectify):
    x = tf.constant(np.random.default_rng(12).normal(size=(2, *size, 6)), "float32")
    layer = FrozenConv2D(7, rectify, bias_initializer="random_normal")
    plain = keras.layers.Conv2D(7, 3, padding="same")
    assert plain(x).shape == layer(x).shape
    plain.set_weights(layer.get_weights())
    shown = np.maximum(x, 0) if rectify else x
    assert_close(layer(x), plain(shown), 1e-6)

    def value_and_gradient():
        @tf.function
        def run(x):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = layer(x)
                loss = tf.reduce_sum(tf.sin(y))
            return y, tape.gradient(loss, x)

        return run(x)

    direct = value_and_gradient()
    layer.freeze()
    for fast, plain in zip(value_and_gradient(), direct):
        assert_close(fast, plain, 1e-4)


@pytest.mark.usefixtures("on_cpu")
def test_frozen_convolution_keeps_the_frozen_kernel():
    x = np.random.default_rng(13).normal(size=(1, 8, 8, 4)).astype("float32")
    layer = FrozenConv2D(4)
    before = np.asarray(layer(x))
    layer.freeze()
    layer.kernel.assign(layer.kernel * 2)
    assert_close(layer(x), before, 1e-4)


@pytest.mark.usefixtures("on_cpu")
@pytest.mark.parametrize("slope", [1.0, 0.2])
@pytest.mark.parametrize("spectral", [False, True])
def test_compiled_lade_equals_the_plain_one(spectral, slope):
    x = tf.constant(np.random.default_rng(14).normal(1, 2, (3, 9, 8, 6)), "float32")
    layer = LADE(spectral=spectral, negative_slope=slope)
    layer(x)

    def run():
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
            loss = tf.reduce_sum(tf.sin(y))
        return (y, *tape.gradient(loss, [x, layer.kernel.value]))

    plain = run()
    with compiled_layers():
        compiled = run()
        traced = tf.function(run)()
    for fast, also_fast, slow in zip(compiled, traced, plain):
        assert_close(fast, slow, 1e-5)
        assert_close(also_fast, slow, 1e-5)
        assert np.abs(np.asarray(fast) - slow).max() > 0  # another computation


@pytest.mark.usefixtures("on_cpu")
def test_lade_has_a_gradient_of_its_gradient_compiled_or_not():
    """Penalties on a discriminator's slope go through it."""
    x = tf.constant(np.random.default_rng(15).normal(1, 2, (2, 6, 5, 4)), "float32")
    layer = LADE()
    layer(x)

    def penalty():
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = tf.reduce_sum(tf.sin(layer(x)))
        return tf.reduce_sum(tf.square(tape.gradient(total, x)))

    def gradient():
        with tf.GradientTape() as tape:
            value = penalty()
        return np.asarray(tape.gradient(value, layer.kernel.value))

    plain = gradient()
    with compiled_layers():
        assert_close(gradient(), plain, 1e-4)
    start, around = np.asarray(layer.kernel), []
    for step in (1e-2, -1e-2):
        layer.kernel.assign(start + step * plain / np.linalg.norm(plain))
        around.append(float(penalty()))
    assert np.linalg.norm(plain) == pytest.approx(
        (around[0] - around[1]) / 2e-2, rel=0.02
    )
