import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from helpers import (
    DATA,
    DISCRIMINATOR,
    GENERATOR,
    assert_close,
    discriminator_names,
    fill,
    generator_names,
    reference,
)

from animegan_tf.models import (
    as_float32,
    build_discriminator,
    build_generator,
    main_tail,
)
from animegan_tf.ops import to_float


def count(weights):
    return sum(int(np.prod(weight.shape)) for weight in weights)


def thinned(pictures):
    return np.asarray(pictures)[:, ::4, ::4]


@pytest.fixture(scope="module")
def photo():
    return np.asarray(to_float(reference()["photo_uint8"]))


def test_parameter_counts():
    generator = build_generator()
    assert count(generator.trainable_weights) == 1_557_792
    assert count(main_tail(generator).trainable_weights) == 1_027_520


@pytest.mark.parametrize("resize", ["corner", "half_pixel"])
def test_generator_agrees_with_the_authors_code(resize, photo):
    numbers, convention = reference(), {"corner": "asymmetric"}.get(resize, resize)
    generator = build_generator(resize=resize)
    names = generator_names(generator)
    assert sorted(names) == sorted(numbers["names/generator"])
    fill(names, GENERATOR)
    # Inference first: the training call moves the population statistics.
    for mode in ("inference", "train"):
        painted = generator(photo, training=mode == "train")
        for tail in ("support", "main"):
            expected = numbers[f"G_{tail}_{mode}_{convention}"]
            assert_close(thinned(painted[tail]), expected, 1e-4)
    for key in numbers:
        if key.startswith("G_after_step/"):
            name = key.removeprefix("G_after_step/")
            assert_close(names[name], numbers[key], 1e-4)


def test_discriminator_agrees_with_the_authors_code(photo):
    numbers = reference()
    discriminator = build_discriminator()
    names = discriminator_names(discriminator)
    assert sorted(names) == sorted(numbers["names/discriminator"])
    fill(names, DISCRIMINATOR)
    judged = discriminator(photo, training=False)
    assert_close(judged, numbers["D_logit"], 1e-4)
    assert_close(discriminator(photo, training=True), judged, 1e-6)
    for key in numbers:
        if key.startswith("D_after/"):
            assert_close(names[key.removeprefix("D_after/")], numbers[key], 1e-4)


def test_discriminator_judges_pictures_one_by_one():
    pictures = np.random.default_rng(0).uniform(-1, 1, (3, 32, 32, 3))
    discriminator = build_discriminator(width=4)
    together = discriminator(pictures)
    apart = np.concatenate([discriminator(pictures[i : i + 1]) for i in range(3)])
    assert_close(together, apart, 1e-5)


def test_discriminator_can_do_without_what_steadies_it():
    plain = build_discriminator(width=4, spectral=False, minibatch=3)
    assert not [weight for weight in plain.weights if weight.name == "u"]
    usual = build_discriminator(width=4)
    # Three more channels before the logits, whose projection has 5 numbers each.
    assert count(plain.trainable_weights) == count(usual.trainable_weights) + 3 + (
        32 * 3 * 5
    )
    pictures = np.random.default_rng(0).uniform(-1, 1, (3, 32, 32, 3))
    together, apart = plain(pictures), plain(pictures[:2])
    assert np.abs(np.asarray(together)[:2] - apart).max() > 1e-4


@pytest.mark.parametrize("resize", ["nearest", "transposed"])
def test_generator_upsamples_by_choice(resize, tmp_path):
    generator = build_generator(width=4, memory=8, resize=resize)
    picture = np.random.default_rng(3).uniform(-1, 1, (1, 24, 40, 3))
    painted = generator(picture)["main"]
    assert painted.shape == picture.shape
    generator.save(tmp_path / "generator.keras")
    loaded = keras.saving.load_model(tmp_path / "generator.keras")
    np.testing.assert_array_equal(loaded(picture)["main"], painted)


def test_main_tail_holds_no_support_weight_and_shares_the_rest():
    generator = build_generator(width=4, memory=8)
    tail = main_tail(generator)
    assert not [w.path for w in tail.weights if "support" in w.path]
    picture = np.random.default_rng(1).uniform(-1, 1, (2, 24, 40, 3))
    np.testing.assert_array_equal(tail(picture), generator(picture)["main"])
    assert main_tail(tail) is tail


@pytest.mark.parametrize("shape", [(1, 16, 16, 3), (2, 24, 40, 3)])
def test_generator_takes_any_multiple_of_eight(shape):
    painted = build_generator(width=4, memory=8)(np.zeros(shape))
    assert painted["main"].shape == painted["support"].shape == shape


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_generator_becomes_float32(policy, tmp_path):
    generator = build_generator(width=4, memory=8, dtype=policy)
    picture = np.random.default_rng(2).uniform(-1, 1, (1, 32, 32, 3))
    painted = generator(picture)["main"]
    assert painted.dtype == "float32"
    copy = as_float32(generator)
    assert {layer.compute_dtype for layer in copy.layers} == {"float32"}
    assert np.abs(np.asarray(copy(picture)["main"]) - painted).max() < 0.05
    copy.save(tmp_path / "generator.keras")
    loaded = keras.saving.load_model(tmp_path / "generator.keras")
    np.testing.assert_array_equal(loaded(picture)["main"], copy(picture)["main"])


_OTHER_BACKEND = """
import sys
import numpy as np
sys.path.insert(0, {tests!r})
from animegan_tf.models import build_generator, main_tail
generator = build_generator(width=8, memory=16)
rng = np.random.default_rng(0)
for weight in generator.weights:
    if len(weight.shape) > 1:
        weight.assign(rng.normal(0, 0.1, weight.shape))
picture = np.random.default_rng(1).uniform(-1, 1, (1, 32, 40, 3)).astype("float32")
painted = generator.predict(picture, verbose=0)  # compiled whole, not each operation
np.save({path!r}, painted["main"])
assert "tensorflow" not in sys.modules
"""


def forward_in_a_process(backend, path):
    code = _OTHER_BACKEND.format(tests=str(DATA.parent), path=str(path))
    if backend == "tensorflow":
        code = code.replace('assert "tensorflow" not in sys.modules', "")
    subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "KERAS_BACKEND": backend},
        check=True,
    )
    return np.load(path)


def test_generator_runs_without_tensorflow(tmp_path):
    backends = []
    for backend in ("jax", "torch"):
        try:
            __import__(backend)
            backends.append(backend)
        except ImportError:
            pass
    if not backends:
        pytest.skip("neither JAX nor PyTorch is installed (extra `test` brings JAX)")
    expected = forward_in_a_process("tensorflow", tmp_path / "tensorflow.npy")
    for backend in backends:
        path = tmp_path / f"{backend}.npy"
        assert_close(forward_in_a_process(backend, path), expected, 1e-4)
