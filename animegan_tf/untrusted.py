"""Files that may be a stranger's: what is checked before they are used."""

import os
import stat
from contextlib import suppress
from pathlib import Path, PureWindowsPath

from animegan_tf.errors import InputError


def is_name(value, plain: bool = False) -> bool:
    """Whether what was read from a file can be the name of a file below a folder.

    Args:
        value: of any type.
        plain: whether it must be the name of a file in the folder itself, on every
            system.
    """
    if not isinstance(value, str) or "\0" in value:
        return False
    path = Path(value)
    try:
        if max(len(os.fsencode(part)) for part in (*path.parts, "")) > 255:
            return False
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    if plain:
        return value not in ("", "..") and PureWindowsPath(value).name == value
    return path.parts != () and not path.anchor and ".." not in path.parts


def inside(folder: Path, name, source: Path, plain: bool = False) -> Path:
    """The path of what a file names, which must not lead out of a folder.

    Args:
        folder: the only place where it may lie, itself the user's choice.
        name: what was read, of any type.
        source: the file or folder that it was read from, for the message.
        plain: whether it must lie in the folder itself.

    Returns:
        `folder / name`.

    Raises:
        InputError: it is no such name, or a link leads out of the folder.
    """
    if is_name(name, plain):
        # Links on the way to the folder are the user's.
        real = Path(os.path.realpath(folder / name))
        if real.is_relative_to(os.path.realpath(folder)):
            return folder / name
    raise InputError(
        f"{source}: must name nothing outside of {folder}, received {str(name)!r:.200}."
    )


def open_file(path: Path, mode: str):
    """Opens an ordinary file to write, and none that a link leads to.

    A link in a folder that came from elsewhere would have us write over any file of
    the user; a pipe or a device would keep us waiting.

    Args:
        path: of the file; the folders above it may be links.
        mode: of `open`, for a text in UTF-8: "w", "a", "a+", "r+".

    Raises:
        InputError: something else has that name.
        OSError: it cannot be opened.
    """

    def opener(name, flags):
        # Windows has neither flag.
        flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        return os.open(name, flags, 0o666)

    with suppress(FileNotFoundError):
        if not stat.S_ISREG(os.lstat(path).st_mode):
            raise InputError(
                f"{path}: must be an ordinary file to be written to, received a link "
                "or something else."
            )
    return open(path, mode, encoding="utf-8", opener=opener)


def require_own_data(path, file=None):
    """Refuses an HDF5 file that takes anything from another file.

    HDF5 has links and arrays that name other files, which whoever reads the one would
    read without knowing.

    Args:
        path: Path of the file, for the message.
        file: its content as a binary file object; None to open `path`.

    Raises:
        InputError: it holds a link or an array that is kept elsewhere.
        OSError: it is no HDF5 file, or cannot be read.
    """
    import h5py

    with h5py.File(file or path) as opened:
        groups, seen = [opened], set()
        while groups:
            group = groups.pop()
            address = h5py.h5o.get_info(group.id).addr
            if address in seen:  # a group may hold itself
                continue
            seen.add(address)
            for name in group:
                item = _own_item(group, name)
                if item is None:
                    raise InputError(
                        f"{path}: must hold all of its arrays itself, received "
                        f"{group.name.rstrip('/')}/{name}, which is kept elsewhere."
                    )
                if isinstance(item, h5py.Group):
                    groups.append(item)


def _own_item(group, name):
    """The group or array of a name, or None where it is a link or kept elsewhere."""
    import h5py

    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        return None
    item = group[name]
    elsewhere = isinstance(item, h5py.Dataset) and (item.external or item.is_virtual)
    return None if elsewhere else item
