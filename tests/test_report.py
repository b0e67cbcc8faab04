"""The report of a preparation: right numbers, safe and self-contained HTML."""

import base64
import json
import re
from io import BytesIO

import numpy as np
import pytest
from pages import CHART, Page
from PIL import Image

from animegan_tf.data import report
from animegan_tf.data.manifest import Record
from animegan_tf.data.report import HINTS, write_report
from animegan_tf.data.summary import Quantity, bin_edges
from animegan_tf.errors import InputError
from animegan_tf.imaging.codec import write_image

REASONS = (
    "no face",
    "face too small",
    "too blurred",
    "too dark",
    "too bright",
    "near-duplicate",
    "too small",
    "monochrome",
    "text",
    "undecodable",
)
SETTINGS = {
    "min_face": 30,
    "min_sharpness": 40.0,
    "min_brightness": 50,
    "max_brightness": None,
    "size": 64,
}
EVIL = '<b>&"x.png'


def small_run(folder):
    """Arguments of a run: eight kept faces, and a drop or two for each reason."""
    source, dataset = folder / "source", folder / "dataset"
    (dataset / "train_photo").mkdir(parents=True)
    (dataset / "val").mkdir()
    source.mkdir()
    rng = np.random.default_rng(0)
    records = []
    for number in range(8):
        folder = "val" if number == 0 else "train_photo"
        image = rng.integers(0, 255, (64, 64, 3), np.uint8)
        write_image(dataset / folder / f"kept{number}.png", image)
        kept = {"decision": "kept", "folder": folder, "name": f"kept{number}.png"}
        records.append(_record(f"kept{number}.png", number, **kept))
    write_image(source / "kept0.png", image)
    second = {"reason": "face too small", "face": 2, "box": (1.0, 1.0, 8.0, 9.0)}
    records.append(_record("kept0.png", 0, **second))
    for i, reason in enumerate(REASONS):
        name = EVIL if i == 0 else f"dropped{i}.png"
        write_image(source / name, np.full((50, 80, 3), 20 * i, np.uint8))
        records.append(_record(name, i, reason=reason, detail=f"<i>{i}</i> & more"))
    (source / "dropped9.png").write_bytes(b"no picture")
    return {
        "run_folder": dataset / "prepare" / "photos",
        "dataset": dataset,
        "source": source,
        "records": records,
        "settings": SETTINGS,
        "title": "Photos & faces",
        "others": ("notes.txt", "<script>alert(1)</script>.txt"),
    }


@pytest.fixture(autouse=True, scope="module")
def drawn():
    """What charts are asked to show."""
    asked = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            report,
            "stacked_histogram",
            lambda **options: asked.append(options) or CHART,
        )
        yield asked


@pytest.fixture
def prepared(tmp_path):
    return small_run(tmp_path)


@pytest.fixture(scope="module")
def plain(tmp_path_factory, drawn):
    """Arguments, summary, page and charts of such a run."""
    arguments = small_run(tmp_path_factory.mktemp("run"))
    summary, html = _written(arguments)
    return arguments, summary, Page(html), drawn[-4:]


def _record(source, number, decision="dropped", **values):
    measured = {
        "width": 80 + number,
        "height": 50 + number,
        "brightness": 30.0 + 20 * number,
        "sharpness": 10.0 * 2**number,
        "face": 1,
        "confidence": 0.9 + 0.01 * number,
        "box": (20.0, 10.0, 20.0, 25.0 + number),
    }
    if values.get("reason") == "undecodable":
        measured = {}
    return Record(source, "0" * 64, decision, **{**measured, **values})


def _written(arguments):
    write_report(**arguments)
    folder = arguments["run_folder"]
    return (
        json.loads((folder / "report.json").read_text("utf-8")),
        (folder / "report.html").read_text("utf-8"),
    )


# Numbers


def test_counts_add_up(plain):
    counts = plain[1]["counts"]
    assert counts["records"] == 19 == counts["kept"] + counts["dropped"]
    assert counts["sources"] == 18 and counts["others"] == 2
    assert counts["kept_by_folder"] == {"train_photo": 7, "val": 1}
    once = dict.fromkeys(REASONS, 1)
    assert counts["dropped_by_reason"] == once | {"face too small": 2}


def test_statistics_are_numpys(plain):
    arguments, summary, *_ = plain
    values = [r.sharpness for r in arguments["records"] if r.sharpness is not None]
    statistics = summary["statistics"]["sharpness"]
    assert statistics["count"] == len(values) == 18
    expected = np.percentile(values, [0, 5, 25, 50, 75, 95, 100])
    names = ["min", "p5", "p25", "median", "p75", "p95", "max"]
    np.testing.assert_allclose([statistics[n] for n in names], expected, atol=1e-4)


