"""The report of an evaluation: files that agree, and a page that holds everything."""

import csv
import dataclasses
import io
import json
import math

import numpy as np
import pytest
from pages import CHART, Page

from animegan_tf.errors import InputError
from animegan_tf.evaluation import report
from animegan_tf.evaluation.figures import Collector, Metric
from animegan_tf.evaluation.intervals import Estimate, mean, share
from animegan_tf.evaluation.report import check_output, write_report
from animegan_tf.page.html import spaced

STEMS = tuple(f"<{i}>_portrait" for i in range(9))
METHODS = ("the photos", "flat & <clean>", "other")
NAMES = ["report.json", "report.csv", "per_picture.csv", "report.html"]


def image(column, i):
    """A tall picture whose level tells the column and the number."""
    level = 20 * i + 60 * METHODS.index(column)
    return np.full((30, 20, 3), level % 256, np.uint8)


@pytest.fixture
def evaluation():
    rng = np.random.default_rng(0)
    collector = Collector(seed=1, resamples=40)
    collector.add(
        Metric("set/distance", "Distance", "Sets", "lower", "100 subsets"),
        lambda value, _: Estimate(value, value - 1, value + 1, 9, 0.25),
        dict(zip(METHODS, (10.5, 2.25, 4.0))),
    )
    values = {name: rng.uniform(0.1, 0.9, 9) for name in METHODS}
    values["other"][:] = np.arange(9) / 10
    collector.add_means(Metric("p/drawn", "P(drawing)", "Sets", "higher"), values)
    known = {name: rng.uniform(0.3, 0.9, 9) for name in METHODS}
    known["other"][4] = np.nan
    collector.add_means(Metric("id/own", "Own", "Person", "higher"), known)
    psnr = {name: rng.uniform(15, 30, 9) for name in METHODS}
    psnr["the photos"][:] = np.inf
    collector.add_means(Metric("pixels/psnr", "PSNR", "Content", "higher"), psnr)
    collector.left_out["LPIPS"] = "no weights given (--lpips)"
    collector.warn("Too few <pictures>.")
    return collector.evaluation(
        title="Title & more",
        methods=METHODS,
        stems=STEMS,
        columns=METHODS,
        image=image,
        facts={"Network": "SHA-256 0123", "Seed": "1"},
        plane=("id/own", "p/drawn"),
        reference="p/drawn",
    )


@pytest.fixture(autouse=True)
def drawn(monkeypatch):
    """What charts are asked to show, by function."""
    asked = {}
    for name in ("histograms", "plane"):
        asked[name] = calls = []
        monkeypatch.setattr(
            report, name, lambda *values, calls=calls: calls.append(values) or CHART
        )
    return asked


@pytest.fixture
def written(evaluation, tmp_path):
    """Contents of the four files by name."""
    paths = write_report(evaluation, tmp_path / "new" / "report")
    assert [path.name for path in paths] == NAMES
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == ["report"]
    return {path.name: path.read_text() for path in paths}


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_json_csv_and_page_say_the_same(evaluation, written):
    data = json.loads(written["report.json"])
    rows = rows_of(written["report.csv"])
    assert len(data["figures"]) == len(rows) == len(evaluation.figures) == 12
    page = Page(written["report.html"])
    for figure, row in zip(data["figures"], rows):
        known = evaluation.figures[figure["method"], figure["metric"]]
        assert (row["method"], row["metric"]) == (figure["method"], figure["metric"])
        assert figure["count"] == int(row["count"]) == known.count
        for name in ("value", "low", "high", "deviation"):
            number = getattr(known, name)
            if math.isnan(number):
                assert figure[name] is None and row[name] == ""
            elif math.isinf(number):
                assert figure[name] is None and row[name] == "inf"
            else:
                assert figure[name] == float(row[name]) == number
        value = known.value
        shown = "∞" if math.isinf(value) else f"{value:#.3g}"
        assert shown in page.texts, figure
    assert data["not_computed"] == evaluation.left_out
    assert data["warnings"] == list(evaluation.warnings)
    assert data["facts"] == evaluation.facts
    assert [m["name"] for m in data["metrics"]] == [m.name for m in evaluation.metrics]
    for text in ("Too few <pictures>.", "no weights given (--lpips)", "SHA-256 0123"):
        assert text in page.texts


def test_means_are_those_of_the_pictures(evaluation, written):
    rows = rows_of(written["per_picture.csv"])
    assert len(rows) == 3 * 9
    for method in METHODS:
        mine = [row for row in rows if row["method"] == method]
        assert tuple(row["picture"] for row in mine) == STEMS
        for name in ("p/drawn", "id/own", "pixels/psnr"):
            values = [float(row[name]) for row in mine if row[name]]
            figure = evaluation.figures[method, name]
            assert len(values) == figure.count
            assert np.mean(values) == pytest.approx(figure.value)
    assert evaluation.figures["other", "id/own"].count == 8
    assert "of 8" in Page(written["report.html"]).texts


def test_a_figure_has_its_interval_and_deviation(written):
    text = Page(written["report.html"]).text
    assert (
        "Distance lower is better; 100 subsets 10.5 9.50 to 11.5 deviation 0.250"
        in (text)
    )
    assert "2.25 1.25 to 3.25 deviation 0.250" in text


