"""The files of a training run: photos and anime pictures, each with its partner."""

import sys
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from animegan_tf.config import DataConfig
from animegan_tf.data import cache
from animegan_tf.errors import InputError
from animegan_tf.files import list_images
from animegan_tf.imaging.smoothing import edge_smooth, impulse_noise
from animegan_tf.imaging.superpixel import superpixels
from animegan_tf.imaging.transform import square

# Two pictures show the same square of a scene only if their sides agree in ratio;
# this much is left to rounding.
_RATIO_TOLERANCE = 0.02
_NAMES_SHOWN = 3


@dataclass(frozen=True)
class Sources:
    """Files that can be read: photos and their partners, anime pictures and theirs.

    `photo_painted` is empty where nobody painted the photos. `skipped` tells which
    files were left out, and why.
    """

    photos: tuple[Path, ...]
    photo_superpixels: tuple[Path, ...]
    anime: tuple[Path, ...]
    anime_smooth: tuple[Path, ...]
    skipped: tuple[tuple[Path, str], ...] = ()
    photo_painted: tuple[Path, ...] = ()


def loading_size(data: DataConfig) -> int:
    """Side of the squares from which training pictures are cut at random."""
    return round(data.image_size / (1 - data.crop))


def load_sources(
    data: DataConfig, min_size: int, superpixel_method: str = "felzenszwalb"
) -> Sources:
    """Find the pictures of a run, check them and complete what is missing.

    Partners come from the folder that `data` names; else from the folder where the
    authors' tools put them (`train_photo` beside `seg_train_5-0.8-<min_size>`,
    `style` beside `smooth`, or `smooth_noise` where `data.noise` is above 0); else
    they are made into `data.cache`, from the centre square at `loading_size`, which
    is what training sees: superpixels have a size in pixels, and smoothed edges would
    vanish if they were made before shrinking.

    A picture that cannot be read is named on stderr and left out with its partner.

    Args:
        data: the folders, the sizes and the batch.
        min_size: smallest superpixel, in pixels; felzenszwalb only.
        superpixel_method: a member of `imaging.superpixel.METHODS`.

    Returns:
        `Sources`, sorted by name.

    Raises:
        InputError: a folder is missing or empty, a picture has no partner, or fewer
            pictures than one batch are left.
    """
    size = loading_size(data)
    photo_pairs, skipped_photos = _pairs(
        _required(data.photos, "--photos"),
        data.photo_superpixels
        or _upstream_superpixels(data.photos, min_size, superpixel_method),
        data,
        _superpixel_name(superpixel_method, min_size, size),
        lambda image: superpixels(
            square(image, size), superpixel_method, min_size=min_size
        ),
        "making superpixels",
    )
    anime_pairs, skipped_anime = _pairs(
        _required(data.anime, "--anime"),
        data.anime_smooth or _upstream_smooth(data),
        data,
        f"smooth-{size}" + (f"-noise-{data.noise:g}" if data.noise else ""),
        lambda image: _smoothed(square(image, size), data.noise),
        "smoothing edges",
    )
    skipped, painted = (*skipped_photos, *skipped_anime), {}
    if data.photo_painted is not None:
        painted, skipped_painted = _painted(data)
        photo_pairs = [pair for pair in photo_pairs if pair[0] in painted]
        skipped = tuple(dict.fromkeys((*skipped, *skipped_painted)))
    photos, flat = zip(*photo_pairs)
    return Sources(
        photos,
        flat,
        *zip(*anime_pairs),
        skipped,
        tuple(painted[photo] for photo in photos if painted),
    )


def _painted(data):
    """Painted pictures by their photos, and (path, reason) of what cannot be used."""
    pairs, skipped = _pairs(data.photos, data.photo_painted, data)
    return dict(pairs), skipped


def _required(folder, flag):
    if folder is None:
        raise InputError(f"{flag} must name a folder of pictures, received nothing.")
    return folder


def _upstream_superpixels(photos, min_size, method):
    folder = photos.parent / f"seg_train_5-0.8-{min_size}"
    found = photos.name == "train_photo" and method == "felzenszwalb"
    return folder if found and folder.is_dir() else None


