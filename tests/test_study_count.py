"""Answers of a user study: what is read, what is refused, what is counted."""

import json
import math
import re
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize

from animegan_tf.errors import InputError
from animegan_tf.evaluation.intervals import wilson
from animegan_tf.imaging.codec import write_image
from animegan_tf.study.answers import (
    ANSWERS_FORMAT,
    read_key,
    read_visits,
)
from animegan_tf.study.count import as_text, count_visits
from animegan_tf.study.make import StudySettings, make_study
from animegan_tf.study.statistics import (
    bradley_terry,
    krippendorff_alpha,
    resampled_wins,
    same_answers,
)

METHODS = ("best", "middle", "worst")


@pytest.fixture
def call(run_here):
    """Runs the tool; returns (exit status, stdout, stderr)."""
    return lambda line: run_here("user_study.py", *line.split())


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Six photos, the pictures of three methods, and the folder of their study."""
    folder = tmp_path_factory.mktemp("inputs")
    for i, name in enumerate(("photos", *METHODS)):
        (folder / name).mkdir()
        for j in range(6):
            picture = np.full((16, 16, 3), 60 * i + 5 * j, np.uint8)
            write_image(folder / name / f"p{j}.png", picture)
    methods = {name: folder / name for name in METHODS}
    settings = StudySettings(questions=9, catch=4)
    make_study(folder / "photos", methods, folder / "study", settings)
    return folder


@pytest.fixture
def study(inputs, tmp_path, monkeypatch):
    """The study's key; the test begins beside `study` and an empty `answers`."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(inputs / "study", "study")
    Path("answers").mkdir()
    return json.loads(Path("study/key.json").read_text())


def answered(key, visitor, choose, sheet=None, number=None, seconds=2.0):
    """What the page saves for a visitor who takes `choose(question)` of the options.

    `choose` gets (photo, left option, right option) and returns one of the options.
    """
    sheet = visitor % len(key["sheets"]) if sheet is None else sheet
    answers = []
    for index, left in key["sheets"][sheet][:number]:
        left ^= visitor % 2
        question = key["questions"][index]
        options = question["options"][left], question["options"][1 - left]
        side = ("left", "right")[options.index(choose(question["photo"], *options))]
        ms = 1000 * seconds
        answers.append({"question": index, "left": left, "choice": side, "ms": ms})
    return {
        "format": ANSWERS_FORMAT,
        "study": key["study"],
        "visitor": f"{visitor:032x}",
        "sheet": sheet,
        "mirrored": bool(visitor % 2),
        "answers": answers,
    }


def saved(name, data):
    path = Path("answers") / name
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return path


def by_rank(photo, left, right):
    """Prefers what is named earlier, and fails no catch trial."""
    order = (*METHODS, None)
    return min(left, right, key=order.index)


def always_left(photo, left, right):
    return left


def read(key, *names):
    return read_visits([Path("answers") / name for name in names], key)


# Statistics against published and independent figures.


BASEBALL = np.array(
    [
        [0, 7, 9, 7, 7, 9, 11],
        [6, 0, 7, 5, 11, 9, 9],
        [4, 6, 0, 7, 7, 8, 12],
        [6, 8, 6, 0, 6, 7, 10],
        [6, 2, 6, 7, 0, 7, 12],
        [4, 4, 5, 6, 6, 0, 6],
        [2, 4, 1, 3, 1, 7, 0],
    ]
)


def test_bradley_terry_gives_the_published_strengths():
    """Seven teams of 1987, from A. Agresti, Categorical Data Analysis, section 10.6."""
    logs = bradley_terry(BASEBALL, prior=1e-9)
    expected = [1.5814, 1.4364, 1.2945, 1.2476, 1.1077, 0.6839, 0]
    np.testing.assert_allclose(logs - logs[-1], expected, atol=5e-5)
    assert logs.mean() == pytest.approx(0, abs=1e-12)


def test_bradley_terry_is_the_most_likely():
    rng = np.random.default_rng(0)
    wins = rng.integers(0, 20, (4, 4))
    total = (wins + 0.1) * (1 - np.eye(4))

    def cost(logs):
        return (total * np.logaddexp(0, logs - logs[:, None])).sum()

    found = minimize(cost, np.zeros(4), tol=1e-12).x
    np.testing.assert_allclose(bradley_terry(wins), found - found.mean(), atol=1e-5)


