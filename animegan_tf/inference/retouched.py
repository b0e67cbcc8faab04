"""Any stylizer with filters around it."""

import numpy as np

from animegan_tf.imaging.color import without_alpha
from animegan_tf.imaging.retouch import retouched


class RetouchedStylizer:
    """Paints photos by `imaging.retouch.retouched`; used as a `Stylizer` is.

    Args:
        stylizer: `Stylizer`.

    Attributes:
        runtime, max_side: the stylizer's.
    """

    def __init__(self, stylizer):
        self.stylizer = stylizer
        self.runtime, self.max_side = stylizer.runtime, stylizer.max_side

    def sized(self, image):
        """As `Stylizer.sized`."""
        return self.stylizer.sized(image)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Paints one photo.

        Args:
            image: uint8 RGB or RGBA `(height, width, 3 or 4)`. Alpha is kept; where it
                is 0, white is painted.

        Returns:
            uint8, the same channels, of the same size or of the size that `sized`
            leaves.

        Raises:
            InputError: see `Stylizer`.
        """
        image = self.sized(image)
        picture = retouched(self.stylizer, without_alpha(image))
        return np.concatenate([picture, image[..., 3:]], axis=-1)
