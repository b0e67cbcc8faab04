"""`health.html`: how the figures went that training watches, and what was found."""

import contextlib
import math
import re

from animegan_tf.files import write_atomic
from animegan_tf.page.html import page, swatch, table
from animegan_tf.page.svg import Frame, drawing, label, ticks
from animegan_tf.page.text import counted, shown_number, shown_text
from animegan_tf.training.health.watch import ADVICE

_FRAME = Frame(width=440, height=250, left=60, right=18, top=30, bottom=46)
# Width of a failure's number above a chart.
_NUMBER = 14
_POINTS = 80
_LOSSES = {"generator": "its adversarial term", "discriminator": "its discriminator"}
_TAILS = {"support": "support tail", "main": "main tail"}
_MEANING = (
    (
        "support",
        "Support tail: both sides' losses",
        "Healthy losses stay apart, neither at 0; swings of both to and fro mean that "
        "the sides chase each other.",
    ),
    (
        "main",
        "Main tail: both sides' losses",
        "As above. Weights count in, so that the heights of the two do not compare.",
    ),
    (
        "accuracy",
        "What the discriminators get right",
        "Share of patches: 0.5 is a guess, 1 all. A discriminator that is always right "
        "is only a failure where the slope falls as well.",
    ),
    (
        "slope",
        "Slope of the adversarial terms",
        "How much of them reaches the pictures, log axis. Below the line the generator "
        "learns nothing from its discriminator any more.",
    ),
    (
        "diversity",
        "Diversity",
        "How far apart the pictures of a batch lie, in that of their photos. At 0 all "
        "photos are painted alike.",
    ),
    (
        "change",
        "Distance to the photo",
        "Mean difference in grey levels. At 0 the generator returns its input.",
    ),
)
_AXES = {
    "accuracy": "share of patches",
    "slope": "change of the term per unit",
    "diversity": "ratio of distances",
    "change": "grey levels",
}


@contextlib.contextmanager
def health_page(watch, path):
    """Within it a run trains; however that ends, its page is written and summed up.

    Args:
        watch: `Watch`.
        path: where the page goes.
    """
    try:
        yield
    finally:
        write_health_page(watch, path, path.parent.name)
        print(*watch.summary(), sep="\n", flush=True)


def write_health_page(watch, path, run):
    """Writes the page, which needs no other file, to a temporary name renamed last.

    Args:
        watch: `Watch`.
        path: where it goes.
        run: name of the run, for the title.
    """
    sections = (("What was found", _found(watch)), ("How it went", _charts(watch)))
    title = f"Health of {shown_text(run)}"
    write_atomic(path, page(title, _summary(watch), sections, _STYLE).encode())


def _summary(watch):
    number = len(watch.events)
    text = f"{counted(number, 'failure')} in " if number else "No failure in "
    text += counted(watch.steps, "adversarial step")
    if watch.skipped:
        text += f"; {counted(watch.skipped, 'step')} not applied"
    return text + "."


def _found(watch):
    if not watch.events:
        return "<p>None of the failures below was seen.</p>"
    rows = []
    for number, event in enumerate(watch.events, 1):
        if event["failure"] == "not a number":
            until = ""
        else:
            until = event.get("until", "still there")
        rows.append(
            (
                number,
                f"<b>{shown_text(event['failure'])}</b><br>{shown_text(event['tail'])}",
                f"{event['seen']:,}<br><small>epoch {event['epoch']}, "
                f"step {event['step']}</small>",
                f"{until:,}" if isinstance(until, int) else shown_text(until),
                _with_flags(event["message"]),
                _with_flags(ADVICE[event["failure"]]),
            )
        )
    heads = ("", "failure", "adversarial step", "until", "figures", "what to try")
    return table("found", heads, rows)


def _with_flags(text):
    """A text as HTML whose flags are not broken over lines."""
    return re.sub(r"--[a-z0-9.-]+[a-z0-9]", r"<code>\g<0></code>", shown_text(text))


def _charts(watch):
    group = max(1, math.ceil(len(watch.curve.rows) / _POINTS))
    steps = counted(group * watch.curve.stretch, "step")
    figures = "\n".join(_figure(watch, group, *shown) for shown in _MEANING)
    return (
        f"<p>Each point is the mean of {steps}; numbers above are those of the table."
        f'</p>\n<div class="charts">\n{figures}\n</div>'
    )