def test_histograms_hold_every_value_where_it_belongs(plain):
    arguments, summary, *_ = plain
    histograms = summary["histograms"]
    assert len(histograms) == 7
    for name, histogram in histograms.items():
        counts = histogram["kept"] + histogram["dropped"]
        assert sum(counts) == summary["statistics"][name]["count"] > 0
    edges = histograms["brightness"]["edges"]
    assert edges[0] == 0 and edges[-1] >= 255 and np.ptp(np.diff(edges)) == 0
    kept = [r.brightness for r in arguments["records"] if r.decision == "kept"]
    expected = np.bincount(np.int64(kept) // int(edges[1]), minlength=len(edges) - 1)
    assert histograms["brightness"]["kept"] == expected.tolist()
    assert 40.0 in histograms["sharpness"]["edges"]  # the threshold
    # A source with two faces counts once, and as kept.
    sources = histograms["source_short_side"]
    assert (sum(sources["kept"]), sum(sources["dropped"])) == (8, 9)
    assert sum(histograms["face_height"]["dropped"]) == 10


def test_flat_pictures_fit_on_the_logarithmic_axis(prepared):
    prepared["records"] = [
        _record("flat.png", 0, reason="too blurred", sharpness=value)
        for value in (0.0, 0.2, 5000.0)
    ]
    histogram = _written(prepared)[0]["histograms"]["sharpness"]
    assert histogram["edges"][0] <= 1 and histogram["edges"][-1] > 5000
    assert histogram["dropped"][0] == 2 and histogram["dropped"][-1] == 1


@pytest.mark.parametrize("value", [1.0, 10.0, 299.99, 300.0, 300.01, 1e5])
def test_linear_axes_reach_any_value_in_at_most_thirty_bins(value):
    edges = bin_edges([value], [], Quantity("x", None))
    assert edges[0] == 0 and edges[-1] >= value and len(edges) <= 31


# The page


def test_the_page_has_its_parts_in_order_and_all_pictures(plain):
    page = plain[2]  # which refuses what lies outside of the page
    assert page.all("html") == [{"lang": "en"}]
    assert page.texts.count("Photos & faces") == 2  # title and heading
    assert "18 sources: 8 pictures kept, 11 dropped" in page.text
    parts = (
        "What became of the pictures",
        "Settings",
        "Brightness",
        "Sharpness",
        "Size of the sources",
        "Size of the faces",
        "Kept pictures",
        "Dropped pictures",
        "Files that are no pictures: 2",
        "Pictures that cannot be decoded: 1",
    )
    places = [page.texts.index(part) for part in parts]
    assert places == sorted(places)
    assert len(page.photos) == 8 + 10
    assert all(p["alt"] for p in page.all("img"))
    assert {head["scope"] for head in page.all("th")} == {"row", "col"}
    broken = " ".join(page.texts[places[-1] :])
    assert "dropped9.png: <i>9</i> & more" in broken


def test_names_and_texts_are_escaped(prepared):
    prepared["settings"] = SETTINGS | {"<u>": "<s>&"}
    html = _written(prepared)[1]
    page = Page(html)
    for tag in ("i", "script", "s", "u"):
        assert not page.all(tag)
    for text in (EVIL, "<i>3</i> & more", "<script>alert(1)</script>.txt", "<s>&"):
        assert text in page.texts
    assert f"source {EVIL}" in [picture["alt"] for picture in page.all("img")]


def test_names_that_no_page_may_contain_are_spelled_out(prepared):
    prepared["others"] = ("caf\udce9.txt", "line\nbreak", "evil\u202egnp.exe")
    summary, html = _written(prepared)
    for text in ("caf\\udce9.txt", "line\\nbreak", "evil\\u202egnp.exe"):
        assert text in Page(html).texts
    assert set(summary["others"]) == set(prepared["others"])


def test_every_reason_has_a_row_a_hint_and_a_sheet(plain):
    page = plain[2]
    for reason in REASONS:
        assert page.texts.index(reason) < page.texts.index("Settings")
        assert reason.capitalize() in page.texts
        assert HINTS[reason]
    assert re.search(r"face too small 2 10.5 % Lower --min-face ?, or find", page.text)


def test_unknown_reasons_are_shown_without_a_hint(prepared):
    prepared["records"].append(_record("dropped1.png", 1, reason="upside down"))
    assert "upside down 1 5.0 % All 20" in Page(_written(prepared)[1]).text


def test_charts_are_of_what_was_measured_with_the_thresholds_that_are_set(plain):
    charts = plain[3]
    assert [chart["thresholds"] for chart in charts] == [
        {"min_brightness": 50},
        {"min_sharpness": 40.0},
        {},
        {"min_face": 30},
    ]
    assert [chart["noun"] for chart in charts].index("sources") == 2
    assert [chart["log"] for chart in charts].index(True) == 1


def test_undecodable_and_missing_pictures_get_a_placeholder(prepared):
    page = Page(_written(prepared)[1])
    assert page.texts.count("cannot be read") == 1
    (prepared["dataset"] / "val" / "kept0.png").unlink()
    page = Page(_written(prepared)[1])
    assert page.texts.count("cannot be read") == 2
    assert len(page.photos) == 8 + 10 - 1


def test_dropped_pictures_are_shown_small_with_their_face_framed(prepared):
    path = prepared["source"] / "big.png"
    write_image(path, np.full((300, 512, 3), 128, np.uint8))
    box = (128.0, 64.0, 96.0, 128.0)
    prepared["records"] = [_record("big.png", 0, reason="too dark", box=box)]
    [picture] = Page(_written(prepared)[1]).photos
    content = base64.b64decode(picture["src"].split(",")[1])
    image = np.asarray(Image.open(BytesIO(content)).convert("L")).astype(int)
    assert image.shape == (75, 128)
    # A quarter of the size: the frame runs through x = 32 and 56, y = 16 and 48.
    for y, x in ((32, 32), (32, 56), (16, 44), (48, 44)):
        assert np.ptp(image[y - 3 : y + 4, x - 3 : x + 4]) > 100
    assert np.ptp(image[26:38, 42:46]) < 20 and np.ptp(image[:, 70:]) < 20


def test_large_runs_show_an_even_sample_and_every_reason(prepared):
    prepared["records"] = (
        [Record(f"k{i:03}", "", "kept", name=f"k{i:03}") for i in range(600)]
        + [Record(f"b{i:03}", "", "dropped", "too blurred") for i in range(300)]
        + [Record(f"d{i}", "", "dropped", "near-duplicate") for i in range(3)]
    )
    page = Page(_written(prepared)[1])
    assert [t for t in page.texts if re.fullmatch(r"k\d+", t)] == [
        f"k{i:03}" for i in range(0, 600, 10)
    ]
    for text in ("60 of 600 shown", "117 of 300 shown", "3 of 3 shown"):
        assert text in page.texts


def test_long_lists_of_files_are_cut_and_say_so(prepared):
    prepared["others"] = [f"file{i}.txt" for i in range(700)]
    summary, html = _written(prepared)
    page = Page(html)
    assert sum(text.startswith("file") for text in page.texts) == 500
    assert "500 of 700 listed; report.json has all." in page.texts
    assert len(summary["others"]) == 700


# Runs without pictures


@pytest.mark.parametrize("kept", [True, False])
def test_runs_that_kept_or_dropped_nothing(prepared, kept):
    decision = "kept" if kept else "dropped"
    prepared["records"] = [r for r in prepared["records"] if r.decision == decision]
    summary, html = _written(prepared)
    assert summary["counts"]["dropped" if kept else "kept"] == 0
    assert "None." in Page(html).texts


def test_runs_without_any_record(prepared):
    prepared |= {"records": [], "settings": {}, "others": ()}
    summary, html = _written(prepared)
    page = Page(html)
    assert "0 sources: 0 pictures kept, 0 dropped" in page.text
    assert "Nothing was measured." in page.texts and "None." in page.texts
    assert set(summary["statistics"].values()) == {None}


def test_anime_runs_have_no_chart_of_faces(prepared):
    prepared["records"] = [
        _record("a.png", 1, reason="text", face=None, confidence=None, box=None)
    ]
    summary, html = _written(prepared)
    assert summary["histograms"]["face_height"] is None
    assert "Size of the faces" not in html and "Size of the sources" in html


# Files


def test_equal_input_gives_equal_bytes_in_any_order(prepared, tmp_path):
    write_report(**prepared)
    other = prepared | {
        "run_folder": tmp_path / "other",
        "records": prepared["records"][::-1],
        "settings": dict(reversed(SETTINGS.items())),
        "others": prepared["others"][::-1],
    }
    write_report(**other)
    for name in ("report.json", "report.html"):
        first = (prepared["run_folder"] / name).read_bytes()
        assert first == (tmp_path / "other" / name).read_bytes()
        assert str(tmp_path).encode() not in first


def test_only_the_two_reports_are_left_and_old_ones_replaced(prepared):
    _written(prepared)
    prepared["records"] = []
    summary, _ = _written(prepared)
    assert summary["counts"]["records"] == 0
    files = sorted(path.name for path in prepared["run_folder"].iterdir())
    assert files == ["report.html", "report.json"]


def test_interrupted_writing_leaves_the_old_report(prepared, monkeypatch):
    _written(prepared)
    folder = prepared["run_folder"]
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(InputError, match="No space left"):
        write_report(**prepared | {"records": []})
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
