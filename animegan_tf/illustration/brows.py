"""Brows, as thick and as dark as the photo's."""

import numpy as np

from animegan_tf.illustration import regions
from animegan_tf.illustration.drawing import step
from animegan_tf.illustration.hair import brow_color


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
