"""The files that visitors hand in, checked and read with a study's key."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from animegan_tf.errors import InputError
from animegan_tf.study.make import KEY_FORMAT

ANSWERS_FORMAT = "animegan_tf study answers 1"
_SIDES = ("left", "right")


@dataclass(frozen=True)
class Answer:
    """The options of a question, left one first, and which was chosen.

    Options are names of methods, or None for the wrong picture of a catch trial.
    """

    photo: str
    options: tuple[str | None, str | None]
    side: str
    seconds: float

    @property
    def chosen(self):
        return self.options[_SIDES.index(self.side)]

    @property
    def is_catch(self):
        return None in self.options


@dataclass(frozen=True)
class Visit:
    """What one visitor answered; `asked` is how many questions there were."""

    file: Path
    visitor: str
    answers: tuple[Answer, ...]
    asked: int

    @property
    def preferences(self):
        return [answer for answer in self.answers if not answer.is_catch]

    @property
    def catches(self):
        return [answer for answer in self.answers if answer.is_catch]

    @property
    def caught(self):
        """How many catch trials were failed."""
        return sum(answer.chosen is None for answer in self.catches)

    @property
    def median_seconds(self):
        return float(np.median([answer.seconds for answer in self.answers]))


def read_key(path: Path) -> dict:
    """The key of a study.

    Args:
        path: `key.json` of `make_study`.

    Returns:
        dict; `study`, `methods`, `questions` and `sheets` are as `make_study` wrote
        them.

    Raises:
        InputError: the file cannot be read or is no such key.
    """
    key = _load(path)
    try:
        methods, questions = key["methods"], key["questions"]
        sound = (
            key["format"] == KEY_FORMAT
            and len(key["sheets"]) > 0
            and isinstance(key["study"], str)
            and all(isinstance(method, str) for method in methods)
            and all(_is_question(question, methods) for question in questions)
            and all(
                questions[index] and index >= 0 and left in (0, 1)
                for sheet in key["sheets"]
                for index, left in sheet
            )
        )
    except (TypeError, ValueError, LookupError):
        sound = False
    if not sound:
        raise InputError(
            f"{path}: must be the key.json of tools/user_study.py make, received "
            f"other or damaged content."
        )
    return key


def _is_question(question, methods):
    first, second = question["options"]
    known = {*methods, None}
    return isinstance(question["photo"], str) and {first, second} <= known


def read_visits(paths, key: dict) -> tuple[list[Visit], list[tuple[Path, str]]]:
    """What visitors answered, and the files that are no answers to this study.

    Of several files of one visitor the one with most answers counts.

    Args:
        paths: files of answers; a folder stands for the `*.json` in it.
        key: as `read_key` gives it.

    Returns:
        list of `Visit` in the order of the files, and list of (path, sentence that
        names it and says why it was left out).

    Raises:
        InputError: a folder holds no such file.
    """
    visits, left_out = {}, []
    for path in _files(paths):
        try:
            visit = _read_visit(path, key)
        except InputError as error:
            left_out.append((path, str(error)))
            continue
        kept = visits.get(visit.visitor, visit)
        if kept is not visit:
            worse, kept = sorted((visit, kept), key=lambda v: len(v.answers))
            left_out.append((worse.file, _twice(worse, kept)))
        visits[visit.visitor] = kept
    return list(visits.values()), left_out


def _twice(worse, kept):
    return (
        f"{worse.file}: must be of another visitor than the other files, received a "
        f"second file of the visitor of {kept.file}."
    )


def _files(paths):
    files = []
    for path in map(Path, paths):
        found = sorted(path.glob("*.json")) if path.is_dir() else [path]
        if not found:
            raise InputError(f"{path}: must hold files of answers, received no *.json.")
        files += found
    return files


def _load(path):
    try:
        return json.loads(Path(path).read_bytes())
    except OSError as error:
        raise InputError(
            f"{path}: must be a readable file, received: {error.strerror}."
        ) from error
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path}: must be JSON, received other or damaged content."
        ) from error


def _read_visit(path, key):
    """Checks all that a page writes: a half-copied or edited file must not count."""

    def require(condition, rule, received):
        if not condition:
            raise InputError(f"{path}: {rule}, received {str(received)[:60]!r}.")

    data = _load(path)
    kind = data.get("format") if isinstance(data, dict) else type(data).__name__
    require(kind == ANSWERS_FORMAT, "must be a file of a study's answers", kind)
    study, visitor, sheet = (data.get(k) for k in ("study", "visitor", "sheet"))
    require(study == key["study"], f"must be of study {key['study']}", study)
    right = isinstance(visitor, str) and re.fullmatch("[0-9a-f]{32}", visitor)
    require(right, "visitor must be 32 hexadecimal digits", visitor)
    sheets = key["sheets"]
    right = type(sheet) is int and 0 <= sheet < len(sheets)
    require(right, f"sheet must be 0 to {len(sheets) - 1}", sheet)
    mirrored, answers = data.get("mirrored"), data.get("answers")
    require(type(mirrored) is bool, "mirrored must be true or false", mirrored)
    right = isinstance(answers, list) and answers
    require(right, "answers must be a list of at least one", answers)
    expected = {index: left ^ mirrored for index, left in sheets[sheet]}
    read = tuple(_read_answer(a, expected, key["questions"], require) for a in answers)
    return Visit(Path(path), visitor, read, len(sheets[sheet]))


def _read_answer(answer, expected, questions, require):
    """One answer; its question is taken out of those that are `expected`."""
    require(isinstance(answer, dict), "an answer must be an object", answer)
    index, left, side, ms = (
        answer.get(k) for k in ("question", "left", "choice", "ms")
    )
    right = type(index) is int and index in expected
    require(right, "a question must be one of its sheet, once", index)
    right = type(left) is int and left == expected.pop(index)
    require(right, f"left of question {index} must be as in its sheet", left)
    require(side in _SIDES, "choice must be left or right", side)
    right = type(ms) in (int, float) and 0 <= ms < float("inf")
    require(right, "ms must be a number of milliseconds", ms)
    options = questions[index]["options"]
    options = tuple(options[::-1] if left else options)
    return Answer(questions[index]["photo"], options, side, ms / 1000)
