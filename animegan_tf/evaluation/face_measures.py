"""The parts of an evaluation that look at faces: whose they are, and how drawn."""

from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import numpy as np

from animegan_tf.errors import InputError
from animegan_tf.evaluation import intervals, metrics
from animegan_tf.evaluation.faces import NONE, FaceColors, FaceShapes
from animegan_tf.evaluation.features import FeatureCache, View, extract
from animegan_tf.evaluation.figures import Metric, describe
from animegan_tf.evaluation.measures import PHOTOS, Run
from animegan_tf.evaluation.pictures import listed
from animegan_tf.imaging.faces import FaceDetector
from animegan_tf.imaging.networks import PARTS

# What the identity network was trained on.
FACE_MARGIN = 1.35
OWN, OTHERS = "identity/own", "identity/others"
_PERSON = "Still the same person"
_DRAWN = "Faces as anime draws them"
_KEPT = "Colours of the face, as far from the photo's"


class IdentitySimilarity(NamedTuple):
    """By picture: cosine to its own photo, mean of those to all other photos, and how
    many of these are nearer than its own."""

    own: np.ndarray
    others: np.ndarray
    rank: np.ndarray


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
        network: `extractors.FaceIdentity`.
        photos, pictures: lists of Path, row by row of one person.
        cache: as of `extract`.

    Returns:
        `IdentitySimilarity` of the rows whose photo has a face, and int64
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
    return identity_similarity(*(x["features"] for x in embedded)), faces


def identity_similarity(photos, pictures) -> IdentitySimilarity:
    """Whether painted faces are nearer to their own photo than to other people's.

    Cosines of identity embeddings. A painted face is outside of what such a network
    was trained on, so the own cosine means something relative to the others only.

    Args:
        photos, pictures: `(n, dimensions)`, row i of both the same person; two
            people or more.

    Returns:
        `IdentitySimilarity` of (n,) arrays, the cosines float64.

    Raises:
        InputError: the sets differ in shape; see `metrics.check_features`.
    """
    photos = metrics.check_features(photos, "the identities of the photos", least=2)
    pictures = metrics.check_features(
        pictures, "the identities of the pictures", least=2
    )
    if photos.shape != pictures.shape:
        raise InputError(
            "every picture's identity needs that of its photo, received the shapes "
            f"{photos.shape} and {pictures.shape}."
        )
    cosines = _unit(pictures) @ _unit(photos).T
    own = np.diag(cosines).copy()
    others = (cosines.sum(axis=1) - own) / (len(own) - 1)
    return IdentitySimilarity(own, others, (cosines > own[:, None]).sum(axis=1))


def measure_faces(run: Run, shapes: FaceShapes, colors: FaceColors | None) -> None:
    """Eyes, landmarks, anime faces and colours of face parts.

    Args:
        run: `Run`.
        shapes: `faces.FaceShapes`.
        colors: `faces.FaceColors`, or None where the folder has no parser.
    """
    run.facts["Networks that see faces"] = f"{shapes.folder}: {shapes.identifier}"
    found = run.compare_methods(shapes)
    missing = _add_shapes(run, found)
    if missing == len(run.matched.stems):
        return
    if colors is None:
        reason = f"no {PARTS.name} in {shapes.folder}"
        run.collector.left_out["Colours of face parts"] = reason
        return
    run.facts["Parser of faces"] = f"{colors.folder}: {colors.identifier}"
    compared = run.compare_methods(colors)
    for part, title in (("skin", "Skin"), ("hair", "Hair"), ("iris", "Irises")):
        note = "mean CIE76 in Lab, after white balance"
        metric = Metric(f"colors/{part}", title, _KEPT, "lower", note)
        run.collector.add_means(
            metric, {m: _known(x[part]) for m, x in compared.items()}
        )


def _add_shapes(run, found):
    """Notes the figures of `FaceShapes`; gives the number of photos without a face."""
    known = found[PHOTOS]["face"] != NONE
    hidden = [stem for stem, face in zip(run.matched.stems, known) if not face]
    if hidden:
        run.collector.warn(
            f"Figures of faces are without {len(hidden)} of {len(known)} pictures, in "
            f"whose photos no face is found: {listed(hidden)}."
        )
    if not known.any():
        run.collector.left_out["Figures of faces"] = "no face is found in any photo"
        return len(hidden)
    run.collector.add_means(
        Metric(
            "faces/eyes",
            "Height of the eyes, times the photo's",
            _DRAWN,
            "",
            "median; between the lids of the face mesh, over the eyes' distance",
        ),
        {method: _known(x["eyes"]) for method, x in found.items()},
        np.median,
    )
    for name, title in (("anime", "Anime face found"), ("face", "Face still found")):
        by = "lbpcascade_animeface" if name == "anime" else "the face mesh"
        run.collector.add(
            Metric(f"faces/{name}", title, _DRAWN, "higher", f"share; by {by}"),
            lambda flags, _: intervals.share(flags > 0),
            {method: x[name][known] for method, x in found.items()},
        )
    run.collector.add_means(
        Metric(
            "faces/landmarks",
            "Landmarks moved",
            _DRAWN,
            "",
            "median of the mesh's points, in % of the face's height",
        ),
        {method: 100 * _known(x["apart"]) for method, x in found.items()},
    )
    return len(hidden)


def _known(values):
    return np.where(values == NONE, np.nan, values)


def measure_identity(run: Run, network) -> None:
    """Likeness of painted faces to their own photo's person, and to the others.

    Args:
        run: `Run`.
        network: `extractors.FaceIdentity`.
    """
    cuts = face_cuts(list(run.matched.photos), run.cache)
    hidden = [stem for stem, cut in zip(run.matched.stems, cuts) if cut is None]
    if len(cuts) - len(hidden) < 2:
        run.collector.left_out["Identity"] = (
            "MTCNN finds a face in fewer than two photos"
        )
        return
    if hidden:
        run.collector.warn(
            f"Identities are without {len(hidden)} of {len(cuts)} pictures, in whose "
            f"photos MTCNN finds no face: {listed(hidden)}."
        )
    run.collector.warn(
        "Painted faces are outside of what the identity network was trained on: read "
        "the similarity to the own photo beside that to other people's photos."
    )
    run.facts["Identity network"] = describe(
        network, f"the square of {FACE_MARGIN} times MTCNN's face box in the photo"
    )
    own, others, ranks = {}, {}, {}
    for method, paths in run.files.items():
        found, rows = identities(network, run.matched.photos, paths, run.cache)
        own[method], others[method] = (np.full(len(paths), np.nan) for _ in range(2))
        own[method][rows], others[method][rows] = found.own, found.others
        ranks[method] = found.rank
    title = "Identity: cosine to "
    add = run.collector.add_means
    add(Metric(OWN, f"{title}the own photo", _PERSON, "higher"), own)
    add(Metric(OTHERS, f"{title}other people's photos", _PERSON), others)
    for most, name in ((1, "the nearest"), (5, "among the five nearest")):
        title, note = f"Own photo {name}", f"share; of {len(rows)} photos by identity"
        run.collector.add(
            Metric(f"identity/own_in_{most}", title, _PERSON, "higher", note),
            lambda ranks, _: intervals.share(ranks < most),
            ranks,
        )


def _unit(rows):
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    if not norms.all():
        raise InputError("an identity must not be zero, received one that is.")
    return rows / norms