def test_two_methods_have_the_log_of_their_odds():
    low, high = bradley_terry(np.array([[0, 10], [30, 0]]))
    assert high - low == pytest.approx(math.log(30.1 / 10.1))


def test_a_method_that_never_wins_has_a_finite_strength():
    wins = 1000 * np.tri(8, k=-1).T
    logs = bradley_terry(wins)
    assert np.isfinite(logs).all() and (np.diff(logs) < 0).all()
    assert bradley_terry(np.zeros((3, 3))) == pytest.approx(0)
    with pytest.raises(ValueError, match="prior must be above 0, received 0"):
        bradley_terry(wins, prior=0)
    infinite = np.errstate(invalid="ignore")
    with infinite, pytest.raises(ArithmeticError, match="must settle"):
        bradley_terry(np.full((2, 2), np.inf))


def test_several_studies_are_ranked_at_once():
    wins = np.stack([BASEBALL, BASEBALL.T, 2 * BASEBALL])
    expected = [bradley_terry(one) for one in wins]
    np.testing.assert_allclose(bradley_terry(wins), expected, atol=1e-8)


def test_resampling_draws_visitors_not_answers():
    """Visitors of one mind each: as uncertain as ten answers, not as a hundred."""
    visitors = np.zeros((10, 2, 2))
    visitors[:6, 0, 1] = visitors[6:, 1, 0] = 10
    drawn = resampled_wins(visitors, np.random.default_rng(0), 4000)
    assert drawn.shape == (4000, 2, 2) and set(drawn.sum((1, 2))) == {100}
    shares = drawn[:, 0, 1] / 100
    assert shares.mean() == pytest.approx(0.6, abs=0.01)
    assert shares.std() == pytest.approx(math.sqrt(0.6 * 0.4 / 10), rel=0.1)


def reliability(*observers):
    """Counts (units, values) of Krippendorff's notation, a dot for no answer."""
    rows = [observer.split() for observer in observers]
    values = sorted({value for row in rows for value in row} - {"."})
    return np.array([[unit.count(v) for v in values] for unit in zip(*rows)])


def test_alpha_gives_krippendorffs_own_figures():
    """Examples A and C of "Computing Krippendorff's Alpha-Reliability", 2011."""
    binary = reliability("0 1 0 0 0 0 0 0 1 0", "1 1 1 0 0 1 0 0 0 0")
    assert krippendorff_alpha(binary) == pytest.approx(0.095, abs=5e-4)
    missing = reliability(
        "1 2 3 3 2 1 4 1 2 . . .",
        "1 2 3 3 2 2 4 1 2 5 . 3",
        ". 3 3 3 2 3 4 2 2 5 1 .",
        "1 2 3 3 2 4 4 1 2 5 1 .",
    )
    assert krippendorff_alpha(missing) == pytest.approx(0.743, abs=5e-4)


def test_alpha_has_its_ideal_values():
    assert krippendorff_alpha([[4, 0], [0, 4]]) == 1
    assert math.isnan(krippendorff_alpha([[4, 0], [4, 0]]))
    assert math.isnan(krippendorff_alpha([[1, 0], [0, 1]]))
    chance = np.random.default_rng(0).multinomial(6, (0.5, 0.5), 4000)
    assert abs(krippendorff_alpha(chance)) < 0.03
    # The paradox that the docstring tells of: alike, but no more within than between.
    nearly = np.random.default_rng(0).multinomial(6, (0.95, 0.05), 4000)
    assert abs(krippendorff_alpha(nearly)) < 0.03 and same_answers(nearly) > 0.9


def test_same_answers_by_hand():
    # Units of 3 and 2: (3 + 0) of 3 pairs agree, then 0 of 1; one answer is no pair.
    assert same_answers([[3, 0], [1, 1], [0, 1]]) == 3 / 4
    assert same_answers([[2, 1]]) == 1 / 3
    assert math.isnan(same_answers([[1, 0]]))


# Reading.


def test_answers_are_read_with_the_key(study):
    saved("one.json", answered(study, 3, by_rank, seconds=1.5))
    [visit], left_out = read(study, "one.json")
    assert left_out == [] and visit.visitor == f"{3:032x}"
    assert len(visit.answers) == visit.asked == 13
    assert len(visit.preferences) == 9 and len(visit.catches) == 4
    assert visit.caught == 0 and visit.median_seconds == 1.5
    for answer in visit.answers:
        assert answer.chosen == by_rank(answer.photo, *answer.options)
    expected = [study["questions"][i]["photo"] for i, _ in study["sheets"][3]]
    assert [answer.photo for answer in visit.answers] == expected


