"""What a person sees after a preparation: `report.html`, and `report.json`."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Sequence

import numpy as np
from PIL import Image, ImageDraw

from animegan_tf.data.charts import Quantity, bin_edges, chart
from animegan_tf.data.manifest import Record
from animegan_tf.errors import InputError
from animegan_tf.files import write_atomic
from animegan_tf.imaging.codec import read_image
from animegan_tf.page.html import cell, data_uri, page, spaced, swatch, table
from animegan_tf.page.text import counted, rounded, shown_text

_KEPT_SHOWN, _DROPPED_SHOWN, _FILES_LISTED = 60, 120, 500
_THUMBNAIL = 128
_PERCENTILES = {"p5": 5, "p25": 25, "median": 50, "p75": 75, "p95": 95}

_HINTS = {
    "no face": "Look at them below. Try --turned if they lie on their side, a lower "
    "--min-confidence if a face was overlooked.",
    "face too small": "Lower --min-face, or find larger photos.",
    "too small": "Lower --min-size, or find larger pictures.",
    "too blurred": "Lower --min-sharpness if they look sharp enough to you.",
    "too dark": "Brighten them, or lower --min-brightness.",
    "too bright": "Darken them, or raise --max-brightness.",
    "near-duplicate": "Nothing, one of each is kept. Lower --duplicate-distance if "
    "they differ in your eyes.",
    "undecodable": "Save them anew or fetch them again. Messages are listed below.",
    "failed": "Tell the makers of this tool, with the message and the picture.",
    "monochrome": "Nothing. Lower --min-colorfulness if the style is meant to be grey.",
    "text": "Cut the lettering off by hand, or raise --max-text.",
}


_QUANTITIES = (
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


def write_report(
    run_folder: Path,
    dataset: Path,
    source: Path,
    records: list[Record],
    settings: dict,
    title: str,
    others: Sequence[str] = (),
) -> None:
    """Write `report.json` and `report.html`, each complete or not at all.

    Equal arguments and pictures give equal bytes, in whatever order the records come.
    The page needs no other file and no network.

    Args:
        run_folder: where both go; made if missing.
        dataset: folder that holds the kept pictures, at `record.folder`/`record.name`.
        source: folder that `record.source` is relative to.
        records: one for each picture, or for each face of it.
        settings: of the preparation, by name. Thresholds drawn into histograms are
            `min_brightness`, `max_brightness`, `min_sharpness`, `min_size`, `min_face`.
        title: heading of the page.
        others: names of files in `source` that are no pictures.

    Raises:
        InputError: a report cannot be written.
    """
    records = sorted(records, key=lambda r: (r.source, r.face or 0, r.name))
    others = sorted(others)
    counts = _count(records, others)
    measured = {q.name: _measure(q, records, settings) for q in _QUANTITIES}
    summary = {
        "title": title,
        "counts": counts,
        "settings": {name: settings[name] for name in sorted(settings)},
        "statistics": {name: numbers[0] for name, numbers in measured.items()},
        "histograms": {name: numbers[1] for name, numbers in measured.items()},
        "others": others,
    }
    legend = f"<p>{swatch('kept')}kept {swatch('dropped')}dropped</p>"
    sections = (
        ("What became of the pictures", _counts_table(counts)),
        ("Settings", _settings_table(settings)),
        ("What was measured", f"{legend}\n{_charts(measured, settings)}"),
        ("Kept pictures", _kept_sheet(records, dataset)),
        ("Dropped pictures", _dropped_sheets(records, counts, source)),
        ("Files to look at", _file_lists(records, others)),
    )
    html = page(shown_text(title), _summary(counts), sections, _STYLE)
    text = json.dumps(summary, indent=2, ensure_ascii=False, default=str) + "\n"
    run_folder.mkdir(parents=True, exist_ok=True)
    # A name that is no UTF-8 holds lone surrogates. Their escapes are JSON, too.
    write_atomic(run_folder / "report.json", text.encode("utf-8", "backslashreplace"))
    write_atomic(run_folder / "report.html", html.encode())


def _count(records, others):
    kept = [record for record in records if _is_kept(record)]
    reasons = Counter(r.reason for r in records if not _is_kept(r))
    return {
        "sources": len({record.source for record in records}),
        "records": len(records),
        "kept": len(kept),
        "dropped": reasons.total(),
        "kept_by_folder": dict(sorted(Counter(r.folder for r in kept).items())),
        "dropped_by_reason": dict(sorted(reasons.items(), key=lambda x: (-x[1], x[0]))),
        "others": len(others),
    }


def _measure(quantity, records, settings):
    """Statistics and histogram of a quantity, or None and None without a value."""
    if quantity.per_source:
        # A source with several faces counts once, and as kept if one of them is.
        records = {r.source: r for r in sorted(records, key=_is_kept)}.values()
    pairs = [(quantity.value(record), _is_kept(record)) for record in records]
    pairs = [(value, kept) for value, kept in pairs if value is not None]
    if not pairs:
        return None, None
    values = np.array([value for value, _ in pairs], float)
    kept = np.array([kept for _, kept in pairs])
    statistics = {"count": len(values), "min": rounded(values.min())}
    for name, percent in _PERCENTILES.items():
        statistics[name] = rounded(np.percentile(values, percent))
    statistics["max"] = rounded(values.max())
    lines = list(_thresholds(quantity, settings).values())
    edges = bin_edges(values, lines, quantity)
    inside = np.clip(values, edges[0], edges[-1])
    histogram = {
        "edges": edges,
        "kept": np.histogram(inside[kept], edges)[0].tolist(),
        "dropped": np.histogram(inside[~kept], edges)[0].tolist(),
    }
    return statistics, histogram


def _thresholds(quantity, settings):
    """The quantity's thresholds that are set to a number other than 0."""
    values = {name: settings.get(name) for name in quantity.thresholds}
    return {n: v for n, v in values.items() if isinstance(v, (int, float)) and v}


