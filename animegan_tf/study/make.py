"""A user study as one page: which of two methods painted the better picture?"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from animegan_tf.errors import InputError
from animegan_tf.evaluation.pictures import check_same_cut, match_pictures
from animegan_tf.files import make_folder, write_atomic
from animegan_tf.imaging.codec import read_image
from animegan_tf.imaging.transform import resize, shrink
from animegan_tf.page.html import data_uri
from animegan_tf.settings import check_bounds, require, setting
from animegan_tf.study.page import render_page
from animegan_tf.study.plan import (
    all_questions,
    catch_pictures,
    make_sheets,
)

KEY_FORMAT = "animegan_tf study key 1"
PAGE, KEY = "study.html", "key.json"

# Two pictures are compared, and one is blurred past recognition, at this size.
_THUMBNAIL = 12
_QUALITY = 92
_TEXTS = ("title", "question", "intro", "send_to")


@dataclass(frozen=True)
class StudySettings:
    """What visitors are asked, and how often (tools/user_study.py make)."""

    questions: int = setting(
        30,
        "questions a visitor answers besides catch trials, if there are as many",
        low=1,
        high=1000,
    )
    catch: int = setting(
        5,
        "catch trials a visitor answers, in which one picture is plainly wrong",
        low=0,
        high=100,
    )
    catch_kind: str = setting(
        "blurred",
        "what is wrong: blurred past recognition, painted of a stranger, or by turns",
        choices=("blurred", "stranger", "both"),
    )
    seed: int = setting(
        0, "seed of the sheets and of the order of everything", low=0, high=2**32 - 1
    )
    max_side: int = setting(
        512, "longest side of the pictures in the page, in pixels", low=64, high=2048
    )
    title: str = setting("Which picture is better?", "heading of the page")
    question: str = setting(
        "Which is the better anime picture that still looks like the person?",
        "what is asked of each photo",
    )
    intro: str = setting(
        "You will see photos of people, and two anime pictures of each that were made "
        "by different computer programs. Choose the better one.",
        "what the first page says the study is about",
    )
    send_to: str = setting(
        "Please send it to the person who gave you this page.",
        "what visitors shall do with the file of their answers",
    )


@dataclass(frozen=True)
class Study:
    """What was made: the page for visitors, the key, and how much visitors answer."""

    page: Path
    key: Path
    photos: int
    questions: int
    catch: int
    sheets: int


@dataclass(frozen=True)
class _Picture:
    uri: str
    width: int
    height: int
    thumbnail: np.ndarray


def make_study(
    photos: Path,
    methods: dict[str, Path],
    folder: Path,
    settings: StudySettings = StudySettings(),
) -> Study:
    """Write a study's page and its key; equal pictures and settings give equal bytes.

    Names of methods and files are in the key alone: without it answers cannot be
    read. Pictures are reduced to `settings.max_side` and stored as JPEG of quality 92
    without chroma subsampling.

    Args:
        photos: folder of photos.
        methods: at least two; name of each and the folder of its pictures, which have
            the names of the photos but for the ending.
        folder: receives `study.html` and `key.json`; made if missing.
        settings: `StudySettings`.

    Returns:
        `Study`.

    Raises:
        InputError: a setting is out of range, a picture is missing, unreadable or of
            other proportions, or `folder` holds the key of another study.
    """
    _check(settings, methods)
    matched = match_pictures(photos, methods)
    stems, method_files = matched.stems, list(matched.methods.values())
    _check_catch(settings, len(stems), len(methods))
    images = _read_all(matched.photos, method_files, settings.max_side)
    rng = np.random.default_rng(settings.seed)
    catches = _add_wrong(images, len(stems), len(methods), settings, rng)
    questions = all_questions(len(stems), len(methods), catches, rng)
    asked = min(settings.questions, len(questions) - len(catches))
    sheets = make_sheets(questions, asked, settings.catch, rng)
    data = _page_data(images, questions, sheets, rng)
    texts = {name: getattr(settings, name) for name in _TEXTS}
    data["id"] = hashlib.sha256(script_json([data, texts]).encode()).hexdigest()[:16]
    key = {
        "format": KEY_FORMAT,
        "study": data["id"],
        "methods": list(methods),
        "settings": asdict(settings),
        "questions": [_named(question, stems, list(methods)) for question in questions],
        "sheets": sheets,
    }
    page = render_page(script_json(data), texts, asked + settings.catch, settings.catch)
    folder = make_folder(Path(folder))
    _write(folder, key, page)
    counts = (len(stems), asked, settings.catch, len(sheets))
    return Study(folder / PAGE, folder / KEY, *counts)


def script_json(data) -> str:
    """JSON that may stand inside an HTML script element."""
    text = json.dumps(data, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def _check(settings, methods):
    check_bounds(settings)
    for name in _TEXTS:
        require(settings, name, getattr(settings, name).strip(), "a text")
    if len(methods) < 2:
        raise InputError(
            f"at least two methods must be compared, received {len(methods)}."
        )


def _check_catch(settings, photos, methods):
    if settings.catch > photos * methods:
        raise InputError(
            f"--catch must be at most {photos * methods}, the number of pictures, "
            f"received {settings.catch}."
        )
    if settings.catch and settings.catch_kind != "blurred" and photos < 2:
        raise InputError(
            f"--catch-kind {settings.catch_kind} must have two photos or more, "
            f"received {photos}."
        )


def _read_all(photo_files, method_files, max_side):
    """Pictures by what they are: ("photo", photo) or (method, photo)."""
    images = {}
    for photo, path in enumerate(tqdm(photo_files, unit="photo", delay=1)):
        images["photo", photo] = _picture(shrink(read_image(path), max_side))
        for method, files in enumerate(method_files):
            images[method, photo] = _picture(shrink(read_image(files[photo]), max_side))
            first, other = images[0, photo], images[method, photo]
            check_same_cut(
                files[photo],
                (other.height, other.width),
                method_files[0][photo],
                (first.height, first.width),
            )
    return images


def _picture(image):
    height, width = image.shape[:2]
    thumbnail = resize(image, _THUMBNAIL, _THUMBNAIL)
    # Thin lines of one colour on another lose it where chroma is subsampled.
    uri = data_uri(image, _QUALITY, subsampling=0)
    return _Picture(uri, width, height, thumbnail)


def _add_wrong(images, photos, methods, settings, rng):
    """Catch trials as (photo, method, wrong); blurred pictures join `images`."""
    catches = []
    chosen = catch_pictures(photos, methods, settings.catch, rng)
    for i, (photo, method) in enumerate(chosen):
        if settings.catch_kind == "stranger" or settings.catch_kind == "both" and i % 2:
            catches.append((photo, method, _least_alike(images, photos, photo, method)))
            continue
        catches.append((photo, method, "blurred"))
        right = images[method, photo]
        blurred = _picture(resize(right.thumbnail, right.width, right.height))
        images["blurred", method, photo] = blurred
    return catches


def _least_alike(images, photos, photo, method):
    """The photo whose picture by the same method differs most."""
    right = images[method, photo].thumbnail.astype(int)
    distances = [
        np.abs(images[method, other].thumbnail - right).sum() for other in range(photos)
    ]
    return int(np.argmax(distances))


def _page_data(images, questions, sheets, rng):
    """What the page needs to know; pictures in random order, without names."""
    names = list(images)
    names = [names[i] for i in rng.permutation(len(names))]
    number = {name: i for i, name in enumerate(names)}
    return {
        "pictures": [images[name].uri for name in names],
        "questions": [
            [
                number["photo", question.photo],
                *(number[_shown(question, option)] for option in question.options),
            ]
            for question in questions
        ],
        "sheets": sheets,
        "ratio": round(min(i.width / i.height for i in images.values()), 4),
    }


def _shown(question, option):
    """What is seen as an option of a question, as a name among the pictures."""
    if option is not None:
        return option, question.photo
    [method] = [option for option in question.options if option is not None]
    if question.wrong == "blurred":
        return "blurred", method, question.photo
    return method, question.wrong


def _named(question, stems, methods):
    """A question as the key has it."""
    names = [None if option is None else methods[option] for option in question.options]
    named = {"photo": stems[question.photo], "options": names}
    if question.wrong is not None:
        stranger = question.wrong != "blurred"
        named["wrong"] = f"of {stems[question.wrong]}" if stranger else "blurred"
    return named


def _write(folder, key, page):
    """Key first: a page without its key would gather answers that nobody can read."""
    path = folder / KEY
    if path.exists():
        try:
            before = json.loads(path.read_bytes())["study"]
        except (ValueError, TypeError, KeyError, RecursionError):
            before = "unknown"
        if before != key["study"]:
            raise InputError(
                f"{path}: must be moved away before another study is made there, "
                f"received the key of study {before}, whose answers need it."
            )
    write_atomic(path, (json.dumps(key) + "\n").encode())
    write_atomic(folder / PAGE, page.encode())
