"""Landmarks of faces: MediaPipe's 468 points of the mesh and five of each iris.

Sides are named as seen in the picture when the face is upright: the left eye is the
person's right one.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from animegan_tf.imaging.face_boxes import FaceBoxes
from animegan_tf.imaging.networks import IRIS, MESH, Network
from animegan_tf.imaging.squares import Square

# Closed curves begin at the outer corner and run along the lower lid.
LEFT_EYE = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
RIGHT_EYE = (
    *(263, 249, 390, 373, 374, 380, 381, 382),
    *(362, 398, 384, 385, 386, 387, 388, 466),
)
# Centre, right, top, left and bottom of the iris.
LEFT_IRIS = (468, 469, 470, 471, 472)
RIGHT_IRIS = (473, 474, 475, 476, 477)
# Upper edges, then lower ones, from the outside inwards.
LEFT_BROW = ((70, 63, 105, 66, 107), (46, 53, 52, 65, 55))
RIGHT_BROW = ((300, 293, 334, 296, 336), (276, 283, 282, 295, 285))
FACE_OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288),
    *(397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136),
    *(172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
JAW = (172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397)
LIPS = (
    *(61, 146, 91, 181, 84, 17, 314, 405, 321, 375),
    *(291, 409, 270, 269, 267, 0, 37, 39, 40, 185),
)
# Inner edges of the lips, both from left to right.
UPPER_LIP = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
LOWER_LIP = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
NOSE = (1, 2, 98, 327, 4, 5, 64, 294)
CHEEKS = (50, 101, 118, 117, 205, 280, 330, 347, 346, 425, 151, 9)
FOREHEAD, CHIN = 10, 152
# The points that the iris network finds, too, in its order: lower lid, upper lid, and
# the same of the ring around them.
_LEFT_LIDS = (
    *(33, 7, 163, 144, 145, 153, 154, 155, 133, 246, 161, 160, 159, 158, 157, 173),
    *(130, 25, 110, 24, 23, 22, 26, 112, 243, 247, 30, 29, 27, 28, 56, 190),
)
_RIGHT_LIDS = (
    *(263, 249, 390, 373, 374, 380, 381, 382, 362, 466, 388, 387, 386, 385, 384, 398),
    *(359, 255, 339, 254, 253, 252, 256, 341, 463, 467, 260, 259, 257, 258, 286, 414),
)
# Its share in these points. Over 71 photos their distance to MediaPipe's refined
# points is 0.49 % of the face's height then, 0.67 % with the mesh alone.
_IRIS_SHARE = 0.7
# Outlines of the iris in the order of `LEFT_IRIS`, as a mirrored eye has them.
_MIRRORED = [0, 3, 2, 1, 4]

MESH_POINTS, POINTS = 468, 478
# Sides of the networks' squares, in those of the face's box and of the eye's width.
_FACE_SQUARE, _EYE_SQUARE = 1.5, 2.3
# Drawn eyes are read up to a tenth higher or lower when the square changes a little.
_SCALES_FOLLOWED = (0.93, 1.0, 1.07)
_LEAST_SCORE = 0.5
_SAME_FACE = 0.3
_MOST_DOUBT = 0.2


@dataclass(frozen=True)
class FaceMesh:
    """Landmarks of a face, in pixels of the photo; pixel centres are integers.

    Attributes:
        points: float32 (478, 2), x and y: the mesh, then centre, right, top, left and
            bottom of the left iris and of the right one. They may lie outside.
        depth: float32 (468,), z of the mesh on the scale of x; less is nearer.
        score: float in [0, 1], that this is a face.
        doubts: how far apart two networks see the lids of the left and of the right
            eye, in widths of the eye.
    """

    points: np.ndarray
    depth: np.ndarray
    score: float
    doubts: tuple[float, float] = (0.0, 0.0)

    @property
    def height(self) -> float:
        """From the top of the forehead to the chin, in pixels."""
        return float(np.linalg.norm(self.points[CHIN] - self.points[FOREHEAD]))

    @property
    def readable_eyes(self) -> tuple[bool, bool]:
        """Whether the points of the left and of the right eye may be trusted.

        In profile those of the far eye may not. Eyes behind dark glasses pass.
        """
        return tuple(doubt <= _MOST_DOUBT for doubt in self.doubts)


class LandmarkDetector:
    """The landmarks of every upright face in a picture, the largest first.

    Faces from 48 pixels of height on are found, tilted and turned by some 45 degrees;
    no face is an empty list. Equal pictures give equal landmarks.

    Args:
        folder: Path of the folder of networks, see `networks`.
        refined: whether the iris network corrects the mesh at the lids. It is the
            better there in photos, and nearly blind to drawn eyes.

    Raises:
        InputError: one of the three networks cannot be used.

    Reference:
        Kartynnik et al., *Real-time Facial Surface Geometry from Monocular Video on
        Mobile GPUs*, 2019; Ablavatski et al., *Real-time Pupil Tracking from Monocular
        Video for Digital Puppetry*, 2020.
    """

    def __init__(self, folder: Path, refined: bool = True):
        self._boxes = FaceBoxes(folder)
        self._mesh = Network(folder, MESH)
        self._iris = Network(folder, IRIS)
        self._share = _IRIS_SHARE if refined else 0

    def __call__(self, image) -> list[FaceMesh]:
        meshes = []
        for box in self._boxes(image):
            square = Square(box.centre, _FACE_SQUARE * box.side, _angle(*box.eyes))
            for _ in range(2):
                mesh, score = self._meshed(image, square)
                square = _square_about(mesh)
                if score < _LEAST_SCORE:
                    break
            else:
                meshes.append(self._with_eyes(image, mesh, score))
        return sorted(_distinct(meshes), key=lambda mesh: -mesh.height)

    def follow(self, image, mesh: FaceMesh) -> FaceMesh:
        """The landmarks of a face whose place is known, such as in its painted photo.

        Args:
            image: uint8 RGB `(height, width, 3)`.
            mesh: where the face is, from a picture of the same frame and size.

        Returns:
            `FaceMesh`, the mean of what is seen in squares of three sizes; also where
            nothing looks like a face, which its score tells.
        """
        square = _square_about(mesh.points[:MESH_POINTS])
        seen = [
            self._meshed(
                image, Square(square.centre, scale * square.side, square.angle)
            )
            for scale in _SCALES_FOLLOWED
        ]
        points, scores = zip(*seen)
        return self._with_eyes(image, np.mean(points, 0), float(np.mean(scores)))

    def _meshed(self, image, square):
        """The mesh (468, 3) in pixels of the photo, and its score."""
        crop, way_back = square.cut(image, self._mesh.size)
        points, logit = self._mesh(crop.astype(np.float32) / 255)
        points = points.reshape(MESH_POINTS, 3).astype(np.float64)
        points[:, :2] = _carried(points[:, :2] - 0.5, way_back)
        points[:, 2] *= square.side / self._mesh.size
        return points, float(1 / (1 + np.exp(-float(logit.squeeze()))))

    def _with_eyes(self, image, mesh, score):
        points = mesh[:, :2].copy()
        angle = _angle(points[LEFT_EYE[0]], points[RIGHT_EYE[0]])
        irises, doubts = [], []
        for lids, mirrored in ((_LEFT_LIDS, False), (_RIGHT_LIDS, True)):
            at = list(lids)
            outer, inner = mesh[at[0], :2], mesh[at[8], :2]
            width = np.linalg.norm(inner - outer)
            square = Square((outer + inner) / 2, _EYE_SQUARE * width, angle)
            found, iris = self._eye(image, square, mirrored)
            apart = found[: len(at)] - points[at]
            doubts.append(float(np.linalg.norm(apart[:16], axis=1).mean() / width))
            points[at] += self._share * apart
            irises.append(iris)
        points = np.concatenate([points, *irises]).astype(np.float32)
        return FaceMesh(points, mesh[:, 2].astype(np.float32), score, tuple(doubts))

    def _eye(self, image, square, mirrored):
        """Points about the eye (71, 2) and of the iris (5, 2), in the photo."""
        crop, way_back = square.cut(image, self._iris.size)
        crop = crop[:, ::-1] if mirrored else crop
        found = self._iris(np.ascontiguousarray(crop, np.float32) / 255)
        lids, iris = (one.reshape(-1, 3)[:, :2].astype(np.float64) for one in found)
        for points in (lids, iris):
            if mirrored:
                points[:, 0] = self._iris.size - points[:, 0]
            points[:] = _carried(points - 0.5, way_back)
        return lids, iris[_MIRRORED] if mirrored else iris


def _carried(points, transform):
    return points @ transform[:, :2].T + transform[:, 2]


def _angle(left, right):
    """Of the line from one point to another, in radians."""
    x, y = np.subtract(right, left)
    return float(np.arctan2(y, x))


def _square_about(mesh):
    """The square in which the mesh is looked for again, upright by the eyes."""
    angle = _angle(mesh[LEFT_EYE[0], :2], mesh[RIGHT_EYE[0], :2])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    upright = mesh[:, :2] @ turn
    low, high = upright.min(0), upright.max(0)
    return Square(turn @ ((low + high) / 2), _FACE_SQUARE * (high - low).max(), angle)


def _distinct(meshes):
    """Without meshes that lie on a surer one's face."""
    kept = []
    for mesh in sorted(meshes, key=lambda mesh: -mesh.score):
        if all(_common(mesh, other) <= _SAME_FACE for other in kept):
            kept.append(mesh)
    return kept


def _common(mesh, other):
    """What the boxes of two faces have in common, as a share of the smaller one."""
    low, high = mesh.points.min(0), mesh.points.max(0)
    first, last = other.points.min(0), other.points.max(0)
    common = np.clip(np.minimum(high, last) - np.maximum(low, first), 0, None)
    return np.prod(common) / min(np.prod(high - low), np.prod(last - first))
