"""`health.html`: how the figures went that training watches, and what was found."""

import contextlib
import functools
import math

from animegan_tf.files import write_atomic
from animegan_tf.page.charts import curves
from animegan_tf.page.html import counted, render
from animegan_tf.training.health.readings import TAILS
from animegan_tf.training.health.watch import ADVICE, SIDES, THRESHOLDS

_POINTS = 80


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
    group = max(1, math.ceil(len(watch.curve.starts) / _POINTS))
    html = render(
        "health.html",
        title=f"Health of {run}",
        summary=_summary(watch),
        events=watch.events,
        advice=ADVICE,
        group=group * watch.curve.stretch,
        chart=functools.partial(_chart, watch, group),
    )
    write_atomic(path, html.encode())


def _summary(watch):
    number = len(watch.events)
    text = f"{counted(number, 'failure')} in " if number else "No failure in "
    text += counted(watch.steps, "adversarial step")
    if watch.skipped:
        text += f"; {counted(watch.skipped, 'step')} not applied"
    return text + "."


def _chart(watch, group, name, title, axis):
    """Curves of both sides of the tail `name`, or of that measure of both tails."""
    if name in TAILS:
        keys = [f"{name}/{side}" for side in SIDES]
    else:
        keys = [f"{tail}/{name}" for tail in TAILS]
    return curves(
        title,
        axis,
        [_means(watch.curve.points(key), group) for key in keys],
        threshold=THRESHOLDS.get(name),
        marks=[event["seen"] for event in watch.events],
        log=name == "slope",
    )


def _means(points, group):
    """Each so many points as one: single steps hide where a curve goes."""
    groups = [points[i : i + group] for i in range(0, len(points), group)]
    return [(g[0][0], sum(value for _, value in g) / len(g)) for g in groups]
