"""One process a run: two would write over each other."""

import errno
import os
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

from animegan_tf.errors import InputError
from animegan_tf.imaging.io import make_folder

_NAME = ".lock"


@contextmanager
def owned(folder: Path):
    """Within it, a run's folder belongs to this process alone.

    The folder is made if it is not there, and goes again if nothing came into it. The
    operating system lets go of it when the process ends, however it ends.

    Args:
        folder: the run's.

    Raises:
        InputError: another process has it, or it cannot be made.
    """
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    make_folder(folder)
    try:
        with open(folder / _NAME, "a+") as file:
            _lock(file, folder)
            file.truncate(0)
            file.write(f"process {os.getpid()}")
            file.flush()
            yield
    finally:
        if new and [path.name for path in folder.iterdir()] == [_NAME]:
            (folder / _NAME).unlink()
        with suppress(OSError):  # not empty
            for path in new:
                path.rmdir()


def _lock(file, folder):
    try:
        _lock_file(file)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
            print(f"warning: {folder} cannot be locked: {error}", file=sys.stderr)
            return
        file.seek(0)
        holder = file.read() or "another process"
        raise InputError(
            f"{folder} must be of a run that no other process trains; {holder} does"
        ) from error


def _lock_file(file):
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        # Far behind the text, which others must be able to read.
        file.seek(2**30)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
