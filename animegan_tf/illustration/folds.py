"""Folds and wrinkles."""

import cv2
import numpy as np

from animegan_tf.illustration import regions
from animegan_tf.illustration.drawing import blur, disc, step, to_rgb
from animegan_tf.illustration.flow import along, tangents
from animegan_tf.illustration.skin import base_tone, shade_tone, without_islands

# How much darker a fold is than about it: hardly a line, a whole one.
_FOLD_DEPTH = (0.032, 0.08)
# Least area of one, in that of the face.
_LEAST_FOLD = 0.0025


def draw_folds(canvas, head, lab, beard, style) -> None:
    """Folds and wrinkles where the photo has deep ones, as thin lines.

    Differences of Gaussians as in `painting.draw_lines`, of a wider pencil.
    """
    if not style.folds:
        return
    unit, light = head.unit, lab[..., 0] / 100
    field = tangents(light, 0.006 * unit, 0.02 * unit)
    fine, wide = blur(light, 0.007 * unit), blur(light, 0.018 * unit)
    depth = along(wide - fine, field, 0.012 * unit)
    mask = step(depth / np.maximum(wide, 0.2), *_FOLD_DEPTH)
    allowed = cv2.erode(canvas.mask(head.drawn[regions.OVAL]), disc(0.05 * unit))
    for feature in regions.FEATURES:
        hull = canvas.hull(head.drawn[feature])
        allowed *= 1 - cv2.dilate(hull, disc(0.035 * unit))
    glasses = cv2.dilate(head.masks["glasses"], disc(0.03 * unit))
    allowed *= head.masks["skin"] * (1 - beard) * (1 - glasses)
    oval = canvas.mask(head.drawn[regions.OVAL])
    mask = without_islands(mask * allowed, oval, _LEAST_FOLD, _LEAST_FOLD)
    color = shade_tone(shade_tone(base_tone(head.skin, style)))
    canvas.wash(to_rgb(color), style.folds * mask)
