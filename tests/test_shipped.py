"""The model that comes along is whole, is what its card says, and is the default."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest

from animegan_tf.evaluation.pixels import psnr
from animegan_tf.imaging.codec import read_image, write_image
from animegan_tf.inference import Stylizer
from animegan_tf.samples import draw_photo, random_portrait

MODELS = Path(__file__).parents[1] / "saved_models"
FOLDER = MODELS / "portrait"


@pytest.mark.parametrize("model", ["portrait", "portrait-lite"])
def test_the_card_names_every_file_with_its_sum(model):
    folder = MODELS / model
    card = (folder / "README.md").read_text()
    rows = re.findall(r"^\| `(\S+)` \| ([\d,]+) \| `(\w{64})` \|$", card, re.MULTILINE)
    found = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert {name for name, *_ in rows} == found - {"README.md"}
    for name, size, digest in rows:
        data = (folder / name).read_bytes()
        assert len(data) == int(size.replace(",", ""))
        assert hashlib.sha256(data).hexdigest() == digest
    assert sum((folder / name).stat().st_size for name in found) <= 12e6


def test_the_tool_paints_with_it_unless_told_otherwise(run_here, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    photo = draw_photo(random_portrait(3), 128)
    write_image(tmp_path / "photo.png", photo)
    status, _, err = run_here("stylize.py", "photo.png", "-o", "out.png")
    assert status in (0, None), err
    painted = read_image(tmp_path / "out.png")
    paint = Stylizer(FOLDER / "generator.keras")
    np.testing.assert_array_equal(painted, paint(photo))
    assert 3 < np.abs(painted.astype(float) - photo).mean() < 60


@pytest.mark.parametrize("name, least", [("generator.tflite", 35), ("1", 60)])
def test_its_files_paint_the_same(name, least):
    photo = draw_photo(random_portrait(4), 256)
    expected = Stylizer(FOLDER / "generator.keras")(photo)
    assert psnr(expected, Stylizer(FOLDER / name)(photo)) >= least
