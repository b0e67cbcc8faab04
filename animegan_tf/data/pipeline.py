"""Batches for training, each a pure function of the seed and the step's number."""

import numpy as np
import tensorflow as tf

from animegan_tf.config import DataConfig
from animegan_tf.data.augment import build_augmenter
from animegan_tf.data.sources import Sources, loading_size
from animegan_tf.errors import InputError
from animegan_tf.imaging.io import list_images, read_image, square
from animegan_tf.ops import to_float

# Decoded squares are kept while all of them together take no more bytes than this.
MEMORY = 2**30

# The kinds, as the random draws tell them apart.
_PHOTO, _ANIME = 0, 1


def build_dataset(
    sources: Sources, data: DataConfig, steps: int | None = None, start_step: int = 0
) -> tf.data.Dataset:
    """Batches of photos and anime pictures with their partners.

    Step s is a pure function of `sources`, `data` and s, so that a run resumed at
    step k with `start_step=k` sees what the uninterrupted run would have seen.
    Picture number g of a kind (g = s * batch size + place in the batch) belongs to
    that kind's epoch g // n, whose order is a permutation of the n pictures keyed by
    (seed, kind, epoch); its crop and flip are drawn with the key (seed, kind, g); the
    colours of anime pictures change with the key (seed, step).

    Args:
        sources: files, as `load_sources` returns them.
        data: sizes, seed and how much is left to chance.
        steps: number of batches, or None for no end.
        start_step: number of the first batch, 0 or more.

    Returns:
        dataset of dicts `photo`, `photo_superpixels`, `anime`, `anime_smooth`, each
        `(batch, image_size, image_size, 3)` float32 in [-1, 1]. The two pictures of
        a pair have the same crop, flip and change of colour.
    """
    augment = build_augmenter(data.augment)
    squares = _load_squares(sources, data)

    def finish(step, photo_pairs, anime_pairs):
        photo, photo_superpixels = tf.unstack(photo_pairs, axis=1)
        anime, anime_smooth = tf.unstack(anime_pairs, axis=1)
        seed = tf.stack([_seed(data), step])
        anime, anime_smooth = augment(anime, anime_smooth, seed)
        return {
            "photo": to_float(photo),
            "photo_superpixels": to_float(photo_superpixels),
            "anime": to_float(anime),
            "anime_smooth": to_float(anime_smooth),
        }

    kinds = [
        _samples(kind_squares, kind, data, start_step * data.batch_size)
        .batch(data.batch_size, drop_remainder=True)
        .prefetch(1)
        for kind, kind_squares in zip((_PHOTO, _ANIME), squares)
    ]
    numbers = tf.data.Dataset.counter(start_step)
    dataset = tf.data.Dataset.zip(numbers, *kinds)
    if steps is not None:
        dataset = dataset.take(steps)
    return dataset.map(finish, tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def steps_per_epoch(sources: Sources, data: DataConfig) -> int:
    """Steps in which the kind with more pictures passes once; at least 1."""
    larger = max(len(sources.photos), len(sources.anime))
    return max(1, larger // data.batch_size)


def validation_batch(data: DataConfig, sources: Sources, count: int = 6) -> np.ndarray:
    """The photos of the sample grid: centre squares, left as they are otherwise.

    Args:
        data: the folder of validation photos, if any, and the size.
        sources: its first photos serve where there is no such folder.
        count: number of photos wanted.

    Returns:
        uint8 RGB (count, image_size, image_size, 3); fewer if there are fewer
        photos. Files that cannot be read are passed over.

    Raises:
        InputError: the folder is missing, empty or without a readable picture.
    """
    paths = sources.photos if data.validation is None else list_images(data.validation)
    photos = []
    for path in paths:
        try:
            photos.append(square(read_image(path), data.image_size))
        except InputError as error:
            problem = error
        if len(photos) == count:
            break
    if not photos:
        raise problem
    return np.stack(photos)


class _Squares:
    """Pairs of centre squares, decoded on demand and then kept if there is room."""

    def __init__(self, pictures, partners, size, shrink_partner, keep):
        self.paths = list(zip(pictures, partners))
        self.size = size
        self.shrink_partner = shrink_partner
        # Memory is taken page by page as pairs are written.
        shape = (len(self.paths), 2, size, size, 3)
        self.kept = np.empty(shape, np.uint8) if keep else None
        self.is_kept = np.zeros(len(self.paths), bool)

    def cut(self, index, top, left, side, mirrored):
        """Window of one pair: uint8 (2, side, side, 3), a copy."""
        pair = self._load(index)[:, top : top + side, left : left + side]
        # A copy, because TensorFlow would take a view without one and may write
        # to it.
        return (pair[:, :, ::-1] if mirrored else pair).copy()

    def _load(self, index):
        if self.is_kept[index]:
            return self.kept[index]
        picture, partner = self.paths[index]
        pair = np.stack(
            [
                square(read_image(picture), self.size),
                self.shrink_partner(read_image(partner), self.size),
            ]
        )
        if self.kept is not None:
            self.kept[index] = pair
            self.is_kept[index] = True  # last: other threads look here first
        return pair


def _load_squares(sources, data):
    size = loading_size(data)
    pairs = len(sources.photos) + len(sources.anime)
    keep = pairs * 2 * size * size * 3 <= MEMORY
    photos = _Squares(
        sources.photos, sources.photo_superpixels, size, _flat_square, keep
    )
    anime = _Squares(sources.anime, sources.anime_smooth, size, square, keep)
    return photos, anime


def _flat_square(image, size):
    """As `imaging.io.square`, by the nearest pixel: flat regions stay flat."""
    height, width = image.shape[:2]
    side = min(height, width)
    nearest = ((np.arange(size) + 0.5) * side / size).astype(int)
    rows, columns = (height - side) // 2 + nearest, (width - side) // 2 + nearest
    return image[rows[:, None], columns]


def _samples(squares, kind, data, first):
    """Endless dataset of one kind: uint8 (2, image_size, image_size, 3) pairs."""
    count, side = len(squares.paths), data.image_size
    key = 2 * _seed(data) + kind
    slack = squares.size - side

    def sample(number):
        epoch, place = number // count, number % count
        index = tf.random.experimental.index_shuffle(
            place, tf.stack([key, epoch]), count - 1
        )
        draws = tf.random.stateless_uniform((3,), tf.stack([key, number]), alg="philox")
        corner = tf.cast(draws[:2] * (slack + 1), tf.int32)
        mirrored = data.flip & (draws[2] < 0.5)
        pair = tf.numpy_function(
            squares.cut, [index, corner[0], corner[1], side, mirrored], tf.uint8
        )
        return tf.ensure_shape(pair, (2, side, side, 3))

    return tf.data.Dataset.counter(first).map(sample, tf.data.AUTOTUNE)


def _seed(data):
    """The run's seed as a number that fits, doubled, into an int64."""
    return tf.constant(data.seed % 2**32, tf.int64)
