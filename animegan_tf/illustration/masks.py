"""Masks of a head's parts, with the edges that the photo has."""

import cv2
import numpy as np

from animegan_tf.illustration.drawing import blur, step
from animegan_tf.imaging.parsing import FACE_PARTS, Part

# The parts that each mask is made of. Jewellery is in none: it is painted as it is.
_PARTS = {
    "hair": (Part.HAIR,),
    "skin": FACE_PARTS,
    "neck": (Part.NECK,),
    "ears": (Part.LEFT_EAR, Part.RIGHT_EAR),
    "cloth": (Part.CLOTHES,),
    "glasses": (Part.GLASSES,),
}


# How near to the middle of a face its skin, ears and neck come, in its heights.
_REACH = 0.8


def head_masks(parts, gray, unit: float):
    """Masks of a head in the working picture.

    Args:
        parts: `Parts` of the face.
        gray: float32 `(height, width)` in [0, 1], the working picture in grey.
        unit: height of the face in pixels of it.

    Returns:
        dict of float32 `(height, width)` in [0, 1]: hair, skin, neck, ears, cloth,
        glasses.
    """
    radius, size = max(2, round(unit / 60)), gray.shape[::-1]
    masks = {}
    for name, members in _PARTS.items():
        plane = _around(parts, parts.mask(*members), name == "cloth")
        plane = cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR)
        masks[name] = np.clip(guided(gray, plane, radius, 4e-4), 0, 1)
    return masks


def _around(parts, plane, goes_on):
    """A mask without an edge where the parser's view ends below, inside the photo."""
    left, top, right, bottom = parts.box
    if bottom >= len(plane):
        return plane
    if goes_on:
        plane[bottom:] = plane[bottom - 1]
        return plane
    fading = max(1, (bottom - top) // 10)
    plane[bottom - fading : bottom] *= np.linspace(1, 0, fading)[:, None]
    return plane


def settled(masks, middle, unit: float):
    """Masks with clear edges; ears and neck count as skin, and hair lies over it.

    Args:
        masks: of `head_masks`.
        middle: of the face; what is taken for skin far from it is none.
        unit: height of the face.
    """
    soft = unit / 250
    skin = np.max([masks["skin"], masks["ears"], masks["neck"]], 0)
    hair = _whole(step(blur(masks["hair"], soft), 0.40, 0.62), 0.012 * unit**2)
    skin = step(blur(skin, soft), 0.40, 0.60) * (1 - hair)
    skin = _about(skin, middle, _REACH * unit)
    cloth = step(blur(masks["cloth"], soft), 0.40, 0.60)
    return masks | {"hair": hair, "skin": skin, "cloth": cloth}


def _about(mask, middle, reach):
    """The pieces of a mask that come as near to a place as `reach`."""
    labels = cv2.connectedComponents((mask > 0.1).astype(np.uint8))[1]
    y, x = np.mgrid[: mask.shape[0], : mask.shape[1]]
    near = np.hypot(x - middle[0], y - middle[1]) < reach
    kept = np.zeros(labels.max() + 1, np.float32)
    kept[np.unique(labels[near])] = 1
    return mask * kept[labels]


def _whole(mask, least):
    """A mask without its pieces below an area, and without such holes."""
    for _ in range(2):
        pieces = (mask > 0.3).astype(np.uint8)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(pieces)
        small = stats[:, cv2.CC_STAT_AREA] < least
        small[0] = False
        gone = cv2.dilate(small[labels].astype(np.float32), np.ones((5, 5)))
        mask = 1 - mask * (1 - gone)  # the holes are the pieces of what is left
    return mask


def guided(guide, plane, radius: int, epsilon: float):
    """A plane that has its edges where a guide has them.

    Args:
        guide: float32 `(height, width)` in [0, 1].
        plane: float32 of the same shape.
        radius: of the windows, in pixels.
        epsilon: variance of the guide below which it shows no edge.

    Reference:
        He, Sun, Tang, *Guided Image Filtering*, PAMI 2013.
    """
    size = (2 * radius + 1,) * 2
    mean_guide, mean_plane = cv2.blur(guide, size), cv2.blur(plane, size)
    covariance = cv2.blur(guide * plane, size) - mean_guide * mean_plane
    variance = cv2.blur(guide * guide, size) - mean_guide**2
    slope = covariance / (variance + epsilon)
    offset = mean_plane - slope * mean_guide
    return cv2.blur(slope, size) * guide + cv2.blur(offset, size)
