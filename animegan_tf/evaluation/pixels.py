"""Measures of files that need no network, for `extraction.extract`."""

import numpy as np

from animegan_tf.evaluation import metrics
from animegan_tf.imaging.transform import resize

# Raised when a formula changes, so that caches do not answer with the old one.
_VERSION = 1


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
            `metrics.color_distance`), each float64 (pairs,).
        """
        rows = []
        for photo, picture in zip(photos, pictures):
            color = metrics.color_distance(photo, picture, self.size)
            rows.append(
                {
                    "psnr": metrics.psnr(photo, picture),
                    "ssim": metrics.ssim(photo, picture),
                    "ms_ssim": metrics.ms_ssim(photo, picture),
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
                    "total_variation": metrics.total_variation(picture),
                    "edge_density": metrics.edge_density(picture),
                }
                for picture in pictures
            ]
        )


def _columns(rows):
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}
