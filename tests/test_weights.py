"""Weights out of files: arrays, and nothing else."""

import hashlib

import numpy as np
import pytest
from helpers import DATA

from animegan_tf.errors import InputError
from animegan_tf.evaluation.weights import file_hash, read_arrays, take


def test_arrays_are_read_as_they_were_written():
    found = read_arrays(DATA / "state.npz")
    with np.load(DATA / "state.npz") as expected:
        assert set(found) == set(expected)
        for key, value in found.items():
            assert value.dtype == expected[key].dtype
            np.testing.assert_array_equal(value, expected[key])


@pytest.mark.parametrize("name", ["state.pth", "state.PT"])
def test_files_of_pytorch_are_refused_with_the_way_to_a_npz(tmp_path, name):
    (tmp_path / name).write_bytes(b"weights")
    with pytest.raises(InputError, match=r"must be a \.npz file.*evaluation\.md"):
        read_arrays(tmp_path / name)


def damaged(name):
    whole = (DATA / name).read_bytes()
    yield whole[: len(whole) - 20]
    yield whole[: len(whole) // 2]
    yield b""
    yield b"no weights at all"
    for seed in range(60):
        rng = np.random.default_rng(seed)
        copy = bytearray(whole)
        for _ in range(6):
            copy[rng.integers(len(copy))] = rng.integers(256)
        yield bytes(copy)


def test_damaged_files_end_in_one_sentence(tmp_path):
    path = tmp_path / "state.npz"
    refused = 0
    for content in damaged("state.npz"):
        path.write_bytes(content)
        try:
            read_arrays(path)
        except InputError as error:
            assert str(error).startswith(f"{path}: ") and "\n" not in str(error)
            refused += 1
    assert refused > 20


def test_take_gives_what_a_network_needs_as_float32():
    arrays = {"a": np.ones((2, 3), np.float16), "b": np.ones(4), "more": np.ones(9)}
    found = take(arrays, {"a": (2, 3), "b": (4,)}, "weights.npz", "a network")
    assert {k: (v.shape, v.dtype) for k, v in found.items()} == {
        "a": ((2, 3), np.float32),
        "b": ((4,), np.float32),
    }


@pytest.mark.parametrize(
    "arrays, said",
    [
        ({}, r"w.npz: weights of X must have a of shape \(2,\), received none among 0"),
        ({"a": np.ones(3)}, r"shape \(2,\), received \(3,\) among 1 arrays"),
        ({"a": np.array([1, np.nan])}, "finite numbers, received others in a"),
    ],
)
def test_weights_of_another_network_are_refused(arrays, said):
    with pytest.raises(InputError, match=said):
        take(arrays, {"a": (2,)}, "w.npz", "X")


def test_files_that_cannot_hold_weights_are_refused(tmp_path):
    text = tmp_path / "weights.txt"
    text.write_text("weights")
    with pytest.raises(InputError, match="weights.txt: .*received '.txt'"):
        read_arrays(text)
    with pytest.raises(InputError, match="must exist there, received none"):
        read_arrays(tmp_path / "absent.npz")
    with pytest.raises(InputError, match="must exist there, received none"):
        file_hash(tmp_path)
    assert file_hash(text) == hashlib.sha256(b"weights").hexdigest()