def _is_kept(record):
    return record.decision == "kept"


def _summary(counts):
    return (
        f"{counted(counts['sources'], 'source')}: "
        f"{counted(counts['kept'], 'picture')} kept, {counts['dropped']:,} dropped"
    )


def _counts_table(counts):
    rows = [_count_row(counts, swatch("kept") + "<b>Kept</b>", counts["kept"])]
    for folder, number in counts["kept_by_folder"].items():
        rows.append(_count_row(counts, f"<span>in {shown_text(folder)}</span>", number))
    rows.append(
        _count_row(counts, swatch("dropped") + "<b>Dropped</b>", counts["dropped"])
    )
    for reason, number in counts["dropped_by_reason"].items():
        hint = _HINTS.get(reason, "")
        rows.append(
            _count_row(counts, f"<span>{shown_text(reason)}</span>", number, hint)
        )
    rows.append(_count_row(counts, "<b>All</b>", counts["records"]))
    heads = ("What became of it", "Number", "Share", "What to do about it")
    return table("counts", heads, rows)


def _count_row(counts, label, number, hint=""):
    share = 100 * number / max(counts["records"], 1)
    hint = re.sub("--[a-z-]+", r"<code>\g<0></code>", shown_text(hint))
    return label, f"{number:,}", f"{share:.1f} %", hint


def _settings_table(settings):
    rows = [
        (shown_text(name.replace("_", " ")), shown_text(_plain(settings[name])))
        for name in sorted(settings)
    ]
    return table("settings", ("Setting", "Value"), rows)


def _plain(value):
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_plain, value))
    return str(value)


def _charts(measured, settings):
    drawn = [q for q in _QUANTITIES if q.title and measured[q.name][0]]
    charts = [chart(q, *measured[q.name], _thresholds(q, settings)) for q in drawn]
    charts = "\n".join(charts) or "<p>Nothing was measured.</p>"
    return f'<div class="charts">\n{charts}\n</div>'


