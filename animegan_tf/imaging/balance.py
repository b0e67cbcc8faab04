"""White balance of portraits, read from the cheeks."""

import cv2
import numpy as np

from animegan_tf.imaging.color import from_lab, to_lab
from animegan_tf.imaging.landmarks import CHEEKS

# Where human skin lies in CIE Lab, of all tones.
SKIN_HUES, SKIN_CHROMAS = (38.0, 66.0), (10.0, 34.0)
# Radius over which skin is averaged, in heights of the face.
_SKIN_RADIUS = 0.02
# The largest correction, in units of a and b; a coloured light stays one beyond it.
_MOST = 16.0
# A light colours what is bright: below this lightness the correction shrinks with it.
_FULL_LIGHTNESS, _LEAST_SHARE = 60.0, 0.3


def skin_color(lab, mesh):
    """The colour of a face's skin.

    Args:
        lab: float32 `(height, width, 3)`, see `color.to_lab`.
        mesh: the `FaceMesh` of the face.

    Returns:
        float32 (3,), L, a and b: the median over the cheeks and the forehead.
    """
    smooth = cv2.GaussianBlur(lab, (0, 0), max(1.0, _SKIN_RADIUS * mesh.height))
    most = np.array(lab.shape[1::-1]) - 1
    x, y = np.clip(mesh.points[list(CHEEKS)].round(), 0, most).astype(int).T
    return np.median(smooth[y, x], 0)


def skin_cast(skin):
    """How far a skin's colour lies from the nearest one of human skin.

    Args:
        skin: L, a and b.

    Returns:
        float32 (2,), a and b, 16 at most.
    """
    a, b = skin[1:]
    hue = np.deg2rad(np.clip(np.rad2deg(np.arctan2(b, a)), *SKIN_HUES))
    chroma = np.clip(np.hypot(a, b), *SKIN_CHROMAS)
    wanted = chroma * np.array([np.cos(hue), np.sin(hue)])
    return np.clip([a, b] - wanted, -_MOST, _MOST).astype(np.float32)


def without_cast(lab, cast):
    """Takes a cast out of a picture in CIE Lab, in place: less where it is dark."""
    lab[..., 1:] -= cast * np.clip(lab[..., :1] / _FULL_LIGHTNESS, _LEAST_SHARE, 1)


def white_balance(image, mesh):
    """A photo without its cast, as far as a face shows that there is one.

    Skin whose hue and chroma are those of human skin leaves the photo as it is. Else
    it is brought to the nearest such colour, and everything with it.

    Args:
        image: uint8 RGB `(height, width, 3)`.
        mesh: the `FaceMesh` of a face in it.

    Returns:
        uint8 RGB of the same shape.
    """
    lab = to_lab(image)
    cast = skin_cast(skin_color(lab, mesh))
    if not cast.any():
        return image
    without_cast(lab, cast)
    return from_lab(lab)
