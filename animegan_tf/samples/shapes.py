"""Outlines of a person and of what is behind, shared by photo and anime.

Renderers work in frame coordinates: 0 at the left or top edge, 1 at the right or
bottom edge. Head curves are first given in head coordinates: the unit is the frame at
scale 1, the origin lies between the eyes, u runs to the right, v runs down, the chin
is near 0.25. `place` turns these into frame coordinates.
"""

import numpy as np

from animegan_tf.samples.curves import (
    arc,
    bezier,
    bumpy,
    closed_line,
    curve,
    ellipse,
    flipped,
    mirrored,
    path,
    ribbon,
)
from animegan_tf.samples.portrait import BACKGROUNDS, STYLES


def place(p, points, head=True):
    """Head coordinates to frame coordinates; the body (`head=False`) stays upright."""
    points = np.asarray(points, dtype=float)
    u, v = points[..., 0], points[..., 1]
    if head:
        u = u + _turn(p, u)
        cos, sin = np.cos(p.tilt), np.sin(p.tilt)
        # The head tilts about the top of the neck.
        u, v = cos * u - sin * (v - 0.2), sin * u + cos * (v - 0.2) + 0.2
    centre = (0.5 + p.offset[0], 0.46 + p.offset[1])
    return np.stack([u * p.scale + centre[0], v * p.scale + centre[1]], axis=-1)


def head_grid(p, side):
    """Head coordinates (u, v) of the pixels of a square picture: `place` undone."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    u = ((x + 0.5) / side - 0.5 - p.offset[0]) / p.scale
    v = ((y + 0.5) / side - 0.46 - p.offset[1]) / p.scale - 0.2
    cos, sin = np.cos(p.tilt), np.sin(p.tilt)
    u, v = cos * u + sin * v, cos * v - sin * u + 0.2
    return u - _turn(p, u), v


def _turn(p, u):
    """How far the turn of the head moves what lies at u to the right."""
    return p.yaw * np.clip(1 - (u / 0.25) ** 2, 0, 1)


def head_shapes(p, slim):
    """Face, ears and neck; `slim` takes from jaw and neck, as anime does."""
    w, jaw, chin = p.width, p.jaw - slim, p.chin
    face = path("0 -.276, .075 -.262, .135 -.215").tolist()
    face += [(0.95 * w, -0.12), (w, -0.03), (0.955 * w, 0.06)]
    for at, wider, down in ((0.71, 0.11, 0.67), (0.4, 0.17, 0.9), (0.14, 0.08, 0.993)):
        face.append(((at + wider * jaw) * w, down * chin))
    neck = (0.076 + 0.02 * p.masculine) * (1 - 0.4 * slim)
    column = path("0 .1, 1 .1, 1 .24, 1.25 .31, 1.25 .8, 0 .8", neck)
    ear = curve(path("0.9 -.035, 1.06 -.045, 1.13 -.01, 1.07 .05, .93 .08", w))
    return {
        "face": place(p, mirrored(face + [(0, chin)])),
        "neck": place(p, mirrored(column), head=False),
        "ears": [place(p, ear * (side, 1.0)) for side in (-1, 1)],
    }


def eye(p, side, centre, points):
    """Points about the centre of an eye in frame coordinates.

    Args:
        p: `Portrait`.
        side: -1 for the left eye, which mirrors the right one, or 1.
        centre: Centre of the right eye, head coordinates.
        points: Points of the right eye relative to its centre.
    """
    return place(p, (np.array(centre) + points) * (side, 1.0))


def brow(p, side, height):
    """Line of the left (-1) or right (1) eyebrow, inner end first, in the frame."""
    line = arc(".033 .006, .07 -.006, .115 .006") + (0, height)
    line = line - (0, 0.004 * p.smile) * (line[:, :1] > 0.05)
    return place(p, line * (side, 1.0))


def mouth(p, wide, lift, points):
    """Points about the mouth's centre, bent to a smile, in frame coordinates."""
    bent = np.array(points, dtype=float)
    bent[:, 1] += 0.168 - lift * p.smile * (bent[:, 0] / wide) ** 2
    return place(p, bent)


