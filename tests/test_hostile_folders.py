"""Folders of a stranger: names in their files stay inside, links lead nowhere."""

import json
import os
import shutil
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from tiny_runs import tiny_config

from animegan_tf.config import OptimizerConfig
from animegan_tf.data import cache
from animegan_tf.data.manifest import Manifest, Record
from animegan_tf.data.prepare import prepare_anime
from animegan_tf.data.settings import AnimeSettings
from animegan_tf.errors import InputError
from animegan_tf.imaging.codec import write_image
from animegan_tf.samples import draw_anime, random_portrait, write_samples
from animegan_tf.training import run
from animegan_tf.training.callbacks import JsonLines
from animegan_tf.training.health.callback import HealthCallback
from animegan_tf.training.saving.checkpoint import write_checkpoint
from animegan_tf.training.saving.lock import owned
from animegan_tf.training.saving.state import Progress, TrainingState
from animegan_tf.training.step import WeightAverage, build_optimizer
from animegan_tf.untrusted import inside, is_name, open_file

ANIME = AnimeSettings(size=64, min_size=32)
OUTSIDE = (
    *("../thesis.txt", "/thesis.txt", "a/../../thesis.txt", "..", "", "a\0b"),
    *(None, 7, ["a"], "n" * 300, "\ud800", "way_out/thesis.txt"),
)


def tree(folder):
    """Content of every file by its relative path; links are not followed."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def folder(tmp_path):
    """A folder with links out of it, beside a file that must stay as it is."""
    folder = tmp_path / "given"
    folder.mkdir()
    (tmp_path / "thesis.txt").write_text("years of work")
    (folder / "way_out").symlink_to(tmp_path)
    (folder / "itself").symlink_to("itself")
    return folder


@pytest.mark.parametrize("name", OUTSIDE)
def test_names_that_lead_out_of_a_folder_are_refused(folder, name):
    for plain in (False, True):
        with pytest.raises(InputError, match="list.json: must name nothing outside of"):
            inside(folder, name, "list.json", plain)


def test_names_inside_of_a_folder_are_joined_to_it(folder):
    (folder / "b").symlink_to("a")
    for name in (
        "a",
        "b",
        "sub/a.png",
        "caf\udce9.jpg",
        "..a",
        "a..",
        "sub/./a",
        "itself",
    ):
        assert inside(folder, name, "list.json") == folder / name
    assert inside(folder, "a.png", "list.json", plain=True) == folder / "a.png"
    for name in ("sub/a", "sub\\a", "C:a", ".", "a/"):
        assert not is_name(name, plain=True)


# Data sets


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn")
    for i in range(3):
        write_image(folder / f"{i}.png", draw_anime(random_portrait(i), 64))
    return folder


@pytest.fixture(scope="module")
def made(drawn, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    prepare_anime(drawn, folder, "S", ANIME, workers=1)
    return folder


@pytest.fixture
def dataset(made, folder):
    shutil.copytree(made, folder, dirs_exist_ok=True)
    return folder


def rewrite(dataset, **fields):
    """Changes a kept picture's record in the manifest."""
    path = dataset / "prepare" / "style-S" / "manifest.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[1][0] |= fields
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.mark.parametrize("name", [*OUTSIDE[:-1], "../../../thesis.txt"])
def test_redo_deletes_nothing_that_a_manifest_names_outside(dataset, drawn, name):
    rewrite(dataset, name=name)
    before = tree(dataset.parent)
    with pytest.raises(InputError, match="manifest.jsonl: must name nothing outside"):
        prepare_anime(drawn, dataset, "S", ANIME, workers=1, redo=True)
    assert tree(dataset.parent) == before


def test_redo_deletes_in_no_folder_that_is_a_link(dataset, drawn):
    rewrite(dataset, name="thesis.txt")
    (dataset / "S" / "smooth").rename(dataset / "S" / "before")
    (dataset / "S" / "smooth").symlink_to(dataset.parent)
    before = tree(dataset.parent)
    with pytest.raises(InputError, match="must name nothing outside of .*'smooth'"):
        prepare_anime(drawn, dataset, "S", ANIME, workers=1, redo=True)
    assert tree(dataset.parent) == before


