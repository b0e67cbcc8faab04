"""Proportions of a drawn face: large eyes, a tapered jaw, a small nose and mouth."""

import cv2
import numpy as np
from scipy.interpolate import RBFInterpolator

from animegan_tf.illustration import regions

_GRID = 72  # nodes a side at which the warp is computed


def drawn_points(head, style):
    """Where a style puts the landmarks that it moves.

    Args:
        head: `Head`.
        style: `Style`.

    Returns:
        Their numbers (n,), and their places (n, 2) in pixels.
    """
    seen, middle = head.seen, head.seen[regions.FOREHEAD]
    moved = {i: _jaw_point(head, seen[i], middle, style) for i in regions.OVAL}
    moved |= _scaled(head, regions.LIPS, style.mouth, style.mouth, -style.mouth_up)
    moved |= _scaled(head, regions.NOSE, style.nose, style.nose + 0.07, 0)
    apart = style.eye_apart * head.eye_distance / head.unit
    for eye, side in zip(regions.EYES, (-1, 1)):
        size = style.eye_width, style.eye_height
        moved |= _scaled(head, eye, *size, style.eye_down, side * apart)
    for brow in sum((upper + lower for upper, lower in regions.BROWS), []):
        moved[brow] = seen[brow] + head.along(0, style.brow_down)
    return np.array(list(moved)), np.array(list(moved.values()))


def warp(heads, style, shape):
    """Moves the landmarks of heads, and tells where every pixel comes from.

    A thin-plate spline that rests at the borders of the picture.

    Args:
        heads: list of `Head`, at least one; their `drawn` is set.
        style: `Style`.
        shape: height and width of the working picture.

    Returns:
        float32 x and y `(height, width)`, as `cv2.remap` takes them.

    Reference:
        Bookstein, *Principal Warps: Thin-Plate Splines and the Decomposition of
        Deformations*, PAMI 1989.
    """
    height, width = shape[:2]
    border = _border(shape)
    moved = [(head, *drawn_points(head, style)) for head in heads]
    sources = np.concatenate([head.seen[i] for head, i, _ in moved] + [border])
    targets = np.concatenate([places for *_, places in moved] + [border])
    kernel = {"kernel": "thin_plate_spline", "smoothing": 1.0}
    forward = RBFInterpolator(sources, targets - sources, **kernel)
    for head in heads:
        head.drawn = head.seen + forward(head.seen)
    back = RBFInterpolator(targets, sources - targets, **kernel)
    across, down = np.linspace(0, width - 1, _GRID), np.linspace(0, height - 1, _GRID)
    nodes = np.stack(np.meshgrid(across, down), -1).reshape(-1, 2)
    shift = back(nodes).reshape(_GRID, _GRID, 2).astype(np.float32)
    shift = cv2.resize(shift, (width, height), interpolation=cv2.INTER_CUBIC)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return x + shift[..., 0], y + shift[..., 1]


def _jaw_point(head, point, top, style):
    """Cheeks come in towards the chin, which rises with the jaw beside it."""
    right, down = head.place(point, top)
    low = np.clip((down - 0.45) / 0.55, 0, 1)
    side = np.clip(abs(right) / 0.38, 0, 1)
    # A turned face shows its cheeks from the side.
    turned = 0.35 + 0.65 * head.frontal
    in_ = right * turned * style.jaw * np.sin(np.pi * low * 0.72)
    up = style.chin_up * low**2 + turned * style.chin * low * side * (1 - 0.55 * side)
    return point - head.along(in_, up)


def _scaled(head, numbers, wide, high, down, right=0.0):
    """Landmarks scaled about their middle along the face's axes, then shifted."""
    middle = head.seen[numbers].mean(0)
    places = head.place(head.seen[numbers], middle) * [wide, high] + [right, down]
    axes = np.stack([head.right, head.down])
    return dict(zip(numbers, middle + head.unit * places @ axes))


def _border(shape):
    height, width = shape[:2]
    x, y = np.linspace(0, width, 9), np.linspace(0, height, 9)
    points = [(a, b) for a in x for b in (0, height)]
    return np.array(points + [(a, b) for a in (0, width) for b in y[1:-1]], float)
