"""The picture that shapes are painted on, with smooth edges and masks."""

import cv2
import numpy as np

from animegan_tf.samples.curves import closed_line, ribbon


class Canvas:
    """uint8 RGB picture that curves in frame coordinates are painted on.

    Args:
        image: uint8 RGB (side, side, 3), painted in place.
    """

    def __init__(self, image):
        self.image = image
        self.side = image.shape[0]

    def mask(self, curve, blur=0.0):
        """Coverage of the curve's inside, uint8 (side, side)."""
        mask = np.zeros((self.side, self.side), np.uint8)
        _fill_polygon(mask, self._pixels(curve), 255)
        return cv2.GaussianBlur(mask, (0, 0), blur * self.side) if blur else mask

    def fill(self, curve, paint, opacity=1.0, blur=0.0, clip=None):
        """Paint the curve's inside.

        Args:
            curve: float (points, 2), frame coordinates.
            paint: RGB colour, or uint8 RGB (side, side, 3).
            opacity: 0 to 1.
            blur: Standard deviation of the soft edge, as a fraction of the frame.
            clip: uint8 (side, side) mask that limits the paint, or None.
        """
        points = self._pixels(curve)
        if opacity == 1 and not blur and clip is None and np.ndim(paint) == 1:
            _fill_polygon(self.image, points, np.clip(paint, 0, 255).tolist())
            return
        margin = 2 + int(3 * blur * self.side)
        low = np.clip(np.floor(points.min(axis=0)) - margin, 0, self.side).astype(int)
        high = np.clip(np.ceil(points.max(axis=0)) + margin, 0, self.side).astype(int)
        if (low >= high).any():
            return
        mask = np.zeros(high[::-1] - low[::-1], np.uint8)
        _fill_polygon(mask, points - low, 255)
        if blur:
            mask = cv2.GaussianBlur(mask, (0, 0), blur * self.side)
        box = np.s_[low[1] : high[1], low[0] : high[0]]
        if clip is not None:
            mask = overlap(mask, clip[box])
        self.blend(mask, paint, opacity, box)

    def blend(self, mask, paint, opacity=1.0, box=np.s_[:, :]):
        """Mix paint into a box of the picture by a uint8 mask of the box's size."""
        x, y, width, height = cv2.boundingRect(mask)
        inner = np.s_[y : y + height, x : x + width]
        target = self.image[box][inner]
        if target.size == 0:
            return
        if np.ndim(paint) == 3:
            paint = paint[box][inner]
        else:
            paint = flat(target.shape, paint)
        weight = mask[inner].astype(np.float32) * (opacity / 255)
        target[:] = cv2.blendLinear(paint, target.copy(), weight, 1 - weight)

    def outline(self, curve, width, colour, light):
        """Ink a closed curve, thicker on the side that faces away from the light."""
        away = curve - curve.mean(axis=0)
        away = away / (np.linalg.norm(away, axis=1, keepdims=True) + 1e-9)
        width = width * (1 + away @ np.array((-0.4 * light, 0.4)))
        self.ink(closed_line(curve), closed_line(width), colour, 0)

    def ink(self, line, width, colour, taper=0.6, **options):
        """Paint a tapered stroke along a line; `options` are those of `fill`."""
        self.fill(ribbon(line, width, taper), colour, **options)

    def _pixels(self, curve):
        """Frame coordinates to pixels, whose centres are whole numbers."""
        return curve * self.side - 0.5


def _fill_polygon(image, points, colour):
    """Fill the inside of points in pixels, exact to a sixteenth, with a smooth edge."""
    points = np.round(points * 16).astype(np.int32)
    cv2.fillPoly(image, [points], colour, cv2.LINE_AA, 4)


def flat(shape, colour):
    """Picture of a single RGB colour, uint8 (height, width, 3)."""
    picture, colour = np.empty(shape, np.uint8), np.clip(colour, 0, 255).tolist()
    # OpenCV fills a colour in far faster than numpy broadcasts one.
    return cv2.rectangle(picture, (0, 0), shape[1::-1], colour, -1)


def overlap(first, second):
    """What two uint8 masks have in common."""
    return cv2.multiply(first, second, scale=1 / 255)
