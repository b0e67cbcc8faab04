"""Smoothing along the strokes that a painter would make."""

import cv2
import numpy as np

from animegan_tf.illustration.drawing import blur

_STRIDE = 1.5  # pixels between two samples on a line


def tangents(lightness, fine: float, wide: float):
    """Direction along the edges of a picture, from its smoothed structure tensor.

    Args:
        lightness: float32 `(height, width)`.
        fine: standard deviation in pixels before gradients are taken.
        wide: standard deviation over which directions are averaged.

    Returns:
        float32 x and y `(height, width)` of unit vectors.

    Reference:
        Kang, Lee, Chui, *Flow-Based Image Abstraction*, TVCG 2009; the tensor of
        Kyprianidis and Doellner 2008 in place of their iterated field.
    """
    smooth = blur(lightness, fine)
    dx = cv2.Sobel(smooth, cv2.CV_32F, 1, 0)
    dy = cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    xx, xy, yy = (blur(p, wide) for p in (dx * dx, dx * dy, dy * dy))
    angle = 0.5 * np.arctan2(2 * xy, xx - yy) + np.pi / 2
    return np.cos(angle), np.sin(angle)


def along(picture, field, length: float, passes: int = 2):
    """Means along a direction field, as strokes of a brush take them.

    Every pass averages along straight lines; several together follow the curves.

    Args:
        picture: float32 `(height, width)` or `(height, width, channels)`.
        field: x and y of `tangents`.
        length: how far a pass reaches to either side, in pixels.
        passes: int.

    Returns:
        float32, the picture's shape.
    """
    height, width = picture.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    steps = max(1, round(length / _STRIDE))
    offsets = [i * length / steps for i in range(-steps, steps + 1)]
    maps = [(x + t * field[0], y + t * field[1]) for t in map(np.float32, offsets)]
    for _ in range(passes):
        total = np.zeros_like(picture)
        for across, down in maps:
            total += cv2.remap(
                picture, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
            )
        picture = total / np.float32(len(maps))
    return picture
