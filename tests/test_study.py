"""The page of a user study: its plan, its pictures, and what it does not tell."""

import base64
import hashlib
import json
import re
from collections import Counter
from io import BytesIO
from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from animegan_tf.errors import InputError
from animegan_tf.imaging.codec import write_image
from animegan_tf.study.make import StudySettings, make_study
from animegan_tf.study.plan import (
    all_questions,
    catch_pictures,
    make_sheets,
)

# With a character that base64 has not.
STEMS = ("anna-1", "bela-1", "cora-1", "dora-1")
METHODS = ("oursecret", "theirsecret", "thirdsecret")


def drawing(seed, height=48, width=40):
    """A picture of its own colour and with detail."""
    rng = np.random.default_rng(seed)
    ground = rng.integers(60, 190, 3)
    return np.uint8(ground + rng.integers(-50, 50, (height, width, 1)))


@pytest.fixture
def folders(tmp_path):
    """Folder of photos, and of each method's pictures by its name."""
    for i, name in enumerate(("photos", *METHODS)):
        (tmp_path / name).mkdir()
        for j, stem in enumerate(STEMS):
            ending = "jpg" if name == "thirdsecret" else "png"
            write_image(tmp_path / name / f"{stem}.{ending}", drawing(10 * i + j))
    return tmp_path / "photos", {name: tmp_path / name for name in METHODS}


def made(folders, folder, **settings):
    """Text of the page, what it holds as data, and the key."""
    study = make_study(*folders, folder, StudySettings(**settings))
    page = study.page.read_text("utf-8")
    data = re.search(r'<script id="data"[^>]*>(.*?)</script>', page, re.S)[1]
    return page, json.loads(data), json.loads(study.key.read_text("utf-8"))


def decoded(uri):
    content = base64.b64decode(uri.removeprefix("data:image/jpeg;base64,"))
    return Image.open(BytesIO(content))


# The plan.


def sheets_of(photos, methods, preferences, catch, seed=0):
    rng = np.random.default_rng(seed)
    catches = [
        (photo, method, "blurred")
        for photo, method in catch_pictures(photos, methods, catch, rng)
    ]
    questions = all_questions(photos, methods, catches, rng)
    return questions, make_sheets(questions, preferences, catch, rng)


def test_questions_are_all_pairs_of_every_photo_and_the_catch_trials():
    questions, _ = sheets_of(5, 4, 30, 3)
    preferences = [q for q in questions if q.wrong is None]
    expected = {(p, pair) for p in range(5) for pair in combinations(range(4), 2)}
    assert {(q.photo, q.pair) for q in preferences} == expected
    assert len(preferences) == 30 and len(questions) == 36
    assert {q.wrong for q in questions if q.pair is None} == {"blurred"}
    first = [q.options[0] == min(q.options) for q in preferences]
    assert 5 < sum(first) < 25


@pytest.mark.parametrize("photos, methods, catch", [(4, 4, 8), (3, 2, 3), (1, 5, 5)])
def test_catch_trials_differ_and_spread_over_photos_and_methods(photos, methods, catch):
    chosen = catch_pictures(photos, methods, catch, np.random.default_rng(0))
    assert len(set(chosen)) == len(chosen) == min(2 * catch, photos * methods)
    for i, number in ((0, photos), (1, methods)):
        counts = Counter(pair[i] for pair in chosen)
        assert len(counts) == min(number, len(chosen))
        assert max(counts.values()) - min(counts.values()) <= 1 or number == 1


