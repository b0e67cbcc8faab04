"""The folder that an evaluation leaves behind: JSON, CSV and a page to look at."""

import csv
import dataclasses
import functools
import io
import json
import math
import os
import re
from pathlib import Path

import numpy as np

from animegan_tf.errors import InputError
from animegan_tf.evaluation.features import TOP_SQUARE, cut_out
from animegan_tf.evaluation.figures import Evaluation
from animegan_tf.files import replacing_folder, write_atomic
from animegan_tf.imaging.transform import resize, shrink
from animegan_tf.page.charts import histograms, plane
from animegan_tf.page.html import counted, data_uri, render, shown_number, spaced

REPORT, TABLE, BY_PICTURE, PAGE = (
    "report.json",
    "report.csv",
    "per_picture.csv",
    "report.html",
)

_ROWS_SHOWN, _EXTREMES = 12, 2
_GRID_SIDE, _PAIR_SIDE = 200, 112
# What spreadsheets take for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@")


def check_output(folder: Path, overwrite: bool = False) -> None:
    """Refuse a report's folder before hours are spent on figures for it.

    Args:
        folder: where the report would go.
        overwrite: bool, whether another report there may be replaced.

    Raises:
        InputError: it is there already and must not be replaced, or is no report.
    """
    folder = Path(folder)
    if not os.path.lexists(folder):
        return
    if not overwrite:
        raise InputError(
            f"{folder}: the report's folder must be a new one, or --overwrite be "
            "given, received one that exists."
        )
    # Whatever else is in there must not be lost with the old report.
    known = {REPORT, TABLE, BY_PICTURE, PAGE}
    others = (
        sorted(p.name for p in folder.iterdir() if p.name not in known)
        if folder.is_dir() and not folder.is_symlink()
        else [folder.name]
    )
    if others:
        raise InputError(
            f"{folder}: --overwrite must find nothing but an older report, received "
            f"{others[0]}."
        )


def write_report(
    evaluation: Evaluation, folder: Path, overwrite: bool = False
) -> list[Path]:
    """Write a report; all four files appear at once or not at all.

    Equal evaluations give equal bytes.

    Args:
        evaluation: `Evaluation`.
        folder: receives `report.json`, `report.csv`, `per_picture.csv` and
            `report.html`.
        overwrite: bool, replace an older report.

    Returns:
        Paths of the four.

    Raises:
        InputError: see `check_output`; or a file cannot be written.
    """
    folder = Path(folder)
    check_output(folder, overwrite)
    contents = {
        REPORT: as_json(evaluation),
        TABLE: as_csv(evaluation),
        BY_PICTURE: by_picture_csv(evaluation),
        PAGE: page(evaluation),
    }
    with replacing_folder(folder) as temporary:
        for name, text in contents.items():
            write_atomic(temporary / name, text.encode("utf-8", "backslashreplace"))
    return [folder / name for name in contents]


def as_json(evaluation: Evaluation) -> str:
    """`report.json`; numbers that are infinite or not there are null."""
    figures = [
        {"method": method, "metric": metric}
        | {name: _number(value) for name, value in figure._asdict().items()}
        for (method, metric), figure in _ordered(evaluation)
    ]
    report = {
        "title": evaluation.title,
        "facts": evaluation.facts,
        "warnings": list(evaluation.warnings),
        "not_computed": evaluation.left_out,
        "methods": list(evaluation.methods),
        "metrics": [dataclasses.asdict(metric) for metric in evaluation.metrics],
        "figures": figures,
    }
    return json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def as_csv(evaluation: Evaluation) -> str:
    """`report.csv`: a row for each method and metric.

    Names that begin like a formula have an apostrophe in front.
    """
    rows = [
        (
            *map(_text, figure_of),
            *map(_cell, (f.value, f.low, f.high)),
            f.count,
            _cell(f.deviation),
        )
        for figure_of, f in _ordered(evaluation)
    ]
    heads = ("method", "metric", "value", "low", "high", "count", "deviation")
    return _csv(heads, rows)


def by_picture_csv(evaluation: Evaluation) -> str:
    """`per_picture.csv`: a row for each method and picture, a column a metric."""
    names = list(evaluation.by_picture)
    rows = []
    for method in evaluation.methods:
        columns = [evaluation.by_picture[name].get(method) for name in names]
        for i, stem in enumerate(evaluation.stems):
            values = ("" if c is None else _cell(c[i]) for c in columns)
            rows.append((_text(method), _text(stem), *values))
    return _csv(("method", "picture", *map(_text, names)), rows)


