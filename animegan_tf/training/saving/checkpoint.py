"""Checkpoints that are whole or not there: a folder each, checked by its checksums."""

import hashlib
import json
import os
import re
import shutil
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from animegan_tf.errors import InputError

VERSION = 1
_VARIABLES, _FACTS, _MANIFEST = "variables.npz", "state.json", "manifest.json"
# Fixed names: what a killed process leaves is cleared by the next one's first saving.
WRITING, _REMOVING = ".writing", ".removing"


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoints in a folder by their names, newest first, damaged ones too."""
    found = [p for p in folder.glob("step_*") if re.fullmatch(r"step_\d+", p.name)]
    return sorted(found, key=_number, reverse=True)


def write_checkpoint(folder: Path, number: int, arrays: dict, facts: dict, keep: int):
    """Writes a checkpoint that appears under its name only when all of it is on disk.

    Then those beyond the `keep` newest go, and all with higher numbers: they are what
    a run left that went back to before them.

    Args:
        folder: where checkpoints are; made if it is not there.
        number: of steps, which names it.
        arrays: numpy arrays by name.
        facts: whatever JSON holds.
        keep: number of newest checkpoints that stay.

    Raises:
        InputError: it cannot be written; the others stay as they are.
    """
    target, temporary = folder / f"step_{number:08d}", folder / WRITING
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        _write_files(temporary, arrays, facts)
        if target.exists():  # a damaged one, or else this run would have begun from it
            _remove(target)
        temporary.rename(target)
        _flush_folder(folder)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise InputError(
            f"{target} must be writable to save the run: {error.strerror or error}; "
            "the checkpoints that are there stay"
        ) from error
    older = [path for path in checkpoints(folder) if _number(path) <= number]
    for path in set(checkpoints(folder)) - set(older[:keep]):
        with suppress(OSError):  # what is left over costs space only
            _remove(path)


def newest_checkpoint(folder: Path) -> Path:
    """The newest checkpoint whose files are what they were when it was written.

    Newer ones that are damaged are named on stderr.

    Raises:
        InputError: there is none, or none that is whole.
    """
    found = checkpoints(folder)
    for path in found:
        problem = damage(path)
        if problem is None:
            return path
        print(f"warning: {path} is passed over: {problem}", file=sys.stderr)
    if found:
        raise InputError(
            f"{folder} must hold a whole checkpoint; of {len(found)}, none is"
        )
    if (folder / "checkpoint").exists():
        raise InputError(
            f"{folder} must hold checkpoints of this version; it holds those of an "
            "earlier one, which cannot be resumed: begin a new run"
        )
    raise InputError(f"{folder} must hold a checkpoint; there is none")


def damage(path: Path) -> str | None:
    """What is wrong with a checkpoint, in a few words; None if it is whole."""
    try:
        manifest = json.loads((path / _MANIFEST).read_bytes())
        version, files = manifest["version"], manifest["files"]
        if version != VERSION:
            return f"its version is {version!r}, not {VERSION}"
        for name in (_VARIABLES, _FACTS):
            if _checksum(path / name) != files[name]:
                return f"{name} is damaged"
    except OSError as error:
        return f"{Path(error.filename).name}: {error.strerror}"
    except (ValueError, TypeError, KeyError, RecursionError):
        return f"{_MANIFEST} is damaged"
    return None


def read_checkpoint(path: Path) -> tuple[dict, dict]:
    """The `(arrays, facts)` of a checkpoint that is whole.

    Raises:
        InputError: it holds something else, for all that its checksums are right.
    """
    with using(path):
        with np.load(path / _VARIABLES) as file:
            arrays = {name: file[name] for name in file.files}
        return arrays, json.loads((path / _FACTS).read_bytes())


@contextmanager
def using(path: Path):
    """Turns what the content of a checkpoint may cause into one sentence.

    Raises:
        InputError: it holds something else than `write_checkpoint` was given here.
    """
    try:
        yield
    except InputError:
        raise
    except (
        *(OSError, ValueError, TypeError, LookupError, AttributeError, OverflowError),
        *(RecursionError, BadZipFile),
    ) as error:
        raise InputError(
            f"{path} must be a checkpoint of tools/train.py; it holds something else: "
            f"{error}"
        ) from error


def _write_files(folder, arrays, facts):
    with open(folder / _VARIABLES, "wb") as file:
        np.savez(file, **arrays)
        _flush(file)
    _write_json(folder / _FACTS, facts)
    files = {name: _checksum(folder / name) for name in (_VARIABLES, _FACTS)}
    _write_json(folder / _MANIFEST, {"version": VERSION, "files": files})
    _flush_folder(folder)


def _write_json(path, value):
    with open(path, "w") as file:
        json.dump(value, file)
        _flush(file)


def _flush(file):
    file.flush()
    os.fsync(file.fileno())


def _flush_folder(folder):
    """Puts the names in a folder on disk, which Windows does by itself."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _checksum(path):
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return {"bytes": file.tell(), "sha256": digest}


def _remove(path):
    """Removes a checkpoint at once: half of it never has its name."""
    rest = path.with_name(_REMOVING)
    shutil.rmtree(rest, ignore_errors=True)
    path.rename(rest)
    shutil.rmtree(rest)


def _number(path):
    return int(path.name.removeprefix("step_"))
