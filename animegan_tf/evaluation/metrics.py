"""Formulas of the evaluation that compare sets of features.

All compute in float64, without a network; no figure depends on the order of the
pictures.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import rel_entr

from animegan_tf.errors import InputError

# Rows of features that are compared with all others at once.
_BLOCK = 1024


class Score(NamedTuple):
    """Mean and deviation over random parts of the sets."""

    mean: float
    deviation: float


class PrecisionRecall(NamedTuple):
    """Shares in [0, 1]: of plausible pictures, and of the reference covered."""

    precision: float
    recall: float


def check_features(values, name="the features", least=1):
    """Features as numbers to compute with.

    Args:
        values: `(pictures, dimensions)`.
        name: what they are, for the message.
        least: int, how many pictures there must be.

    Returns:
        The same, float64.

    Raises:
        InputError: another shape, too few pictures, or a value that is not finite.
    """
    values = np.asarray(values, np.float64)
    if values.ndim != 2 or len(values) < least:
        raise InputError(
            f"{name} must be one row a picture for {least} or more pictures, "
            f"received the shape {values.shape}."
        )
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if bad.size:
        raise InputError(
            f"{name} must be finite numbers, received NaN or infinity in row {bad[0]} "
            f"(rows affected: {bad.size})."
        )
    return values


def canonical(rows):
    """Rows in an order that does not depend on the one they came in.

    They are sorted by their sums: where a last digit differs between runs, a row moves
    past its neighbour at most.

    Args:
        rows: float64 `(pictures, dimensions)`.

    Returns:
        The same rows.
    """
    return rows[np.lexsort((rows[:, 0], rows.sum(axis=1)))]


def frechet_distance(a, b) -> float:
    """Frechet distance of two sets of features, taken as Gaussian: FID's formula.

    |mean_a - mean_b|^2 + tr(cov_a + cov_b - 2 (cov_a cov_b)^(1/2)). The last trace is
    the sum of the singular values of F_a' F_b, where F F' = cov. Unlike the square root
    of the product, which is not symmetric, this needs no offset for covariances without
    full rank and never turns complex. Where pictures are fewer than dimensions, their
    centred features are F, so that no matrix of dimensions x dimensions is needed.

    Args:
        a, b: `(pictures, dimensions)`, at least two pictures each.

    Returns:
        float, 0 or more.

    Raises:
        InputError: see `check_features`; or the dimensions differ.

    Reference:
        Heusel et al., *GANs Trained by a Two Time-Scale Update Rule Converge to a
        Local Nash Equilibrium*, NeurIPS 2017, equation 6. Agrees with
        `scipy.linalg.sqrtm`, frechet-coefficient and torch-fidelity.
    """
    a, b = _two_sets(a, b, least=2)
    roots = [_covariance_root(x) for x in (a, b)]
    # The trace of (cov_a cov_b)^(1/2) is the nuclear norm of F_a' F_b.
    common = np.linalg.svd(roots[0].T @ roots[1], compute_uv=False).sum()
    squares = sum(np.sum(x**2) for x in (a.mean(0) - b.mean(0), *roots))
    # Of equal sets, rounding may leave less than nothing.
    return max(0.0, float(squares - 2 * common))


def kernel_distance(
    a, b, rng: np.random.Generator, subsets: int = 100, subset_size: int = 1000
) -> Score:
    """Kernel distance (KID) of two sets of features.

    The unbiased estimate of the squared maximum mean discrepancy under the kernel
    (x.y / dimensions + 1)^3, averaged over random subsets. It may be slightly
    negative. The deviation tells how much subsets differ, not how sure the mean is; it
    is 0 where a subset takes all pictures there are.

    Args:
        a, b: `(pictures, dimensions)`.
        rng: draws the subsets; equal generators give equal figures, whatever the
            order of the pictures.
        subsets: int, number of draws, at least 1.
        subset_size: int, pictures drawn from either set, without repetition, at
            least 2.

    Returns:
        `Score`.

    Raises:
        InputError: a set has fewer pictures than a subset; see `check_features`.

    Reference:
        Binkowski et al., *Demystifying MMD GANs*, ICLR 2018, section 4. Agrees with
        torch-fidelity, whose defaults these are.
    """
    a, b = _two_sets(a, b)
    if subsets < 1 or subset_size < 2:
        raise InputError(
            "a kernel distance needs 1 subset or more of 2 pictures or more, received "
            f"{subsets} of {subset_size}."
        )
    if min(len(a), len(b)) < subset_size:
        raise InputError(
            f"a kernel distance by subsets of {subset_size} pictures needs as many in "
            f"either set, received {len(a)} and {len(b)}."
        )
    a, b = canonical(a), canonical(b)
    distances = []
    for _ in range(subsets):
        drawn = (rng.choice(len(x), subset_size, replace=False) for x in (a, b))
        distances.append(_mmd(*(x[i] for x, i in zip((a, b), drawn))))
    return Score(float(np.mean(distances)), float(np.std(distances)))


def kernel_between(a, b) -> float:
    """The kernel distance of two whole sets, each as one subset.

    `kernel_distance` estimates the same number from subsets.

    Args:
        a, b: `(pictures, dimensions)`, at least two pictures each.

    Returns:
        float; slightly negative values may occur.

    Raises:
        InputError: see `check_features`; or the dimensions differ.
    """
    return _mmd(*_two_sets(a, b, least=2))


def inception_score(probabilities, rng: np.random.Generator, splits: int = 10) -> Score:
    """Inception score: whether pictures look like one class each, and all classes.

    exp of the mean Kullback-Leibler divergence of a picture's class probabilities
    from those of its part of the set. For portraits of people, none of ImageNet's
    classes, it says little.

    Args:
        probabilities: `(pictures, classes)`, rows that sum to 1.
        rng: deals the pictures out to the parts; equal generators give equal
            figures, whatever the order of the pictures.
        splits: int, number of parts, at least 1.

    Returns:
        `Score`, its mean from 1 to the number of classes.

    Raises:
        InputError: fewer pictures than parts, rows that are no probabilities, or see
            `check_features`.

    Reference:
        Salimans et al., *Improved Techniques for Training GANs*, NeurIPS 2016,
        section 4. Agrees with torch-fidelity's formula.
    """
    probabilities = check_features(probabilities, "the class probabilities")
    if probabilities.min() < 0 or not np.allclose(probabilities.sum(1), 1, atol=1e-3):
        raise InputError(
            "the class probabilities must lie in [0, 1] and sum to 1 for each picture, "
            f"received sums from {probabilities.sum(1).min():.3g} to "
            f"{probabilities.sum(1).max():.3g}."
        )
    if not 1 <= splits <= len(probabilities):
        raise InputError(
            "an Inception score needs 1 part or more and a picture for each, received "
            f"{splits} parts and {len(probabilities)} pictures."
        )
    dealt = rng.permutation(len(probabilities))
    parts = np.array_split(canonical(probabilities)[dealt], splits)
    scores = [np.exp(rel_entr(x, x.mean(0)).sum(axis=1).mean()) for x in parts]
    return Score(float(np.mean(scores)), float(np.std(scores)))


def precision_recall(reference, pictures, k: int = 3) -> PrecisionRecall:
    """Improved precision and recall of a set of pictures against a reference set.

    A feature lies in a set's manifold if it is no farther from one of the set's
    features than that one's k-th nearest neighbour in its set. Precision is the share
    of pictures in the reference's manifold, recall the share of the reference in the
    pictures'.

    Distances are computed by blocks of rows, so memory grows with one set, not
    with the product of both.

    Args:
        reference, pictures: `(pictures, dimensions)`, more than `k` pictures each.
        k: int, at least 1.

    Returns:
        `PrecisionRecall`.

    Raises:
        InputError: too few pictures; see `check_features`.

    Reference:
        Kynkaanniemi et al., *Improved Precision and Recall Metric for Assessing
        Generative Models*, NeurIPS 2019, equations 1 and 2; there features are
        VGG16's. Agrees with the package prdc.
    """
    reference, pictures = _two_sets(reference, pictures)
    if k < 1 or min(len(reference), len(pictures)) <= k:
        raise InputError(
            f"precision and recall need k of 1 or more and over k pictures a set, "
            f"received k = {k} with {len(reference)} and {len(pictures)} pictures."
        )
    # Near the origin squared distances lose fewer digits to cancellation.
    centre = reference.mean(axis=0)
    reference, pictures = reference - centre, pictures - centre
    return PrecisionRecall(
        _share_inside(pictures, reference, _radii(reference, k)),
        _share_inside(reference, pictures, _radii(pictures, k)),
    )


def _two_sets(a, b, least=1):
    a = check_features(a, "the features of the first set", least)
    b = check_features(b, "the features of the second set", least)
    if a.shape[1] != b.shape[1]:
        raise InputError(
            "two sets must have features of one network, received "
            f"{a.shape[1]} and {b.shape[1]} dimensions."
        )
    return a, b


def _covariance_root(features):
    """F with F F' = the covariance of the features."""
    if len(features) <= features.shape[1]:
        return (features - features.mean(axis=0)).T / np.sqrt(len(features) - 1)
    values, vectors = np.linalg.eigh(np.cov(features, rowvar=False))
    # What rounding leaves of eigenvalues that are 0 would grow under the root.
    kept = values > values[-1] * len(values) * np.finfo(np.float64).eps
    return vectors[:, kept] * np.sqrt(values[kept])


