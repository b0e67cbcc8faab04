"""Drawings of an evaluation as SVG: histograms of methods, and the plane of two."""

import math

import numpy as np

from animegan_tf.page.svg import Frame, drawing, label, ticks
from animegan_tf.page.text import shown_number, shown_text

_BINS = 30
_BAND = 58
# Height and width of a name, in the units of the drawing.
_LINE, _NAME = 15, 150
_PLANE = Frame(width=640, height=440, left=60, right=24, top=20, bottom=46)


def histograms(title, by_method):
    """Histograms of methods below each other, on one axis.

    Args:
        title: str, what is measured.
        by_method: dict of name to values of its pictures; what is not finite is left
            out.

    Returns:
        An SVG picture, or "" without two different values.
    """
    values = {name: np.asarray(v)[np.isfinite(v)] for name, v in by_method.items()}
    values = {name: v for name, v in values.items() if v.size}
    low = min((v.min() for v in values.values()), default=0)
    high = max((v.max() for v in values.values()), default=0)
    if high - low < 1e-9:
        return ""
    edges = np.linspace(low, high, _BINS + 1)
    height = 46 + _BAND * len(values)
    frame = Frame(width=440, height=height, left=12, right=12, top=0, bottom=46)
    across = frame.across(low, high)
    parts = [*frame.horizontal_axis(ticks(low, high, 6), across, shown_text(title))]
    for row, (name, numbers) in enumerate(values.items()):
        parts += _band(name, numbers, edges, across, _BAND * (row + 1))
    return drawing(frame, f"Histograms: {shown_text(title)}", parts)


def _band(name, values, edges, across, base):
    """One method's bars, which stand on `base`, its name and its mean."""
    counts = np.histogram(values, edges)[0]
    tall = (_BAND - _LINE - 9) / counts.max()
    for i, count in enumerate(counts):
        if count:
            left, right = across(edges[i]) + 0.5, across(edges[i + 1]) - 0.5
            tip = max(2, count * tall)
            yield (
                f"<g><title>{shown_number(edges[i])} to {shown_number(edges[i + 1])}: "
                f'{count}</title><rect class="kept" x="{left:.1f}" '
                f'y="{base - tip:.1f}" width="{right - left:.1f}" '
                f'height="{tip:.1f}"/></g>'
            )
    yield f'<path class="grid" d="M{across(edges[0])} {base}H{across(edges[-1])}"/>'
    mean = across(values.mean())
    yield f'<path class="threshold" d="M{mean} {base}V{base - _BAND + _LINE + 6}"/>'
    text = f"{shown_text(name)}, mean {shown_number(values.mean())}"
    yield label(12, base - _BAND + _LINE, "start", text, ' class="name"')


def plane(across_title, up_title, points, reference=None):
    """Methods as points in the plane of two metrics, with 95 % intervals.

    Args:
        across_title, up_title: str.
        points: dict of name to (`Estimate` across, `Estimate` up).
        reference: (name, value across) of a dashed line, or None.

    Returns:
        An SVG picture.
    """
    spans = [_span([point[axis] for point in points.values()]) for axis in (0, 1)]
    if reference:
        spans[0] = min(spans[0][0], reference[1] - 0.02), spans[0][1]
    across, up = _PLANE.across(*spans[0]), _PLANE.up(*spans[1])
    bottom = _PLANE.height - _PLANE.bottom
    parts = [
        *_PLANE.vertical_axis(ticks(*spans[1], 6), up, shown_text(up_title)),
        *_PLANE.horizontal_axis(ticks(*spans[0], 8), across, shown_text(across_title)),
    ]
    if reference:
        x = across(reference[1])
        parts.append(f'<path class="threshold" d="M{x} {_PLANE.top}V{bottom}"/>')
        parts.append(label(x + 5, _PLANE.top + 9, "start", shown_text(reference[0])))
    places = {n: (across(x.value), up(y.value)) for n, (x, y) in points.items()}
    for name, (x, y) in points.items():
        parts += _point(name, (x, y), places[name], across, up)
    parts += _labels(places)
    return drawing(
        _PLANE, f"{shown_text(up_title)} against {shown_text(across_title)}", parts
    )


def _span(estimates):
    """Bounds of an axis that shows all intervals, with some room."""
    ends = [e for f in estimates for e in (f.value, f.low, f.high) if math.isfinite(e)]
    low, high = min(ends), max(ends)
    room = max(0.06 * (high - low), 0.01)
    return low - room, high + room


def _point(name, estimates, place, across, up):
    x, y = estimates
    bars = []
    if math.isfinite(x.low):
        bars.append(f"M{across(x.low)} {place[1]}H{across(x.high)}")
    if math.isfinite(y.low):
        bars.append(f"M{place[0]} {up(y.low)}V{up(y.high)}")
    yield f'<path class="interval" d="{" ".join(bars)}"/>'
    yield (
        f"<g><title>{shown_text(name)}: {shown_number(x.value)}, "
        f'{shown_number(y.value)}</title><circle class="kept" cx="{place[0]}" '
        f'cy="{place[1]}" r="5"/></g>'
    )


def _labels(places):
    """Names beside their points, or above and below where another name is."""
    top, bottom = _PLANE.top + _LINE, _PLANE.height - _PLANE.bottom - 5
    # By turns up and down, farther and farther.
    shifts = [
        _LINE * (i // 2 if i % 2 else -(i // 2)) for i in range(1, 2 * len(places) + 2)
    ]
    taken = []
    for name, (x, y) in sorted(places.items(), key=lambda item: item[1]):
        heights = [y - 7 + shift for shift in shifts]
        free = [
            at for at in heights if top <= at <= bottom and not _covers(taken, x, at)
        ]
        at = free[0] if free else y - 7
        taken.append((x, at))
        # On the side that has more room.
        side, anchor = (-9, "end") if x > _PLANE.width * 0.72 else (9, "start")
        if abs(at - y) > _LINE:
            yield f'<path class="interval" d="M{x} {y}L{x + side / 2} {at - 4}"/>'
        yield label(x + side, at, anchor, shown_text(name), ' class="name"')


def _covers(taken, x, y):
    return any(abs(y - b) < _LINE - 1 and abs(x - a) < _NAME for a, b in taken)
