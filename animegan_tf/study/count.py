"""What the answers of a study say: shares, a ranking, agreement, and who counted."""

from collections import Counter
from itertools import combinations
from math import comb
from pathlib import Path

import numpy as np

from animegan_tf.errors import InputError
from animegan_tf.evaluation.intervals import wilson
from animegan_tf.study.answers import Visit
from animegan_tf.study.statistics import (
    PRIOR,
    bradley_terry,
    krippendorff_alpha,
    resampled_wins,
    same_answers,
)

_REPEATS = 2000


def count_visits(
    key: dict,
    visits: list[Visit],
    max_caught: int = 1,
    complete_only: bool = False,
    seed: int = 0,
) -> dict:
    """Figures of a study, ready for JSON.

    Args:
        key: as `read_key` gives it.
        visits: as `read_visits` gives them.
        max_caught: int, catch trials that a visitor may fail and still count.
        complete_only: bool, count only who answered every question.
        seed: int, of the drawing of visitors.

    Returns:
        dict of `visitors` (all of them, with the reason why one does not count),
        `pairs`, `methods`, `ranking`, `left_side`, `seconds` and what they rest on.
        `low` and `high` bound 95 % intervals: Wilson's for shares, which take answers
        as independent; of drawn visitors for the ranking, and for `visitors_low` and
        `visitors_high` of pairs. A figure that is not defined is None.

    Raises:
        InputError: nobody counts.
    """
    reasons = [_reason(visit, max_caught, complete_only) for visit in visits]
    counted = [visit for visit, reason in zip(visits, reasons) if not reason]
    answers = [answer for visit in counted for answer in visit.preferences]
    if not answers:
        raise InputError(
            "the answers of at least one visitor must count, received "
            f"{len(visits)} visitors of whom {len(visits) - len(counted)} do not."
        )
    return {
        "study": key["study"],
        "methods_compared": key["methods"],
        "visitors": [_visitor(visit, why) for visit, why in zip(visits, reasons)],
        "visitors_counted": len(counted),
        "answers_counted": len(answers),
        "max_caught": max_caught,
        "guessing_passes": _guessing_passes(key, max_caught),
        **_compared(key["methods"], counted, answers, np.random.default_rng(seed)),
    }


def _compared(methods, visits, answers, rng):
    """What the answers of the visitors who count say of methods and of themselves."""
    wins = np.stack([_wins(visit.preferences, methods) for visit in visits])
    # One visitor, drawn again and again, says nothing of others.
    drawn = resampled_wins(wins, rng, _REPEATS) if len(wins) > 1 else None
    left = sum(answer.side == "left" for answer in answers)
    seconds = np.percentile([answer.seconds for answer in answers], (25, 50, 75))
    return {
        "pairs": [
            _pair(pair, methods, answers, drawn)
            for pair in combinations(range(len(methods)), 2)
        ],
        "methods": [_method(i, methods, wins.sum(0)) for i in range(len(methods))],
        "ranking": _ranking(methods, wins.sum(0), drawn),
        "prior": PRIOR,
        "left_side": _share(left, len(answers)),
        "seconds": dict(zip(("p25", "median", "p75"), seconds.round(2).tolist())),
    }


def _reason(visit, max_caught, complete_only):
    """Why a visitor does not count, or an empty text."""
    if visit.caught > max_caught:
        return f"failed {visit.caught} of {len(visit.catches)} catch trials"
    if complete_only and len(visit.answers) < visit.asked:
        return f"answered {len(visit.answers)} of {visit.asked} questions"
    return ""


def _visitor(visit, reason):
    return {
        "visitor": visit.visitor,
        "file": str(visit.file),
        "answers": len(visit.answers),
        "asked": visit.asked,
        "catch_trials": len(visit.catches),
        "caught": visit.caught,
        "median_seconds": round(visit.median_seconds, 2),
        "not_counted": reason,
    }


def _guessing_passes(key, max_caught):
    """Chance that who answers all questions by coin passes the catch trials."""
    questions = key["questions"]
    catch = sum(None in questions[index]["options"] for index, _ in key["sheets"][0])
    return sum(comb(catch, failed) for failed in range(max_caught + 1)) / 2**catch


def _wins(answers, methods):
    wins = np.zeros((len(methods), len(methods)))
    for answer in answers:
        lost = answer.options[answer.side == "left"]
        wins[methods.index(answer.chosen), methods.index(lost)] += 1
    return wins


def _share(chosen, answers):
    low, high = wilson(int(chosen), int(answers))
    share = chosen / answers if answers else None
    return {
        "chosen": int(chosen),
        "answers": int(answers),
        "share": share,
        "low": low,
        "high": high,
    }


