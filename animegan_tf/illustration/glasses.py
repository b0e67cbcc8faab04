"""Glasses: two even rims, the bridge and the temples."""

import cv2
import numpy as np

from animegan_tf.illustration import regions
from animegan_tf.illustration.drawing import to_rgb

# Least areas of glasses and of one lens, in squared heights of the face.
_LEAST, _LEAST_LENS = 0.012, 0.008
# Half axes of where a lens may be, in distances of the eyes.
_REACH = (0.52, 0.42)
_ROUNDNESS = 6  # Fourier descriptors of a rim
_DARK_FRAME = 42
# L about eyes behind sunglasses, over that of the skin.
_DARK_GLASS = 0.42


def wears_sunglasses(canvas, head, lab) -> bool:
    """Whether glasses hide the eyes: dark about them, where clear ones show skin."""
    lenses = np.zeros(lab.shape[:2], np.float32)
    for eye in regions.EYES:
        hull = cv2.convexHull(head.drawn[eye].astype(np.float32))[:, 0]
        middle = hull.mean(0)
        lenses = np.maximum(lenses, canvas.mask(middle + 1.15 * (hull - middle)))
    size = max(3, int(0.10 * head.unit)) | 1
    about = cv2.dilate(lenses, np.ones((size, size))) * (1 - lenses)
    values = lab[..., 0][(about > 0.5) & (head.masks["glasses"] > 0.6)]
    if len(values) < 0.3 * max((about > 0.5).sum(), 1):
        return False
    return bool(np.median(values) < _DARK_GLASS * head.skin[0] / head.gain)


def draw_glasses(canvas, head, lab, dark: bool) -> None:
    """Draws the glasses that the parser saw, over eyes that are drawn already.

    Args:
        canvas: `Canvas`.
        head: `Head`.
        lab: float32 CIE Lab of the photo in the drawing's proportions.
        dark: whether the glasses hide the eyes.
    """
    region = (head.masks["glasses"] > 0.5).astype(np.uint8)
    if region.sum() < _LEAST * head.unit**2:
        return
    middle = head.drawn[regions.NOSE_BRIDGE]
    rims = [_lens(canvas, head, region, middle, side) for side in (-1, 1)]
    if rims[0] is None and rims[1] is None:
        return
    for i in (0, 1):
        if rims[i] is None:  # turned away: the near lens mirrored about the nose
            offset = rims[1 - i] - middle
            across = offset @ head.right
            rims[i] = middle + offset - 2 * across[:, None] * head.right
    width, color = _frame(canvas, head, lab, rims)
    inner = []
    for rim, side, temple in zip(rims, (-1, 1), regions.TEMPLES):
        canvas.fill(rim, *((color * 1.2, 0.94) if dark else ((1, 1, 1), 0.08)))
        _draw_ring(canvas, rim, width, color)
        across = (rim - middle) @ head.right * side
        inner.append(rim[across.argmin()])
        outer, end = rim[across.argmax()], head.drawn[temple]
        if (end - outer) @ head.right * side > 0.06 * head.unit:
            path = [
                outer,
                (outer + end) / 2 - head.along(0, 0.01),
                end - head.along(0, 0.02),
            ]
            canvas.stroke(path, (width, width, 0.8 * width), color, 0.9)
    bridge = [
        inner[0],
        inner.copy()[0] / 2 + inner[1] / 2 - head.along(0, 0.02),
        inner[1],
    ]
    canvas.stroke(bridge, (width, width, width), color, 0.95)


def _lens(canvas, head, region, middle, side):
    """A smooth outline (128, 2) of the region on one side of the nose, or None."""
    right, _ = head.grid(canvas, middle)
    eye = head.drawn[regions.EYES[0 if side < 0 else 1]].mean(0)
    across, down = head.grid(canvas, eye)
    distance = head.eye_distance
    near = (np.abs(across) < _REACH[0] * distance) & (
        np.abs(down) < _REACH[1] * distance
    )
    near &= right * side > 0.07 * distance
    side_length = max(3, int(0.035 * head.unit)) | 1
    kernel = np.ones((side_length, side_length), np.uint8)
    mask = cv2.morphologyEx(region * near.astype(np.uint8), cv2.MORPH_OPEN, kernel)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return None
    contour = max(contours, key=cv2.contourArea)
    if cv2.contourArea(contour) < _LEAST_LENS * head.unit**2:
        return None
    return _smooth_hull(cv2.convexHull(contour)[:, 0].astype(float))


def _smooth_hull(hull):
    """A closed curve of few Fourier descriptors through a convex hull."""
    closed = np.concatenate([hull, hull[:1]])
    length = np.concatenate(
        [[0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))]
    )
    places = np.linspace(0, length[-1], 129)[:-1]
    x, y = (np.interp(places, length, closed[:, i]) for i in (0, 1))
    spectrum = np.fft.fft(x + 1j * y)
    spectrum[_ROUNDNESS + 1 : -_ROUNDNESS] = 0
    points = np.fft.ifft(spectrum)
    return np.stack([points.real, points.imag], 1)


def _frame(canvas, head, lab, rims):
    """Width in pixels and RGB of the frame: dark ones are drawn thicker."""
    masks = np.maximum(*(canvas.mask(rim) for rim in rims))
    band = cv2.dilate(masks, np.ones((9, 9))) - cv2.erode(masks, np.ones((9, 9)))
    values = lab[band > 0.5]
    dark = float(np.percentile(values[:, 0], 20)) if len(values) else 30.0
    width = (0.010 if dark > _DARK_FRAME else 0.016) * head.unit
    return width, to_rgb([np.clip(0.55 * dark, 10, 40), 4, 4])


def _draw_ring(canvas, rim, width, color):
    closed = np.concatenate([rim, rim[:2]])
    along = np.gradient(closed, axis=0)
    across = np.stack([-along[:, 1], along[:, 0]], 1)
    across /= np.linalg.norm(across, axis=1, keepdims=True) + 1e-6
    ring = canvas.mask(closed + across * width / 2) - canvas.mask(
        closed - across * width / 2
    )
    canvas.wash(color, 0.95 * np.abs(ring))
