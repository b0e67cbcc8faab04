"""Folders of anything become a data set, whatever happens on the way."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from corpus import UNREADABLE, make_corpus, portrait, vignette
from PIL import Image, ImageDraw, ImageFont

from animegan_tf.data import anime, photo
from animegan_tf.data.prepare import prepare_anime, prepare_photos
from animegan_tf.data.settings import AnimeSettings, PhotoSettings
from animegan_tf.errors import InputError
from animegan_tf.imaging.codec import read_image, write_image
from animegan_tf.imaging.smoothing import edge_smooth
from animegan_tf.imaging.superpixel import superpixels
from animegan_tf.samples import draw_anime, random_portrait

TOOL = Path(__file__).parents[1] / "tools" / "prepare.py"
ALL = -1  # a duplicate distance that nothing reaches
PHOTOS = PhotoSettings(size=64, min_face=40, duplicate_distance=ALL, val_share=0)
ANIME = AnimeSettings(size=64, min_size=32)


def tree(folder):
    """Content of every file by its relative path."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def names(folder):
    return sorted(path.name for path in folder.glob("*"))


def reasons(summary):
    return {
        record.source: record.reason or record.decision for record in summary.records
    }


@pytest.fixture
def inbox(tmp_path):
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Photos of every odd kind, the data set made of them, and its summary."""
    folder = tmp_path_factory.mktemp("corpus")
    files = make_corpus(folder / "in")
    (folder / "in" / "notes.txt").write_text("no picture")
    summary = prepare_photos(folder / "in", folder / "set", PHOTOS, workers=1)
    return files, folder / "set", summary


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A folder of twenty drawn pictures."""
    folder = tmp_path_factory.mktemp("drawn")
    for i in range(20):
        write_image(folder / f"{i:02}.png", draw_anime(random_portrait(i), 64))
    return folder


@pytest.fixture(scope="module")
def drawn_set(drawn, tmp_path_factory):
    """The style that is made of them."""
    folder = tmp_path_factory.mktemp("set")
    prepare_anime(drawn, folder, "S", ANIME, workers=1)
    return folder


@pytest.fixture
def dataset(drawn_set, tmp_path):
    return Path(shutil.copytree(drawn_set, tmp_path / "dataset"))


# Photos


def test_every_odd_picture_is_handled_and_none_is_lost(corpus):
    files, _, summary = corpus
    assert {record.source for record in summary.records} == set(files)
    assert summary.others == ["notes.txt"]
    found = reasons(summary)
    for name in UNREADABLE:
        assert found.pop(name) == "undecodable", name
    pixels = [name for name in files if name.startswith("one_pixel")]
    for name in (*pixels, "no_face.jpg", "upside_down.jpg"):
        assert found.pop(name) == "no face", name
    assert set(found.values()) == {"kept"}
    faces = [record.source for record in summary.records if record.face]
    assert faces.count("six_faces.jpg") == 6
    assert len(faces) == len(found) + 5
    for record in summary.records:
        assert bool(record.detail) == (record.decision == "dropped")
    report = json.loads((summary.report.parent / "report.json").read_text())
    assert report["counts"]["sources"] == len(files)


def test_all_eight_orientations_give_the_same_face(corpus):
    turned = [r.landmarks for r in corpus[2].records if r.source.startswith("exif_")]
    assert len(turned) == 8
    assert np.abs(np.array(turned) - turned[0]).max() < 2


def test_superpixels_lie_beside_every_photo(corpus):
    dataset = corpus[1]
    kept = names(dataset / "train_photo")
    assert kept and names(dataset / "seg_train_5-0.8-50") == kept
    for name in kept[:2]:
        picture = read_image(dataset / "train_photo" / name)
        assert picture.shape == (64, 64, 3)
        flat = read_image(dataset / "seg_train_5-0.8-50" / name)
        np.testing.assert_array_equal(flat, superpixels(picture, min_size=50))


def test_the_transform_carries_the_landmarks_into_the_picture(corpus):
    for record in corpus[2].records:
        if record.decision == "dropped":
            continue
        matrix = np.array(record.transform)
        points = np.array(record.landmarks) @ matrix[:, :2].T + matrix[:, 2]
        left_eye, right_eye = points[:2]
        assert 5 < right_eye[0] - left_eye[0] < 32
        assert ((0 < points) & (points < 64)).all()
        assert record.sha256[:8] in record.name
        assert record.confidence > 0.9


