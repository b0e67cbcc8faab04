"""Which questions a study has, and which of them each visitor sees."""

from collections import Counter
from dataclasses import dataclass
from itertools import combinations

# Visitors share sheets; with this many, hardly two of a small group have the same.
_LEAST_SHEETS = 40


@dataclass(frozen=True)
class Question:
    """A photo and two pictures; photos and methods are numbers.

    `options` are the methods of the first and the second picture. In a catch trial
    None stands for the wrong picture, and `wrong` tells which one that is: "blurred",
    or the number of another photo.
    """

    photo: int
    options: tuple[int | None, int | None]
    wrong: str | int | None = None

    @property
    def pair(self):
        """The two methods in rising order, or None for every catch trial."""
        return None if None in self.options else tuple(sorted(self.options))


def all_questions(photos: int, methods: int, catches, rng) -> list[Question]:
    """Every photo with every pair of methods, and catch trials, in random order.

    Args:
        photos, methods: int, how many there are.
        catches: list of (photo, method, wrong), as `Question` has them.
        rng: numpy Generator.

    Returns:
        list of `Question`; which picture comes first is random.
    """
    kinds = [
        (photo, pair, None)
        for photo in range(photos)
        for pair in combinations(range(methods), 2)
    ]
    kinds += [(photo, (method, None), wrong) for photo, method, wrong in catches]
    questions = []
    for i in rng.permutation(len(kinds)):
        photo, options, wrong = kinds[i]
        options = options[::-1] if rng.integers(2) else options
        questions.append(Question(photo, options, wrong))
    return questions


def catch_pictures(photos: int, methods: int, catch: int, rng):
    """Photos and methods whose pictures the catch trials set beside a wrong one.

    Args:
        photos, methods: int, how many there are.
        catch: int, catch trials of a visitor, at most photos x methods.
        rng: numpy Generator.

    Returns:
        list of (photo, method), twice as many as `catch` if there are; photos and
        methods occur as equally often as possible.
    """
    order = rng.permutation(photos)
    number = min(2 * catch, photos * methods)
    return [
        (int(order[i % photos]), (i % photos + i // photos) % methods)
        for i in range(number)
    ]


def make_sheets(questions: list[Question], preferences: int, catch: int, rng):
    """Lists of questions, each for one visitor, that are balanced in every respect.

    In a sheet the pairs of methods occur equally often, and so do the photos; either
    method of a pair is on the left in half of its questions; the right picture of a
    catch trial is on the left half of the time. Where a number cannot be divided, the
    rest is spread over the sheets. Over all sheets every question occurs equally
    often, give or take a few.

    Args:
        questions: list of `Question`.
        preferences: int, questions of a sheet that are no catch trials; at most as
            many as there are.
        catch: int, catch trials of a sheet, likewise.
        rng: numpy Generator.

    Returns:
        list of sheets; a sheet is a list of (index into `questions`, which of its
        options is on the left, 0 or 1); at least 40 sheets, and enough that each
        question occurs about twice.
    """
    groups = {}
    for index, question in enumerate(questions):
        groups.setdefault(question.pair, []).append(index)
    pairs = sorted(pair for pair in groups if pair)
    total = sum(len(groups[pair]) for pair in pairs)
    number = max(_LEAST_SHEETS, 2 * -(-total // preferences))
    used, lefts = Counter(), Counter()
    sheets = []
    for sheet in range(number):
        first = sheet * preferences
        wanted = [pairs[(first + i) % len(pairs)] for i in range(preferences)]
        wanted = [wanted[i] for i in rng.permutation(preferences)] + [None] * catch
        sheets.append(_sheet(questions, groups, wanted, used, lefts, rng))
    return sheets


def _sheet(questions, groups, wanted, used, lefts, rng):
    """One sheet with questions of the groups `wanted`; brings the counters forward."""
    photos, sheet = Counter(), {}
    for group in wanted:
        free = [index for index in groups[group] if index not in sheet]
        chance = rng.random(len(free))
        index = min(
            zip(free, chance),
            key=lambda x: (photos[questions[x[0]].photo], used[x[0]], x[1]),
        )[0]
        used[index] += 1
        photos[questions[index].photo] += 1
        # By turns the lower method of the pair, or the right picture, is on the left.
        options = questions[index].options
        lower = options.index(min(option for option in options if option is not None))
        sheet[index] = lower if lefts[group] % 2 == 0 else 1 - lower
        lefts[group] += 1
    return list(sheet.items())
