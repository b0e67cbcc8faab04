"""`health.html`: how the figures went that training watches, and what was found."""

import contextlib
import math

from animegan_tf.files import write_atomic
from animegan_tf.page.charts import curves
from animegan_tf.page.html import counted, render
from animegan_tf.training.health.watch import ADVICE

_POINTS = 80
_LOSSES = {"generator": "its adversarial term", "discriminator": "its discriminator"}
_TAILS = {"support": "support tail", "main": "main tail"}
# Name, title, axis and meaning of each chart.
_CHARTS = (
    (
        "support",
        "Support tail: both sides' losses",
        "weighted loss",
        "Healthy losses stay apart, neither at 0; swings of both to and fro mean that "
        "the sides chase each other.",
    ),
    (
        "main",
        "Main tail: both sides' losses",
        "weighted loss",
        "As above. Weights count in, so that the heights of the two do not compare.",
    ),
    (
        "accuracy",
        "What the discriminators get right",
        "share of patches",
        "Share of patches: 0.5 is a guess, 1 all. A discriminator that is always right "
        "is only a failure where the slope falls as well.",
    ),
    (
        "slope",
        "Slope of the adversarial terms",
        "change of the term per unit",
        "How much of them reaches the pictures, log axis. Below the line the generator "
        "learns nothing from its discriminator any more.",
    ),
    (
        "diversity",
        "Diversity",
        "ratio of distances",
        "How far apart the pictures of a batch lie, in that of their photos. At 0 all "
        "photos are painted alike.",
    ),
    (
        "change",
        "Distance to the photo",
        "grey levels",
        "Mean difference in grey levels. At 0 the generator returns its input.",
    ),
)


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
    group = max(1, math.ceil(len(watch.curve.rows) / _POINTS))
    html = render(
        "health.html",
        title=f"Health of {run}",
        summary=_summary(watch),
        events=watch.events,
        advice=ADVICE,
        group=group * watch.curve.stretch,
        charts=[_chart(watch, group, *shown) for shown in _CHARTS],
    )
    write_atomic(path, html.encode())


def _summary(watch):
    number = len(watch.events)
    text = f"{counted(number, 'failure')} in " if number else "No failure in "
    text += counted(watch.steps, "adversarial step")
    if watch.skipped:
        text += f"; {counted(watch.skipped, 'step')} not applied"
    return text + "."


def _chart(watch, group, name, title, axis, meaning):
    """Title, names of both curves, chart or None, and meaning."""
    if name in _TAILS:
        names, keys = list(_LOSSES.values()), [f"{name}/{side}" for side in _LOSSES]
    else:
        names, keys = list(_TAILS.values()), [f"{tail}/{name}" for tail in _TAILS]
    chart = curves(
        title,
        axis,
        [_means(watch.curve.points(key), group) for key in keys],
        threshold=getattr(watch.config, name, None),
        marks=[event["seen"] for event in watch.events],
        log=name == "slope",
    )
    return title, names, chart, meaning


def _means(points, group):
    """Each so many points as one: single steps hide where a curve goes."""
    groups = [points[i : i + group] for i in range(0, len(points), group)]
    return [(g[0][0], sum(value for _, value in g) / len(g)) for g in groups]