def _figure(watch, group, name, title, meaning):
    """A chart of two curves, with its legend and what it means."""
    if name in _TAILS:
        keys = [f"{name}/{side}" for side in _LOSSES]
        shown = list(_LOSSES.values())
    else:
        keys = [f"{tail}/{name}" for tail in _TAILS]
        shown = list(_TAILS.values())
    curves = [_means(watch.curve.points(key), group) for key in keys]
    kinds = zip(("kept", "dropped"), shown)
    legend = "".join(f"{swatch(kind)}{text} " for kind, text in kinds)
    axis, threshold = _AXES.get(name, "weighted loss"), None
    if name in _AXES:
        threshold = getattr(watch.config, name)
    body = _chart(title, curves, axis, threshold, watch.events, log=name == "slope")
    return (
        f'<figure class="chart"><h3>{title}</h3>\n<p>{legend}</p>\n{body}\n'
        f"<figcaption>{meaning}</figcaption></figure>"
    )


def _means(points, group):
    """Each so many points as one: single steps hide where a curve goes."""
    groups = [points[i : i + group] for i in range(0, len(points), group)]
    return [(g[0][0], sum(value for _, value in g) / len(g)) for g in groups]


def _chart(title, curves, axis, threshold, events, log):
    values = [value for curve in curves for _, value in curve]
    if log:
        values = [value for value in values if value > 0]
    if len(values) < 2:
        return "<p>Nothing was measured.</p>"
    low, high = _span([*values, threshold] if threshold else values, log)
    last = max(step for curve in curves for step, _ in curve)
    across, up = _FRAME.across(1, max(last, 2)), _FRAME.up(low, high, log)
    heights = _decades(low, high) if log else ticks(low, high, 5)
    steps = [tick for tick in ticks(1, max(last, 2), 6) if tick == int(tick)]
    parts = [
        *_FRAME.vertical_axis(heights, up, axis),
        *_FRAME.horizontal_axis(steps, across, "adversarial step"),
        *_events(events, across),
        *(
            _line(kind, curve, across, up, low)
            for kind, curve in zip(("kept", "dropped"), curves)
        ),
    ]
    if threshold:
        y, right = up(threshold), _FRAME.width - _FRAME.right
        parts.append(f'<path class="threshold" d="M{_FRAME.left} {y}H{right}"/>')
        text = f"threshold {shown_number(threshold)}"
        parts.append(label(right, y - 5, "end", text, ' class="name"'))
    return drawing(_FRAME, title, parts)


def _span(values, log):
    """Ends of an axis: whole decades, or from 0 to a little above."""
    if not log:
        return 0, max(values) * 1.05 or 1
    low = math.floor(math.log10(min(values)))
    return 10.0**low, 10.0 ** max(math.ceil(math.log10(max(values))), low + 1)


def _decades(low, high):
    first, last = round(math.log10(low)), round(math.log10(high))
    return [10.0**power for power in range(first, last + 1)]


def _line(kind, curve, across, up, low):
    points = [f"{across(step)} {up(max(value, low))}" for step, value in curve]
    return f'<path class="line {kind}" d="M{"L".join(points)}"/>' if points else ""


def _events(events, across):
    """A line where each failure begins, its number above."""
    taken = []
    for number, event in enumerate(events, 1):
        x = across(max(event["seen"], 1))
        name = shown_text(f"{event['failure']} {event['tail']}")
        yield (
            f"<g><title>{number}: {name}</title>"
            f'<path class="event" d="M{x} {_FRAME.top}'
            f'V{_FRAME.height - _FRAME.bottom}"/></g>'
        )
        # Failures of one moment have one line; their numbers go side by side.
        while any(abs(x - other) < _NUMBER for other in taken):
            x += _NUMBER
        if x < _FRAME.width - 8:
            taken.append(x)
            yield label(x, _FRAME.top - 6, "middle", number, ' class="name"')


_STYLE = """
path.line { fill: none; stroke-width: 1.75; stroke-linejoin: round; }
path.line.kept { stroke: var(--kept); }
path.line.dropped { stroke: var(--dropped); }
path.event { stroke: var(--text); stroke-width: 1; stroke-dasharray: 1 3; }
.chart .swatch { display: inline-block; width: 0.75rem; }
.chart p { color: var(--muted); font-size: 0.875rem; }
.found small { color: var(--muted); }
"""
