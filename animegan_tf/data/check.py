"""What training would stumble over in a data set, whoever prepared it."""

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from animegan_tf.data.inspection import read_folder
from animegan_tf.errors import InputError
from animegan_tf.imaging import quality

LEVELS = {
    "error": "training would stop or learn what is wrong",
    "warning": "training would suffer",
    "note": "good to know",
}

_FILES_SHOWN = 5
_PHOTOS, _VAL = "train_photo", "val"


@dataclass(frozen=True)
class Thresholds:
    """Where findings begin.

    The figures in the comments were measured at 256 px on 1,336 photos of people, four
    anime styles of heads (136 to 927 pictures) and 128 landscapes.
    """

    # The defaults of training.
    size: int = 256
    batch: int = 8
    # The authors train on several thousand photos and one to two thousand pictures of
    # a style. Far fewer pictures are learnt by heart by the discriminators.
    photos: int = 500
    style: int = 100
    # Rounding of sides, as training allows it.
    proportions: float = 0.02
    # Mean difference in levels of 16 x 16 averages: at most 8.3 between a photo and
    # its superpixels of 50 or 100 px, at least 11.6 to those of the most similar
    # photo; at most 0.8 between a picture and its edge-smoothed one.
    alignment: float = 11.0
    # Strength of the Laplacian at the contours, smoothed to not smoothed: at most 0.5
    # after smoothing, at least 0.94 after mere saving as JPEG, 0.43 to 0.88 if
    # smoothed at two or four times the size.
    unsmoothed: float = 0.9
    weakly_smoothed: float = 0.55
    # Share of dark pixels that noise has whitened, the usual 0.1 asked for: at least
    # 0.03 even after JPEG 75; without noise 0.002 on average, at most 0.034.
    noise: float = 0.03
    duplicate: int = quality.NEAR_DUPLICATE
    # From here on the means of two folders can be compared.
    compare: int = 30
    # Cosine of the two folders' maps of where skin colours are: 0.81 to 0.87 between
    # the photos and each of the styles, at most 0.42 with landscapes on either side,
    # 0.1 if the heads of one side are half as large. Maps of where detail is do not
    # tell landscapes from heads.
    framing: float = 0.48
    # Differences of the means in CIE Lab: lightness, its deviation inside a picture,
    # hue (a and b), chroma. Photos and styles differ by up to 16, 2, 10 and 2.
    lightness: float = 25.0
    contrast: float = 10.0
    hue: float = 15.0
    chroma: float = 15.0
    # Median of the hardest contours, in levels: 178 to 225 in the styles, 101 in the
    # photos, 146 in the landscapes.
    outline: float = 160.0
    monochrome: float = quality.MONOCHROME


@dataclass(frozen=True)
class Finding:
    """One thing found, of one rule.

    Attributes:
        level: a member of `LEVELS`.
        rule: short phrase, such as "unmatched pairs".
        message: one sentence that says where, how much, and what to do.
        files: the files concerned, relative to the data set, with forward slashes; of
            duplicates "copy = original", or "copy ~ original" if only suspected.
    """

    level: str
    rule: str
    message: str
    files: tuple[str, ...] = ()


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
        return [finding for finding in self.items if finding.level == "error"]


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
    found.sort(key=lambda finding: order.index(finding.level))
    counts = {f.name: len(f.pictures) for f in (photos, *anime, val) if not f.missing}
    return Findings(dataset, counts, tuple(found))


def print_findings(findings: Findings) -> None:
    """Print findings as plain text, grouped by level.

    Args:
        findings: as `check_dataset` returns them.
    """
    counts = [f"{count} in {name}" for name, count in findings.pictures.items()]
    print(f"{findings.dataset}: pictures: {', '.join(counts) or 'none'}")
    for level, meaning in LEVELS.items():
        items = [finding for finding in findings.items if finding.level == level]
        if items:
            print(f"\n{level}s ({meaning}):")
        for finding in items:
            print(f"- {finding.rule}: {finding.message}")
            if finding.files:
                print(f"    {_some(finding.files)}")
    if not findings.items:
        print("nothing found that training would stumble over")


