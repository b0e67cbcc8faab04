"""Eyes: the white, the iris with its lights, lids and lashes."""

import numpy as np

from animegan_tf.illustration import regions
from animegan_tf.illustration.drawing import blur, curve, shifted, step, to_rgb
from animegan_tf.illustration.skin import base_tone, skin_line

_WHITE, _INK = (0.99, 0.985, 0.99), to_rgb([17, 9, 4])
# Height of the open eye over its width, in the photo: closed up to the first.
_CLOSED, _OPEN = 0.10, 0.16
# What is drawn beside an eye's outline, in its widths.
_ROOM = 0.5
# CIE Lab of whites of eyes where none is seen, and their least L in light; L of brown
# irises against theirs: of 55 photos those below are brown, nearly all above are not.
_USUAL_WHITE, _LEAST_WHITE, _DARK_IRIS = np.array([70.0, 4, 4]), 55, 0.36
# Lights on the iris: right, down, radius, in half axes of the iris; opacity.
_LIGHTS = ((-0.36, -0.40, 0.30, 1.0), (0.34, 0.42, 0.15, 0.9))


def draw_eyes(canvas, head, lab, style) -> None:
    """Draws both eyes, closed ones as a line.

    Args:
        canvas: `Canvas`.
        head: `Head`.
        lab: float32 CIE Lab of the photo as it is, without the drawing's proportions.
        style: `Style`.
    """
    iris = iris_color(head, canvas, lab)
    opened = [_openness(head.seen[eye]) for eye in regions.EYES]
    eyes = zip(regions.EYES, regions.IRISES, (-1, 1), head.readable, opened)
    for eye, ring, side, readable, own in eyes:
        if not readable:
            continue
        # Both eyes tell: one alone is seldom shut.
        opened_ = float(step(0.6 * own + 0.2 * sum(opened), _CLOSED, _OPEN))
        points, pupil = head.drawn[eye], head.drawn[ring[0]]
        room = _ROOM * np.linalg.norm(points[regions.OUTER] - points[regions.INNER])
        part = canvas.part(points.min(0) - room, points.max(0) + room)
        if opened_ < 1:
            _draw_closed(part, head, points, side, 1 - opened_)
        if opened_ > 0:
            _draw_open(part, head, points, pupil, side, iris, opened_, style)


def iris_color(head, canvas, lab):
    """CIE Lab (3,) of both irises as they are drawn, see `drawn_iris`."""
    irises, whites = [], []
    for eye, ring in zip(regions.EYES, regions.IRISES):
        middle, radius = head.seen[ring[0]], _radius(head, ring)
        right, down = head.grid(canvas, middle)
        far = np.hypot(right, down) / radius
        iris = lab[(far < 0.85) & (far > 0.45) & (down > -0.25 * radius)]
        iris = iris if len(iris) > 8 else np.array([[30, 6, 10.0]])
        no_lights = iris[:, 0] <= np.percentile(iris[:, 0], 75)
        irises.append(np.median(iris[no_lights], 0))
        white = lab[(canvas.mask(head.seen[eye]) > 0.5) & (far > 1.15)]
        if len(white) > 8:
            light = white[:, 0] >= np.percentile(white[:, 0], 60)
            whites.append(np.median(white[light], 0))
    white = np.mean(whites, 0) if whites else _USUAL_WHITE
    return drawn_iris(np.mean(irises, 0), white)


def drawn_iris(iris, white):
    """The colour of irises: a little lighter and stronger than in the photo.

    Where an iris is nearly grey, the white beside it tells the light: the iris is blue,
    green or grey if it is light against that, else brown.

    Args:
        iris: CIE Lab (3,) of the photo's irises.
        white: CIE Lab (3,) of the whites of the eyes.

    Returns:
        float64 (3,), CIE Lab.
    """
    light, *color = np.asarray(iris, np.float64)
    gray = float(step(np.hypot(*color), 9, 5))
    dark = light < _DARK_IRIS * max(white[0], _LEAST_WHITE)
    if dark and gray > 0 and color[1] > -1.5:
        hue = np.deg2rad(58)
    else:
        color = color - 0.7 * gray * np.asarray(white[1:])
        hue = np.arctan2(color[1], color[0])
        if -0.2 < hue < np.deg2rad(50):
            hue = np.deg2rad(50)
    chroma = np.clip(1.4 * np.hypot(*color), 9 if dark else 7, 34)
    return np.array(
        [np.clip(light + 4, 22, 58), chroma * np.cos(hue), chroma * np.sin(hue)]
    )


def lash_strength(head, lab) -> float:
    """How dark the upper lids' edges are against the skin, 0 to 1.

    Args:
        head: `Head` with its skin's colour.
        lab: as of `draw_eyes`.
    """
    limits = np.array(lab.shape[1::-1]) - 1
    contrasts = []
    for eye in regions.EYES:
        upper = curve(head.seen[eye][regions.UPPER], 24)[4:-4]
        x, y = np.clip(np.round(upper), 0, limits).astype(int).T
        contrasts.append(head.skin[0] - lab[y, x, 0].mean())
    return float(step(np.mean(contrasts), 12, 48))


