"""The check of a data set: every fault is named, and a sound set is left in peace."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from animegan_tf.data.check import Findings, as_json, check_dataset, print_findings
from animegan_tf.data.rules import Finding, Thresholds
from animegan_tf.errors import InputError
from animegan_tf.files import list_images
from animegan_tf.imaging.codec import read_image, write_image
from animegan_tf.imaging.smoothing import edge_smooth, impulse_noise
from animegan_tf.imaging.superpixel import superpixels
from animegan_tf.imaging.transform import resize
from animegan_tf.samples import draw_anime, draw_photo, random_portrait

SIZE, COUNT = 64, 8
# Lines are thinner in pictures of 64 px than in those the default was made for.
THRESHOLDS = {
    **{"size": SIZE, "photos": COUNT, "style": COUNT, "compare": COUNT},
    **{"outline": 60, "batch": 4},
}
PHOTOS, SEG = "train_photo", "seg_train_5-0.8-50"
STYLE, SMOOTH, NOISY = "Drawn/style", "Drawn/smooth", "Drawn/smooth_noise"


def write(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    write_image(path, image)


def write_photo(dataset, name, image):
    write(dataset / PHOTOS / name, image)
    write(dataset / SEG / name, superpixels(image, min_size=20))


def write_anime(dataset, name, image):
    smooth = edge_smooth(image)
    write(dataset / STYLE / name, image)
    write(dataset / SMOOTH / name, smooth)
    write(dataset / NOISY / name, impulse_noise(smooth, np.random.default_rng(0)))


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sound")
    for i in range(COUNT):
        write_photo(folder, f"{i:02}.png", draw_photo(random_portrait(i), SIZE))
        write_anime(folder, f"{i:02}.png", draw_anime(random_portrait(100 + i), SIZE))
    for i in range(3):
        write(folder / f"val/{i}.png", draw_photo(random_portrait(200 + i), SIZE))
    return folder


@pytest.fixture
def dataset(sound, tmp_path):
    return Path(shutil.copytree(sound, tmp_path / "dataset"))


def check(dataset, styles=None, **thresholds):
    return check_dataset(dataset, styles, Thresholds(**{**THRESHOLDS, **thresholds}))


def found(findings):
    return [(item.level, item.rule, item.files) for item in findings.items]


def change(folder, function):
    """Put changed pictures in the place of those of a folder."""
    for path in list_images(folder):
        write_image(path, np.uint8(function(read_image(path))))


def without_partners(dataset):
    for name in (SEG, SMOOTH, NOISY):
        shutil.rmtree(dataset / name)


def test_nothing_is_found_in_a_sound_set(dataset):
    for name in (".half/style", "prepare/style"):  # no styles
        (dataset / name).mkdir(parents=True)
    before = {path: path.stat().st_mtime_ns for path in dataset.rglob("*")}
    findings = check(dataset)
    assert findings.items == () and findings.errors == []
    assert findings.pictures == {PHOTOS: COUNT, STYLE: COUNT, "val": 3}
    assert {path: path.stat().st_mtime_ns for path in dataset.rglob("*")} == before


def test_the_thresholds_for_training_ask_for_more_pictures(sound):
    rules = {(f.level, f.rule) for f in check_dataset(sound).items}
    assert rules >= {("warning", "too few pictures"), ("warning", "too small")}


@pytest.mark.parametrize("name", ["nowhere", "file.txt"])
def test_the_data_set_must_be_a_folder(tmp_path, name):
    (tmp_path / "file.txt").write_text("")
    with pytest.raises(InputError, match=f"{name}: must be a data set's folder"):
        check_dataset(tmp_path / name)


@pytest.mark.parametrize("name", [PHOTOS, STYLE])
def test_a_missing_folder_is_an_error(dataset, name):
    shutil.rmtree(dataset / name)
    (finding,) = check(dataset).errors
    assert finding.rule == "missing folder"
    assert name in finding.message or "<style>/style" in finding.message


def test_only_the_styles_named_are_checked(dataset):
    (dataset / "Other" / "style").mkdir(parents=True)
    assert check(dataset, ["Drawn"]).items == ()
    (finding,) = check(dataset, ["Drawn", "Inked"]).items
    assert finding.level == "error" and "Inked/style" in finding.message


@pytest.mark.parametrize("name", ["val", SMOOTH, SEG, STYLE])
def test_an_empty_folder_is_an_error(dataset, name):
    shutil.rmtree(dataset / name)
    (dataset / name).mkdir()
    findings = check(dataset).errors
    assert [finding.rule for finding in findings] == ["empty folder"]
    assert findings[0].message.startswith(f"{name}: ")


def test_what_training_makes_itself_is_only_noted(dataset):
    without_partners(dataset)
    shutil.rmtree(dataset / "val")
    findings = check(dataset)
    notes = "made on the fly", "made on the fly", "no val folder"
    assert found(findings) == [("note", rule, ()) for rule in notes]
    assert "Drawn/smooth, Drawn/smooth_noise" in findings.items[1].message


def test_undecodable_files_are_named_on_either_side(dataset):
    whole = (dataset / PHOTOS / "03.png").read_bytes()
    (dataset / PHOTOS / "03.png").write_bytes(whole[: len(whole) // 2])
    (dataset / SEG / "05.png").write_bytes(b"no picture")
    (dataset / "val" / "1.png").write_bytes(b"")
    findings = check(dataset, photos=COUNT - 2)
    assert found(findings) == [
        ("warning", "undecodable files", ("val/1.png",)),
        ("warning", "undecodable files", ("train_photo/03.png", f"{SEG}/05.png")),
    ]
    assert "2 files" in findings.items[1].message
    assert findings.pictures[PHOTOS] == COUNT - 1


def test_too_few_pictures(dataset):
    few = [("warning", "too few pictures", ())]
    assert found(check(dataset, style=COUNT + 1)) == few
    (finding,) = check(dataset, batch=9, photos=40, style=4).items[:1]
    assert finding.level == "error" and "9 usable pictures" in finding.message
    # A broken partner makes its picture unusable.
    (dataset / SEG / "05.png").write_bytes(b"no picture")
    assert found(check(dataset, batch=COUNT))[0] == ("error", "too few pictures", ())


def test_mixed_sizes_matter_where_partners_are_made_already(dataset):
    write_photo(
        dataset, "00.png", resize(read_image(dataset / PHOTOS / "00.png"), 80, 80)
    )
    (finding,) = check(dataset).items
    assert (finding.level, finding.rule) == ("warning", "mixed sizes")
    assert "7 of 64 x 64, 1 of 80 x 80" in finding.message
    without_partners(dataset)
    levels = {f.rule: f.level for f in check(dataset).items}
    assert levels["mixed sizes"] == "note"


def test_pictures_that_are_not_square_or_small(dataset):
    for path in list_images(dataset / PHOTOS):
        write_photo(dataset, path.name, resize(read_image(path), 64, 80))
    every = tuple(f"train_photo/{i:02}.png" for i in range(COUNT))
    assert found(check(dataset)) == [("warning", "not square", every)]
    findings = found(check(dataset, size=65, outline=0))
    assert ("warning", "too small", every) in findings


def test_superpixels_of_another_size_are_checked_too(dataset):
    shutil.copytree(dataset / SEG, dataset / "seg_train_5-0.8-100")
    (dataset / "seg_train_5-0.8-100" / "01.png").unlink()
    (finding,) = check(dataset).items
    assert finding.message.startswith("seg_train_5-0.8-100: 1 of 8 pictures")


def unlink(path):
    path.unlink()


def write_other(path):
    write(path, np.zeros((SIZE, SIZE, 3), np.uint8))


def resized(*size):
    return lambda path: write_image(path, resize(read_image(path), *size))


def copied_from(folder):
    return lambda path: shutil.copy(path.parents[1] / folder / path.name, path)


def made_grey(path):
    write_anime(path.parents[2], path.name, grey(read_image(path)))


def grey(image):
    return np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)


@pytest.mark.parametrize(
    "name, spoil, level, rule",
    [
        ("train_photo/notes.txt", Path.touch, "note", "no pictures"),
        (f"{SEG}/list.csv", Path.touch, "note", "no pictures"),
        (f"{SMOOTH}/x.png", write_other, "warning", "unmatched pairs"),
        (f"{SEG}/04.png", resized(64, 80), "error", "different proportions"),
        (f"{SEG}/04.png", resized(128, 128), "warning", "different sizes"),
        (f"{SMOOTH}/07.png", copied_from("style"), "error", "smoothing missing"),
        (f"{NOISY}/07.png", copied_from("smooth"), "warning", "noise missing"),
        (f"{STYLE}/06.png", made_grey, "warning", "monochrome style"),
    ],
)
def test_one_file_that_is_wrong_is_named(dataset, name, spoil, level, rule):
    spoil(dataset / name)
    assert found(check(dataset)) == [(level, rule, (name,))]


def test_a_picture_without_a_partner_is_an_error(dataset):
    (dataset / SEG / "07.png").unlink()
    unmatched = [("error", "unmatched pairs", ("train_photo/07.png",))]
    findings = check(dataset)
    assert found(findings) == unmatched
    content = json.loads(json.dumps(as_json(findings)))
    assert content["dataset"] == str(dataset)
    assert content["pictures"][PHOTOS] == COUNT
    (finding,) = content["findings"]
    assert (finding["level"], finding["rule"]) == unmatched[0][:2]
    assert finding["files"] == ["train_photo/07.png"] and SEG in finding["message"]


@pytest.mark.parametrize("name", [SEG, SMOOTH, NOISY])
def test_pairs_that_do_not_align(dataset, name):
    first, second = dataset / name / "01.png", dataset / name / "02.png"
    one, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other)
    second.write_bytes(one)
    assert found(check(dataset)) == [
        ("error", "pairs that do not align", (f"{name}/01.png", f"{name}/02.png"))
    ]


def test_smoothing_before_shrinking_is_too_weak(dataset):
    def smooth_large(image):
        return resize(edge_smooth(resize(image, 256, 256)), SIZE, SIZE)

    shutil.rmtree(dataset / SMOOTH)
    shutil.copytree(dataset / STYLE, dataset / SMOOTH)
    change(dataset / SMOOTH, smooth_large)
    ((level, rule, files),) = found(check(dataset))
    assert (level, rule, len(files)) == ("warning", "smoothing too weak", COUNT)


def test_copies_inside_a_folder(dataset):
    image = read_image(dataset / PHOTOS / "00.png")
    write_photo(dataset, "copy.png", image)
    write_photo(dataset, "darker.png", np.uint8(image * 0.9))
    write_anime(dataset, "copy.png", read_image(dataset / STYLE / "00.png"))
    alike = "train_photo/darker.png ~ train_photo/00.png"
    assert found(check(dataset)) == [
        ("warning", "duplicates", ("train_photo/copy.png = train_photo/00.png",)),
        ("warning", "duplicates", ("Drawn/style/copy.png = Drawn/style/00.png",)),
        ("note", "suspected duplicates", (alike,)),
    ]


def test_training_photos_in_val(dataset):
    image = read_image(dataset / PHOTOS / "05.png")
    write(dataset / "val/05.png", image)
    write(dataset / "val/large.png", resize(image, 150, 150))
    assert found(check(dataset)) == [
        ("warning", "duplicates", ("val/05.png = train_photo/05.png",)),
        ("warning", "suspected duplicates", ("val/large.png ~ train_photo/05.png",)),
    ]


def shrunk(image):
    """The head at half its size, in the lower right corner."""
    canvas = np.full_like(image, 200)
    canvas[32:, 32:] = resize(image, 32, 32)
    return canvas


@pytest.mark.parametrize(
    "spoil, rule",
    [
        (lambda image: cv2.GaussianBlur(image, (0, 0), 1), "soft outlines"),
        (shrunk, "different framing"),
        (lambda image: image * 0.4, "different brightness"),
        (lambda image: image // 3 + 80, "different contrast"),
        (lambda image: image // (1, 1, 3), "different hue"),
        (lambda image: cv2.addWeighted(image, 3, grey(image), -2, 0), "saturation"),
    ],
)
def test_a_style_that_is_unlike_the_photos(dataset, spoil, rule):
    without_partners(dataset)
    assert not any(f.level == "warning" for f in check(dataset).items)
    change(dataset / STYLE, spoil)
    warnings = [f for f in check(dataset).items if f.level == "warning"]
    assert any(rule in f.rule and STYLE in f.message for f in warnings)
    assert not any("train_photo/" in f.message for f in warnings)
    # Small folders are not compared.
    assert {f.level for f in check(dataset, compare=COUNT + 1).items} == {"note"}


def test_findings_come_in_one_order_the_worst_first(dataset):
    (dataset / SEG / "07.png").unlink()
    (dataset / PHOTOS / "notes.txt").write_text("")
    (dataset / "val" / "0.png").write_bytes(b"")
    first = check(dataset)
    assert [f.level for f in first.items] == ["error", "warning", "note"]
    assert [f.level for f in first.errors] == ["error"]
    assert check(dataset) == first


def test_findings_as_text(capsys):
    many = tuple(f"val/{i}.png" for i in range(17))
    items = (
        Finding("error", "missing folder", "train_photo: there is none."),
        Finding("warning", "too small", "val: all are.", many),
    )
    print_findings(Findings(Path("set"), {"val": 17}, items))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "set: pictures: 17 in val"
    assert lines[2].startswith("errors (") and lines[5].startswith("warnings (")
    assert lines[3] == "- missing folder: train_photo: there is none."
    assert lines[-1].strip() == (
        "val/0.png, val/1.png, val/2.png, val/3.png, val/4.png and 12 more"
    )
    assert not any(line.startswith("notes") for line in lines)
    print_findings(Findings(Path("set"), {}, ()))
    assert "nothing found" in capsys.readouterr().out
