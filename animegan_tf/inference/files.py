"""Files of photos into files of pictures: reads, stylizes and writes at once."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice

import numpy as np

from animegan_tf.errors import FinalError, InputError
from animegan_tf.files import write_atomic
from animegan_tf.imaging.codec import encode_image, read_exif, read_image_alpha
from animegan_tf.inference.stylizer import compare

# Photos decoded before, and pictures encoded behind, the one that is stylized.
AHEAD = 2


def stylize_files(
    stylizer, jobs, side_by_side=False, keep_metadata=False, batch=1, after=None
):
    """Stylizes files in order, reading ahead and writing behind in threads.

    A picture has the photo's transparency where its format has any, else white there.

    Args:
        stylizer: `Stylizer`, or what is used as one.
        jobs: sequence of (Path of a photo, Path of its picture); a picture that is
            there is replaced.
        side_by_side: bool, write what `compare` gives.
        keep_metadata: bool, write the photo's EXIF block too: place, time, camera,
            names.
        batch: int, photos that are stylized at once. Above 1 the stylizer must have a
            method `batch` from a list of photos to one of pictures and InputErrors.
        after: None, or a callable that is given the photo's path after the stylizer
            had it and before it gets another.

    Yields:
        (photo, error) for each job, in order: the photo's path, and None once its
        picture is written or the InputError because of which there is none.

    Raises:
        InputError: `batch` is below 1.
        FinalError: no picture can be made or written at all.
    """

    if batch < 1:
        raise InputError(f"a batch must hold 1 photo or more, received {batch}.")
    read = partial(_read, stylizer.sized, keep_metadata)
    written = deque()
    with ThreadPoolExecutor(AHEAD) as readers, ThreadPoolExecutor(AHEAD) as writers:
        coming = zip(jobs, begun(readers, read, jobs))
        while group := list(islice(coming, batch)):
            photos = [future.result() for _, future in group]
            images = [image for image, _ in photos]
            pictures = _stylized(stylizer, [job[0] for job, _ in group], images, batch)
            for (job, _), (image, exif), picture in zip(group, photos, pictures):
                if after is not None and not isinstance(picture, InputError):
                    after(job[0])
                left = image if side_by_side else None
                outcome = writers.submit(_write, job[1], left, picture, exif)
                written.append((job[0], outcome))
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


def _read(sized, keep_metadata, job):
    """uint8 RGB, or RGBA where some is transparent, or the error; and its EXIF."""
    try:
        image, alpha = read_image_alpha(job[0])
        exif = read_exif(job[0]) if keep_metadata else None
    except InputError as error:
        return error, None
    return sized(image if alpha is None else np.dstack([image, alpha])), exif


def _stylized(stylizer, paths, images, batch):
    """The picture of each photo, or the error because of which there is none."""
    if batch > 1:
        good = [image for image in images if not isinstance(image, InputError)]
        pictures = iter(stylizer.batch(good) if good else ())
    for path, image in zip(paths, images):
        if isinstance(image, InputError):
            yield image
            continue
        picture = next(pictures) if batch > 1 else _outcome(stylizer, image)
        if isinstance(picture, InputError):
            picture = InputError(f"{path}: {picture}")
        yield picture


def _outcome(stylizer, image):
    try:
        return stylizer(image)
    except FinalError:
        raise
    except InputError as error:
        return error


def _write(path, photo, picture, exif):
    """None, or the error because of which there is no file."""
    if isinstance(picture, InputError):
        return picture
    image = picture if photo is None else compare(photo, picture)
    alpha = image[..., 3] if image.shape[-1] == 4 else None
    try:
        data = encode_image(image[..., :3], path.suffix, alpha, exif)
    except InputError as error:
        return InputError(f"{path}: {error}")
    try:
        write_atomic(path, data)
    except FinalError:
        raise
    except InputError as error:
        return error
    return None
