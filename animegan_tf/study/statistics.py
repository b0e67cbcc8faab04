"""A ranking and agreement, from numbers of answers."""

import math

import numpy as np

# Answers that every method is given against every other, each way round. Without
# them a method that never won would have no finite strength.
PRIOR = 0.1
_TOLERANCE, _MOST_STEPS = 1e-10, 10_000


def bradley_terry(wins, prior: float = PRIOR):
    """Log strengths under which the answers are most likely, with mean 0.

    A method of strength p is preferred to one of strength q with probability
    p / (p + q). Hunter's MM algorithm finds the maximum, but took up to 8,000 steps
    where one method wins nearly always; Newman's iteration has the same fixed point
    and took 15.

    Args:
        wins: float64 (..., methods, methods); `[i, j]` is how often i was preferred
            to j. The diagonal does not count.
        prior: float above 0, wins that each method gets against each other one.

    Returns:
        float64 (..., methods).

    Raises:
        ValueError: `prior` is not above 0.
        ArithmeticError: `wins` are not finite.

    Reference:
        D. R. Hunter, "MM Algorithms for Generalized Bradley-Terry Models", Annals of
        Statistics 32(1), 2004. M. E. J. Newman, "Efficient Computation of Rankings
        from Pairwise Comparisons", JMLR 24(238), 2023.
    """
    if not prior > 0:
        raise ValueError(f"prior must be above 0, received {prior}.")
    methods = np.shape(wins)[-1]
    wins = (np.asarray(wins, float) + prior) * (1 - np.eye(methods))
    logs = np.zeros(wins.shape[:-1])
    for _ in range(_MOST_STEPS):
        strengths = np.exp(logs)
        for i in range(methods):
            sums = strengths[..., i, None] + strengths
            won = (wins[..., i, :] * strengths / sums).sum(-1)
            strengths[..., i] = won / (wins[..., :, i] / sums).sum(-1)
        new = np.log(strengths)
        new -= new.mean(-1, keepdims=True)
        change, logs = np.abs(new - logs).max(), new
        if change < _TOLERANCE:
            return logs
    raise ArithmeticError("the strengths must settle, received wins without a maximum.")


def resampled_wins(wins, rng, repeats: int = 2000):
    """Answers of studies that might have been: visitors drawn with replacement.

    Visitors are drawn, not answers, because the answers of one visitor hang together.
    The middle 95 % of a figure of these studies is its percentile interval.

    Args:
        wins: float64 (visitors, methods, methods), each as `bradley_terry` takes it.
        rng: numpy Generator.
        repeats: int, number of studies.

    Returns:
        float64 (repeats, methods, methods).

    Reference:
        B. Efron, R. J. Tibshirani, "An Introduction to the Bootstrap", 1993, chapter
        13 (percentile intervals).
    """
    visitors = len(wins)
    drawn = rng.multinomial(visitors, np.full(visitors, 1 / visitors), repeats)
    return np.tensordot(drawn, wins, 1)


def krippendorff_alpha(counts):
    """Agreement beyond chance of any number of visitors, some answers missing.

    1 is agreement in every unit, 0 what chance would give; 1 minus the observed
    disagreement over the expected one. Expected are the answers of all units put into
    one urn: where nearly all answers are alike, alpha is near 0 although visitors
    agree, since they then agree no more within units than between them.

    Args:
        counts: int (units, values), how many visitors gave a unit that value. Units
            with fewer than two answers do not count.

    Returns:
        float, at most 1; nan if all answers are alike or no unit has two.

    Reference:
        K. Krippendorff, "Computing Krippendorff's Alpha-Reliability", University of
        Pennsylvania, 2011, section D (nominal data, missing values).
    """
    counts = np.asarray(counts, float)
    counts = counts[counts.sum(1) > 1]
    sizes = counts.sum(1)
    number = sizes.sum()
    expected = number**2 - (counts.sum(0) ** 2).sum()
    if expected == 0:
        return math.nan
    observed = ((sizes**2 - (counts**2).sum(1)) / (sizes - 1)).sum()
    return 1 - (number - 1) * observed / expected


def same_answers(counts):
    """Share of pairs of visitors who gave the same answer, of all pairs in a unit.

    Args:
        counts: as for `krippendorff_alpha`.

    Returns:
        float, 0 to 1; nan if no unit has two answers.
    """
    counts = np.asarray(counts, float)
    sizes = counts.sum(1)
    pairs = (sizes * (sizes - 1)).sum()
    return (counts * (counts - 1)).sum() / pairs if pairs else math.nan
