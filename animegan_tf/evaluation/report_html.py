"""The page of an evaluation: `report.html`."""

import functools
import math

import numpy as np

from animegan_tf.evaluation.report_charts import histograms, plane
from animegan_tf.evaluation.views import TOP_SQUARE, cut_out
from animegan_tf.imaging.transform import resize, shrink
from animegan_tf.page.html import cell, data_uri, page, spaced, table
from animegan_tf.page.text import counted, shown_number, shown_text

_ROWS_SHOWN, _EXTREMES = 12, 2
_GRID_SIDE, _PAIR_SIDE = 200, 112


def render(evaluation) -> str:
    """An evaluation as one page that needs no other file and no network.

    Args:
        evaluation: `Evaluation`.

    Returns:
        str, HTML.
    """
    # The same picture may be best by several metrics.
    pair = functools.lru_cache(maxsize=None)(functools.partial(_pair, evaluation))
    sections = (
        ("Read this first", _list(evaluation.warnings)),
        ("Figures", _figures(evaluation)),
        ("Drawn, and still the person", _plane(evaluation)),
        ("Pictures", _grid(evaluation)),
        ("Best and worst", _extremes(evaluation, pair)),
        ("How the pictures spread", _histograms(evaluation)),
        ("Not computed", _left_out(evaluation)),
        ("How it was measured", _facts(evaluation)),
    )
    methods = [shown_text(name) for name in evaluation.methods]
    summary = f"{counted(len(evaluation.stems), 'picture')}: {', '.join(methods)}"
    sections = [(heading, body) for heading, body in sections if body]
    return page(shown_text(evaluation.title), summary, sections, _STYLE)


def _list(sentences):
    if not sentences:
        return ""
    items = "".join(f"<li>{shown_text(sentence)}</li>\n" for sentence in sentences)
    return f"<ul>\n{items}</ul>"


def _figures(evaluation):
    parts = [
        "<p>In small print: 95&nbsp;% intervals; the number of pictures where it is "
        "another than above; the deviation over subsets or splits.</p>"
    ]
    for section in dict.fromkeys(metric.section for metric in evaluation.metrics):
        metrics = [m for m in evaluation.metrics if m.section == section]
        heads = ("", *(shown_text(name) for name in evaluation.methods))
        rows = [_row(evaluation, metric) for metric in metrics]
        body = _scrolling(table("figures", heads, rows))
        parts.append(f"<h3>{shown_text(section)}</h3>\n{body}")
    return "\n".join(parts)


def _scrolling(wide):
    """What may be wider than the page; by the keyboard, too."""
    return f'<div class="wide" tabindex="0">{wide}</div>'


def _row(evaluation, metric):
    notes = [f"{metric.better} is better"] if metric.better else []
    notes += [metric.note] if metric.note else []
    title = shown_text(metric.title)
    if notes:
        title += f"<br><small>{shown_text('; '.join(notes))}</small>"
    keys = [(method, metric.name) for method in evaluation.methods]
    return title, *(_value(evaluation, evaluation.figures.get(key)) for key in keys)


def _value(evaluation, figure):
    if figure is None:
        return "&ndash;"
    small = []
    if math.isfinite(figure.low) and figure.low < figure.high:
        small.append(f"{_number(figure.low)} to {_number(figure.high)}")
    if figure.count != len(evaluation.stems):
        small.append(f"of {figure.count:,}")
    if figure.deviation > 1e-12:  # all subsets are the same where they take the sets
        small.append(f"deviation {_number(figure.deviation)}")
    lines = "".join(f"<br><small>{line}</small>" for line in small)
    return f"<b>{_number(figure.value)}</b>{lines}"


def _number(value):
    if math.isnan(value):
        return "&ndash;"
    if math.isinf(value):
        return "&infin;"
    # Zeros at the end, too: 0.60 beside 0.59 is not less exact.
    return shown_number(value) if abs(value) >= 99.95 else f"{value:#.3g}"


def _plane(evaluation):
    names = evaluation.plane
    if names is None:
        return ""
    figures = evaluation.figures
    points = {
        method: tuple(figures[method, name] for name in names)
        for method in evaluation.methods
        if all((method, name) in figures for name in names)
    }
    if len(points) < 2:
        return ""
    titles = {metric.name: metric.title for metric in evaluation.metrics}
    reference, strangers = None, evaluation.reference
    if strangers:
        values = [figures[method, strangers].value for method in points]
        reference = titles[strangers], float(np.mean(values))
    drawn = plane(*(titles[name] for name in names), points, reference)
    return f'<figure class="chart plane">{drawn}</figure>'


