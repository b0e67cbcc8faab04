"""A preparation in numbers: counts, statistics and histograms of what was measured."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from animegan_tf.data.manifest import Record

_BINS = 30
_BINS_PER_DECADE = 10
_PERCENTILES = {"p5": 5, "p25": 25, "median": 50, "p75": 75, "p95": 95}


@dataclass(frozen=True)
class Quantity:
    """A number known of many pictures.

    `thresholds` are the settings drawn into its histogram; `highest` is where the
    axis ends at least. Without a `title` it is not drawn. A logarithmic axis begins
    at 1 or above, and what is below counts into its first bin; a linear one at 0.
    """

    name: str
    value: Callable[[Record], float | None]
    title: str = ""
    axis: str = ""
    thresholds: tuple[str, ...] = ()
    highest: float = 1
    log: bool = False
    per_source: bool = False


QUANTITIES = (
    Quantity(
        "brightness",
        lambda record: record.brightness,
        "Brightness",
        "mean luma of the prepared picture, 0 to 255",
        ("min_brightness", "max_brightness"),
        highest=255,
    ),
    Quantity(
        "sharpness",
        lambda record: record.sharpness,
        "Sharpness",
        "variance of the Laplacian, log axis",
        ("min_sharpness",),
        log=True,
    ),
    Quantity(
        "source_short_side",
        lambda record: min(record.width, record.height) or None,
        "Size of the sources",
        "short side in pixels",
        ("min_size",),
        per_source=True,
    ),
    Quantity(
        "face_height",
        lambda record: record.box[3] if record.box else None,
        "Size of the faces",
        "height of the face's box in the source, pixels",
        ("min_face",),
    ),
    Quantity("source_width", lambda record: record.width or None, per_source=True),
    Quantity("source_height", lambda record: record.height or None, per_source=True),
    Quantity("confidence", lambda record: record.confidence),
)


def summarize(records, settings: dict) -> dict:
    """Counts, and statistics and histograms by quantity, ready for JSON.

    Args:
        records: list of `Record`.
        settings: of the preparation, by name.

    Returns:
        dict of `counts`, `statistics` and `histograms`; the latter two are None where
        a quantity has no value.
    """
    kept = [record for record in records if is_kept(record)]
    reasons = Counter(record.reason for record in records if not is_kept(record))
    measured = {q.name: _measure(q, records, settings) for q in QUANTITIES}
    return {
        "counts": {
            "sources": len({record.source for record in records}),
            "records": len(records),
            "kept": len(kept),
            "dropped": reasons.total(),
            "kept_by_folder": dict(sorted(Counter(r.folder for r in kept).items())),
            "dropped_by_reason": dict(
                sorted(reasons.items(), key=lambda x: (-x[1], x[0]))
            ),
        },
        "statistics": {name: numbers[0] for name, numbers in measured.items()},
        "histograms": {name: numbers[1] for name, numbers in measured.items()},
    }


def is_kept(record) -> bool:
    return record.decision == "kept"


def thresholds(quantity, settings: dict) -> dict:
    """The quantity's thresholds that are set to a number other than 0."""
    values = {name: settings.get(name) for name in quantity.thresholds}
    return {n: v for n, v in values.items() if isinstance(v, (int, float)) and v}


def _measure(quantity, records, settings):
    """Statistics and histogram of a quantity, or None and None without a value."""
    if quantity.per_source:
        # A source with several faces counts once, and as kept if one of them is.
        records = {r.source: r for r in sorted(records, key=is_kept)}.values()
    pairs = [(quantity.value(record), is_kept(record)) for record in records]
    pairs = [(value, kept) for value, kept in pairs if value is not None]
    if not pairs:
        return None, None
    values = np.array([value for value, _ in pairs], float)
    kept = np.array([kept for _, kept in pairs])
    statistics = {"count": len(values), "min": _rounded(values.min())}
    for name, percent in _PERCENTILES.items():
        statistics[name] = _rounded(np.percentile(values, percent))
    statistics["max"] = _rounded(values.max())
    edges = bin_edges(values, list(thresholds(quantity, settings).values()), quantity)
    inside = np.clip(values, edges[0], edges[-1])
    histogram = {
        "edges": edges,
        "kept": np.histogram(inside[kept], edges)[0].tolist(),
        "dropped": np.histogram(inside[~kept], edges)[0].tolist(),
    }
    return statistics, histogram


def bin_edges(values, lines, quantity):
    """Round numbers that enclose all values, those below the axis excepted."""
    low, high = min([*values, *lines]), max([*values, *lines])
    if quantity.log:
        # A threshold, if there is one, falls on an edge.
        anchor = math.log10(max(lines[0], 1)) if lines else 0
        first, last = (
            math.floor(_BINS_PER_DECADE * (math.log10(max(value, 1)) - anchor))
            for value in (low, high)
        )
        return [
            _rounded(10 ** (anchor + i / _BINS_PER_DECADE))
            for i in range(first, last + 2)
        ]
    high = max(high, quantity.highest)
    # The smallest of 1, 2, 5, 10, ... and their fractions in so many parts.
    power = 10 ** math.floor(math.log10(high / _BINS))
    width = next(m * power for m in (1, 2, 5, 10) if m * power * _BINS >= high)
    return [_rounded(i * width) for i in range(math.ceil(high / width) + 1)]


def _rounded(value):
    return round(float(value), 4)
