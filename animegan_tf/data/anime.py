"""One anime picture as style pictures: ground, square, smoothed edges, noise."""

import functools
from pathlib import Path

import cv2
import numpy as np

from animegan_tf.data.manifest import Record
from animegan_tf.data.prepared import (
    Prepared,
    draw,
    measured,
    output_name,
    read_source,
)
from animegan_tf.data.settings import AnimeSettings
from animegan_tf.files import list_images
from animegan_tf.imaging import quality
from animegan_tf.imaging.codec import encode_image, lay_over, read_image
from animegan_tf.imaging.smoothing import edge_smooth, impulse_noise
from animegan_tf.imaging.transform import square as central_square

STYLE, SMOOTH, NOISY = "style", "smooth", "smooth_noise"
# Standard deviation of a blurred ground, in sides of the picture: no shape is left.
_BLUR = 0.06


def prepare_anime(path: Path, source: str, settings: AnimeSettings) -> list[Prepared]:
    """Make a style picture and its smoothed and noisy versions.

    Args:
        path: the picture.
        source: its name in the records.
        settings: `AnimeSettings`.

    Returns:
        One `Prepared`, its files by folder inside the style's folder.

    Raises:
        InputError: a background cannot be read.
    """
    image, alpha, record = read_source(path, source)
    if image is None:
        return [Prepared(record)]
    side = min(image.shape[:2])
    if side < settings.min_size:
        detail = f"short side {side} pixels, at least {settings.min_size} needed"
        return [Prepared(record.dropped("too small", detail))]
    image = lay_over(image, alpha, _ground(image, alpha, record, settings))
    if settings.square == "top":
        image = image[: image.shape[1]]
    picture = central_square(image, settings.size)
    record = measured(record, picture)
    drop = _fault(picture, settings)
    if drop:
        return [Prepared(record.dropped(*drop))]
    smooth = edge_smooth(picture)
    rng = np.random.default_rng([settings.seed, int(record.sha256, 16)])
    pictures = {
        STYLE: picture,
        SMOOTH: smooth,
        NOISY: impulse_noise(smooth, rng, settings.noise),
    }
    files = {folder: encode_image(image) for folder, image in pictures.items()}
    return [Prepared(record.replace(name=output_name(record), folder=STYLE), files)]


def _ground(image, alpha, record: Record, settings: AnimeSettings):
    """What shows through: one colour, or uint8 RGB of the picture's shape."""
    if alpha is None or settings.ground == "plain":
        return settings.color
    height, width = image.shape[:2]
    if settings.ground == "blurred":
        opaque = image[alpha > 0]
        mean = opaque.mean(axis=0).round() if len(opaque) else settings.color
        flat = lay_over(image, alpha, mean)
        return cv2.GaussianBlur(
            flat, (0, 0), _BLUR * min(height, width), borderType=cv2.BORDER_REFLECT_101
        )
    backgrounds = _backgrounds(settings.backgrounds)
    chosen = backgrounds[int(draw(record, settings.seed) * len(backgrounds))]
    side = max(height, width)
    return central_square(read_image(chosen), side)[:height, :width]


@functools.cache
def _backgrounds(folder):
    return list_images(folder)


def _fault(picture, settings):
    """Reason and detail of a drop, or None."""
    if settings.min_colorfulness > 0:
        colors = quality.colorfulness(picture)
        if colors < settings.min_colorfulness:
            rule = f"at least {settings.min_colorfulness:g} needed"
            return "monochrome", f"colourfulness {colors:.1f}, {rule}"
    if settings.max_text < 1:
        text = quality.text_share(picture)
        if text > settings.max_text:
            rule = f"at most {settings.max_text:.1%} allowed"
            return "text", f"lettering on {text:.1%} of the picture, {rule}"
    return None
