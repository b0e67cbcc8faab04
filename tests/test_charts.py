"""Charts as pictures of a page: names stay names, and equal charts are equal bytes."""

import numpy as np
import pytest
from markupsafe import Markup
from pages import Page

from animegan_tf.evaluation.intervals import Estimate
from animegan_tf.page.charts import curves, histograms, plane, stacked_histogram

pytestmark = pytest.mark.charts
NAMES = ("the photos", "_$x$ & <clean>", "\x00\u202e \udce9 日本")
SHOWN = ("the photos", "_$x$ &amp; &lt;clean&gt;", "\\x00\\u202e \\udce9 日本")


def svg_of(chart):
    """The only chart, with its description."""
    assert isinstance(chart, Markup)
    [(description, svg)] = Page(f"<p>{chart}</p>").charts.items()
    assert description
    return svg


def lines():
    return [(1, 4.0), (2, 0.0), (3, 1.0)], [(1, 2.0), (3, 0.01)]


def points(names):
    ends = {name: Estimate(0.1 * i, 0, 0.5, 9) for i, name in enumerate(names, 1)}
    unknown = Estimate(0.2, np.nan, np.nan, 9)
    return {name: (end, unknown) for name, end in ends.items()}


@pytest.mark.parametrize(
    "draw",
    [
        lambda: histograms(NAMES[1], {n: np.arange(9.0) for n in NAMES}),
        lambda: plane(NAMES[1], NAMES[2], points(NAMES), (NAMES[0], 0.3)),
    ],
)
def test_names_are_shown_as_they_are(draw):
    svg = svg_of(draw())
    assert all(name in svg for name in SHOWN)
    assert svg_of(draw()) == svg


def test_methods_without_finite_values_are_left_out():
    values = {"unknown": np.full(4, np.nan), "all": np.full(4, np.inf)}
    assert histograms("x", values) is None
    assert histograms("x", {"a": np.ones(4), "b": np.ones(4)}) is None
    svg = svg_of(histograms("x", values | {"some": np.array([1, 3, np.inf])}))
    assert "some, mean 2" in svg and "unknown" not in svg and "all," not in svg


@pytest.mark.parametrize("log", [False, True])
def test_a_stack_has_its_axis_and_thresholds(log):
    edges = [1, 10, 100, 1000]
    thresholds = {"min_size": 30, "max_size": 300}
    chart = stacked_histogram(
        edges, [900, 0, 1], [0, 2, 0], "pixels", "sources", thresholds, log
    )
    svg = svg_of(chart)
    for text in ("pixels", "number of sources", "min size 30", "max size 300"):
        assert f">{text}<" in svg
    assert (">100<" in svg) == log


@pytest.mark.parametrize("log", [False, True])
def test_curves_have_their_threshold_and_the_numbers_of_marks(log):
    svg = svg_of(curves("Slope", "unit", lines(), 0.05, (2, 2, 3), log))
    for text in ("adversarial step", "unit", "threshold 0.05", "1, 2", "3"):
        assert f">{text}<" in svg
    assert "threshold" not in svg_of(curves("Slope", "unit", lines(), log=log))
    assert curves("Slope", "unit", ([(1, 2.0)], []), log=log) is None
    assert (curves("x", "y", ([(1, 2.0), (2, 0.0)], []), log=log) is None) == log
