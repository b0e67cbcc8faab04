"""From a photo to a picture with a trained generator."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from animegan_tf.errors import InputError
from animegan_tf.imaging.io import resize
from animegan_tf.models import main_tail
from animegan_tf.models.generator import MIN_SIZE, MULTIPLE
from animegan_tf.ops import to_float, to_uint8


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
            memory.

    Raises:
        InputError: see `load_generator`.
    """

    def __init__(self, model, max_side: int = 1280):
        if max_side < MIN_SIZE:
            raise InputError(f"max_side must be {MIN_SIZE} or more; got {max_side}")
        if not isinstance(model, keras.Model):
            model = load_generator(model)
        self.model, self.max_side = main_tail(model), max_side
        # Of any size: a photo of another shape must not cost a new trace.
        self._paint = tf.function(
            lambda image: to_uint8(self.model(to_float(image), training=False)),
            input_signature=[tf.TensorSpec([1, None, None, 3], tf.uint8)],
        )

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Paints one photo.

        Args:
            image: uint8 RGB `(height, width, 3)`, both sides 16 or more.

        Returns:
            uint8 RGB of the same size, or of the size that `max_side` leaves.

        Raises:
            InputError: a side is under 16 pixels.
        """
        longest = max(image.shape[:2])
        if longest > self.max_side:
            scale = self.max_side / longest
            height, width = (max(1, round(side * scale)) for side in image.shape[:2])
            image = resize(image, width, height)
        height, width = image.shape[:2]
        if min(height, width) < MIN_SIZE:
            raise InputError(
                f"a photo's sides must be {MIN_SIZE} pixels or more at a longer side "
                f"of at most {self.max_side}; got {width} x {height}"
            )
        # Mirrored rather than stretched to the multiple that the networks need.
        padding = [(0, -height % MULTIPLE), (0, -width % MULTIPLE), (0, 0)]
        padded = np.pad(image, padding, mode="reflect")
        return self._paint(padded[None])[0, :height, :width].numpy()
