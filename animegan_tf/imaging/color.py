"""Ranges and colours of pictures in NumPy, as `animegan_tf.ops` has them of tensors."""

import cv2
import numpy as np


def to_range(image):
    """Pictures in the range that every network here takes, as `ops.to_float`.

    Args:
        image: uint8 `(..., height, width, 3)`.

    Returns:
        The same shape, float32 in [-1, 1].
    """
    return image.astype(np.float32) / np.float32(127.5) - np.float32(1)


def to_levels(image):
    """Pictures as files hold them, as `ops.to_uint8`.

    Args:
        image: float32 `(..., height, width, 3)` in [-1, 1]; values outside are clipped.

    Returns:
        The same shape, uint8, rounded to the nearest grey level.
    """
    levels = np.rint((image + np.float32(1)) * np.float32(127.5))
    return np.clip(levels, 0, 255).astype(np.uint8)


def to_lab(image):
    """Lightness and chroma of CIE Lab (D65).

    Args:
        image: uint8 RGB `(height, width, 3)`.

    Returns:
        float32 `(height, width, 3)`: L of 0 to 100, a, b.
    """
    return cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)


def from_lab(lab):
    """uint8 RGB of what `to_lab` returns; colours outside sRGB are clipped."""
    return to_levels(cv2.cvtColor(lab, cv2.COLOR_Lab2RGB) * 2 - 1)


def without_alpha(image):
    """The colours of a picture, white where nobody sees them.

    Args:
        image: uint8 RGB or RGBA `(height, width, 3 or 4)`; it is not changed.

    Returns:
        uint8 RGB `(height, width, 3)`, contiguous.
    """
    colors = np.ascontiguousarray(image[..., :3])
    if image.shape[2] == 4:
        colors[image[..., 3] == 0] = 255
    return colors


def with_chroma_of(photo, picture):
    """The picture's lightness under the photo's chroma, (a, b) of CIE Lab.

    Args:
        photo: uint8 RGB `(height, width, 3)`.
        picture: float32 RGB of the same shape in [-1, 1].

    Returns:
        float32 RGB of the same shape in [-1, 1]; colours outside sRGB are clipped.
    """
    # OpenCV's own way there goes through a table, half a unit off.
    from skimage.color import rgb2lab

    lab = rgb2lab(photo / np.float32(255))
    lab[..., :1] = rgb2lab((np.clip(picture, -1, 1) + 1) / 2)[..., :1]
    return cv2.cvtColor(lab.astype(np.float32), cv2.COLOR_Lab2RGB) * 2 - 1