def beard_curve(p):
    """Closed curve of a full beard, with the mouth left to be painted over it."""
    w, chin = p.width, p.chin
    half = [(0, 0.135), (0.05, 0.142), (0.6 * w, 0.13), (0.97 * w, 0.03), (w, 0.06)]
    half += [(0.92 * w, 0.67 * chin), (0.6 * w, 0.95 * chin), (0, chin + 0.012)]
    return place(p, mirrored(half))


def glasses(p, centre, size):
    """Outlines of both glasses, and all lines of the frame that holds them.

    Args:
        p: `Portrait`.
        centre: Centre of the right glass, head coordinates.
        size: Half width and half height of a glass.

    Returns:
        Two lists of curves in frame coordinates.
    """
    rims = [place(p, ellipse(centre[0] * side, centre[1], *size)) for side in (-1, 1)]
    gap, top = centre[0] - size[0], centre[1] - 0.01
    bridge = arc(f"{-gap} {top}, 0 {top - 0.007}, {gap} {top}")
    arm = f"{centre[0] + size[0]} {top}, {p.width} {top - 0.006}"
    lines = [bridge, path(arm, -1), path(arm)]
    return rims, [closed_line(rim) for rim in rims] + [place(p, it) for it in lines]


def hair_shapes(p, depth):
    """Hair in front of and behind the head; a bald head has none.

    Args:
        p: `Portrait`.
        depth: How far lock tips hang below the notches between them.

    Returns:
        Dict: `"front"` and `"back"` (curve or None) and `"tails"` (list of curves) in
        frame coordinates, `"notches"` (points, 2) in head coordinates.
    """
    if p.fringe == "bald":
        return {"front": None, "back": None, "tails": [], "notches": []}
    style, w = STYLES[p.style], p.width
    rng = np.random.default_rng([p.seed, 1])
    volume, side = style.volume, style.side
    flare = 0.02 * (side > 0.1)
    outer = [(0, -0.275 - volume), (0.1, -0.252 - 0.95 * volume)]
    outer += [(0.92 * w + 0.8 * volume, -0.16 - 0.5 * volume), (w + volume, -0.05)]
    outer += [(w + 0.9 * volume + 0.3 * flare, 0.4 * side)]
    outer += [(w + 0.5 * volume + flare, 0.8 * side)]
    outer = bumpy(curve(outer, closed=False), style.bumps, rng)
    tip = (0.95 * w + 0.3 * volume, side + 0.5 * depth)
    inner = [((0.9 if side > 0.1 else 0.94) * w, 0.6 * side), (0.88 * w, -0.05)]
    edge, notches = _fringe_edge(p, depth, rng)
    right = np.concatenate([outer, [tip], inner])
    back = None
    if style.back:
        fall, low = w + min(volume, 0.05), style.back
        back = [(0, -0.28), (w, -0.15), (fall, 0.0), (fall + flare, 0.5 * low)]
        back += [(fall + 1.6 * flare, 0.85 * low), (0.7 * w, low)]
        back = mirrored(back + [(0.35 * w, low - 0.02), (0, low)])
        back = place(p, bumpy(back, style.bumps, rng))
    return {
        "front": place(p, np.concatenate([right, edge[::-1], flipped(right)])),
        "back": back,
        "tails": [place(p, tail) for tail in _tails(p, style.tails)],
        "notches": notches,
    }


