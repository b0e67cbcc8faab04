"""Hair: a few tones along its strands, a light band, and an outline."""

import cv2
import numpy as np

from animegan_tf.illustration.drawing import blend, blur, step, to_rgb
from animegan_tf.illustration.flow import along, tangents
from animegan_tf.illustration.painting import outline

_LEAST_PIXELS = 300


def hair_color(lab, mask):
    """Median CIE Lab (3,) of the hair, or None where there is hardly any."""
    chosen = mask > 0.8
    return np.median(lab[chosen], 0) if chosen.sum() > _LEAST_PIXELS else None


def hair_tones(hair):
    """Base, shade, deep shade and light of hair: CIE Lab (3,) each."""
    base = np.array([np.clip(hair[0] + 5, 16, 88), hair[1] * 1.15, hair[2] * 1.15])
    shade = np.array([base[0] * 0.66, base[1] * 1.05 + 2, base[2] - 4])
    deep = np.array([base[0] * 0.42, base[1] + 2, base[2] - 5])
    light = np.array([min(base[0] * 1.16 + 8, 96), base[1] * 0.85, base[2] * 0.9])
    return base, shade, deep, light


def paint_hair(canvas, head, lab, style) -> None:
    """Paints the hair of a head over what is there.

    Args:
        canvas: `Canvas`.
        head: `Head` with its hair's colour; without one nothing is done.
        lab: float32 CIE Lab of the photo in the drawing's proportions.
        style: `Style`.
    """
    if head.hair is None:
        return
    mask, scale = head.masks["hair"], head.unit / 300
    light = cv2.bilateralFilter(blur(lab[..., 0] / 100, scale), 9, 0.10, 5 * scale)
    field = tangents(lab[..., 0] / 100, 1.6 * scale, 6 * scale)
    strands = along(light, field, 8 * scale, passes=4)
    deep_end, shade_end, light_end = np.percentile(strands[mask > 0.8], [14, 32, 80])
    base, shade, deep, lit = hair_tones(head.hair)
    soft = 0.012
    tones = np.broadcast_to(base.astype(np.float32), lab.shape).copy()
    k = style.hair_tones
    blend(
        tones,
        shade,
        np.minimum(k * 0.8 * step(strands, shade_end + soft, shade_end - soft), 1),
    )
    blend(
        tones,
        deep,
        np.minimum(k * 0.55 * step(strands, deep_end + soft, deep_end - soft), 1),
    )
    blend(
        tones,
        lit,
        np.minimum(k * 0.7 * step(strands, light_end - soft, light_end + soft), 1),
    )
    lines = blur(strands, scale) - blur(strands, 3 * scale)
    blend(tones, deep, 0.55 * step(-lines, 0.010, 0.024))
    canvas.wash(to_rgb(tones), mask)
    canvas.wash(to_rgb(deep * [0.75, 1, 1]), 0.9 * outline(mask, 1.2 * scale))


def brow_color(head):
    """RGB of brows: the hair's deep tone, or brown without hair."""
    if head.hair is None:
        return to_rgb([22, 6, 6]) * 0.9
    base = hair_tones(head.hair)[0]
    return to_rgb([min(base[0] * 0.5, 45), base[1] * 0.9, base[2] * 0.8]) * 0.9
