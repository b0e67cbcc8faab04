"""Eyes as drawings have them: larger than in the photo, higher above all, and alive.

A painter that is given such a photo draws them with the strokes that it has, so that
they fit the picture; enlarged afterwards, they would be blurred.
"""

import cv2
import numpy as np

from animegan_tf.errors import InputError
from animegan_tf.imaging.color import from_lab, to_lab

# All lengths are in distances of the eyes. Half axes of the ellipse about an eye in
# which pixels move; those of two eyes meet between them.
_FIELD = (0.495, 0.44)
# Half axes of the eye itself, once enlarged.
_EYE = (0.22, 0.15)
# An eye's mean L below which it is dim, and that up to which it is lit, by so much.
_DIM, _LIT, _MOST_LIGHT = 25, 38, 15
# Contrast of L about that mean, the same of a dim eye, and of chroma.
_CONTRAST, _DIM_CONTRAST, _CHROMA = 1.35, 1.755, 1.25
# Largest factor.
MOST = 2.0


def with_large_eyes(photo, faces, factor):
    """A photo whose eyes are enlarged where they are, with more contrast and colour.

    They become `factor` times as wide and 2 `factor` - 1 times as high, at their
    centres; further out less, and nothing from half the distance of the eyes on.

    Args:
        photo: uint8 RGB `(height, width, 3)`.
        faces: `Face`s in it, of any position.
        factor: 1 to `MOST`; 1 gives contrast and colour only.

    Returns:
        uint8 RGB `(height, width, 3)`; a copy of the photo where there are no faces.

    Raises:
        InputError: `factor` lies outside of its range.

    Reference:
        Gustafson 1993, *Interactive Image Warping*, section 4.4.2: local scaling.
    """
    check_factor(factor)
    photo = photo.copy()
    for face in faces:
        eyes = np.array(face.landmarks[:2], float)
        distance = np.hypot(*(eyes[1] - eyes[0]))
        corner = np.maximum(np.floor(eyes.min(0) - distance), 0).astype(int)
        end = np.maximum(np.ceil(eyes.max(0) + distance), corner).astype(int)
        part = photo[corner[1] : end[1], corner[0] : end[0]]
        if distance >= 1 and part.size:  # else a profile, or beside the photo
            part[:] = _livelier(_larger(part, eyes - corner, factor), eyes - corner)
    return photo


def check_factor(factor):
    """Raises `InputError` unless eyes can be enlarged by this factor."""
    if not 1 <= factor <= MOST:
        raise InputError(
            f"eyes must be made 1 to {MOST:g} times as large, received {factor:g}."
        )


def _larger(photo, eyes, factor):
    scale = np.array([factor, 2 * factor - 1])
    source = _grid(photo)
    for eye in eyes:
        along, axes = _seen_from(eye, photo, eyes)
        inside = 1 - np.sum((along / _column(_FIELD)) ** 2, axis=0)
        near = np.clip(inside, 0, 1) ** 2
        source -= np.tensordot(axes, along * near * _column(1 - 1 / scale), (0, 0))
    x, y = source.astype(np.float32)
    return cv2.remap(photo, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)


def _livelier(photo, eyes):
    lab = to_lab(photo)
    light = lab[..., 0]
    for eye in eyes:
        along, _ = _seen_from(eye, photo, eyes)
        share = np.exp(-np.sum((along / _column(_EYE)) ** 4, axis=0))
        mean = np.sum(light * share) / max(np.sum(share), 1e-6)
        contrast = _CONTRAST if mean > _DIM else _DIM_CONTRAST
        # Only what is not dark anyway: pupils and lashes stay.
        lit = min(max(_LIT - mean, 0), _MOST_LIGHT)
        lit = lit * np.clip((light - 0.7 * mean) / 20, 0, 1)
        light += share * ((contrast - 1) * (light - mean) + lit)
        lab[..., 1:] *= 1 + share[..., None] * (_CHROMA - 1)
    np.clip(light, 0, 100, out=light)
    return from_lab(lab)


def _seen_from(eye, photo, eyes):
    """Where pixels lie from an eye: along the line of the eyes, and across it.

    Returns:
        `(2, height, width)`, in distances of the eyes, and the matrix that turns such
        distances, from the left, to pixels.
    """
    across = eyes[1] - eyes[0]
    axes = np.stack([across, [-across[1], across[0]]])
    offset = _grid(photo) - _column(eye)
    return np.tensordot(axes / np.sum(across**2), offset, (1, 0)), axes


def _grid(photo):
    """x and y of a photo's pixels: `(2, height, width)`."""
    y, x = np.mgrid[: photo.shape[0], : photo.shape[1]].astype(float)
    return np.stack([x, y])


def _column(pair):
    return np.asarray(pair)[:, None, None]
