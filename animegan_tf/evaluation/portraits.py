"""Whose face it is: the largest face of a photo, in photo and picture alike."""

from functools import cached_property
from importlib import metadata
from pathlib import Path

import numpy as np

from animegan_tf.errors import InputError
from animegan_tf.evaluation import metrics
from animegan_tf.evaluation.extraction import FeatureCache, extract
from animegan_tf.evaluation.views import View
from animegan_tf.imaging.faces import FaceDetector

# What the identity network was trained on.
FACE_MARGIN = 1.35


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
