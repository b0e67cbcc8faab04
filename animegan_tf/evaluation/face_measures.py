"""The part of an evaluation that looks at faces: how drawn, and what they keep."""

import numpy as np

from animegan_tf.evaluation import intervals
from animegan_tf.evaluation.faces import NONE, FaceColors, FaceShapes
from animegan_tf.evaluation.figures import Metric
from animegan_tf.evaluation.measures import PHOTOS, Run
from animegan_tf.evaluation.pictures import listed
from animegan_tf.imaging.networks import PARTS

_DRAWN = "Faces as anime draws them"
_KEPT = "Colours of the face, as far from the photo's"


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
        run.book.left_out["Colours of face parts"] = reason
        return
    run.facts["Parser of faces"] = f"{colors.folder}: {colors.identifier}"
    compared = run.compare_methods(colors)
    for part, title in (("skin", "Skin"), ("hair", "Hair"), ("iris", "Irises")):
        note = "mean CIE76 in Lab, after white balance"
        metric = Metric(f"colors/{part}", title, _KEPT, "lower", note)
        run.book.add_means(metric, {m: _known(x[part]) for m, x in compared.items()})


def _add_shapes(run, found):
    """Notes the figures of `FaceShapes`; gives the number of photos without a face."""
    known = found[PHOTOS]["face"] != NONE
    hidden = [stem for stem, face in zip(run.matched.stems, known) if not face]
    if hidden:
        run.book.warn(
            f"Figures of faces are without {len(hidden)} of {len(known)} pictures, in "
            f"whose photos no face is found: {listed(hidden)}."
        )
    if not known.any():
        run.book.left_out["Figures of faces"] = "no face is found in any photo"
        return len(hidden)
    run.book.add_means(
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
        run.book.add(
            Metric(f"faces/{name}", title, _DRAWN, "higher", f"share; by {by}"),
            lambda flags, _: intervals.share(flags > 0),
            {method: x[name][known] for method, x in found.items()},
        )
    run.book.add_means(
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