def as_json(findings: Findings) -> dict:
    """Findings as a dictionary that the json module can write.

    Args:
        findings: as `check_dataset` returns them.

    Returns:
        dict with `dataset`, `pictures` (folder to number) and `findings`, a list of
        dicts with `level`, `rule`, `message` and `files`.
    """
    return {
        "dataset": str(findings.dataset),
        "pictures": findings.pictures,
        "findings": [dataclasses.asdict(finding) for finding in findings.items],
    }


def _names(dataset, pattern):
    """Folders that match, but for hidden ones and the records of preparation."""
    folders = [path for path in dataset.glob(pattern) if path.is_dir()]
    names = sorted(path.relative_to(dataset).as_posix() for path in folders)
    return [name for name in names if not name.startswith((".", "prepare/"))]


def _some(names):
    more = len(names) - _FILES_SHOWN
    return ", ".join(names[:_FILES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _of(names, folder):
    return f"{len(names)} of {len(folder.pictures)} pictures"


def _read_style(dataset, style, thresholds):
    partners = [f"{style}/smooth", f"{style}/smooth_noise"]
    partners = [name for name in partners if (dataset / name).is_dir()]
    return read_folder(dataset, f"{style}/style", partners, thresholds)


def _check_layout(photos, val, anime, superpixels):
    """Folders that are missing or empty."""
    for folder in (photos, *anime):
        if folder.missing:
            yield Finding(
                "error",
                "missing folder",
                f"{folder.name}: training needs this folder of pictures, and there is "
                "none.",
            )
    if not anime:
        yield Finding(
            "error",
            "missing folder",
            "training needs the anime pictures of a style in <style>/style, and there "
            "is no such folder.",
        )
    for folder in (photos, val, *anime):
        empty = [folder.name] if folder.empty else []
        empty += [name for name, p in folder.partners.items() if not p.count]
        for name in empty:
            yield Finding(
                "error",
                "empty folder",
                f"{name}: training stops at a folder without a readable picture; fill "
                "or delete it.",
            )
    yield from _check_optional(photos, val, anime, superpixels)


def _check_optional(photos, val, anime, superpixels):
    if not photos.missing and not superpixels:
        yield Finding(
            "note",
            "made on the fly",
            "seg_train_5-0.8-50: there are no superpixels of the photos; training "
            "makes them.",
        )
    for style in anime:
        folder = style.name.removesuffix("/style")
        names = (f"{folder}/{name}" for name in ("smooth", "smooth_noise"))
        absent = [name for name in names if name not in style.partners]
        if absent and not style.missing:
            yield Finding(
                "note",
                "made on the fly",
                f"{', '.join(absent)}: there is none; training makes what it needs.",
            )
    if val.missing:
        yield Finding(
            "note",
            "no val folder",
            "val: there are no photos to judge by; training shows what it makes of its "
            "own photos.",
        )


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
        yield from _check_proportions(name, pairs, thresholds)
        yield from _check_alignment(name, pairs, thresholds)
        yield from _check_smoothing(name, pairs, thresholds)


def _check_files(folder):
    if folder.broken:
        file, reason = folder.broken[0]
        yield Finding(
            "warning",
            "undecodable files",
            f"{folder.name}: {len(folder.broken)} files there or among its partners "
            "cannot be decoded and are left out; replace or delete them "
            f"(the first, {file}, {reason.rstrip('.')}).",
            tuple(name for name, _ in folder.broken),
        )
    others = folder.others + [n for p in folder.partners.values() for n in p.others]
    if others:
        yield Finding(
            "note",
            "no pictures",
            f"{folder.name}: {len(others)} files there or beside its partners are not "
            "named like pictures and are passed over.",
            tuple(others),
        )


def _check_counts(folder, thresholds):
    usable = [len(folder.pictures)] + [
        sum(name in picture.pairs for picture in folder.pictures)
        for name, partners in folder.partners.items()
        if partners.count and not partners.pictures
    ]
    usable = min(usable)
    wanted = thresholds.photos if folder.name == _PHOTOS else thresholds.style
    if usable < thresholds.batch:
        yield Finding(
            "error",
            "too few pictures",
            f"{folder.name}: training needs {thresholds.batch} usable pictures, one "
            f"batch, and there are {usable}; add more.",
        )
    elif usable < wanted:
        yield Finding(
            "warning",
            "too few pictures",
            f"{folder.name}: with fewer than {wanted} pictures, and there are "
            f"{usable}, the networks may learn them by heart; add more.",
        )


def _check_sizes(folder, thresholds):
    sizes = Counter(picture.shape for picture in folder.pictures)
    if len(sizes) > 1:
        common = ", ".join(
            f"{count} of {width} x {height}"
            for (height, width), count in sorted(
                sizes.items(), key=lambda item: (-item[1], item[0])
            )[:3]
        )
        # Partners that training makes itself are made after resizing.
        yield Finding(
            "warning" if folder.partners else "note",
            "mixed sizes",
            f"{folder.name}: the pictures have {len(sizes)} sizes ({common}), and "
            "superpixels and smoothed edges are measured in pixels; bring them to one "
            "size.",
        )
    oblong = [
        picture.name
        for picture in folder.pictures
        if abs(picture.shape[0] / picture.shape[1] - 1) > thresholds.proportions
    ]
    if oblong:
        yield Finding(
            "warning",
            "not square",
            f"{folder.name}: {_of(oblong, folder)} are not square, and training sees "
            "only their middle; crop them.",
            tuple(oblong),
        )
    small = [p.name for p in folder.pictures if min(p.shape) < thresholds.size]
    if small:
        yield Finding(
            "warning",
            "too small",
            f"{folder.name}: {_of(small, folder)} are smaller than the "
            f"{thresholds.size} px of training and are enlarged; replace them or train "
            "at a smaller size.",
            tuple(small),
        )


def _check_matches(folder, name):
    partners = folder.partners[name]
    if partners.pictures and partners.count:
        yield Finding(
            "error",
            "unmatched pairs",
            f"{name}: {_of(partners.pictures, folder)} of {folder.name} have no "
            "partner of the same name there, at which training stops; make the "
            "partners or delete the pictures.",
            tuple(partners.pictures),
        )
    if partners.partners:
        yield Finding(
            "warning",
            "unmatched pairs",
            f"{name}: {len(partners.partners)} of {partners.count} pictures belong to "
            f"none of {folder.name} and are not used; delete them, or find out which "
            "pictures are gone.",
            tuple(partners.partners),
        )


def _check_proportions(name, pairs, thresholds):
    other = [pair.name for _, pair in pairs if pair.difference is None]
    if other:
        yield Finding(
            "error",
            "different proportions",
            f"{name}: {len(other)} of {len(pairs)} pictures have other proportions "
            "than their partners, at which training stops; make them anew.",
            tuple(other),
        )
    other = [
        pair.name
        for picture, pair in pairs
        if pair.difference is not None and pair.shape != picture.shape
    ]
    if other:
        yield Finding(
            "warning",
            "different sizes",
            f"{name}: {len(other)} of {len(pairs)} pictures are of another size than "
            "their partners, so contours do not meet to the pixel; make them anew at "
            "one size.",
            tuple(other),
        )


def _check_alignment(name, pairs, thresholds):
    most = thresholds.alignment
    apart = [
        (pair.difference, pair.name)
        for _, pair in pairs
        if pair.difference is not None and pair.difference > most
    ]
    if apart:
        yield Finding(
            "error",
            "pairs that do not align",
            f"{name}: {len(apart)} of {len(pairs)} pictures do not show what their "
            f"partners show (mean colours differ by up to {max(apart)[0]:.1f} levels, "
            f"{most:g} are usual at most); make them anew.",
            tuple(file for _, file in apart),
        )


def _check_smoothing(name, pairs, thresholds):
    groups = defaultdict(list)
    for _, pair in pairs:
        if pair.difference is None or pair.difference > thresholds.alignment:
            continue
        if pair.edges is not None and pair.edges >= thresholds.unsmoothed:
            groups["missing"].append(pair.name)
        elif pair.edges is not None and pair.edges > thresholds.weakly_smoothed:
            groups["weak"].append(pair.name)
        if pair.whitened is not None and pair.whitened < thresholds.noise:
            groups["noise"].append(pair.name)
    if groups["missing"]:
        yield Finding(
            "error",
            "smoothing missing",
            f"{name}: {len(groups['missing'])} of {len(pairs)} pictures have contours "
            "as hard as the style's, though they are to show what is not anime; make "
            "them anew.",
            tuple(groups["missing"]),
        )
    if groups["weak"]:
        yield Finding(
            "warning",
            "smoothing too weak",
            f"{name}: {len(groups['weak'])} of {len(pairs)} pictures are hardly "
            f"smoothed at {thresholds.size} px, as if it was done before shrinking; "
            "make them anew at the size of training.",
            tuple(groups["weak"]),
        )
    if groups["noise"]:
        yield Finding(
            "warning",
            "noise missing",
            f"{name}: in {len(groups['noise'])} of {len(pairs)} pictures less than "
            f"{thresholds.noise:.0%} of the pixels are whitened, 10 % is usual; make "
            "them anew.",
            tuple(groups["noise"]),
        )


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
            exact.append((picture.name, contents[picture.content]))
        elif distance <= thresholds.duplicate:
            near.append((picture.name, names[nearest]))
        if not known:
            remember(picture)
    yield from _tell_duplicates(folder, exact, near, bool(known))


def _tell_duplicates(folder, exact, near, validation):
    where = "training photos" if validation else "others"
    for rule, pairs, words, sign, level, advice in (
        ("duplicates", exact, "are copies of", "=", "warning", "delete them"),
        (
            *("suspected duplicates", near, "look like copies of", "~"),
            *("warning" if validation else "note", "look at them"),
        ),
    ):
        if pairs:
            yield Finding(
                level,
                rule,
                f"{folder.name}: {_of(pairs, folder)} {words} {where}; {advice}.",
                tuple(f"{name} {sign} {original}" for name, original in pairs),
            )


def _check_style(style, thresholds):
    """Pictures of a style that look like none."""
    gray = [p.name for p in style.pictures if p.colorfulness < thresholds.monochrome]
    if gray:
        yield Finding(
            "warning",
            "monochrome style",
            f"{style.name}: {_of(gray, style)} are grey or toned in one hue and teach "
            "the painter to drop colours; delete them.",
            tuple(gray),
        )
    if len(style.pictures) < thresholds.compare:
        return
    outline = np.median([picture.outline for picture in style.pictures])
    if outline < thresholds.outline:
        yield Finding(
            "warning",
            "soft outlines",
            f"{style.name}: the hardest contours rise by {outline:.0f} levels in the "
            f"median picture, in drawings by {thresholds.outline:g} or more; look for "
            "photographs and enlarged or blurred pictures.",
        )


def _compare(photos, style, thresholds):
    """Photos and a style that differ in more than in style."""
    if min(len(photos.pictures), len(style.pictures)) < thresholds.compare:
        return
    likeness = _framing_likeness(photos.pictures, style.pictures)
    if likeness is not None and likeness < thresholds.framing:
        yield Finding(
            "warning",
            "different framing",
            f"{style.name}: skin colours lie elsewhere in the picture than in "
            f"{photos.name} (likeness {likeness:.2f}, {thresholds.framing:g} or more "
            "is usual); frame heads alike in both, at one place and size.",
        )
    tones = [
        np.mean([picture.tones for picture in folder.pictures], axis=0)
        for folder in (photos, style)
    ]
    lightness, contrast, a, b, chroma = tones[1] - tones[0]
    for rule, value, most, words in (
        ("different brightness", lightness, thresholds.lightness, "lightness"),
        ("different contrast", contrast, thresholds.contrast, "spread of lightness"),
        ("different hue", np.hypot(a, b), thresholds.hue, "mean colour"),
        ("different saturation", chroma, thresholds.chroma, "chroma"),
    ):
        if abs(value) > most:
            yield Finding(
                "warning",
                rule,
                f"{style.name}: the {words} differs from that of {photos.name} by "
                f"{value:+.0f} units of CIE Lab, {most:g} is usual at most; choose "
                "pictures that are nearer.",
            )


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
