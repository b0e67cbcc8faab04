"""Formulas of the evaluation: sets of features, pairs of pictures, single pictures.

All compute in float64, without a network; no figure depends on the order of the
pictures.
"""

from typing import NamedTuple

import cv2
import numpy as np
from scipy import ndimage
from scipy.special import rel_entr
from skimage.color import deltaE_cie76, rgb2lab
from skimage.metrics import peak_signal_noise_ratio

from animegan_tf.errors import InputError
from animegan_tf.imaging.transform import resize

# Rows of features that are compared with all others at once.
_BLOCK = 1024
# Wang et al. 2004: an 11 x 11 window with a deviation of 1.5 pixels.
_WINDOW, _SIGMA = 11, 1.5
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
# Wang et al. 2003, by scale, the finest first.
_SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_CANNY = 100, 200


class KernelDistance(NamedTuple):
    """Mean and deviation over `subsets` draws of `subset_size` pictures a side."""

    mean: float
    deviation: float
    subsets: int
    subset_size: int


class InceptionScore(NamedTuple):
    """Mean and deviation over `splits` parts of the set."""

    mean: float
    deviation: float
    splits: int


class PrecisionRecall(NamedTuple):
    """Shares in [0, 1]: of plausible pictures, and of the reference covered."""

    precision: float
    recall: float


class ColorDistance(NamedTuple):
    """Mean CIE76 differences, in units of Lab."""

    whole: float
    chroma: float


class IdentitySimilarity(NamedTuple):
    """By picture: cosine to its own photo, mean of those to all other photos, and how
    many of these are nearer than its own."""

    own: np.ndarray
    others: np.ndarray
    rank: np.ndarray


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


def moments(features):
    """Mean and covariance of a set of features.

    Args:
        features: `(pictures, dimensions)`, at least two pictures.

    Returns:
        float64 `(dimensions,)` and `(dimensions, dimensions)`, the covariance with
        the divisor `pictures - 1`.

    Raises:
        InputError: see `check_features`.
    """
    features = check_features(features, least=2)
    mean = features.mean(axis=0)
    centred = features - mean
    return mean, centred.T @ centred / (len(features) - 1)


def frechet_distance(mean_a, cov_a, mean_b, cov_b) -> float:
    """Frechet distance of two Gaussians, FID's formula.

    |mean_a - mean_b|^2 + tr(cov_a + cov_b - 2 (cov_a cov_b)^(1/2)). The last trace is
    the sum of the singular values of F_a' F_b, where F F' = cov comes from the
    symmetric eigendecomposition. Unlike the square root of the product, which is not
    symmetric, this needs no offset for covariances without full rank and never turns
    complex.

    Args:
        mean_a, mean_b: `(dimensions,)`.
        cov_a, cov_b: `(dimensions, dimensions)`, symmetric.

    Returns:
        float, 0 or more.

    Raises:
        InputError: a value is not finite, or the shapes do not fit.

    Reference:
        Heusel et al., *GANs Trained by a Two Time-Scale Update Rule Converge to a
        Local Nash Equilibrium*, NeurIPS 2017, equation 6. Agrees with
        `scipy.linalg.sqrtm`, frechet-coefficient and torch-fidelity.
    """
    means = check_features(np.stack([mean_a, mean_b]), "the means of the features")
    for cov in (cov_a, cov_b):
        check_features(cov, "a covariance of the features")
        if np.shape(cov) != (means.shape[1],) * 2:
            raise InputError(
                f"a covariance must have the {means.shape[1]} dimensions of its mean, "
                f"received the shape {np.shape(cov)}."
            )
    return _frechet(means[0], _root(cov_a), means[1], _root(cov_b))


def frechet_between(a, b) -> float:
    """`frechet_distance` of two sets of features, cheaper for small sets.

    Where pictures are fewer than dimensions, their centred features take the place of
    the covariance's root, so that no matrix of dimensions x dimensions is needed.

    Args:
        a, b: `(pictures, dimensions)`, at least two pictures each.

    Returns:
        float, 0 or more.

    Raises:
        InputError: see `check_features`; or the dimensions differ.
    """
    a, b = _two_sets(a, b, least=2)
    return _frechet(
        a.mean(axis=0), _features_root(a), b.mean(axis=0), _features_root(b)
    )


def kernel_distance(
    a, b, rng: np.random.Generator, subsets: int = 100, subset_size: int = 1000
) -> KernelDistance:
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
        `KernelDistance`.

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
    return KernelDistance(
        float(np.mean(distances)), float(np.std(distances)), subsets, subset_size
    )


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


