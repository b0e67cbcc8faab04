"""Photos to a server, pictures back."""

from pathlib import Path

import numpy as np

from animegan_tf.errors import InputError, OutputError
from animegan_tf.files import make_folder
from animegan_tf.imaging.codec import encode_image, read_image, write_image
from animegan_tf.imaging.color import to_levels, to_range
from animegan_tf.imaging.transform import shrink
from animegan_tf.serving.client import Refused


def paint(client, photos, signature="serving_default"):
    """Pictures of a batch of photos, painted by a server.

    Args:
        client: `RestClient` or `GrpcClient`.
        photos: list of uint8 RGB (height, width, 3), of any sizes for
            "serving_default", else of one.
        signature: one of `SIGNATURES`: what photos and pictures travel as, PNG files
            ("serving_default") or arrays.

    Returns:
        list of uint8 RGB, of the photos' sizes.

    Raises:
        Refused: the server cannot use one of the photos; or their sizes differ where
            they must not.
        InputError: see `RestClient`.
    """
    if signature != "serving_default" and len({x.shape for x in photos}) > 1:
        raise Refused(f"photos of one size must be sent to {signature}, received more.")
    values = client.predict(signature, [_encoded(x, signature) for x in photos])
    pictures = [_decoded(value, signature) for value in values]
    expected, received = _sizes(photos), _sizes(pictures)
    if received != expected:
        raise client.wrong_answer(f"pictures of {expected}", received)
    return pictures


def paint_files(client, jobs, signature="serving_default", batch=1, max_side=1280):
    """Paints files on a server, in order.

    Photos are turned upright by their EXIF and transparent parts become white before
    they are sent, without metadata.

    Args:
        client: `RestClient` or `GrpcClient`.
        jobs: sequence of (Path of a photo, Path of its picture); a picture that is
            there is replaced.
        signature: see `paint`.
        batch: int, number of photos in a request.
        max_side: int, larger photos are reduced to this first.

    Yields:
        (photo, error) for each job, in order: the photo's path, and None once its
        picture is written or the InputError because of which there is none.

    Raises:
        InputError: the server gives no pictures at all, none can be written, or
            `batch` or `max_side` is below 1.
    """
    if batch < 1:
        raise InputError(f"a batch must hold 1 photo or more, received {batch}.")
    if max_side < 1:
        raise InputError(f"max_side must be 1 or more, received {max_side}.")
    for start in range(0, len(jobs), batch):
        part = jobs[start : start + batch]
        photos = [_read(photo, max_side) for photo, _ in part]
        good = [photo for photo in photos if not isinstance(photo, InputError)]
        outcomes = iter(_outcomes(client, good, signature))
        for (photo, path), image in zip(part, photos):
            outcome = image if isinstance(image, InputError) else next(outcomes)
            if isinstance(outcome, Refused):
                outcome = InputError(f"{photo}: {outcome}")
            if isinstance(outcome, InputError):
                yield photo, outcome
                continue
            try:
                make_folder(path.parent)
                write_image(path, outcome)
            except OutputError:
                raise
            except InputError as error:
                yield photo, error
            else:
                yield photo, None


def _read(path, max_side):
    """A photo, or the error because of which there is none."""
    try:
        return shrink(read_image(path), max_side)
    except InputError as error:
        return error


def _outcomes(client, photos, signature):
    """A picture for each photo, or the error with which it is refused."""
    if not photos:
        return []
    try:
        return paint(client, photos, signature)
    except Refused as error:
        if len(photos) == 1:
            return [error]
    # One photo fails its whole batch: each alone shows which.
    return [_outcomes(client, [photo], signature)[0] for photo in photos]


def _encoded(photo, signature):
    """A photo as the signature takes it."""
    if signature == "serving_default":
        return encode_image(photo)
    return to_range(photo) if signature == "float" else photo


def _decoded(value, signature):
    """The picture in an output, or None where there is none."""
    if isinstance(value, bytes) != (signature == "serving_default"):
        return None
    if isinstance(value, bytes):
        try:
            return read_image(Path("picture"), value)
        except InputError:
            return None
    value = np.asarray(value)
    if signature == "float":
        return to_levels(value) if value.dtype.kind in "fiu" else None
    fits = value.dtype.kind in "iu" and np.array_equal(value, value & 255)
    return value.astype(np.uint8) if fits else None


def _sizes(pictures):
    """`64 x 48, none` for a list of pictures, some of which may be None."""
    return ", ".join(
        "none" if x is None else " x ".join(map(str, x.shape[1::-1] + x.shape[2:]))
        for x in pictures
    )
