"""Files of photos into files of pictures: reads, paints and writes at once."""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from animegan_tf.errors import InputError, OutputError
from animegan_tf.files import write_atomic
from animegan_tf.imaging.codec import encode_image, read_exif, read_image_alpha
from animegan_tf.inference.stylizer import compare

# Photos decoded before, and pictures encoded behind, the one that is painted.
AHEAD = 2


def paint_files(stylizer, jobs, side_by_side=False, keep_metadata=False, painted=None):
    """Paints files in order, reading ahead and writing behind in threads.

    A picture has the photo's transparency where its format has any, else white there.

    Args:
        stylizer: `Stylizer`.
        jobs: sequence of (Path of a photo, Path of its picture); a picture that is
            there is replaced.
        side_by_side: bool, write what `compare` gives.
        keep_metadata: bool, write the photo's EXIF block too: place, time, camera,
            names.
        painted: None, or a callable that is given the photo's path after the stylizer
            has painted it and before it paints another.

    Yields:
        (photo, error) for each job, in order: the photo's path, and None once its
        picture is written or the InputError because of which there is none.

    Raises:
        OutputError: no picture can be written there.
    """

    def read(job):
        exif = read_exif(job[0]) if keep_metadata else None
        return stylizer.sized(_read(job[0])), exif

    def paint(photo, image):
        try:
            picture = stylizer(image)
        except InputError as error:
            raise InputError(f"{photo}: {error}") from error
        if painted is not None:
            painted(photo)
        return compare(image, picture) if side_by_side else picture

    written = deque()
    with ThreadPoolExecutor(AHEAD) as readers, ThreadPoolExecutor(AHEAD) as writers:
        for (photo, path), image in zip(jobs, begun(readers, read, jobs)):
            try:
                image, exif = image.result()
                outcome = writers.submit(_write, path, paint(photo, image), exif)
            except InputError as error:
                outcome = Future()
                outcome.set_result(error)
            written.append((photo, outcome))
            if len(written) > AHEAD:
                photo, outcome = written.popleft()
                yield photo, outcome.result()
        for photo, outcome in written:
            yield photo, outcome.result()


def begun(pool, function, items):
    """Applies a function in threads, to a few items before their turn.

    Args:
        pool: `concurrent.futures.Executor`.
        function: callable of an item.
        items: iterable.

    Yields:
        a future for each item, in order.
    """
    futures = deque()
    for item in items:
        futures.append(pool.submit(function, item))
        if len(futures) > AHEAD:
            yield futures.popleft()
    while futures:
        yield futures.popleft()


def _read(path):
    """uint8 RGB, or RGBA where some of the picture is transparent."""
    image, alpha = read_image_alpha(path)
    return image if alpha is None else np.dstack([image, alpha])


def _write(path, image, exif):
    """None, or the error of a picture that does not fit its format or its place."""
    alpha = image[..., 3] if image.shape[-1] == 4 else None
    try:
        data = encode_image(image[..., :3], path.suffix, alpha, exif)
    except InputError as error:
        return InputError(f"{path}: {error}")
    try:
        write_atomic(path, data)
    except OutputError:
        raise
    except InputError as error:
        return error
    return None