def inception_score(
    probabilities, rng: np.random.Generator, splits: int = 10
) -> InceptionScore:
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
        `InceptionScore`, its mean from 1 to the number of classes.

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
    return InceptionScore(float(np.mean(scores)), float(np.std(scores)), splits)


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


def psnr(photo, picture) -> float:
    """Peak signal-to-noise ratio: how little of the photo changed, not quality.

    Args:
        photo, picture: uint8 RGB (height, width, 3) of one size.

    Returns:
        float, in decibels for a peak of 255; infinite for equal pictures.

    Raises:
        InputError: the sizes differ.
    """
    photo, picture = _pair(photo, picture)
    with np.errstate(divide="ignore"):  # equal pictures
        return float(peak_signal_noise_ratio(photo, picture, data_range=255))


def ssim(photo, picture) -> float:
    """Structural similarity: how much of the photo's structure is kept, not quality.

    Args:
        photo, picture: uint8 RGB (height, width, 3) of one size, 11 pixels or more a
            side.

    Returns:
        float, at most 1; mean over pixels, without a border of 5, and channels.

    Raises:
        InputError: the sizes differ or are too small.

    Reference:
        Wang et al., *Image Quality Assessment: From Error Visibility to Structural
        Similarity*, IEEE TIP 2004. Agrees with
        `skimage.metrics.structural_similarity` with `gaussian_weights=True,
        sigma=1.5, use_sample_covariance=False, data_range=255, channel_axis=2`, and
        with `tf.image.ssim`.
    """
    photo, picture = _pair(photo, picture, _WINDOW)
    luminance, structure = _ssim_maps(photo, picture)
    return float((luminance * structure).mean())


def ms_ssim(photo, picture) -> float:
    """Multi-scale structural similarity over five scales: content, not quality.

    Args:
        photo, picture: uint8 RGB (height, width, 3) of one size, 161 pixels or more a
            side.

    Returns:
        float in [0, 1].

    Raises:
        InputError: the sizes differ or are too small.

    Reference:
        Wang et al., *Multi-scale Structural Similarity for Image Quality Assessment*,
        Asilomar 2003. Agrees with `tf.image.ssim_multiscale` with `max_val=255`,
        which takes six times as long and loads TensorFlow: scales are averaged 2 x 2, negative terms count as 0, and the product of the
        scales is taken for each channel.
    """
    last = len(_SCALE_WEIGHTS) - 1
    # An odd side is rounded up when it is halved.
    photo, picture = _pair(photo, picture, (_WINDOW - 1) * 2**last + 1)
    product = np.ones(3)
    for scale, weight in enumerate(_SCALE_WEIGHTS):
        if scale:
            photo, picture = _halved(photo), _halved(picture)
        luminance, structure = _ssim_maps(photo, picture)
        term = luminance * structure if scale == last else structure
        product *= np.maximum(term.mean(axis=(0, 1)), 0) ** weight
    return float(product.mean())


def color_distance(photo, picture, side: int = 256) -> ColorDistance:
    """How far a picture's colours are from its photo's.

    Mean over pixels of the CIE76 difference in Lab (D65), and of its part in the
    (a, b) plane alone. Both pictures are brought to a square first, whole and
    squeezed if need be, so that the figure does not depend on their size.

    Args:
        photo, picture: uint8 RGB (height, width, 3), each of any size.
        side: int, of the square, in pixels.

    Returns:
        `ColorDistance`; 2.3 is about a just noticeable difference.
    """
    pair = [rgb2lab(resize(x, side, side)) for x in (photo, picture)]
    whole = deltaE_cie76(*pair).mean()
    chroma = deltaE_cie76(*(lab * (0, 1, 1) for lab in pair)).mean()
    return ColorDistance(float(whole), float(chroma))


def total_variation(image) -> float:
    """Mean absolute difference of neighbours, across plus down, white being 1.

    A statistic: flat painting lowers it, outlines and grain raise it. Only pictures
    of one size can be compared.

    Args:
        image: uint8 RGB (height, width, 3), two pixels or more a side.

    Returns:
        float in [0, 2], mean over channels.
    """
    image = image.astype(np.float64) / 255
    across, down = np.diff(image, axis=1), np.diff(image, axis=0)
    return float(np.abs(across).mean() + np.abs(down).mean())


def edge_density(image) -> float:
    """Share of pixels on an edge.

    A statistic. Only pictures of one size can be compared.

    Args:
        image: uint8 RGB (height, width, 3).

    Returns:
        float in [0, 1].

    Reference:
        Canny's detector on the luma with thresholds of 100 and 200, as CartoonGAN's
        and this project's smoothing of edges finds contours.
    """
    edges = cv2.Canny(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), *_CANNY)
    return float((edges > 0).mean())


