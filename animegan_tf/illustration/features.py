"""Contour, nose, mouth and brows."""

import cv2
import numpy as np

from animegan_tf.illustration import regions
from animegan_tf.illustration.drawing import blur, step, to_rgb
from animegan_tf.illustration.flow import along, tangents
from animegan_tf.illustration.hair import brow_color
from animegan_tf.illustration.painting import outline
from animegan_tf.illustration.skin import (
    base_tone,
    shade_tone,
    skin_line,
    without_islands,
)

_GUMS, _TEETH = (0.50, 0.16, 0.17), (0.985, 0.97, 0.965)
# L by which a shadow of the nose is darker than the skin: none, all of it.
_NOSE_DARKER = (5, 11)
# How much darker a fold is than about it: hardly a line, a whole one.
_FOLD_DEPTH = (0.032, 0.08)


def draw_contour(canvas, head, style) -> None:
    """The jaw, and where ears and neck end."""
    width, line = style.line * head.unit, skin_line(base_tone(head.skin, style))
    no_hair = 1 - head.masks["hair"]
    oval = canvas.mask(head.drawn[regions.OVAL])
    edges = outline(head.masks["skin"], 0.5 * width) * no_hair * (1 - oval)
    canvas.wash(line, 0.8 * edges)
    jaw = head.drawn[regions.JAW_LINE]
    middle = head.drawn[regions.NOSE_TIP]
    right, down = head.grid(canvas, middle)
    # The far side of a turned face ends where its skin ends, not at the landmarks.
    left_side, right_side = (abs((p - middle) @ head.right) for p in (jaw[1], jaw[-2]))
    far = right if left_side > right_side else -right
    high = step(down, 0.5 * head.unit, 0.3 * head.unit) * (far > 0)
    visible = no_hair * (1 - step(head.frontal, 0.95, 0.5) * high)
    canvas.stroke(jaw, (0.33 * width, width, 0.33 * width), line, within=visible)


def draw_nose(canvas, head, lab, style) -> None:
    """A short line under the nose; of a turned face, its ridge as well.

    Some styles keep the shadow that the photo's nose has.
    """
    base = base_tone(head.skin, style)
    line = skin_line(base)
    if style.nose_shadow:
        shadow = style.nose_shadow * _nose_shadow(canvas, head, lab)
        canvas.wash(to_rgb(shade_tone(base)), shadow)
    base = head.drawn[regions.NOSE_BASE]
    path = [base + head.along(-0.024, -0.012), base, base + head.along(0.018, -0.01)]
    thin, thick = 0.0017 * head.unit, 0.007 * head.unit
    canvas.stroke(path, (thin, thick, thin), line, 0.85)
    ridge = head.drawn[regions.NOSE_RIDGE]
    canvas.stroke(ridge, (thin, thick, thick), line, 0.85 * (1 - head.frontal))


def _nose_shadow(canvas, head, lab):
    """What is darker than skin in and beside the nose."""
    unit = head.unit
    hull = cv2.convexHull(head.drawn[regions.WHOLE_NOSE].astype(np.float32))[:, 0]
    about = blur(cv2.dilate(canvas.mask(hull), _disc(0.03 * unit)), 0.01 * unit)
    light = blur(lab[..., 0], 0.012 * unit)
    dark = step(head.skin[0] - light, *_NOSE_DARKER)
    return dark * about * head.masks["skin"] * (1 - head.masks["glasses"])


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
    allowed = cv2.erode(canvas.mask(head.drawn[regions.OVAL]), _disc(0.05 * unit))
    for outline_ in regions.FEATURES:
        hull = cv2.convexHull(head.drawn[outline_].astype(np.float32))[:, 0]
        allowed *= 1 - cv2.dilate(canvas.mask(hull), _disc(0.035 * unit))
    allowed *= (
        head.masks["skin"]
        * (1 - beard)
        * (1 - cv2.dilate(head.masks["glasses"], _disc(0.03 * unit)))
    )
    mask = without_islands(
        mask * allowed, canvas.mask(head.drawn[regions.OVAL]), 0.0025, 0.0025
    )
    canvas.wash(
        to_rgb(shade_tone(shade_tone(base_tone(head.skin, style)))), style.folds * mask
    )


def _disc(width):
    size = max(1, round(width)) | 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))


def draw_mouth(canvas, head, lab, style) -> None:
    """Lips in the photo's red; teeth where the mouth is open."""
    unit, drawn = head.unit, head.drawn
    base = base_tone(head.skin, style)
    line = skin_line(base)
    upper, lower = drawn[regions.UPPER_LIP], drawn[regions.LOWER_LIP]
    gap = np.concatenate([upper, lower[::-1]])
    lips = canvas.mask(drawn[regions.LIPS])
    red = _redness(head, lab, lips * (1 - canvas.mask(gap)))
    color = [base[0] * (0.88 - 0.006 * red), base[1] + 6 + red, base[2] + 2]
    canvas.wash(
        to_rgb(color), blur(lips, 0.0043 * unit) * np.clip(0.35 + 0.02 * red, 0.4, 0.85)
    )
    width = np.linalg.norm(upper[0] - upper[-1])
    open_ = float(
        step(np.linalg.norm(drawn[13] - drawn[14]) / max(width, 1e-6), 0.06, 0.12)
    )
    if open_ > 0:
        inside = canvas.mask(gap)
        canvas.wash(_GUMS, inside * open_)
        teeth = np.concatenate([upper, (lower * 0.5 + upper * 0.5)[::-1]])
        canvas.fill(teeth, _TEETH, open_, within=inside)
        canvas.stroke(
            lower, (0.002 * unit, 0.0053 * unit, 0.002 * unit), line * 0.8, open_
        )
    middle = upper * (0.5 + 0.5 * open_) + lower * (0.5 - 0.5 * open_)
    canvas.stroke(middle, (0.0033 * unit, 0.0087 * unit, 0.0033 * unit), line * 0.57)
    below = drawn[regions.LIP_BOTTOM] + head.along(0, 0.012)
    canvas.stroke(below, (0.001 * unit, 0.0053 * unit, 0.001 * unit), line, 0.6)


def draw_brows(canvas, head, lab, style) -> None:
    """Brows as tapered strokes, as thick and as dark as the photo's."""
    within = 1 - 0.5 * head.masks["hair"]
    for upper, lower in regions.BROWS:
        upper, lower = head.drawn[upper], head.drawn[lower]
        values = lab[canvas.mask(np.concatenate([upper, lower[::-1]])) > 0.5]
        contrast = head.skin[0] - np.percentile(values[:, 0], 25) if len(values) else 20
        strong = float(step(contrast, 4, 40))
        thick = (0.25 + 0.40 * strong) * np.linalg.norm(upper - lower, axis=1).mean()
        path = (upper + lower) / 2
        widths = 0.004 * head.unit, thick, 0.75 * thick
        color = brow_color(head)
        canvas.stroke(path, widths, color, 0.6 + 0.35 * strong, within)


def _redness(head, lab, lips):
    """How much redder lips are than skin, in a of CIE Lab."""
    chosen = lab[lips > 0.6]
    seen = np.median(chosen, 0) if len(chosen) > 20 else head.skin
    return float(np.clip(seen[1] - head.skin[1], 4, 34))
