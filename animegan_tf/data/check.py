"""What training would stumble over in a data set, whoever prepared it."""

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from animegan_tf.data.inspection import read_folder
from animegan_tf.data.rules import LEVELS, Finding, Thresholds, finding, findings
from animegan_tf.errors import InputError
from animegan_tf.imaging import quality

_FILES_SHOWN = 5
_PHOTOS, _VAL = "train_photo", "val"


@dataclass(frozen=True)
class Findings:
    """All that was found in a data set, the worst first.

    Attributes:
        dataset: its folder.
        pictures: number of readable pictures by folder.
        items: tuple of `Finding`.
    """

    dataset: Path
    pictures: dict[str, int]
    items: tuple[Finding, ...]

    @property
    def errors(self) -> list[Finding]:
        """The findings that training would stop at."""
        return [item for item in self.items if item.level == "error"]


def check_dataset(
    dataset: Path,
    styles: Sequence[str] | None = None,
    thresholds: Thresholds = Thresholds(),
) -> Findings:
    """Read a data set in the layout of the AnimeGAN projects and judge it.

    Nothing is written. Every picture of `train_photo`, `seg_train_5-0.8-*`, `val` and
    `<style>/style`, `smooth`, `smooth_noise` is decoded once, in threads.

    Args:
        dataset: folder that holds these folders.
        styles: names of the styles to check, or None for all.
        thresholds: where findings begin.

    Returns:
        `Findings`, the same for the same files.

    Raises:
        InputError: `dataset` is no folder, or one of its folders cannot be listed.
    """
    dataset = Path(dataset)
    if not dataset.is_dir():
        received = "a file" if dataset.exists() else "nothing"
        raise InputError(
            f"{dataset}: must be a data set's folder, received {received}."
        )
    superpixels = _names(dataset, "seg_train_5-0.8-*")
    photos = read_folder(dataset, _PHOTOS, superpixels, thresholds)
    val = read_folder(dataset, _VAL, [], thresholds)
    if styles is None:
        styles = [Path(name).parent.as_posix() for name in _names(dataset, "*/style")]
    anime = [_read_style(dataset, style, thresholds) for style in styles]
    found = [
        *_check_layout(photos, val, anime, superpixels),
        *_check_files(val),
        *_check_duplicates(photos, [], thresholds),
        *_check_duplicates(val, photos.pictures, thresholds),
    ]
    for folder in (photos, *anime):
        found += _check_folder(folder, thresholds)
    for style in anime:
        found += _check_duplicates(style, [], thresholds)
        found += _check_style(style, thresholds)
        found += _compare(photos, style, thresholds)
    order = list(LEVELS)
    found.sort(key=lambda item: order.index(item.level))
    counts = {f.name: len(f.pictures) for f in (photos, *anime, val) if not f.missing}
    return Findings(dataset, counts, tuple(found))


def print_findings(found: Findings) -> None:
    """Print findings as plain text, grouped by level.

    Args:
        found: as `check_dataset` returns them.
    """
    counts = [f"{count} in {name}" for name, count in found.pictures.items()]
    print(f"{found.dataset}: pictures: {', '.join(counts) or 'none'}")
    for level, meaning in LEVELS.items():
        items = [item for item in found.items if item.level == level]
        if items:
            print(f"\n{level}s ({meaning}):")
        for item in items:
            print(f"- {item.rule}: {item.message}")
            if item.files:
                print(f"    {_some(item.files)}")
    if not found.items:
        print("nothing found that training would stumble over")


def as_json(found: Findings) -> dict:
    """Findings as a dictionary that the json module can write.

    Args:
        found: as `check_dataset` returns them.

    Returns:
        dict with `dataset`, `pictures` (folder to number) and `findings`, a list of
        dicts with `level`, `rule`, `message` and `files`.
    """
    return {
        "dataset": str(found.dataset),
        "pictures": found.pictures,
        "findings": [dataclasses.asdict(item) for item in found.items],
    }


def _names(dataset, pattern):
    """Folders that match, but for hidden ones and the records of preparation."""
    folders = [path for path in dataset.glob(pattern) if path.is_dir()]
    names = sorted(path.relative_to(dataset).as_posix() for path in folders)
    return [name for name in names if not name.startswith((".", "prepare/"))]


