"""The rules by which a data set is judged: where findings begin, and what they say."""

from dataclasses import dataclass

from animegan_tf.imaging import quality

LEVELS = {
    "error": "training would stop or learn what is wrong",
    "warning": "training would suffer",
    "note": "good to know",
}


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


# Level, rule and sentence by a name: {folder} is where it was found, {count} the number
# of files it concerns, {of} that of the folder's pictures.
_RULES = {
    "missing": (
        *("error", "missing folder"),
        "training needs this folder of pictures, and there is none.",
    ),
    "no style": (
        *("error", "missing folder"),
        "training needs the anime pictures of a style there, and there is no such "
        "folder.",
    ),
    "empty": (
        *("error", "empty folder"),
        "training stops at a folder without a readable picture; fill or delete it.",
    ),
    "no superpixels": (
        *("note", "made on the fly"),
        "there are no superpixels of the photos; training makes them.",
    ),
    "no smoothing": (
        *("note", "made on the fly"),
        "there is none; training makes what it needs.",
    ),
    "no val": (
        *("note", "no val folder"),
        "there are no photos to judge by; training shows what it makes of its own "
        "photos.",
    ),
    "undecodable": (
        *("warning", "undecodable files"),
        "{count} files there or among its partners cannot be decoded and are left out; "
        "replace or delete them (the first, {first}, {reason}).",
    ),
    "no pictures": (
        *("note", "no pictures"),
        "{count} files there or beside its partners are not named like pictures and "
        "are passed over.",
    ),
    "less than a batch": (
        *("error", "too few pictures"),
        "training needs {batch} usable pictures, one batch, and there are {usable}; "
        "add more.",
    ),
    "few": (
        *("warning", "too few pictures"),
        "with fewer than {wanted} pictures, and there are {usable}, the networks may "
        "learn them by heart; add more.",
    ),
    "sizes": (
        *("note", "mixed sizes"),
        "the pictures have {number} sizes ({common}), and superpixels and smoothed "
        "edges are measured in pixels; bring them to one size.",
    ),
    "not square": (
        *("warning", "not square"),
        "{count} of {of} pictures are not square, and training sees only their middle; "
        "crop them.",
    ),
    "small": (
        *("warning", "too small"),
        "{count} of {of} pictures are smaller than the {size} px of training and are "
        "enlarged; replace them or train at a smaller size.",
    ),
    "no partner": (
        *("error", "unmatched pairs"),
        "{count} of {of} pictures of {other} have no partner of the same name there, "
        "at which training stops; make the partners or delete the pictures.",
    ),
    "lonely partner": (
        *("warning", "unmatched pairs"),
        "{count} of {of} pictures belong to none of {other} and are not used; delete "
        "them, or find out which pictures are gone.",
    ),
    "proportions": (
        *("error", "different proportions"),
        "{count} of {of} pictures have other proportions than their partners, at which "
        "training stops; make them anew.",
    ),
    "pair sizes": (
        *("warning", "different sizes"),
        "{count} of {of} pictures are of another size than their partners, so contours "
        "do not meet to the pixel; make them anew at one size.",
    ),
    "apart": (
        *("error", "pairs that do not align"),
        "{count} of {of} pictures do not show what their partners show (mean colours "
        "differ by up to {worst:.1f} levels, {most:g} are usual at most); make them "
        "anew.",
    ),
    "unsmoothed": (
        *("error", "smoothing missing"),
        "{count} of {of} pictures have contours as hard as the style's, though they "
        "are to show what is not anime; make them anew.",
    ),
    "weakly smoothed": (
        *("warning", "smoothing too weak"),
        "{count} of {of} pictures are hardly smoothed at {size} px, as if it was done "
        "before shrinking; make them anew at the size of training.",
    ),
    "no noise": (
        *("warning", "noise missing"),
        "in {count} of {of} pictures less than {least:.0%} of the pixels are whitened, "
        "10 % is usual; make them anew.",
    ),
    "copies": (
        *("warning", "duplicates"),
        "{count} of {of} pictures are copies of {others}; delete them.",
    ),
    "alike": (
        *("note", "suspected duplicates"),
        "{count} of {of} pictures look like copies of {others}; look at them.",
    ),
    "grey": (
        *("warning", "monochrome style"),
        "{count} of {of} pictures are grey or toned in one hue and teach the painter "
        "to drop colours; delete them.",
    ),
    "soft": (
        *("warning", "soft outlines"),
        "the hardest contours rise by {outline:.0f} levels in the median picture, in "
        "drawings by {least:g} or more; look for photographs and enlarged or blurred "
        "pictures.",
    ),
    "framing": (
        *("warning", "different framing"),
        "skin colours lie elsewhere in the picture than in {other} (likeness "
        "{likeness:.2f}, {least:g} or more is usual); frame heads alike in both, at "
        "one place and size.",
    ),
    "tone": (
        *("warning", "different {rule}"),
        "the {words} differs from that of {other} by {value:+.0f} units of CIE Lab, "
        "{most:g} is usual at most; choose pictures that are nearer.",
    ),
}


def finding(name, folder, files=(), level=None, **values) -> Finding:
    """What a rule says of a folder.

    Args:
        name: of the rule.
        folder: name of the folder.
        files: names of the files concerned.
        level: a member of `LEVELS`; None for the rule's own.
        values: what its sentence holds besides `count`.
    """
    own_level, rule, sentence = _RULES[name]
    message = sentence.format(count=len(files), **values)
    rule = rule.format(**values)
    return Finding(level or own_level, rule, f"{folder}: {message}", tuple(files))


def findings(name, folder, files, **values):
    """The finding of a rule in a list, which is empty where it concerns no files."""
    return [finding(name, folder, files, **values)] if files else []
