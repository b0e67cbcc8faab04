"""One process a run: two would write over each other."""

from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

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
    open_file(path, "a").close()
    try:
        with FileLock(path, blocking=False):
            try:
                yield
            finally:
                with suppress(OSError):  # Windows keeps what is open
                    path.unlink()
    except Timeout as error:
        raise InputError(
            f"{folder} must be of a run that no other process trains; one does"
        ) from error
    finally:
        with suppress(OSError):  # not empty
            for made in new:
                made.rmdir()
