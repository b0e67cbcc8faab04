"""Axes and labels of drawings in SVG, from values to places in the drawing."""

import math
from dataclasses import dataclass

from animegan_tf.page.text import rounded, shown_number


@dataclass(frozen=True)
class Frame:
    """Size of a drawing and of its margins, in the units of its own."""

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float

    def across(self, low, high, log=False):
        """Function from a value to its place from left to right."""
        return _scale(low, high, self.left, self.width - self.right, log)

    def up(self, low, high, log=False):
        """Function from a value to its place from bottom to top."""
        return _scale(low, high, self.height - self.bottom, self.top, log)

    def vertical_axis(self, values, up, title):
        """A line across the drawing at each value, the value beside it."""
        for value in values:
            yield (
                f'<path class="grid" d="M{self.left} {up(value)}'
                f'H{self.width - self.right}"/>'
                + label(self.left - 6, up(value) + 4, "end", shown_number(value))
            )
        middle = (self.top + self.height - self.bottom) / 2
        turn = f' transform="rotate(-90 12 {middle})"'
        yield label(12, middle, "middle", title, turn)

    def horizontal_axis(self, values, across, title):
        """Each value below its place."""
        for value in values:
            y = self.height - self.bottom + 17
            yield label(across(value), y, "middle", shown_number(value))
        middle = (self.left + self.width - self.right) / 2
        yield label(middle, self.height - 8, "middle", title)


def drawing(frame, description, parts):
    """An SVG picture of its parts."""
    return (
        f'<svg viewBox="0 0 {frame.width} {frame.height}" role="img" '
        f'aria-label="{description}">\n' + "\n".join(parts) + "\n</svg>"
    )


def label(x, y, anchor, text, attributes=""):
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}"{attributes}>{text}</text>'


def step(span, parts):
    """Smallest of 1, 2, 5, 10, 20, ... and their fractions in parts of `span`."""
    power = 10 ** math.floor(math.log10(span / parts))
    return next((m * power for m in (1, 2, 5) if m * power * parts >= span), 10 * power)


def ticks(low, high, parts):
    """Round numbers from `low` to `high`, about as many as `parts`."""
    size = step(high - low, parts)
    first, last = math.ceil(low / size - 1e-9), math.floor(high / size + 1e-9)
    return [rounded(i * size) for i in range(first, last + 1)]


def _scale(low, high, start, end, log=False):
    bend = math.log10 if log else float
    ratio = (end - start) / (bend(high) - bend(low))
    return lambda value: round(start + (bend(value) - bend(low)) * ratio, 1)
