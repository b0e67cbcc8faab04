"""Skin: one tone, a shade, a light and a blush."""

import cv2
import numpy as np

from animegan_tf.illustration import regions
from animegan_tf.illustration.drawing import blend, blur, curve, shifted, step, to_rgb

# Typology angles of brown and of light skin, in degrees.
_TONED = (15, 48)
# Pieces of shade, and of light, that are kept: of the face's area, where they touch
# its edge and where they do not.
_SHADE_PIECES, _LIGHT_PIECES = (0.02, 0.055), (0.012, 0.03)


def base_tone(skin, style):
    """The colour of lit skin: lighter and calmer than the photo's, in the same order.

    Args:
        skin: CIE Lab of the photo's skin.
        style: `Style`.

    Returns:
        CIE Lab (3,).

    Reference:
        Chardon, Cretois, Hourseau, *Skin Colour Typology and Suntanning Pathways*,
        1991: the individual typology angle.
    """
    # Light skin nearly white, dark skin a little lighter. The typology angle tells
    # them apart where lightness alone does not.
    angle = np.rad2deg(np.arctan2(skin[0] - 50, max(skin[2], 1)))
    lift = style.skin_light * (0.5 + 0.5 * step(angle, *_TONED))
    light = skin[0] + lift * min(1, (100 - skin[0]) / 22)
    hue = 0.45 * np.arctan2(skin[2], skin[1]) + 0.55 * np.deg2rad(50)
    least = 12 + 7 * (1 - step(light, 72, 86))
    chroma = np.clip(np.hypot(*skin[1:]) * style.skin_chroma, least, 33)
    chroma *= 1 - 0.35 * step(light, 82, 95)
    return np.array([light, chroma * np.cos(hue), chroma * np.sin(hue)])


def shade_tone(base):
    """The colour of skin in shade: darker, redder and stronger."""
    return np.array([base[0] * 0.87, base[1] * 1.2 + 3.5, base[2] * 1.02 - 1])


def skin_line(base):
    """RGB of lines on skin."""
    return to_rgb([base[0] * 0.50, base[1] * 1.2 + 6, base[2] * 1.1])


def paint_skin(canvas, head, lab, style):
    """Paints face, ears and neck.

    Args:
        canvas: `Canvas`.
        head: `Head`.
        lab: float32 CIE Lab of the photo in the drawing's proportions.
        style: `Style`.

    Returns:
        The `Relief` of the face, which beards need.
    """
    base = base_tone(head.skin, style)
    oval = canvas.mask(head.drawn[regions.OVAL])
    relief = lightness_relief(canvas, head, lab, oval)
    shade, light = _shade_and_light(relief, oval)
    shade = np.maximum(shade, _cast_shadows(canvas, head, oval, style))
    face = np.broadcast_to(base.astype(np.float32), lab.shape).copy()
    blend(face, base + [min(3, 96 - base[0]), 0, 0], light * 0.6)
    blend(face, shade_tone(base), shade * style.shade)
    cheeks = _blush(canvas, head) * oval
    face[..., 1] += style.blush * cheeks
    face[..., 0] -= 0.19 * style.blush * cheeks
    canvas.wash(to_rgb(face), head.masks["skin"])
    return relief


class Relief:
    """Lightness of a face without its features, and what is normal in it."""

    def __init__(self, plane, inside):
        self.plane, self.inside = plane, inside
        values = plane[inside] if inside.any() else plane.ravel()
        low, dark, self.usual, high = np.percentile(values, [10, 26, 65, 95])
        spread = max(high - low, 0.02)
        self.depth = max(0.075, 0.42 * spread, self.usual - dark)


def lightness_relief(canvas, head, lab, oval):
    """Lightness of skin where features are closed, without small changes."""
    hole = np.zeros(lab.shape[:2], np.uint8)
    features = [*regions.EYES, *(a + b[::-1] for a, b in regions.BROWS)]
    for outline in [*features, regions.LIPS, regions.NOSE_HOLES]:
        hull = cv2.convexHull(np.round(head.drawn[outline]).astype(np.int32))
        cv2.fillPoly(hole, [hull], 1)
    side = max(3, int(0.05 * head.unit)) | 1
    hole = cv2.dilate(hole, np.ones((side, side), np.uint8)) > 0
    hole |= (head.masks["glasses"] > 0.3) | (head.masks["skin"] < 0.5)
    # A quarter of the working size: shade has no details.
    factor = 72 / head.unit
    size = [max(48, int(n * factor)) for n in (canvas.width, canvas.height)]
    small = cv2.resize(lab[..., 0] * 2.55, size, interpolation=cv2.INTER_AREA)
    closed = cv2.resize(hole.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    small = np.clip(small, 0, 255).astype(np.uint8)
    small = cv2.inpaint(small, closed, 4, cv2.INPAINT_TELEA).astype(np.float32) / 255
    for _ in range(2):
        small = cv2.bilateralFilter(small, 9, 0.06, 5)
    size = canvas.width, canvas.height
    plane = cv2.resize(blur(small, 1.8), size, interpolation=cv2.INTER_CUBIC)
    core = cv2.erode(oval, np.ones((5, 5)))
    return Relief(plane, (core > 0.5) & (head.masks["hair"] < 0.3))


def _shade_and_light(relief, oval):
    dark, bright = relief.usual - relief.depth, relief.usual + 0.75 * relief.depth
    shade = step(relief.plane, dark + 0.012, dark - 0.012)
    light = step(relief.plane, bright - 0.01, bright + 0.02)
    return without_islands(shade, oval, *_SHADE_PIECES), without_islands(
        light, oval, *_LIGHT_PIECES
    )


def _cast_shadows(canvas, head, oval, style):
    """What the jaw casts on the neck, and hair on the forehead."""
    jaw = curve(head.drawn[regions.CHIN_LINE])
    below = canvas.mask(
        np.concatenate([jaw, (jaw + head.along(0, style.neck_shade))[::-1]])
    )
    hair = head.masks["hair"]
    cast = shifted(hair, head.along(0, 0.03))
    return np.maximum(below * (1 - oval), blur(cast * (1 - hair) * oval, 1))


def _blush(canvas, head):
    mask = np.zeros((canvas.height, canvas.width), np.float32)
    for cheek in regions.BLUSH:
        middle = head.drawn[cheek] + head.along(0, -0.07)
        right, down = head.grid(canvas, middle)
        far = (right / (0.085 * head.unit)) ** 2 + (down / (0.045 * head.unit)) ** 2
        mask += np.exp(-0.9 * far)
    return np.minimum(mask, 1)


def without_islands(mask, oval, edge: float, inside: float):
    """A mask without its small pieces.

    Args:
        mask: float32 `(height, width)` in [0, 1].
        oval: mask of the face, the area that pieces are measured by.
        edge: least area of pieces that touch the face's edge.
        inside: least area of those that do not.

    Returns:
        float32 `(height, width)`. A piece near its least area is faint, so that a
        little more of it makes little difference.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        (mask > 0.5).astype(np.uint8)
    )
    inner = cv2.erode((oval > 0.5).astype(np.uint8), np.ones((13, 13), np.uint8))
    rim = (oval > 0.5) & (inner == 0)
    touching = np.bincount(labels[rim], minlength=count) > 0
    least = np.where(touching, edge, inside) * max(oval.sum(), 1)
    kept = step(stats[:, cv2.CC_STAT_AREA], 0.7 * least, 1.3 * least)
    kept[0] = 0
    opacity = cv2.dilate(kept.astype(np.float32)[labels], np.ones((7, 7)))
    return mask * blur(opacity, 1.0)
