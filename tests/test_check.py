"""The check of a data set: every fault is named, and a sound set is left in peace."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from animegan_tf.data.check import (
    Finding,
    Findings,
    Thresholds,
    as_json,
    check_dataset,
    print_findings,
)
from animegan_tf.errors import InputError
from animegan_tf.files import list_images
from animegan_tf.imaging.codec import read_image, write_image
from animegan_tf.imaging.smoothing import edge_smooth, impulse_noise
from animegan_tf.imaging.superpixel import superpixels
from animegan_tf.imaging.transform import resize
from animegan_tf.samples import draw_anime, draw_photo, random_portrait

SIZE, COUNT = 64, 30
# Lines are thinner in pictures of 64 px than in those the default was made for.
THRESHOLDS = Thresholds(size=SIZE, photos=COUNT, style=COUNT, compare=COUNT, outline=60)
SEG = "seg_train_5-0.8-50"


def made_noisy(image):
    return impulse_noise(edge_smooth(image), np.random.default_rng(0))


def write(folder, name, image):
    folder.mkdir(parents=True, exist_ok=True)
    write_image(folder / name, image)


def write_photo(dataset, name, image):
    write(dataset / "train_photo", name, image)
    write(dataset / SEG, name, superpixels(image, min_size=20))


def write_anime(dataset, name, image):
    write(dataset / "Drawn" / "style", name, image)
    write(dataset / "Drawn" / "smooth", name, edge_smooth(image))
    write(dataset / "Drawn" / "smooth_noise", name, made_noisy(image))


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sound")
    for i in range(COUNT):
        write_photo(folder, f"{i:02}.png", draw_photo(random_portrait(i), SIZE))
        write_anime(folder, f"{i:02}.png", draw_anime(random_portrait(100 + i), SIZE))
    for i in range(3):
        write(folder / "val", f"{i}.png", draw_photo(random_portrait(200 + i), SIZE))
    return folder


@pytest.fixture
def dataset(sound, tmp_path):
    return Path(shutil.copytree(sound, tmp_path / "dataset"))


def check(dataset, **thresholds):
    return check_dataset(
        dataset, None, Thresholds(**{**vars(THRESHOLDS), **thresholds})
    )


def found(findings):
    return [(finding.level, finding.rule, finding.files) for finding in findings.items]


def change(folder, function, names=None):
    """Put changed pictures in the place of those of a folder."""
    for path in list_images(folder):
        if names is None or path.name in names:
            write_image(path, function(read_image(path)))


def without_partners(dataset):
    for name in (SEG, "Drawn/smooth", "Drawn/smooth_noise"):
        shutil.rmtree(dataset / name)
    return dataset


def test_nothing_is_found_in_a_sound_set(dataset):
    before = {path: path.stat().st_mtime_ns for path in dataset.rglob("*")}
    findings = check(dataset)
    assert findings.items == () and findings.errors == []
    assert findings.pictures == {"train_photo": 30, "Drawn/style": 30, "val": 3}
    assert {path: path.stat().st_mtime_ns for path in dataset.rglob("*")} == before


def test_the_thresholds_for_training_ask_for_more_pictures(sound):
    rules = {(f.level, f.rule) for f in check_dataset(sound).items}
    assert rules >= {("warning", "too few pictures"), ("warning", "too small")}


@pytest.mark.parametrize("name", ["nowhere", "file.txt"])
def test_the_data_set_must_be_a_folder(tmp_path, name):
    (tmp_path / "file.txt").write_text("")
    with pytest.raises(InputError, match=f"{name}: must be a data set's folder"):
        check_dataset(tmp_path / name)


@pytest.mark.parametrize("name", ["train_photo", "Drawn/style"])
def test_a_missing_folder_is_an_error(dataset, name):
    shutil.rmtree(dataset / name)
    (finding,) = check(dataset).errors
    assert finding.rule == "missing folder"
    assert name in finding.message or "<style>/style" in finding.message


def test_only_the_styles_named_are_checked(dataset):
    (dataset / "Other" / "style").mkdir(parents=True)
    assert check_dataset(dataset, ["Drawn"], THRESHOLDS).items == ()
    (finding,) = check_dataset(dataset, ["Drawn", "Inked"], THRESHOLDS).items
    assert finding.level == "error" and "Inked/style" in finding.message


def test_hidden_folders_and_records_of_preparation_are_no_styles(dataset):
    for name in (".half/style", "prepare/style"):
        (dataset / name).mkdir(parents=True)
    assert check(dataset).items == ()


@pytest.mark.parametrize("name", ["val", "Drawn/smooth", SEG, "Drawn/style"])
def test_an_empty_folder_is_an_error(dataset, name):
    shutil.rmtree(dataset / name)
    (dataset / name).mkdir()
    findings = check(dataset).errors
    assert [finding.rule for finding in findings] == ["empty folder"]
    assert findings[0].message.startswith(f"{name}: ")


def test_what_training_makes_itself_is_only_noted(dataset):
    without_partners(dataset)
    shutil.rmtree(dataset / "val")
    findings = check(dataset).items
    assert [(f.level, f.rule) for f in findings] == [
        ("note", "made on the fly"),
        ("note", "made on the fly"),
        ("note", "no val folder"),
    ]
    assert "Drawn/smooth, Drawn/smooth_noise" in findings[1].message


def test_undecodable_files_are_named_on_either_side(dataset):
    whole = (dataset / "train_photo" / "03.png").read_bytes()
    (dataset / "train_photo" / "03.png").write_bytes(whole[: len(whole) // 2])
    (dataset / SEG / "05.png").write_bytes(b"no picture")
    (dataset / "val" / "1.png").write_bytes(b"")
    findings = check(dataset, photos=28)
    assert found(findings) == [
        ("warning", "undecodable files", ("val/1.png",)),
        ("warning", "undecodable files", ("train_photo/03.png", f"{SEG}/05.png")),
    ]
    assert "2 files" in findings.items[1].message
    assert findings.pictures["train_photo"] == 29


def test_files_that_are_no_pictures_are_noted(dataset):
    (dataset / "train_photo" / "notes.txt").write_text("")
    (dataset / SEG / "list.csv").write_text("")
    assert found(check(dataset)) == [
        ("note", "no pictures", ("train_photo/notes.txt", f"{SEG}/list.csv"))
    ]


def test_too_few_pictures(dataset):
    assert found(check(dataset, style=31)) == [("warning", "too few pictures", ())]
    (finding,) = check(dataset, batch=31, photos=40, style=20).items[:1]
    assert finding.level == "error" and "31 usable pictures" in finding.message


def test_a_broken_partner_makes_its_picture_unusable(dataset):
    (dataset / SEG / "05.png").write_bytes(b"no picture")
    rules = [(f.level, f.rule) for f in check(dataset, batch=30).items]
    assert rules[0] == ("error", "too few pictures")


def test_mixed_sizes_matter_where_partners_are_made_already(dataset):
    image = resize(read_image(dataset / "train_photo" / "00.png"), 80, 80)
    write_photo(dataset, "00.png", image)
    (finding,) = check(dataset).items
    assert (finding.level, finding.rule) == ("warning", "mixed sizes")
    assert "29 of 64 x 64, 1 of 80 x 80" in finding.message
    levels = {f.rule: f.level for f in check(without_partners(dataset)).items}
    assert levels["mixed sizes"] == "note"


def test_pictures_that_are_not_square(dataset):
    for i in range(COUNT):
        name = f"{i:02}.png"
        image = read_image(dataset / "train_photo" / name)
        write_photo(dataset, name, resize(image, 64, 80))
    ((level, rule, files),) = found(check(dataset))
    assert (level, rule, len(files)) == ("warning", "not square", 30)


def test_pictures_smaller_than_those_of_training(dataset):
    level, rule, files = found(check(dataset, size=65, outline=0))[0]
    assert (level, rule, len(files)) == ("warning", "too small", 30)
    assert files[0] == "train_photo/00.png"


def test_a_picture_without_a_partner_is_an_error(dataset):
    (dataset / SEG / "07.png").unlink()
    assert found(check(dataset)) == [
        ("error", "unmatched pairs", ("train_photo/07.png",))
    ]


def test_a_partner_without_a_picture_is_a_warning(dataset):
    write(dataset / "Drawn" / "smooth", "x.png", np.zeros((64, 64, 3), np.uint8))
    assert found(check(dataset)) == [
        ("warning", "unmatched pairs", ("Drawn/smooth/x.png",))
    ]


def test_superpixels_of_another_size_are_checked_too(dataset):
    shutil.copytree(dataset / SEG, dataset / "seg_train_5-0.8-100")
    (dataset / "seg_train_5-0.8-100" / "01.png").unlink()
    (finding,) = check(dataset).items
    assert finding.message.startswith("seg_train_5-0.8-100: 1 of 30 pictures")


@pytest.mark.parametrize(
    "size, level, rule",
    [
        ((64, 80), "error", "different proportions"),
        ((128, 128), "warning", "different sizes"),
    ],
)
def test_pairs_of_different_shape(dataset, size, level, rule):
    change(dataset / SEG, lambda image: resize(image, *size), ["04.png"])
    assert found(check(dataset)) == [(level, rule, (f"{SEG}/04.png",))]


@pytest.mark.parametrize("name", [SEG, "Drawn/smooth", "Drawn/smooth_noise"])
def test_pairs_that_do_not_align(dataset, name):
    first, second = dataset / name / "01.png", dataset / name / "02.png"
    one, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other)
    second.write_bytes(one)
    assert found(check(dataset)) == [
        ("error", "pairs that do not align", (f"{name}/01.png", f"{name}/02.png"))
    ]


def test_smoothing_that_is_missing(dataset):
    shutil.copy(dataset / "Drawn/style/09.png", dataset / "Drawn/smooth/09.png")
    assert found(check(dataset)) == [
        ("error", "smoothing missing", ("Drawn/smooth/09.png",))
    ]


def test_smoothing_before_shrinking_is_too_weak(dataset):
    def smooth_large(image):
        return resize(edge_smooth(resize(image, 256, 256)), SIZE, SIZE)

    shutil.rmtree(dataset / "Drawn/smooth")
    shutil.copytree(dataset / "Drawn/style", dataset / "Drawn/smooth")
    change(dataset / "Drawn/smooth", smooth_large)
    ((level, rule, files),) = found(check(dataset))
    assert (level, rule, len(files)) == ("warning", "smoothing too weak", 30)


def test_noise_that_is_missing(dataset):
    shutil.copy(dataset / "Drawn/smooth/09.png", dataset / "Drawn/smooth_noise/09.png")
    assert found(check(dataset)) == [
        ("warning", "noise missing", ("Drawn/smooth_noise/09.png",))
    ]


def test_copies_inside_a_folder(dataset):
    image = read_image(dataset / "train_photo" / "00.png")
    write_photo(dataset, "copy.png", image)
    darker = (image * 0.9).astype(np.uint8)
    write_photo(dataset, "darker.png", darker)
    assert found(check(dataset)) == [
        ("warning", "duplicates", ("train_photo/copy.png = train_photo/00.png",)),
        (
            "note",
            "suspected duplicates",
            ("train_photo/darker.png ~ train_photo/00.png",),
        ),
    ]


def test_training_photos_in_val(dataset):
    image = read_image(dataset / "train_photo" / "11.png")
    write(dataset / "val", "11.png", image)
    write(dataset / "val", "large.png", resize(image, 150, 150))
    assert found(check(dataset)) == [
        ("warning", "duplicates", ("val/11.png = train_photo/11.png",)),
        ("warning", "suspected duplicates", ("val/large.png ~ train_photo/11.png",)),
    ]


def test_copies_inside_a_style(dataset):
    image = read_image(dataset / "Drawn/style/00.png")
    write_anime(dataset, "copy.png", image)
    assert found(check(dataset)) == [
        ("warning", "duplicates", ("Drawn/style/copy.png = Drawn/style/00.png",))
    ]


def grey(image):
    return np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)


def test_grey_pictures_in_a_style(dataset):
    name = "06.png"
    write_anime(dataset, name, grey(read_image(dataset / "Drawn/style" / name)))
    assert found(check(dataset)) == [
        ("warning", "monochrome style", (f"Drawn/style/{name}",))
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
        (lambda image: (image * 0.4).astype(np.uint8), "different brightness"),
        (lambda image: image // 3 + 80, "different contrast"),
        (lambda image: image // (1, 1, 3), "different hue"),
        (lambda image: cv2.addWeighted(image, 3, grey(image), -2, 0), "saturation"),
    ],
)
def test_a_style_that_is_unlike_the_photos(dataset, spoil, rule):
    without_partners(dataset)
    assert not any(f.level == "warning" for f in check(dataset).items)
    change(dataset / "Drawn/style", lambda image: spoil(image).astype(np.uint8))
    warnings = [f for f in check(dataset).items if f.level == "warning"]
    assert any(rule in f.rule and "Drawn/style" in f.message for f in warnings)
    assert not any("train_photo/" in f.message for f in warnings)


def test_small_folders_are_not_compared(dataset):
    without_partners(dataset)
    change(dataset / "Drawn/style", lambda image: (image * 0.4).astype(np.uint8))
    levels = [f.level for f in check(dataset, compare=31).items]
    assert levels == ["note", "note"]


def test_findings_come_in_one_order_the_worst_first(dataset):
    (dataset / SEG / "07.png").unlink()
    (dataset / "train_photo" / "notes.txt").write_text("")
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


def test_text_says_so_when_nothing_was_found(capsys):
    print_findings(Findings(Path("set"), {}, ()))
    assert "nothing found" in capsys.readouterr().out


def test_findings_as_json(dataset):
    (dataset / SEG / "07.png").unlink()
    content = json.loads(json.dumps(as_json(check(dataset))))
    assert content["dataset"] == str(dataset)
    assert content["pictures"]["train_photo"] == 30
    (finding,) = content["findings"]
    assert finding["level"] == "error" and finding["rule"] == "unmatched pairs"
    assert finding["files"] == ["train_photo/07.png"] and SEG in finding["message"]