def _fringe_edge(p, depth, rng):
    """Lower edge of the hair on the forehead, left to right, and its lock notches.

    Args:
        p: `Portrait`.
        depth: How far lock tips hang below the notches between them.
        rng: numpy generator.

    Returns:
        Two arrays of head coordinates, (points, 2) and (notches, 2).
    """
    reach = 0.9 * p.width
    smooth = np.linspace(-reach, reach, 25)
    if p.fringe == "back":
        edge = np.stack([smooth, -0.185 + 0.1 * np.abs(smooth / reach) ** 3], axis=1)
        return edge, edge[4:21:5]
    if p.fringe == "receding":
        bays = 0.06 * np.exp(-(((np.abs(smooth) - 0.075) / 0.04) ** 2))
        edge = np.stack([smooth, -0.19 - bays + 0.1 * (smooth / reach) ** 4], axis=1)
        return edge, edge[8:17:8]
    part = 0.0 if p.fringe == "parted" else p.part

    def height(at):
        if p.fringe == "full":
            return -0.07 + 0.035 * at**2
        gap = np.abs(at - part) / (1 + abs(part))
        return -0.2 + 0.19 * gap ** (0.75 if p.fringe == "swept" else 1.1)

    count = 6
    u = np.linspace(-1, 1, count + 1)
    u[1:-1] += rng.uniform(-0.08, 0.08, count - 1)
    notches = np.stack([u * reach, height(u) - 0.5 * depth], axis=1)
    u = 0.5 * (u[1:] + u[:-1]) + 0.07 * np.sign(u[1:] - part - 0.1)
    tips = np.stack([u * reach, height(u) + 0.5 * depth], axis=1)
    tips[:, 1] += depth * rng.uniform(-0.3, 0.3, count)
    edge, t = [], np.linspace(0, 1, 6, endpoint=False)[:, None]
    for left, tip, right in zip(notches[:-1], tips, notches[1:]):
        # Each lock bulges outwards on its way to the tip.
        for start, end, out in ((left, tip, -0.004), (tip, right, 0.004)):
            edge.append(bezier(start, (start + end) / 2 + (out, 0.25 * depth), end, t))
    return np.concatenate(edge + [notches[-1:]]), notches[1:-1]


def _tails(p, kind):
    """Ponytail, twin tails or bun behind the head, in head coordinates."""
    w = p.width
    if kind == "bun":
        return [curve(ellipse(-0.1 * np.sign(p.part) * w, -0.325, 0.085, 0.07, 14))]
    if not kind:
        return []
    line = path("-.04 -.19, .09 -.15, .125 0, .1 .15, .115 .28, .06 .4") + (w, 0)
    tail = ribbon(curve(line, closed=False), 0.125, 0.7)
    sides = (-1, 1) if kind == "two" else (np.sign(p.part),)
    return [tail * (side, 1.0) for side in sides]


def clothes_shapes(p):
    """Pieces of clothing back to front, as (curve, part) in frame coordinates.

    Part is a key of `cloth_colours`.
    """
    n = 0.085 + 0.02 * p.masculine
    low = {"vneck": 0.46, "suit": 0.56, "shirt": 0.42, "hoodie": 0.4}
    low = low.get(p.clothes, 0.375)
    if p.clothes in ("vneck", "suit", "shirt"):
        collar = np.array([(0, low), (0.55 * n, 0.5 * (0.305 + low)), (n, 0.305)])
    else:
        collar = [(0, low), (0.7 * n, low - 0.018), (n, 0.305)]
        collar = curve(collar, closed=False)
    shoulder = 0.345 + 0.05 * p.masculine
    arm = [(1.45 * n, 0.3), (0.2, 0.345), (0.94 * shoulder, 0.41)]
    arm += [(1.05 * shoulder, 0.5), (1.12 * shoulder, 0.8)]
    right = np.concatenate([collar, curve(arm, closed=False), [(0, 0.8)]])
    pieces = [(np.concatenate([right, flipped(right)]), "main")]
    flap, tone = None, "dark"
    if p.clothes in ("tee", "vneck"):
        trim = np.concatenate([flipped(collar), collar])
        pieces.append((ribbon(trim, 0.018, 0), "dark"))
    elif p.clothes == "shirt":
        flap, tone = f"0 {low}, .8 .285, 1.3 .3, .75 {low + 0.02}", "light"
        pieces.append((ribbon([(0, low), (0, 0.6), (0, 0.8)], 0.006, 0), "dark"))
    elif p.clothes == "suit":
        flap = "0 .58, .8 .3, 1.4 .3, 1.75 .43"
        shirt = path("-1 .29, -.5 .34, .5 .34, 1 .29, 0 .58", n)
        tie = path("-.018 .36, .018 .36, .026 .5, 0 .56, -.026 .5")
        pieces = [(shirt, "light"), (tie, "accent")] + pieces
    elif p.clothes == "hoodie":
        flap = f"0 {low + 0.01}, .75 .35, 1.2 .28, 1.7 .31, 1.2 .41"
        for side in (-n, n):
            cord = ribbon(path(".3 .41, .33 .45, .28 .53", side), 0.009, 0)
            pieces.append((cord, "light"))
    else:
        band = mirrored(path("0 .25, 1 .235, 1.12 .33, 0 .385", n))
        pieces.append((band, "main"))
    if flap:
        pieces += [(path(flap, side), tone) for side in (-n, n)]
    return [(place(p, piece, head=False), part) for piece, part in pieces]


