"""What an evaluation found, and how it was made, before anybody shows it."""

import platform
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import metadata

import numpy as np

import animegan_tf
from animegan_tf.evaluation import intervals
from animegan_tf.evaluation.intervals import Estimate
from animegan_tf.evaluation.weights import file_hash
from animegan_tf.inference import find_generator


@dataclass(frozen=True)
class Metric:
    """One thing that is measured of every method.

    Attributes:
        name: key in files, such as "comparison/ssim".
        title: as people read it.
        section: heading under which it stands.
        better: "higher", "lower", or "" for a plain statistic.
        note: what a reader must know of it, or "".
    """

    name: str
    title: str
    section: str
    better: str = ""
    note: str = ""


@dataclass(frozen=True)
class Evaluation:
    """All figures of some methods on the same pictures.

    Attributes:
        title: heading of the report.
        methods: names, the untouched photos first.
        stems: names of the pictures.
        metrics: `Metric` of each thing measured, in the order of the report.
        figures: `Estimate` by (method, metric's name); where a metric says nothing of
            a method there is none.
        by_picture: float64 (pictures,) by metric's name, then method; NaN where a
            picture has no value.
        columns: what the grid of pictures shows, the photos first.
        image: function of a column's name and a picture's number, gives uint8 RGB.
        left_out: what was not computed and why, by its title.
        warnings: sentences.
        facts: str by name: networks, hashes, resampling, counts, seed, versions.
        plane: names of the two metrics of the plane, across and up, or None.
        reference: name of the metric whose mean is marked across that plane, or None.
    """

    title: str
    methods: tuple[str, ...]
    stems: tuple[str, ...]
    metrics: tuple[Metric, ...]
    figures: dict[tuple[str, str], Estimate]
    by_picture: dict[str, dict[str, np.ndarray]]
    columns: tuple[str, ...]
    image: Callable[[str, int], np.ndarray]
    left_out: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    facts: dict[str, str] = field(default_factory=dict)
    plane: tuple[str, str] | None = None
    reference: str | None = None


class Collector:
    """Gathers the figures of an evaluation, one metric after the other.

    Args:
        seed: int; each metric draws from a generator of its own, so that its figures
            do not depend on which others are computed.
        resamples: int, of the bootstrap of means.

    Attributes:
        metrics, figures, by_picture, left_out, warnings: as of `Evaluation`.
    """

    def __init__(self, seed: int, resamples: int):
        self._seed, self._resamples = seed, resamples
        self.metrics, self.figures, self.by_picture = [], {}, {}
        self.left_out, self.warnings = {}, []

    def rng(self, name: str) -> np.random.Generator:
        """A new generator, the same for each call with this name."""
        return np.random.default_rng([self._seed, *name.encode()])

    def add(self, metric: Metric, estimate: Callable, by_method: dict) -> None:
        """Figures of a metric.

        Args:
            metric: `Metric`.
            estimate: function of what a method has in `by_method` and of a
                `np.random.Generator`, gives an `Estimate`.
            by_method: dict of method to anything.
        """
        self.metrics.append(metric)
        for method, found in by_method.items():
            figure = estimate(found, self.rng(metric.name))
            self.figures[method, metric.name] = figure

    def add_means(
        self, metric: Metric, by_method: dict, average: Callable = np.mean
    ) -> None:
        """Means over pictures, and the pictures' own values.

        Args:
            metric: `Metric`.
            by_method: dict of method to float64 (pictures,), NaN where a picture has
                no value; a method without any value gets no figure.
            average: `np.mean` or `np.median`.
        """
        self.by_picture[metric.name] = by_method

        def estimate(values, rng):
            known = values[~np.isnan(values)]
            return intervals.mean(known, rng, self._resamples, average)

        known = {m: v for m, v in by_method.items() if not np.isnan(v).all()}
        self.add(metric, estimate, known)

    def evaluation(self, **others) -> Evaluation:
        """All that was gathered, with the other attributes of `Evaluation`."""
        return Evaluation(
            metrics=tuple(self.metrics),
            figures=self.figures,
            by_picture=self.by_picture,
            left_out=self.left_out,
            warnings=tuple(self.warnings),
            **others,
        )

    def warn(self, sentence: str | None) -> None:
        """A sentence for the report; None, or one that is there already, is none."""
        if sentence and sentence not in self.warnings:
            self.warnings.append(sentence)


_PACKAGES = ("numpy", "pillow", "scipy", "scikit-image", "opencv-python-headless")
_TENSORFLOWS = ("tensorflow", "tensorflow-cpu")


def describe(network, part: str) -> str:
    """A network with its weights, as a report names it.

    Args:
        network: of `features`.
        part: str, what of a picture it looks at.
    """
    return (
        f"{network.weights}, SHA-256 {network.weights_hash}; {part}, brought to "
        f"{network.size} x {network.size} pixels by Pillow's {network.filter} filter "
        "with antialiasing"
    )


def describe_generators(generators: dict) -> dict[str, str]:
    """What painted each method's pictures, by name.

    Args:
        generators: name and path of each; None for the cartoon filter.
    """
    return {f"Painter of {name}": _painter(path) for name, path in generators.items()}


def _painter(path):
    if path is None:
        return "OpenCV's stylization filter with its default values"
    path = find_generator(path)
    return f"{path}, SHA-256 {file_hash(path)}" if path.is_file() else str(path)


def circumstances(command: str, seed: int) -> dict[str, str]:
    """Version, command line, seed and packages, by name."""
    return {
        "Seed": str(seed),
        "animegan_tf": animegan_tf.__version__,
        "Packages": ", ".join(_versions()),
        "Command": command or "none: called from Python",
    }


def _versions():
    yield f"Python {platform.python_version()}"
    for names in (_TENSORFLOWS, *((name,) for name in _PACKAGES)):
        for name in names:
            try:
                yield f"{name} {metadata.version(name)}"
                break
            except metadata.PackageNotFoundError:
                continue
