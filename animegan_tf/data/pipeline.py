"""Batches for training, each a pure function of the seed and the step's number."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from animegan_tf.config import DataConfig
from animegan_tf.data import cache
from animegan_tf.data.augment import build_augmenter
from animegan_tf.data.sources import Sources, loading_size
from animegan_tf.errors import InputError
from animegan_tf.files import list_images
from animegan_tf.imaging.codec import read_image
from animegan_tf.imaging.transform import square
from animegan_tf.ops import to_float

# Pictures are held in memory while all together take no more bytes than this.
MEMORY = 2**30
# Names in a batch of a photo and its partners, in their order.
_PHOTOS = ("photo", "photo_superpixels", "photo_painted")


@dataclass(frozen=True)
class Share:
    """Which pictures of a step's batch a process reads, where several devices work.

    The batch is cut into `of` equal parts, one a replica in their order. A process
    with `replicas` of them, from number `first` on, reads their parts in turn. If a
    step makes several `updates`, each has a batch of its own, which is cut.
    """

    first: int = 0
    replicas: int = 1
    of: int = 1
    updates: int = 1

    def place(self, number, replica, batch_size):
        """Where in the whole batch the picture `number` of a replica's part is."""
        update = batch_size // self.updates
        part = update // self.of
        return number // part * update + replica * part + number % part


def build_dataset(
    sources: Sources,
    data: DataConfig,
    steps: int | None = None,
    start_step: int = 0,
    readers=None,
    share: Share = Share(),
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
        readers: what `window_readers` made of these arguments, if several datasets
            share it.
        share: what of every batch is wanted; all of it by default. The batch size
            must be a multiple of `share.of * share.updates`.

    Returns:
        dataset of dicts `photo`, `photo_superpixels`, `anime`, `anime_smooth`, and
        `photo_painted` where `sources` have such, each
        `(batch, image_size, image_size, 3)` float32 in [-1, 1]. A picture and its
        partners have the same crop, flip and change of colour. With a share of several
        replicas, a step has as many elements, and each is a part of its batch.

    Raises:
        InputError: a file can no longer be read, or the cache cannot be written.
    """
    augment = build_augmenter(data.augment)
    readers = readers or window_readers(sources, data)
    part = data.batch_size // share.of

    def finish(turn, photos, anime_pairs):
        step, replica = _step_and_replica(turn, start_step, share)
        anime, anime_smooth = tf.unstack(anime_pairs, axis=1)
        seed = tf.stack([_seed(data), step])
        places = share.place(tf.range(part, dtype=tf.int64), replica, data.batch_size)
        anime, anime_smooth = augment(
            anime, anime_smooth, seed, places, data.batch_size
        )
        batch = dict(zip(_PHOTOS, tf.unstack(photos, axis=1)))
        batch |= {"anime": anime, "anime_smooth": anime_smooth}
        return {name: to_float(pictures) for name, pictures in batch.items()}

    kinds = [
        _samples(count, read, kind, data, start_step, share)
        .batch(part, drop_remainder=True)
        .prefetch(1)
        for kind, (count, read) in enumerate(readers)
    ]
    dataset = tf.data.Dataset.zip(tf.data.Dataset.counter(), *kinds)
    if steps is not None:
        dataset = dataset.take(steps * share.replicas)
    return dataset.map(finish, tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def _step_and_replica(turn, start_step, share):
    """Where a dataset's element number `turn` belongs."""
    return start_step + turn // share.replicas, share.first + turn % share.replicas


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


def window_readers(sources: Sources, data: DataConfig):
    """For each kind, its number of pictures and a function that cuts a window.

    Python code inside tf.data would compete with the training step for the
    interpreter lock, and it hangs the process if it still runs at exit. So pictures
    are decoded and squared before, into memory or, when they are too many, into PNG
    files that TensorFlow reads by itself.
    """
    size = loading_size(data)
    kinds = [
        [
            (sources.photos, square, "square"),
            (sources.photo_superpixels, _flat_square, "flat"),
        ],
        [(sources.anime, square, "square"), (sources.anime_smooth, square, "square")],
    ]
    if sources.photo_painted:
        kinds[0].append((sources.photo_painted, square, "square"))
    files = sum(len(paths) for kind in kinds for paths, *_ in kind)
    make = _memory_reader if files * size * size * 3 <= MEMORY else _file_reader
    return [(len(kind[0][0]), make(kind, size, data)) for kind in kinds]


def _memory_reader(kind, size, data):
    count = len(kind[0][0])
    pictures = np.empty((count, len(kind), size, size, 3), np.uint8)

    def load(index):
        for place, (paths, squared, _) in enumerate(kind):
            pictures[index, place] = squared(read_image(paths[index]), size)

    for _ in cache.in_threads(load, range(count), "loading pictures"):
        pass
    with tf.device("CPU"):  # or else it would fill the accelerator's memory
        kept = tf.constant(pictures)
    shape = (1, len(kind), data.image_size, data.image_size, 3)

    def read(index, top, left):
        return tf.slice(kept, tf.stack([index, 0, top, left, 0]), shape)[0]

    return read


def _square_files(paths, function, name, size, data):
    made = cache.derive(
        paths,
        data.cache,
        f"{name}-{size}",
        lambda image: function(image, size),
        "cutting squares",
    )
    return [str(path) for path in made]


def _file_reader(kind, size, data):
    files = [_square_files(*of_pictures, size, data) for of_pictures in kind]
    with tf.device("CPU"):
        names = tf.constant(files)  # (pictures and partners, count)
    shape = (len(files), data.image_size, data.image_size, 3)

    def decode(name):
        return tf.ensure_shape(
            tf.io.decode_png(tf.io.read_file(name), 3), (size, size, 3)
        )

    def read(index, top, left):
        pictures = tf.stack([decode(names[i, index]) for i in range(len(files))])
        return tf.slice(pictures, tf.stack([0, top, left, 0]), shape)

    return read


def _flat_square(image, size):
    """As `imaging.transform.square`, by the nearest pixel: flat regions stay flat."""
    height, width = image.shape[:2]
    side = min(height, width)
    nearest = ((np.arange(size) + 0.5) * side / size).astype(int)
    rows, columns = (height - side) // 2 + nearest, (width - side) // 2 + nearest
    return image[rows[:, None], columns]


def _samples(count, read, kind, data, start_step, share):
    """Endless dataset of one kind: pictures with their partners.

    uint8 `(1 + partners, image_size, image_size, 3)`.
    """
    key = 2 * _seed(data) + kind
    slack = loading_size(data) - data.image_size
    part = data.batch_size // share.of

    def sample(read_before):
        turn, place = read_before // part, read_before % part
        step, replica = _step_and_replica(turn, start_step, share)
        place = share.place(place, replica, data.batch_size)
        number = step * data.batch_size + place
        epoch, place = number // count, number % count
        index = tf.random.experimental.index_shuffle(
            place, tf.stack([key, epoch]), count - 1
        )
        draws = tf.random.stateless_uniform((3,), tf.stack([key, number]), alg="philox")
        corner = tf.cast(draws[:2] * (slack + 1), tf.int64)
        pair = read(index, corner[0], corner[1])
        if data.flip:
            # Not a slice with a negative step, which TensorFlow does slowly.
            pair = tf.where(draws[2] < 0.5, tf.reverse(pair, [2]), pair)
        return pair

    return tf.data.Dataset.counter().map(sample, tf.data.AUTOTUNE)


def _seed(data):
    """The run's seed as a number that fits, doubled, into an int64."""
    return tf.constant(data.seed % 2**32, tf.int64)
