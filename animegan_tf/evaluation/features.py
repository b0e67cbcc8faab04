"""Files through extractors in batches, and what they said kept on disk.

An extractor is any object with

- `name`, and `identifier`: all that its numbers depend on, as a file name;
- `batch_size`: how many items it takes at once;
- `prepare(image)`: uint8 RGB (height, width, 3) to what it takes;
- `run(*columns)`: lists of what `prepare` returns, one list for each picture that an
  item has, to a dict of name to array with one row an item.

Those of `extractors` describe pictures and faces or compare pairs by a network,
`pixels` has those that need none, and `faces` and `face_measures` look at faces.
"""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from animegan_tf.errors import InputError
from animegan_tf.files import make_folder, write_atomic
from animegan_tf.imaging.codec import read_image

FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
TOP_SQUARE = "top square"


@dataclass(frozen=True)
class View:
    """A file and the part of it that is looked at.

    Attributes:
        path: of the file.
        cut: None for all of it, `TOP_SQUARE`, or left, top, right and bottom as
            shares of width and height, so that it fits a smaller copy too; what lies
            outside of the picture is cut off.
    """

    path: Path
    cut: str | tuple[float, float, float, float] | None = None


def cut_out(image, cut):
    """The part of a picture that `View.cut` names.

    Args:
        image: uint8 RGB (height, width, 3).
        cut: see `View`. The top square is as wide as the shorter side, and of a wide
            picture in its middle.

    Returns:
        uint8 RGB, a view of `image`.

    Raises:
        InputError: no pixel of the picture lies in it.
    """
    height, width = image.shape[:2]
    if cut is None:
        return image
    if cut == TOP_SQUARE:
        side = min(height, width)
        left = (width - side) // 2
        return image[:side, left : left + side]
    sides = np.array([width, height, width, height])
    box = np.round(np.array(cut) * sides).astype(int)
    left, top, right, bottom = np.clip(box, 0, sides)
    if left >= right or top >= bottom:
        shares = ", ".join(f"{share:.3f}" for share in cut)
        raise InputError(
            "a cut must hold a pixel of the picture, received the shares "
            f"{shares} of {width} x {height} pixels."
        )
    return image[top:bottom, left:right]


def resample(image, size: int, resampling: str):
    """Resample a picture to a square, without aliasing and without rounding.

    Each channel is resampled by Pillow in its mode F, float32, whose kernels are
    widened by the scale where a picture shrinks, and clipped to [0, 255] afterwards.
    With the bicubic filter this is what clean-fid prescribes.

    Args:
        image: uint8 RGB (height, width, 3).
        size: int, side of the square.
        resampling: a name in `FILTERS`.

    Returns:
        float32 RGB (size, size, 3) in [0, 255].

    Reference:
        Parmar, Zhang, Zhu, *On Aliased Resizing and Surprising Subtleties in GAN
        Evaluation*, CVPR 2022; there `make_resizer("PIL", False, "bicubic", ...)`.
    """
    channels = np.ascontiguousarray(np.moveaxis(image, -1, 0), np.float32)
    resized = [
        Image.fromarray(channel).resize((size, size), FILTERS[resampling])
        for channel in channels
    ]
    return np.clip(np.stack([np.asarray(x) for x in resized], axis=-1), 0, 255)


class FeatureCache:
    """What networks said about pictures, by the content of the pictures.

    One small file for each network and item, written under another name and renamed,
    so that runs beside each other neither disturb nor wait for each other. A damaged
    file counts as none.

    Args:
        folder: Path; made when something is first written.
    """

    def __init__(self, folder: Path):
        self.folder = Path(folder)

    def get(self, identifier: str, key: str) -> dict | None:
        """Arrays by name, or None."""
        try:
            with np.load(self._path(identifier, key)) as file:
                return {name: file[name] for name in file}
        except Exception:  # not there, or damaged in one of many ways
            return None

    def put(self, identifier: str, key: str, arrays: dict) -> None:
        """Remembers arrays by name.

        Raises:
            InputError: the file cannot be written.
        """
        path = self._path(identifier, key)
        make_folder(path.parent)
        file = io.BytesIO()
        np.savez(file, **arrays)
        write_atomic(path, file.getvalue())

    def _path(self, identifier, key):
        # Some file systems are slow in folders of very many files.
        return self.folder / identifier / key[:2] / f"{key}.npz"


def extract(
    network,
    *columns: Sequence[View],
    cache: FeatureCache | None = None,
    label: str | None = None,
) -> dict:
    """What a network says about files, in their order.

    Pictures are read, cut and prepared batch by batch; only what the network returns
    stays in memory. A bar appears after a second.

    Args:
        network: see the top of this module.
        *columns: as many lists of `View` as an item has pictures, of one length.
        cache: where to look first, and to put what is new; or None.
        label: words beside the bar; the network's name by default.

    Returns:
        dict of name to array with one row an item.

    Raises:
        InputError: no items, a file that cannot be read, or NaN from the network.
    """
    items = list(zip(*columns, strict=True))
    if not items:
        raise InputError(f"{network.name} needs one picture or more, received none.")
    rows, waiting = [None] * len(items), []
    bar = tqdm(items, label or network.name, unit="picture", delay=1)
    for index, item in enumerate(bar):
        data = [_read(view.path) for view in item]
        key = _key(item, data)
        rows[index] = cache.get(network.identifier, key) if cache else None
        if rows[index] is None:
            waiting.append((index, key, _prepared(network, item, data)))
        if len(waiting) == network.batch_size or index + 1 == len(items):
            for index, key, row in _described(network, waiting):
                _check_numbers(network, items[index], row)
                if cache:
                    cache.put(network.identifier, key, row)
                rows[index] = row
            waiting = []
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def _read(path):
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InputError(
            f"{path}: must be a readable picture, received: {error.strerror}."
        ) from error


def _key(item, data):
    """Of the cuts and of what is in the files, whatever their names."""
    digest = hashlib.sha256()
    for view, content in zip(item, data):
        digest.update(hashlib.sha256(content).digest())
        digest.update(repr(view.cut).encode())
    return digest.hexdigest()


def _prepared(network, item, data):
    prepared = []
    for view, content in zip(item, data):
        image = read_image(view.path, content)
        try:
            prepared.append(network.prepare(cut_out(image, view.cut)))
        except InputError as error:
            raise InputError(f"{view.path}: {error}") from error
    return prepared


def _described(network, waiting):
    """Index, key and dict of arrays of each item that waits."""
    if not waiting:
        return
    columns = zip(*(prepared for _, _, prepared in waiting))
    outputs = network.run(*map(list, columns))
    for i, (index, key, _) in enumerate(waiting):
        yield index, key, {name: values[i] for name, values in outputs.items()}


def _check_numbers(network, item, row):
    for name, values in row.items():
        if np.isnan(values).any():
            raise InputError(
                f"{item[-1].path}: {network.name} must give numbers as {name}, "
                "received NaN."
            )