def identity_similarity(photos, pictures) -> IdentitySimilarity:
    """Whether painted faces are nearer to their own photo than to other people's.

    Cosines of identity embeddings. A painted face is outside of what such a network
    was trained on, so the own cosine means something relative to the others only.

    Args:
        photos, pictures: `(n, dimensions)`, row i of both the same person; two
            people or more.

    Returns:
        `IdentitySimilarity` of (n,) arrays, the cosines float64.

    Raises:
        InputError: the sets differ in shape; see `check_features`.
    """
    photos = check_features(photos, "the identities of the photos", least=2)
    pictures = check_features(pictures, "the identities of the pictures", least=2)
    if photos.shape != pictures.shape:
        raise InputError(
            "every picture's identity needs that of its photo, received the shapes "
            f"{photos.shape} and {pictures.shape}."
        )
    cosines = _unit(pictures) @ _unit(photos).T
    own = np.diag(cosines).copy()
    others = (cosines.sum(axis=1) - own) / (len(own) - 1)
    return IdentitySimilarity(own, others, (cosines > own[:, None]).sum(axis=1))


def _two_sets(a, b, least=1):
    a = check_features(a, "the features of the first set", least)
    b = check_features(b, "the features of the second set", least)
    if a.shape[1] != b.shape[1]:
        raise InputError(
            "two sets must have features of one network, received "
            f"{a.shape[1]} and {b.shape[1]} dimensions."
        )
    return a, b


def _root(cov):
    """F (dimensions, rank) with F F' = cov."""
    cov = np.asarray(cov, np.float64)
    values, vectors = np.linalg.eigh((cov + cov.T) / 2)
    # What rounding leaves of eigenvalues that are 0 would grow under the root.
    kept = values > values[-1] * len(values) * np.finfo(np.float64).eps
    return vectors[:, kept] * np.sqrt(values[kept])


def _features_root(features):
    """As `_root` of the features' covariance."""
    if len(features) > features.shape[1]:
        return _root(moments(features)[1])
    return (features - features.mean(axis=0)).T / np.sqrt(len(features) - 1)


def _frechet(mean_a, root_a, mean_b, root_b):
    # The trace of (cov_a cov_b)^(1/2) is the nuclear norm of F_a' F_b.
    common = np.linalg.svd(root_a.T @ root_b, compute_uv=False).sum()
    squares = (np.sum(x**2) for x in (mean_a - mean_b, root_a, root_b))
    # Of equal sets, rounding may leave less than nothing.
    return max(0.0, float(sum(squares) - 2 * common))


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


def _pair(photo, picture, least=1):
    """Both as float64."""
    shapes = np.shape(photo), np.shape(picture)
    if shapes[0] != shapes[1] or len(shapes[0]) != 3 or min(shapes[0][:2]) < least:
        raise InputError(
            "a picture must have the size of its photo, RGB of "
            f"{least} pixels or more a side, received the shapes "
            f"{shapes[0]} and {shapes[1]}."
        )
    return np.asarray(photo, np.float64), np.asarray(picture, np.float64)


def _window_mean(image):
    """Gaussian mean around every pixel whose window lies inside of the picture."""
    radius = _WINDOW // 2
    for axis in (0, 1):
        image = ndimage.gaussian_filter1d(image, _SIGMA, axis, radius=radius)
    return image[radius:-radius, radius:-radius]


def _ssim_maps(a, b):
    """The luminance term and the contrast-structure term, (height, width, 3) each."""
    mean_a, mean_b = _window_mean(a), _window_mean(b)
    covariance = _window_mean(a * b) - mean_a * mean_b
    variances = _window_mean(a**2 + b**2) - mean_a**2 - mean_b**2
    luminance = (2 * mean_a * mean_b + _C1) / (mean_a**2 + mean_b**2 + _C1)
    return luminance, (2 * covariance + _C2) / (variances + _C2)


def _halved(image):
    """Averages of 2 x 2 pixels; an odd side is continued by its last row."""
    height, width = image.shape[:2]
    padding = [(0, height % 2), (0, width % 2), (0, 0)]
    image = np.pad(image, padding, mode="symmetric")
    blocks = image.reshape(len(image) // 2, 2, image.shape[1] // 2, 2, 3)
    return blocks.mean(axis=(1, 3))


def _unit(rows):
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    if not norms.all():
        raise InputError("an identity must not be zero, received one that is.")
    return rows / norms