def cloth_colours(p):
    """Colour of each part of the clothes."""
    main = np.array(p.cloth)
    light = 0.25 * main + 0.75 * np.array((240, 240, 238))
    if p.clothes == "suit":
        main = 0.35 * main + 0.1 * np.array((150, 150, 170))
    if p.clothes == "shirt":
        light = 0.9 * main + 22
    return {"main": main, "dark": 0.8 * main, "light": light, "accent": p.accent}


def background_shapes(p):
    """Shapes behind the person, as (curve, colour), first one covering the frame."""
    rng = np.random.default_rng([p.seed, 2])
    mix = 0.45 if p.background == "studio" else 0.12
    top, low = (
        (1 - mix) * np.array(colour) + mix * np.array(p.accent)
        for colour in BACKGROUNDS[p.background]
    )
    shapes = [(_box(-0.1, -0.1, 1.2, 1.2), top)]
    if p.background == "room":
        x = float(rng.choice((0.04, 0.62)))
        shapes.append((_box(x - 0.02, 0.06, 0.38, 0.5), low))
        shapes.append((_box(x, 0.08, 0.16, 0.46), (236, 238, 232)))
        shapes.append((_box(x + 0.18, 0.08, 0.16, 0.46), (228, 234, 236)))
        shapes.append((_box(-0.1, 0.72, 1.2, 0.4), 0.85 * low))
        shapes.append((_box(0.66 - x, 0.3, 0.3, 0.05), p.accent))
    elif p.background == "street":
        for x in np.arange(-0.05, 1.0, 0.17):
            height = rng.uniform(0.45, 0.95)
            shade = rng.uniform(0.75, 1.15)
            shapes.append((_box(x, 1 - height, 0.16, 1.1), low * shade))
        for x, y in rng.uniform((0, 0.2), (1, 0.9), (12, 2)):
            glow = (250, 214, 150) if rng.random() < 0.7 else p.accent
            shapes.append((_box(x, y, 0.05, 0.06), glow))
    else:
        middle = {"park": 0.62, "sky": 0.5, "studio": 1.0}[p.background]
        for x in rng.permutation(np.linspace(-0.05, 1.05, 9)):
            y, r = middle + rng.uniform(-0.2, 0.2), rng.uniform(0.1, 0.2)
            tone = low * rng.uniform(0.8, 1.2) if p.background == "park" else low
            shapes.append((ellipse(x, y, r, r * 0.7), tone))
        if p.background != "studio":
            shapes.append((_box(-0.1, 0.72, 1.2, 0.4), 0.92 * low))
    return shapes


def _box(x, y, width, height):
    """Upright rectangle from its top left corner."""
    return path("0 0, 1 0, 1 1, 0 1", width, height) + (x, y)
