"""Any stylizer, painting people with larger eyes."""

import numpy as np

from animegan_tf.imaging.color import without_alpha
from animegan_tf.imaging.eyes import check_factor, with_large_eyes
from animegan_tf.imaging.faces import FaceDetector


class LargeEyesStylizer:
    """Enlarges the eyes of a photo before it is painted; used as a `Stylizer` is.

    Args:
        stylizer: `Stylizer`, or what is used as one.
        factor: of `imaging.eyes.with_large_eyes`.
        detector: `FaceDetector`, or what is called alike; None for one that finds
            upright faces, which needs the extra `prepare`.

    Attributes:
        faces: list of the `Face`s of the last call; empty if it found none.
        runtime, max_side: the stylizer's.

    Raises:
        InputError: `factor` is out of range; and see `FaceDetector`.
    """

    def __init__(self, stylizer, factor, detector=None):
        check_factor(factor)
        self.stylizer, self.factor = stylizer, factor
        self.runtime, self.max_side = stylizer.runtime, stylizer.max_side
        self.detector = FaceDetector() if detector is None else detector
        self.faces = []

    def sized(self, image):
        """As `Stylizer.sized`."""
        return self.stylizer.sized(image)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Paints one photo.

        Args:
            image: uint8 RGB or RGBA `(height, width, 3 or 4)`. Alpha is kept; where it
                is 0, faces are not seen.

        Returns:
            uint8, the same channels, of the same size or of the size that `sized`
            leaves.

        Raises:
            InputError: see `Stylizer`.
        """
        image = self.sized(image)
        photo = without_alpha(image)
        self.faces = self.detector(photo)
        photo = with_large_eyes(photo, self.faces, self.factor)
        return self.stylizer(np.concatenate([photo, image[..., 3:]], axis=-1))
