"""The frame that shows all faces alike: where landmarks lie in it; cutting it out."""

import math

import cv2
import numpy as np
from PIL import Image

from animegan_tf.errors import InputError
from animegan_tf.imaging.codec import check_rgb
from animegan_tf.imaging.transform import resize

FILLS = ("reflect", "blur")
MARGIN = 0.25

# Mean shape of the landmarks that MTCNN finds in 1,336 portraits, aligned to each
# other (generalised Procrustes analysis), then made symmetric. The unit is the
# distance of the eyes, the origin lies midway between them, y points down.
_MEAN_LANDMARKS = np.array(
    [[-0.5, 0], [0.5, 0], [0, 0.595], [-0.467, 1.037], [0.467, 1.037]]
)
# Top and bottom of MTCNN's box around the same faces, brows to chin.
_FACE_TOP, _FACE_BOTTOM = -1.13, 1.78
_FACE_SIDE = _FACE_BOTTOM - _FACE_TOP
# Hair needs more room above the box than the neck below it. With this share of the
# space above, a wider frame moves the eyes down, to 0.53 of its height at a margin
# of 0.5; anime portraits have them at 0.55 to 0.58.
_SHARE_ABOVE = 2 / 3
# Widths of the two blurs of the fill, and how far outside of the picture each has
# full strength, in units of the frame: the first dissolves the streaks that
# continuing the border leaves, the second what would still look like a shape.
_BLURS = ((0.01, 0.01), (0.04, 0.08))


def canonical_landmarks(size: int, margin: float = MARGIN):
    """Where the landmarks of a face belong in a square frame.

    The face, from the brows to the chin as the detector boxes it, measures
    `size / (1 + 2 * margin)` in height. Half as much again of it is left free by
    default: a quarter of the face on either side, a third above, for the hair, and
    a sixth below, for neck and shoulders. The eyes are then 0.23 of the frame apart
    and at 0.48 of its height; FFHQ's photos are cropped as with a margin of 0.2.

    Args:
        size: int, side of the frame in pixels, at least 1.
        margin: float, at least 0; space around the face on either side, in units of
            the face's height. 0 is tight.

    Returns:
        float64 (5, 2), x and y in pixels, in the order of `Face.landmarks`.

    Raises:
        InputError: a value is out of range.
    """
    if size < 1:
        raise InputError(f"size must be at least 1, received {size}.")
    if not 0 <= margin < math.inf:
        raise InputError(f"margin must be at least 0, received {margin}.")
    space = 2 * margin * _FACE_SIDE
    side = _FACE_SIDE + space
    corner = [-side / 2, _FACE_TOP - _SHARE_ABOVE * space]
    return (_MEAN_LANDMARKS - corner) * (size / side) - 0.5


def alignment(landmarks, size: int, margin: float = MARGIN):
    """The similarity that carries a face's landmarks to the canonical ones.

    Turning, scaling by one factor and shifting, never mirroring, with the least sum
    of squared distances. `cv2.invertAffineTransform` gives the way back.

    Args:
        landmarks: (5, 2), x and y in pixels of the picture, as `Face.landmarks`.
        size, margin: as in `canonical_landmarks`.

    Returns:
        float64 (2, 3), from the picture's pixel coordinates to the frame's.

    Raises:
        InputError: `size` or `margin` is out of range.
        ValueError: the landmarks do not span a face.

    Reference:
        Umeyama, *Least-squares estimation of transformation parameters between two
        point patterns*, TPAMI 1991. In the plane, with points as complex numbers, it
        is the fit of a line.
    """
    source = np.asarray(landmarks, np.float64) @ [1, 1j]
    target = canonical_landmarks(size, margin) @ [1, 1j]
    spread = source - source.mean()
    turn = np.vdot(spread, target - target.mean())
    with np.errstate(divide="ignore", invalid="ignore"):
        turn = turn / np.vdot(spread, spread).real
    if not (np.isfinite(turn) and abs(turn) > 0):
        raise ValueError(f"landmarks must span a face, received {landmarks}.")
    shift = target.mean() - turn * source.mean()
    return np.array(
        [[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]]
    )