def _some(names):
    more = len(names) - _FILES_SHOWN
    return ", ".join(names[:_FILES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _read_style(dataset, style, thresholds):
    partners = [f"{style}/smooth", f"{style}/smooth_noise"]
    partners = [name for name in partners if (dataset / name).is_dir()]
    return read_folder(dataset, f"{style}/style", partners, thresholds)


def _check_layout(photos, val, anime, superpixels):
    """Folders that are missing or empty."""
    for folder in (photos, *anime):
        if folder.missing:
            yield finding("missing", folder.name)
    if not anime:
        yield finding("no style", "<style>/style")
    for folder in (photos, val, *anime):
        empty = [folder.name] if folder.empty else []
        empty += [name for name, p in folder.partners.items() if not p.count]
        yield from (finding("empty", name) for name in empty)
    if not photos.missing and not superpixels:
        yield finding("no superpixels", "seg_train_5-0.8-50")
    for style in anime:
        folder = style.name.removesuffix("/style")
        names = (f"{folder}/{name}" for name in ("smooth", "smooth_noise"))
        absent = [name for name in names if name not in style.partners]
        if absent and not style.missing:
            yield finding("no smoothing", ", ".join(absent))
    if val.missing:
        yield finding("no val", _VAL)


def _check_folder(folder, thresholds):
    """Everything about one training folder and its partners alone."""
    yield from _check_files(folder)
    if folder.empty or folder.missing:
        return
    yield from _check_counts(folder, thresholds)
    yield from _check_sizes(folder, thresholds)
    for name in folder.partners:
        pairs = [(p, p.pairs[name]) for p in folder.pictures if name in p.pairs]
        yield from _check_matches(folder, name)
        yield from _check_pairs(name, pairs, thresholds)
        yield from _check_smoothing(name, pairs, thresholds)


def _check_files(folder):
    if folder.broken:
        first, reason = folder.broken[0]
        files = [name for name, _ in folder.broken]
        about = {"first": first, "reason": reason.rstrip(".")}
        yield finding("undecodable", folder.name, files, **about)
    others = folder.others + [n for p in folder.partners.values() for n in p.others]
    yield from findings("no pictures", folder.name, others)


def _check_counts(folder, thresholds):
    usable = [len(folder.pictures)] + [
        sum(name in picture.pairs for picture in folder.pictures)
        for name, partners in folder.partners.items()
        if partners.count and not partners.pictures
    ]
    usable = min(usable)
    wanted = thresholds.photos if folder.name == _PHOTOS else thresholds.style
    numbers = {"usable": usable, "wanted": wanted, "batch": thresholds.batch}
    if usable < thresholds.batch:
        yield finding("less than a batch", folder.name, **numbers)
    elif usable < wanted:
        yield finding("few", folder.name, **numbers)


def _check_sizes(folder, thresholds):
    pictures = folder.pictures
    sizes = Counter(picture.shape for picture in pictures)
    if len(sizes) > 1:
        ordered = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))
        common = ", ".join(f"{n} of {w} x {h}" for (h, w), n in ordered[:3])
        # Partners that training makes itself are made after resizing.
        level = "warning" if folder.partners else "note"
        about = {"number": len(sizes), "common": common}
        yield finding("sizes", folder.name, level=level, **about)
    oblong = [
        picture.name
        for picture in pictures
        if abs(picture.shape[0] / picture.shape[1] - 1) > thresholds.proportions
    ]
    yield from findings("not square", folder.name, oblong, of=len(pictures))
    small = [p.name for p in pictures if min(p.shape) < thresholds.size]
    about = {"of": len(pictures), "size": thresholds.size}
    yield from findings("small", folder.name, small, **about)


def _check_matches(folder, name):
    partners = folder.partners[name]
    if partners.count:
        about = {"of": len(folder.pictures), "other": folder.name}
        yield from findings("no partner", name, partners.pictures, **about)
    about = {"of": partners.count, "other": folder.name}
    yield from findings("lonely partner", name, partners.partners, **about)


def _check_pairs(name, pairs, thresholds):
    """Whether partners have the pictures' shapes and show the same."""
    compared = [(p, pair) for p, pair in pairs if pair.difference is not None]
    other = [pair.name for _, pair in pairs if pair.difference is None]
    yield from findings("proportions", name, other, of=len(pairs))
    other = [pair.name for picture, pair in compared if pair.shape != picture.shape]
    yield from findings("pair sizes", name, other, of=len(pairs))
    most = thresholds.alignment
    apart = [pair for _, pair in compared if pair.difference > most]
    worst = max((pair.difference for pair in apart), default=0)
    about = {"of": len(pairs), "worst": worst, "most": most}
    yield from findings("apart", name, [pair.name for pair in apart], **about)


