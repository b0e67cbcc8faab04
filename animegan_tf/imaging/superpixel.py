"""Superpixels: a picture as patches of flat colour."""

import numpy as np
from skimage.segmentation import felzenszwalb, slic

from animegan_tf.errors import InputError

METHODS = ("felzenszwalb", "slic")


def superpixels(
    image,
    method: str = "felzenszwalb",
    scale: float = 5,
    sigma: float = 0.8,
    min_size: int = 50,
    segments: int = 200,
):
    """A picture with each of its regions painted in the region's mean colour.

    Args:
        image: uint8 RGB (height, width, 3), or float32 RGB in [0, 1]. Floats are not
            rounded anywhere, so that the last bit of a pixel moves next to nothing;
            levels have many ties, and one pixel's level may decide on a region.
        method: "felzenszwalb" (regions follow the content) or "slic" (regions of
            even size).
        scale: float, felzenszwalb only: larger gives larger regions.
        sigma: float, width in pixels of the blur before segmentation.
        min_size: int, felzenszwalb only: smallest region in pixels; 50 for Hayao,
            100 for Shinkai.
        segments: int, slic only: number of regions asked for.

    Returns:
        (height, width, 3) of the image's dtype and range.

    Raises:
        InputError: `method` is unknown.

    Reference:
        Felzenszwalb and Huttenlocher, *Efficient Graph-Based Image Segmentation*,
        IJCV 2004; Achanta et al., *SLIC Superpixels*, TPAMI 2012.
    """
    if method == "felzenszwalb":
        labels = felzenszwalb(image, scale=scale, sigma=sigma, min_size=min_size)
    elif method == "slic":
        labels = slic(
            image, n_segments=segments, compactness=10, sigma=sigma, start_label=0
        )
    else:
        raise InputError(
            f"method must be one of {', '.join(METHODS)}, received {method!r}."
        )
    return paint_regions(image, labels)


def paint_regions(image, labels):
    """Give every pixel the mean colour of its region.

    Equal to `skimage.color.label2rgb(labels, image, kind="avg", bg_label=-1)`,
    which drops the fraction of a mean of levels, but in time that does not grow with
    the number of regions.

    Args:
        image: uint8 or float32 RGB (height, width, 3).
        labels: integer (height, width), from 0 up.

    Returns:
        (height, width, 3) of the image's dtype.
    """
    flat = labels.ravel()
    # An unused label has no pixel to paint; 1 only spares it the division by 0.
    counts = np.maximum(np.bincount(flat), 1)
    sums = [np.bincount(flat, weights=channel) for channel in image.reshape(-1, 3).T]
    means = np.stack(sums, axis=-1) / counts[:, None]  # (regions, 3)
    return means.astype(image.dtype)[labels]
