"""Everything around faces: flat colours, and lines where things end."""

import cv2
import numpy as np

from animegan_tf.illustration.drawing import blend, blur, step, to_lab, to_rgb
from animegan_tf.illustration.flow import along, tangents
from animegan_tf.imaging.smoothing import l0_smooth


def flat_painting(photo, style, unit: float):
    """A picture in flat colours with clear edges.

    Args:
        photo: float32 RGB `(height, width, 3)` in [0, 1].
        style: `Style`.
        unit: height of a face in pixels, or what stands for it.

    Returns:
        float32 RGB of the same shape.
    """
    scale = unit / 300
    smooth = photo
    for _ in range(2):
        smooth = cv2.bilateralFilter(smooth, 9, 0.09, 5 * scale)
    field = tangents(to_lab(smooth)[..., 0] / 100, 1.5 * scale, 5 * scale)
    smooth = along(smooth, field, 3.5 * scale)
    smooth = np.clip(l0_smooth(smooth, style.flatness), 0, 1)
    lab = to_lab(smooth)
    lab[..., 0] = 100 * (lab[..., 0] / 100) ** style.light
    lab[..., 1:] *= style.color
    return to_rgb(lab)


def draw_lines(canvas, photo, strength, unit: float) -> None:
    """Dark lines where a photo has edges, in the colour of what they lie on.

    Args:
        canvas: `Canvas`.
        photo: float32 RGB of the canvas' shape.
        strength: float32 `(height, width)`, opacity.
        unit: height of a face in pixels.

    Reference:
        Winnemoeller, Olsen, Gooch, *Real-Time Video Abstraction*, SIGGRAPH 2006:
        difference of Gaussians, here smoothed along the edges.
    """
    scale = unit / 300
    light = cv2.bilateralFilter(to_lab(photo)[..., 0] / 100, 9, 0.08, 5 * scale)
    edges = blur(light, 1.2 * scale) - blur(light, 2.4 * scale)
    edges = along(edges, tangents(light, 1.5 * scale, 5 * scale), 4 * scale)
    mask = step(-edges, 0.008, 0.022) * strength
    blend(canvas.picture, canvas.picture * np.float32(0.4), mask)


def outline(mask, width: float):
    """Where a soft mask ends: float32 in [0, 1], some `width` pixels wide."""
    edge = np.abs(cv2.Laplacian(blur(mask, width), cv2.CV_32F)) * np.float32(width**2)
    return np.clip(2.2 * edge, 0, 1)


def edge_strength(photo, unit: float):
    """How much a photo changes from pixel to pixel: float32 in [0, 1]."""
    light = blur(to_lab(photo)[..., 0] / 100, 0.005 * unit)
    dx, dy = cv2.Sobel(light, cv2.CV_32F, 1, 0), cv2.Sobel(light, cv2.CV_32F, 0, 1)
    return step(np.hypot(dx, dy) * unit / 300, 0.03, 0.10)


def draw_surroundings(canvas, photo, heads, person, style, unit: float) -> None:
    """Lines of clothes, ears and necks.

    Args:
        canvas: `Canvas`.
        photo: float32 RGB of the canvas' shape.
        heads: list of `Head`, which are painted over later.
        person: float32 `(height, width)` in [0, 1], where people are.
        style: `Style`.
        unit: height of a face in pixels.
    """
    strength = person.copy()
    for head in heads:
        masks = head.masks
        strength = np.maximum(strength, masks["cloth"])
        strength *= 1 - np.maximum(masks["skin"], masks["hair"])
    draw_lines(canvas, photo, strength * style.line_strength, unit)
    real = edge_strength(photo, unit)
    for head in heads:
        edge = outline(head.masks["cloth"], 0.004 * unit) * real
        edge *= 1 - head.masks["hair"]
        blend(canvas.picture, canvas.picture * np.float32(0.35), 0.7 * edge)
