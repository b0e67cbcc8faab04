"""Measures of pictures that need no network, and extractors that take them of files."""

from typing import NamedTuple

import cv2
import numpy as np
from scipy import ndimage
from skimage.color import deltaE_cie76, rgb2lab
from skimage.metrics import peak_signal_noise_ratio

from animegan_tf.errors import InputError
from animegan_tf.imaging.transform import resize

# Wang et al. 2004: an 11 x 11 window with a deviation of 1.5 pixels.
_WINDOW, _SIGMA = 11, 1.5
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
# Wang et al. 2003, by scale, the finest first.
_SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_CANNY = 100, 200
# Raised when a formula changes, so that caches do not answer with the old one.
_VERSION = 1


class ColorDistance(NamedTuple):
    """Mean CIE76 differences, in units of Lab."""

    whole: float
    chroma: float


def psnr(photo, picture) -> float:
    """Peak signal-to-noise ratio: how little of the photo changed, not quality.

    Args:
        photo, picture: uint8 RGB (height, width, 3) of one size.

    Returns:
        float, in decibels for a peak of 255; infinite for equal pictures.

    Raises:
        InputError: the sizes differ.
    """
    photo, picture = _pair(photo, picture)
    with np.errstate(divide="ignore"):  # equal pictures
        return float(peak_signal_noise_ratio(photo, picture, data_range=255))


def ssim(photo, picture) -> float:
    """Structural similarity: how much of the photo's structure is kept, not quality.

    Args:
        photo, picture: uint8 RGB (height, width, 3) of one size, 11 pixels or more a
            side.

    Returns:
        float, at most 1; mean over pixels, without a border of 5, and channels.

    Raises:
        InputError: the sizes differ or are too small.

    Reference:
        Wang et al., *Image Quality Assessment: From Error Visibility to Structural
        Similarity*, IEEE TIP 2004. Agrees with
        `skimage.metrics.structural_similarity` with `gaussian_weights=True,
        sigma=1.5, use_sample_covariance=False, data_range=255, channel_axis=2`, and
        with `tf.image.ssim`.
    """
    photo, picture = _pair(photo, picture, _WINDOW)
    luminance, structure = _ssim_maps(photo, picture)
    return float((luminance * structure).mean())


def ms_ssim(photo, picture) -> float:
    """Multi-scale structural similarity over five scales: content, not quality.

    Args:
        photo, picture: uint8 RGB (height, width, 3) of one size, 161 pixels or more a
            side.

    Returns:
        float in [0, 1].

    Raises:
        InputError: the sizes differ or are too small.

    Reference:
        Wang et al., *Multi-scale Structural Similarity for Image Quality Assessment*,
        Asilomar 2003. Agrees with `tf.image.ssim_multiscale` with `max_val=255`,
        which takes six times as long and loads TensorFlow: scales are averaged 2 x 2,
        negative terms count as 0, and the product of the scales is taken for each
        channel.
    """
    last = len(_SCALE_WEIGHTS) - 1
    # An odd side is rounded up when it is halved.
    photo, picture = _pair(photo, picture, (_WINDOW - 1) * 2**last + 1)
    product = np.ones(3)
    for scale, weight in enumerate(_SCALE_WEIGHTS):
        if scale:
            photo, picture = _halved(photo), _halved(picture)
        luminance, structure = _ssim_maps(photo, picture)
        term = luminance * structure if scale == last else structure
        product *= np.maximum(term.mean(axis=(0, 1)), 0) ** weight
    return float(product.mean())


def color_distance(photo, picture, side: int = 256) -> ColorDistance:
    """How far a picture's colours are from its photo's.

    Mean over pixels of the CIE76 difference in Lab (D65), and of its part in the
    (a, b) plane alone. Both pictures are brought to a square first, whole and
    squeezed if need be, so that the figure does not depend on their size.

    Args:
        photo, picture: uint8 RGB (height, width, 3), each of any size.
        side: int, of the square, in pixels.

    Returns:
        `ColorDistance`; 2.3 is about a just noticeable difference.
    """
    pair = [rgb2lab(resize(x, side, side)) for x in (photo, picture)]
    whole = deltaE_cie76(*pair).mean()
    chroma = deltaE_cie76(*(lab * (0, 1, 1) for lab in pair)).mean()
    return ColorDistance(float(whole), float(chroma))


