"""The formulas of the evaluation, each against another way to the same number."""

import numpy as np
import pytest
import scipy.linalg
import tensorflow as tf
from PIL import Image, ImageFilter
from skimage import color, data
from skimage.metrics import structural_similarity

from animegan_tf.errors import InputError
from animegan_tf.evaluation import face_measures, metrics, pixels
from animegan_tf.imaging.transform import resize


def features(count, dimensions, seed=0, shift=0.0):
    """Skewed features with correlated dimensions, like a network's after a ReLU."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(dimensions, dimensions)) / np.sqrt(dimensions)
    return np.maximum(rng.standard_t(6, (count, dimensions)) @ mixing + shift, 0)


def rng():
    return np.random.default_rng(7)


@pytest.fixture(scope="module")
def photo():
    return resize(data.astronaut(), 203, 187)


@pytest.fixture(scope="module")
def picture(photo):
    blurred = Image.fromarray(photo).filter(ImageFilter.GaussianBlur(1.5))
    noise = np.random.default_rng(0).normal(6, 9, photo.shape)
    return np.clip(np.asarray(blurred) + noise, 0, 255).astype(np.uint8)


# Frechet distance


def test_frechet_distance_of_diagonal_gaussians_has_a_closed_form():
    # Features on the axes: their covariance is diagonal.
    a, b = (np.kron(np.diag(x), [[1.0], [-1.0]]) for x in ([1, 2, 3], [2.0, 0, 5]))
    b += [1.0, 0, 2]
    deviations = [np.sqrt(2 * np.square(x) / 5) for x in ([1, 2, 3], [2, 0, 5])]
    expected = 5 + np.sum((deviations[0] - deviations[1]) ** 2)
    assert metrics.frechet_distance(a, b) == pytest.approx(expected, rel=1e-12)


def by_sqrtm(a, b):
    root = scipy.linalg.sqrtm(np.cov(a, rowvar=False) @ np.cov(b, rowvar=False))
    trace = np.trace(np.cov(a, rowvar=False) + np.cov(b, rowvar=False))
    return np.sum((a.mean(0) - b.mean(0)) ** 2) + trace - 2 * np.trace(root).real


@pytest.mark.parametrize("count, dimensions", [(300, 64), (65, 64), (40, 64)])
def test_frechet_distance_equals_scipys_square_root(count, dimensions):
    a = features(count, dimensions)
    b = features(count + 30, dimensions, seed=1, shift=0.2)
    expected = by_sqrtm(a, b)
    assert metrics.frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)


def test_frechet_distance_equals_an_independent_package():
    package = pytest.importorskip("frechet_coefficient")
    a, b = features(500, 64), features(400, 64, seed=1, shift=0.1)
    theirs = package.frechet_distance(
        *package.calculate_mean_cov(a), *package.calculate_mean_cov(b)
    )
    assert metrics.frechet_distance(a, b) == pytest.approx(theirs, rel=1e-6)


def test_frechet_distance_of_few_pictures_is_that_of_their_gaussians():
    a, b = features(9, 30), features(12, 30, seed=1)
    expected = by_sqrtm(a, b)
    assert metrics.frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)


def test_frechet_distance_stands_constant_dimensions_and_large_values():
    a, b = features(50, 16), features(50, 16, seed=1)
    a[:, 3] = b[:, 3] = 2
    used = np.arange(16) != 3
    expected = 1e8 * by_sqrtm(a[:, used], b[:, used])
    assert metrics.frechet_distance(1e4 * a, 1e4 * b) == pytest.approx(expected, 1e-9)


# Kernel distance


def naive_mmd(a, b):
    def kernel(x, y):
        return (x @ y / len(x) + 1) ** 3

    m, n = len(a), len(b)
    total = 0.0
    for x, size in ((a, m), (b, n)):
        for i in range(size):
            for j in range(size):
                if i != j:
                    total += kernel(x[i], x[j]) / (size * (size - 1))
    for i in range(m):
        for j in range(n):
            total -= 2 * kernel(a[i], b[j]) / (m * n)
    return total


def test_kernel_distance_equals_a_double_loop(monkeypatch):
    a, b = features(23, 8), features(31, 8, seed=1, shift=0.3)
    monkeypatch.setattr(metrics, "_BLOCK", 7)
    assert metrics.kernel_between(a, b) == pytest.approx(naive_mmd(a, b), rel=1e-12)
    whole = metrics.kernel_distance(a, b[:23], rng(), subsets=3, subset_size=23)
    assert whole.mean == pytest.approx(naive_mmd(a, b[:23]), rel=1e-12)
    assert whole.deviation == pytest.approx(0, abs=1e-12)


def test_kernel_distance_of_subsets_estimates_that_of_the_whole():
    a, b = features(80, 8), features(90, 8, seed=1, shift=0.5)
    found = metrics.kernel_distance(a, b, rng(), subsets=400, subset_size=20)
    error = found.deviation / np.sqrt(400)
    assert abs(found.mean - metrics.kernel_between(a, b)) < 4 * error
    assert error < 0.1 * found.mean


def test_kernel_distance_of_one_distribution_is_near_zero_and_not_biased():
    halves = [features(4000, 8, seed=2)[i::40] for i in range(40)]
    pairs = [metrics.kernel_between(*halves[i : i + 2]) for i in range(0, 40, 2)]
    error = np.std(pairs) / np.sqrt(len(pairs))
    assert abs(np.mean(pairs)) < 3 * error
    assert min(pairs) < 0  # a biased estimate never is


# Inception score


def test_inception_score_of_known_sets():
    classes = np.eye(5)[np.arange(50) % 5]
    assert metrics.inception_score(classes, rng(), 1).mean == pytest.approx(5)
    unsure = np.full((50, 5), 0.2)
    score = metrics.inception_score(unsure, rng())
    assert score.mean == pytest.approx(1)
    assert score.deviation == pytest.approx(0, abs=1e-12)


def test_inception_score_equals_a_loop():
    p = np.random.default_rng(3).dirichlet(np.ones(6), 40)
    divergences = [sum(row * np.log(row / p.mean(0))) for row in p]
    expected = np.exp(np.mean(divergences))
    found = metrics.inception_score(p, rng(), splits=1)
    assert found.mean == pytest.approx(expected, rel=1e-12)


# Precision and recall


def naive_precision(reference, pictures, k):
    inside = 0
    for picture in pictures:
        for i, centre in enumerate(reference):
            others = np.delete(reference, i, axis=0)
            radius = np.sort(np.linalg.norm(others - centre, axis=1))[k - 1]
            if np.linalg.norm(picture - centre) <= radius:
                inside += 1
                break
    return inside / len(pictures)


def test_precision_and_recall_equal_a_loop(monkeypatch):
    monkeypatch.setattr(metrics, "_BLOCK", 16)
    a, b = features(40, 6), features(50, 6, seed=1, shift=0.4)
    found = metrics.precision_recall(a, b)
    assert found.precision == naive_precision(a, b, 3)
    assert found.recall == naive_precision(b, a, 3)
    assert 0 < found.recall < 1 and 0 < found.precision < 1


def test_precision_and_recall_equal_an_independent_package():
    package = pytest.importorskip("prdc")
    a, b = features(120, 16), features(100, 16, seed=1, shift=0.2)
    theirs = package.compute_prdc(a, b, nearest_k=3)
    found = metrics.precision_recall(a, b, k=3)
    assert found == pytest.approx((theirs["precision"], theirs["recall"]))


def test_precision_and_recall_of_distant_sets_are_zero():
    a = features(20, 4)
    assert metrics.precision_recall(a, a + 100) == (0, 0)


# A set with itself, order and blocks


def test_a_set_with_itself_has_ideal_figures():
    a = features(60, 32)
    assert metrics.frechet_distance(a, a) == pytest.approx(0, abs=1e-9)
    assert metrics.precision_recall(a, a) == (1, 1)
    # The only estimate without bias: pairs of one picture with itself count across
    # the sets, not within, which is worth 2 / pictures of what they stand out by.
    kernel = (a @ a.T / 32 + 1) ** 3
    unlike = kernel[~np.eye(60, dtype=bool)].mean()
    expected = -2 / 60 * (np.diag(kernel).mean() - unlike)
    assert metrics.kernel_between(a, a) == pytest.approx(expected, rel=1e-9)
    duplicates = np.repeat(a[:8], 6, axis=0)
    assert metrics.precision_recall(duplicates, duplicates[::-1]) == (1, 1)


def test_the_order_of_pictures_changes_no_figure():
    a, b = features(70, 12), features(80, 12, seed=1, shift=0.2)
    p = np.random.default_rng(3).dirichlet(np.ones(6), 70)
    mixed_a, mixed_b = (np.random.default_rng(9).permutation(len(x)) for x in (a, b))

    def figures(a, b, p):
        return [
            metrics.frechet_distance(a, b),
            *metrics.kernel_distance(a, b, rng(), 10, 20),
            *metrics.inception_score(p, rng(), 7),
            *metrics.precision_recall(a, b),
        ]

    again = figures(a[mixed_a], b[mixed_b], p[mixed_a])
    assert figures(a, b, p) == pytest.approx(again, rel=1e-12)


# Pictures


def test_psnr_equals_its_formula(photo, picture):
    error = np.mean((photo.astype(float) - picture) ** 2)
    expected = 20 * np.log10(255) - 10 * np.log10(error)
    assert pixels.psnr(photo, picture) == pytest.approx(expected, rel=1e-12)


def test_ssim_equals_scikit_image(photo, picture):
    expected = structural_similarity(
        photo,
        picture,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=255,
        channel_axis=2,
    )
    assert pixels.ssim(photo, picture) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("shape", [(187, 203), (161, 176), (256, 192)])
def test_ssim_and_ms_ssim_equal_tensorflow(photo, picture, shape):
    a, b = (resize(x, *shape) for x in (photo, picture))
    x, y = (tf.constant(x, tf.float32) for x in (a, b))
    expected = float(tf.image.ssim_multiscale(x, y, 255))
    assert pixels.ms_ssim(a, b) == pytest.approx(expected, abs=2e-5)
    assert pixels.ssim(a, b) == pytest.approx(float(tf.image.ssim(x, y, 255)), abs=2e-5)
    # The negative has a negative structure term, which counts as 0.
    assert pixels.ms_ssim(a, 255 - a) == 0


def test_a_picture_with_itself_has_ideal_figures(photo):
    assert pixels.psnr(photo, photo.copy()) == float("inf")
    assert pixels.ssim(photo, photo) == pytest.approx(1, abs=1e-12)
    assert pixels.ms_ssim(photo, photo) == pytest.approx(1, abs=1e-12)
    assert pixels.color_distance(photo, photo) == (0, 0)


def test_color_distance_is_the_distance_in_lab(photo, picture):
    a, b = (color.rgb2lab(resize(x, 64, 64)) for x in (photo, picture))
    found = pixels.color_distance(photo, picture, side=64)
    expected = np.linalg.norm(a - b, axis=2).mean()
    assert found.whole == pytest.approx(expected, rel=1e-12)
    expected = np.linalg.norm((a - b)[..., 1:], axis=2).mean()
    assert found.chroma == pytest.approx(expected, rel=1e-12)
    assert 0 < found.chroma < found.whole
    # The sizes of the pictures do not matter.
    larger = resize(photo, 400, 300)
    assert pixels.color_distance(photo, larger, 64).whole < 0.1 * found.whole


def test_total_variation_and_edge_density_of_drawn_pictures():
    image = np.zeros((40, 50, 3), np.uint8)
    assert pixels.total_variation(image) == pixels.edge_density(image) == 0
    image[:, 25:] = 255
    assert pixels.total_variation(image) == pytest.approx(1 / 49)
    assert pixels.edge_density(image) == pytest.approx(1 / 50)
    image[20:] = 255
    assert pixels.total_variation(image) == pytest.approx(0.5 / 49 + 0.5 / 39)


def test_identity_similarity_of_own_and_others():
    photos = np.array([[1.0, 0, 0], [0, 2, 0], [0, 0, 3]])
    pictures = np.array([[3.0, 4, 0], [0, 1, 0], [1, 0, 0]])
    found = face_measures.identity_similarity(photos, pictures)
    assert found.own == pytest.approx([0.6, 1, 0])
    assert found.others == pytest.approx([0.4, 0, 0.5])
    assert found.rank.tolist() == [1, 0, 1]


# What is refused


def not_a_number():
    bad = features(30, 8)
    bad[4, 2] = np.nan
    return bad


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda a, b: metrics.frechet_distance(a, not_a_number()), "finite.*row 4"),
        (lambda a, b: metrics.kernel_between(not_a_number(), b), "finite.*row 4"),
        (lambda a, b: metrics.precision_recall(a, not_a_number()), "finite.*row 4"),
        (lambda a, b: metrics.inception_score(not_a_number(), rng()), "finite.*row 4"),
        (
            lambda a, b: face_measures.identity_similarity(a, not_a_number()),
            "finite.*row 4",
        ),
        (lambda a, b: metrics.frechet_distance(a[:1], b), "2 or more"),
        (lambda a, b: metrics.frechet_distance(a, b[:, :5]), "8 and 5 dimensions"),
        (lambda a, b: metrics.kernel_distance(a, b, rng()), "1000.*received 30 and 30"),
        (lambda a, b: metrics.kernel_distance(a, b, rng(), 0, 20), "received 0 of 20"),
        (lambda a, b: metrics.inception_score(a, rng()), "sum to 1"),
        (lambda a, b: metrics.inception_score(np.eye(4), rng()), "10 parts and 4"),
        (lambda a, b: metrics.precision_recall(a, b[:3]), "30 and 3 pictures"),
        (
            lambda a, b: face_measures.identity_similarity(a, b[:3]),
            r"\(30, 8\) and \(3, 8\)",
        ),
        (lambda a, b: face_measures.identity_similarity(a, 0 * b), "must not be zero"),
    ],
)
def test_features_that_give_no_figure_are_refused(call, said):
    with pytest.raises(InputError, match=said):
        call(features(30, 8), features(30, 8, seed=1))


@pytest.mark.parametrize("metric, least", [("ssim", 11), ("ms_ssim", 161)])
def test_pictures_that_give_no_figure_are_refused(metric, least):
    image = np.zeros((least, least, 3), np.uint8)
    getattr(pixels, metric)(image, image)
    with pytest.raises(InputError, match=f"{least} pixels or more"):
        getattr(pixels, metric)(image[1:], image[1:])
    with pytest.raises(InputError, match="size of its photo"):
        getattr(pixels, metric)(image, image[1:])
