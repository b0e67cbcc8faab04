"""Charts of the reports: matplotlib's SVG, which a page holds as a picture."""

import base64
import warnings
from io import BytesIO

import numpy as np
from markupsafe import Markup

from animegan_tf.page.html import printable, shown_number

KEPT, DROPPED = "#00518a", "#e06a00"
_TEXT, _MUTED, _LINE = "#1b1e22", "#565d66", "#d6dade"
_WIDTH = 5.0  # inches
_STYLE = {
    # Texts stay texts, and equal charts give equal bytes.
    "svg.fonttype": "none",
    "svg.hashsalt": "animegan_tf",
    # A name may hold dollars.
    "text.parse_math": False,
    "font.size": 9,
    "text.color": _TEXT,
    **{f"{axis}.color": _MUTED for axis in ("xtick", "ytick")},
    "axes.labelcolor": _MUTED,
    "axes.edgecolor": _LINE,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": _LINE,
}
_THRESHOLD = {"color": _TEXT, "linewidth": 1.2, "linestyle": (0, (4, 3))}


def chart(description, draw, height, width=_WIDTH) -> Markup:
    """What `draw` puts on a figure, as a picture with a description.

    Args:
        description: str, what a reader hears who does not see it.
        draw: function of a matplotlib figure.
        height, width: in inches.
    """
    # Not above: it reads its own files when it is imported.
    import matplotlib
    from matplotlib.figure import Figure

    content = BytesIO()
    with matplotlib.rc_context(_STYLE), warnings.catch_warnings():
        # Of letters that its font lacks; the reader's browser has others.
        warnings.simplefilter("ignore", UserWarning)
        figure = Figure((width, height), layout="constrained")
        draw(figure)
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(content, format="svg", metadata=nothing)
    return Markup('<img src="data:image/svg+xml;base64,{}" alt="{}">').format(
        base64.b64encode(content.getvalue()).decode(), printable(description)
    )


def stacked_histogram(edges, kept, dropped, axis, noun, thresholds, log) -> Markup:
    """Numbers of dropped pictures, and of kept ones on top of them.

    Args:
        edges: of the bins.
        kept, dropped: numbers by bin.
        axis: str, what is measured.
        noun: str, what is counted, such as "pictures".
        thresholds: dict of name to value, drawn as lines.
        log: bool, whether the axis is logarithmic.
    """

    def draw(figure):
        axes, edge = figure.subplots(), np.array(edges)
        base = np.zeros(len(kept))
        for numbers, color in ((np.array(dropped), DROPPED), (np.array(kept), KEPT)):
            some = numbers > 0
            left, width = edge[:-1][some], np.diff(edge)[some]
            # The outline: a single picture among a thousand must not vanish.
            bars = {"color": color, "edgecolor": color, "align": "edge"}
            axes.bar(left, numbers[some], width, base[some], **bars)
            base += numbers
        axes.set_xlim(edge[0], edge[-1])
        if log:
            axes.set_xscale("log")
            _plain_ticks(axes.xaxis, (1, 3))
        axes.yaxis.get_major_locator().set_params(integer=True)
        axes.grid(axis="y")
        axes.set(xlabel=axis, ylabel=f"number of {noun}")
        for row, (name, value) in enumerate(thresholds.items()):
            axes.axvline(value, **_THRESHOLD)
            text = f"{name.replace('_', ' ')} {shown_number(value)}"
            _label_line(axes, text, value, row)

    return chart(f"Histogram: {axis}", draw, 2.8)