def test_redo_deletes_in_the_folders_of_its_kind_only(dataset, drawn):
    (dataset / "S" / "mine").mkdir()
    for folder in (dataset, dataset / "S" / "mine"):
        (folder / "thesis.txt").write_text("years of work")
    rewrite(dataset, name="thesis.txt")
    prepare_anime(drawn, dataset, "S", ANIME, workers=1, redo=True)
    assert (dataset / "S" / "mine" / "thesis.txt").exists()
    assert (dataset / "thesis.txt").exists()


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "../a.png"},
        {"name": 7},
        {"folder": "../.."},
        {"folder": "S/other"},
        {"source": "../../thesis.txt"},
        {"source": "/thesis.txt"},
        {"hash": "no hash"},
        {"box": [1, 2]},
        {"box": ["a", 2, 3, 4]},
        {"brightness": "dark"},
        {"brightness": 1e999},
        {"height": 10**400},
        {"width": [1, 2]},
        {"box": 7},
        {"landmarks": [[1, 2]]},
        {"width": None, "decision": 3},
    ],
)
def test_records_that_no_preparation_wrote_are_refused(dataset, drawn, fields):
    rewrite(dataset, **fields)
    before = tree(dataset.parent)
    with pytest.raises(InputError, match="manifest.jsonl: must .*--redo"):
        prepare_anime(drawn, dataset, "S", ANIME, workers=1)
    assert tree(dataset.parent) == before


@pytest.mark.parametrize("line", ["[]", "[[]]", "[" * 100_000, '{"a": 1}'])
def test_lines_of_another_form_are_refused(folder, line):
    path = folder / "manifest.jsonl"
    path.write_text(f'{{"settings": {{}}}}\n{line}\n')
    with pytest.raises(InputError, match="in line 2; --redo"):
        Manifest(path, {})


def test_entries_of_a_cache_that_are_no_sizes_count_as_none(drawn, tmp_path):
    pictures = sorted(drawn.glob("*.png"))
    right = cache.shapes(pictures, tmp_path)
    (path,) = tmp_path.glob("checked-*.json")
    record = json.loads(path.read_text())
    for entry in (7, "ab", [1], [*record["0.png"][:2], "x", "y"], [None] * 4):
        path.write_text(json.dumps({**record, "0.png": entry}))
        assert cache.shapes(pictures, tmp_path) == right
    path.write_text("[" * 100_000)
    assert cache.shapes(pictures, tmp_path) == right


def test_a_cache_writes_into_no_folder_that_is_a_link(drawn, folder):
    pictures = sorted(drawn.glob("*.png"))
    (made,) = {p.parent for p in cache.derive(pictures, folder, "x", np.copy, "")}
    for path in made.iterdir():
        path.unlink()
    made.rmdir()
    made.symlink_to(folder.parent)
    before = tree(folder.parent)
    with pytest.raises(InputError, match="must name nothing outside of"):
        cache.derive(pictures, folder, "x", np.copy, "")
    assert tree(folder.parent) == before


# Runs


def state_of(folder, logs=()):
    model = keras.Sequential([keras.layers.Dense(2, name="first")], name="network")
    model.build((1, 2))
    optimizer = build_optimizer(
        1e-3, OptimizerConfig(), "float32", model.trainable_variables
    )
    return TrainingState(
        *(folder / "checkpoints", 2, {"generator": model}, {"adam": optimizer}),
        WeightAverage(model, 0.9),
        logs=logs,
    )


FACTS = {
    "progress": (None, {"epoch": "1"}, {"epoch": 10**20}, {"more": 1}, {"epoch": None}),
    "random": ({}, {"numpy": ["MT19937", [1], 0]}, {"numpy": 1, "python": [3, [], 0]}),
    "logs": (None, {"log.jsonl": "long"}, [1]),
    "settings": (None, 5),
}


@pytest.mark.parametrize("name, value", [(n, v) for n in FACTS for v in FACTS[n]])
def test_facts_of_a_checkpoint_that_no_run_wrote_are_refused(tmp_path, name, value):
    state = state_of(tmp_path)
    state.progress.taken = 1
    state.save()
    (path,) = (tmp_path / "checkpoints").glob("step_*")
    facts = json.loads((path / "state.json").read_text()) | {name: value}
    arrays = {key: np.asarray(v) for key, v in state.variables.items()}
    write_checkpoint(tmp_path / "checkpoints", 1, arrays, facts, 2)
    before = dict(vars(state.progress))
    with pytest.raises(InputError, match="step_00000001 must be a checkpoint"):
        state.restore()
    assert vars(state.progress) == before


