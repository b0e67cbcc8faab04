"""Pairs and VGG16's first blocks as one small file, for a machine elsewhere."""

import io
import zipfile

import cv2
import numpy as np

from animegan_tf.data import cache
from animegan_tf.data.pairs import NAME, split_pairs
from animegan_tf.errors import InputError
from animegan_tf.files import write_atomic
from animegan_tf.imaging.codec import read_image
from animegan_tf.imaging.transform import shrink

_QUALITIES = (92, 85, 78, 70, 60, 50, 40)
_LAST_BLOCK = 3


def pack(path, photos, illustrated, hold_out, weights, side=400, megabytes=30.0):
    """Writes the file: pictures as JPEG, of the best quality that fits.

    Args:
        path: of the file, a .zip.
        photos, illustrated, hold_out: as `split_pairs` takes them.
        weights: path of VGG16's weights.
        side: longest side of the pictures, in pixels.
        megabytes: largest size of the file, in 1,000,000 bytes.

    Returns:
        The JPEG quality, 0 to 100.

    Raises:
        InputError: pairs or weights that cannot be used, or too many pairs to fit.
    """
    training, held = split_pairs(photos, illustrated, hold_out)
    files = [*training, *held]
    rest = {
        "hold_out.txt": "\n".join(pair.stem for pair in held).encode(),
        "vgg16.npz": _first_blocks(weights),
    }
    pictures = list(cache.in_threads(lambda f: _pictures(f, side), files, "reading"))
    scaled = {f.stem: f.faces * scale for f, (*_, scale) in zip(files, pictures)}
    rest[f"illustrated/{NAME}"] = _npz(scaled)
    for quality in _QUALITIES:
        data = _zipped(files, pictures, quality, rest)
        if len(data) <= megabytes * 1e6:
            write_atomic(path, data)
            return quality
    raise InputError(
        f"--megabytes must be above {len(data) / 1e6:.0f}, which {len(files)} pairs of "
        f"--side {side} take at least, received {megabytes:g}."
    )


def _pictures(files, side):
    """Photo and drawing, uint8 RGB, and what landmarks are multiplied by."""
    photo, drawing = read_image(files.photo), read_image(files.drawing)
    small = shrink(photo, side)
    return small, shrink(drawing, side), small.shape[1] / photo.shape[1]


def _zipped(files, pictures, quality, rest):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for pair, (photo, drawing, _) in zip(files, pictures):
            for folder, image in (("photos", photo), ("illustrated", drawing)):
                data = _jpeg(image, quality)
                archive.writestr(f"{folder}/{pair.stem}.jpg", data)
        for name, data in rest.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def _jpeg(image, quality):
    """With colours at full size: thin lines would lose theirs."""
    full = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444
    flags = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, full]
    return cv2.imencode(".jpg", image[..., ::-1], flags)[1].tobytes()


def _first_blocks(weights):
    """The weights that `perceptual_network` reads, as float16."""
    from animegan_tf.models.features import read_weights

    kept = {}
    for name, (kernel, bias) in read_weights(weights).items():
        if name.startswith("block") and int(name[5]) <= _LAST_BLOCK:
            kept[f"{name}__kernel"] = np.float16(kernel)
            kept[f"{name}__bias"] = np.float16(bias)
    return _npz(kept)


def _npz(arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()
