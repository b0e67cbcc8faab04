"""One object that stylizes photos of any size."""

import os

import numpy as np

from animegan_tf.errors import InputError
from animegan_tf.imaging.color import (
    to_levels,
    to_range,
    with_chroma_of,
    without_alpha,
)
from animegan_tf.imaging.eyes import check_factor, with_large_eyes
from animegan_tf.imaging.faces import FaceDetector
from animegan_tf.imaging.retouch import retouched
from animegan_tf.imaging.transform import resize, shrink
from animegan_tf.inference.portraits import frame_sides, stylize_faces
from animegan_tf.inference.runtimes import KerasRuntime, Runtime, load_runtime
from animegan_tf.inference.tiling import PART, reduced, tiles_of
from animegan_tf.sizes import MIN_SIZE, MULTIPLE

LARGE = ("tiles", "shrink")
RESTS = ("paint", "keep")


class Stylizer:
    """Stylizes photos of any size.

    Args:
        model: a `Runtime`, a Keras generator or its main tail, or a path that
            `load_runtime` takes.
        max_side: the longest side, in pixels, that is stylized at once, which bounds
            memory.
        strength: from 0, the photo itself, to 1, the stylized picture.
        keep_color: give the picture the photo's chroma, (a, b) of CIE Lab; its
            lightness is the stylized one. Colours outside sRGB are clipped.
        tail: "main", or "support" for that tail's picture before the guided filter.
        large: what is done with photos that are larger than `max_side`: "tiles"
            stylizes them at their size, part by part, with the statistics of a reduced
            copy; "shrink" reduces them to `max_side`, and their pictures stay that
            small. None for tiles where the runtime can do so, which is Keras alone.
        retouch: work on the photo before and on the picture after, as
            `imaging.retouch.retouched` does.
        eyes: factor of `imaging.eyes.with_large_eyes` for the photo's eyes, or None.
        faces: None, or how faces are stylized each by itself, see
            `portraits.stylize_faces`: "paint" stylizes the rest of the photo too,
            "keep" leaves it as it is, at its size.
        detector: `FaceDetector`, or what is called alike; None for one that finds
            upright faces for `eyes`, and faces in any position for `faces`. It needs
            the extra `prepare`.

    Attributes:
        faces: list of the `Face`s that the last call found; None where none are looked
            for.

    Raises:
        InputError: a value is out of range, or the runtime cannot do what is wanted;
            and see `load_runtime` and `FaceDetector`.
        ValueError: `tail`, `large` or `faces` is none of the above.
    """

    def __init__(
        self,
        model,
        max_side: int = 1280,
        strength: float = 1.0,
        keep_color: bool = False,
        tail: str = "main",
        large: str | None = None,
        *,
        retouch: bool = False,
        eyes: float | None = None,
        faces: str | None = None,
        detector=None,
    ):
        if max_side < MIN_SIZE:
            raise InputError(
                f"max_side must be {MIN_SIZE} or more, received {max_side}."
            )
        if not 0 <= strength <= 1:
            raise InputError(f"strength must be between 0 and 1, received {strength}.")
        if large not in (None, *LARGE):
            raise ValueError(f"large must be one of {LARGE}, received {large!r}.")
        if faces not in (None, *RESTS):
            raise ValueError(f"faces must be one of {RESTS}, received {faces!r}.")
        if eyes is not None:
            check_factor(eyes)
        self._runtime = _runtime(model, tail)
        if large == "tiles" and not self._runtime.tiling:
            raise InputError(
                "tiles must be painted by keras, received another runtime."
            )
        self._tiles = self._runtime.tiling if large is None else large == "tiles"
        self._max_side, self._part = max_side, min(max_side, PART)
        self._strength, self._keep_color = strength, keep_color
        self._retouch, self._eyes, self._rest = retouch, eyes, faces
        self._eye_detector = self._face_detector = detector
        if eyes is not None and detector is None:
            self._eye_detector = FaceDetector()
        if faces is not None:
            self._frame_sides = frame_sides(self._runtime.sides, max_side)
            self._face_detector = detector or FaceDetector(turned=True)
        self.faces = None if eyes is None and faces is None else []

    def sized(self, image):
        """The photo at the size at which it will be stylized.

        Args:
            image: uint8 `(height, width, 3 or 4)`.

        Returns:
            uint8 of the same channels; `image` itself unless it has to be reduced.
        """
        whole = self._tiles or self._rest == "keep"
        return image if whole else shrink(image, self._max_side)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Stylizes one photo.

        Args:
            image: uint8 RGB or RGBA `(height, width, 3 or 4)`, both sides 16 or more.
                Alpha is kept; where it is 0, white is stylized and no face is seen.

        Returns:
            uint8, the same channels, of the same size or of the size that `sized`
            leaves.

        Raises:
            InputError: a side is under 16 pixels, or the runtime takes another size
                only.
        """
        sized = self.sized(image)
        if self._rest == "keep":
            picture = sized[..., :3].copy()
        else:
            # Colours that nobody sees must not show in those beside them.
            picture = self._stylized(without_alpha(sized))
        if self._rest is not None:
            # Faces are cut out of the photo before it was reduced.
            photo = without_alpha(image)
            self.faces = self._face_detector(photo)
            stylize_faces(
                *(picture, photo, self.faces, self._stylized, self._frame_sides),
                kept=self._rest == "keep",
            )
        return np.concatenate([picture, sized[..., 3:]], axis=-1)

    def _stylized(self, photo):
        """The picture of an opaque photo, with the steps before and after it."""
        self._check_sides(*photo.shape[:2])
        if self._eyes is not None:
            faces = self._eye_detector(photo)
            photo = with_large_eyes(photo, faces, self._eyes)
            if self._rest is None:
                self.faces = faces
        return retouched(self._plain, photo) if self._retouch else self._plain(photo)

    def _check_sides(self, height, width):
        if min(height, width) < MIN_SIZE:
            reduced_to = "" if self._tiles else f" at a longer side of {self._max_side}"
            raise InputError(
                f"a photo's sides must be {MIN_SIZE} pixels or more{reduced_to}, "
                f"received {width} x {height}."
            )
        sides = self._runtime.sides
        height, width = height + -height % MULTIPLE, width + -width % MULTIPLE
        if sides not in (None, (height, width)):
            raise InputError(
                f"the generator must be given photos of {sides[1]} x {sides[0]} "
                f"pixels, for which it was exported, received {width} x {height}."
            )

    def _plain(self, photo):
        """What the network makes of a photo, at once or in parts."""
        height, width = photo.shape[:2]
        # Mirrored rather than stretched to the multiple that the networks need.
        padding = [(0, -height % MULTIPLE), (0, -width % MULTIPLE), (0, 0)]
        photo = np.pad(photo, padding, mode="reflect")
        if max(photo.shape[:2]) <= self._max_side + MULTIPLE:
            return self._finished(photo, self._runtime(photo))[:height, :width]
        paint = self._runtime.measured(reduced(photo, self._part))
        picture = np.empty_like(photo)
        for outer, inner, place in tiles_of(photo.shape[:2], self._part):
            part = photo[outer]
            picture[place] = self._finished(part[inner], paint(part)[inner])
        return picture[:height, :width]

    def _finished(self, photo, picture):
        """uint8 of a picture in [-1, 1], its colours and its strength as wanted."""
        if self._keep_color:
            picture = with_chroma_of(photo, picture)
        if self._strength < 1:
            photo = to_range(photo)
            picture = (1 - self._strength) * photo + self._strength * picture
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
    if isinstance(model, Runtime):
        return model
    if isinstance(model, (str, os.PathLike)):
        return load_runtime(model, tail=tail)
    return KerasRuntime(model, tail)
