"""Curves as arrays of points (n, 2), whatever they outline."""

import numpy as np


def path(text, u=1.0, v=1.0):
    """Points (n, 2) written as "u v, u v, ...", each coordinate scaled."""
    points = [[float(word) for word in pair.split()] for pair in text.split(",")]
    return np.array(points) * (u, v)


def arc(text, u=1.0, v=1.0):
    """Smooth open line through points written as for `path`."""
    return curve(path(text, u, v), closed=False)


def curve(points, closed=True):
    """Smooth curve through the points (Catmull-Rom)."""
    points = np.asarray(points, dtype=float)
    if closed:
        padded = np.concatenate([points[-1:], points, points[:2]])
    else:
        padded = np.concatenate([points[:1], points, points[-1:]])
    a, b, c, d = (padded[i : len(padded) - 3 + i, None] for i in range(4))
    t = np.linspace(0, 1, 6, endpoint=False)[:, None]
    smooth = b + 0.5 * t * (
        c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a))
    )
    smooth = smooth.reshape(-1, 2)
    return smooth if closed else np.concatenate([smooth, points[-1:]])


def bezier(start, bend, end, t):
    """Points at t (n, 1) of the line from start to end that bends towards a point."""
    return (1 - t) ** 2 * start + 2 * t * (1 - t) * bend + t**2 * end


def ellipse(u, v, ru, rv, points=28):
    """Ellipse about (u, v)."""
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    return np.stack([u + ru * np.cos(angle), v + rv * np.sin(angle)], axis=1)


def closed_line(points):
    """The curve with its first point repeated at the end, to stroke it."""
    return np.concatenate([points, points[:1]])


def flipped(half):
    """The other half of a symmetric curve, which continues the first half."""
    return half[::-1] * (-1, 1)


def mirrored(half):
    """Closed smooth curve from its right half, given top to bottom."""
    half = np.asarray(half, dtype=float)
    left = flipped(half)
    return curve(np.concatenate([half, left[left[:, 0] != 0]]))


def ribbon(line, width, taper):
    """Outline of a stroke along a line, widest in the middle if `taper` > 0."""
    line = np.asarray(line, dtype=float)
    t = np.linspace(0, np.pi, len(line))
    half = _normals(line)[0] * (0.5 * width * np.abs(np.sin(t)) ** taper)[:, None]
    return np.concatenate([line + half, (line - half)[::-1]])


def bumpy(outline, size, rng):
    """The clockwise curve with rounded bumps of about `size` outside, like curls."""
    if not size:
        return outline
    normal, length = _normals(outline)
    phase = np.cumsum(length) / (2.5 * size) * rng.uniform(0.9, 1.1, len(outline))
    return outline - normal * (size * np.abs(np.sin(phase * np.pi / 2)))[:, None]


def _normals(line):
    """Unit normals (n, 2) of a line and the distances (n,) between its points."""
    along = np.gradient(line, axis=0)
    length = np.hypot(along[:, 0], along[:, 1])
    return along[:, ::-1] * (-1, 1) / (length[:, None] + 1e-9), length
