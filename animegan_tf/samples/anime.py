"""The person as an anime cel: flat colours, one shadow tone, ink, large eyes."""

import functools

import cv2
import numpy as np

from animegan_tf.samples.canvas import Canvas, overlap
from animegan_tf.samples.curves import arc, bezier, curve, ellipse, path, ribbon
from animegan_tf.samples.portrait import STYLES, Portrait
from animegan_tf.samples.shapes import (
    background_shapes,
    beard_curve,
    brow,
    cloth_colours,
    clothes_shapes,
    eye,
    glasses,
    hair_shapes,
    head_shapes,
    mouth,
    place,
)

INK = (46, 30, 38)
LIDS = path(
    "-.88 .15, -.75 -.5, -.2 -.98, .5 -.9, .95 -.4, 1 .1, .75 .75, .2 .98, -.45 .92,"
    "-.8 .6"
)


def draw_anime(portrait: Portrait, size: int = 256) -> np.ndarray:
    """The person as an anime cel: flat colours, one shadow tone, ink, large eyes.

    Args:
        portrait: `Portrait`.
        size: Side of the picture in pixels, int.

    Returns:
        uint8 RGB (size, size, 3).
    """
    p, side = portrait, 2 * size
    canvas = Canvas(np.zeros((side, side, 3), np.uint8))
    for shape, colour in background_shapes(p):
        canvas.fill(shape, _cel(colour, 0.42, 1.35))
    head, hair = head_shapes(p, 0.25 if p.masculine else 0.45), hair_shapes(p, 0.05)
    lit, shadow = _skin_tones(p)
    _paint_hair_behind(canvas, p, hair)
    neck = _outlined(canvas, head["neck"], lit, shadow * 0.5, p.light)
    canvas.fill(head["face"] + (0, 0.04), shadow, clip=neck)
    colours = cloth_colours(p)
    for piece, part in clothes_shapes(p):
        tone = _cel(colours[part], 0.62, 1.3)
        mask = _outlined(canvas, piece, tone, tone * 0.35, p.light)
        _shade(canvas, mask, (0.03 * p.light, -0.012), tone * (0.74, 0.7, 0.8))
    for ear in head["ears"]:
        _outlined(canvas, ear, shadow, shadow * 0.5, p.light)
    face = _outlined(canvas, head["face"], lit, shadow * 0.5, p.light)
    if hair["front"] is not None:
        canvas.fill(hair["front"] + (-0.006 * p.light, 0.02), shadow, clip=face)
    _paint_face(canvas, p, face)
    if p.glasses:
        for line in glasses(p, (0.086, 0.03), (0.069, 0.06))[1]:
            canvas.ink(line, 0.008, INK, 0.1)
    if hair["front"] is not None:
        _paint_front_hair(canvas, p, hair)
    for turn in (-1, 1):
        width, tone = 0.008 + 0.006 * p.masculine, _hair_tones(p)[1] * 0.55
        canvas.ink(brow(p, turn, -0.058), width, tone, 0.5)
    return cv2.resize(canvas.image, (size, size), interpolation=cv2.INTER_AREA)


def _paint_hair_behind(canvas, p, hair):
    """Paint tails with a shadow and two lines each, then the hair behind the head."""
    lit, shadow, _ = _hair_tones(p)
    for tail in hair["tails"]:
        mask = _outlined(canvas, tail, lit, shadow * 0.42, p.light)
        _shade(canvas, mask, (0.025 * p.light, -0.01), shadow)
        if STYLES[p.style].tails != "bun":
            half = len(tail) // 2
            for t in (0.35, 0.65):
                lock = (1 - t) * tail[:half] + t * tail[: half - 1 : -1]
                canvas.ink(lock, 0.005, shadow * 0.5)
    if hair["back"] is not None:
        _outlined(canvas, hair["back"], shadow, shadow * 0.42, p.light)


