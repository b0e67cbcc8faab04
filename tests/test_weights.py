"""Weights out of files: state dicts of PyTorch without PyTorch, and nothing else."""

import hashlib
import io
import pickle
import zipfile

import numpy as np
import pytest
from helpers import DATA

from animegan_tf.errors import InputError
from animegan_tf.evaluation.weights import file_hash, read_arrays, take


@pytest.mark.parametrize("name", ["state.pth", "state_legacy.pth"])
def test_state_dicts_of_pytorch_are_read_as_it_wrote_them(name):
    # torch 2.13 wrote them in its present format and in that before 1.6, with a
    # transposed tensor, a part of a larger one, float16 and a scalar among them.
    found = read_arrays(DATA / name)
    with np.load(DATA / "state.npz") as expected:
        assert set(found) == set(expected)
        for key, value in found.items():
            assert value.dtype == expected[key].dtype
            np.testing.assert_array_equal(value, expected[key])


class Harmful:
    def __reduce__(self):
        return (eval, ("1 / 0",))


def test_a_pickle_that_would_run_code_is_refused(tmp_path):
    path = tmp_path / "harmful.pth"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("harmful/data.pkl", pickle.dumps(Harmful(), protocol=2))
    with pytest.raises(InputError, match="harmful.pth: .*plain tensors.*eval"):
        read_arrays(path)


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


@pytest.mark.parametrize("name", ["state.pth", "state_legacy.pth", "state.npz"])
def test_damaged_files_end_in_one_sentence(tmp_path, name):
    path = tmp_path / name
    refused = 0
    for content in damaged(name):
        path.write_bytes(content)
        try:
            read_arrays(path)
        except InputError as error:
            assert str(error).startswith(f"{path}: ") and "\n" not in str(error)
            refused += 1
    assert refused > 20


def test_a_tensor_outside_of_its_storage_is_refused(tmp_path):
    with zipfile.ZipFile(DATA / "state.pth") as file:
        entries = {name: file.read(name) for name in file.namelist()}
    (index,) = (name for name in entries if name.endswith("data.pkl"))
    # The transposed tensor's shape (6, 4): K\x06K\x04 among the pickle's opcodes.
    assert entries[index].count(b"K\x06K\x04\x86") == 1
    entries[index] = entries[index].replace(b"K\x06K\x04\x86", b"K\x07K\x04\x86")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name, data in entries.items():
            file.writestr(name, data)
    path = tmp_path / "outside.pth"
    path.write_bytes(content.getvalue())
    with pytest.raises(InputError, match="must lie in its storage"):
        read_arrays(path)


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
