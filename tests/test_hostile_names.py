"""Names of files, methods and people: on pages and in tables they stay names."""

import csv
import io
import json

import numpy as np
import pytest
from pages import Page

from animegan_tf.config import HealthConfig
from animegan_tf.data.manifest import Record
from animegan_tf.data.report import write_report as write_data_report
from animegan_tf.evaluation.figures import Collector, Metric
from animegan_tf.evaluation.intervals import mean
from animegan_tf.evaluation.report import as_csv, as_json, by_picture_csv, page
from animegan_tf.study.make import script_json
from animegan_tf.study.page import render_page
from animegan_tf.training.health import watch as health
from animegan_tf.training.health.page import write_health_page
from animegan_tf.training.health.watch import Watch

pytestmark = pytest.mark.charts
EVIL = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</title></style></svg><script>alert(1)</script>",
    "&lt;b&gt; <!-- ${7*7} {{7*7}}",
    "javascript:alert(1)",
    "\x00\x1b[31m\u202egnp.exe \udce9",
)
FORMULAS = ("=1+1", "+1", "-1+cmd|' /C calc'!A0", "@SUM(1)", "\t=1", "\r=1", "\n=1")


def check(html):
    """That it is a page of ours: no script, no handler, tags that balance."""
    html.encode()
    parsed = Page(html)
    for _, attributes in parsed.elements:
        assert not [name for name in attributes if name.startswith("on")]
    return parsed


def evaluation(names):
    collector = Collector(seed=1, resamples=20)
    values = {name: np.arange(2.0) + i for i, name in enumerate(names)}
    for key in names[:2]:
        metric = Metric(key, names[-1], names[0], "lower", names[1])
        collector.add(metric, lambda x, rng: mean(x, rng, 20), values)
    collector.by_picture[names[0]] = values
    collector.left_out[names[0]] = names[1]
    collector.warnings += names
    return collector.evaluation(
        title=names[0],
        methods=tuple(names),
        stems=(names[1], names[2]),
        columns=tuple(names),
        image=lambda column, i: np.zeros((20, 20, 3), np.uint8),
        facts={name: name for name in names},
        plane=tuple(names[:2]),
        reference=names[0],
    )


def test_an_evaluation_of_methods_with_evil_names_is_a_page_of_text():
    parsed = check(page(evaluation(EVIL)))
    for name in EVIL[:-1]:
        assert name in parsed.text
    json.loads(as_json(evaluation(EVIL)))


def test_a_report_of_pictures_with_evil_names_is_a_page_of_text(tmp_path):
    records = [
        Record(name, "0" * 64, decision, name, name, f"{name}.png", name)
        for name in EVIL
        for decision in ("kept", "dropped")
    ]
    settings = dict.fromkeys(EVIL, EVIL[0])
    write_data_report(
        tmp_path, tmp_path, tmp_path, records, settings, EVIL[0], others=EVIL
    )
    check((tmp_path / "report.html").read_text())


def test_a_health_page_of_evil_events_is_a_page_of_text(tmp_path):
    watch = Watch(HealthConfig())
    event = {"epoch": 1, "step": 1, "seen": 1, "failure": health.COLLAPSE}
    watch.events = [event | {"tail": n, "message": n, "until": n} for n in EVIL]
    write_health_page(watch, tmp_path / "health.html", EVIL[0])
    check((tmp_path / "health.html").read_text())


def test_a_study_of_evil_texts_runs_its_own_script_alone():
    data = {"pictures": [EVIL[0]], "id": EVIL[3], "questions": [], "sheets": []}
    for name in EVIL[:-1]:
        html = render_page(
            script_json(data),
            dict.fromkeys(("title", "question", "intro", "send_to"), name),
            5,
            1,
        )
        assert html.count("<script") == html.count("</script>") == 2
        assert "<img src=x" not in html and "onmouseover='" not in html


@pytest.mark.parametrize("event", [None, {"failure": "<b>"}, {"seen": "<b>"}])
def test_events_of_a_checkpoint_that_no_run_had_are_refused(event):
    watch = Watch(HealthConfig())
    right = {"epoch": 1, "step": 1, "seen": 1, "failure": health.COLLAPSE}
    right |= {"tail": "main", "message": "of some kind"}
    state = watch.get_state()
    watch.set_state(state | {"events": [right]})
    with pytest.raises((ValueError, TypeError, LookupError)):
        watch.set_state(state | {"events": [event and right | event]})


def test_no_cell_of_a_table_is_a_formula():
    for text in (as_csv(evaluation(FORMULAS)), by_picture_csv(evaluation(FORMULAS))):
        rows = list(csv.reader(io.StringIO(text)))
        assert len({len(row) for row in rows}) == 1
        for cell in sum(rows, []):
            try:
                float(cell or 0)
            except ValueError:
                assert not cell.startswith(tuple("=+-@\t\r\n"))
        shown = [row[0].removeprefix("'") for row in rows[1:]]
        assert set(shown) == {*FORMULAS[:4], "\\t=1", "\\r=1", "\\n=1"}
    numbers = evaluation(("a", "b", "c"))
    numbers.by_picture["a"]["a"][0] = -1.5
    assert "\na,b,-1.5\n" in by_picture_csv(numbers)
