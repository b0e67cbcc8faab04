"""Beards and stubble."""

import cv2
import numpy as np

from animegan_tf.illustration import regions
from animegan_tf.illustration.drawing import blur, step, to_rgb
from animegan_tf.illustration.flow import along, tangents

# The upper lip: from the nose's base, down and to either side in the face's height.
_UPPER_LIP = (regions.NOSE_BASE, 0.12, 0.14)


def paint_beard(canvas, head, lab, relief):
    """Paints hair on the lower face, as strong as the photo has it.

    Hair there is darker than the face, and textured; a shadow is smooth, and lies on
    one side. Stubble gives a faint tone, a full beard one of the hair's colours.

    Args:
        canvas: `Canvas`.
        head: `Head`.
        lab: float32 CIE Lab of the photo in the drawing's proportions.
        relief: `skin.Relief` of the face.

    Returns:
        float32 `(height, width)`, how much of each pixel is beard.
    """
    mask = _beard_mask(canvas, head, lab, relief)
    if mask.max() <= 0:
        return mask
    light, unit = lab[..., 0] / 100, head.unit
    hair = _beard_color(head, lab, mask)
    shades = along(light, tangents(light, 0.005 * unit, 0.02 * unit), 0.013 * unit)
    middle = (shades * mask).sum() / max(mask.sum(), 1)
    colors = np.broadcast_to(hair.astype(np.float32), lab.shape).copy()
    colors[..., 0] *= 1 + 0.22 * step(shades - middle, -0.05, 0.05) - 0.11
    canvas.wash(to_rgb(colors), mask * 0.9)
    return mask


def _beard_mask(canvas, head, lab, relief):
    unit, light = head.unit, lab[..., 0] / 100
    region = _beard_region(canvas, head)
    texture = blur(np.abs(light - blur(light, 0.006 * unit)), 0.02 * unit)
    rough = step(texture, 0.008, 0.016)
    darker = relief.usual - blur(light, 0.008 * unit)
    # Hair on skin takes its colour away; a shadow or a fold makes it stronger.
    colored = np.hypot(lab[..., 1], lab[..., 2]) / np.maximum(lab[..., 0], 5)
    usual = np.hypot(*head.skin[1:]) / head.skin[0]
    grayer = step(blur(colored, 0.012 * unit) / usual, 1.0, 0.72)
    dark = step(darker, 0.07, 0.20) * rough
    black = step(darker, 0.36 * relief.usual, 0.50 * relief.usual)
    # Brown hair is no greyer than skin, but on light skin no shadow is as rough.
    brown = step(texture, 0.011, 0.020) * step(head.skin[0], 50, 64)
    mark = np.max(
        [dark * np.maximum(grayer, brown), black * grayer, 0.9 * grayer**2 * rough], 0
    )
    right, _ = head.grid(canvas, head.drawn[regions.NOSE_BASE])
    weights = [region * half for half in (right < 0, right >= 0)]
    sides = [(mark * w).sum() / max(w.sum(), 1) for w in weights]
    strength = float(step(min(sides), 0.10, 0.28))
    mask = step(blur(mark * region, 0.014 * unit), 0.16, 0.42)
    size = max(3, int(0.10 * unit)) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    closed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, kernel)
    beard = blur(closed, 0.005 * unit) * region * strength
    stronger = np.median((colored / usual)[region > 0.5]) if region.max() > 0.5 else 1
    return beard * certainty(canvas, head, beard, region, stronger)


def certainty(canvas, head, beard, region, stronger):
    """Whether a mask covers chin and upper lip as beards do: float in [0, 1].

    Args:
        canvas: `Canvas`.
        head: `Head`.
        beard: float32 `(height, width)` in [0, 1], what was taken for a beard.
        region: the same, where beards grow.
        stronger: how many times as strongly coloured the lower face is as the cheeks.
            Above 1 it may be shade, and more must be covered.
    """
    covered = []
    for point, high, wide in ((regions.LIP_BOTTOM[1], 0.15, 0.12), _UPPER_LIP):
        right, down = head.grid(canvas, head.drawn[point])
        place = region * (down > 0) * (down < high * head.unit)
        place *= np.abs(right) < wide * head.unit
        covered.append((beard * place).sum() / max(place.sum(), 1))
    needed = 0.2 + 0.35 * float(step(stronger, 1.1, 1.4))
    return float(step(np.mean(covered), needed - 0.12, needed + 0.08))


def _beard_region(canvas, head):
    """Where beards grow: below the nose, and at the sides up to the ears."""
    unit = head.unit
    right, down = head.grid(canvas, head.drawn[regions.NOSE_BASE])
    aside = np.abs(right) / unit
    upper = unit * (0.02 - 1.6 * np.maximum(aside - 0.20, 0))
    size = max(3, int(0.02 * unit)) | 1
    lips = cv2.dilate(canvas.mask(head.drawn[regions.LIPS]), np.ones((size, size)))
    oval = canvas.mask(head.drawn[regions.OVAL] + head.along(0, 0.02))
    low = step(down - upper, -0.03 * unit, 0.03 * unit)
    eyes = np.zeros_like(lips)
    for eye in regions.EYES:
        eyes = np.maximum(eyes, canvas.hull(head.drawn[eye]))
    size = max(3, int(0.14 * unit)) | 1
    closed = np.maximum(lips, cv2.dilate(eyes, np.ones((size, size))))
    return low * oval * head.masks["skin"] * (1 - closed)


def _beard_color(head, lab, mask):
    """Between the photo's colour there, cleaner, and the skin's."""
    chosen = lab[mask > 0.5]
    if len(chosen) < 30:
        chosen = lab[mask > 0.5 * mask.max()]
    seen = np.median(chosen, 0)
    return np.array([np.clip(seen[0] * 1.02 + 6, 14, 80), seen[1] * 1.1, seen[2] * 1.1])
