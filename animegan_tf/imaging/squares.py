"""Squares about faces, cut out of photos for networks that take squares."""

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Square:
    """A square in a photo, turned about its centre.

    Attributes:
        centre: (2,), x and y in pixels.
        side: float, in pixels.
        angle: float, radians by which its upper edge is turned, clockwise as seen.
    """

    centre: np.ndarray
    side: float
    angle: float = 0.0

    def cut(self, image, size: int):
        """The square as a picture, the photo's border continued outside.

        Args:
            image: uint8 RGB `(height, width, 3)`.
            size: int, side of the picture in pixels.

        Returns:
            uint8 RGB `(size, size, 3)`, and the way back: float64 (2, 3), from the
            picture's pixel coordinates to the photo's.
        """
        scale = self.side / size
        turn = scale * np.array(
            [
                [np.cos(self.angle), -np.sin(self.angle)],
                [np.sin(self.angle), np.cos(self.angle)],
            ]
        )
        shift = self.centre - turn @ np.full(2, (size - 1) / 2)
        way_back = np.column_stack([turn, shift])
        # Every pixel of the crop must see all of the photo below it.
        factor = max(1, round(scale))
        shrunk, seen = image, way_back
        if factor > 1:
            height, width = (max(1, round(n / factor)) for n in image.shape[:2])
            shrunk = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
            stretch = np.array([image.shape[1] / width, image.shape[0] / height])
            seen = way_back / stretch[:, None]
            seen[:, 2] = (way_back[:, 2] + 0.5) / stretch - 0.5
        crop = cv2.warpAffine(
            shrunk,
            seen,
            (size, size),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return crop, way_back
