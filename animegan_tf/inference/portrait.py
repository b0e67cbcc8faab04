"""Photos of people: each face painted by itself, upright, as the network learned them.

The plain way paints a photo as it is. A face in it may be too small, too large or too
slanted for a network that has seen faces in one frame, and shares its statistics with
all that is around. Here it is cut out as for training, painted, and laid back.
"""

import math

import numpy as np

from animegan_tf.errors import InputError
from animegan_tf.imaging.color import without_alpha
from animegan_tf.imaging.faces import FaceDetector, align_face, alignment
from animegan_tf.imaging.patches import blend, fitted, side_of, with_tone_of
from animegan_tf.sizes import MIN_SIZE, MULTIPLE

RESTS = ("paint", "keep")


class PortraitStylizer:
    """Paints the faces of photos each by itself; used as a `Stylizer` is.

    Every face is turned upright in the frame of the training pictures, which has about
    as many pixels as in the photo, painted, turned back and blended in. Faces that are
    close part the picture between them.

    Args:
        stylizer: `Stylizer`, paints the frames and, with "paint", the rest.
        detector: `FaceDetector`, or what is called alike; None for one that finds faces
            in any position, which needs the extra `prepare`.
        rest: "paint" paints the rest of the photo too, "keep" leaves it as it is, at
            its size.
        sides: (int, int), smallest and largest side of a frame, in pixels. A runtime
            that takes one size only decides itself.

    Attributes:
        faces: list of the `Face`s that the last call painted; empty if it found none.

    Raises:
        InputError: no frame fits the runtime or `sides`; and see `FaceDetector`.
        ValueError: `rest` is none of the above.
    """

    def __init__(
        self,
        stylizer,
        detector=None,
        rest: str = "paint",
        sides: tuple[int, int] = (256, 1024),
    ):
        if rest not in RESTS:
            raise ValueError(f"`rest` must be one of {RESTS}. Received: {rest!r}")
        self.stylizer, self.rest = stylizer, rest
        self.sides = _possible_sides(stylizer, sides)
        self.detector = FaceDetector(turned=True) if detector is None else detector
        self.faces = []

    def sized(self, image):
        """As `Stylizer.sized`; the photo itself where the rest of it is kept."""
        return self.stylizer.sized(image) if self.rest == "paint" else image

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Paints one photo.

        Args:
            image: uint8 RGB or RGBA `(height, width, 3 or 4)`. Alpha is kept; where it
                is 0, faces are not seen.

        Returns:
            uint8, the same channels, of the same size or of the size that `sized`
            leaves. Without a face, what the stylizer paints, or the photo.

        Raises:
            InputError: see `Stylizer`.
        """
        photo = without_alpha(image)
        self.faces = self.detector(photo)
        picture = self.stylizer(image) if self.rest == "paint" else image.copy()
        ground = picture[..., :3]
        blend(ground, [self._patch(photo, face, ground) for face in self.faces])
        return picture

    def _patch(self, photo, face, ground):
        """The painted face for a picture that is `ground` elsewhere."""
        to_photo = _between(ground.shape, photo.shape)
        to_square = alignment(face.landmarks, 1) @ to_photo
        to_square[:, 2] += 0.5
        native = math.ceil(side_of(to_square) / MULTIPLE) * MULTIPLE
        side = int(np.clip(native, *self.sides))
        to_frame = alignment(face.landmarks, side)
        frame = align_face(photo, to_frame, side)
        # Where the rest is kept, the photo lies below, but for hidden colours.
        below = frame
        if self.rest == "paint":
            below = align_face(ground, to_frame @ to_photo, side, "reflect")
        return fitted(with_tone_of(below, self.stylizer(frame), frame), to_square)


def _between(shape, other):
    """3 x 3, from pixel coordinates of one size of a picture to those of another."""
    scale = np.array([other[1], other[0]]) / [shape[1], shape[0]]
    matrix = np.diag([*scale, 1])
    matrix[:2, 2] = scale / 2 - 0.5
    return matrix


def _possible_sides(stylizer, sides):
    """Smallest and largest side of the frames that a stylizer paints at once."""
    fixed = stylizer.runtime.sides
    if fixed is not None and fixed[0] != fixed[1]:
        raise InputError(
            "the generator must take squares to paint faces; got one for "
            f"{fixed[1]} x {fixed[0]} pixels"
        )
    smallest, largest = fixed or (
        min(side, stylizer.max_side) // MULTIPLE * MULTIPLE for side in sides
    )
    if not MIN_SIZE <= smallest <= largest:
        raise InputError(
            f"the sides of a face's frame must be {MIN_SIZE} pixels or more, the "
            f"smaller one first; got {sides[0]} and {sides[1]}"
        )
    return smallest, largest