def prepared(inbox, **settings):
    """What comes of a folder of photos, in this process."""
    settings = PhotoSettings(**{**vars(PHOTOS), **settings})
    return prepare_photos(inbox, inbox.parent / "set", settings, workers=1)


@pytest.mark.parametrize(
    "settings, reason",
    [
        ({"min_brightness": 200}, "too dark"),
        ({"max_brightness": 20}, "too bright"),
        ({"min_sharpness": 1e6}, "too blurred"),
        ({"min_face": 200}, "face too small"),
    ],
)
def test_filters_tell_the_value_and_the_threshold(inbox, settings, reason):
    write_image(inbox / "a.png", portrait())
    (record,) = prepared(inbox, **settings).records
    assert record.reason == reason
    assert any(letter.isdigit() for letter in record.detail)
    assert names(inbox.parent / "set" / "train_photo") == []


def test_near_duplicates_are_dropped_and_the_first_kept(inbox):
    write_image(inbox / "a.png", portrait())
    write_image(inbox / "b.jpg", portrait())
    shutil.copy(inbox / "a.png", inbox / "c.png")
    first, second, third = prepared(inbox, duplicate_distance=32).records
    assert first.decision == "kept"
    assert second.reason == third.reason == "near-duplicate"
    assert first.name in second.detail and first.name in third.detail
    assert names(inbox.parent / "set" / "train_photo") == [first.name]


def test_only_the_largest_face_on_request(corpus, inbox):
    shutil.copy(corpus[0]["six_faces.jpg"], inbox)
    assert [r.face for r in prepared(inbox, faces="largest").records] == [1]


def test_val_gets_its_share_without_superpixels(inbox):
    write_image(inbox / "a.png", portrait())
    (record,) = prepared(inbox, val_share=1).records
    assert names(inbox.parent / "set" / "val") == [record.name]
    assert names(inbox.parent / "set") == ["prepare", "val"]


def test_what_a_picture_does_to_the_code_ends_as_a_record(inbox, monkeypatch):
    def fails(path, source, settings):
        raise ZeroDivisionError("of all things")

    monkeypatch.setattr(photo, "prepare_photo", fails)
    write_image(inbox / "a.png", portrait())
    (record,) = prepared(inbox).records
    assert (record.reason, record.detail) == (
        "failed",
        "ZeroDivisionError: of all things",
    )
    assert record.sha256


# Anime pictures


def test_a_style_has_pictures_smooth_ones_and_noisy_ones(drawn, drawn_set):
    records = prepare_anime(drawn, drawn_set, "S", ANIME).records
    kept = sorted(record.name for record in records if record.name)
    assert len(kept) > 15
    folders = [drawn_set / "S" / name for name in ("style", "smooth", "smooth_noise")]
    assert all(names(folder) == kept for folder in folders)
    assert {record.folder for record in records if record.name} == {"S/style"}
    for name in kept[:3]:
        style, smooth, noisy = (read_image(folder / name) for folder in folders)
        np.testing.assert_array_equal(smooth, edge_smooth(style))
        changed = (noisy != smooth).any(-1)
        assert (noisy[changed] == 255).all()
        white = (noisy == 255).all(-1).mean()
        assert 0.1 <= white + 1e-3 and changed.mean() <= 0.1 + 1e-3


@pytest.fixture
def transparent(inbox):
    image = Image.fromarray(portrait()).convert("RGBA")
    image.putalpha(Image.fromarray(vignette()))
    image.save(inbox / "a.png")
    return inbox


def style_of(folder, dataset, **settings):
    settings = AnimeSettings(size=64, min_size=32, **settings)
    summary = prepare_anime(folder, dataset, "S", settings, workers=1, redo=True)
    return read_image(dataset / "S" / "style" / summary.records[0].name)


def test_transparent_pictures_lie_on_the_ground_that_was_chosen(transparent, tmp_path):
    dataset = tmp_path / "set"
    plain = style_of(transparent, dataset, color=(10, 200, 30))
    np.testing.assert_array_equal(plain[0, 0], (10, 200, 30))
    blurred = style_of(transparent, dataset, ground="blurred")
    colors = portrait()[vignette() > 128].mean(0)
    assert np.abs(blurred[0, 0] - colors).max() < 70
    backgrounds = tmp_path / "backgrounds"
    backgrounds.mkdir()
    write_image(backgrounds / "b.png", np.full((20, 30, 3), (1, 2, 250), np.uint8))
    chosen = {"ground": "folder", "backgrounds": backgrounds}
    laid = style_of(transparent, dataset, **chosen)
    np.testing.assert_array_equal(laid[0, 0], (1, 2, 250))
    middle = np.s_[24:32, 28:36]
    for other in (blurred, laid):
        assert np.abs(plain[middle] - other[middle].astype(int)).max() <= 3


