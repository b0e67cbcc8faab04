"""Noses: a line under them, a ridge or a shadow."""

import cv2

from animegan_tf.illustration import regions
from animegan_tf.illustration.drawing import blur, disc, step, to_rgb
from animegan_tf.illustration.skin import base_tone, shade_tone, skin_line

# L by which a shadow of the nose is darker than the skin: none, all of it.
_NOSE_DARKER = (5, 11)


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
    hull = canvas.hull(head.drawn[regions.WHOLE_NOSE])
    about = blur(cv2.dilate(hull, disc(0.03 * unit)), 0.01 * unit)
    light = blur(lab[..., 0], 0.012 * unit)
    dark = step(head.skin[0] - light, *_NOSE_DARKER)
    return dark * about * head.masks["skin"] * (1 - head.masks["glasses"])
