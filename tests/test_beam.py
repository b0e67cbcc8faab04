"""Folders of photos through `tools/beam_stylize.py`, on Beam's local runner."""

import numpy as np
import pytest

from animegan_tf.export import export_litert
from animegan_tf.imaging.codec import encode_image, read_image, write_image
from animegan_tf.inference import Stylizer
from animegan_tf.models import build_generator


def photo(seed, height, width):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), "uint8")


@pytest.fixture(scope="module")
def generators(tmp_path_factory):
    pytest.importorskip("apache_beam", reason="needs the extra beam")
    pytest.importorskip("ai_edge_litert", reason="needs the extra litert")
    folder = tmp_path_factory.mktemp("generators")
    model = build_generator(4, memory=8)
    export_litert(model, folder / "any.tflite")
    export_litert(model, folder / "fixed.tflite", size=(24, 32))
    return folder


@pytest.fixture
def call(tmp_path, monkeypatch, run_here, generators):
    """Runs the tool inside `tmp_path`; returns (exit status, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def call(line):
        return run_here("beam_stylize.py", *line.format(generators).split())

    return call


@pytest.fixture
def photos(tmp_path):
    """Folder `photos`: sizes mixed, transparency, damage, a pair of one name."""
    folder = tmp_path / "photos"
    (folder / "a" / "b").mkdir(parents=True)
    for number, sides in enumerate([(18, 24), (40, 24), (18, 24), (24, 32)]):
        write_image(folder / "a" / f"{number}.jpg", photo(number, *sides))
    alpha = np.tile(np.uint8([0, 255]), (20, 10))
    data = encode_image(photo(9, 20, 20), ".png", alpha)
    (folder / "a" / "b" / "clear.name.png").write_bytes(data)
    (folder / "broken.jpg").write_text("no picture")
    write_image(folder / "tiny.png", photo(0, 9, 9))
    for suffix in ("png", "bmp"):
        write_image(folder / f"twin.{suffix}", photo(1, 20, 20))
    (folder / "notes.txt").write_text("no picture")
    write_image(folder / ".hidden.png", photo(1, 20, 20))
    return folder


def files_in(folder):
    return sorted(
        p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()
    )


def test_a_folder_is_painted_once_and_what_cannot_be_is_named(
    call, tmp_path, photos, generators
):
    status, out, err = call("photos -o out --generator {}/any.tflite")
    assert (status, out.splitlines()) == (
        1,
        ["painted: 5", "passed over, as they are no pictures: 2", "out"],
    ), err
    assert err.endswith("left out 4, see left_out.txt there\n")
    painted = [f"a/{number}.png" for number in range(4)] + ["a/b/clear.name.png"]
    assert files_in(tmp_path / "out") == [*painted, "left_out.txt"]
    stylizer = Stylizer(generators / "any.tflite", large="shrink")
    for number in range(4):
        expected = stylizer(read_image(photos / "a" / f"{number}.jpg"))
        found = read_image(tmp_path / "out" / "a" / f"{number}.png")
        np.testing.assert_array_equal(found, expected)
    told = (tmp_path / "out" / "left_out.txt").read_text().splitlines()
    named = ["broken.jpg", "tiny.png", "twin.bmp", "twin.png"]
    assert [line.split(":")[0] for line in told] == [str(photos / n) for n in named]
    assert "9 x 9" in told[1] and "out/twin.png is that of 2 photos" in told[2]

    # Again: only what is missing, and what was mended since.
    kept = tmp_path / "out" / "a" / "0.png"
    kept.write_bytes(b"mine")
    (tmp_path / "out" / "a" / "1.png").unlink()
    for name in ("broken.jpg", "twin.bmp", "tiny.png"):
        (photos / name).unlink()
    status, out, _ = call("photos -o out --generator {}/any.tflite")
    assert (status, out.splitlines()[:2]) == (
        0,
        ["painted: 2", "skipped, as they are there already: 4"],
    )
    assert kept.read_bytes() == b"mine"
    assert files_in(tmp_path / "out") == [*painted, "left_out.txt", "twin.png"]
    assert (tmp_path / "out" / "left_out.txt").read_text() == ""


def test_flags_reach_the_picture(call, tmp_path, photos):
    flags = "--format webp --max-side 30 --strength 0 --threads 2"
    line = f"photos/a/b -o out/ --generator {{}}/any.tflite {flags}"
    assert call(line)[0] == 0
    assert files_in(tmp_path / "out") == ["clear.name.webp", "left_out.txt"]
    line = f"photos/a -o photos/a/out --generator {{}}/any.tflite {flags}"
    assert call(line)[1].startswith("painted: 5\n")
    assert read_image(photos / "a" / "out" / "1.webp").shape == (30, 18, 3)
    assert call(line)[1].startswith("painted: 0\nskipped, as they are there already: 5")


def test_a_file_of_one_size_leaves_the_others_out(call, tmp_path, photos):
    line = "photos/a -o out --generator {}/fixed.tflite"
    status, out, _ = call(line)
    assert status == 1 and out.startswith("painted: 1\n")
    told = (tmp_path / "out" / "left_out.txt").read_text().splitlines()
    assert len(told) == 4 and all("32 x 24" in line for line in told)


def test_two_processes_paint_the_same(call, tmp_path, photos):
    beam = "-- --direct_num_workers 2 --direct_running_mode multi_processing"
    line = "photos/a -o {1} --generator {{}}/any.tflite {0}"
    assert call(line.format("", "one"))[0] == 0
    status, out, err = call(line.format(beam, "two"))
    assert (status, out.startswith("painted: 5\n")) == (0, True), err
    for name in files_in(tmp_path / "one"):
        one, two = ((tmp_path / n / name).read_bytes() for n in ("one", "two"))
        assert one == two


@pytest.mark.parametrize(
    "line, named",
    [
        ("photos -o out --generator nowhere.tflite", "nowhere.tflite"),
        ("empty -o out --generator {}/any.tflite", "at least one picture"),
        ("no[1] -o out --generator {}/any.tflite", "no[1]"),
        ("photos -o gopher://out --generator {}/any.tflite", "gopher://out"),
        ("photos -o out --generator {}/any.tflite --strength 2", "--strength"),
        ("photos -o out --generator {}/any.tflite --max-side 8", "--max-side"),
        ("photos -o out --generator {}/any.tflite --runner X", "--runner"),
    ],
)
def test_wrong_use_is_refused_with_one_sentence(call, tmp_path, photos, line, named):
    status, _, err = call(line)
    assert status == 2 and "Traceback" not in err
    (sentence,) = [x for x in err.splitlines() if x.startswith("error: ")]
    assert named in sentence
    assert not (tmp_path / "out" / "a").exists()
