"""Measures of a picture: light, sharpness, colour, likeness to others, lettering."""

import cv2
import numpy as np
from scipy import fft
from scipy.sparse.csgraph import connected_components

# Side of the square of DCT coefficients that a hash keeps; 16 * 16 = 256 bits.
_HASH_SIDE = 16
HASH_BITS = _HASH_SIDE**2
# Up to this distance two pictures are taken for near-duplicates. Measured on 1,336
# photos, 1,563 anime pictures and 128 landscapes: copies saved anew, scaled or made
# brighter are 32 bits away at most, copies cut by 1 % a side, darkened, shrunk and
# saved at once 20 in the median and 32 or less in 99.5 %. No two people come below 42,
# even framed alike before the same wall; one person with two expressions may.
NEAR_DUPLICATE = 32
# Below this `colorfulness` a picture is called monochrome: none of the 1,563 anime
# pictures came below 6.7, none of their sepia copies, noisy and saved as JPEG, above 5.
MONOCHROME = 5.0
# Above this `text_share` a picture is said to bear lettering: 1.9 % of the 1,563 anime
# pictures, some of which do, and 55 % of those with a line of 10 to 28 px drawn on
# them at 256 px (90 % of outlined subtitles of 14 to 22 px).
TEXT = 0.002

_LUMA = (0.299, 0.587, 0.114)
_COLOR_SIDE = 64
_LIGHTNESS_STEPS = 32
# Lettering is looked for at this size, so that letters of 10 px in a picture of 256
# are large enough to come apart.
_TEXT_SIDE = 640
_LETTER_HEIGHTS = (9, 80)
_MIN_LETTERS = 4


def brightness(image) -> float:
    """Mean luma of a picture.

    Args:
        image: uint8 RGB (height, width, 3).

    Returns:
        float in [0, 255].

    Reference:
        ITU-R Recommendation BT.601: 0.299 R + 0.587 G + 0.114 B.
    """
    return float(np.dot(cv2.mean(image)[:3], _LUMA))


def sharpness(image) -> float:
    """Variance of the Laplacian of the luma; low where a picture is blurred.

    It grows with contrast and grain, and depends on the size of the picture, so only
    pictures of one size and kind can be compared.

    Args:
        image: uint8 RGB (height, width, 3).

    Returns:
        float, 0 or more.

    Reference:
        LAPV in Pech-Pacheco et al., *Diatom autofocusing in brightfield microscopy*,
        ICPR 2000, with the four-neighbour kernel that is OpenCV's default.
    """
    return float(cv2.Laplacian(_luma(image), cv2.CV_64F).var())


def colorfulness(image) -> float:
    """How far colours stray from being a function of lightness alone.

    Pixels are sorted by lightness into 32 steps. The measure is the 95th percentile of
    their distance, in the (a, b) plane of Lab, to the mean colour of their step. Hence
    it is near 0 for grey pictures and for drawings toned in one hue, such as sepia or
    blue, whatever the tone. The picture is shrunk to 64 x 64 before, which averages
    the colour noise of scanners and JPEG.

    Args:
        image: uint8 RGB (height, width, 3).

    Returns:
        float, 0 or more, in units of CIE Lab; `MONOCHROME` is a threshold.
    """
    side = (_COLOR_SIDE, _COLOR_SIDE)
    small = cv2.resize(image, side, interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB).reshape(-1, 3)
    steps = lab[:, 0] // (256 // _LIGHTNESS_STEPS)
    colors = lab[:, 1:].astype(np.float64)
    sums = [np.bincount(steps, channel, _LIGHTNESS_STEPS) for channel in colors.T]
    counts = np.maximum(np.bincount(steps, minlength=_LIGHTNESS_STEPS), 1)
    means = np.stack(sums, axis=-1) / counts[:, None]  # (steps, 2)
    strays = np.linalg.norm(colors - means[steps], axis=-1)
    return float(np.percentile(strays, 95))


def perceptual_hash(image) -> int:
    """256 bits that stay nearly the same when a picture is saved or scaled again.

    The luma is averaged down to 64 x 64 and transformed by a DCT (type II, both axes).
    Of the 16 x 16 lowest frequencies, row by row, a bit is 1 where the coefficient is
    above their median; the first is the highest bit. This is `imagehash.phash` with
    `hash_size=16` except for the filter that shrinks. The usual 64 bits do not
    suffice: people framed alike are as near to each other as copies of one picture.

    Colours do not count, and all pictures of one plain colour are alike.

    Args:
        image: uint8 RGB (height, width, 3).

    Returns:
        int in [0, 2**256). `f"{value:064x}"` writes it with a fixed length.

    Reference:
        Zauner, *Implementation and Benchmarking of Perceptual Image Hash Functions*,
        2010, section 3.2.1; Buchner, imagehash, `phash`.
    """
    side = 4 * _HASH_SIDE
    luma = cv2.resize(
        _luma(image).astype(np.float32), (side, side), interpolation=cv2.INTER_AREA
    )
    low = fft.dctn(luma.astype(np.float64))[:_HASH_SIDE, :_HASH_SIDE]
    # Or else the bits of a plain picture would be the signs of rounding errors. One
    # level of difference makes a coefficient of thousands.
    low = low.round(-1)
    return int.from_bytes(np.packbits(low > np.median(low)).tobytes())


def distance(a: int, b: int) -> int:
    """Number of bits in which two hashes differ.

    Args:
        a, b: as `perceptual_hash` returns them.

    Returns:
        int in [0, 256]; `NEAR_DUPLICATE` is a threshold.
    """
    return (a ^ b).bit_count()


