"""The parts of an evaluation: each asks one kind of network and notes the figures."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from animegan_tf.evaluation import intervals
from animegan_tf.evaluation.features import TOP_SQUARE, FeatureCache, View, extract
from animegan_tf.evaluation.figures import Collector, Metric, describe
from animegan_tf.evaluation.pictures import Matched
from animegan_tf.evaluation.pixels import Comparison, Statistics

PHOTOS = "the photos"
DRAWN = "drawing-inception/probability"

_LIKENESS = "Likeness to the anime pictures"
_AWAY = "Distance to the photos"
_CONTENT = "Content preservation, not quality"
_PLAIN = "Plain statistics"

# What an Inception network is called, and its distances. They are not called FID and
# KID, whose network is another one.
_INCEPTIONS = {
    "inception": ("ImageNet InceptionV3", "Frechet distance", "Kernel distance"),
    "drawing-inception": (
        "drawing InceptionV3",
        "Drawing-Inception Frechet distance",
        "Drawing-Inception kernel distance",
    ),
}
_LARGEST_SUBSET = 1000
_NEIGHBOURS = 3
_MOST_SPLITS, _PICTURES_A_SPLIT = 10, 100


@dataclass(frozen=True)
class Run:
    """What the parts share.

    Attributes:
        matched: the photos and the methods' pictures of them.
        anime: files of the anime pictures.
        cache: of what networks said, or None.
        collector: where figures are noted.
        facts: what the report says of networks, by name.
    """

    matched: Matched
    anime: list[Path]
    cache: FeatureCache | None
    collector: Collector
    facts: dict[str, str]

    @property
    def files(self) -> dict:
        """Pictures by method, the photos first."""
        return {PHOTOS: self.matched.photos, **self.matched.methods}

    def extract(self, network, paths, label, cut=None) -> dict:
        """What a network says about single pictures."""
        views = [View(path, cut) for path in paths]
        label = f"{network.name}: {label}"
        return extract(network, views, cache=self.cache, label=label)

    def extract_methods(self, network, cut=None) -> dict:
        """The same about each method's pictures, by method."""
        return {m: self.extract(network, p, m, cut) for m, p in self.files.items()}

    def compare_methods(self, network, cut=None) -> dict:
        """What a network says about pictures beside their photos, by method."""
        photos = [View(path, cut) for path in self.matched.photos]
        compared = {}
        for method, paths in self.files.items():
            views = [View(path, cut) for path in paths]
            label = f"{network.name}: {method}"
            compared[method] = extract(
                network, photos, views, cache=self.cache, label=label
            )
        return compared


def measure_inception(run: Run, network, subsets: int, subset_size: int | None) -> None:
    """Distances to anime and to the photos by an InceptionV3, and what else it says.

    Args:
        run: `Run`.
        network: `extractors.InceptionNetwork`.
        subsets: int, draws of the kernel distance.
        subset_size: int, or None for 1,000 or the smaller set.
    """
    run.facts[_INCEPTIONS[network.name][0]] = describe(network, "top square")
    found = run.extract_methods(network, TOP_SQUARE)
    anime = run.extract(network, run.anime, "anime", TOP_SQUARE)
    features = {method: outputs["features"] for method, outputs in found.items()}
    count = min(len(run.matched.stems), len(run.anime))
    sampling = subsets, subset_size or min(_LARGEST_SUBSET, count)
    to_anime = features, anime["features"], "anime", _LIKENESS, "lower"
    _add_distances(run, network.name, *to_anime, sampling)
    _add_precision_recall(run, network.name, features, anime["features"])
    if network.name == "drawing-inception":
        _add_drawings(run, found, anime)
    else:
        _add_inception_score(run, network.name, found)
    photos = features.pop(PHOTOS)  # of these, the distance to themselves says nothing
    to_photos = features, photos, "photos", _AWAY, ""
    _add_distances(run, network.name, *to_photos, sampling)
    run.collector.warn(intervals.frechet_warning(count))


def _add_distances(run, name, features, others, kind, section, better, sampling):
    network, frechet, kernel = _INCEPTIONS[name]
    target = "the anime pictures" if kind == "anime" else "the photos"
    subsets, size = sampling
    run.collector.add(
        Metric(
            f"{name}/kernel_distance_to_{kind}",
            f"{kernel} to {target}",
            section,
            better,
            f"{network}; {subsets} subsets of {size} pictures",
        ),
        lambda x, rng: intervals.kernel(x, others, rng, subsets, size),
        features,
    )
    run.collector.add(
        Metric(
            f"{name}/frechet_distance_to_{kind}",
            f"{frechet} to {target}",
            section,
            better,
            network,
        ),
        lambda x, rng: intervals.frechet(x, others, rng),
        features,
    )


