"""From photos to pictures with a trained generator."""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import cv2
import keras
import numpy as np
import tensorflow as tf

from animegan_tf.errors import InputError
from animegan_tf.imaging.io import (
    encode_image,
    read_image_alpha,
    resize,
    shrink,
    write_atomic,
)
from animegan_tf.models import main_tail
from animegan_tf.models.generator import MIN_SIZE, MULTIPLE
from animegan_tf.ops import rgb_to_lab, to_float, to_uint8

TAILS = ("main", "support")
# Photos decoded before, and pictures encoded behind, the one that is painted.
_AHEAD = 2


def load_generator(path: Path) -> keras.Model:
    """Reads a `generator.keras`.

    Raises:
        InputError: no such file, or not a generator of this package.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"the generator {path} must be a file; there is none")
    try:
        model = keras.saving.load_model(path, compile=False)
        channels = model.input_shape[-1], main_tail(model).output_shape[-1]
    except Exception as error:  # zip, JSON and HDF5 each fail in their own ways
        reason = str(error).strip().splitlines()[0]
        raise InputError(
            f"{path} must be a generator.keras of tools/train.py: {reason}"
        ) from error
    if channels != (3, 3):
        raise InputError(
            f"{path} must turn pictures of 3 channels into the same; it has {channels}"
        )
    return model


class Stylizer:
    """Paints photos of any size.

    Args:
        model: a generator, its main tail, or the path of a `generator.keras`.
        max_side: photos with a longer side are reduced to it first, which bounds
            memory; their pictures stay at that size.
        strength: from 0, the photo itself, to 1, the painted picture.
        keep_color: give the picture the photo's chroma, (a, b) of CIE Lab; its
            lightness is the painted one. Colours outside sRGB are clipped.
        tail: "main", or "support" for that tail's picture before the guided filter.

    Raises:
        InputError: `max_side` or `strength` is out of range, or the model has no
            support tail; and see `load_generator`.
        ValueError: `tail` is none of the above.
    """

    def __init__(
        self,
        model,
        max_side: int = 1280,
        strength: float = 1.0,
        keep_color: bool = False,
        tail: str = "main",
    ):
        if max_side < MIN_SIZE:
            raise InputError(f"max_side must be {MIN_SIZE} or more; got {max_side}")
        if not 0 <= strength <= 1:
            raise InputError(f"strength must be between 0 and 1; got {strength}")
        if tail not in TAILS:
            raise ValueError(f"`tail` must be one of {TAILS}. Received: {tail!r}")
        if not isinstance(model, keras.Model):
            model = load_generator(model)
        self.model = main_tail(model) if tail == "main" else _support_tail(model)
        self.max_side, self.strength, self.keep_color = max_side, strength, keep_color
        # Of any size: a photo of another shape must not cost a new trace.
        self._paint = tf.function(
            self._painted,
            input_signature=[tf.TensorSpec([1, None, None, 3], tf.uint8)],
        )

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Paints one photo.

        Args:
            image: uint8 RGB or RGBA `(height, width, 3 or 4)`, both sides 16 or more.
                Alpha is kept; where it is 0, white is painted.

        Returns:
            uint8, the same channels, of the same size or of the size that `max_side`
            leaves.

        Raises:
            InputError: a side is under 16 pixels.
        """
        image = shrink(image, self.max_side)
        height, width = image.shape[:2]
        if min(height, width) < MIN_SIZE:
            raise InputError(
                f"a photo's sides must be {MIN_SIZE} pixels or more at a longer side "
                f"of at most {self.max_side}; got {width} x {height}"
            )
        photo, alpha = image[..., :3], image[..., 3:]
        if alpha.size:
            # Colours that nobody sees must not show in those beside them.
            photo = np.where(alpha == 0, np.uint8(255), photo)
        # Mirrored rather than stretched to the multiple that the networks need.
        padding = [(0, -height % MULTIPLE), (0, -width % MULTIPLE), (0, 0)]
        padded = np.pad(photo, padding, mode="reflect")
        picture = self._paint(padded[None])[0, :height, :width].numpy()
        if self.strength < 1 or self.keep_color:
            picture = self._finished(photo, picture)
        return np.concatenate([picture, alpha], axis=-1)

    def _painted(self, image):
        """The picture as uint8; in [-1, 1] or as Lab where there is more to do."""
        photo = to_float(image)
        picture = self.model(photo, training=False)
        if self.keep_color:
            lightness, chroma = rgb_to_lab(picture)[..., :1], rgb_to_lab(photo)[..., 1:]
            return tf.concat([lightness, chroma], axis=-1)
        return picture if self.strength < 1 else to_uint8(picture)

    def _finished(self, photo, picture):
        if self.keep_color:
            picture = cv2.cvtColor(picture, cv2.COLOR_Lab2RGB) * 2 - 1
        photo = np.asarray(to_float(photo))
        return to_uint8((1 - self.strength) * photo + self.strength * picture).numpy()


