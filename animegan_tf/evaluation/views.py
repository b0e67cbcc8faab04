"""What of a picture is looked at, and at which size."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from animegan_tf.errors import InputError

FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
TOP_SQUARE = "top square"


@dataclass(frozen=True)
class View:
    """A file and the part of it that is looked at.

    Attributes:
        path: of the file.
        cut: None for all of it, `TOP_SQUARE`, or left, top, right and bottom as
            shares of width and height, so that it fits a smaller copy too; what lies
            outside of the picture is cut off.
    """

    path: Path
    cut: str | tuple[float, float, float, float] | None = None


def cut_out(image, cut):
    """The part of a picture that `View.cut` names.

    Args:
        image: uint8 RGB (height, width, 3).
        cut: see `View`. The top square is as wide as the shorter side, and of a wide
            picture in its middle.

    Returns:
        uint8 RGB, a view of `image`.

    Raises:
        InputError: no pixel of the picture lies in it.
    """
    height, width = image.shape[:2]
    if cut is None:
        return image
    if cut == TOP_SQUARE:
        side = min(height, width)
        left = (width - side) // 2
        return image[:side, left : left + side]
    sides = np.array([width, height, width, height])
    box = np.round(np.array(cut) * sides).astype(int)
    left, top, right, bottom = np.clip(box, 0, sides)
    if left >= right or top >= bottom:
        shares = ", ".join(f"{share:.3f}" for share in cut)
        raise InputError(
            "a cut must hold a pixel of the picture, received the shares "
            f"{shares} of {width} x {height} pixels."
        )
    return image[top:bottom, left:right]


def resize(image, size: int, resampling: str):
    """Resample a picture to a square, without aliasing and without rounding.

    Each channel is resampled by Pillow in its mode F, float32, whose kernels are
    widened by the scale where a picture shrinks, and clipped to [0, 255] afterwards.
    With the bicubic filter this is what clean-fid prescribes.

    Args:
        image: uint8 RGB (height, width, 3).
        size: int, side of the square.
        resampling: a name in `FILTERS`.

    Returns:
        float32 RGB (size, size, 3) in [0, 255].

    Reference:
        Parmar, Zhang, Zhu, *On Aliased Resizing and Surprising Subtleties in GAN
        Evaluation*, CVPR 2022; there `make_resizer("PIL", False, "bicubic", ...)`.
    """
    channels = np.ascontiguousarray(np.moveaxis(image, -1, 0), np.float32)
    resized = [
        Image.fromarray(channel).resize((size, size), FILTERS[resampling])
        for channel in channels
    ]
    return np.clip(np.stack([np.asarray(x) for x in resized], axis=-1), 0, 255)
