"""Pencil and brush: curves, filled outlines and tapered strokes on a picture."""

import cv2
import numpy as np
from scipy.interpolate import splev, splprep

# OpenCV takes coordinates as integers with so many binary places.
_PLACES = 4
_MARGIN = 2


class Canvas:
    """A picture that is drawn on, in place.

    Args:
        picture: float32 RGB `(height, width, 3)` in [0, 1]; it is changed.
        corner: x and y of its first pixel, where it is a part of a larger one.

    Attributes:
        picture: the same array.
        x, y: float32 `(height, width)`, coordinates of pixel centres.
    """

    def __init__(self, picture: np.ndarray, corner=(0, 0)):
        self.picture = picture
        self.corner = np.asarray(corner)
        self.height, self.width = picture.shape[:2]
        y, x = np.mgrid[: self.height, : self.width].astype(np.float32)
        self.x, self.y = x + np.float32(corner[0]), y + np.float32(corner[1])

    def part(self, low, high) -> "Canvas":
        """The part between two places, x and y each, to draw on more cheaply."""
        size = np.array([self.width, self.height])
        low = np.clip(np.floor(low - self.corner), 0, size - 1).astype(int)
        high = np.clip(np.ceil(high - self.corner), low + 1, size).astype(int)
        window = self.picture[low[1] : high[1], low[0] : high[0]]
        return Canvas(window, self.corner + low)

    def mask(self, outline) -> np.ndarray:
        """Coverage of pixels by a closed outline `(n, 2)`: float32 in [0, 1]."""
        mask = np.zeros((self.height, self.width), np.float32)
        window, part = self._filled(outline)
        mask[window] = part
        return mask

    def hull(self, points) -> np.ndarray:
        """Coverage by the convex hull of points `(n, 2)`."""
        return self.mask(cv2.convexHull(np.asarray(points, np.float32))[:, 0])

    def fill(self, outline, color, opacity: float = 1.0, within=None) -> None:
        """Fills an outline `(n, 2)` with one colour, where a mask lets it."""
        window, part = self._filled(outline)
        if part.size:
            part = part * opacity if within is None else part * opacity * within[window]
            blend(self.picture[window], color, part)

    def stroke(self, path, widths, color, opacity: float = 1.0, within=None) -> None:
        """Draws a line through points `(n, 2)`, as wide as `widths` says.

        Args:
            path: points in pixels.
            widths: widths in pixels at the start, in the middle and at the end.
            color: RGB in [0, 1].
            opacity: of the stroke.
            within: float32 `(height, width)` in [0, 1], or None for everywhere.
        """
        self.fill(brush(path, widths), color, opacity, within)

    def wash(self, color, mask) -> None:
        """Lays a colour, or a picture of this size, over where a mask is."""
        blend(self.picture, color, mask)

    def _filled(self, outline):
        outline = np.asarray(outline, np.float64) - self.corner
        size = np.array([self.width, self.height])
        low = np.clip(np.floor(outline.min(0)) - _MARGIN, 0, size).astype(int)
        high = np.clip(np.ceil(outline.max(0)) + _MARGIN + 1, low, size).astype(int)
        part = np.zeros((high - low)[::-1], np.uint8)
        if part.size:
            points = np.round((outline - low) * 2**_PLACES).astype(np.int32)
            cv2.fillPoly(part, [points], 255, cv2.LINE_AA, _PLACES)
        window = slice(low[1], high[1]), slice(low[0], high[0])
        return window, part.astype(np.float32) / 255


def blend(picture, color, mask) -> None:
    """Moves a picture towards a colour by a mask, in place."""
    picture += (np.asarray(color, np.float32) - picture) * mask[..., None]


def curve(points, count: int = 60) -> np.ndarray:
    """A smooth curve `(count, 2)` through two or more points."""
    points = np.asarray(points, np.float64)
    moved = np.linalg.norm(np.diff(points, axis=0), axis=1) > 1e-6
    points = points[np.concatenate([[True], moved])]
    if len(points) < 2:
        return np.repeat(points, count, axis=0)
    knots, _ = splprep(points.T, s=0, k=min(3, len(points) - 1))
    return np.array(splev(np.linspace(0, 1, count), knots)).T


def brush(path, widths) -> np.ndarray:
    """The outline of a stroke that is thin, thicker and thin again."""
    line = curve(path)
    start, middle, end = widths
    t = np.linspace(0, 1, len(line))
    ends = np.where(t < 0.5, start, end)
    width = ends + (middle - ends) * np.sin(np.pi * t)
    along = np.gradient(line, axis=0)
    across = np.stack([-along[:, 1], along[:, 0]], 1)
    across /= np.linalg.norm(across, axis=1, keepdims=True) + 1e-9
    half = across * width[:, None] / 2
    return np.concatenate([line + half, (line - half)[::-1]])


def step(x, low, high):
    """0 up to `low`, 1 from `high` on, smooth between; falling if `high` < `low`."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def disc(width: float):
    """A round kernel of an odd number of pixels, for `cv2.dilate` and its kin."""
    size = max(1, round(width)) | 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))


def shifted(mask, shift):
    """A mask moved by some pixels to the right and down."""
    matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]])
    return cv2.warpAffine(mask, matrix, mask.shape[::-1])


def blur(plane, sigma: float):
    """A Gaussian blur of a float32 picture or mask."""
    return cv2.GaussianBlur(plane, (0, 0), sigma) if sigma > 0.1 else plane


def to_rgb(lab) -> np.ndarray:
    """RGB in [0, 1] of CIE Lab, of a picture or of one colour."""
    lab = np.asarray(lab, np.float32)
    image = np.ascontiguousarray(lab.reshape(1, 1, 3) if lab.ndim == 1 else lab)
    return np.clip(cv2.cvtColor(image, cv2.COLOR_Lab2RGB), 0, 1).reshape(lab.shape)


def to_lab(rgb) -> np.ndarray:
    """CIE Lab of float32 RGB in [0, 1]."""
    return cv2.cvtColor(np.ascontiguousarray(rgb, np.float32), cv2.COLOR_RGB2Lab)