def test_best_and_worst_are_in_order_and_never_the_photos(evaluation, written):
    html = written["report.html"].split("Best and worst")[1].split("How the pict")[0]
    assert html.count("<b>best</b>") == html.count("<b>worst</b>") == 3 * 2 * 2
    drawn = html.split("Own</h3>")[0].split("other</p>")[1]
    order = [drawn.index(f"</b> {x}") for x in ("0.800", "0.700", "0.100", "0.00")]
    assert order == sorted(order)
    assert "the photos</p>" not in html
    # Nothing known of a picture is neither good nor bad.
    assert "nan" not in html


def test_the_grid_shows_all_columns_evenly(evaluation, written):
    page = Page(written["report.html"])
    shown = [p["alt"] for p in page.photos if ": photo" not in p["alt"]]
    assert shown == [f"{stem}, {name}" for stem in STEMS for name in METHODS]
    many = dataclasses.replace(
        evaluation, stems=STEMS * 5, image=lambda c, i: image(c, 0)
    )
    many = dataclasses.replace(many, by_picture={}, metrics=(), plane=None)
    assert len(Page(report.page(many)).all("img")) == 12 * 3


def test_charts_are_of_all_methods_and_pictures(evaluation, drawn):
    report.page(evaluation)
    titles, by_method = zip(*drawn["histograms"])
    assert titles == ("P(drawing)", "Own", "PSNR")
    assert by_method[1] is evaluation.by_picture["id/own"]
    [(across, up, points, (strangers, _))] = drawn["plane"]
    assert (across, up, strangers) == ("Own", "P(drawing)", "P(drawing)")
    assert tuple(points) == METHODS
    figures = [evaluation.figures["other", name] for name in ("id/own", "p/drawn")]
    assert points["other"] == figures


def test_equal_evaluations_give_equal_bytes(evaluation, written, tmp_path):
    write_report(evaluation, tmp_path / "again")
    for name, text in written.items():
        assert (tmp_path / "again" / name).read_text() == text


def test_a_metric_draws_from_a_generator_of_its_own():
    values = {"a": np.arange(9.0), "b": np.arange(9.0)}
    alone, beside = Collector(0, 50), Collector(0, 50)
    beside.add_means(Metric("first", "", ""), values)
    for collector in (alone, beside):
        collector.add_means(Metric("second", "", ""), values)
    assert alone.figures["a", "second"][:4] == beside.figures["a", "second"][:4]
    assert alone.figures["a", "second"][:4] == alone.figures["b", "second"][:4]
    assert Collector(1, 50).figures == {}
    other = Collector(1, 50)
    other.add_means(Metric("second", "", ""), values)
    assert other.figures["a", "second"][1:3] != alone.figures["a", "second"][1:3]


# Where a report goes.


def test_a_folder_that_is_there_is_replaced_on_request_only(evaluation, tmp_path):
    folder = tmp_path / "report"
    write_report(evaluation, folder)
    (folder / "report.csv").write_text("old")
    with pytest.raises(InputError, match="report: .* --overwrite"):
        write_report(evaluation, folder)
    assert (folder / "report.csv").read_text() == "old"
    write_report(evaluation, folder, overwrite=True)
    assert (folder / "report.csv").read_text() != "old"
    assert sorted(p.name for p in folder.iterdir()) == sorted(NAMES)
    assert [p.name for p in tmp_path.iterdir()] == ["report"]


def test_what_is_no_report_is_never_replaced(evaluation, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="nothing but an older report.*thesis.txt"):
        check_output(folder, overwrite=True)
    with pytest.raises(InputError, match="thesis.txt"):
        write_report(evaluation, folder, overwrite=True)
    assert (folder / "thesis.txt").read_text() == "years of work"
    with pytest.raises(InputError, match="thesis.txt"):
        check_output(folder / "thesis.txt", overwrite=True)
    check_output(tmp_path / "new")


def test_a_failure_leaves_nothing_that_looks_like_a_report(
    evaluation, tmp_path, monkeypatch
):
    def full(path, data):
        if path.name == "report.html":
            raise InputError("disk full")
        path.write_bytes(data)

    monkeypatch.setattr(report, "write_atomic", full)
    with pytest.raises(InputError, match="disk full"):
        write_report(evaluation, tmp_path / "report")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_named(evaluation, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file"):
        write_report(evaluation, tmp_path / "file" / "report")


# What all reports share.


def test_spaced_items_are_spread_and_start_with_the_first():
    assert spaced(range(10), 5) == [0, 2, 4, 6, 8]
    assert spaced("abc", 7) == ["a", "b", "c"]
    assert spaced([], 3) == []


def test_figures_are_those_of_the_estimate():
    collector = Collector(3, 30)
    flags = {"a": np.arange(9) > 5}
    collector.add(Metric("share", "", ""), lambda f, rng: share(f), flags)
    assert collector.figures["a", "share"][:4] == share(flags["a"])[:4]
    collector.add_means(Metric("mean", "", ""), {"a": np.arange(9.0)})
    expected = mean(np.arange(9.0), np.random.default_rng([3, *b"mean"]), 30)
    assert collector.figures["a", "mean"][:4] == expected[:4]
