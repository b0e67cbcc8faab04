"""Filters around a painter: what a small network gets wrong, put right at leisure.

A generator draws the grain of skin as strokes, paints rims of light about dark hair and
tints grey grounds. Here the photo is calmed before it is painted, and the picture held
to the photo's colours and lights after.
"""

import cv2
import numpy as np

from animegan_tf.imaging.color import (
    from_lab,
    to_lab,
    to_levels,
    to_range,
    with_chroma_of,
)
from animegan_tf.imaging.smoothing import revise

# Lightness, of 0 to 1, that a bright pixel and the median pixel are to reach, what the
# lightest tenth may not be pushed beyond, and how much is done for it at the most.
_WHITE, _MIDDLE, _LIGHT = 0.85, 0.47, 0.82
_MOST_GAIN, _LEAST_GAMMA = 1.35, 0.8
# The bilateral filter, small and repeated, which keeps more than a large one.
_PASSES, _SIDE, _RANGE, _SPREAD = 4, 5, 35, 5
# Units of L by which a picture may be lighter than the photo: bright spots and rims up
# to so many pixels wide, and all the rest.
_RIM, _RIM_OVER, _OVER = 19, 4, 6
# Dark strokes up to so many pixels wide, at so many pixels from an edge of the photo;
# and the slopes, in L a pixel, where edges begin and where strokes stay as they are.
_STROKE, _REACH, _SLOPE, _EDGE = 9, 7, 1.5, 4


def retouched(paint, photo):
    """A photo painted with its texture, exposure and colours looked after.

    The photo is `brightened`, then painted `without_texture`; the picture loses strokes
    that follow nothing (`without_strokes`), is `held` to the brightened photo and
    flattened as the targets of the main tail are (`revise`).

    Args:
        paint: uint8 RGB `(height, width, 3)` to uint8 RGB, a picture of the same shape.
        photo: uint8 RGB `(height, width, 3)`.

    Returns:
        uint8 RGB `(height, width, 3)`.
    """
    bright = brightened(photo)
    calm = without_texture(bright)
    picture = held(without_strokes(paint(calm), calm), bright)
    return to_levels(revise(picture) * 2 - 1)


def brightened(photo):
    """A photo exposed like a drawing, its chroma as it was.

    L of CIE Lab is scaled, then raised to a power: at most by 1.35 and to 0.8, and not
    so that faces which are light already wash out. Dark skin in a light photo stays.

    Args:
        photo: uint8 RGB `(height, width, 3)`.

    Returns:
        uint8 RGB `(height, width, 3)`.
    """
    lab = to_lab(photo)
    lightness = lab[..., 0] / 100
    bright = max(np.percentile(lightness, 98), 0.01)
    lightness = np.clip(lightness * np.clip(_WHITE / bright, 1, _MOST_GAIN), 0, 1)

    def power(value, wanted):
        return np.log(wanted) / np.log(np.clip(value, 0.05, 0.95))

    gamma = max(
        power(np.median(lightness), _MIDDLE),
        power(np.percentile(lightness, 90), _LIGHT),
        _LEAST_GAMMA,
    )
    lab[..., 0] = 100 * lightness ** min(gamma, 1)
    return from_lab(lab)


def without_texture(photo):
    """A photo without pores and grain; outlines, eyes and lips stay.

    Args:
        photo: uint8 RGB `(height, width, 3)`.

    Returns:
        uint8 RGB `(height, width, 3)`.

    Reference:
        Winnemoeller, Olsen, Gooch 2006, *Real-Time Video Abstraction*: a bilateral
        filter, repeated, as the first step of a cartoon.
    """
    for _ in range(_PASSES):
        photo = cv2.bilateralFilter(photo, _SIDE, _RANGE, _SPREAD)
    return photo


def without_strokes(picture, photo):
    """A picture whose thin dark lines are where the photo has an edge.

    Args:
        picture: uint8 RGB `(height, width, 3)`.
        photo: the same, without texture.

    Returns:
        uint8 RGB `(height, width, 3)`.
    """
    light = cv2.GaussianBlur(to_lab(photo)[..., 0], (0, 0), 1)
    slope = np.hypot(cv2.Sobel(light, -1, 1, 0), cv2.Sobel(light, -1, 0, 1)) / 8
    slope = cv2.dilate(slope, _disc(_REACH))
    share = np.clip((slope - _SLOPE) / (_EDGE - _SLOPE), 0, 1)
    lab = to_lab(picture)
    bare = cv2.morphologyEx(lab[..., 0], cv2.MORPH_CLOSE, _disc(_STROKE))
    lab[..., 0] = share * lab[..., 0] + (1 - share) * bare
    return from_lab(lab)


def held(picture, photo):
    """A picture with a photo's chroma and hardly more light than it anywhere.

    Args:
        picture: uint8 RGB `(height, width, 3)`.
        photo: the same, what it was painted from.

    Returns:
        uint8 RGB `(height, width, 3)`.
    """
    lab, light = to_lab(picture), to_lab(photo)[..., 0]
    wide = cv2.morphologyEx(lab[..., 0], cv2.MORPH_OPEN, _disc(_RIM))
    most = np.minimum(np.maximum(wide, light + _RIM_OVER), light + _OVER)
    lab[..., 0] = np.minimum(lab[..., 0], most)
    return to_levels(with_chroma_of(photo, to_range(from_lab(lab))))


def _disc(width):
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
