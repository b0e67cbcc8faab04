"""How drawn a painted face is, and what it keeps of the photo's, for `extract`.

The largest face of the photo says where to look; the picture shows the same frame.
"""

from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from skimage.color import rgb2gray
from skimage.exposure import equalize_hist
from skimage.feature import Cascade

from animegan_tf.errors import InputError
from animegan_tf.evaluation.weights import file_hash
from animegan_tf.imaging import landmarks
from animegan_tf.imaging.balance import white_balance
from animegan_tf.imaging.color import to_lab
from animegan_tf.imaging.landmarks import LandmarkDetector
from animegan_tf.imaging.networks import (
    ANIME_CASCADE,
    DETECTION,
    IRIS,
    MESH,
    PARTS,
    existing,
)
from animegan_tf.imaging.parsing import Part, PartsParser

# What a number is where a picture has none; `extract` takes NaN for a fault.
NONE = -1.0
_LEAST_SCORE = 0.5
# Pairs of points whose distances are the heights of the eyes.
_LIDS = ((159, 145), (386, 374))
# The cascade's square, in heights of the face, and the sides it is asked about.
_SQUARE, _SIDE = 2.4, 240
_CASCADE = {
    "scale_factor": 1.06,
    "step_ratio": 1,
    "min_size": (60, 60),
    "max_size": (190, 190),
    "min_neighbor_number": 20,
}
# How far from the middle of the square a find may have its own, across and down.
_OFF_MIDDLE = (35, 45)
# Fewest pixels of a part, in squares of the face's height.
_LEAST_AREA = {"skin": 0.05, "hair": 0.02, "iris": 0.0005}
_IRIS_MIDDLE = (25, 75)  # percentiles of lightness


class _Faces:
    """What both have: files of a folder, and the pair at the photo's size."""

    batch_size = 1

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        for file in self.files:
            existing(self.folder, file)

    @property
    def identifier(self) -> str:
        hashes = (file_hash(self.folder / file.name)[:12] for file in self.files)
        return "-".join((self.name, self.version, *hashes))

    @cached_property
    def _detector(self):
        return LandmarkDetector(self.folder, refined=False)

    def prepare(self, image):
        """The picture itself."""
        return image

    def run(self, photos: list, pictures: list) -> dict:
        """Compares pictures with their photos, row by row.

        Returns:
            what `names` says, each float64 (pairs,); `NONE` where there is none.
        """
        rows = []
        for photo, picture in zip(photos, pictures):
            rows.append([NONE] * len(self.names))
            faces = self._detector(photo)
            if faces:
                size = photo.shape[1::-1]
                if picture.shape != photo.shape:
                    picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
                rows[-1] = self._compared(photo, picture, faces[0])
        return dict(zip(self.names, np.array(rows, np.float64).T))


class FaceShapes(_Faces):
    """Height of the eyes, place of the landmarks, and whether an anime face is found.

    Args:
        folder: Path of the folder of networks, see `imaging.networks`.

    Raises:
        InputError: a file is missing; one that is damaged shows when first used.

    Reference:
        nagadomi, *lbpcascade_animeface*, for the cascade.
    """

    name, version = "face-shapes", "1"
    names = ("face", "eyes", "apart", "anime")
    files = (DETECTION, MESH, IRIS, ANIME_CASCADE)

    def check(self) -> None:
        """Load all files now.

        Raises:
            InputError: one is damaged or of another kind.
        """
        self._detector, self._cascade

    @cached_property
    def _cascade(self):
        path = existing(self.folder, ANIME_CASCADE)
        try:
            return Cascade(str(path))
        except Exception as error:  # its XML reader fails in its own ways
            raise InputError(
                f"{path}: must be a cascade of local binary patterns, received: "
                f"{type(error).__name__}: {' '.join(str(error).split()).rstrip('.')}."
            ) from error

    def _compared(self, photo, picture, face):
        before = self._detector.follow(photo, face)
        after = self._detector.follow(picture, face)
        count = landmarks.MESH_POINTS
        apart = np.linalg.norm((after.points - before.points)[:count], axis=1)
        return (
            float(after.score >= _LEAST_SCORE),
            eye_height(after) / eye_height(before),
            np.median(apart) / face.height,
            float(self._is_anime(picture, face)),
        )

    def _is_anime(self, picture, face):
        square = _square(picture, face)
        found = self._cascade.detect_multi_scale(
            equalize_hist(rgb2gray(square)), **_CASCADE
        )
        for box in found:
            across = box["c"] + box["width"] / 2 - _SIDE / 2
            down = box["r"] + box["height"] / 2 - _SIDE / 2
            if abs(across) <= _OFF_MIDDLE[0] and abs(down) <= _OFF_MIDDLE[1]:
                return True
        return False


