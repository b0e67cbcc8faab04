"""Photos of people: each face stylized by itself, upright, as the network learned them.

The plain way takes a photo as it is. A face in it may be too small, too large or too
slanted for a network that has seen faces in one frame, and shares its statistics with
all that is around. Here it is cut out as for training, stylized, and laid back.
"""

import math

import numpy as np

from animegan_tf.errors import InputError
from animegan_tf.imaging.alignment import align_face, alignment
from animegan_tf.imaging.patches import blend, fitted, side_of, with_tone_of
from animegan_tf.sizes import MULTIPLE

# Smallest and largest side of a frame, in pixels.
SIDES = (256, 1024)


def frame_sides(fixed, max_side: int) -> tuple[int, int]:
    """Smallest and largest side of the frames that can be stylized at once.

    Args:
        fixed: `(height, width)`, the only size that the runtime takes, or None.
        max_side: the longest side that is stylized at once.

    Returns:
        (int, int), multiples of 8 unless the runtime decides.

    Raises:
        InputError: no square fits the runtime.
    """
    if fixed is None:
        smallest, largest = (min(x, max_side) // MULTIPLE * MULTIPLE for x in SIDES)
        return smallest, largest
    if fixed[0] != fixed[1]:
        raise InputError(
            "the generator must take squares to paint faces, received one for "
            f"{fixed[1]} x {fixed[0]} pixels."
        )
    return fixed


def stylize_faces(picture, photo, faces, stylize, sides, kept=False):
    """Stylizes the faces of a photo and lays them into a picture, in place.

    Every face is turned upright in the frame of the training pictures, which has about
    as many pixels as in the photo, stylized, turned back and blended in. Faces that
    are close part the picture between them.

    Args:
        picture: uint8 RGB `(height, width, 3)`, writable, of the photo or of a reduced
            one.
        photo: uint8 RGB `(any height, any width, 3)`.
        faces: sequence of the photo's `Face`s.
        stylize: callable, uint8 RGB `(side, side, 3)` to the same.
        sides: smallest and largest side of a frame.
        kept: whether the picture is the photo; else it is a stylized one. The faces
            take its tone outwards.
    """

    def patch(face):
        to_photo = _between(picture.shape, photo.shape)
        to_square = alignment(face.landmarks, 1) @ to_photo
        to_square[:, 2] += 0.5
        native = math.ceil(side_of(to_square) / MULTIPLE) * MULTIPLE
        side = int(np.clip(native, *sides))
        to_frame = alignment(face.landmarks, side)
        frame = ground = align_face(photo, to_frame, side)
        if not kept:  # the picture may have colours that the photo hides
            ground = align_face(picture, to_frame @ to_photo, side, "reflect")
        return fitted(with_tone_of(ground, stylize(frame), frame), to_square)

    blend(picture, [patch(face) for face in faces])


def _between(shape, other):
    """3 x 3, from pixel coordinates of one size of a picture to those of another."""
    scale = np.array([other[1], other[0]]) / [shape[1], shape[0]]
    matrix = np.diag([*scale, 1])
    matrix[:2, 2] = scale / 2 - 0.5
    return matrix