def _add_precision_recall(run, name, features, anime):
    network = _INCEPTIONS[name][0]
    if min(len(anime), len(run.matched.stems)) <= _NEIGHBOURS:
        reason = f"a set has {_NEIGHBOURS} pictures or fewer"
        run.collector.left_out[f"Precision and recall of the {network}"] = reason
        return
    rng = partial(run.collector.rng, f"{name}/precision_recall")
    found = {
        method: intervals.precision_recall(anime, x, rng(), _NEIGHBOURS)
        for method, x in features.items()
    }
    for i, (title, note) in enumerate(
        (
            ("Precision", "share of pictures that lie among the anime pictures"),
            ("Recall", "share of anime pictures that lie among the pictures"),
        )
    ):
        note = f"{note}; {network}, {_NEIGHBOURS} neighbours"
        metric = Metric(f"{name}/{title.lower()}", title, _LIKENESS, "higher", note)
        both = {method: estimates[i] for method, estimates in found.items()}
        run.collector.add(metric, lambda estimate, _: estimate, both)


def _add_drawings(run, found, anime):
    drawn = {m: x["probabilities"][:, 0].astype(float) for m, x in found.items()}
    mean = anime["probabilities"][:, 0].astype(float).mean()
    note = f"the anime pictures themselves: {mean:.3g}"
    run.collector.add_means(
        Metric(DRAWN, "P(drawing)", _LIKENESS, "higher", note), drawn
    )
    run.collector.add(
        Metric(
            "drawing-inception/share",
            "Share of pictures with P(drawing) over 0.5",
            _LIKENESS,
            "higher",
        ),
        lambda values, rng: intervals.share(values > 0.5),
        drawn,
    )


def _add_inception_score(run, name, found):
    count = len(run.matched.stems)
    splits = max(1, min(_MOST_SPLITS, count // _PICTURES_A_SPLIT))
    run.collector.add(
        Metric(
            f"{name}/inception_score",
            "Inception score",
            _PLAIN,
            "",
            f"{_INCEPTIONS[name][0]}, {splits} splits; people are none of its classes",
        ),
        lambda values, rng: intervals.inception_score(values, rng, splits),
        {method: outputs["probabilities"] for method, outputs in found.items()},
    )
    run.collector.warn(intervals.inception_score_warning(count))


def measure_lpips(run: Run, network) -> None:
    """Perceptual distance to the photo.

    Args:
        run: `Run`.
        network: `extractors.Lpips`.
    """
    run.facts["LPIPS network"] = describe(network, "top square")
    found = run.compare_methods(network, TOP_SQUARE)
    run.collector.add_means(
        Metric("lpips/distance", "LPIPS to the photo", _CONTENT, "lower"),
        {method: x["distance"].astype(float) for method, x in found.items()},
    )


def measure_pixels(run: Run, size: int) -> None:
    """What pixels tell without a network: content kept, colours, statistics.

    Args:
        run: `Run`.
        size: int, side of the squares that are compared.
    """
    run.facts["Pixels"] = (
        f"whole pictures, brought to {size} x {size} by Pillow's bicubic filter with "
        "antialiasing"
    )
    found = run.compare_methods(Comparison(size))
    metrics = comparison_metrics("comparison", " to the photo", _CONTENT)
    for name, metric in metrics.items():
        run.collector.add_means(metric, {m: x[name] for m, x in found.items()})
    network = Statistics(size)
    found = run.extract_methods(network)
    anime = run.extract(network, run.anime, "anime")
    for name, title in (
        ("total_variation", "Total variation"),
        ("edge_density", "Edge density"),
    ):
        note = f"the anime pictures: {anime[name].mean():.3g}"
        metric = Metric(f"statistics/{name}", title, _PLAIN, "", note)
        run.collector.add_means(metric, {m: x[name] for m, x in found.items()})


def comparison_metrics(kind: str, target: str, section: str) -> dict[str, Metric]:
    """A metric for each number of `pixels.Comparison`, by the name it has there.

    Args:
        kind: str, before the name in files.
        target: str, after the title, such as " to the photo".
        section: str, heading.
    """
    described = {
        "psnr": ("PSNR", "higher", "decibels"),
        "ssim": ("SSIM", "higher", ""),
        "ms_ssim": ("MS-SSIM", "higher", ""),
        "color": ("Colour distance", "lower", "mean CIE76 in Lab"),
        "chroma": ("Chroma distance", "lower", "its (a, b) part alone"),
    }
    return {
        name: Metric(f"{kind}/{name}", f"{title}{target}", section, better, note)
        for name, (title, better, note) in described.items()
    }
