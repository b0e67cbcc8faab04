"""Histograms as SVG, and how numbers and texts are shown beside them."""

import html
import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from animegan_tf.data.manifest import Record

_BINS = 30
_BINS_PER_DECADE = 10
# The size of a histogram and of its margins, in the units of its own drawing.
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 440, 250, 60, 18, 38, 46


@dataclass(frozen=True)
class Quantity:
    """A number known of many pictures.

    `thresholds` are the settings drawn into its histogram; `highest` is where the
    axis ends at least. Without a `title` it is not drawn. A logarithmic axis begins
    at 1 or above, and what is below counts into its first bin; a linear one at 0.
    """

    name: str
    value: Callable[[Record], float | None]
    title: str = ""
    axis: str = ""
    thresholds: tuple[str, ...] = ()
    highest: float = 1
    log: bool = False
    per_source: bool = False


def bin_edges(values, lines, quantity):
    """Round numbers that enclose all values, those below the axis excepted."""
    low, high = min([*values, *lines]), max([*values, *lines])
    if quantity.log:
        # A threshold, if there is one, falls on an edge.
        anchor = math.log10(max(lines[0], 1)) if lines else 0
        first, last = (
            math.floor(_BINS_PER_DECADE * (math.log10(max(value, 1)) - anchor))
            for value in (low, high)
        )
        return [
            rounded(10 ** (anchor + i / _BINS_PER_DECADE))
            for i in range(first, last + 2)
        ]
    high = max(high, quantity.highest)
    step = _step(high, _BINS)
    return [rounded(i * step) for i in range(math.ceil(high / step) + 1)]


def chart(quantity, statistics, histogram, thresholds):
    """A histogram as a figure: dropped pictures below, kept ones on top of them."""
    edges = histogram["edges"]
    stacks = list(zip(histogram["dropped"], histogram["kept"]))
    top = max(map(sum, stacks))
    across = _scale(edges[0], edges[-1], _LEFT, _WIDTH - _RIGHT, quantity.log)
    up = _scale(0, top, _HEIGHT - _BOTTOM, _TOP)
    parts = [
        *_y_axis(top, up, "sources" if quantity.per_source else "pictures"),
        *_x_axis(quantity, edges, across),
        *(
            _bars(*stack, *edges[i : i + 2], across, up)
            for i, stack in enumerate(stacks)
        ),
        *_threshold_lines(thresholds, across),
    ]
    number = {name: shown_number(value) for name, value in statistics.items()}
    return (
        f'<figure class="chart"><h3>{quantity.title}</h3>\n'
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="Histogram: {quantity.axis}">\n'
        + "\n".join(parts)
        + f"\n</svg>\n<figcaption>{counted(statistics['count'], 'value')}, "
        f"{number['min']} to {number['max']}. Median {number['median']}, 5&nbsp;% are "
        f"below {number['p5']}, 5&nbsp;% above {number['p95']}.</figcaption></figure>"
    )


def shown_text(value):
    """Any text as HTML; control characters and lone surrogates become escapes."""
    shown = re.sub(
        "[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]",
        lambda match: ascii(match[0])[1:-1],
        str(value),
    )
    return html.escape(shown)


def shown_number(value):
    """At most three significant digits behind the point, thousands set apart."""
    if float(value).is_integer() or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def counted(number, noun):
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def rounded(value):
    return round(float(value), 4)


def _step(span, parts):
    """Smallest of 1, 2, 5, 10, 20, ... and their fractions in parts of `span`."""
    power = 10 ** math.floor(math.log10(span / parts))
    return next((m * power for m in (1, 2, 5) if m * power * parts >= span), 10 * power)


def _scale(low, high, start, end, log=False):
    """Function from a value to its place in the drawing."""
    bend = math.log10 if log else float
    ratio = (end - start) / (bend(high) - bend(low))
    return lambda value: round(start + (bend(value) - bend(low)) * ratio, 1)


def _y_axis(top, up, noun):
    step = max(1, round(_step(top, 5)))
    for value in range(0, top + 1, step):
        yield (
            f'<path class="grid" d="M{_LEFT} {up(value)}H{_WIDTH - _RIGHT}"/>'
            + _label(_LEFT - 6, up(value) + 4, "end", f"{value:,}")
        )
    middle = (_TOP + _HEIGHT - _BOTTOM) / 2
    turn = f' transform="rotate(-90 12 {middle})"'
    yield _label(12, middle, "middle", f"number of {noun}", turn)


def _x_axis(quantity, edges, across):
    if quantity.log:
        decades = range(math.floor(math.log10(edges[-1])) + 1)
        ticks = [m * 10**decade for decade in decades for m in (1, 3)]
    else:
        step = _step(edges[-1], 6)
        ticks = [rounded(i * step) for i in range(7)]
    for value in ticks:
        if edges[0] <= value <= edges[-1]:
            yield _label(
                across(value), _HEIGHT - _BOTTOM + 17, "middle", shown_number(value)
            )
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    yield _label(middle, _HEIGHT - 8, "middle", quantity.axis)


def _bars(dropped, kept, low, high, across, up):
    left, width = across(low) + 0.5, across(high) - across(low) - 1
    parts, base = [], up(0)
    for kind, count in (("dropped", dropped), ("kept", kept)):
        if count:
            # A single picture among a thousand must not vanish.
            height = max(up(0) - up(count), 2)
            base -= height
            parts.append(
                f'<rect class="{kind}" x="{left:.1f}" y="{base:.1f}" '
                f'width="{width:.1f}" height="{height:.1f}"/>'
            )
    return (
        f"<g><title>{shown_number(low)} to {shown_number(high)}: {kept:,} kept, "
        f"{dropped:,} dropped</title>{''.join(parts)}</g>"
    )


def _threshold_lines(thresholds, across):
    for row, (name, value) in enumerate(thresholds.items()):
        x, y = across(value), 12 + 14 * row
        # The name stands on the side that has more room.
        side, anchor = (5, "start") if x < _WIDTH / 2 else (-5, "end")
        text = shown_text(f"{name.replace('_', ' ')} {shown_number(value)}")
        yield f'<path class="threshold" d="M{x} {y - 10}V{_HEIGHT - _BOTTOM}"/>'
        yield _label(x + side, y, anchor, text, ' class="name"')


def _label(x, y, anchor, text, attributes=""):
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}"{attributes}>{text}</text>'