def _pair(pair, methods, answers, drawn):
    """Share of the first of two methods, and how far visitors agree on it."""
    names = [methods[i] for i in pair]
    answers = [answer for answer in answers if set(answer.options) == set(names)]
    chosen = Counter((answer.photo, answer.chosen) for answer in answers)
    photos = sorted({answer.photo for answer in answers})
    counts = np.array([[chosen[photo, name] for name in names] for photo in photos])
    counts = counts.reshape(-1, 2)
    low, high = _visitors_interval(pair, drawn)
    return {
        "pair": names,
        **_share(counts[:, 0].sum(), len(answers)),
        "visitors_low": low,
        "visitors_high": high,
        "same_answer": _defined(same_answers(counts)),
        "alpha": _defined(krippendorff_alpha(counts)),
    }


def _visitors_interval(pair, drawn):
    """Interval of the share of the first of a pair, over drawn visitors."""
    if drawn is None:
        return None, None
    first, second = pair
    chosen, others = drawn[:, first, second], drawn[:, second, first]
    asked = chosen + others > 0
    if not asked.any():
        return None, None
    shares = chosen[asked] / (chosen + others)[asked]
    return np.percentile(shares, (2.5, 97.5)).tolist()


def _defined(value):
    return None if np.isnan(value) else float(value)


def _method(i, methods, wins):
    return {"method": methods[i], **_share(wins[i].sum(), (wins + wins.T)[i].sum())}


def _ranking(methods, wins, drawn):
    """Methods from the best on, with 95 % percentile intervals of their strengths."""
    logs = bradley_terry(wins)
    ranking = [
        {"method": methods[i], "log_strength": float(logs[i])}
        | dict.fromkeys(("low", "high", "first"))
        for i in range(len(methods))
    ]
    if drawn is not None:
        strengths = bradley_terry(drawn)
        bounds = np.percentile(strengths, (2.5, 97.5), axis=0)
        first = np.bincount(strengths.argmax(1), minlength=len(methods)) / len(drawn)
        for row, values in zip(ranking, np.vstack([bounds, first]).T.tolist()):
            row.update(zip(("low", "high", "first"), values))
    return [ranking[i] for i in np.argsort(-logs, kind="stable")]


def as_text(figures: dict) -> str:
    """The figures as tables for a terminal.

    Args:
        figures: of `count_visits`.

    Returns:
        str of several lines.
    """
    seconds, left = figures["seconds"], figures["left_side"]
    counted, visitors = figures["visitors_counted"], len(figures["visitors"])
    return "\n\n".join(
        (
            f"Study {figures['study']}: {counted} of {visitors} visitors count, "
            f"{figures['answers_counted']} answers",
            _pairs_table(figures["pairs"]),
            _methods_table(figures["methods"]),
            _ranking_table(figures["ranking"]),
            _visitors_table(figures["visitors"]),
            "A visitor who guesses passes the catch trials with probability "
            f"{figures['guessing_passes']:.2f}.\n"
            f"The left picture was chosen in {_percent(left['share'])} "
            f"({_interval(left['low'], left['high'])}) of {left['answers']} answers.\n"
            f"An answer took {seconds['median']:.1f} s, half of them "
            f"{seconds['p25']:.1f} to {seconds['p75']:.1f} s.",
        )
    )


def _pairs_table(pairs):
    heads = ("first of a pair", "chosen", "Wilson 95 %", "visitors 95 %", "answers")
    rows = [
        (
            " / ".join(pair["pair"]),
            _percent(pair["share"]),
            _interval(pair["low"], pair["high"]),
            _interval(pair["visitors_low"], pair["visitors_high"]),
            str(pair["answers"]),
            _percent(pair["same_answer"]),
            _number(pair["alpha"]),
        )
        for pair in pairs
    ]
    return _table((*heads, "same answer", "alpha"), rows)


def _methods_table(methods):
    rows = [
        (
            row["method"],
            _percent(row["share"]),
            _interval(row["low"], row["high"]),
            str(row["answers"]),
        )
        for row in methods
    ]
    return _table(("method", "chosen", "Wilson 95 %", "answers"), rows)


def _ranking_table(ranking):
    rows = [
        (
            f"{place}. {row['method']}",
            *(_number(row[name]) for name in ("log_strength", "low", "high")),
            _percent(row["first"]),
        )
        for place, row in enumerate(ranking, 1)
    ]
    return _table(("ranking", "log strength", "from", "to", "comes first in"), rows)


def _visitors_table(visitors):
    rows = [
        (
            Path(visitor["file"]).name,
            f"{visitor['answers']} of {visitor['asked']}",
            f"{visitor['caught']} of {visitor['catch_trials']}",
            f"{visitor['median_seconds']:.1f} s",
            visitor["not_counted"] or "counted",
        )
        for visitor in visitors
    ]
    return _table(("file", "answers", "failed", "median", ""), rows)


def _interval(low, high):
    return "-" if low is None else f"{100 * low:.1f} to {100 * high:.1f}"


def _percent(value):
    return "-" if value is None else f"{100 * value:.1f} %"


def _number(value):
    # Adding 0 turns -0.0 into 0.0.
    return "-" if value is None else f"{round(value, 2) + 0:.2f}"


def _table(heads, rows):
    """Lines of cells; the first column starts at the left, the others end right."""
    rows = [heads, *rows]
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths))
        ).rstrip()
        for row in rows
    )