def page(evaluation: Evaluation) -> str:
    """`report.html`, which needs no other file and no network."""
    sections = {}
    for metric in evaluation.metrics:
        sections.setdefault(metric.section, []).append(metric)
    titles = {metric.name: metric.title for metric in evaluation.metrics}
    charts = (histograms(titles[n], x) for n, x in evaluation.by_picture.items())
    pictures = counted(len(evaluation.stems), "picture")
    return render(
        "evaluation.html",
        title=evaluation.title,
        summary=f"{pictures}: {', '.join(evaluation.methods)}",
        evaluation=evaluation,
        sections=sections,
        plane=_plane(evaluation, titles),
        grid=list(_grid(evaluation)),
        extremes=list(_extremes(evaluation)),
        charts=[chart for chart in charts if chart],
        short=_short,
    )


def _short(value):
    """Three significant digits for the page."""
    if math.isnan(value):
        return "\N{EN DASH}"
    if math.isinf(value):
        return "\N{INFINITY}"
    # Zeros at the end, too: 0.60 beside 0.59 is not less exact.
    return shown_number(value) if abs(value) >= 99.95 else f"{value:#.3g}"


def _plane(evaluation, titles):
    if evaluation.plane is None:
        return None
    points = {
        method: [evaluation.figures[method, name] for name in evaluation.plane]
        for method in evaluation.methods
        if all((method, name) in evaluation.figures for name in evaluation.plane)
    }
    if len(points) < 2:
        return None
    reference, strangers = None, evaluation.reference
    if strangers:
        values = [evaluation.figures[method, strangers].value for method in points]
        reference = titles[strangers], float(np.mean(values))
    return plane(*(titles[name] for name in evaluation.plane), points, reference)


def _grid(evaluation):
    """Rows of a stem and its pictures, each a data URI and a description."""
    for i in spaced(range(len(evaluation.stems)), _ROWS_SHOWN):
        stem, cells = evaluation.stems[i], []
        for column in evaluation.columns:
            picture = shrink(evaluation.image(column, i), _GRID_SIDE)
            cells.append((data_uri(picture, quality=88), f"{stem}, {column}"))
        yield stem, cells


def _extremes(evaluation):
    """Metric's title, method, and its best and worst pictures beside their photos."""
    photos, *_ = evaluation.methods
    # The same picture may be best by several metrics.
    pair = functools.cache(functools.partial(_pair, evaluation))
    for metric in evaluation.metrics:
        for method, values in evaluation.by_picture.get(metric.name, {}).items():
            if metric.better and method != photos:
                signed = values if metric.better == "lower" else -values
                order = np.argsort(signed, kind="stable")
                order = [int(i) for i in order if not math.isnan(values[i])]
                number = min(_EXTREMES, len(order) // 2)
                chosen = [("best", i) for i in order[:number]]
                chosen += [("worst", i) for i in order[len(order) - number :]]
                shown = [
                    (word, values[i], evaluation.stems[i], pair(method, i))
                    for word, i in chosen
                ]
                yield metric.title, method, shown


def _pair(evaluation, method, i):
    """Photo and picture side by side, their top squares."""
    columns = (evaluation.columns[0], method)
    squares = (cut_out(evaluation.image(c, i), TOP_SQUARE) for c in columns)
    return data_uri(np.hstack([resize(x, _PAIR_SIDE, _PAIR_SIDE) for x in squares]))


def _ordered(evaluation):
    """Figures by method, then by metric."""
    for method in evaluation.methods:
        for metric in evaluation.metrics:
            figure = evaluation.figures.get((method, metric.name))
            if figure is not None:
                yield (method, metric.name), figure


def _number(value):
    return value if math.isfinite(value) else None


def _cell(value):
    """As JSON has it, but `inf` where it is infinite and nothing where it is NaN."""
    return "" if math.isnan(value) else repr(float(value))


def _text(value):
    """A text as a cell of one line that no spreadsheet takes for a formula."""
    value = re.sub("[\x00-\x1f\x7f]", lambda match: ascii(match[0])[1:-1], value)
    return f"'{value}" if value.startswith(_FORMULA) else value


def _csv(heads, rows):
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows(rows)
    return file.getvalue()
