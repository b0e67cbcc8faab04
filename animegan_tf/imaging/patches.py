"""Squares laid into a picture, turned and scaled, so that no seam shows."""

from dataclasses import dataclass

import cv2
import numpy as np

from animegan_tf.imaging.transform import resize

# How far from the border of its square a patch is opaque, in half sides.
_FEATHER = 0.4
# Where a square has colours of its own: all of them in the inner part of an ellipse
# with these half axes, across and down, in half sides, none outside of it.
_OWN, _OWN_FEATHER = (0.85, 0.95), 0.5
# Window, in sides, and variance of grey levels in [0, 1] below which an area is flat,
# of the filter that finds the tone in which two paintings of a square differ.
_WINDOW, _FLAT = 0.08, 1e-3
# How sharply patches that are close part the picture between them.
_PARTING = 12
# Rows of a picture that are blended at once.
_BAND = 256


@dataclass(frozen=True)
class Patch:
    """A square with its place in a picture.

    Attributes:
        image: uint8 RGB `(side, side, 3)`.
        to_square: float64 `(2, 3)`, a similarity from pixel coordinates of the picture
            to the square, whose corners are (0, 0) and (1, 1).
    """

    image: np.ndarray
    to_square: np.ndarray

    def window(self, top, bottom, width):
        """Left, top, right and bottom of what the square may touch of some rows."""
        corners = cv2.transform(
            np.array([[[0.0, 0], [0, 1], [1, 0], [1, 1]]]),
            cv2.invertAffineTransform(self.to_square),
        )[0]
        first, last = np.floor(corners.min(0)), np.ceil(corners.max(0)) + 1
        left, right = np.clip([first[0], last[0]], 0, width)
        top, bottom = np.clip([first[1], last[1]], top, bottom)
        return int(left), int(top), int(right), int(bottom)

    def colours(self, left, top, right, bottom):
        """uint8 RGB of the square, turned and scaled, in a window of the picture."""
        to_pixels = self.to_square * len(self.image)
        to_pixels[:, 2] += to_pixels[:, :2] @ [left, top] - 0.5
        return cv2.warpAffine(
            self.image,
            to_pixels,
            (right - left, bottom - top),
            flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )

    def opacity(self, left, top, right, bottom):
        """Opacity in a window of the picture, and how near the square's centre is.

        Both float32 in [0, 1]. The opacity is that of a square with round corners, 0 on
        the border and beyond.
        """
        x, y = np.arange(left, right), np.arange(top, bottom)[:, None]
        across, down = (
            (2 * (row[0] * x + row[1] * y + row[2]) - 1).astype(np.float32) ** 2
            for row in self.to_square
        )
        inwards = (1 - np.sqrt(np.hypot(across, down))) / _FEATHER
        return _smooth_step(inwards), np.exp(-_PARTING * (across + down))


def side_of(to_square):
    """Side of a square in the picture, in pixels.

    Args:
        to_square: see `Patch`.

    Returns:
        float.
    """
    return float(np.linalg.det(to_square[:, :2]) ** -0.5)


def fitted(image, to_square):
    """A patch of a square that may have more pixels than its place in the picture.

    Args:
        image: uint8 RGB `(side, side, 3)`.
        to_square: see `Patch`.

    Returns:
        `Patch`, its square reduced without aliasing to the pixels that it covers.
    """
    side = max(1, round(side_of(to_square)))
    # A few pixels more do not alias, and resampling twice would soften.
    if side <= 0.9 * len(image):
        image = resize(image, side, side)
    return Patch(image, to_square)


def with_tone_of(ground, image, guide):
    """A square whose tone becomes, outwards, that of what it is laid on.

    Away from its centre, the difference of the two is taken out of the image as far as
    it follows the guide, smooth where that is smooth and with an edge where that has
    one. What the image has besides, lines above all, stays. A flat ground that was
    painted lighter would else be seen as a halo, however soft the mask.

    Args:
        ground, image, guide: uint8 RGB `(side, side, 3)`: what the square will be laid
            on, the square, and the photo of which both are paintings.

    Returns:
        uint8 RGB `(side, side, 3)`.

    Reference:
        He, Sun, Tang, *Guided Image Filtering*, TPAMI 2013, each channel by itself.
    """
    side = len(image)
    guide = guide.astype(np.float32) / 255
    difference = image.astype(np.float32) - ground

    def mean(values):
        size = 2 * round(_WINDOW * side) + 1
        return cv2.blur(values, (size, size), borderType=cv2.BORDER_REFLECT)

    variance = mean(guide * guide) - mean(guide) ** 2
    covariance = mean(guide * difference) - mean(guide) * mean(difference)
    slope = covariance / (variance + _FLAT)
    offset = mean(difference) - slope * mean(guide)
    tone = mean(slope) * guide + mean(offset)
    across = ((np.arange(side, dtype=np.float32) + 0.5) / side * 2 - 1) ** 2
    radius = np.sqrt(across / _OWN[0] ** 2 + across[:, None] / _OWN[1] ** 2)
    own = _smooth_step((1 - radius) / _OWN_FEATHER)[..., None]
    return np.clip(np.rint(image - (1 - own) * tone), 0, 255).astype(np.uint8)


def blend(picture, patches):
    """Lays patches into a picture, in place.

    Outside of all patches not a level changes. Where some overlap, the one whose centre
    is nearest, in its own sides, has most of the say.

    Args:
        picture: uint8 RGB `(height, width, 3)`, writable.
        patches: sequence of `Patch`, in any order.
    """
    height, width = picture.shape[:2]
    for top in range(0, height, _BAND):
        band = picture[top : top + _BAND]
        windows = [(p, p.window(top, top + len(band), width)) for p in patches]
        windows = [(p, w) for p, w in windows if w[0] < w[2] and w[1] < w[3]]
        if windows:
            _blend_band(band, top, windows)


def _blend_band(band, top, windows):
    mixed = np.zeros(band.shape, np.float32)
    total = np.zeros((*band.shape[:2], 1), np.float32)
    bare = np.ones_like(total)
    for patch, window in windows:
        left, first, right, last = window
        place = slice(first - top, last - top), slice(left, right)
        opacity, nearness = patch.opacity(*window)
        share = (opacity * nearness)[..., None]
        mixed[place] += share * patch.colours(*window)
        total[place] += share
        bare[place] *= 1 - opacity[..., None]
    mixed /= np.maximum(total, np.finfo(np.float32).tiny)
    band[:] = np.rint(bare * band + (1 - bare) * mixed)


def _smooth_step(x):
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)
