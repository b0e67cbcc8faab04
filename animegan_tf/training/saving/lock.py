"""One process a run: two would write over each other."""

import errno
import os
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

from animegan_tf.errors import InputError
from animegan_tf.files import make_folder
from animegan_tf.untrusted import open_file

_NAME = ".lock"


@contextmanager
def owned(folder: Path):
    """Within it, a run's folder belongs to this process alone.

    The folder is made if it is not there, and goes again if nothing came into it. The
    operating system ends the ownership with the process, however that ends.

    Args:
        folder: the run's.

    Raises:
        InputError: another process has it, it cannot be made, or its lock is a link.
    """
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    make_folder(folder)
    path = folder / _NAME
    try:
        with _locked(path) as file:
            file.truncate(0)
            file.write(f"process {os.getpid()}")
            file.flush()
            try:
                yield
            finally:
                with suppress(OSError):  # Windows keeps what is open
                    path.unlink()
    finally:
        with suppress(OSError):  # not empty
            for made in new:
                made.rmdir()


def _locked(path):
    """The open file at `path`, which no other process has locked."""
    while True:
        file = open_file(path, "a+")
        try:
            _lock(file, path.parent)
            # Its owner before may have removed it after it was opened here.
            if os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
                return file
        except FileNotFoundError:
            pass
        except BaseException:
            file.close()
            raise
        file.close()


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