def _mmd(a, b):
    """Unbiased squared maximum mean discrepancy under the cubic kernel."""
    across = _kernel_sum(a, b) / (len(a) * len(b))
    return float(_kernel_within(a) + _kernel_within(b) - 2 * across)


def _kernel_within(features):
    """Mean of the kernel over pairs of different pictures."""
    count, dimensions = features.shape
    own = _cubic(np.sum(features**2, axis=1), dimensions).sum()
    return (_kernel_sum(features, features) - own) / (count * (count - 1))


def _kernel_sum(a, b):
    return sum(_cubic(rows @ b.T, a.shape[1]).sum() for rows in _blocks(a))


def _cubic(products, dimensions):
    return (products / dimensions + 1) ** 3


def _blocks(rows):
    return (rows[i : i + _BLOCK] for i in range(0, len(rows), _BLOCK))


def _squared_distances(rows, others):
    squares = np.sum(rows**2, axis=1)[:, None] + np.sum(others**2, axis=1)
    return np.maximum(squares - 2 * rows @ others.T, 0)


def _radii(features, k):
    """Squared distance of each feature to its k-th nearest neighbour."""
    radii = []
    for start in range(0, len(features), _BLOCK):
        distances = _squared_distances(features[start : start + _BLOCK], features)
        rows = np.arange(len(distances))
        distances[rows, start + rows] = np.inf  # not a neighbour of itself
        radii.append(np.partition(distances, k - 1, axis=1)[:, k - 1])
    return np.concatenate(radii)


def _share_inside(points, centres, radii):
    # Equal features must count as equal in spite of rounding.
    slack = 1e-12 * max(np.sum(x**2, axis=1).max() for x in (points, centres))
    inside = [
        (_squared_distances(rows, centres) <= radii + slack).any(axis=1)
        for rows in _blocks(points)
    ]
    return float(np.concatenate(inside).mean())
