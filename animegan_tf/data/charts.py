"""Histograms of what was measured of pictures, as SVG."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from animegan_tf.data.manifest import Record
from animegan_tf.page.svg import Frame, drawing, label, step, ticks
from animegan_tf.page.text import counted, rounded, shown_number, shown_text

_BINS = 30
_BINS_PER_DECADE = 10
_FRAME = Frame(width=440, height=250, left=60, right=18, top=38, bottom=46)


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
    width = step(high, _BINS)
    return [rounded(i * width) for i in range(math.ceil(high / width) + 1)]


def chart(quantity, statistics, histogram, thresholds):
    """A histogram as a figure: dropped pictures below, kept ones on top of them."""
    edges = histogram["edges"]
    stacks = list(zip(histogram["dropped"], histogram["kept"]))
    top = max(map(sum, stacks))
    across = _FRAME.across(edges[0], edges[-1], quantity.log)
    up = _FRAME.up(0, top)
    noun = "sources" if quantity.per_source else "pictures"
    heights = range(0, top + 1, max(1, round(step(top, 5))))
    parts = [
        *_FRAME.vertical_axis(heights, up, f"number of {noun}"),
        *_FRAME.horizontal_axis(_ticks(quantity, edges), across, quantity.axis),
        *(
            _bars(*stack, *edges[i : i + 2], across, up)
            for i, stack in enumerate(stacks)
        ),
        *_threshold_lines(thresholds, across),
    ]
    number = {name: shown_number(value) for name, value in statistics.items()}
    return (
        f'<figure class="chart"><h3>{quantity.title}</h3>\n'
        + drawing(_FRAME, f"Histogram: {quantity.axis}", parts)
        + f"\n<figcaption>{counted(statistics['count'], 'value')}, "
        f"{number['min']} to {number['max']}. Median {number['median']}, 5&nbsp;% are "
        f"below {number['p5']}, 5&nbsp;% above {number['p95']}.</figcaption></figure>"
    )


def _ticks(quantity, edges):
    if not quantity.log:
        return ticks(edges[0], edges[-1], 6)
    decades = range(math.floor(math.log10(edges[-1])) + 1)
    values = [m * 10**decade for decade in decades for m in (1, 3)]
    return [value for value in values if edges[0] <= value <= edges[-1]]


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
        side, anchor = (5, "start") if x < _FRAME.width / 2 else (-5, "end")
        text = shown_text(f"{name.replace('_', ' ')} {shown_number(value)}")
        bottom = _FRAME.height - _FRAME.bottom
        yield f'<path class="threshold" d="M{x} {y - 10}V{bottom}"/>'
        yield label(x + side, y, anchor, text, ' class="name"')