def text_share(image) -> float:
    """Share of a picture that is covered by lines of lettering.

    Regions of one tone, lighter or darker than what surrounds them, are letters if
    their strokes have one width; four or more letters of like height, tone and stroke
    on one base line are a line. It finds horizontal lines of separate letters, such as
    Latin subtitles and speech bubbles. It does not find slanted or vertical
    lettering, sound effects, or words of fewer than four letters; a fringe or a row of
    ornaments may pass for a line.

    Args:
        image: uint8 RGB (height, width, 3).

    Returns:
        float in [0, 1]; `TEXT` is a threshold.

    Reference:
        MSER: Matas et al., *Robust wide-baseline stereo from maximally stable extremal
        regions*, BMVC 2002. Even strokes as the mark of letters: Epshtein et al.,
        *Detecting text in natural scenes with stroke width transform*, CVPR 2010.
    """
    height, width = image.shape[:2]
    scale = _TEXT_SIDE / max(height, width)
    size = max(3, round(width * scale)), max(3, round(height * scale))
    filter_ = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    luma = cv2.resize(_luma(image), size, interpolation=filter_)
    letters = _letters(luma)
    covered = np.zeros(luma.shape, bool)
    for line in _lines(letters):
        left, top = letters[line, :2].min(axis=0).astype(int)
        right, bottom = (letters[line, :2] + letters[line, 2:4]).max(axis=0).astype(int)
        covered[top:bottom, left:right] = True
    return float(covered.mean())


class HashIndex:
    """Hashes seen so far, and which of them is nearest to a new one.

    Every search compares with all hashes: about 2 ms for 10,000 of them.
    """

    def __init__(self):
        self._values = []

    def __len__(self):
        return len(self._values)

    def add(self, value: int) -> None:
        """Remember a hash; the first has index 0, the next 1, and so on."""
        self._values.append(value)

    def nearest(self, value: int) -> tuple[int, int] | None:
        """The hash with the fewest differing bits, the earliest among equals.

        Args:
            value: int, as `perceptual_hash` returns it.

        Returns:
            (index, distance), or None if no hash was added yet.
        """
        distances = [(value ^ other).bit_count() for other in self._values]
        if not distances:
            return None
        least = min(distances)
        return distances.index(least), least


def _luma(image):
    """uint8 (height, width)."""
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def _letters(luma):
    """Regions that may be letters.

    Returns float (letters, 7): left, top, width, height, area, stroke width, tone.
    """
    detector = cv2.MSER_create(
        delta=5, min_area=20, max_area=4000, max_variation=0.5, min_diversity=0.2
    )
    low, high = _LETTER_HEIGHTS
    letters = []
    for points, (left, top, width, height) in zip(*detector.detectRegions(luma)):
        fill = len(points) / (width * height)
        # A full box is no letter, unless it is as narrow as an I.
        boxy = fill > 0.85 and width > 0.4 * height
        if not low <= height <= high or width > 2.2 * height or fill < 0.15 or boxy:
            continue
        mask = np.zeros((height + 2, width + 2), np.uint8)
        mask[points[:, 1] - top + 1, points[:, 0] - left + 1] = 1
        depth = cv2.distanceTransform(mask, cv2.DIST_L2, 3)
        middle = depth[(depth >= cv2.dilate(depth, np.ones((3, 3)))) & (mask > 0)]
        stroke = 2 * middle.mean()
        even = middle.std() <= 0.42 * middle.mean()
        if even and 0.05 * height <= stroke <= 0.35 * height:
            tone = np.median(luma[points[:, 1], points[:, 0]])
            letters.append((left, top, width, height, len(points), stroke, tone))
    return np.array(letters, np.float64).reshape(-1, 7)


def _lines(letters):
    """Index arrays, one for each line of lettering."""
    if len(letters) < _MIN_LETTERS:
        return []
    _, labels = connected_components(_neighbours(letters), directed=False)
    groups = [
        np.flatnonzero(labels == label)
        for label in np.flatnonzero(np.bincount(labels) >= _MIN_LETTERS)
    ]
    lines = [_side_by_side(letters, group) for group in groups]
    return [line for line in lines if _is_line(letters[line])]


def _neighbours(letters):
    """bool (letters, letters): the second follows the first on one line."""
    left, top, width, height, _, stroke, tone = letters.T
    middle, bottom = left + width / 2, top + height
    taller = np.maximum(height[:, None], height)
    gap = left - (left + width)[:, None]
    return (
        (middle > middle[:, None])
        & (-0.15 * taller < gap)
        & (gap < taller)
        & (np.minimum(height[:, None], height) > 0.5 * taller)
        & (np.abs(bottom - bottom[:, None]) < 0.2 * taller)
        & (np.abs(tone - tone[:, None]) < 22)
        & (
            2 * np.minimum(stroke[:, None], stroke)
            > np.maximum(stroke[:, None], stroke)
        )
    )


def _side_by_side(letters, group):
    """The group without regions that lie over a larger one of it."""
    kept = []
    for index in group[np.argsort(-letters[group, 4], kind="stable")]:
        left, width = letters[index, [0, 2]]
        others = letters[kept]
        common = np.minimum(left + width, others[:, 0] + others[:, 2]) - np.maximum(
            left, others[:, 0]
        )
        if np.all(common < 0.5 * np.minimum(width, others[:, 2])):
            kept.append(index)
    return np.array(kept)


def _is_line(letters):
    """Whether letters are enough of them, stand on one base line and fill a row."""
    left, top, width, height = letters[:, :4].T
    bottom, usual = top + height, np.median(height)
    standing = np.abs(bottom - np.median(bottom)) <= 0.08 * usual + 1
    return (
        standing.sum() >= _MIN_LETTERS
        and standing.mean() >= 0.6
        and (left + width).max() - left.min() >= 2.5 * usual
    )
