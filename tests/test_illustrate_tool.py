"""Folders of photos are drawn, gone on with, and never half-written."""

import json

import numpy as np
import pytest
import skimage.data
from helpers import shared
from PIL import Image

from animegan_tf.data.pairs import find_pairs
from animegan_tf.imaging.codec import read_image


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    picture = skimage.data.astronaut()[20:220, 130:330]
    Image.fromarray(picture).save(folder / "face.jpg")
    Image.fromarray(picture[:60, :60]).save(folder / "ground.png")
    (folder / "broken.png").write_bytes(b"no picture")
    return folder


def draw(run_here, photos, output, *arguments, networks=None):
    networks = shared("weights") if networks is None else networks
    flags = ("--networks", networks, "--workers", 1, *arguments)
    return run_here("illustrate.py", photos, "-o", output, *flags)


def test_a_folder_is_drawn_for_the_learner(run_here, photos, tmp_path):
    output = tmp_path / "drawings"
    status, told, warned = draw(run_here, photos, output)
    assert status == 0, warned
    assert "1" in told and "no face of 48 pixels" in warned and "broken.png" in warned
    assert read_image(output / "face.png").shape == (200, 200, 3)
    assert read_image(output / "contact_sheet.png").shape[0] > 400
    (pair,) = find_pairs(photos, output)
    assert pair.stem == "face" and pair.faces.shape == (1, 478, 2)
    record = json.loads((output / "illustrated.json").read_text())
    assert set(record["left_out"]) == {"ground.png", "broken.png"}


def test_a_run_goes_on_with_what_is_missing(run_here, photos, tmp_path):
    output = tmp_path / "drawings"
    assert draw(run_here, photos, output)[0] == 0
    before = (output / "face.png").stat().st_mtime_ns
    landmarks = dict(np.load(output / "landmarks.npz"))
    (output / "landmarks.npz").unlink()
    assert draw(run_here, photos, output)[0] == 0
    assert (output / "face.png").stat().st_mtime_ns == before
    again = np.load(output / "landmarks.npz")
    np.testing.assert_array_equal(again["face"], landmarks["face"])


def test_drawings_of_another_style_are_not_mixed(run_here, photos, tmp_path):
    output = tmp_path / "drawings"
    assert draw(run_here, photos, output)[0] == 0
    status, _, told = draw(run_here, photos, output, "--style", "webtoon")
    assert status == 2 and "same style" in told


def test_what_cannot_be_drawn_leaves_nothing(run_here, photos, tmp_path):
    (photos / "face.jpg").unlink()
    output = tmp_path / "drawings"
    status, _, told = draw(run_here, photos, output)
    assert status == 2 and "must hold a photo with a face" in told
    assert not output.exists()


@pytest.mark.parametrize(
    "arguments, told",
    [
        (("--style", "manga"), "anime, webtoon"),
        (("--workers", 0), "--workers must be at least 1"),
    ],
)
def test_wrong_flags_are_told(run_here, photos, tmp_path, arguments, told):
    status, _, error = draw(run_here, photos, tmp_path / "drawings", *arguments)
    assert status == 2 and told in error
    assert not (tmp_path / "drawings").exists()


def test_missing_networks_are_told_before_anything_is_made(run_here, photos, tmp_path):
    output = tmp_path / "drawings"
    status, _, told = draw(run_here, photos, output, networks=tmp_path)
    assert status == 2 and str(tmp_path) in told
    assert not output.exists()


def test_photos_of_one_name_and_the_photos_folder_itself_are_refused(
    run_here, photos, tmp_path
):
    status, _, told = draw(run_here, photos, photos)
    assert status == 2 and "another folder" in told
    (photos / "face.png").write_bytes((photos / "face.jpg").read_bytes())
    status, _, told = draw(run_here, photos, tmp_path / "drawings")
    assert status == 2 and "face.jpg" in told and "face.png" in told


def test_a_style_can_be_shown_to_begin_with(run_here, tmp_path):
    status, told, _ = run_here("illustrate.py", "--show-style", "--style", "webtoon")
    assert status == 0
    assert json.loads(told)["eye_width"] == 1.2