def align_face(image, transform, size: int, fill: str = "blur"):
    """Cut an aligned square out of a picture, without aliasing when it shrinks.

    Args:
        image: uint8 RGB (height, width, 3).
        transform: (2, 3), a similarity from the picture's pixel coordinates to the
            frame's, as `alignment` gives it.
        size: int, side of the frame, at least 1.
        fill: what is painted outside of the picture: "reflect", its mirror image,
            or "blur", its border continued and blurred. The mirror image keeps the
            texture of a background, but sets a second, upside-down head of hair on
            a photo that is cut close above the first.

    Returns:
        uint8 RGB (size, size, 3).

    Raises:
        InputError: `size` or `fill` is unknown or out of range.
        ValueError: `image` is not uint8 RGB, or `transform` cannot be inverted.
    """
    if size < 1:
        raise InputError(f"size must be at least 1, received {size}.")
    if fill not in FILLS:
        raise InputError(f"fill must be one of {', '.join(FILLS)}, received {fill!r}.")
    check_rgb(image)
    shrinking = _shrinking(transform)
    # The frame is sampled without shrinking, and reduced by a resampling with the
    # right kernel. A much larger picture is reduced to 2 to 4 times the size first.
    factor = max(1, math.floor(shrinking / 2))
    oversampling = max(1, math.ceil(shrinking / factor))
    x, y = _source_coordinates(transform, size, oversampling)
    inside = _mirrored if fill == "reflect" else _clamped
    x, y = inside(x, image.shape[1]), inside(y, image.shape[0])
    aligned = resize(_sample(image, x, y, factor), size, size)
    if fill == "blur":
        distance = _distance_outside(transform, size, image.shape) / size
        if distance.any():  # else the blurs, most of the time, change nothing
            aligned = _blur_by(aligned, distance)
    return aligned


def _shrinking(transform):
    """How many of the picture's pixels make one of the frame's, per axis."""
    area = abs(np.linalg.det(np.asarray(transform, np.float64)[:, :2]))
    if not 0 < area < math.inf:
        raise ValueError(f"transform must be invertible, received {transform}.")
    return area**-0.5


def _source_coordinates(transform, size, oversampling):
    """x and y in the picture, float64 (size * oversampling,) * 2, of a fine grid."""
    inverse = cv2.invertAffineTransform(np.asarray(transform, np.float64))
    grid = (np.arange(size * oversampling) + 0.5) / oversampling - 0.5
    return (row[0] * grid + row[1] * grid[:, None] + row[2] for row in inverse)


def _mirrored(coordinates, length):
    """Coordinates reflected, as often as it takes, into [-0.5, length - 0.5]."""
    inside = np.mod(coordinates + 0.5, 2 * length)
    return np.minimum(inside, 2 * length - inside) - 0.5


def _clamped(coordinates, length):
    """Coordinates moved to the nearest ones in [-0.5, length - 0.5]."""
    return np.clip(coordinates, -0.5, length - 0.5)


def _sample(image, x, y, factor):
    """The picture, reduced by an integer factor, at coordinates of the whole one."""
    # OpenCV samples no picture of 32768 pixels or more: only the part needed.
    left, top = (max(0, math.floor(c.min()) - 2 * factor) for c in (x, y))
    right, bottom = (math.ceil(c.max()) + 2 * factor + 1 for c in (x, y))
    part = image[top:bottom, left:right]
    if factor > 1:
        part = np.asarray(Image.fromarray(part).reduce(factor))
    x, y = (x - left + 0.5) / factor - 0.5, (y - top + 0.5) / factor - 0.5
    return cv2.remap(
        part,
        x.astype(np.float32),
        y.astype(np.float32),
        cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REFLECT,
    )


def _distance_outside(transform, size, shape):
    """How far each pixel of the frame is from the picture, in pixels of the frame."""
    x, y = _source_coordinates(transform, size, 1)
    across, down = x - _clamped(x, shape[1]), y - _clamped(y, shape[0])
    return np.hypot(across, down) / _shrinking(transform)


def _blur_by(image, distance):
    """Blur more the larger the distance, in units of the frame; not at all at 0."""
    result = image.astype(np.float32)
    for width, reach in _BLURS:
        blurred = cv2.GaussianBlur(
            image, (0, 0), width * len(image), borderType=cv2.BORDER_REFLECT
        )
        weight = np.minimum(distance / reach, 1).astype(np.float32)[..., None]
        result += weight * (blurred - result)
    return np.rint(result).astype(np.uint8)
