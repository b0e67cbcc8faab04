"""Faces: where they are in a photo, and the frame that shows them all alike."""

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from animegan_tf.errors import InputError
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
# Sides of the frames in which a face is looked at again, the second if it is not found
# in the first, and how far its landmarks may then be from their places (root mean
# square), in distances of the eyes.
_SECOND_LOOKS = (128, 192)
_APART = 0.25
# SHA-256 of the weights in mtcnn 1.0.0. They are pickles: reading them runs what is in
# them, and by a plain name mtcnn takes those of the working folder first.
_MTCNN_WEIGHTS = {
    "pnet.lz4": "ea6b0c3e685ebee3165326ad6484acc95f2ef78f1c94fbf40a55704fa989f7b5",
    "rnet.lz4": "cb00e6460f3c98b0bfafaba3c0a0ded4bdf6e62cee7174d969e8670d7e757fee",
    "onet.lz4": "94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3",
}


@dataclass(frozen=True)
class Face:
    """A face in a picture, in pixels; pixel centres have integer coordinates.

    Attributes:
        box: x, y, width, height, inside the picture.
        landmarks: x, y of left eye, right eye, nose, left and right mouth corner,
            left and right as seen in the picture when the face is upright. They may
            lie outside a picture that cuts the face.
        confidence: in [0, 1].
    """

    box: tuple[float, float, float, float]
    landmarks: tuple[tuple[float, float], ...]
    confidence: float


class FaceDetector:
    """The faces of a picture, the largest first; none is an empty list.

    Larger pictures are reduced to `max_side` first, which bounds time and memory. A
    face narrower than 14 pixels after that, 1/73 of the longer side by default, may
    be missed, and below 30 pixels its landmarks lose accuracy. Equal pictures give
    equal faces in every process with the same number of TensorFlow threads; another
    number moves coordinates by some 1e-5 pixels before they are rounded.

    Args:
        min_confidence: float in [0, 1].
        max_side: int, at least 1; larger finds smaller faces.
        turned: whether the picture is looked at turned by 90, 180 and 270 degrees
            too, for faces that lie on their side or upside down, beside upright ones
            as well, and whether each face is looked at again, turned upright, which
            tells it from a wrong reading. It takes some five times as long. In all of
            82 portraits turned by 0, 90, 180 and 270 degrees the face was found as it
            lay.

    Raises:
        InputError: a value is out of range, or the package mtcnn is missing or has
            other weights than those of version 1.0.0.

    Reference:
        Zhang et al., *Joint Face Detection and Alignment Using Multitask Cascaded
        Convolutional Networks*, IEEE Signal Processing Letters 2016.
    """

    def __init__(
        self, min_confidence: float = 0.9, max_side: int = 1024, turned: bool = False
    ):
        if not 0 <= min_confidence <= 1:
            raise InputError(
                f"min_confidence must lie in [0, 1], received {min_confidence}."
            )
        if max_side < 1:
            raise InputError(f"max_side must be at least 1, received {max_side}.")
        self.min_confidence = min_confidence
        self.max_side = max_side
        self.turned = turned
        self._network = _mtcnn()

    def __call__(self, image) -> list[Face]:
        _check_rgb(image)
        height, width = image.shape[:2]
        scale = min(1, self.max_side / max(height, width))
        reduced = resize(
            image, max(1, round(width * scale)), max(1, round(height * scale))
        )
        stretch = np.array([width, height]) / reduced.shape[1::-1]
        faces = []
        for quarters in range(4 if self.turned else 1):
            points, confidences = self._detect_turned(reduced, quarters)
            points = (points + 0.5) * stretch - 0.5
            faces += [_face(*f, width, height) for f in zip(points, confidences)]
        if not self.turned:
            return _distinct(faces, [face.confidence for face in faces])
        return _distinct(faces, [self._confirmed(image, face) for face in faces])

    def _detect(self, image):
        """Points (faces, 7, 2), two corners then the landmarks, and confidences."""
        # As JSON, mtcnn rounds coordinates to whole pixels.
        found = self._network.detect_faces(
            image,
            output_type="numpy",
            box_format="xyxy",
            fit_to_image=False,
            threshold_onet=self.min_confidence,
        )
        corners, landmarks = found[:, 1:5], found[:, 6:16]
        points = [corners.reshape(-1, 2, 2), landmarks.reshape(-1, 2, 5).swapaxes(1, 2)]
        return np.concatenate(points, 1), found[:, 5]

    def _detect_turned(self, image, quarters):
        """As `_detect`, in the picture turned by quarters, counter-clockwise."""
        turned = np.ascontiguousarray(np.rot90(image, quarters))
        points, confidences = self._detect(turned)
        return _turned_back(points, quarters, turned.shape), confidences

    def _confirmed(self, image, face):
        """How sure a second look is, at the face turned upright; 0 if it is gone.

        A face that is upside down is often read as an upright one, and more so as
        one that lies askew. Turned by such a reading, it is not found again, or not
        where it was.
        """
        for size in _SECOND_LOOKS:
            transform = alignment(face.landmarks, size, 0.5)
            frame = align_face(image, transform, size, "reflect")
            points, confidences = self._detect(frame)
            place = canonical_landmarks(size, 0.5)
            distances = np.linalg.norm(points[:, 2:] - place, axis=2)
            apart = np.sqrt((distances**2).mean(1)) / (place[1, 0] - place[0, 0])
            found = confidences[apart <= _APART]
            if len(found):
                return float(found.max())
        return 0


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
    _check_rgb(image)
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


