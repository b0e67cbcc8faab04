"""Smoothing along the strokes that a painter would make."""

import cv2
import numpy as np

from animegan_tf.illustration.drawing import blur


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


def along(picture, field, length: int, stride: float = 1.0):
    """Means along the curves of a direction field (line integral convolution).

    Args:
        picture: float32 `(height, width)` or `(height, width, channels)`.
        field: x and y of `tangents`.
        length: int, steps to either side.
        stride: pixels a step.

    Returns:
        float32, the picture's shape.
    """
    height, width = picture.shape[:2]
    y0, x0 = np.mgrid[:height, :width].astype(np.float32)
    total = picture.copy()
    vectors = np.stack(field, -1)
    for sign in (np.float32(stride), np.float32(-stride)):
        x, y, v = x0, y0, vectors * sign
        for _ in range(length):
            x, y = x + v[..., 0], y + v[..., 1]
            total += _sampled(picture, x, y)
            turned = _sampled(vectors, x, y) * np.float32(stride)
            # A direction has no sign: keep on going forward.
            v = np.where((turned * v).sum(-1, keepdims=True) < 0, -turned, turned)
    return total / np.float32(2 * length + 1)


def _sampled(picture, x, y):
    return cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
