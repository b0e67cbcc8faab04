"""Files that may be a stranger's: what is checked before they are used."""

from animegan_tf.errors import InputError


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
