"""The person as a photo: soft light, small eyes, texture, camera noise."""

import functools

import cv2
import numpy as np

from animegan_tf.samples.canvas import Canvas, flat, overlap
from animegan_tf.samples.curves import arc, curve, ellipse, path
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
    head_grid,
    head_shapes,
    mouth,
    place,
)
from animegan_tf.samples.textures import noise, texture

LIDS = path("-1 .3, -.6 -.55, -.05 -1, .55 -.75, 1 -.1, .5 .6, -.1 .8, -.65 .65")


def draw_photo(portrait: Portrait, size: int = 256) -> np.ndarray:
    """The person as a photo: soft light, small eyes, texture, camera noise.

    Args:
        portrait: `Portrait`.
        size: Side of the picture in pixels, int.

    Returns:
        uint8 RGB (size, size, 3).
    """
    # Strands and pores need some pixels, however small the picture is.
    p, side = portrait, max(384, 3 * size // 2)
    canvas = Canvas(_background(p, side))
    head, hair = head_shapes(p, 0.0), hair_shapes(p, 0.022)
    skin = _skin(p, side)
    hair_paint, strands = _hair(p, side)
    for tail in hair["tails"]:
        canvas.fill(tail, hair_paint, blur=0.004)
    if hair["back"] is not None:
        behind = cv2.convertScaleAbs(hair_paint, alpha=0.62)
        canvas.fill(hair["back"], behind, blur=0.005)
    canvas.fill(head["neck"], skin, blur=0.002)
    neck = canvas.mask(head["neck"])
    shadow = 0.3 * np.array(p.skin) * (1, 0.75, 0.7)
    canvas.fill(head["face"] + (0, 0.025), shadow, opacity=0.55, blur=0.015, clip=neck)
    _paint_clothes(canvas, p)
    for ear in head["ears"]:
        canvas.fill(ear, cv2.convertScaleAbs(skin, alpha=0.9), blur=0.002)
    canvas.fill(head["face"], skin, blur=0.0025)
    _paint_face(canvas, p)
    if p.glasses:
        _paint_glasses(canvas, p)
    if hair["front"] is not None:
        _paint_front_hair(canvas, hair["front"], head["face"], hair_paint, strands)
    image = cv2.resize(canvas.image, (size, size), interpolation=cv2.INTER_AREA)
    return _camera(p, image)


def _background(p, side):
    """Out-of-focus background, uint8 RGB."""
    canvas = Canvas(np.zeros((64, 64, 3), np.uint8))
    for shape, colour in background_shapes(p):
        canvas.fill(shape, colour)
    blurred = cv2.GaussianBlur(canvas.image, (0, 0), 2.2)
    y, x = np.mgrid[0:64, 0:64] / 63 - 0.5
    fall = 1 + 0.25 * p.light * x - 0.12 * y - 0.25 * (x**2 + y**2)
    blurred = np.clip(blurred * fall[..., None], 0, 255).astype(np.uint8)
    return cv2.resize(blurred, (side, side), interpolation=cv2.INTER_CUBIC)


def _skin(p, side):
    """Skin lit from one side, as if the whole frame were skin: uint8 RGB."""
    u, v = head_grid(p, 96)

    def bump(at, size, gain):
        far = -(((u - at[0]) / size[0]) ** 2) - ((v - at[1]) / size[1]) ** 2
        return gain * np.exp(far)

    x, y = u / p.width, (v - 0.02) / 0.27
    facing = np.sqrt(np.clip(1 - 0.75 * x**2 - 0.4 * y**2, 0.02, 1))
    shade = 0.45 + 0.55 * facing + 0.24 * p.light * np.clip(x, -1.2, 1.2) - 0.07 * y
    for turn in (-1, 1):
        shade += bump((0.072 * turn, -0.018), (0.042, 0.022), -0.13)
        shade += bump((0.1 * turn, 0.06), (0.035, 0.028), 0.06)
        shade += bump((0.026 * turn, 0.0), (0.012, 0.03), -0.06)
        shade += bump((0.075 * turn, 0.03), (0.035, 0.008), -0.04)
    shade += bump((0.004 * p.light, 0.04), (0.009, 0.05), 0.11)
    shade += bump((0.006 * p.light, 0.092), (0.014, 0.012), 0.13)
    shade += bump((-0.03 * p.light, 0.06), (0.015, 0.05), -0.17)
    shade += bump((0, 0.128), (0.03, 0.007), -0.14)
    shade += bump((0, 0.2), (0.032, 0.01), -0.1)
    shade += bump((0, p.chin - 0.018), (0.03, 0.016), 0.06)
    shade += bump((0.05 * p.light, -0.13), (0.07, 0.05), 0.08)
    below = 1 / (1 + np.exp(-(v - p.chin - 0.005) / 0.012))
    shade -= below * 0.12 * np.exp(-(v - p.chin) / 0.07)
    # Light lost in skin comes back red: shadows are warmer than the lit side.
    shade = np.clip(shade, 0.12, 1.12)
    rgb = np.stack([shade**0.9, shade**1.12, shade**1.22], axis=2)
    blush = sum(bump((0.1 * turn, 0.075), (0.045, 0.035), 0.09) for turn in (-1, 1))
    blush = blush + bump((0, 0.095), (0.02, 0.018), 0.06)
    rgb[..., 1:] *= 1 - blush[..., None]
    pores = 0.012 * texture("grain", side, p.seed)[..., 0]
    pores = pores + 0.014 * texture("blotch", side, p.seed)
    return _lit(_enlarge(rgb * np.array(p.skin), side), 1 + pores)


def _hair(p, side):
    """Hair strands over the whole frame, uint8 RGB, and their noise, float32."""
    u, v = head_grid(p, 96)
    part = 0.5 * p.part * p.width if p.fringe == "swept" else 0.0
    # Strands leave the parting like meridians and hang straight below the ears.
    drop = np.clip((v + 0.3) / 0.34, 0.02, 1)
    spread = np.sqrt(1 - (1 - drop) ** 2)
    across = (u - part * (1 - drop)) / spread + 0.006 * np.sin(40 * v + p.seed % 7)
    if STYLES[p.style].bumps:
        # Ringlets are broader than strands, so the same contrast looks like spots.
        strands = 0.65 * texture("curl", side, p.seed)
    else:
        x = _enlarge(across * 640 + p.seed * 37 % 512, side)
        y = _enlarge(v * 160, side)
        field = noise()["streak"]
        strands = cv2.remap(field, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    shade = 0.76 + 0.3 * p.light * np.clip(u, -0.25, 0.25) / 0.25
    shade -= 0.5 * np.clip(v - 0.08, 0, 0.4)
    ring = v + 0.19 - 1.6 * u**2
    gloss = np.exp(-((ring / 0.028) ** 2)) * (0.6 + 2 * p.light * np.clip(u, -0.2, 0.2))
    fields = _enlarge(np.stack([shade, gloss], axis=2), side)
    # Strands of light hair differ less from each other.
    contrast = 0.22 - 0.1 * max(p.hair) / 255
    light = fields[..., 0] * (1 + contrast * strands)
    shine = np.clip(fields[..., 1] * (1 + 0.5 * strands), 0, None)
    channels = [
        cv2.addWeighted(light, c + 6, shine, 0.2 * c + 34, 0, dtype=cv2.CV_8U)
        for c in p.hair
    ]
    return cv2.merge(channels), strands


def _paint_clothes(canvas, p):
    """Paint the clothes with soft folds and weave."""
    colours, side = cloth_colours(p), canvas.side
    cloth = Canvas(flat(canvas.image.shape, colours["main"]))
    covered = np.zeros((side, side), np.uint8)
    for piece, part in clothes_shapes(p):
        cloth.fill(piece + (0, 0.006), (20, 16, 18), opacity=0.35, blur=0.008)
        cloth.fill(piece, colours[part])
        covered = cv2.max(covered, canvas.mask(piece, 0.0015))
    rng = np.random.default_rng([p.seed, 3])
    y, x = np.mgrid[0:64, 0:64] / 63
    light = 0.84 + 0.35 * p.light * (x - 0.5) - 0.25 * (y - 0.8)
    for _ in range(6):
        slope, start = rng.uniform(-0.8, 0.8), rng.uniform(0, 1)
        fold = x - start - slope * (y - 0.85)
        light += rng.uniform(-0.14, 0.1) * np.exp(-((fold / 0.03) ** 2))
    weave = 1 + 0.03 * texture("grain", side, p.seed + 5)[..., 1]
    canvas.blend(covered, _lit(cloth.image, _enlarge(light, side) * weave))


def _paint_face(canvas, p):
    """Paint brows, nose, lips, beard, freckles and eyes over the lit skin."""
    skin = np.array(p.skin)
    dark = skin * (0.42, 0.3, 0.28)
    at = functools.partial(place, p)

    if p.beard:
        _paint_beard(canvas, p)
    for side in (-1, 1):
        width, tone = 0.016 + 0.007 * p.masculine, 0.5 * np.array(p.hair)
        canvas.ink(brow(p, side, -0.044), width, tone, 0.4, opacity=0.8, blur=0.004)
        _paint_eye(canvas, p, side)
        wing = arc(".024 .085, .033 .102, .027 .116, .02 .115", side)
        canvas.ink(at(wing), 0.007, dark, opacity=0.5, blur=0.003)
        hole = ellipse(0.0145 * side, 0.1175, 0.0075, 0.0036, 14)
        canvas.fill(at(hole), 0.7 * dark, opacity=0.85, blur=0.002)
        fold = arc(".04 .105, .058 .13, .064 .155", side)
        canvas.ink(at(fold), 0.01, dark, opacity=0.16 + 0.1 * p.smile, blur=0.005)
    if p.freckles:
        rng = np.random.default_rng([p.seed, 4])
        for u, v in rng.normal((0, 0.055), (0.07, 0.018), (40, 2)):
            spot = at(ellipse(u, v, 0.002, 0.002, 8))
            canvas.fill(spot, skin * (0.68, 0.5, 0.42), opacity=0.45)

    wide = 0.045 + 0.008 * p.smile
    at_mouth = functools.partial(mouth, p, wide, 0.011)
    upper = path("-1 0, -.4 -11, 0 -8.5, .4 -11, 1 0, .4 4, 0 5, -.4 4", wide, 1e-3)
    lower = path("-.92 1, 0 5, .92 1, .53 17.5, 0 21, -.53 17.5", wide, 1e-3)
    lips = np.array(p.lips)
    canvas.fill(at_mouth(curve(lower)), 0.95 * lips, opacity=0.85, blur=0.002)
    canvas.fill(at_mouth(curve(upper)), 0.78 * lips, opacity=0.85, blur=0.002)
    line = arc("-1 0, -.4 3, 0 5, .4 3, 1 0", wide, 1e-3)
    canvas.ink(at_mouth(line), 0.006, 0.3 * lips, opacity=0.85, blur=0.0012)
    shine = ellipse(0.008 * p.light, 0.0125, 0.013, 0.003, 14)
    canvas.fill(at_mouth(shine), 0.4 * lips + 140, opacity=0.4, blur=0.003)


def _paint_eye(canvas, p, side):
    """Paint one lifelike eye; `side` is -1 or 1."""
    size, at = (0.039, 0.0155 * p.eye_open), functools.partial(eye, p, side, (0.073, 0))
    lids = at(curve(LIDS * size))
    inside = canvas.mask(lids)
    skin, iris = np.array(p.skin), np.array(p.eye)
    canvas.fill(lids, 0.72 * np.array((226, 220, 214)) + 0.14 * skin, blur=0.001)
    ball = at(ellipse(0.001, -0.002, 0.0152, 0.0152))
    canvas.fill(ball, 0.35 * iris, blur=0.001, clip=inside)
    ball = at(ellipse(0.001, -0.001, 0.0122, 0.0122))
    canvas.fill(ball, 0.95 * iris, blur=0.002, clip=inside)
    canvas.fill(at(ellipse(0.001, -0.002, 0.006, 0.006)), (14, 11, 11), clip=inside)
    glint = ellipse(0.001 + 0.005 * p.light * side, -0.007, 0.0026, 0.0026, 10)
    canvas.fill(at(glint), (245, 245, 245), clip=inside)
    upper = curve(LIDS[:5], closed=False) * size
    canvas.ink(at(upper), 0.012, (30, 18, 16), opacity=0.6, blur=0.003, clip=inside)
    lash = 0.0055 if p.masculine else 0.0085
    canvas.ink(at(upper), lash, 0.12 * skin, opacity=0.9, blur=0.0012)
    crease = upper * (1.05, 0.9) - (0, 0.0095)
    canvas.ink(at(crease), 0.006, 0.4 * skin, opacity=0.55, blur=0.0022)
    lower = curve(LIDS[4:], closed=False) * size
    canvas.ink(at(lower), 0.004, 0.4 * skin, opacity=0.5, blur=0.0015)


def _paint_beard(canvas, p):
    """Paint stubble or a full beard, roughened by grain."""
    opacity, blur = (0.85, 0.008) if p.beard == "full" else (0.3, 0.014)
    mask = canvas.mask(beard_curve(p), blur)
    rough = 1 + 0.3 * texture("grain", canvas.side, p.seed)[..., 1]
    mask = np.clip(mask * cv2.GaussianBlur(rough, (3, 3), 0), 0, 255).astype(np.uint8)
    canvas.blend(mask, 0.62 * np.array(p.hair), opacity)


def _paint_glasses(canvas, p):
    """Paint thin metal rims with a faint reflection."""
    rims, lines = glasses(p, (0.076, 0.008), (0.055, 0.043))
    for rim in rims:
        canvas.fill(rim, (225, 232, 240), opacity=0.08)
    for line in lines:
        canvas.ink(line, 0.007, (38, 34, 36), 0, opacity=0.9, blur=0.0012)


def _paint_front_hair(canvas, front, face, hair, strands):
    """Paint the front hair with a strandy edge, and its shadow on the face."""
    shadow = overlap(canvas.mask(front + (0, 0.014), 0.012), canvas.mask(face))
    canvas.blend(shadow, (38, 20, 18), 0.45)
    mask = canvas.mask(front, 0.008).astype(np.float32) / 255
    mask = mask + 1.1 * strands * mask * (1 - mask)
    mask = np.clip(2.5 * mask - 0.75, 0, 1) * 255
    canvas.blend(mask.astype(np.uint8), hair)


def _camera(p, image):
    """Exposure, white balance, slight blur and sensor noise; uint8 RGB in and out."""
    size = image.shape[0]
    image = cv2.GaussianBlur(image, (0, 0), 0.45 * size / 256 + 0.15)
    balance = p.exposure * np.array([1 + 0.03 * p.warmth, 1.0, 1 - 0.045 * p.warmth])
    noisy = image.astype(np.float32) * balance.astype(np.float32)
    grain = texture("grain", size, p.seed + 11)
    noisy += 2.2 * grain + 1.6 * grain[..., :1]
    return np.clip(noisy, 0, 255).astype(np.uint8)


def _enlarge(field, side):
    """Field of a small grid at full size, float32."""
    field = field.astype(np.float32)
    return cv2.resize(field, (side, side), interpolation=cv2.INTER_LINEAR)


def _lit(picture, light):
    """RGB picture times the light (height, width) that falls on it, uint8."""
    return cv2.multiply(picture, cv2.merge([light] * 3), dtype=cv2.CV_8U)
