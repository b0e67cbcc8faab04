"""What a person sees after a preparation: `report.html`, and `report.json`."""

import base64
import json
import re
from collections import Counter
from io import BytesIO
from pathlib import Path
from string import Template
from typing import Sequence

import numpy as np
from PIL import Image, ImageDraw

from animegan_tf.data.charts import (
    Quantity,
    bin_edges,
    chart,
    counted,
    rounded,
    shown_text,
)
from animegan_tf.data.manifest import Record
from animegan_tf.errors import InputError
from animegan_tf.imaging.io import read_image, write_atomic

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
    sections = {
        "title": shown_text(title),
        "summary": _summary(counts),
        "counts": _counts_table(counts),
        "settings": _settings_table(settings),
        "legend": f"{_swatch('kept')}kept {_swatch('dropped')}dropped",
        "histograms": _charts(measured, settings),
        "kept": _kept_sheet(records, dataset),
        "dropped": _dropped_sheets(records, counts, source),
        "files": _file_lists(records, others),
    }
    text = json.dumps(summary, indent=2, ensure_ascii=False, default=str) + "\n"
    run_folder.mkdir(parents=True, exist_ok=True)
    # A name that is no UTF-8 holds lone surrogates. Their escapes are JSON, too.
    write_atomic(run_folder / "report.json", text.encode("utf-8", "backslashreplace"))
    write_atomic(run_folder / "report.html", _PAGE.substitute(sections).encode())


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
    rows = [_count_row(counts, _swatch("kept") + "<b>Kept</b>", counts["kept"])]
    for folder, number in counts["kept_by_folder"].items():
        rows.append(_count_row(counts, f"<span>in {shown_text(folder)}</span>", number))
    rows.append(
        _count_row(counts, _swatch("dropped") + "<b>Dropped</b>", counts["dropped"])
    )
    for reason, number in counts["dropped_by_reason"].items():
        hint = _HINTS.get(reason, "")
        rows.append(
            _count_row(counts, f"<span>{shown_text(reason)}</span>", number, hint)
        )
    rows.append(_count_row(counts, "<b>All</b>", counts["records"]))
    heads = ("What became of it", "Number", "Share", "What to do about it")
    return _table("counts", heads, rows)


def _count_row(counts, label, number, hint=""):
    share = 100 * number / max(counts["records"], 1)
    hint = re.sub("--[a-z-]+", r"<code>\g<0></code>", shown_text(hint))
    return label, f"{number:,}", f"{share:.1f} %", hint


def _settings_table(settings):
    rows = [
        (shown_text(name.replace("_", " ")), shown_text(_plain(settings[name])))
        for name in sorted(settings)
    ]
    return _table("settings", ("Setting", "Value"), rows)


def _table(name, heads, rows):
    """A table of HTML cells; the first of each row is its heading."""
    head = "".join(f'<th scope="col">{cell}</th>' for cell in heads)
    body = "".join(
        f'<tr><th scope="row">{first}</th>'
        + "".join(f"<td>{cell}</td>" for cell in rest)
        + "</tr>\n"
        for first, *rest in rows
    )
    return (
        f'<table class="{name}"><thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}</tbody></table>"
    )


def _swatch(kind):
    return (
        '<svg class="swatch" viewBox="0 0 12 12" aria-hidden="true">'
        f'<rect class="{kind}" width="12" height="12"/></svg>'
    )


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
    charts = (chart(q, *measured[q.name], _thresholds(q, settings)) for q in drawn)
    return "\n".join(charts) or "<p>Nothing was measured.</p>"