def test_texts_in_place_of_weights_are_refused(tmp_path):
    state = state_of(tmp_path)
    state.save()
    (path,) = (tmp_path / "checkpoints").glob("step_*")
    facts = json.loads((path / "state.json").read_text())
    arrays = {k: np.full(v.shape, "text") for k, v in state.variables.items()}
    write_checkpoint(tmp_path / "checkpoints", 0, arrays, facts, 2)
    with pytest.raises(InputError, match="does not fit .* holds no numbers"):
        state.restore()


@pytest.mark.parametrize("name", ["checkpoints", "samples", "tensorboard", "log.jsonl"])
def test_a_run_writes_into_nothing_that_leads_out_of_it(drawn, folder, name):
    (folder / name).symlink_to(folder.parent)
    before = tree(folder.parent)
    config = tiny_config(drawn, folder)
    with pytest.raises(InputError, match=f"must name nothing outside of .*'{name}'"):
        run.train(config)
    assert tree(folder.parent) == before
    assert os.readlink(folder / name) == str(folder.parent)


def test_a_record_is_complete_without_its_optional_fields(tmp_path):
    kept = Record("a", "", "kept", name="a.png", folder="train_photo", hash="0" * 64)
    Manifest(tmp_path / "m.jsonl", {}).add([kept])
    assert Manifest(tmp_path / "m.jsonl", {}).records == [kept]


# Links in the place of files


@pytest.mark.parametrize("mode", ["w", "a", "a+", "r+"])
def test_only_ordinary_files_are_opened_for_writing(folder, mode):
    (folder / "log").symlink_to("../thesis.txt")
    (folder / "nowhere").symlink_to("../new.txt")
    os.mkfifo(folder / "pipe")  # opening it would wait for a reader
    for name in ("log", "nowhere", "pipe", "itself", "way_out"):
        with pytest.raises(InputError, match=f"{name}: must be an ordinary file"):
            open_file(folder / name, mode)
    assert (folder.parent / "thesis.txt").read_text() == "years of work"
    assert not (folder.parent / "new.txt").exists()
    # Links above it are the user's.
    with open_file(folder / "way_out" / "thesis.txt", mode) as file:
        file.write("more")


def write_lock(folder):
    with owned(folder):
        pass


def write_log(folder):
    log = JsonLines(folder / "log.jsonl", "pretrain", Progress())
    log.on_epoch_end(0, {})


def write_event(folder):
    watch = HealthCallback(
        SimpleNamespace(config=None), "adversarial", None, folder / "log.jsonl"
    )
    event = {"failure": "not a number", "message": "x", "step": 1, "epoch": 1}
    watch._tell(event)


def cut_log(folder):
    state = state_of(folder, [folder / "log.jsonl"])
    state._lengths = {"../log.jsonl": 3}
    state.cut_logs()


def add_record(folder):
    manifest = Manifest(folder / "manifest.jsonl", {}, read_only=True)
    manifest.read_only = False
    manifest.add([])


@pytest.mark.parametrize(
    "name, write",
    [
        (".lock", write_lock),
        ("log.jsonl", write_log),
        ("log.jsonl", write_event),
        ("log.jsonl", cut_log),
        ("manifest.jsonl", add_record),
    ],
)
def test_no_writer_follows_a_link(folder, name, write):
    (folder / name).symlink_to("../thesis.txt")
    with pytest.raises(InputError, match=f"{name}: must be an ordinary file"):
        write(folder)
    assert (folder.parent / "thesis.txt").read_text() == "years of work"
    assert (folder / name).is_symlink()


@pytest.mark.parametrize("name", ["samples.json", "samples.json.tmp"])
def test_drawn_samples_replace_a_link(folder, name):
    (folder / name).symlink_to("../thesis.txt")
    write_samples(folder, photos=1, anime=1, size=16, validation=0)
    assert (folder.parent / "thesis.txt").read_text() == "years of work"
