"""Mouths: lips in the photo's red, teeth where they are open."""

import numpy as np

from animegan_tf.illustration import regions
from animegan_tf.illustration.drawing import blur, step, to_rgb
from animegan_tf.illustration.skin import base_tone, skin_line

_GUMS, _TEETH = (0.50, 0.16, 0.17), (0.985, 0.97, 0.965)
# Height of the gap between the lips over its width: closed, open.
_CLOSED, _OPEN = 0.06, 0.12


def draw_mouth(canvas, head, lab, style) -> None:
    """Draws the mouth of a head.

    Args:
        canvas: `Canvas`.
        head: `Head`.
        lab: float32 CIE Lab of the photo in the drawing's proportions.
        style: `Style`.
    """
    unit, drawn = head.unit, head.drawn
    upper, lower = drawn[regions.UPPER_LIP], drawn[regions.LOWER_LIP]
    gap = np.concatenate([upper, lower[::-1]])
    _paint_lips(canvas, head, lab, gap, style)
    high = np.linalg.norm(drawn[regions.LIP_MIDDLES[0]] - drawn[regions.LIP_MIDDLES[1]])
    wide = max(np.linalg.norm(upper[0] - upper[-1]), 1e-6)
    opened = float(step(high / wide, _CLOSED, _OPEN))
    line = skin_line(base_tone(head.skin, style))
    if opened > 0:
        inside = canvas.mask(gap)
        canvas.wash(_GUMS, inside * opened)
        teeth = np.concatenate([upper, (lower * 0.5 + upper * 0.5)[::-1]])
        canvas.fill(teeth, _TEETH, opened, within=inside)
        widths = 0.002 * unit, 0.0053 * unit, 0.002 * unit
        canvas.stroke(lower, widths, line * 0.8, opened)
    middle = upper * (0.5 + 0.5 * opened) + lower * (0.5 - 0.5 * opened)
    canvas.stroke(middle, (0.0033 * unit, 0.0087 * unit, 0.0033 * unit), line * 0.57)
    below = drawn[regions.LIP_BOTTOM] + head.along(0, 0.012)
    canvas.stroke(below, (0.001 * unit, 0.0053 * unit, 0.001 * unit), line, 0.6)


def _paint_lips(canvas, head, lab, gap, style):
    base = base_tone(head.skin, style)
    lips = canvas.mask(head.drawn[regions.LIPS])
    red = _redness(head, lab, lips * (1 - canvas.mask(gap)))
    color = [base[0] * (0.88 - 0.006 * red), base[1] + 6 + red, base[2] + 2]
    opacity = np.clip(0.35 + 0.02 * red, 0.4, 0.85)
    canvas.wash(to_rgb(color), blur(lips, 0.0043 * head.unit) * opacity)


def _redness(head, lab, lips):
    """How much redder lips are than skin, in a of CIE Lab."""
    chosen = lab[lips > 0.6]
    seen = np.median(chosen, 0) if len(chosen) > 20 else head.skin
    return float(np.clip(seen[1] - head.skin[1], 4, 34))