def _grid(evaluation):
    shown = spaced(range(len(evaluation.stems)), _ROWS_SHOWN)
    rows = [
        (
            shown_text(evaluation.stems[i]).replace("_", "_<wbr>"),
            *(_thumbnail(evaluation, column, i) for column in evaluation.columns),
        )
        for i in shown
    ]
    heads = ("", *map(shown_text, evaluation.columns))
    note = f"<p>{len(shown):,} of {len(evaluation.stems):,} shown, evenly spaced</p>"
    return f"{note}\n{_scrolling(table('pictures', heads, rows))}"


def _thumbnail(evaluation, column, i):
    picture = data_uri(shrink(evaluation.image(column, i), _GRID_SIDE), quality=88)
    description = f"{evaluation.stems[i]}, {column}"
    return f'<img src="{picture}" alt="{shown_text(description)}">'


def _extremes(evaluation, pair):
    photos, parts = evaluation.methods[0], []
    for metric in evaluation.metrics:
        found = evaluation.by_picture.get(metric.name, {})
        methods = [name for name in found if name != photos]
        if metric.better and methods:
            parts.append(f"<h3>{shown_text(metric.title)}</h3>")
            parts += (_best_and_worst(evaluation, metric, m, pair) for m in methods)
    return "\n".join(parts)


def _best_and_worst(evaluation, metric, method, pair):
    values = evaluation.by_picture[metric.name][method]
    order = np.argsort(values if metric.better == "lower" else -values, kind="stable")
    order = [int(i) for i in order if not math.isnan(values[i])]
    number = min(_EXTREMES, len(order) // 2)
    chosen = [("best", i) for i in order[:number]]
    chosen += [("worst", i) for i in order[len(order) - number :]]
    cells = []
    for word, i in chosen:
        stem = evaluation.stems[i]
        caption = f"<b>{word}</b> {_number(values[i])}<br>{shown_text(stem)}"
        description = f"{stem}: photo, and picture of {method}"
        cells.append(cell(pair(method, i), description, caption))
    heading = f'<p class="method">{shown_text(method)}</p>'
    return f'{heading}\n<ul class="sheet pairs">\n{"".join(cells)}</ul>'


def _pair(evaluation, method, i):
    """Photo and picture side by side, their top squares."""
    columns = (evaluation.columns[0], method)
    squares = (cut_out(evaluation.image(c, i), TOP_SQUARE) for c in columns)
    return data_uri(np.hstack([resize(x, _PAIR_SIDE, _PAIR_SIDE) for x in squares]))


def _histograms(evaluation):
    titles = {metric.name: metric.title for metric in evaluation.metrics}
    charts = (
        histograms(titles[name], by_method)
        for name, by_method in evaluation.by_picture.items()
    )
    drawn = [f'<figure class="chart">{chart}</figure>' for chart in charts if chart]
    if not drawn:
        return ""
    legend = "<p>Number of pictures by value; the dashed line is the mean.</p>"
    return f'{legend}\n<div class="charts">\n' + "\n".join(drawn) + "\n</div>"


def _left_out(evaluation):
    rows = [tuple(map(shown_text, item)) for item in evaluation.left_out.items()]
    return table("facts", ("Metric", "Why"), rows) if rows else ""


def _facts(evaluation):
    rows = [tuple(map(shown_text, item)) for item in evaluation.facts.items()]
    return table("facts", ("What", "Value"), rows)


_STYLE = """
.wide { overflow-x: auto; }
@media print { .wide { overflow-x: visible; } }
.figures { min-width: 100%; }
.figures th:first-child {
  position: sticky; left: 0; min-width: 17rem; max-width: 17rem;
  background: var(--ground);
}
.figures td, .figures thead th { min-width: 10.5rem; overflow-wrap: anywhere; }
.figures small { line-height: 1.3; }
.figures td small { white-space: nowrap; }
@media (max-width: 30rem) {
  .figures th:first-child { min-width: 9rem; max-width: 9rem; }
}
.facts td { overflow-wrap: anywhere; }
.facts tbody th { min-width: 9rem; }
.pictures { width: 100%; }
.pictures th { font-size: 0.8rem; max-width: 7rem; overflow-wrap: anywhere; }
.pictures tbody th { min-width: 4.5rem; }
.pictures td, .pictures th { padding-right: 0.75rem; }
.pictures img {
  display: block; min-width: 6rem; max-width: 100%; border-radius: 3px;
}
.pairs { grid-template-columns: repeat(auto-fill, minmax(14rem, 1fr)); }
.method { margin-top: 0.75rem; color: var(--muted); font-size: 0.875rem; }
.plane { max-width: 48rem; }
.plane .name { paint-order: stroke; stroke: var(--ground); stroke-width: 4px; }
.interval { stroke: var(--muted); fill: none; }
"""
