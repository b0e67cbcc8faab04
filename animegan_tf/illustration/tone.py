"""Light and colour of a photo before anything is read from it."""

import cv2
import numpy as np

from animegan_tf.illustration import regions
from animegan_tf.illustration.drawing import blur, step, to_lab, to_rgb
from animegan_tf.imaging.balance import skin_cast, without_cast

# Chroma below which something may be grey under the photo's light.
_GRAY = 22
# L that the brightest parts of a picture get at least.
_WHITE, _LARGEST_GAIN = 80, 1.6
# Whites of eyes over skin, in L, of a face in light and of one in shadow; L of the
# skin that the second gets.
_LIT_EYES, _SHADED_EYES = 0.95, 0.50
_LIGHT_SKIN, _LARGEST_GAIN_OF_FACE = 62, 2.2


def skin_color(lab, points, height, hidden=None):
    """Median colour of a face's cheeks.

    Args:
        lab: float32 CIE Lab `(height, width, 3)`.
        points: (478, 2), landmarks in pixels of it.
        height: of the face, in pixels.
        hidden: mask of what covers skin, such as glasses, or None.

    Returns:
        float64 (3,).
    """
    places = points[regions.CHEEKS]
    if hidden is not None:
        free = _at(hidden, places) < 0.3
        places = places[free] if free.any() else places
    return np.median(_at(blur(lab, 0.02 * height), places), 0)


def balanced(photo, heads):
    """A photo in neutral light, as far as its faces tell.

    White balance goes only as far as the cheeks leave the colours of human skin, and
    as what is nearly grey in the picture agrees: an unusual skin under white light is
    no cast. Exposure follows the brightest parts of the picture.

    Args:
        photo: float32 RGB `(height, width, 3)` in [0, 1].
        heads: `Head`s in it, the first of which tells the cast.

    Returns:
        float32 RGB of the same shape.
    """
    lab = to_lab(photo)
    white = max(np.percentile(lab[..., 0], 97), 1)
    gain = np.sqrt(np.clip(_WHITE / white, 1, _LARGEST_GAIN))
    for head in heads[:1]:
        skin = skin_color(lab, head.seen, head.unit)
        cast = skin_cast(skin)
        without_cast(lab, cast * np.float32(_agreement(lab, cast)))
    lab[..., 0] = np.clip(lab[..., 0] * gain, 0, 100)
    return to_rgb(lab)


def _agreement(lab, cast):
    """How much of a cast what is nearly grey shows: 0 to 1; 1 where nothing is grey."""
    small = lab[::4, ::4].reshape(-1, 3)
    chroma = np.hypot(small[:, 1], small[:, 2])
    gray = small[(small[:, 0] > 45) & (chroma < _GRAY)]
    size = float(cast @ cast)
    if len(gray) < 0.02 * len(small) or size < 1e-6:
        return 1.0
    return float(np.clip(gray[:, 1:].mean(0) @ cast / size, 0, 1))


def gain_of_face(lab, head):
    """How many times as light a face in shadow would be in good light.

    Dark skin has whites of the eyes that are lighter than it; in shadow they are
    darker than the skin, as in light on light skin.

    Args:
        lab: float32 CIE Lab of the photo, without the drawing's proportions.
        head: `Head`.

    Returns:
        float, at least 1.
    """
    skin = max(skin_color(lab, head.seen, head.unit)[0], 1.0)
    white = 0.0
    for eye in regions.EYES:
        mask = np.zeros(lab.shape[:2], np.uint8)
        cv2.fillPoly(mask, [np.round(head.seen[eye]).astype(np.int32)], 1)
        values = lab[mask > 0]
        if len(values):
            white = max(white, np.percentile(values[:, 0], 88))
    in_shadow = step(white / skin, _LIT_EYES, _SHADED_EYES)
    gain = np.clip(_LIGHT_SKIN / skin, 1, _LARGEST_GAIN_OF_FACE)
    return float(1 + (gain - 1) * in_shadow)


def lit_by(lab, gain: float):
    """A picture in CIE Lab, `gain` times as light."""
    lit = lab.copy()
    lit[..., 0] = np.minimum(lit[..., 0] * np.float32(gain), 100)
    return lit


def _at(plane, points):
    limits = np.array(plane.shape[1::-1]) - 1
    x, y = np.clip(np.asarray(points), 0, limits).astype(int).T
    return plane[y, x].astype(np.float64)
