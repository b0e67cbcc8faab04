"""Portraits against their photos: one recipe, so that figures compare.

The figures that the project quotes for other models come from this recipe:

- the drawing classifier and LPIPS look at the top square of a picture;
- identity compares the same part of photo and picture: the largest face that MTCNN
  finds in the photo, in a square 1.35 times as large as its box;
- colours are compared over the whole picture.
"""

from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path

import numpy as np

from animegan_tf.errors import InputError
from animegan_tf.evaluation import metrics
from animegan_tf.evaluation.extraction import FeatureCache, extract
from animegan_tf.evaluation.pixels import Comparison
from animegan_tf.evaluation.views import TOP_SQUARE, View
from animegan_tf.imaging.faces import FaceDetector

# What the identity network was trained on.
FACE_MARGIN = 1.35


@dataclass(frozen=True)
class Portraits:
    """What was measured of a method's pictures, float64, one row a picture.

    Attributes:
        drawing: P(drawing) of the top square.
        lpips: distance of the top squares of photo and picture.
        color, chroma: see `metrics.color_distance`, of the whole pictures.
        own, others: see `metrics.identity_similarity`; rows of `faces` only.
        faces: indices of the pictures whose photo has a face.
    """

    drawing: np.ndarray
    lpips: np.ndarray
    color: np.ndarray
    chroma: np.ndarray
    own: np.ndarray
    others: np.ndarray
    faces: np.ndarray


class FaceBox:
    """Finds the square around the largest face of a photo, for `extract`.

    Raises:
        InputError: the package mtcnn is missing, when first run.
    """

    name, batch_size = "face-box", 1

    @property
    def identifier(self) -> str:
        try:
            version = metadata.version("mtcnn")
        except metadata.PackageNotFoundError:
            version = "absent"  # the detector will say so
        return f"{self.name}-mtcnn-{version}-{FACE_MARGIN}"

    @cached_property
    def _detector(self):
        return FaceDetector()

    def prepare(self, image):
        """The picture itself."""
        return image

    def run(self, images: list) -> dict:
        """Finds faces.

        Returns:
            `{"cut": (pictures, 4)}`, left, top, right and bottom as shares of width
            and height, as `View.cut` takes them; all 0 where there is no face.
        """
        return {"cut": np.array([self._cut(image) for image in images])}

    def _cut(self, image):
        faces = self._detector(image)
        if not faces:
            return np.zeros(4)
        left, top, width, height = faces[0].box
        middle = np.array([left + width / 2, top + height / 2])
        reach = FACE_MARGIN * max(width, height) / 2
        corners = np.stack([middle - reach, middle + reach])
        return (corners / image.shape[1::-1]).ravel()


def face_cuts(photos: list[Path], cache: FeatureCache | None = None) -> list:
    """The part of each photo that shows its largest face.

    Args:
        photos: list of Path.
        cache: as of `extract`.

    Returns:
        list of `View.cut`, None where no face was found.

    Raises:
        InputError: a photo cannot be read, or the package mtcnn is missing.
    """
    found = extract(FaceBox(), [View(path) for path in photos], cache=cache)
    return [tuple(cut) if any(cut) else None for cut in found["cut"].tolist()]


def identities(network, photos, pictures, cache: FeatureCache | None = None):
    """How near painted faces are to their own photo's identity, and to others'.

    Args:
        network: `features.FaceIdentity`.
        photos, pictures: lists of Path, row by row of one person.
        cache: as of `extract`.

    Returns:
        `metrics.IdentitySimilarity` of the rows whose photo has a face, and int64
        indices of these rows.

    Raises:
        InputError: fewer than two photos with a face; see `extract`.
    """
    cuts = face_cuts(photos, cache)
    faces = np.flatnonzero([cut is not None for cut in cuts])
    if len(faces) < 2:
        raise InputError(
            "identities need two photos with a face or more, received "
            f"{len(faces)} among {len(photos)} photos."
        )
    embedded = [
        extract(network, [View(paths[i], cuts[i]) for i in faces], cache=cache)
        for paths in (photos, pictures)
    ]
    return metrics.identity_similarity(*(x["features"] for x in embedded)), faces


def measure_portraits(
    photos: list[Path],
    pictures: list[Path],
    drawing,
    lpips,
    identity,
    cache: FeatureCache | None = None,
) -> Portraits:
    """Measures one method's pictures against their photos by the recipe.

    Args:
        photos, pictures: row by row of one person; pictures may be smaller than
            their photo but show the same.
        drawing: `features.InceptionNetwork` named "drawing-inception".
        lpips: `features.Lpips`.
        identity: `features.FaceIdentity`.
        cache: as of `extract`.

    Returns:
        `Portraits`.

    Raises:
        InputError: see `extract` and `identities`.
    """
    squares = [[View(path, TOP_SQUARE) for path in x] for x in (photos, pictures)]
    wholes = [[View(path) for path in x] for x in (photos, pictures)]
    called = extract(drawing, squares[1], cache=cache)["probabilities"]
    colors = extract(Comparison(), *wholes, cache=cache)
    similarity, faces = identities(identity, photos, pictures, cache)
    return Portraits(
        drawing=called[:, 0].astype(np.float64),
        lpips=extract(lpips, *squares, cache=cache)["distance"].astype(np.float64),
        color=colors["color"],
        chroma=colors["chroma"],
        own=similarity.own,
        others=similarity.others,
        faces=faces,
    )