def histograms(title, by_method) -> Markup | None:
    """Histograms of methods below each other, on one axis, their means dashed.

    Args:
        title: str, what is measured.
        by_method: dict of name to values of its pictures; what is not finite is left
            out.

    Returns:
        A picture, or None without two different values.
    """
    values = {name: np.asarray(v)[np.isfinite(v)] for name, v in by_method.items()}
    values = {name: v for name, v in values.items() if v.size}
    every = np.concatenate([*values.values(), []])
    if not every.size or np.ptp(every) < 1e-9:
        return None
    edges = np.linspace(every.min(), every.max(), 31)

    def draw(figure):
        rows = figure.subplots(len(values), 1, sharex=True, squeeze=False)[:, 0]
        for axes, (name, numbers) in zip(rows, values.items()):
            axes.hist(numbers, edges, color=KEPT, edgecolor=KEPT, rwidth=0.8)
            axes.axvline(numbers.mean(), **_THRESHOLD)
            text = f"{printable(name)}, mean {shown_number(numbers.mean())}"
            axes.set_title(text, loc="left", fontsize=9)
            axes.yaxis.set_visible(False)
            axes.spines["left"].set_visible(False)
        rows[-1].set_xlabel(printable(title))

    return chart(f"Histograms: {title}", draw, 0.6 + 0.8 * len(values))


def plane(across_title, up_title, points, reference=None) -> Markup:
    """Methods as numbered points in the plane of two metrics, with 95 % intervals.

    Args:
        across_title, up_title: str.
        points: dict of name to (`Estimate` across, `Estimate` up).
        reference: (name, value across) of a dashed line, or None.
    """

    def draw(figure):
        axes, handles = figure.subplots(), []
        for number, (x, y) in enumerate(points.values(), 1):
            bars = [
                [[max(0.0, e.value - e.low)], [max(0.0, e.high - e.value)]]
                for e in (x, y)
            ]
            point = axes.errorbar(
                x.value, y.value, bars[1], bars[0], fmt="o", elinewidth=0.8
            )
            axes.annotate(
                number, (x.value, y.value), (5, 5), textcoords="offset points"
            )
            handles.append(point)
        if reference:
            axes.axvline(reference[1], **_THRESHOLD)
            _label_line(axes, printable(reference[0]), reference[1])
        axes.grid()
        axes.set(xlabel=printable(across_title), ylabel=printable(up_title))
        names = [f"{i}. {printable(name)}" for i, name in enumerate(points, 1)]
        figure.legend(handles, names, loc="outside lower center", ncols=2)

    return chart(f"{up_title} against {across_title}", draw, 5, width=7)


def curves(title, axis, lines, threshold=None, marks=(), log=False) -> Markup | None:
    """Two curves over the steps of a training.

    Args:
        title, axis: str, of the chart and of what goes up.
        lines: two lists of (step, value).
        threshold: float, drawn as a line, or None.
        marks: steps at which lines go up, numbered from 1; some may be the same.
        log: bool, whether values are on a logarithmic axis, where 0 is its lower end.

    Returns:
        A picture, or None without two values.
    """
    values = [value for line in lines for _, value in line if value > 0 or not log]
    if len(values) < 2:
        return None

    def draw(figure):
        axes = figure.subplots()
        for line, color in zip(lines, (KEPT, DROPPED)):
            steps = [step for step, _ in line]
            heights = [max(value, min(values)) for _, value in line]
            axes.plot(steps, heights, color=color, linewidth=1.5)
        if log:
            axes.set_yscale("log")
            _plain_ticks(axes.yaxis, (1,))
        else:
            axes.set_ylim(bottom=0)
        if threshold:
            axes.axhline(threshold, **_THRESHOLD)
            text, at = f"threshold {shown_number(threshold)}", (1, threshold)
            axes.annotate(
                *(text, at, (0, 3), axes.get_yaxis_transform(), "offset points"),
                horizontalalignment="right",
            )
        for mark in sorted(set(marks)):
            axes.axvline(mark, color=_TEXT, linewidth=0.8, linestyle=":")
            numbers = [str(i) for i, step in enumerate(marks, 1) if step == mark]
            _label_line(axes, ", ".join(numbers), mark, -1)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(axis="y")
        axes.set(xlabel="adversarial step", ylabel=axis)

    return chart(title, draw, 2.8)


def _plain_ticks(axis, digits):
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axis.set_major_locator(LogLocator(subs=digits))
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_formatter(NullFormatter())


def _label_line(axes, text, x, row=0):
    """A text at the upper end of a line that goes up; -1 is the row above the chart."""
    place = (3, -10 - 11 * row)
    across = axes.get_xaxis_transform()
    axes.annotate(text, (x, 1), place, across, "offset points")
