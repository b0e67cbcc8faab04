"""Where a drawn portrait shows the colours of its person: hair, eyes, skin."""

import dataclasses

import cv2
import numpy as np

from animegan_tf.samples.anime import draw_anime
from animegan_tf.samples.photo import draw_photo

ATTRIBUTES = ("hair", "eye", "skin")
_DARK, _BRIGHT = (24, 24, 24), (216, 216, 216)
# What changes by less is a mixture with another colour: an edge, ink, a shadow on it.
_CHANGED = 40


def attribute_regions(portrait, size: int = 256) -> dict:
    """Pixels that show an attribute's colour, in the photo and in the anime picture.

    A pixel belongs to an attribute if it changes when nothing but that attribute's
    colour does, in both drawings. So whatever the drawings lay over it is left out,
    and so is what only one of them has there, such as the outer parts of the large
    eyes of anime.

    Args:
        portrait: `Portrait`.
        size: int, side of the pictures in pixels.

    Returns:
        dict of `ATTRIBUTES` to bool (size, size); all False for hair that is not
        there.
    """
    dark = dataclasses.replace(portrait, **dict.fromkeys(ATTRIBUTES, _DARK))
    regions = dict.fromkeys(ATTRIBUTES, True)
    for draw in (draw_photo, draw_anime):
        plain = draw(dark, size)
        for name in ATTRIBUTES:
            bright = draw(dataclasses.replace(dark, **{name: _BRIGHT}), size)
            changed = cv2.absdiff(plain, bright).min(axis=2) > _CHANGED
            regions[name] = regions[name] & changed
    return {
        # Thin lines, such as brows, have no room for a colour of their own.
        name: region if name == "eye" else _inner(region, size)
        for name, region in regions.items()
    }


def _inner(region, size):
    """The region without its outermost pixels, and without anything thin."""
    kernel = np.ones((2 * max(1, round(size / 128)) + 1,) * 2, np.uint8)
    return cv2.erode(region.astype(np.uint8), kernel) > 0