def _paint_face(canvas, p, face):
    """Paint shadow, blush, eyes, tiny nose, mouth and beard over the flat skin."""
    lit, shadow = _skin_tones(p)
    _shade(canvas, face, (0.028 * p.light, -0.008), shadow)

    if p.beard:
        full = _hair_tones(p)[0], 1.0
        paint = full if p.beard == "full" else (lit * (0.84, 0.8, 0.84), 0.6)
        canvas.blend(overlap(canvas.mask(beard_curve(p)), face), *paint)
        canvas.ink(place(p, path("-.03 .15, 0 .146, .03 .15")), 0.008, INK)
    for side in (-1, 1):
        if not p.masculine:
            blush = place(p, ellipse(0.108 * side, 0.088, 0.032, 0.017))
            canvas.fill(blush, (244, 112, 108), opacity=0.3, clip=face)
        _paint_eye(canvas, p, side)
    nose = curve(
        [(-0.004 * p.light, 0.092), (-0.013 * p.light, 0.111), (0, 0.113)], closed=False
    )
    canvas.ink(place(p, nose), 0.0055, shadow * 0.5)

    wide = 0.026 + 0.014 * p.smile
    at_mouth = functools.partial(mouth, p, wide, 0.009)
    if p.smile > 0.6:
        opened = curve(path("-.8 0, 0 4, .8 0, .5 18, -.5 18", wide, 1e-3))
        canvas.fill(at_mouth(opened), (196, 74, 78))
        tongue = ellipse(0, 0.017, 0.4 * wide, 0.005)
        canvas.fill(at_mouth(tongue), (240, 130, 128))
    elif p.beard == "full" or not p.masculine:
        lip = ellipse(0, 0.009, 0.55 * wide, 0.005)
        canvas.fill(at_mouth(lip), _cel(p.lips, 0.6, 1.2))
    canvas.ink(at_mouth(arc("-1 -3, -.4 3, .4 3, 1 -3", wide, 1e-3)), 0.007, INK)


def _paint_eye(canvas, p, side):
    """Paint one large eye; `side` is -1 or 1."""
    width, height = 0.05, 0.047 * p.eye_open
    if p.masculine:
        width, height = 0.9 * width, 0.74 * height
    outline = LIDS * (width, height)
    at = functools.partial(eye, p, side, (0.083, 0.026))
    lids = at(curve(outline))
    inside = canvas.mask(lids)
    canvas.fill(lids, (252, 252, 252))
    iris = _cel(np.array(p.eye) + 10, 0.55, 1.5)
    ru, rv = 0.0335, height
    # The iris brightens from top to bottom.
    down = np.linspace(0, 1, canvas.side)[:, None]
    down = np.clip((down - at((0, 0))[1]) / (2 * rv * p.scale) + 0.5, 0, 1)
    paint = np.clip(iris * (0.45 + 0.75 * down) + 30 * down**2, 0, 255)
    paint = np.broadcast_to(paint.astype(np.uint8)[:, None], canvas.image.shape)
    canvas.fill(at(ellipse(0, 0, ru, rv)), 0.4 * iris, clip=inside)
    canvas.fill(at(ellipse(0, 0, 0.87 * ru, 0.9 * rv)), paint, clip=inside)
    pupil = ellipse(0, -0.04 * rv, 0.42 * ru, 0.46 * rv)
    canvas.fill(at(pupil), 0.2 * iris, clip=inside)
    glow = ellipse(0, 0.55 * rv, 0.5 * ru, 0.22 * rv)
    canvas.fill(at(glow), iris + (255 - iris) * 0.45, opacity=0.8, clip=inside)
    lid_shadow = ellipse(0, -1.15 * height, 1.3 * width, 0.55 * height)
    canvas.fill(at(lid_shadow), (60, 44, 70), opacity=0.3, clip=inside)
    # Highlights sit on the side of the light in both eyes.
    toward = p.light * side
    for spark in (
        ellipse(0.4 * ru * toward, -0.42 * rv, 0.32 * ru, 0.27 * rv),
        ellipse(-0.4 * ru * toward, 0.45 * rv, 0.16 * ru, 0.13 * rv),
    ):
        canvas.fill(at(spark), (255, 255, 255))
    upper = curve(outline[:6] - (0, 0.002), closed=False)
    upper = np.concatenate([upper, [upper[-1] + (0.006, -0.006)]])
    canvas.ink(at(upper), 0.019 - 0.005 * p.masculine, INK, 0.5)
    lower = curve(outline[5:9], closed=False)
    canvas.ink(at(lower), 0.005, INK)
    crease = curve(outline[1:5] * (0.95, 1.0) - (0, 0.018), closed=False)
    canvas.ink(at(crease), 0.004, _skin_tones(p)[1] * 0.6)