def _check_smoothing(name, pairs, thresholds):
    groups = defaultdict(list)
    for _, pair in pairs:
        if pair.difference is None or pair.difference > thresholds.alignment:
            continue
        if pair.edges is not None and pair.edges >= thresholds.unsmoothed:
            groups["unsmoothed"].append(pair.name)
        elif pair.edges is not None and pair.edges > thresholds.weakly_smoothed:
            groups["weakly smoothed"].append(pair.name)
        if pair.whitened is not None and pair.whitened < thresholds.noise:
            groups["no noise"].append(pair.name)
    about = {"of": len(pairs), "size": thresholds.size, "least": thresholds.noise}
    for rule in ("unsmoothed", "weakly smoothed", "no noise"):
        yield from findings(rule, name, groups[rule], **about)


def _check_duplicates(folder, known, thresholds):
    """Pictures of a folder that `known` ones, or earlier ones of it, show already."""
    index, names, contents = quality.HashIndex(), [], {}
    exact, near = [], []

    def remember(picture):
        index.add(picture.hash)
        names.append(picture.name)
        contents.setdefault(picture.content, picture.name)

    for picture in known:
        remember(picture)
    for picture in folder.pictures:
        nearest, distance = index.nearest(picture.hash) or (None, quality.HASH_BITS)
        if picture.content in contents:
            exact.append(f"{picture.name} = {contents[picture.content]}")
        elif distance <= thresholds.duplicate:
            near.append(f"{picture.name} ~ {names[nearest]}")
        if not known:
            remember(picture)
    about = {
        "of": len(folder.pictures),
        "others": "training photos" if known else "others",
    }
    yield from findings("copies", folder.name, exact, **about)
    level = "warning" if known else "note"
    yield from findings("alike", folder.name, near, level=level, **about)


def _check_style(style, thresholds):
    """Pictures of a style that look like none."""
    gray = [p.name for p in style.pictures if p.colorfulness < thresholds.monochrome]
    yield from findings("grey", style.name, gray, of=len(style.pictures))
    if len(style.pictures) < thresholds.compare:
        return
    outline = np.median([picture.outline for picture in style.pictures])
    if outline < thresholds.outline:
        about = {"outline": outline, "least": thresholds.outline}
        yield finding("soft", style.name, **about)


def _compare(photos, style, thresholds):
    """Photos and a style that differ in more than in style."""
    if min(len(photos.pictures), len(style.pictures)) < thresholds.compare:
        return
    likeness = _framing_likeness(photos.pictures, style.pictures)
    if likeness is not None and likeness < thresholds.framing:
        about = {"likeness": likeness, "least": thresholds.framing}
        yield finding("framing", style.name, other=photos.name, **about)
    tones = [
        np.mean([picture.tones for picture in folder.pictures], axis=0)
        for folder in (photos, style)
    ]
    lightness, contrast, a, b, chroma = tones[1] - tones[0]
    for rule, value, most, words in (
        ("brightness", lightness, thresholds.lightness, "lightness"),
        ("contrast", contrast, thresholds.contrast, "spread of lightness"),
        ("hue", np.hypot(a, b), thresholds.hue, "mean colour"),
        ("saturation", chroma, thresholds.chroma, "chroma"),
    ):
        if abs(value) > most:
            about = {"rule": rule, "value": value, "most": most, "words": words}
            yield finding("tone", style.name, other=photos.name, **about)


def _framing_likeness(pictures, others):
    """Cosine of two folders' mean maps of skin colours; None without skin colours.

    Left and right are averaged, because training mirrors pictures.
    """
    maps = []
    for folder in (pictures, others):
        mean = np.mean([picture.skin for picture in folder], axis=0)
        mean = mean + mean[:, ::-1]
        maps.append((mean - mean.mean()).ravel())
    norms = [np.linalg.norm(values) for values in maps]
    if min(norms) < 1e-3:
        return None
    return float(maps[0] @ maps[1] / np.prod(norms))
