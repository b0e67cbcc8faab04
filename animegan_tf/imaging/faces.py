"""Faces: where they are in a photo."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from animegan_tf.errors import InputError
from animegan_tf.imaging.alignment import align_face, alignment, canonical_landmarks
from animegan_tf.imaging.codec import check_rgb
from animegan_tf.imaging.transform import resize

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
        check_rgb(image)
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
