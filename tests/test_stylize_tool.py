"""Folders and patterns of photos through `tools/stylize.py`."""

import subprocess
from pathlib import Path

import corpus
import numpy as np
import pytest
from PIL import ExifTags, Image, PngImagePlugin
from runtime_standin import StandIn, negative

from animegan_tf.cli import stylize
from animegan_tf.errors import InputError
from animegan_tf.files import SUFFIXES
from animegan_tf.imaging.codec import (
    encode_image,
    read_image,
    read_image_alpha,
    write_image,
)
from animegan_tf.inference.jobs import plan_jobs


@pytest.fixture
def call(tmp_path, monkeypatch, run_here):
    """Runs the tool inside `tmp_path`; returns (exit status, stdout, stderr).

    What the generator does to a photo is tested elsewhere: here it is the negative.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(stylize, "load_runtime", lambda *_, **__: StandIn(negative))
    return lambda line: run_here("stylize.py", *line.split())


def photo(seed=0, height=18, width=24):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), "uint8")


@pytest.fixture
def photos(tmp_path):
    """Folder `photos` with two pictures in sub-folders and a text."""
    (tmp_path / "photos" / "a" / "b").mkdir(parents=True)
    write_image(tmp_path / "photos" / "a" / "one.jpg", photo(1))
    write_image(tmp_path / "photos" / "a" / "b" / "two.name.png", photo(2))
    (tmp_path / "photos" / "notes.txt").write_text("no picture")
    return tmp_path / "photos"


def files_in(folder):
    return sorted(
        p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()
    )


def test_a_folder_keeps_its_structure_and_what_is_there_is_skipped(
    call, tmp_path, photos
):
    status, out, err = call("photos -o out")
    assert status == 0, err
    assert out.splitlines() == [
        "painted: 2",
        "passed over, as they are no pictures: 1",
        "out",
    ]
    assert files_in(tmp_path / "out") == ["a/b/two.name.png", "a/one.png"]
    assert "2/2" in err

    first = tmp_path / "out" / "a" / "one.png"
    (tmp_path / "out" / "a" / "b" / "two.name.png").unlink()
    first.write_bytes(b"mine")
    status, out, _ = call("photos -o out")
    assert status == 0
    assert out.startswith("painted: 1\nskipped, as they are there already: 1\n")
    assert first.read_bytes() == b"mine"
    status, out, _ = call("photos -o out --overwrite")
    assert status == 0 and out.startswith("painted: 2\npassed over")
    assert read_image(first).shape == (18, 24, 3)


def test_bad_files_are_named_counted_and_left_out(call, tmp_path, photos):
    (photos / "a" / "broken.jpg").write_text("no picture")
    write_image(photos / "tiny.png", photo(0, 9, 9))
    status, out, err = call("photos -o out --format webp")
    assert status == 1 and out.startswith("painted: 2\n")
    told = [line for line in err.splitlines() if "left out" in line]
    assert len(told) == 3 and "photos/a/broken.jpg" in told[0]
    assert "photos/tiny.png" in told[1] and "9 x 9" in told[1]
    assert told[2] == "left out 2 of 4 files"
    assert files_in(tmp_path / "out") == ["a/b/two.name.webp", "a/one.webp"]


def test_pictures_of_the_last_call_are_no_photos_of_the_next(call, photos):
    assert call("photos -o photos/out")[0] == 0
    before = files_in(photos)
    status, out, _ = call("photos -o photos/out")
    assert status == 0 and out.startswith("painted: 0\nskipped")
    assert files_in(photos) == before


def test_flags_reach_the_picture(call, tmp_path):
    write_image(tmp_path / "photo[1].png", photo(0, 32, 40))
    flags = "--strength 0 --keep-color --compare --max-side 30 --large shrink"
    status, out, err = call(f"photo[1].png -o out.png {flags}")
    assert (status, out) == (0, "out.png\n"), err
    both = read_image(tmp_path / "out.png")
    assert both.shape == (24, 60, 3)
    np.testing.assert_array_equal(both[:, :30], both[:, 30:])
    line = "photo[1].png -o kept.png --keep-color"
    assert call(line)[0] == call("photo[1].png -o plain.png")[0] == 0
    kept, plain = (read_image(tmp_path / f"{n}.png") for n in ("kept", "plain"))
    assert np.abs(kept.astype(int) - plain).mean() > 5


def test_pictures_are_upright_and_tell_nothing_about_the_photo(call, tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Artist] = "A person"
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", "A person")
    alpha = np.full((18, 24), 255, np.uint8)
    alpha[:, :9] = 0
    image = Image.fromarray(np.dstack([photo(), alpha]))
    image.save(tmp_path / "a.png", exif=exif, pnginfo=text)
    for form in ("png", "jpg", "webp"):
        status, _, err = call(f"a.png -o out --strength 0 --format {form}")
        assert status == 0, err
        data = (tmp_path / "out" / f"a.{form}").read_bytes()
        assert b"A person" not in data and b"Exif" not in data
        with Image.open(tmp_path / "out" / f"a.{form}") as picture:
            assert picture.size == (18, 24) and not picture.getexif()
            if form != "jpg":
                turned = np.rot90(alpha, -1)
                np.testing.assert_array_equal(picture.getchannel("A"), turned)
    drawn = np.array(Image.open(tmp_path / "out" / "a.png"))
    seen = drawn[..., 3] == 255
    np.testing.assert_array_equal(drawn[seen][:, :3], np.rot90(photo(), -1)[seen])


def test_patterns_are_expanded_and_a_folder_is_painted_once(tmp_path, photos):
    def plan(*patterns):
        found = plan_jobs([str(tmp_path / p) for p in patterns], f"{tmp_path}/out/")
        pictures = [p.relative_to(tmp_path / "out").as_posix() for _, p in found.jobs]
        return pictures, found.others

    write_image(tmp_path / "own.jpg", photo())
    assert plan("*.jpg") == (["own.png"], 0)
    assert plan("own.jpg", "own.jpg") == (["own.png"], 0)
    assert plan("photos/a/*") == (["two.name.png", "one.png"], 0)
    assert plan("photos/**") == (["a/b/two.name.png", "a/one.png"], 1)
    assert plan("photos", "photos/a/one.jpg") == plan("photos")
    names = ("clips/a.MP4", "clips/b.mov", "clips/c.webm", "clips/d.avi", "clips/e.3gp")
    (tmp_path / "clips").mkdir()
    for name in names:
        (tmp_path / name).touch()
    assert plan("clips") == (["a.mp4", "b.mov", "c.mkv", "d.mkv", "e.mov"], 0)
    with pytest.raises(InputError, match="none.*jpg"):
        plan("none*.jpg")


def test_two_photos_for_one_name_are_refused_and_both_named(call, tmp_path, photos):
    write_image(photos / "a" / "one.bmp", photo())
    status, _, err = call("photos -o out")
    assert status == 2 and err.count("error:") == 1
    assert "photos/a/one.bmp" in err and "photos/a/one.jpg" in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "line, named",
    [
        ("photos -o photos", "photos"),
        ("photos -o photos/notes.txt", "notes.txt"),
        ("photos -o out.png", "out.png"),
        ("photos photos/a/one.jpg -o out.png", "out.png"),
        ("photos/a/*.jpg nowhere.jpg -o out", "nowhere.jpg"),
        ("empty -o out", "empty"),
        ("photos/a/b/two.name.png -o photos/a/b --overwrite", "two.name.png"),
        ("photos/a/one.jpg -o photos/a/one.jpg", "one.jpg"),
        ("photos/a/one.jpg -o one.png --format jpg", "--format"),
        ("photos/a/one.jpg -o out.d", "out.d"),
        ("photos/a/one.jpg -o out/ --format gif", "gif"),
        ("photos/a/one.jpg -o one.png --strength 2", "strength"),
        ("photos/a/one.jpg -o one.png --strength much", "--strength"),
    ],
)
def test_wrong_use_is_refused_with_one_sentence(call, tmp_path, photos, line, named):
    (tmp_path / "empty").mkdir()
    (tmp_path / "blocked").mkdir()
    (tmp_path / "blocked" / "a").touch()
    (tmp_path / "taken" / "one.png").mkdir(parents=True)
    before = {name: (tmp_path / name).read_bytes() for name in files_in(tmp_path)}
    status, _, err = call(line)
    assert status == 2 and "Traceback" not in err
    (sentence,) = [x for x in err.splitlines() if x.startswith("error: ")]
    assert named in sentence
    after = {name: (tmp_path / name).read_bytes() for name in files_in(tmp_path)}
    assert after == before


@pytest.mark.parametrize(
    "line, named",
    [
        ("photos -o blocked", "blocked/a"),
        ("photos/a/one.jpg -o taken", "taken/one.png"),
    ],
)
def test_what_is_in_the_way_is_named_and_kept(call, tmp_path, photos, line, named):
    (tmp_path / "blocked").mkdir()
    (tmp_path / "blocked" / "a").touch()
    (tmp_path / "taken" / "one.png").mkdir(parents=True)
    status, _, err = call(line)
    assert status == 1 and "Traceback" not in err
    assert named in err
    assert (tmp_path / "blocked" / "a").read_bytes() == b""
    assert (tmp_path / "taken" / "one.png").is_dir()


def test_a_folder_for_one_photo_is_made_where_it_is_missing(call, tmp_path):
    (tmp_path / "a.png").write_bytes(encode_image(photo()))
    status, out, _ = call("a.png -o new/folder/")
    assert status == 0 and out == "painted: 1\nnew/folder\n"
    assert files_in(tmp_path / "new") == ["folder/a.png"]


def test_odd_files_become_what_they_show_or_are_named(call, tmp_path):
    corpus.make_corpus(tmp_path / "made")
    for path in (tmp_path / "made").iterdir():  # some differ in their suffix only
        folder = tmp_path / "photos" / path.suffix[1:]
        folder.mkdir(parents=True, exist_ok=True)
        path.rename(folder / path.name)
    (tmp_path / "photos" / "folder.jpg").mkdir()
    status, out, err = call("photos -o out --strength 0")
    assert status == 1 and "Traceback" not in err
    named, painted = set(), 0
    for path in (tmp_path / "photos").glob("*/*"):
        if any(
            f"left out: photos/{path.parent.name}/{path.name}:" in x
            for x in err.splitlines()
        ):
            named.add(path.name)
        elif path.suffix in SUFFIXES:
            picture = tmp_path / "out" / path.parent.name / f"{path.stem}.png"
            image, alpha = read_image_alpha(path)
            written, kept = read_image_alpha(picture)
            shown = ... if alpha is None else alpha > 0
            np.testing.assert_array_equal(written[shown], image[shown])
            np.testing.assert_array_equal(kept, alpha)
            painted += 1
    assert corpus.UNREADABLE <= named
    too_small = named - corpus.UNREADABLE
    assert too_small and {Path(name).stem for name in too_small} == {"one_pixel"}
    assert out.startswith(f"painted: {painted}\n") and painted > 20


def test_metadata_is_kept_on_request_only(call, tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Artist] = "A person"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    Image.fromarray(photo()).save(tmp_path / "a.jpg", exif=exif)
    for form in ("png", "jpg", "webp"):
        assert call(f"a.jpg -o out --keep-metadata --format {form}")[0] == 0
        with Image.open(tmp_path / "out" / f"a.{form}") as picture:
            kept = picture.getexif()
            assert picture.size == (18, 24)
        assert kept[ExifTags.Base.Orientation] == 1
        assert kept[ExifTags.Base.Artist] == "A person"
        assert kept.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] == "N"
    Image.fromarray(photo()).save(tmp_path / "b.jpg", exif=b"Exif\0\0II*\0\xff\xff")
    assert call("b.jpg -o b.png --keep-metadata")[0] == 0


def test_links_to_themselves_are_left_out_or_replaced(call, tmp_path, photos):
    for name in ("itself", "itself.png"):
        (photos / name).symlink_to(name)
    (tmp_path / "itself.png").symlink_to("itself.png")
    status, out, err = call("photos -o out --strength 0")
    assert status == 0 and out.startswith("painted: 2\n"), err
    status, out, err = call("photos/itself.png photos/a/one.jpg -o two --strength 0")
    assert status == 1 and "left out: photos/itself.png: must be a readable" in err
    assert call("photos -o photos/itself --strength 0")[0] == 2
    assert call("photos/a/one.jpg -o itself.png --strength 0")[0] == 0
    assert not (tmp_path / "itself.png").is_symlink()


def test_thumbnails_of_a_nas_are_passed_over(call, tmp_path, photos):
    for name in (
        "@eaDir/one.jpg/SYNOPHOTO_THUMB_XL.jpg",
        ".@__thumb/one.jpg",
        "._one.jpg",
    ):
        (photos / "a" / name).parent.mkdir(parents=True, exist_ok=True)
        write_image(photos / "a" / name, photo())
    status, out, _ = call("photos -o out --strength 0")
    assert (status, out.splitlines()[0]) == (0, "painted: 2")
    status, out, _ = call("photos/a/* -o two --strength 0")
    assert (status, out.splitlines()[0]) == (0, "painted: 2")


def test_targets_that_cannot_be_are_named_and_the_others_painted(call, tmp_path):
    (tmp_path / "photos" / "sub").mkdir(parents=True)
    for name in ("a", "b", "z", "sub/c", "n" * 251):
        write_image(tmp_path / "photos" / f"{name}.bmp", photo())
    (tmp_path / "out" / "a.webp").mkdir(parents=True)
    (tmp_path / "out" / "sub").write_text("in the way")
    status, out, err = call("photos -o out --format webp --strength 0")
    assert status == 1 and out.startswith("painted: 2\n")
    assert [line for line in err.splitlines() if "left out" in line] == [
        "left out: out/a.webp: the file must be writable there, received: Is a "
        "directory.",
        f"left out: out/{'n' * 251}.webp: the file must be writable there, received: "
        "File name too long.",
        "left out: out/sub: must be a folder that can be written to, received: File "
        "exists.",
        "left out 3 of 5 files",
    ]
    assert files_in(tmp_path / "out") == ["b.webp", "sub", "z.webp"]
    # What is there and what cannot be is told apart without the system's error.
    status, out, err = call("photos -o out --format webp --strength 0")
    assert status == 1 and out.startswith("painted: 0\nskipped, as they are there")


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a file system of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("file systems cannot be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_ends_the_painting_and_leaves_whole_pictures(
    call, tmp_path, small_disk
):
    (tmp_path / "photos").mkdir()
    for number in range(9):
        write_image(tmp_path / "photos" / f"{number}.png", photo(number, 80, 80))
    status, _, err = call("photos -o disk --strength 0")
    assert status == 2 and "No space left on device" in err
    pictures = files_in(small_disk)
    assert 0 < len(pictures) < 9 and all(x.endswith(".png") for x in pictures)
    for name in pictures:
        original = read_image(tmp_path / "photos" / name)
        np.testing.assert_array_equal(read_image(small_disk / name), original)


def test_videos_lie_among_photos_and_are_painted_too(call, tmp_path, photos):
    clips = pytest.importorskip("clips", exc_type=ImportError)
    clips.write_clip(photos / "a" / "clip.avi", clips.numbered(4, 32, 40))
    (photos / "damaged.mp4").write_text("no video")
    status, out, err = call("photos -o out --strength 0 --compare --smooth 0.5")
    assert status == 1 and out.startswith("painted: 3\n"), err
    assert "left out: photos/damaged.mp4" in err and "left out 1 of 4 files" in err
    assert files_in(tmp_path / "out") == ["a/b/two.name.png", "a/clip.mkv", "a/one.png"]
    frames = clips.decoded(tmp_path / "out" / "a" / "clip.mkv")
    assert len(frames) == 4
    status, out, _ = call("photos/a/clip.avi -o own.mp4 --smooth 2")
    assert status == 2 and not (tmp_path / "own.mp4").exists()
    assert call("photos/a/clip.avi -o own.avi")[0] == 2
    assert call("photos/a/clip.avi -o own.mp4")[:2] == (0, "own.mp4\n")