def test_tall_pictures_lose_their_feet_and_wide_ones_their_sides(inbox, tmp_path):
    rows = np.repeat(np.arange(200, dtype=np.uint8), 100).reshape(200, 100)
    write_image(inbox / "a.png", np.stack([rows] * 3, -1))
    top = style_of(inbox, tmp_path / "set")
    assert top.min() < 2 and 98 <= top.max() < 101
    center = style_of(inbox, tmp_path / "set", square="center")
    assert 49 <= center.min() < 52 and 148 <= center.max() < 151


def test_small_grey_and_lettered_pictures_are_dropped_on_request(inbox, tmp_path):
    color = draw_anime(random_portrait(1), 96)
    grey = color.mean(-1, keepdims=True).repeat(3, -1)
    write_image(inbox / "color.png", color)
    write_image(inbox / "grey.png", np.uint8(grey))
    write_image(inbox / "small.png", color[:40])
    lettered = Image.fromarray(color).resize((256, 256))
    ImageDraw.Draw(lettered).text(
        (20, 225),
        "Where have you been all night?",
        font=ImageFont.load_default(16),
        fill=(255, 255, 255),
        stroke_width=2,
        stroke_fill=(0, 0, 0),
    )
    lettered.save(inbox / "text.png")
    settings = AnimeSettings(
        size=256,
        min_size=64,
        min_colorfulness=5,
        max_text=0.002,
        duplicate_distance=ALL,
    )
    summary = prepare_anime(inbox, tmp_path / "set", "S", settings, workers=1)
    assert reasons(summary) == {
        "color.png": "kept",
        "grey.png": "monochrome",
        "small.png": "too small",
        "text.png": "text",
    }


# Both


def test_the_second_run_does_nothing(drawn, dataset):
    before = tree(dataset)
    stamps = {path: path.stat().st_mtime_ns for path in dataset.rglob("*.png")}
    summary = prepare_anime(drawn, dataset, "S", ANIME, workers=1)
    assert summary.new == 0 and len(summary.records) == 20
    assert tree(dataset) == before
    assert stamps == {path: path.stat().st_mtime_ns for path in stamps}


def test_lost_files_come_back(drawn, dataset):
    before = tree(dataset)
    next((dataset / "S" / "smooth").iterdir()).unlink()
    summary = prepare_anime(drawn, dataset, "S", ANIME, workers=1)
    assert summary.new == 1
    assert tree(dataset) == before


def test_sources_can_be_added_changed_and_limited(drawn, tmp_path):
    folder, dataset = tmp_path / "in", tmp_path / "set"
    shutil.copytree(drawn, folder)
    settings = AnimeSettings(size=64, min_size=32, duplicate_distance=ALL)

    def run(**options):
        return prepare_anime(folder, dataset, "S", settings, workers=1, **options)

    assert len(run(limit=4).records) == 4
    assert run().new == 16
    write_image(folder / "00.png", draw_anime(random_portrait(77), 64))
    write_image(folder / "zz.png", draw_anime(random_portrait(78), 64))
    assert run().new == 2
    assert len(names(dataset / "S" / "style")) == 22


def test_folders_with_equal_names_do_not_overwrite_each_other(tmp_path):
    settings = AnimeSettings(size=64, min_size=32, duplicate_distance=ALL)
    for i in (1, 2):
        (tmp_path / f"in{i}").mkdir()
        write_image(tmp_path / f"in{i}" / "a.png", draw_anime(random_portrait(i), 64))
        prepare_anime(tmp_path / f"in{i}", tmp_path / "set", "S", settings, workers=1)
    assert len(names(tmp_path / "set" / "S" / "style")) == 2


def test_a_trial_writes_nothing(drawn, tmp_path):
    summary = prepare_anime(drawn, tmp_path / "set", "S", ANIME, dry_run=True)
    assert len(summary.records) == 20 and summary.report is None
    assert not (tmp_path / "set").exists()


