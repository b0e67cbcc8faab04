"""The pictures of a data set as measures, for `data.check` to judge."""

import hashlib
from dataclasses import dataclass

import cv2
import numpy as np

from animegan_tf.data.cache import in_threads
from animegan_tf.data.sources import matched
from animegan_tf.errors import InputError
from animegan_tf.files import find_images
from animegan_tf.imaging import quality
from animegan_tf.imaging.codec import read_image
from animegan_tf.imaging.transform import square

_COARSE, _GRID, _COLOR_SIDE = 16, 8, 64


@dataclass(frozen=True)
class Pair:
    """What a picture and its partner have in common; `_measure_pair` fills it."""

    name: str
    shape: tuple[int, int]
    difference: float | None = None
    edges: float | None = None
    whitened: float | None = None


@dataclass(frozen=True)
class Picture:
    """Measures of one readable picture."""

    name: str
    shape: tuple[int, int]
    content: bytes
    hash: int
    skin: np.ndarray  # (8, 8) share of skin colours
    tones: np.ndarray  # means of L, its deviation, a, b, chroma
    colorfulness: float
    outline: float
    pairs: dict[str, Pair]


@dataclass(frozen=True)
class Folder:
    """One folder of pictures, and the folders of their partners."""

    name: str
    pictures: list[Picture]
    broken: list[tuple[str, str]]  # (file, reason)
    others: list[str]
    partners: dict[str, "Partners"]
    missing: bool = False

    @property
    def empty(self):
        return not (self.missing or self.pictures)


@dataclass(frozen=True)
class Partners:
    """Names of a folder of partners that have none, on either side."""

    pictures: list[str]
    partners: list[str]
    others: list[str]
    count: int


def read_folder(dataset, name, partner_names, thresholds):
    """Decode and measure a folder and those of its partners."""
    if not (dataset / name).is_dir():
        return Folder(name, [], [], [], {}, missing=True)

    def relative(paths):
        return [path.relative_to(dataset).as_posix() for path in paths]

    paths, others = find_images(dataset / name)
    jobs, partners = {path: {} for path in paths}, {}
    lonely = []
    for partner_name in partner_names:
        partner_paths, partner_others = find_images(dataset / partner_name)
        found = matched(paths, partner_paths)
        for path, partner in found.items():
            jobs[path][partner_name] = partner
        unused = sorted(set(partner_paths) - set(found.values()))
        partners[partner_name] = Partners(
            relative(path for path in paths if path not in found),
            relative(unused),
            relative(partner_others),
            len(partner_paths),
        )
        lonely += unused

    def inspect(job):
        return _inspect(dataset, *job, thresholds)

    jobs = [*jobs.items(), *((path, None) for path in lonely)]
    results = list(in_threads(inspect, jobs, f"reading {name}"))
    pictures = [picture for picture, _ in results if picture]
    broken = [entry for _, entries in results for entry in entries]
    return Folder(name, pictures, broken, relative(others), partners)


def _inspect(dataset, path, partners, thresholds):
    """Measures of a picture and its partners, and (file, reason) of what is broken.

    `partners` is a dict of folder to path, or None where decoding is all that counts.
    """
    broken = []

    def read(file):
        try:
            return read_image(file)
        except InputError as error:
            reason = str(error).removeprefix(f"{file}: ")
            broken.append((file.relative_to(dataset).as_posix(), reason))

    image = read(path)
    pairs = {}
    for folder, file in (partners or {}).items():
        partner = read(file)
        if image is not None and partner is not None:
            name = file.relative_to(dataset).as_posix()
            pairs[folder] = _measure_pair(image, partner, folder, name, thresholds)
    if image is None or partners is None:
        return None, broken
    return _measure(image, path.relative_to(dataset).as_posix(), pairs), broken


def _measure(image, name, pairs):
    small = square(image, _COLOR_SIDE) / np.float32(255)
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)
    lightness, a, b = np.moveaxis(lab, -1, 0)
    chroma, hue = np.hypot(a, b), np.degrees(np.arctan2(b, a))
    # From pale anime skin to dark skin in good light.
    skin = (hue > 15) & (hue < 75) & (chroma > 5) & (chroma < 40) & (lightness > 30)
    return Picture(
        name=name,
        shape=image.shape[:2],
        content=hashlib.sha256(repr(image.shape).encode() + image.tobytes()).digest(),
        hash=quality.perceptual_hash(image),
        skin=_averages(skin.astype(np.float32), _GRID),
        tones=np.array(
            [lightness.mean(), lightness.std(), a.mean(), b.mean(), chroma.mean()]
        ),
        colorfulness=quality.colorfulness(image),
        outline=_outline(image),
        pairs=pairs,
    )


def _outline(image):
    """Contrast of the hardest contours: 99th percentile of the range of 3 x 3 luma."""
    luma = cv2.cvtColor(square(image, 256), cv2.COLOR_RGB2GRAY)
    box = np.ones((3, 3), np.uint8)
    return float(np.percentile(cv2.morphologyEx(luma, cv2.MORPH_GRADIENT, box), 99))


def _averages(image, side):
    return cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)


def _measure_pair(image, partner, folder, name, thresholds):
    """Compare the squares that training sees, at its size if they are larger."""
    shape = partner.shape[:2]
    (height, width), (other_height, other_width) = image.shape[:2], shape
    ratio = width * other_height / (height * other_width)
    if abs(ratio - 1) > thresholds.proportions:
        return Pair(name, shape)
    side = min(thresholds.size, height, width)
    image, partner = square(image, side), square(partner, side)
    edges = whitened = None
    if folder.endswith("/smooth"):
        edges = _kept_edges(image, partner)
    elif folder.endswith("/smooth_noise"):
        # Not 255: saving as JPEG spreads a white pixel over its neighbours.
        white, before = ((picture > 215).all(axis=-1) for picture in (partner, image))
        whitened = float((white & ~before).sum() / max(1, (~before).sum()))
        partner = np.where(white[..., None], image, partner)
    coarse = [
        _averages(picture, _COARSE).astype(np.float64) for picture in (image, partner)
    ]
    difference = float(np.abs(coarse[0] - coarse[1]).mean())
    return Pair(name, shape, difference, edges, whitened)


def _kept_edges(image, smooth):
    """Strength of contours in `smooth` to that in `image`; None if it has none."""
    luma, smooth = (cv2.cvtColor(i, cv2.COLOR_RGB2GRAY) for i in (image, smooth))
    contours = cv2.dilate(cv2.Canny(luma, 100, 200), np.ones((5, 5), np.uint8)) > 0
    if not contours.any():
        return None
    before, after = (
        np.abs(cv2.Laplacian(i, cv2.CV_32F))[contours].mean() for i in (luma, smooth)
    )
    return float(after / before)