def test_a_folder_stands_for_its_files(study):
    assert "No such file" in read(study, "gone.json")[1][0][1]
    for visitor in range(3):
        saved(f"{visitor}.json", answered(study, visitor, by_rank))
    saved("note.txt", "no answers")
    visits, left_out = read_visits(["answers"], study)
    assert [visit.file.name for visit in visits] == ["0.json", "1.json", "2.json"]
    assert left_out == []
    Path("empty").mkdir()
    with pytest.raises(InputError, match="empty: must hold files of answers"):
        read_visits(["empty"], study)


def broken(key, **changes):
    return {**answered(key, 1, by_rank), **changes}


def with_answer(key, **changes):
    data = answered(key, 1, by_rank)
    data["answers"][2].update(changes)
    return data


@pytest.mark.parametrize(
    "make, named",
    [
        (lambda key: "{", "must be JSON"),
        (lambda key: "[" * 100_000, "must be JSON"),
        (lambda key: [1], "must be a file of a study's answers, received 'list'"),
        (lambda key: json.dumps(ANSWERS_FORMAT), "must be a file .* received 'str'"),
        (lambda key: broken(key, format="other"), "received 'other'"),
        (lambda key: broken(key, study="0" * 16), "must be of study .*'0000"),
        (lambda key: broken(key, visitor="me"), "visitor must be .*'me'"),
        (lambda key: broken(key, sheet=40), "sheet must be 0 to 39, received '40'"),
        (lambda key: broken(key, sheet=True), "sheet must be 0 to 39"),
        (lambda key: broken(key, mirrored=0), "mirrored must be true or false"),
        (lambda key: broken(key, mirrored=False), "left of question .* sheet"),
        (lambda key: broken(key, sheet=7), "(question|left) .*its sheet"),
        (lambda key: broken(key, answers=[]), "answers must be a list of at least"),
        (lambda key: broken(key, answers=[3]), "an answer must be an object"),
        (lambda key: with_answer(key, choice="up"), "choice must be left or right"),
        (lambda key: with_answer(key, ms=-1), "ms must be a number"),
        (lambda key: with_answer(key, ms=math.nan), "ms must be a number"),
        (lambda key: with_answer(key, ms="3"), "ms must be a number"),
        (lambda key: with_answer(key, left=None), "left of question"),
        (lambda key: with_answer(key, question="x"), "one of its sheet, once"),
        (lambda key: with_answer(key, question=[]), "one of its sheet, once"),
        (
            lambda key: with_answer(key, question=key["sheets"][1][0][0]),
            "one of its sheet, once",
        ),
    ],
)
def test_damaged_and_foreign_files_are_named_and_left_out(study, make, named):
    saved("bad.json", make(study))
    saved("good.json", answered(study, 2, by_rank))
    visits, [(path, reason)] = read(study, "bad.json", "good.json")
    assert [visit.file.name for visit in visits] == ["good.json"]
    assert path.name == "bad.json" and reason.startswith("answers/bad.json: ")
    assert reason.count("received") == 1 and reason.endswith(".")
    assert re.search(named, reason)


@pytest.mark.parametrize("names", [("early", "late"), ("late", "early")])
def test_of_two_files_of_a_visitor_the_fuller_counts(study, names):
    early = saved(f"{names[0]}.json", answered(study, 5, by_rank, number=4))
    late = saved(f"{names[1]}.json", answered(study, 5, by_rank))
    visits, [(path, reason)] = read_visits(sorted([early, late]), study)
    assert [visit.file for visit in visits] == [late] and path == early
    assert f"second file of the visitor of {late}" in reason


def test_of_equal_files_the_first_counts(study):
    for name in ("a.json", "b.json", "c.json"):
        saved(name, answered(study, 5, by_rank))
    visits, left_out = read(study, "a.json", "b.json", "c.json")
    assert [visit.file.name for visit in visits] == ["a.json"]
    assert [path.name for path, _ in left_out] == ["b.json", "c.json"]