def _kept_sheet(records, dataset):
    kept = [record for record in records if _is_kept(record)]
    shown = spaced(kept, _KEPT_SHOWN)
    cells = (
        cell(
            _thumbnail(dataset / record.folder / record.name),
            f"prepared from {record.source}",
            shown_text(record.name),
        )
        for record in shown
    )
    return _sheet(cells, len(shown), len(kept))


def _dropped_sheets(records, counts, source):
    reasons = counts["dropped_by_reason"]
    sheets = []
    for reason, share in zip(reasons, _shares(list(reasons.values()), _DROPPED_SHOWN)):
        group = [r for r in records if not _is_kept(r) and r.reason == reason]
        cells = (_dropped_cell(record, source) for record in spaced(group, share))
        sheets.append(f"<h3>{shown_text(reason.capitalize())}</h3>\n")
        sheets.append(_sheet(cells, share, len(group)))
    return "\n".join(sheets) or "<p>None.</p>"


def _dropped_cell(record, source):
    # The largest face is the only one as a rule; its box says enough.
    face = f", face {record.face}" if (record.face or 1) > 1 else ""
    lines = (record.source + face, record.reason, record.detail)
    name, reason, detail = map(shown_text, lines)
    return cell(
        _thumbnail(source / record.source, record.box),
        f"source {record.source}{face}",
        f"{name}<br><b>{reason}</b><br>{detail}",
    )


def _shares(sizes, total):
    """How many to show of each group, so that small groups are not crowded out."""
    shares, left = [0] * len(sizes), total
    order = sorted(range(len(sizes)), key=lambda i: sizes[i])
    for position, i in enumerate(order):
        shares[i] = min(sizes[i], left // (len(sizes) - position))
        left -= shares[i]
    return shares


def _sheet(cells, shown, number):
    if not number:
        return "<p>None.</p>"
    return (
        f"<p>{shown:,} of {number:,} shown</p>\n"
        f'<ul class="sheet">\n{"".join(cells)}</ul>'
    )


def _thumbnail(path, box=None):
    """A small picture as a data URI, its face framed; None if it cannot be read."""
    try:
        image = Image.fromarray(read_image(path))
    except InputError:
        return None
    width = image.width
    image.thumbnail((_THUMBNAIL, _THUMBNAIL))
    if box:
        left, top, right, bottom = (
            image.width / width * value
            for value in (box[0], box[1], box[0] + box[2], box[1] + box[3])
        )
        draw = ImageDraw.Draw(image)
        # White on black shows on any ground.
        draw.rectangle((left - 1, top - 1, right + 1, bottom + 1), None, "black", 3)
        draw.rectangle((left, top, right, bottom), None, "white")
    return data_uri(image)


def _file_lists(records, others):
    broken = [
        f"{shown_text(record.source)}<br><small>{shown_text(record.detail)}</small>"
        for record in records
        if record.reason == "undecodable"
    ]
    return (
        f"<h3>Files that are no pictures: {len(others):,}</h3>\n"
        + _file_list([shown_text(name) for name in others], "report.json")
        + f"\n<h3>Pictures that cannot be decoded: {len(broken):,}</h3>\n"
        + _file_list(broken, "manifest.jsonl")
    )


def _file_list(items, complete):
    if not items:
        return "<p>None.</p>"
    rest = ""
    if len(items) > _FILES_LISTED:
        rest = f"<p>{_FILES_LISTED} of {len(items):,} listed; {complete} has all.</p>"
    lines = "".join(f"<li>{item}</li>\n" for item in items[:_FILES_LISTED])
    return f'<ul class="files">\n{lines}</ul>{rest}'


_STYLE = """
.counts tr > :nth-child(2), .counts tr > :nth-child(3) {
  text-align: right; white-space: nowrap;
}
.counts th > span { display: block; margin-left: 1.15rem; white-space: nowrap; }
.files { margin: 0.25rem 0; padding-left: 1.25rem; }
@media (max-width: 30rem) { .counts th > span { margin-left: 0; } }
"""