def total_variation(image) -> float:
    """Mean absolute difference of neighbours, across plus down, white being 1.

    A statistic: flat painting lowers it, outlines and grain raise it. Only pictures
    of one size can be compared.

    Args:
        image: uint8 RGB (height, width, 3), two pixels or more a side.

    Returns:
        float in [0, 2], mean over channels.
    """
    image = image.astype(np.float64) / 255
    across, down = np.diff(image, axis=1), np.diff(image, axis=0)
    return float(np.abs(across).mean() + np.abs(down).mean())


def edge_density(image) -> float:
    """Share of pixels on an edge.

    A statistic. Only pictures of one size can be compared.

    Args:
        image: uint8 RGB (height, width, 3).

    Returns:
        float in [0, 1].

    Reference:
        Canny's detector on the luma with thresholds of 100 and 200, as CartoonGAN's
        and this project's smoothing of edges finds contours.
    """
    edges = cv2.Canny(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), *_CANNY)
    return float((edges > 0).mean())


class _Pixels:
    """What both have: a square of one size, so that all pictures compare alike."""

    batch_size = 1

    def __init__(self, size=256):
        self.size = size

    @property
    def identifier(self) -> str:
        return f"{self.name}-{_VERSION}-{self.size}"

    def prepare(self, image):
        """Brings a picture to the square, by Pillow's bicubic filter.

        Args:
            image: uint8 RGB (height, width, 3).

        Returns:
            uint8 RGB (size, size, 3).
        """
        return resize(image, self.size, self.size)


class Comparison(_Pixels):
    """How much of a photo its picture keeps, by pixels: content, not quality.

    Args:
        size: int, side of the square to which both are brought, 161 or more.
    """

    name = "comparison"

    def run(self, photos: list, pictures: list) -> dict:
        """Compares prepared pictures, row by row.

        Returns:
            `psnr`, `ssim`, `ms_ssim`, `color` and `chroma` (the two of
            `color_distance`), each float64 (pairs,).
        """
        rows = []
        for photo, picture in zip(photos, pictures):
            color = color_distance(photo, picture, self.size)
            rows.append(
                {
                    "psnr": psnr(photo, picture),
                    "ssim": ssim(photo, picture),
                    "ms_ssim": ms_ssim(photo, picture),
                    "color": color.whole,
                    "chroma": color.chroma,
                }
            )
        return _columns(rows)


class Statistics(_Pixels):
    """Plain statistics of single pictures.

    Args:
        size: int, side of the square to which pictures are brought.
    """

    name = "statistics"

    def run(self, pictures: list) -> dict:
        """Measures prepared pictures.

        Returns:
            `total_variation` and `edge_density`, each float64 (pictures,).
        """
        return _columns(
            [
                {
                    "total_variation": total_variation(picture),
                    "edge_density": edge_density(picture),
                }
                for picture in pictures
            ]
        )


def _columns(rows):
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def _pair(photo, picture, least=1):
    """Both as float64."""
    shapes = np.shape(photo), np.shape(picture)
    if shapes[0] != shapes[1] or len(shapes[0]) != 3 or min(shapes[0][:2]) < least:
        raise InputError(
            "a picture must have the size of its photo, RGB of "
            f"{least} pixels or more a side, received the shapes "
            f"{shapes[0]} and {shapes[1]}."
        )
    return np.asarray(photo, np.float64), np.asarray(picture, np.float64)


def _window_mean(image):
    """Gaussian mean around every pixel whose window lies inside of the picture."""
    radius = _WINDOW // 2
    for axis in (0, 1):
        image = ndimage.gaussian_filter1d(image, _SIGMA, axis, radius=radius)
    return image[radius:-radius, radius:-radius]


def _ssim_maps(a, b):
    """The luminance term and the contrast-structure term, (height, width, 3) each."""
    mean_a, mean_b = _window_mean(a), _window_mean(b)
    covariance = _window_mean(a * b) - mean_a * mean_b
    variances = _window_mean(a**2 + b**2) - mean_a**2 - mean_b**2
    luminance = (2 * mean_a * mean_b + _C1) / (mean_a**2 + mean_b**2 + _C1)
    return luminance, (2 * covariance + _C2) / (variances + _C2)


def _halved(image):
    """Averages of 2 x 2 pixels; an odd side is continued by its last row."""
    height, width = image.shape[:2]
    padding = [(0, height % 2), (0, width % 2), (0, 0)]
    image = np.pad(image, padding, mode="symmetric")
    blocks = image.reshape(len(image) // 2, 2, image.shape[1] // 2, 2, 3)
    return blocks.mean(axis=(1, 3))
