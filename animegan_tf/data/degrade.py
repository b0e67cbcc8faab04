"""What cameras, apps and networks do to photos, so that training sees it."""

import cv2
import numpy as np

# Share of the photos that each change meets, among those that are degraded at all.
_SHARES = {"blur": 0.3, "exposure": 0.5, "balance": 0.5, "noise": 0.3}
_SHARES |= {"shrink": 0.25, "jpeg": 0.4}
# A blur of this deviation, in heights of the face, leaves no eyes to see.
_BLUR = (0.002, 0.012)
# Light is mostly a little off and now and then far: far for all photos alike, and a
# crop would no longer tell dark skin from a dark photo.
_FAR = 0.25
# Deviation and bounds, in stops.
_STOPS, _STOPS_BOUNDS = 0.3, (-1.7, 0.8)
# Deviation and bounds of the log gain of red against blue; deviation of green's.
_WARMTH, _WARMTH_BOUNDS, _TINT = 0.05, (-0.32, 0.32), 0.02
_NOISE = (0.004, 0.04)
_LEAST_FACE = 36  # pixels that shrinking leaves of a face's height
_SHRINK = 3.0
_QUALITY = (25, 95)
_GAMMA = 2.2


def degrade(photo, face, rng):
    """A photo as a worse camera and a messenger would have left it.

    Blur, exposure, white balance, noise, shrinking and enlarging, JPEG: each by
    chance, and so are their amounts. Geometry stays as it is.

    Args:
        photo: uint8 RGB `(height, width, 3)`.
        face: height of its faces, in pixels.
        rng: `numpy.random.Generator`.

    Returns:
        uint8 RGB of the same shape.
    """
    meets = {name: rng.random() < share for name, share in _SHARES.items()}
    image = photo.astype(np.float32) / 255
    if meets["blur"]:
        image = cv2.GaussianBlur(image, (0, 0), max(0.3, rng.uniform(*_BLUR) * face))
    if meets["exposure"]:
        stops = _little_or_far(_STOPS, _STOPS_BOUNDS, rng)
        image *= np.float32(2 ** (stops / _GAMMA))
    if meets["balance"]:
        image *= _gains(rng)
    if meets["noise"]:
        noise = rng.standard_normal(image.shape, np.float32)
        image += noise * np.float32(rng.uniform(*_NOISE))
    if meets["shrink"]:
        largest = np.clip(face / _LEAST_FACE, 1, _SHRINK)
        image = _shrunk(image, rng.uniform(1, largest))
    image = np.clip(image * 255 + 0.5, 0, 255).astype(np.uint8)
    if meets["jpeg"]:
        quality = int(rng.integers(*_QUALITY))
        data = cv2.imencode(
            ".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality]
        )
        image = cv2.imdecode(data[1], cv2.IMREAD_COLOR)[..., ::-1]
    return image


def _little_or_far(deviation, bounds, rng):
    if rng.random() < _FAR:
        return rng.uniform(*bounds)
    return np.clip(rng.normal(0, deviation), *bounds)


def _gains(rng):
    """Of red, green and blue: light that is warmer or cooler, or has a tint."""
    warmth = _little_or_far(_WARMTH, _WARMTH_BOUNDS, rng)
    logs = np.array([warmth / 2, rng.normal(0, _TINT), -warmth / 2])
    return np.exp(logs).astype(np.float32)


def _shrunk(image, factor):
    """Reduced by a factor of 1 or more and enlarged again."""
    height, width = image.shape[:2]
    small = max(1, round(width / factor)), max(1, round(height / factor))
    image = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
