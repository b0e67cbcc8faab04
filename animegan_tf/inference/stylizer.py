"""One object that paints photos of any size."""

import numpy as np

from animegan_tf.errors import InputError
from animegan_tf.imaging.color import (
    to_levels,
    to_range,
    with_chroma_of,
    without_alpha,
)
from animegan_tf.imaging.transform import resize, shrink
from animegan_tf.inference.runtimes import KerasRuntime, load_runtime
from animegan_tf.inference.tiles import tiles_of
from animegan_tf.sizes import MIN_SIZE, MULTIPLE

LARGE = ("tiles", "shrink")
# Larger parts are no faster; with these, 12 megapixels fit into 2 GiB.
_PART = 1024


class Stylizer:
    """Paints photos of any size.

    Args:
        model: a runtime of `animegan_tf.inference.runtimes`, a Keras generator or its
            main tail, or a path that `load_runtime` takes.
        max_side: the longest side, in pixels, that is painted at once, which bounds
            memory.
        strength: from 0, the photo itself, to 1, the painted picture.
        keep_color: give the picture the photo's chroma, (a, b) of CIE Lab; its
            lightness is the painted one. Colours outside sRGB are clipped.
        tail: "main", or "support" for that tail's picture before the guided filter.
        large: what is done with photos that are larger than `max_side`: "tiles" paints
            them at their size, part by part, with the statistics of a reduced copy;
            "shrink" reduces them to `max_side`, and their pictures stay that small.
            None for tiles where the runtime can do so, which is Keras alone.

    Raises:
        InputError: a value is out of range, or the runtime cannot paint tiles; and see
            `load_runtime`.
        ValueError: `tail` or `large` is none of the above.
    """

    def __init__(
        self,
        model,
        max_side: int = 1280,
        strength: float = 1.0,
        keep_color: bool = False,
        tail: str = "main",
        large: str | None = None,
    ):
        if max_side < MIN_SIZE:
            raise InputError(f"max_side must be {MIN_SIZE} or more; got {max_side}")
        if not 0 <= strength <= 1:
            raise InputError(f"strength must be between 0 and 1; got {strength}")
        if large not in (None, *LARGE):
            raise ValueError(f"`large` must be one of {LARGE}. Received: {large!r}")
        self.runtime = _runtime(model, tail)
        tiling = hasattr(self.runtime, "measured")
        if large == "tiles" and not tiling:
            raise InputError("tiles must be painted by keras; got another runtime")
        self.tiles = tiling if large is None else large == "tiles"
        self.max_side, self.part = max_side, min(max_side, _PART)
        self.strength, self.keep_color = strength, keep_color

    def sized(self, image):
        """The photo at the size at which it will be painted.

        Args:
            image: uint8 `(height, width, 3 or 4)`.

        Returns:
            uint8 of the same channels; `image` itself unless it has to be reduced.
        """
        return image if self.tiles else shrink(image, self.max_side)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Paints one photo.

        Args:
            image: uint8 RGB or RGBA `(height, width, 3 or 4)`, both sides 16 or more.
                Alpha is kept; where it is 0, white is painted.

        Returns:
            uint8, the same channels, of the same size or of the size that `sized`
            leaves.

        Raises:
            InputError: a side is under 16 pixels, or the runtime takes another size
                only.
        """
        image = self.sized(image)
        height, width = image.shape[:2]
        if min(height, width) < MIN_SIZE:
            reduced = "" if self.tiles else f" at a longer side of {self.max_side}"
            raise InputError(
                f"a photo's sides must be {MIN_SIZE} pixels or more{reduced}; "
                f"got {width} x {height}"
            )
        # Colours that nobody sees must not show in those beside them.
        photo, alpha = without_alpha(image), image[..., 3:]
        # Mirrored rather than stretched to the multiple that the networks need.
        padding = [(0, -height % MULTIPLE), (0, -width % MULTIPLE), (0, 0)]
        padded = np.pad(photo, padding, mode="reflect")
        self._check_sides(padded)
        picture = self._painted(padded)[:height, :width]
        return np.concatenate([picture, alpha], axis=-1)

    def _check_sides(self, padded):
        sides = self.runtime.sides
        if sides not in (None, padded.shape[:2]):
            raise InputError(
                f"the generator must be given photos of {sides[1]} x {sides[0]} "
                f"pixels, for which it was exported; got {padded.shape[1]} x "
                f"{padded.shape[0]}"
            )

    def _painted(self, photo):
        """The finished picture of a photo whose sides are multiples of 8."""
        if max(photo.shape[:2]) <= self.max_side + MULTIPLE:
            return self._finished(photo, self.runtime(photo))
        paint = self.runtime.measured(_reduced(photo, self.part))
        picture = np.empty_like(photo)
        for outer, inner, place in tiles_of(photo.shape[:2], self.part):
            part = photo[outer]
            picture[place] = self._finished(part[inner], paint(part)[inner])
        return picture

    def _finished(self, photo, picture):
        """uint8 of a picture in [-1, 1], its colours and its share as wanted."""
        if self.keep_color:
            picture = with_chroma_of(photo, picture)
        if self.strength < 1:
            photo = to_range(photo)
            picture = (1 - self.strength) * photo + self.strength * picture
        return to_levels(picture)


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


def _runtime(model, tail):
    if hasattr(model, "sides"):
        return model
    if hasattr(model, "layers"):
        return KerasRuntime(model, tail)
    return load_runtime(model, tail=tail)


def _reduced(photo, side):
    """A copy with no side over `side`, unless the other would become too short.

    Its sides are multiples of 8, which may stretch it by a few pixels: it is measured
    only, never seen.
    """
    scale = max(side / max(photo.shape[:2]), MIN_SIZE / min(photo.shape[:2]))
    height, width = (
        max(MIN_SIZE, round(length * scale / MULTIPLE) * MULTIPLE)
        for length in photo.shape[:2]
    )
    return resize(photo, width, height)