@pytest.mark.parametrize(
    "photos, methods, preferences, catch",
    [(12, 3, 30, 5), (20, 2, 20, 4), (7, 4, 10, 0), (40, 2, 15, 5), (1, 3, 2, 1)],
)
def test_every_sheet_is_balanced_and_so_are_all_together(
    photos, methods, preferences, catch
):
    questions, sheets = sheets_of(photos, methods, preferences, catch)
    assert len(sheets) >= 40
    for sheet in sheets:
        indices = [index for index, _ in sheet]
        assert len(set(indices)) == len(sheet) == preferences + catch
        pairs = Counter(questions[index].pair for index in indices)
        assert pairs.pop(None, 0) == catch
        assert max(pairs.values()) - min(pairs.values()) <= 1
        assert len(pairs) == min(preferences, methods * (methods - 1) // 2)
        shown = Counter(questions[index].photo for index in indices)
        assert max(shown.values()) <= len(sheet) // photos + 2
    used = Counter(index for sheet in sheets for index, _ in sheet)
    for kind in (True, False):
        times = [
            used[i] for i, q in enumerate(questions) if (q.pair is None) == kind
        ] or [0]
        assert max(times) - min(times) <= 2
    pairs = Counter(questions[i].pair for i, _ in sum(sheets, []) if questions[i].pair)
    assert max(pairs.values()) - min(pairs.values()) <= 1


def test_either_side_is_as_frequent_for_either_method():
    questions, sheets = sheets_of(12, 3, 30, 4)
    for sheet in sheets:
        lower_left = Counter()
        for index, left in sheet:
            options = questions[index].options
            other = options[1 - left]
            lower = other is None or options[left] is not None and options[left] < other
            lower_left[questions[index].pair] += lower
        assert set(lower_left.values()) <= {5, 2}
        assert lower_left[None] == 2


def test_sheets_depend_on_the_seed_alone():
    assert sheets_of(6, 2, 5, 2) == sheets_of(6, 2, 5, 2)
    assert sheets_of(6, 2, 5, 2) != sheets_of(6, 2, 5, 2, seed=1)


# The page and its key.


def test_the_page_shows_what_the_key_says(folders, tmp_path):
    page, data, key = made(folders, tmp_path / "study", catch=3, catch_kind="both")
    assert len(data["questions"]) == len(key["questions"]) == 12 + 6
    assert data["sheets"] == key["sheets"] and data["id"] == key["study"]
    photos, methods = folders
    kinds = Counter()
    for shown, question in zip(data["questions"], key["questions"]):
        wrong = question.get("wrong")
        kinds[wrong and wrong.split()[0]] += 1
        files = [photos / f"{question['photo']}.png"]
        for option in question["options"]:
            right = next(filter(None, question["options"]))
            stem = question["photo"]
            if option is None and wrong != "blurred":
                stem = wrong.removeprefix("of ")
                assert stem != question["photo"]
            files += methods[option or right].glob(f"{stem}.*")
        for i, (number, file) in enumerate(zip(shown, files, strict=True)):
            image = np.asarray(decoded(data["pictures"][number])).astype(int)
            true = np.asarray(Image.open(file).convert("RGB")).astype(int)
            blurred = i and question["options"][i - 1] is None and wrong == "blurred"
            # Of the same colour in any case; the detail is lost where it should be.
            assert np.abs(image.mean((0, 1)) - true.mean((0, 1))).max() < 4
            assert (np.abs(image - true).mean() < 8) != blurred
    assert kinds == {None: 12, "blurred": 3, "of": 3}


def test_the_page_tells_no_names(folders, tmp_path):
    page, _, key = made(folders, tmp_path / "study")
    assert key["methods"] == list(METHODS)
    assert {question["photo"] for question in key["questions"]} == set(STEMS)
    for name in (*METHODS, *STEMS, str(tmp_path)):
        assert name not in page


def test_the_page_asks_no_network_and_runs_only_its_own_script(folders, tmp_path):
    page, _, _ = made(folders, tmp_path / "study")
    assert not re.search(r"https?:|//[a-z]|@import|url\(|srcset|<iframe|<form", page)
    assert set(re.findall(r' (?:src|href)="([^"]*)"', page)) == {"data:,"}
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'" and rules["img-src"] == "data:"
    for tag, rule in (("style", "style-src"), ("script", "script-src")):
        [text] = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.S)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"


def test_texts_of_the_user_are_shown_as_they_are(folders, tmp_path):
    evil = "</script><b>&\"'$title"
    texts = {name: f"{name} {evil}" for name in ("title", "question", "intro")}
    page, _, _ = made(folders, tmp_path / "study", **texts, send_to=evil)
    assert page.count("</script>") == 2 and "<b>" not in page
    for name in texts:
        assert f"{name} &lt;/script&gt;&lt;b&gt;&amp;&#34;&#39;$title" in page


def test_the_page_says_how_long_it_takes_and_that_it_checks(folders, tmp_path):
    page, _, _ = made(folders, tmp_path / "a", questions=9, catch=1)
    assert "There are 10 questions. They take about 1 minute." in page
    assert "Some questions check" in page
    page, _, _ = made(folders, tmp_path / "b", questions=9, catch=0)
    assert "There are 9 questions" in page and "Some questions check" not in page


def test_a_visitor_answers_at_most_what_there_is(folders, tmp_path):
    study = make_study(*folders, tmp_path / "study", StudySettings(questions=100))
    assert (study.photos, study.questions, study.catch) == (4, 12, 5)


def test_pictures_are_reduced_and_keep_their_colour_in_thin_lines(tmp_path):
    lines = np.full((60, 90, 3), (0, 0, 255), np.uint8)
    lines[::2] = (255, 0, 0)
    for name in ("photos", "a", "b"):
        (tmp_path / name).mkdir()
        write_image(tmp_path / name / "one.png", lines)
    wide = np.tile(lines, (3, 3, 1))
    write_image(tmp_path / "b" / "one.png", wide)
    folders = tmp_path / "photos", {"a": tmp_path / "a", "b": tmp_path / "b"}
    _, data, _ = made(folders, tmp_path / "study", max_side=100, catch=0)
    images = [decoded(uri) for uri in data["pictures"]]
    assert Counter(i.size for i in images) == {(90, 60): 2, (100, 67): 1}
    assert data["ratio"] == pytest.approx(100 / 67, abs=1e-4)
    contrast = [np.asarray(i)[10:12, 40].astype(int) for i in images]
    assert sum((pixels[0] - pixels[1])[0] > 200 for pixels in contrast) == 2