def _paint_front_hair(canvas, p, hair):
    """Paint front hair: flat tone, shadowed locks, highlight band and ink lines."""
    lit, shadow, gloss = _hair_tones(p)
    style, rng = STYLES[p.style], np.random.default_rng([p.seed, 5])
    front = canvas.mask(hair["front"])
    canvas.blend(front, lit)
    _shade(canvas, front, (0.02 * p.light, -0.014), shadow)
    band = _gloss_band(p, rng)
    if not style.bumps:
        canvas.fill(band, gloss, clip=front)
    part = 0.0 if p.fringe == "parted" else 0.35 * p.part * p.width
    t = np.linspace(0, 1, 9)[:, None]
    for notch in hair["notches"]:
        # A lock's line runs up towards the parting, bulging with the skull.
        top = np.array((part + 0.3 * (notch[0] - part), -0.25))
        bend = np.array((part + 0.95 * (notch[0] - part), -0.19))
        line = bezier(notch, bend, top, t * rng.uniform(0.55, 0.95))
        shaded = ribbon(line + (-0.006 * p.light, 0), 0.022, 1.2)
        canvas.fill(place(p, shaded), shadow, clip=front)
        canvas.ink(place(p, line), 0.0055, shadow * 0.5, clip=front)
    if style.bumps:
        t = np.linspace(0.3, 4.2, 10)
        curl = np.stack([np.cos(t), np.sin(t)], axis=1) * 0.014
        for spot in rng.uniform((-0.27, -0.36), (0.27, 0.16), (60, 2)):
            canvas.ink(place(p, curl + spot), 0.006, shadow * 0.75, clip=front)
    if style.side > 0.1:
        for at in (-0.95, -1.02, 0.95, 1.02):
            lock = path("1 -.3, 1 .4, 1 .9", at * p.width, style.side)
            canvas.ink(place(p, lock), 0.005, shadow * 0.5, clip=front)
    canvas.outline(hair["front"], 0.0065, shadow * 0.42, p.light)


def _gloss_band(p, rng):
    """Jagged band of light across the hair, in frame coordinates."""
    count, volume = 19, STYLES[p.style].volume
    u = np.linspace(-0.92, 0.92, count) * (p.width + volume)
    jag = np.where(np.arange(count) % 2, 0.034, 0.012) * rng.uniform(0.6, 1.3, count)
    jag *= np.sqrt(1 - np.linspace(-1, 1, count) ** 2)
    middle = -0.225 - 0.4 * volume + 2.6 * u**2
    upper = np.stack([u, middle - jag * 0.4], axis=1)
    lower = np.stack([u, middle + jag], axis=1)
    return place(p, np.concatenate([upper, lower[::-1]]))


def _outlined(canvas, outline, tone, ink, light):
    """Paint a flat shape with an ink outline; return its mask."""
    canvas.fill(outline, tone)
    canvas.outline(outline, 0.0065, ink, light)
    return canvas.mask(outline)


def _shade(canvas, mask, shift, tone):
    """Paint the hard-edged part of a shape that its copy, shifted to the light, leaves.

    Args:
        canvas: `Canvas`.
        mask: uint8 (side, side), the shape.
        shift: Shift of the lit copy, as fractions of the frame.
        tone: RGB colour of the shadow.
    """
    move = np.float32([[1, 0, shift[0] * canvas.side], [0, 1, shift[1] * canvas.side]])
    lit = cv2.warpAffine(mask, move, mask.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
    canvas.blend(overlap(mask, 255 - lit), tone)


def _cel(colour, lift, saturate):
    """The colour of an anime cel: the same hue, brighter and more saturated."""
    hsv = cv2.cvtColor(
        np.float32(np.clip(colour, 0, 255)).reshape(1, 1, 3) / 255, cv2.COLOR_RGB2HSV
    )[0, 0]
    hsv[1] = min(0.92, saturate * hsv[1] + 0.02)
    hsv[2] = hsv[2] ** lift
    return 255 * cv2.cvtColor(hsv.reshape(1, 1, 3), cv2.COLOR_HSV2RGB)[0, 0]


def _skin_tones(p):
    """Lit and shadow tone of the skin."""
    lit = _cel(p.skin, 0.5, 0.85)
    return lit, lit * (0.88, 0.72, 0.74)


def _hair_tones(p):
    """Lit, shadow and highlight tone of the hair."""
    lit = _cel(np.array(p.hair) + 14, 0.75, 1.5)
    return lit, lit * (0.7, 0.62, 0.72), lit + (255 - lit) * 0.33