def _kept_sheet(records, dataset):
    kept = [record for record in records if _is_kept(record)]
    shown = _spaced(kept, _KEPT_SHOWN)
    cells = (
        _cell(
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
        cells = (_dropped_cell(record, source) for record in _spaced(group, share))
        sheets.append(f"<h3>{shown_text(reason.capitalize())}</h3>\n")
        sheets.append(_sheet(cells, share, len(group)))
    return "\n".join(sheets) or "<p>None.</p>"


def _dropped_cell(record, source):
    # The largest face is the only one as a rule; its box says enough.
    face = f", face {record.face}" if (record.face or 1) > 1 else ""
    lines = (record.source + face, record.reason, record.detail)
    name, reason, detail = map(shown_text, lines)
    return _cell(
        _thumbnail(source / record.source, record.box),
        f"source {record.source}{face}",
        f"{name}<br><b>{reason}</b><br>{detail}",
    )


def _spaced(items, number):
    """At most `number` of the items, evenly spaced, the first among them."""
    number = min(number, len(items))
    return [items[i * len(items) // number] for i in range(number)]


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


def _cell(thumbnail, description, caption):
    if thumbnail:
        picture = f'<img src="{thumbnail}" alt="{shown_text(description)}">'
    else:
        picture = '<span class="blank">cannot be read</span>'
    # File names have underscores where other text has spaces: lines may break there.
    return f"<li>{picture}<p>{caption.replace('_', '_<wbr>')}</p></li>\n"


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
    content = BytesIO()
    image.save(content, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(content.getvalue()).decode()


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


_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$title</title>
<style>
:root {
  --ground: #fff; --text: #1b1e22; --muted: #565d66; --line: #d6dade;
  --blank: #e4e6e9; --kept: #00518a; --dropped: #e06a00;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --ground: #15181c; --text: #e8eaed; --muted: #a7aeb7; --line: #373d45;
    --blank: #2b3037; --kept: #8fd0ff; --dropped: #d06410;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 70rem;
  background: var(--ground); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: break-word;
}
h1 { margin: 0; font-size: 1.75rem; line-height: 1.2; }
h2, h3, section > p { break-after: avoid; }
h2 { margin: 2.5rem 0 0.75rem; font-size: 1.3rem; }
h3 { margin: 1.5rem 0 0.25rem; font-size: 1rem; }
p { margin: 0.25rem 0; }
section > p, small, figcaption { color: var(--muted); font-size: 0.875rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td {
  padding: 0.25rem 1.5rem 0.25rem 0; border-bottom: 1px solid var(--line);
  text-align: left; vertical-align: top; font-weight: normal;
}
thead th { color: var(--muted); font-size: 0.875rem; }
.counts tr > :nth-child(2), .counts tr > :nth-child(3) {
  text-align: right; white-space: nowrap;
}
.summary { font-size: 1.15rem; }
.swatch { width: 0.75rem; height: 0.75rem; margin-right: 0.4rem; }
* + .swatch { margin-left: 1rem; }
b { font-weight: 600; }
code { font-size: 0.9em; white-space: nowrap; }
.counts th > span { display: block; margin-left: 1.15rem; white-space: nowrap; }
.kept { fill: var(--kept); }
.dropped { fill: var(--dropped); }
.charts { display: grid; gap: 1.5rem 2rem; }
.chart { margin: 0; break-inside: avoid; }
.chart h3 { margin-top: 0.5rem; }
.chart svg { display: block; width: 100%; }
.chart text { fill: var(--muted); font-size: 12px; }
.chart .name { fill: var(--text); }
.grid { stroke: var(--line); }
path.threshold { stroke: var(--text); stroke-width: 1.5; stroke-dasharray: 5 3; }
.sheet {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(8rem, 1fr));
  gap: 1rem; margin: 0.5rem 0 0; padding: 0; list-style: none;
}
.sheet li {
  break-inside: avoid; font-size: 0.8rem; line-height: 1.35; overflow-wrap: anywhere;
}
.sheet img, .blank { display: block; max-width: 100%; border-radius: 3px; }
.blank {
  width: 8rem; aspect-ratio: 1; padding: 3.2rem 0.5rem 0; text-align: center;
  background: var(--blank); color: var(--muted);
}
.files { margin: 0.25rem 0; padding-left: 1.25rem; }
@media print { :root { font-size: 11px; } .charts { grid-template-columns: 1fr 1fr; } }
@media (min-width: 48rem) { .charts { grid-template-columns: 1fr 1fr; } }
@media (max-width: 30rem) {
  .chart text { font-size: 14px; }
  th, td { padding-right: 0.5rem; font-size: 0.8rem; }
  thead th { font-size: 0.8rem; }
  .counts th > span { margin-left: 0; }
}
</style>
</head>
<body>
<header>
<h1>$title</h1>
<p class="summary">$summary</p>
</header>
<main>
<section><h2>What became of the pictures</h2>
$counts
</section>
<section><h2>Settings</h2>
$settings
</section>
<section><h2>What was measured</h2>
<p>$legend</p>
<div class="charts">
$histograms
</div>
</section>
<section><h2>Kept pictures</h2>
$kept
</section>
<section><h2>Dropped pictures</h2>
$dropped
</section>
<section><h2>Files to look at</h2>
$files
</section>
</main>
</body>
</html>
""")