def _upstream_smooth(data):
    folder = data.anime.parent / ("smooth_noise" if data.noise else "smooth")
    return folder if data.anime.name == "style" and folder.is_dir() else None


def _smoothed(image, noise):
    """Without its edges, and with white noise that depends on the picture alone."""
    rng = np.random.default_rng(zlib.crc32(image.tobytes()))
    return impulse_noise(edge_smooth(image), rng, noise)


def _superpixel_name(method, min_size, size):
    parameters = f"-{min_size}" if method == "felzenszwalb" else ""
    return f"superpixels-{method}{parameters}-{size}"


def _pairs(folder, partner_folder, data, *making):
    """Usable (picture, partner) of one kind, and (path, reason) of what is not.

    `making`, a name, a function and a label, says how partners are made if there is
    no folder.
    """
    pictures = list_images(folder)
    shapes, skipped = cache.shapes(pictures, data.cache)
    _tell_skipped(folder, len(pictures), skipped)
    _require_batch(folder, len(shapes), len(pictures), data.batch_size)
    if partner_folder is None:
        made = cache.derive(list(shapes), data.cache, *making)
        return list(zip(shapes, made)), skipped
    pairs = _all_matched(list(shapes), list_images(partner_folder), partner_folder)
    partners = [partner for _, partner in pairs]
    partner_shapes, broken = cache.shapes(partners, data.cache)
    _tell_skipped(partner_folder, len(partners), broken)
    pairs = [pair for pair in pairs if pair[1] in partner_shapes]
    _require_batch(partner_folder, len(pairs), len(partners), data.batch_size)
    for picture, partner in pairs:
        _require_same_ratio(picture, shapes[picture], partner, partner_shapes[partner])
    return pairs, skipped + broken


def matched(pictures, partners):
    """Pair files by full name first, then by stem, without using one twice.

    A partner `a.jpg.png`, as the cache names it, belongs to `a.jpg`. Several files of
    one stem cannot be told apart; a guess would misalign them.

    Args:
        pictures, partners: lists of Path.

    Returns:
        dict of picture to partner, without the pictures that have none.
    """
    by_name = {path.stem: path for path in partners}
    by_name |= {path.name: path for path in partners}
    found = {p: by_name[p.name] for p in pictures if p.name in by_name}
    used = set(found.values())
    left = (
        [p for p in pictures if p not in found],
        [p for p in partners if p not in used],
    )
    stems, partner_stems = (Counter(path.stem for path in paths) for paths in left)
    by_stem = {path.stem: path for path in left[1]}
    for path in left[0]:
        if stems[path.stem] == partner_stems[path.stem] == 1:
            found[path] = by_stem[path.stem]
    return found


def _all_matched(pictures, partners, folder):
    """`matched` as pairs in the order of the pictures, or an `InputError`."""
    found = matched(pictures, partners)
    missing = [path.name for path in pictures if path not in found]
    if missing:
        dots = ", ..." if len(missing) > _NAMES_SHOWN else ""
        raise InputError(
            f"{folder}: must hold one partner of the same name for each of "
            f"{len(pictures)} pictures, received none for {len(missing)}: "
            f"{', '.join(missing[:_NAMES_SHOWN])}{dots}."
        )
    return [(path, found[path]) for path in pictures]


def _require_same_ratio(picture, shape, partner, partner_shape):
    (height, width), (other_height, other_width) = shape, partner_shape
    ratio = width * other_height / (height * other_width)
    if abs(ratio - 1) > _RATIO_TOLERANCE:
        raise InputError(
            f"{partner}: must have the proportions of {picture}, {width} x {height}, "
            f"received {other_width} x {other_height}."
        )


def _require_batch(folder, usable, count, batch):
    if usable < batch:
        raise InputError(
            f"{folder}: must hold at least {batch} usable pictures, one batch, "
            f"received {usable} of {count}."
        )


def _tell_skipped(folder, count, skipped):
    for _, reason in skipped:
        print(f"left out: {reason}", file=sys.stderr)
    if skipped:
        print(f"{folder}: left out {len(skipped)} of {count} pictures", file=sys.stderr)
