"""`tools/evaluate.py` as people call it: what it writes, says and refuses."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from stand_ins import Grid

from animegan_tf.evaluation import evaluate
from animegan_tf.files import make_folder
from animegan_tf.imaging.codec import read_image, write_image
from animegan_tf.models import build_generator
from animegan_tf.samples import draw_anime, draw_photo, random_portrait

FILES = ["per_picture.csv", "report.csv", "report.html", "report.json"]
QUICK = "--size 161 --bootstrap 20".split()
PHOTOS = "--photos photos --anime anime"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for i in range(4):
        drawings = {
            "photos": draw_photo(random_portrait(i), 40),
            "painted": draw_anime(random_portrait(i), 40),
            "anime": draw_anime(random_portrait(9 + i), 40),
        }
        for name, image in drawings.items():
            (folder / name).mkdir(exist_ok=True)
            write_image(folder / name / f"{i}.png", image)
    build_generator(4, memory=8).save(folder / "tiny.keras")
    return folder


@pytest.fixture
def call(pictures, tmp_path, monkeypatch, run_here):
    """Runs the tool in a copy of the pictures; gives status, stdout and stderr."""
    folder = tmp_path / "work"
    shutil.copytree(pictures, folder)
    (folder / "empty").mkdir()
    monkeypatch.chdir(folder)
    return lambda line: run_here("evaluate.py", *line.split(), *QUICK)


def test_folders_and_models_stand_side_by_side(call):
    line = f"{PHOTOS} --stylized painted --model tiny.keras --cartoon --work kept"
    status, out, err = call(f"{line} --output new/report")
    assert status == 0, err
    assert sorted(p.name for p in Path("new/report").iterdir()) == FILES
    assert [Path(path).name for path in out.split()] == [
        *("report.json", "report.csv", "per_picture.csv", "report.html")
    ]
    assert err.count("not computed: ") == 5 and "--inception" in err
    report = json.loads(Path("new/report/report.json").read_text())
    assert report["methods"] == ["the photos", "painted", "cartoon filter", "tiny"]
    expected = f"evaluate.py {line} --output new/report --size 161"
    assert expected in report["facts"]["Command"]
    assert len(report["not_computed"]) == 5
    assert "tiny.keras, SHA-256" in report["facts"]["Painter of tiny"]
    with open("new/report/report.csv") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(report["figures"]) == 4 * 7
    painted = read_image("kept/tiny/0.png")
    assert painted.shape == (40, 40, 3)
    assert np.abs(painted.astype(int) - read_image("photos/0.png")).mean() > 5


def test_painted_pictures_are_not_kept_unless_asked_for(call):
    before = sorted(Path().iterdir())
    status, _, err = call(f"{PHOTOS} --model a=tiny.keras --output report")
    assert status == 0, err
    assert sorted(Path().iterdir()) == sorted([*before, Path("report")])


def test_drawn_portraits_need_no_data(call):
    status, _, err = call("--sample --portraits 2 --model tiny.keras --output report")
    assert status == 0, err
    report = json.loads(Path("report/report.json").read_text())
    assert report["methods"] == ["the photos", "cartoon filter", "tiny"]
    names = [metric["name"] for metric in report["metrics"]]
    assert names[-3:] == ["drift/hair", "drift/eye", "drift/skin"]


def test_a_report_is_replaced_on_request(call):
    line = f"{PHOTOS} --stylized painted --output report"
    assert call(line)[0] == 0
    before = Path("report/report.json").stat().st_mtime_ns
    status, _, err = call(line)
    assert status == 2 and "--overwrite" in err
    assert Path("report/report.json").stat().st_mtime_ns == before
    assert call(f"{line} --overwrite")[0] == 0
    assert Path("report/report.json").stat().st_mtime_ns > before


NAN = f"{PHOTOS} --stylized painted --inception nan.npz"


@pytest.mark.parametrize(
    "line, named",
    [
        ("--photos empty --anime anime --stylized painted", ["empty", "one picture"]),
        ("--photos photos --anime empty --stylized painted", ["empty", "one picture"]),
        (f"{PHOTOS} --stylized empty", ["empty", "one picture"]),
        (f"{PHOTOS} --stylized nowhere", ["nowhere"]),
        (f"{PHOTOS} --stylized fewer", ["fewer", "1 in one of the two", "3"]),
        (f"{PHOTOS} --stylized broken", ["broken/2.png"]),
        (f"{PHOTOS} --stylized wide", ["wide/1.png", "40 x 40", "received 60 x 40"]),
        (f"{PHOTOS} --stylized painted --kid-subset-size 5", ["--kid-subset-size"]),
        (f"{PHOTOS} --stylized painted --inception drawing.txt", ["drawing.txt"]),
        (f"{PHOTOS} --stylized painted --drawing other.npz", ["other.npz", "drawing"]),
        (f"{PHOTOS} --stylized painted --lpips other.npz", ["other.npz", "VGG16"]),
        (f"{PHOTOS} --stylized painted --identity other.npz", ["other.npz", "LiteRT"]),
        (
            f"{PHOTOS} --stylized painted --networks empty",
            ["empty", "tools/prepare.py"],
        ),
        (
            f"{PHOTOS} --model old=tiny.keras --work kept",
            ["kept/old", "1 of other names: 9.jpg"],
        ),
        (f"{PHOTOS} --stylized wide --model tiny.keras", ["wide/1.png", "60 x 40"]),
        ("--sample --networks empty", ["--networks", "--sample"]),
        (NAN, ["0.png", "NaN"]),
        (f"{PHOTOS} --model other.npz", ["other.npz"]),
        (f"{PHOTOS} --stylized painted --stylized x/painted", ["painted", "NAME="]),
        (f"{PHOTOS} --stylized painted --output empty", ["empty", "--overwrite"]),
        (f"{PHOTOS} --stylized painted --output tiny.keras", ["tiny.keras"]),
        (PHOTOS, ["--stylized, --model or --cartoon"]),
        ("--photos photos --stylized painted", ["--anime"]),
        ("--anime anime --stylized painted", ["--photos"]),
        ("--sample --photos photos", ["--photos", "--sample"]),
        ("--sample --portraits 0", ["received 0"]),
        ("--sample --model nowhere.keras", ["nowhere.keras"]),
        ("--seed x", ["--seed"]),
    ],
)
def test_what_cannot_be_measured_ends_in_one_sentence(call, monkeypatch, line, named):
    for name in ("fewer", "broken", "wide"):
        shutil.copytree("painted", name)
    Path("fewer/3.png").unlink()
    Path("broken/2.png").write_text("no picture")
    write_image(make_folder(Path("kept/old")) / "9.jpg", np.zeros((9, 9, 3), np.uint8))
    write_image(Path("wide/1.png"), np.zeros((40, 60, 3), np.uint8))
    np.savez("other.npz", weights=np.ones(3))
    if line == NAN:
        monkeypatch.setattr(evaluate, "open_inception", lambda p: Grid("inception", p))
        nan = np.full((4, 27), np.nan)
        monkeypatch.setattr(Grid, "cells", lambda self, images: nan)
    before = sorted(Path().rglob("*"))
    line += "" if "--output" in line else " --output report"
    status, out, err = call(line)
    assert status == 2 and out == ""
    sentence = err.splitlines()[-1]
    assert sentence.startswith("error: ") and err.count("error: ") == 1
    assert "Traceback" not in err
    for word in named:
        assert word in sentence
    assert sorted(Path().rglob("*")) == before