class FaceColors(_Faces):
    """How far skin, hair and irises are from the photo's: CIE76 of their colours.

    Photo and picture are both freed of a cast first, see `white_balance`. Skin and
    hair are what the parser finds in the photo, in both pictures the same pixels,
    and their colour is the median of L, a and b. Irises are looked for in each
    picture: pixels between the lids and in the iris; their colour is the mean of the
    middle half by lightness, without pupil and lights.

    Args:
        folder: Path of the folder of networks, see `imaging.networks`.

    Raises:
        InputError: a file is missing; one that is damaged shows when first used.
    """

    name, version = "face-colors", "1"
    names = ("skin", "hair", "iris")
    files = (DETECTION, MESH, IRIS, PARTS)

    def check(self) -> None:
        """Load all files now.

        Raises:
            InputError: one is damaged or of another network.
        """
        self._detector, self._parser

    @cached_property
    def _parser(self):
        return PartsParser(self.folder)

    def _compared(self, photo, picture, face):
        parts = self._parser(photo, face)
        meshes = [self._detector.follow(image, face) for image in (photo, picture)]
        pair = [
            to_lab(white_balance(image, mesh))
            for image, mesh in zip((photo, picture), meshes)
        ]
        oval = _polygon(photo.shape, face.points[list(landmarks.FACE_OVAL)])
        masks = {
            "skin": [(parts.mask(Part.SKIN, Part.NOSE) > 0.5) & oval] * 2,
            "hair": [parts.mask(Part.HAIR) > 0.5] * 2,
            "iris": [_irises(photo.shape, mesh) for mesh in meshes],
        }
        rows = []
        for part, (before, after) in masks.items():
            least = max(1, _LEAST_AREA[part] * face.height**2)
            if min(before.sum(), after.sum()) < least:
                rows.append(NONE)
                continue
            color = _iris_color if part == "iris" else _median_color
            apart = color(pair[0][before]) - color(pair[1][after])
            rows.append(float(np.linalg.norm(apart)))
        return rows


def open_faces(folder: Path) -> tuple[FaceShapes, FaceColors | None]:
    """The networks of a folder, all files loaded once.

    Args:
        folder: Path of the folder of networks, see `imaging.networks`; without the
            parser there are no colours.

    Raises:
        InputError: a file is missing, damaged or of another kind.
    """
    shapes = FaceShapes(folder)
    colors = FaceColors(folder) if (Path(folder) / PARTS.name).is_file() else None
    for network in (shapes, colors):
        if network is not None:
            network.check()
    return shapes, colors


def eye_height(mesh) -> float:
    """Mean distance of the lids, in distances of the eyes' centres."""
    points = mesh.points
    heights = [np.linalg.norm(points[above] - points[below]) for above, below in _LIDS]
    left, right = (
        points[list(eye)].mean(0) for eye in (landmarks.LEFT_EYE, landmarks.RIGHT_EYE)
    )
    return float(np.mean(heights) / np.linalg.norm(right - left))


def _square(image, face):
    """The cascade's square about the face, the picture mirrored at its border."""
    middle = (face.points[landmarks.FOREHEAD] + face.points[landmarks.CHIN]) / 2
    side = max(1, round(_SQUARE * face.height))
    left, top = np.round(middle - side / 2).astype(int)
    rows = _mirrored(np.arange(top, top + side), image.shape[0])
    columns = _mirrored(np.arange(left, left + side), image.shape[1])
    square = image[rows[:, None], columns]
    return cv2.resize(square, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)


def _mirrored(at, length):
    at = np.abs(at) % max(1, 2 * (length - 1))
    return np.minimum(at, 2 * (length - 1) - at)


def _polygon(shape, points):
    mask = np.zeros(shape[:2], np.uint8)
    cv2.fillPoly(mask, [points.round().astype(np.int32)], 1)
    return mask > 0


def _irises(shape, mesh):
    """Pixels of both irises that the lids leave free."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    both = np.zeros(shape[:2], bool)
    for eye, iris in (
        (landmarks.LEFT_EYE, landmarks.LEFT_IRIS),
        (landmarks.RIGHT_EYE, landmarks.RIGHT_IRIS),
    ):
        centre, right, _, left, _ = mesh.points[list(iris)]
        radius = np.linalg.norm(right - left) / 2
        disc = np.hypot(x - centre[0], y - centre[1]) <= radius
        both |= disc & _polygon(shape, mesh.points[list(eye)])
    return both


def _median_color(lab):
    return np.median(lab, 0)


def _iris_color(lab):
    low, high = np.percentile(lab[:, 0], _IRIS_MIDDLE)
    return lab[(lab[:, 0] >= low) & (lab[:, 0] <= high)].mean(0)
