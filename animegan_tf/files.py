"""Files and folders: what is listed as a picture, and writing that cannot break off."""

import errno
import os
import re
import shutil
import stat
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path

from animegan_tf.errors import InputError, OutputError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
VIDEO_SUFFIXES = (
    *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".3gp", ".wmv", ".flv"),
    *(".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".ogv"),
)
# Folder beside pictures in which a NAS of Synology keeps small copies. Names of other
# makes begin with a dot.
THUMBNAILS = "@eaDir"
# Numbers of errors that concern every file of a disk, and of a folder.
_NO_ROOM = (errno.ENOSPC, errno.EROFS, getattr(errno, "EDQUOT", errno.ENOSPC))
_NO_RIGHT = (errno.EACCES, errno.EPERM)


def find_images(folder: Path, recursive: bool = False) -> tuple[list[Path], list[Path]]:
    """Files of a folder: pictures, by their suffix, and all others.

    Hidden files and folders, and those in which a NAS keeps thumbnails, are passed
    over. Links are followed, except back to a folder that holds them.

    Args:
        folder: path of an existing folder.
        recursive: bool, whether sub-folders count.

    Returns:
        list of Path of the pictures and list of Path of the others (files of other
        kinds, half-written ones, broken links, devices), each sorted by the path
        below `folder`.

    Raises:
        InputError: `folder` does not exist, is not a folder, or cannot be listed.
    """
    folder = Path(folder)
    try:
        if not folder.exists():
            raise InputError(
                f"{folder}: a folder of pictures must exist there, received nothing."
            )
        if not folder.is_dir():
            raise InputError(f"{folder}: must be a folder, received a file.")
        files = sorted(
            _files(folder, recursive),
            key=lambda path: path.relative_to(folder).as_posix(),
        )
        images = [path for path in files if is_picture_name(path) and path.is_file()]
    except OSError as error:
        raise InputError(
            f"{error.filename or folder}: the folder must be readable, "
            f"received: {error.strerror}."
        ) from error
    known = set(images)
    return images, [path for path in files if path not in known]


def list_images(folder: Path, recursive: bool = False) -> list[Path]:
    """Pictures of a folder, sorted by the path below it.

    Hidden files and half-written temporary ones are passed over.

    Args:
        folder: path of an existing folder with at least one picture.
        recursive: bool, whether pictures in sub-folders count.

    Returns:
        list of Path.

    Raises:
        InputError: `folder` does not exist, is not a folder, cannot be listed or
            holds no picture.
    """
    images, others = find_images(folder, recursive)
    if not images:
        raise InputError(
            f"{folder}: must hold at least one picture ({', '.join(SUFFIXES)}), "
            f"received none among its {len(others)} other files."
        )
    return images


def is_picture_name(path) -> bool:
    """Whether a file of this name is taken for a picture; half-written ones are not."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    return bool(suffixes) and suffixes[-1] in SUFFIXES and ".tmp" not in suffixes


def is_hidden(name: str) -> bool:
    """Whether a file or folder is not meant for people, by its own name."""
    return name.startswith(".") or name == THUMBNAILS


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file that is complete or not there, even if the power fails.

    Args:
        path: destination; a file there is replaced.
        data: the whole content.

    Raises:
        OutputError: no file can be written there.
        InputError: this one cannot, such as where a folder has its name.
    """
    with replacing(path) as temporary, _writing(path, _NO_RIGHT):
        temporary.write_bytes(data)


@contextmanager
def replacing(path: Path):
    """A name for a file that takes the name `path` once the block has succeeded.

    The block writes and closes the file. If it fails, nothing of it is left.

    Args:
        path: destination; a file there is replaced.

    Yields:
        Path of a file that is not there yet, in the same folder.

    Raises:
        InputError: the finished file cannot be moved to its place.
    """
    path = Path(path)
    # A short fresh name: it cannot clash between processes, nor outgrow the limit
    # of the file system when the final name is a long one.
    temporary = path.parent / f".{uuid.uuid4().hex}.tmp"
    try:
        yield temporary
        with _writing(path):
            with open(temporary, "rb+") as file:
                # Else a file system may carry out the renaming before the writing.
                os.fsync(file.fileno())
            os.replace(temporary, path)
    finally:
        with suppress(OSError):  # already moved, or never made
            temporary.unlink()


@contextmanager
def replacing_folder(path: Path):
    """A folder that takes the name `path` once the block has succeeded.

    What was there goes only when the new one has its name, and comes back if that
    fails. If the block fails, nothing of the new one is left.

    Args:
        path: destination; a folder there is replaced, those above it are made.

    Yields:
        Path of an empty folder beside it, whose name is hidden and no number.

    Raises:
        InputError: something in it cannot be written, or it cannot be moved.
    """
    path = Path(path)
    temporary, old = (path.with_name(f".{uuid.uuid4().hex}.tmp") for _ in range(2))
    try:
        with _writing(path, what="folder"):
            temporary.mkdir(parents=True)
            yield temporary
            if path.exists():
                os.rename(path, old)
            try:
                os.rename(temporary, path)
            except OSError:
                if old.exists():
                    os.rename(old, path)
                raise
            shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def check_target(path: Path) -> None:
    """Refuses a name that no file can have, before work is done for the file.

    Args:
        path: where it is to be written; its folder exists.

    Raises:
        InputError: a folder has that name, or it is too long.
    """
    with _writing(path), suppress(FileNotFoundError):
        if stat.S_ISDIR(os.lstat(path).st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))


def make_folder(folder: Path) -> Path:
    """Make a folder, and those above it, unless it is there.

    Args:
        folder: path of the folder.

    Returns:
        `folder`.

    Raises:
        OutputError: nothing can be made there.
        InputError: this one cannot, such as where a file has its name.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        every = error.errno in (*_NO_ROOM, *_NO_RIGHT)
        raise (OutputError if every else InputError)(
            f"{folder}: must be a folder that can be written to, "
            f"received: {reason_of(error)}."
        ) from error
    return folder


def remove_temporaries(folder: Path) -> None:
    """Delete what killed processes left behind in the middle of `write_atomic`.

    Args:
        folder: path of an existing folder in which nothing else is writing.

    Raises:
        InputError: a file cannot be deleted.
    """
    for path in Path(folder).glob(".*.tmp"):
        if re.fullmatch(r"\.[0-9a-f]{32}\.tmp", path.name):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise InputError(
                    f"{path}: the leftover must be deletable, "
                    f"received: {reason_of(error)}."
                ) from error


def _files(folder, recursive, above=()):
    """Every entry of a folder that is neither hidden nor a folder."""
    # Unlike `Path.resolve`, this takes a link to itself for what it is.
    above = (*above, os.path.realpath(folder))
    files = []
    for path in folder.iterdir():
        if is_hidden(path.name):
            continue
        if not path.is_dir():
            files.append(path)
        elif recursive and os.path.realpath(path) not in above:
            files += _files(path, recursive, above)
    return files


@contextmanager
def _writing(path, for_all=(), what="file"):
    """Turns an `OSError` into our own; numbers `for_all` concern other files, too."""
    try:
        yield
    except OSError as error:
        every = error.errno in (*_NO_ROOM, *for_all)
        raise (OutputError if every else InputError)(
            f"{path}: the {what} must be writable there, received: {reason_of(error)}."
        ) from error


def reason_of(error):
    """An exception in a few words, whether or not it has a message."""
    if isinstance(error, OSError) and (error.strerror or str(error)):
        return error.strerror or str(error)
    return ": ".join(filter(None, (type(error).__name__, str(error))))
