"""The tools as people call them: what they print, write and refuse."""

import contextlib
import io
import json
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from animegan_tf.config import TrainConfig
from animegan_tf.imaging.codec import read_image, write_image
from animegan_tf.inference import Stylizer
from animegan_tf.models import build_features, build_generator
from animegan_tf.presets import PRESETS, SAMPLE
from animegan_tf.samples import draw_photo, random_portrait, write_samples
from animegan_tf.settings import flag_of, load_config, save_config, walk
from animegan_tf.training import run

TOOLS = Path(__file__).parents[1] / "tools"
# As small as training gets.
SMALL = "--image-size 32 --width 4 --batch-size 2".split()


@pytest.fixture
def call(tmp_path, monkeypatch, run_here):
    """Runs a tool in this process, inside `tmp_path`; as `run_here` does."""
    monkeypatch.chdir(tmp_path)
    return run_here


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Drawn pictures in the AnimeGAN layout, style folder `Sample`."""
    folder = tmp_path_factory.mktemp("dataset")
    write_samples(folder, photos=4, anime=4, size=40, validation=2)
    return folder


@pytest.fixture
def folders(pictures):
    return "--photos", pictures / "train_photo", "--anime", pictures / "Sample/style"


def files_in(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


# Help.


def test_help_is_shown_without_importing_tensorflow():
    code = (
        "import runpy, sys\n"
        # As Python does for a script.
        f"sys.path.insert(0, {str(TOOLS)!r})\n"
        "for path in sys.argv[1:]:\n"
        "    sys.argv = [path, '--help']\n"
        "    try:\n"
        "        runpy.run_path(path, run_name='__main__')\n"
        "    except SystemExit as end:\n"
        "        assert not end.code, path\n"
        "    loaded = {'tensorflow', 'keras', 'skimage'} & set(sys.modules)\n"
        "    assert not loaded, (path, loaded)\n"
    )
    tools = sorted(TOOLS.glob("*.py"))
    command = [sys.executable, "-c", code, *tools]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for tool in tools:
        assert f"usage: {tool.name}" in done.stdout
        assert f"tools/{tool.name}" in done.stdout


def test_help_of_training_is_a_page_and_help_all_the_rest(call):
    _, short, _ = call("train.py", "--help")
    _, full, _ = call("train.py", "--help-all", "--preset", "shinkai")
    assert len(short.splitlines()) <= 70
    for flag in ("--photos", "--epochs", "--preset", "--resume", "--help-all"):
        assert f"\n  {flag}" in short
    for path, _, value in walk(PRESETS["shinkai"]):
        assert f"\n  {flag_of(path)}" in full
    assert "--targets.min-size" not in short and "(default: 100)" in full


# A run from beginning to end, whose steps are computed operation by operation: tracing
# them takes longer.


@pytest.fixture(scope="module")
def sample_run(tmp_path_factory):
    """A folder where `tools/train.py` ran on the sample data, and its output."""
    folder, out = tmp_path_factory.mktemp("work"), io.StringIO()
    lengths = "--steps-per-epoch 2 --pretrain-epochs 1 --epochs 2".split()
    flags = [*SMALL, *lengths, "--run-dir", "run", "--cache", "cache"]
    tf.config.run_functions_eagerly(True)
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out):
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["train.py", *flags])
        runpy.run_path(str(TOOLS / "train.py"), run_name="__main__")
    tf.config.run_functions_eagerly(False)
    return folder, out.getvalue()


def printed_paths(folder, out):
    """`{"generator": Path, ...}` of the last lines that a run prints."""
    pairs = [line.split(":", 1) for line in out.splitlines()[-3:]]
    return {name: folder / path.strip() for name, path in pairs}


def test_the_sample_run_says_what_it_is_and_where_things_are(sample_run):
    folder, out = sample_run
    assert "stand-in" in out
    paths = printed_paths(folder, out)
    assert list(paths) == ["generator", "sample grid", "log"]
    assert paths["generator"] == folder / "run" / "generator.keras"
    assert all(path.is_file() for path in paths.values())
    assert paths["sample grid"].name == "epoch_0002.png"
    assert read_image(paths["sample grid"]).shape[1] == 3 * 32 + 4 * 4
    log = [json.loads(line) for line in paths["log"].read_text().splitlines()]
    assert [(x["phase"], x["steps"]) for x in log] == [
        ("pretrain", 2),
        ("adversarial", 2),
    ]
    assert sorted(p.name for p in folder.iterdir()) == ["cache", "run"]


def test_a_photo_is_stylized_with_the_run(sample_run, call):
    folder, _ = sample_run
    photo = draw_photo(random_portrait(7), 75)[:61]
    write_image(Path("photo.jpg"), photo)
    arguments = "photo.jpg", "--generator", folder / "run" / "generator.keras"
    status, out, err = call("stylize.py", *arguments, "-o", "picture.png")
    assert (status, out) == (0, "picture.png\n"), err
    picture = read_image(Path("picture.png"))
    assert picture.shape == photo.shape
    assert np.std(picture) > 1 and np.abs(picture - photo.astype(float)).mean() > 1
    # The last step's own weights paint on request.
    status, _, err = call("stylize.py", *arguments, "--raw", "-o", "raw.png")
    assert status == 0, err
    own = Stylizer(folder / "run" / "generator_raw.keras")
    raw = own(read_image(Path("photo.jpg")))
    np.testing.assert_array_equal(read_image(Path("raw.png")), raw)
    assert (raw != picture).any()


def test_a_run_goes_on_where_it_stopped(sample_run, call, monkeypatch, eager):
    folder, out = sample_run
    monkeypatch.chdir(folder)
    generator = printed_paths(folder, out)["generator"]
    before = generator.read_bytes()
    status, out, err = call("train.py", "--resume", "run", "--epochs", 3)
    assert status == 0, err
    assert printed_paths(folder, out)["sample grid"].name == "epoch_0003.png"
    log = (folder / "run" / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in log] == [1, 2, 3]
    assert generator.read_bytes() != before
    config = load_config(folder / "run" / "config.json", TrainConfig)
    assert (config.epochs, config.width, config.data.image_size) == (3, 4, 32)


def test_a_picture_that_cannot_be_decoded_is_named_counted_and_left_out(
    call, tmp_path, eager
):
    write_samples(tmp_path / "my", photos=4, anime=4, size=40, validation=0)
    photos = tmp_path / "my" / "train_photo"
    (photos / "broken.jpg").write_text("not a picture")
    status, out, err = call(
        *("train.py", *SMALL, "--perceptual", "random", "--epochs", 1),
        *("--photos", "my/train_photo", "--anime", "my/Sample/style"),
        *("--steps-per-epoch", 1, "--run-dir", "run"),
    )
    assert status == 0, err
    told = [line for line in err.splitlines() if "left out" in line]
    assert len(told) == 2 and "my/train_photo/broken.jpg" in told[0]
    assert told[1] == "my/train_photo: left out 1 of 5 pictures"
    assert all(p.is_file() for p in printed_paths(tmp_path, out).values())


# Flags of a run, without running it.


@pytest.fixture
def settings(call, monkeypatch):
    """The settings with which `tools/train.py` would train, and whether it resumes."""
    caught = []

    def train(config, resume):
        caught.append((config, resume))
        folder = config.run_dir / "samples"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "epoch_0001.png").touch()
        return config.run_dir / "generator.keras"

    monkeypatch.setattr(run, "train", train)
    monkeypatch.setattr(run, "with_sample_data", lambda config: config)

    def settings(*arguments):
        status, _, err = call("train.py", *arguments)
        assert status == 0, err
        return caught.pop()

    return settings


def test_without_arguments_it_trains_on_sample_data(settings):
    assert settings() == (SAMPLE, False)
    assert settings("--epochs", 2)[0].perceptual == "random"


@pytest.mark.parametrize("preset", [None, *PRESETS])
def test_own_pictures_take_a_preset(settings, folders, preset):
    flags = ("--preset", preset) if preset else ()
    config, resume = settings(*folders, *flags)
    expected = PRESETS[preset or "portrait"]
    assert (config.weights, config.targets) == (expected.weights, expected.targets)
    assert (config.data.photos, config.data.anime) == folders[1::2]
    assert config.perceptual == "vgg19" and not resume


@pytest.mark.parametrize("preset", ["hayao", "shinkai"])
def test_the_upstream_layout_is_taken_as_it_is(settings, pictures, tmp_path, preset):
    style = tmp_path / "dataset" / "Hayao"
    style.mkdir(parents=True)
    for source, target in (
        (pictures / "train_photo", tmp_path / "dataset" / "train_photo"),
        (pictures / "Sample" / "style", style / "style"),
    ):
        target.symlink_to(source)
    flags = "--dataset", "dataset", "--style", "Hayao", "--preset", preset
    data = settings(*flags)[0].data
    folder = Path("dataset")
    assert (data.photos, data.anime) == (
        folder / "train_photo",
        folder / "Hayao" / "style",
    )
    partners = data.validation, data.anime_smooth, data.photo_superpixels
    assert partners == (None,) * 3
    (tmp_path / "dataset" / "val").symlink_to(pictures / "val")
    superpixels = tmp_path / "dataset" / "seg_train_5-0.8-50"
    superpixels.symlink_to(pictures / "train_photo")
    data = settings(*flags)[0].data
    assert data.validation == folder / "val"
    assert data.photo_superpixels == folder / "seg_train_5-0.8-50"
    # Above 0 it is `smooth_noise` that `load_sources` looks for beside `style`.
    assert data.noise == (0.1 if preset == "shinkai" else 0.0)


def test_resuming_takes_the_settings_of_the_run(settings, folders, tmp_path):
    config, _ = settings(*folders, "--preset", "hayao", "--width", 8)
    (tmp_path / "old").mkdir()
    save_config(config, tmp_path / "old" / "config.json")
    resumed, resume = settings("--resume", "old", "--epochs", 150)
    assert resume and resumed.run_dir == Path("old") and resumed.epochs == 150
    assert resumed.weights == config.weights and resumed.width == 8


# What is refused: the reason in one sentence, status 2, nothing written.

JUDGED = (
    "--photos PICTURES --anime PICTURES --evaluate-every 1 --evaluate-network imagenet"
)


def assert_refused(outcome, *named):
    status, _, err = outcome
    assert status == 2
    sentences = [line for line in err.splitlines() if line.startswith("error: ")]
    assert len(sentences) == 1 and err.endswith(f"{sentences[0]}\n")
    assert "Traceback" not in err
    for value in named:
        assert str(value) in sentences[0]


@pytest.mark.parametrize(
    "line, named",
    [
        ("--photos nowhere --anime PICTURES", ["nowhere"]),
        ("--photos PICTURES --anime nowhere", ["nowhere"]),
        ("--photos empty --anime PICTURES", ["empty", "at least one picture"]),
        ("--photos PICTURES --anime empty", ["empty", "at least one picture"]),
        ("--photos file.txt --anime PICTURES", ["file.txt"]),
        ("--photos PICTURES --anime PICTURES --validation nowhere", ["nowhere"]),
        (f"{JUDGED} --evaluate-photos nowhere --evaluate-anime PICTURES", ["nowhere"]),
        (f"{JUDGED} --evaluate-photos PICTURES --evaluate-anime empty", ["empty"]),
        (f"{JUDGED} --evaluate-photos PICTURES", ["--evaluate-anime", "none"]),
        ("--photos PICTURES --anime PICTURES --photo-painted nowhere", ["nowhere"]),
        (
            "--photos PICTURES --anime PICTURES --photo-painted PICTURES "
            "--pretrain-epochs 0",
            ["--pretrain-epochs", "--photo-painted", "0"],
        ),
        (
            "--photos PICTURES --anime PICTURES --photo-painted PICTURES "
            "--preset shinkai",
            ["--weights.pretrain-main", "--photo-painted", "0"],
        ),
        ("--photos PICTURES", ["--anime"]),
        ("--anime PICTURES", ["--photos"]),
        ("--dataset nowhere --style Hayao", ["nowhere/train_photo"]),
        ("--dataset DATASET --style Hayao", ["Hayao/style"]),
        ("--dataset DATASET", ["--style"]),
        ("--style Hayao", ["--dataset"]),
        ("--image-size 36", ["--image-size", "multiple of 8", "36"]),
        ("--image-size 24", ["--image-size", "32 or more", "24"]),
        ("--batch-size 0", ["--batch-size", "0"]),
        ("--seed -1", ["--seed", "-1"]),
        ("--steps-per-epoch -1", ["--steps-per-epoch", "-1"]),
        ("--epochs many", ["--epochs", "many"]),
        ("--no-such-flag", ["--no-such-flag"]),
        ("--preset monet", ["--preset", "monet", "portrait, hayao, shinkai"]),
        ("--resume nowhere", ["nowhere"]),
        ("--resume empty", ["empty/config.json"]),
        ("--resume file.txt", ["file.txt"]),
        ("--resume old --preset hayao", ["--resume", "--preset"]),
        ("--resume damaged", ["damaged/config.json"]),
    ],
)
def test_training_refuses_before_it_looks_at_pictures(
    call, tmp_path, pictures, line, named
):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.txt").write_text("text")
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "config.json").write_text('{"epochs"')
    before = files_in(tmp_path)
    line = line.replace("PICTURES", str(pictures / "train_photo"))
    arguments = line.replace("DATASET", str(pictures)).split()
    assert_refused(call("train.py", *arguments), *named)
    assert files_in(tmp_path) == before


def refused_run(call, tmp_path, folders, *arguments, named):
    """A refusal after pictures were looked at: only the cache may be new."""

    def kept():
        return [name for name in files_in(tmp_path) if not name.startswith("cache")]

    before = kept()
    small = (*SMALL, "--perceptual", "random", "--cache", "cache")
    assert_refused(call("train.py", *folders, *small, *arguments), *named)
    assert kept() == before


def test_training_refuses_fewer_pictures_than_a_batch(call, tmp_path, folders):
    few = "--batch-size", 5
    named = folders[1], "at least 5", "4"
    refused_run(call, tmp_path, folders, *few, named=named)
    broken = tmp_path / "broken"
    broken.mkdir()
    for number in range(3):
        (broken / f"{number}.png").write_text("not a picture")
    folders = "--photos", broken, *folders[2:]
    refused_run(call, tmp_path, folders, named=[broken, "0 of 3"])


def test_training_refuses_a_run_folder_it_cannot_use(call, tmp_path, folders):
    (tmp_path / "file").write_text("text")
    refused_run(call, tmp_path, folders, "--run-dir", "file", named=["file"])
    (tmp_path / "old" / "checkpoints").mkdir(parents=True)
    (tmp_path / "old" / "checkpoints" / "checkpoint").write_text("")
    named = ["old", "--resume old"]
    refused_run(call, tmp_path, folders, "--run-dir", "old", named=named)


def test_training_refuses_to_resume_without_a_checkpoint(call, tmp_path, folders):
    (tmp_path / "old").mkdir()
    save_config(TrainConfig(), tmp_path / "old" / "config.json")
    named = ["old/checkpoints", "checkpoint"]
    refused_run(call, tmp_path, folders, "--resume", "old", named=named)


@pytest.fixture(scope="module")
def vgg19():
    """Seeded values of the layers that training reads, by name."""
    model = build_features("vgg19", None)
    layers = [layer for layer in model.layers if "_conv" in layer.name]
    weights = {layer.name: layer.get_weights() for layer in layers}
    return {name: values for name, values in weights.items() if values}


@pytest.mark.parametrize("fault", ["absent", "suffix", "damaged", "missing", "shape"])
def test_training_refuses_weights_that_do_not_fit(
    call, tmp_path, folders, vgg19, fault
):
    path = tmp_path / ("weights.zip" if fault == "suffix" else "weights.npz")
    arrays = {
        f"{name}__{kind}": value
        for name, values in vgg19.items()
        for kind, value in zip(("kernel", "bias"), values)
    }
    if fault == "missing":
        arrays = {n: a for n, a in arrays.items() if "block3_conv2" not in n}
    elif fault == "shape":
        arrays["block2_conv1__kernel"] = arrays["block2_conv1__kernel"][:, :, 1:]
    if fault in ("suffix", "damaged"):
        path.write_text("not weights")
    elif fault != "absent":
        np.savez(path, **arrays)
    named = {"missing": ["block3_conv2"], "shape": ["block2_conv1", "63"]}
    before = files_in(tmp_path)
    flags = "--perceptual-weights", path
    outcome = call("train.py", *folders, *SMALL, *flags)
    assert_refused(outcome, path, *named.get(fault, []))
    assert files_in(tmp_path) == before


@pytest.mark.parametrize(
    "line, named",
    [
        ("nowhere.jpg -o out.png --generator GENERATOR", ["nowhere.jpg"]),
        ("broken.jpg -o out.png --generator GENERATOR", ["broken.jpg"]),
        ("tiny.png -o out.png --generator GENERATOR", ["16 pixels", "9 x 9"]),
        ("photo.png -o out.gif --generator GENERATOR", ["out.gif"]),
        ("photo.png -o no/out.png --generator GENERATOR", ["no/out.png"]),
        ("photo.png -o out.png --generator nowhere.keras", ["nowhere.keras"]),
        ("photo.png -o out.png --generator broken.jpg", ["broken.jpg"]),
        ("photo.png -o out.png --generator GENERATOR --max-side 8", ["8"]),
    ],
)
def test_stylizing_refuses(call, tmp_path, line, named):
    build_generator(4, memory=8).save(tmp_path / "tiny.keras")
    (tmp_path / "broken.jpg").write_text("not a picture")
    write_image(tmp_path / "photo.png", np.zeros((24, 24, 3), np.uint8))
    write_image(tmp_path / "tiny.png", np.zeros((9, 9, 3), np.uint8))
    before = files_in(tmp_path)
    arguments = line.replace("GENERATOR", "tiny.keras").split()
    assert_refused(call("stylize.py", *arguments), *named)
    assert files_in(tmp_path) == before