def test_equal_input_gives_equal_bytes_and_another_seed_another_study(
    folders, tmp_path
):
    first = made(folders, tmp_path / "a", catch=0)
    assert first == made(folders, tmp_path / "b", catch=0)
    other = made(folders, tmp_path / "c", catch=0, seed=1)
    assert other[1]["id"] != first[1]["id"]
    assert sorted(other[1]["pictures"]) == sorted(first[1]["pictures"])
    assert other[1]["pictures"] != first[1]["pictures"]


def test_a_stranger_is_the_one_least_alike(tmp_path):
    greys = {"a": 10, "b": 60, "c": 250}
    for name in ("photos", "x", "y"):
        (tmp_path / name).mkdir()
        for stem, grey in greys.items():
            image = np.full((32, 32, 3), grey, np.uint8)
            write_image(tmp_path / name / f"{stem}.png", image)
    folders = tmp_path / "photos", {name: tmp_path / name for name in ("x", "y")}
    _, _, key = made(folders, tmp_path / "study", catch=6, catch_kind="stranger")
    found = {q["photo"]: q["wrong"] for q in key["questions"] if "wrong" in q}
    assert found == {"a": "of c", "b": "of c", "c": "of a"}


# What is refused.


def refused(folders, folder, named, **settings):
    with pytest.raises(InputError, match=named) as error:
        make_study(*folders, folder, StudySettings(**settings))
    assert str(error.value).endswith(".") and not folder.exists()


def test_unmatched_names_are_refused_and_listed(folders, tmp_path):
    for stem in ("e1", "e2", "e3"):
        write_image(folders[1]["oursecret"] / f"{stem}.png", drawing(0))
    (folders[1]["oursecret"] / "anna-1.png").unlink()
    named = (
        r"oursecret: .* received 4 in one of the two only: anna-1, e1, e2, \.\.\.\.$"
    )
    refused(folders, tmp_path / "study", named)


def test_two_pictures_of_one_name_are_refused(folders, tmp_path):
    write_image(folders[0] / "bela-1.jpg", drawing(0))
    refused(folders, tmp_path / "study", "photos: .* one picture of each name.* bela-1")


def test_other_proportions_and_damaged_pictures_are_refused(folders, tmp_path):
    path = folders[1]["theirsecret"] / "cora-1.png"
    write_image(path, drawing(0, 48, 39))
    refused(folders, tmp_path / "study", "cora-1.png: .*40 x 48, received 39 x 48")
    path.write_bytes(b"no picture")
    refused(folders, tmp_path / "study", "theirsecret/cora-1.png: must be a readable")


@pytest.mark.parametrize(
    "settings, named",
    [
        ({"questions": 0}, "--questions must be from 1 to 1000, received 0"),
        ({"catch": -1}, "--catch must be from 0 to 100, received -1"),
        ({"catch": 13}, "--catch must be at most 12, the number of pictures"),
        ({"max_side": 10}, "--max-side must be from 64 to 2048, received 10"),
        ({"seed": -1}, "--seed must be from 0 to"),
        ({"question": " "}, "--question must be a text"),
    ],
)
def test_settings_out_of_range_are_refused(folders, tmp_path, settings, named):
    refused(folders, tmp_path / "study", named, **settings)


def test_one_method_or_one_photo_with_strangers_is_refused(folders, tmp_path):
    photos, methods = folders
    one = {"oursecret": methods["oursecret"]}
    refused((photos, one), tmp_path / "study", "two methods must be .* received 1")
    for folder in (photos, *methods.values()):
        for path in folder.iterdir():
            if path.stem != "anna-1":
                path.unlink()
    named = "--catch-kind stranger must have two photos or more, received 1"
    refused(folders, tmp_path / "study", named, catch=1, catch_kind="stranger")


def test_the_key_of_another_study_is_never_overwritten(folders, tmp_path):
    study = make_study(*folders, tmp_path / "study")
    before = study.key.read_bytes(), study.page.read_bytes()
    make_study(*folders, tmp_path / "study")
    with pytest.raises(InputError, match="key.json: must be moved away"):
        make_study(*folders, tmp_path / "study", StudySettings(seed=5))
    assert before == (study.key.read_bytes(), study.page.read_bytes())
    study.key.write_text("damaged")
    with pytest.raises(InputError, match="the key of study unknown"):
        make_study(*folders, tmp_path / "study")