@pytest.mark.parametrize(
    "change",
    [
        lambda key: [],
        lambda key: {**key, "format": "x"},
        lambda key: {**key, "questions": [{}]},
        lambda key: {**key, "sheets": [[[1000, 0]]]},
        lambda key: {**key, "sheets": [[[0.5, 0]]]},
        lambda key: {**key, "sheets": [[[-1, 0]]]},
        lambda key: {**key, "sheets": []},
        lambda key: {**key, "methods": ["other", "names"]},
        lambda key: {name: key[name] for name in key if name != "sheets"},
    ],
)
def test_a_damaged_key_is_refused(study, change):
    path = saved("key.json", change(study))
    with pytest.raises(InputError, match="key.json: must be the key.json of"):
        read_key(path)
    assert read_key("study/key.json") == study


# Counting.


def counted(key, *visitors, **options):
    for i, data in enumerate(visitors):
        saved(f"{i}.json", data)
    visits, left_out = read(key, *(f"{i}.json" for i in range(len(visitors))))
    assert left_out == []
    return count_visits(key, visits, **options)


def test_visitors_of_one_mind(study):
    visitors = [answered(study, i, by_rank) for i in range(8)]
    figures = counted(study, *visitors)
    assert (figures["visitors_counted"], figures["answers_counted"]) == (8, 72)
    for pair in figures["pairs"]:
        assert (pair["share"], pair["high"], pair["same_answer"]) == (1, 1, 1)
        assert pair["alpha"] is None and pair["answers"] == 24
        assert pair["low"] == wilson(24, 24)[0]
    assert [m["share"] for m in figures["methods"]] == [1, 0.5, 0]
    assert [row["method"] for row in figures["ranking"]] == list(METHODS)
    assert [row["first"] for row in figures["ranking"]] == [1, 0, 0]
    for row in figures["ranking"]:
        assert row["low"] <= row["log_strength"] <= row["high"]
    assert figures["seconds"] == {"p25": 2, "median": 2, "p75": 2}


def test_shares_are_those_of_the_answers(study):
    """Three visitors by rank and one against it, counted by hand from the files."""

    def against(photo, left, right):
        if None in (left, right):
            return left or right
        return max(left, right, key=METHODS.index)

    visitors = [answered(study, i, by_rank) for i in range(3)]
    visitors.append(answered(study, 3, against))
    figures = counted(study, *visitors)
    wins, left = Counter(), 0
    for i, visitor in enumerate(visitors):
        for answer in visitor["answers"]:
            options = study["questions"][answer["question"]]["options"]
            if None in options:
                continue
            won = options[answer["left"] ^ (answer["choice"] == "right")]
            lost = next(option for option in options if option != won)
            wins[won, lost] += 1
            left += answer["choice"] == "left"
    assert sum(wins.values()) == 36
    for pair in figures["pairs"]:
        first, second = pair["pair"]
        assert pair["chosen"] == wins[first, second] == 9
        assert pair["answers"] == 12 and pair["share"] == 0.75
        assert (pair["low"], pair["high"]) == wilson(9, 12)
        # Of four visitors, one by one: all for it in 32 %, all against in 0.4 %.
        assert (pair["visitors_low"], pair["visitors_high"]) == (0.25, 1)
    assert figures["left_side"]["chosen"] == left
    matrix = np.array([[wins[a, b] for b in METHODS] for a in METHODS])
    logs = [row["log_strength"] for row in figures["ranking"]]
    np.testing.assert_allclose(logs, bradley_terry(matrix))


def test_agreement_is_within_photos(study):
    """Half of the photos make everyone choose one method, the rest the other."""

    def by_photo(photo, left, right):
        return (
            by_rank(photo, left, right)
            if photo < "p3"
            else (
                left or right
                if None in (left, right)
                else max(left, right, key=METHODS.index)
            )
        )

    figures = counted(study, *(answered(study, i, by_photo) for i in range(12)))
    for pair in figures["pairs"]:
        assert pair["same_answer"] == pair["alpha"] == 1
        assert 0.3 < pair["share"] < 0.7


def test_who_always_takes_one_side_fails_catch_trials_and_shows_in_the_side(study):
    visitors = [answered(study, i, always_left) for i in range(4)]
    figures = counted(study, *visitors, max_caught=4)
    assert figures["left_side"]["share"] == 1
    assert [v["caught"] for v in figures["visitors"]] == [2, 2, 2, 2]
    assert all(abs(pair["share"] - 0.5) <= 0.2 for pair in figures["pairs"])
    figures = counted(study, answered(study, 9, by_rank), *visitors[1:])
    assert figures["visitors_counted"] == 1
    reasons = [visitor["not_counted"] for visitor in figures["visitors"]]
    assert reasons == ["", *["failed 2 of 4 catch trials"] * 3]