def compare(photo, picture):
    """A photo on the left and its picture on the right.

    Args:
        photo: uint8 RGB or RGBA `(any height, any width, 3 or 4)`.
        picture: what `Stylizer` made of it.

    Returns:
        uint8 of the same channels, as high as `picture` and twice as wide.
    """
    height, width = picture.shape[:2]
    return np.hstack([resize(photo, width, height), picture])


def paint_files(stylizer, jobs, side_by_side=False):
    """Paints files in order, reading ahead and writing behind in threads.

    A picture has the photo's transparency where its format has any, else white there,
    and none of the photo's metadata.

    Args:
        stylizer: `Stylizer`.
        jobs: sequence of (Path of a photo, Path of its picture); a picture that is
            there is replaced.
        side_by_side: bool, write what `compare` gives.

    Yields:
        (photo, error) for each job, in order: the photo's path, and None once its
        picture is written or the InputError because of which there is none.

    Raises:
        InputError: a picture cannot be written; the others would fail as well.
    """

    def read(job):
        return shrink(_read(job[0]), stylizer.max_side)

    def paint(photo, image):
        try:
            picture = stylizer(image)
        except InputError as error:
            raise InputError(f"{photo}: {error}") from error
        return compare(image, picture) if side_by_side else picture

    written = deque()
    with ThreadPoolExecutor(_AHEAD) as readers, ThreadPoolExecutor(_AHEAD) as writers:
        for (photo, path), image in zip(jobs, _begun(readers, read, jobs)):
            try:
                picture = paint(photo, image.result())
                outcome = writers.submit(_write, path, picture)
            except InputError as error:
                outcome = Future()
                outcome.set_result(error)
            written.append((photo, outcome))
            if len(written) > _AHEAD:
                photo, outcome = written.popleft()
                yield photo, outcome.result()
        for photo, outcome in written:
            yield photo, outcome.result()


def _support_tail(generator):
    if not isinstance(generator.output, dict):
        raise InputError("the generator must have a support tail; got a main tail")
    return keras.Model(
        generator.input, generator.output["support"], name="support_tail"
    )


def _begun(pool, function, items):
    """A future for each item, in order; a few are begun before their turn."""
    futures = deque()
    for item in items:
        futures.append(pool.submit(function, item))
        if len(futures) > _AHEAD:
            yield futures.popleft()
    while futures:
        yield futures.popleft()


def _read(path):
    """uint8 RGB, or RGBA where some of the picture is transparent."""
    image, alpha = read_image_alpha(path)
    return image if alpha is None else np.dstack([image, alpha])


def _write(path, image):
    """None, or the error of a picture that does not fit its format."""
    alpha = image[..., 3] if image.shape[-1] == 4 else None
    try:
        data = encode_image(image[..., :3], path.suffix, alpha)
    except InputError as error:
        return InputError(f"{path}: {error}")
    write_atomic(path, data)
    return None
