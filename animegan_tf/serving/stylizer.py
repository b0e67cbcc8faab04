"""Photos to a server, pictures back."""

from pathlib import Path

import numpy as np

from animegan_tf.errors import InputError
from animegan_tf.imaging.codec import encode_image, lay_over, read_image
from animegan_tf.imaging.color import to_levels, to_range
from animegan_tf.imaging.transform import shrink
from animegan_tf.serving.client import Refused


class ServedStylizer:
    """Has photos stylized by a server; used as `inference.Stylizer` is.

    Transparent parts become white before a photo is sent.

    Args:
        client: `RestClient` or `GrpcClient`.
        signature: one of `SIGNATURES`: what photos and pictures travel as, PNG files
            ("serving_default") or arrays.
        max_side: int, larger photos are reduced to this first.

    Raises:
        InputError: `max_side` is below 1.
    """

    faces = None

    def __init__(self, client, signature="serving_default", max_side=1280):
        if max_side < 1:
            raise InputError(f"max_side must be 1 or more, received {max_side}.")
        self._client, self._signature = client, signature
        self._max_side = max_side

    def sized(self, image):
        """uint8 RGB of a photo, RGB or RGBA, as it is sent."""
        alpha = image[..., 3] if image.shape[2] == 4 else None
        return shrink(lay_over(image[..., :3], alpha, 255), self._max_side)

    def __call__(self, image):
        """The picture of one photo.

        Args:
            image: uint8 RGB `(height, width, 3)`.

        Returns:
            uint8 RGB of the same shape.

        Raises:
            Refused: the server cannot use the photo.
            ServerError: it gives no pictures at all.
        """
        return self._asked([image])[0]

    def batch(self, images):
        """Pictures of several photos, asked for at once where that can be done.

        Args:
            images: list of uint8 RGB.

        Returns:
            list of the pictures, and of `Refused` where the server cannot use one.

        Raises:
            ServerError: it gives no pictures at all.
        """
        try:
            return self._asked(images)
        except Refused as error:
            if len(images) == 1:
                return [error]
        # One photo fails its whole batch: each alone shows which.
        return [self.batch([image])[0] for image in images]

    def _asked(self, photos):
        files = self._signature == "serving_default"
        if not files and len({photo.shape for photo in photos}) > 1:
            raise Refused(
                f"photos of one size must be sent to {self._signature}, received more."
            )
        if files:
            values = [encode_image(photo) for photo in photos]
        else:
            as_float = self._signature == "float"
            values = [to_range(x) if as_float else x for x in photos]
        answers = self._client.predict(self._signature, values)
        pictures = [_decoded(answer, self._signature) for answer in answers]
        expected, received = _sizes(photos), _sizes(pictures)
        if received != expected:
            raise self._client.wrong_answer(f"pictures of {expected}", received)
        return pictures


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