def test_guessing_passes_as_often_as_the_binomial_says(study):
    one = answered(study, 0, by_rank)
    for most, expected in ((0, 1 / 16), (1, 5 / 16), (4, 1)):
        figures = counted(study, one, max_caught=most)
        assert figures["guessing_passes"] == expected


def test_who_stopped_early_counts_unless_asked_otherwise(study):
    short, full = answered(study, 0, by_rank, number=5), answered(study, 1, by_rank)
    assert counted(study, short, full)["answers_counted"] == 14
    figures = counted(study, short, full, complete_only=True)
    assert figures["answers_counted"] == 9
    assert figures["visitors"][0]["not_counted"] == "answered 5 of 13 questions"


def test_one_visitor_gives_no_interval_over_visitors(study):
    figures = counted(study, answered(study, 0, by_rank))
    assert {row["low"] for row in figures["ranking"]} == {None}
    assert {pair["visitors_low"] for pair in figures["pairs"]} == {None}
    assert "1. best" in as_text(figures)


def test_nobody_who_counts_is_an_error(study):
    with pytest.raises(InputError, match="received 1 visitors of whom 1 do not"):
        counted(study, answered(study, 0, always_left))


def test_figures_do_not_depend_on_the_order_of_the_files(study):
    visitors = [answered(study, i, by_rank) for i in range(4)]
    visitors += [answered(study, i, lambda p, a, b: a or b) for i in range(4, 8)]
    first, second = counted(study, *visitors), counted(study, *visitors[::-1])
    for name in ("pairs", "methods", "left_side", "seconds"):
        assert first[name] == second[name]


# The tool.


def test_the_tool_makes_a_study_and_says_where_and_how_long(
    study, inputs, call, monkeypatch
):
    monkeypatch.chdir(inputs)
    line = "make --photos photos --method best=best --method worst=worst -o new"
    status, out, err = call(f"{line} --questions 5 --title Mine --max-side 64")
    assert (status, err) == (0, "")
    assert "6 photos, 2 methods; a visitor answers 5 questions and 5 catch" in out
    assert str(Path("new/study.html")) in out and str(Path("new/key.json")) in out
    assert "<title>Mine</title>" in Path("new/study.html").read_text()
    settings = read_key("new/key.json")["settings"]
    assert (settings["questions"], settings["max_side"]) == (5, 64)


def test_the_tool_counts_names_what_it_left_out_and_exits_with_1(study, call):
    for i in range(6):
        saved(f"{i}.json", answered(study, i, by_rank))
    saved("6.json", answered(study, 6, always_left))
    line = "count answers --key study/key.json --json figures.json"
    status, out, err = call(line)
    assert (status, err) == (0, "")
    assert "6 of 7 visitors count, 54 answers" in out
    assert "failed 2 of 4 catch trials" in out and "figures.json" in out
    assert [out.index(f"{i}. {m}") for i, m in enumerate(METHODS, 1)]
    figures = json.loads(Path("figures.json").read_text())
    assert figures["methods"][0]["share"] == 1 and figures["left_out"] == []
    saved("torn.json", '{"format": "animegan_tf')
    status, out, err = call(line)
    assert status == 1 and err.startswith("left out: answers/torn.json: must be JSON")
    assert "6 of 7 visitors count" in out
    assert len(json.loads(Path("figures.json").read_text())["left_out"]) == 1


def test_the_tool_refuses_in_one_sentence(study, inputs, call):
    saved("torn.json", "{")
    status, out, err = call("count answers --key study/key.json --json figures.json")
    assert (status, out) == (2, "") and "received 0 visitors" in err.splitlines()[-1]
    assert not Path("figures.json").exists()
    make = f"make --photos {inputs}/photos -o new"
    for line, named in (
        ("count answers --key study/study.html", "study.html: must be JSON"),
        ("count answers --key gone.json", "gone.json: must be a readable file"),
        ("count answers --key study/key.json --max-caught x", "--max-caught"),
        (f"{make} --method best", "NAME=DIR"),
        (f"{make} --method a=best --method a=worst", "NAME=DIR"),
        (f"{make} --method a={inputs}/best --method b=gone", "gone"),
    ):
        status, out, err = call(line)
        assert (status, out) == (2, "") and named in err and err.count("\n") == 1
    assert not Path("new").exists()