def _openness(eye):
    """Height of an eye (16, 2) over its width."""
    high = np.linalg.norm(eye[regions.LID_HIGH] - eye[regions.LID_LOW])
    return high / max(np.linalg.norm(eye[regions.OUTER] - eye[regions.INNER]), 1e-6)


def _radius(head, ring):
    return np.linalg.norm(head.seen[ring[1]] - head.seen[ring[3]]) / 2


def _draw_closed(canvas, head, points, side, opacity):
    unit = head.unit
    wide = np.linalg.norm(points[regions.OUTER] - points[regions.INNER]) / unit
    widths = 0.005 * unit, 0.0167 * unit, 0.005 * unit
    canvas.stroke(points[regions.LOWER], widths, _INK, opacity)
    tip = points[0] + head.along(side * 0.08 * wide, -0.03 * wide)
    widths = 0.0067 * unit, 0.004 * unit, 0.002 * unit
    canvas.stroke([points[0], tip], widths, _INK, opacity)


def _draw_open(canvas, head, points, pupil, side, color, opacity, style):
    unit = head.unit
    lower, upper = points[regions.LOWER], points[regions.UPPER]
    wide = np.linalg.norm(points[regions.OUTER] - points[regions.INNER])
    high = np.linalg.norm(points[regions.LID_HIGH] - points[regions.LID_LOW])
    white = canvas.mask(np.concatenate([curve(lower), curve(upper)])) * opacity
    canvas.wash(_WHITE, white)
    axes = style.iris * wide, max(0.62 * high, (style.iris + 0.06) * wide)
    # Between where the photo looks and the middle, up and down.
    right, down = head.grid(canvas, pupil)
    middle_down = (points.mean(0) - pupil) @ head.down
    down = down - np.float32(0.6 * middle_down)
    _paint_iris(canvas, right / axes[0], down / axes[1], white, color)
    shift = 0.16 * high + 0.0067 * unit
    shade = blur(white * (1 - shifted(white, head.down * shift)), 0.0033 * unit)
    canvas.wash(canvas.picture * np.array([0.58, 0.56, 0.68]), 0.7 * shade)
    for x, y, radius, light in _LIGHTS:
        far = (right - x * axes[0]) ** 2 + 0.8 * (down - y * axes[1]) ** 2
        far /= (radius * axes[0]) ** 2
        canvas.wash((1, 1, 1), step(far, 1.25, 0.8) * light * white)
    _draw_lids(canvas, head, points, side, opacity, style)


def _paint_iris(canvas, x, y, white, color):
    """Gradient, rim, pupil and glow, in coordinates of the iris' half axes."""
    inside = step(x * x + y * y, 1.05, 0.95) * white
    t = np.clip((y + 1) / 2, 0, 1)
    gains = 0.42 + 1.15 * t**1.3, 0.8 + 0.4 * t, 0.8 + 0.5 * t
    canvas.wash(to_rgb(np.stack(gains, -1) * color), inside)
    rim = 0.9 * step(x * x + y * y, 0.72, 0.92) * inside
    canvas.wash(to_rgb(color * [0.36, 1, 1]), rim)
    pupil = (x / 0.42) ** 2 + ((y + 0.03) / 0.44) ** 2
    canvas.wash(to_rgb(color * [0.2, 0.8, 0.8]), step(pupil, 1.15, 0.85) * white)
    glow = np.exp(-1.2 * ((x / 0.55) ** 2 + ((y - 0.55) / 0.3) ** 2)) * inside
    bright = [min(2 * color[0], 88), 0.9 * color[1], 0.9 * color[2]]
    canvas.wash(to_rgb(bright), 0.6 * glow)


def _draw_lids(canvas, head, points, side, opacity, style):
    unit = head.unit
    line = skin_line(base_tone(head.skin, style))
    wide = np.linalg.norm(points[regions.OUTER] - points[regions.INNER]) / unit
    high = np.linalg.norm(points[regions.LID_HIGH] - points[regions.LID_LOW]) / unit
    upper = points[regions.UPPER]
    long = wide * head.lashes
    tip = points[0] + head.along(side * 0.10 * long, -0.07 * long)
    lash = np.concatenate([upper, [tip]]) + head.along(0, -0.035 * high)
    thick = max(0.02, style.lash * wide) * unit * (0.75 + 0.25 * head.lashes)
    canvas.stroke(lash, (0.0073 * unit, thick, 0.0033 * unit), _INK, opacity)
    widths = 0.0067 * unit, 0.0067 * unit, 0.0017 * unit
    canvas.stroke(points[0:7], widths, line * 0.5, 0.85 * opacity)
    crease = upper[1:-1] + head.along(0, -0.17 * high - 0.025 * wide)
    widths = 0.0013 * unit, 0.006 * unit, 0.0013 * unit
    canvas.stroke(crease, widths, line * 0.8, 0.8 * opacity)