def test_other_settings_need_redo_and_it_deletes_what_was_there(drawn, dataset):
    before = tree(dataset)
    other = AnimeSettings(size=32, min_size=32)
    with pytest.raises(InputError, match="size 64, received 32; --redo"):
        prepare_anime(drawn, dataset, "S", other, workers=1)
    assert tree(dataset) == before
    strange = dataset / "S" / "style" / "mine.png"
    write_image(strange, draw_anime(random_portrait(99), 32))
    prepare_anime(drawn, dataset, "S", other, workers=1, limit=3, redo=True)
    assert len(names(strange.parent)) == 4 and strange.exists()
    for path in strange.parent.iterdir():
        assert read_image(path).shape == (32, 32, 3)


def test_processes_give_the_same_folder_as_one(drawn, drawn_set, tmp_path):
    prepare_anime(drawn, tmp_path, "S", ANIME, workers=2)
    assert tree(tmp_path) == tree(drawn_set)


def dies(path, source, settings):
    os._exit(3)


def test_a_process_that_dies_ends_the_run_with_a_sentence(drawn, tmp_path, monkeypatch):
    monkeypatch.setattr(anime, "prepare_anime", dies)
    with pytest.raises(InputError, match="00.png: a process ended"):
        prepare_anime(drawn, tmp_path, "S", ANIME, workers=2)


@pytest.mark.slow
def test_killed_five_times_it_ends_with_the_same_bytes(drawn, tmp_path):
    def command(dataset):
        options = "--size 64 --min-size 32 --workers 2 --style S".split()
        return [sys.executable, TOOL, "anime", drawn, dataset, *options]

    subprocess.run(command(tmp_path / "whole"), check=True, capture_output=True)
    dataset, rng = tmp_path / "killed", random.Random(5)
    # Files there, at which each kill comes; then up to a tenth of a second more.
    for count in sorted(rng.sample(range(4, 58), 5)):
        with subprocess.Popen(
            command(dataset), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        ) as process:
            while process.poll() is None and len(tree(dataset)) < count:
                time.sleep(0.005)
            time.sleep(rng.uniform(0, 0.1))
            process.send_signal(signal.SIGKILL)
    assert len(tree(dataset)) < len(tree(tmp_path / "whole"))
    subprocess.run(command(dataset), check=True, capture_output=True)
    assert tree(dataset) == tree(tmp_path / "whole")


@pytest.mark.parametrize(
    "style", ["", ".hidden", "a/b", "train_photo", "prepare", "a\\b"]
)
def test_a_style_needs_a_plain_name(drawn, tmp_path, style):
    with pytest.raises(InputError, match="--style must be the plain name"):
        prepare_anime(drawn, tmp_path, style, ANIME)


def test_wrong_folders_are_refused_before_anything_is_written(drawn, tmp_path):
    def refused(source, dataset, rule, **options):
        with pytest.raises(InputError, match=rule):
            prepare_photos(source, dataset, PHOTOS, **options)

    refused(tmp_path / "none", tmp_path / "set", "must exist")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "a.txt").write_text("x")
    refused(tmp_path / "empty", tmp_path / "set", "at least one picture")
    refused(drawn, drawn, "must lie outside")
    refused(drawn, drawn / "set", "must lie outside")
    refused(drawn, tmp_path / "set", "--limit must be 1 or more", limit=0)
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="file"):
        prepare_anime(drawn, tmp_path / "file", "S", ANIME)
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize(
    "settings, rule",
    [
        (PhotoSettings(size=16), "--size must be from 32 to 4096, received 16"),
        (PhotoSettings(min_confidence=1.5), "--min-confidence must be from 0 to 1"),
        (
            PhotoSettings(margin=float("nan")),
            "--margin must be from 0 to 4, received nan",
        ),
        (PhotoSettings(min_face=0), "--min-face must be 1 or more"),
        (AnimeSettings(color=(0, 0, 256)), "--color must be from 0 to 255"),
        (
            AnimeSettings(ground="folder"),
            "--backgrounds must be given with --ground folder, and only then",
        ),
    ],
)
def test_settings_out_of_range_are_refused(drawn, tmp_path, settings, rule):
    with pytest.raises(InputError, match=rule):
        if isinstance(settings, PhotoSettings):
            prepare_photos(drawn, tmp_path / "set", settings)
        else:
            prepare_anime(drawn, tmp_path / "set", "S", settings)
