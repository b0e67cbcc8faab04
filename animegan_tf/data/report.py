"""What a person sees after a preparation: `report.html`, and `report.json`."""

import json
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from animegan_tf.data.manifest import Record
from animegan_tf.data.summary import QUANTITIES, is_kept, summarize, thresholds
from animegan_tf.errors import InputError
from animegan_tf.files import write_atomic
from animegan_tf.imaging.codec import read_image
from animegan_tf.page.charts import stacked_histogram
from animegan_tf.page.html import counted, data_uri, render, spaced

_KEPT_SHOWN, _DROPPED_SHOWN = 60, 120
_THUMBNAIL = 128
HINTS = {
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
    summary = summarize(records, settings)
    counts = summary["counts"]
    counts["others"] = len(others)
    settings = {name: settings[name] for name in sorted(settings)}
    html = render(
        "preparation.html",
        title=title,
        summary=f"{counted(counts['sources'], 'source')}: "
        f"{counted(counts['kept'], 'picture')} kept, {counts['dropped']:,} dropped",
        counts=counts,
        hints=HINTS,
        settings=[(n.replace("_", " "), _plain(v)) for n, v in settings.items()],
        charts=_charts(summary, settings),
        kept=_kept_sheet(records, dataset),
        dropped=_dropped_sheets(records, counts, source),
        others=others,
        broken=[
            f"{r.source}: {r.detail}" for r in records if r.reason == "undecodable"
        ],
    )
    report = {"title": title, **summary, "settings": settings, "others": others}
    text = json.dumps(report, indent=2, ensure_ascii=False, default=str) + "\n"
    run_folder.mkdir(parents=True, exist_ok=True)
    # A name that is no UTF-8 holds lone surrogates. Their escapes are JSON, too.
    write_atomic(run_folder / "report.json", text.encode("utf-8", "backslashreplace"))
    write_atomic(run_folder / "report.html", html.encode())


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


def _charts(summary, settings):
    """Title, chart and statistics of each quantity that is drawn."""
    for quantity in QUANTITIES:
        histogram = summary["histograms"][quantity.name]
        if quantity.title and histogram:
            noun = "sources" if quantity.per_source else "pictures"
            lines = thresholds(quantity, settings)
            chart = stacked_histogram(
                **histogram,
                axis=quantity.axis,
                noun=noun,
                thresholds=lines,
                log=quantity.log,
            )
            yield quantity.title, chart, summary["statistics"][quantity.name]


def _kept_sheet(records, dataset):
    kept = [record for record in records if is_kept(record)]
    shown = [
        {
            "uri": _thumbnail(dataset / record.folder / record.name),
            "description": f"prepared from {record.source}",
            "name": record.name,
        }
        for record in spaced(kept, _KEPT_SHOWN)
    ]
    return {"shown": shown, "number": len(kept)}


def _dropped_sheets(records, counts, source):
    reasons = counts["dropped_by_reason"]
    for reason, most in zip(reasons, _shares(list(reasons.values()), _DROPPED_SHOWN)):
        group = [r for r in records if not is_kept(r) and r.reason == reason]
        shown = [_dropped(record, source) for record in spaced(group, most)]
        yield {"reason": reason, "shown": shown, "number": len(group)}


def _dropped(record, source):
    # The largest face is the only one as a rule; its box says enough.
    name = record.source + (f", face {record.face}" if (record.face or 1) > 1 else "")
    return {
        "uri": _thumbnail(source / record.source, record.box),
        "description": f"source {name}",
        "name": name,
        "reason": record.reason,
        "detail": record.detail,
    }


def _shares(sizes, total):
    """How many to show of each group, so that small groups are not crowded out."""
    shares, left = [0] * len(sizes), total
    order = sorted(range(len(sizes)), key=lambda i: sizes[i])
    for position, i in enumerate(order):
        shares[i] = min(sizes[i], left // (len(sizes) - position))
        left -= shares[i]
    return shares


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