def _mtcnn():
    try:
        from mtcnn import MTCNN
        from mtcnn.stages import StageONet, StagePNet, StageRNet
    except ImportError as error:
        raise InputError(
            "The package mtcnn must be installed to find faces, with "
            f'`pip install -e ".[prepare]"`, received: {error}.'
        ) from error
    weights = [_mtcnn_file(*item) for item in _MTCNN_WEIGHTS.items()]
    stages = zip((StagePNet, StageRNet, StageONet), weights)
    return MTCNN([stage(weights=path) for stage, path in stages])


def _mtcnn_file(name, expected):
    """Absolute path of a file of weights of the package, once its hash is right."""
    path = _mtcnn_folder() / name
    with open(path, "rb") as file:
        received = hashlib.file_digest(file, "sha256").hexdigest()
    if received != expected:
        raise InputError(
            f"{path}: must be that of mtcnn 1.0.0, with the SHA-256 {expected}, "
            f"received {received}."
        )
    return str(path)


def _mtcnn_folder():
    import mtcnn

    return Path(mtcnn.__file__).resolve().parent / "assets" / "weights"


def _check_rgb(image):
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(
            "image must be uint8 RGB (height, width, 3), "
            f"received {image.dtype} {image.shape}."
        )


def _turned_back(points, quarters, shape):
    """Points of a picture of `shape` that `np.rot90` turned, in the picture before."""
    height, width = shape[:2]
    for _ in range(quarters):
        points = np.stack([height - 1 - points[..., 1], points[..., 0]], -1)
        height, width = width, height
    return points


def _face(points, confidence, width, height):
    """A `Face` from points (7, 2), its box cut to a picture."""
    corners = np.clip(points[:2], 0, [width, height])
    left, top = corners.min(0)
    right, bottom = corners.max(0)
    # Well below the detector's own error; the rest would be noise in a manifest.
    box = np.round([left, top, right - left, bottom - top], 2)
    landmarks = np.round(points[2:], 2)
    return Face(
        tuple(box.tolist()),
        tuple(map(tuple, landmarks.tolist())),
        round(float(confidence), 4),
    )


def _distinct(faces, ranks):
    """Faces in falling order of size, each once, in its reading of highest rank.

    MTCNN also reports parts of a face as faces of their own, a mouth or an ear. What
    has no rank is no face.
    """
    kept = []
    ranked = [pair for pair in zip(ranks, faces) if pair[0] > 0]
    for _, face in sorted(ranked, key=lambda pair: (-pair[0], pair[1].box)):
        if min(face.box[2:]) > 0 and not any(_overlap(face, other) for other in kept):
            kept.append(face)
    return sorted(kept, key=lambda face: (-face.box[2] * face.box[3], face.box))


def _overlap(a, b):
    return _holds_centre(a.box, b.box) or _holds_centre(b.box, a.box)


def _holds_centre(box, other):
    x, y = other[0] + other[2] / 2, other[1] + other[3] / 2
    return box[0] <= x <= box[0] + box[2] and box[1] <= y <= box[1] + box[3]


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
