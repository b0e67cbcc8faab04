"""Steadier pictures of videos: what does not move in the photos stays as painted."""

import cv2
import numpy as np

from animegan_tf.errors import InputError

# Photos are compared after a blur that leaves a seventh of a sensor's noise. Up to the
# first difference, in grey levels, it counts as noise, from the second on as motion.
_BLUR = 2.0
_NOISE, _MOTION = 2.0, 6.0
# Luma tells most; half of each chroma shows what moves in front of the same lightness.
_CHANNELS = np.float32([1, 0.5, 0.5])
# Pixels about a moving one that are not held either: what is painted there follows it.
_REACH = 4
# The share of a frame that moves from which on it counts as another scene.
_CUT = 0.6
# The largest weight of what was painted before, or else nothing would ever change.
_MOST = 0.9


class TemporalSmoother:
    """Mixes each picture of a video with those before it where the photo stands still.

    Only the last picture and a blurred copy of its photo are kept. Both are averages
    over time with the same weights: a pixel leans on the past as far as its photo
    looks like the average photo behind that past. So what changes slowly is noticed,
    too, and what has moved on leaves no trail. Scene cuts and changes of size begin
    anew.

    Args:
        strength: from 0, every picture as it was painted, to 1, for which the past has
            a weight of 0.9 where nothing moves.

    Raises:
        InputError: `strength` is out of range.
    """

    def __init__(self, strength: float):
        if not 0 <= strength <= 1:
            raise InputError(f"strength must be between 0 and 1, received {strength}.")
        self._most = _MOST * strength
        self._photo = self._picture = None

    def __call__(self, photo, picture):
        """The next picture, steadier.

        Args:
            photo: uint8 RGB (any height, any width, 3), the next frame.
            picture: uint8 RGB (height, width, 3), what was painted of it.

        Returns:
            uint8 RGB (height, width, 3).
        """
        seen, fresh = _blurred(photo, picture.shape), picture.astype(np.float32)
        moved = self._motion(seen)
        if moved is None or np.mean(moved > _MOTION) > _CUT:
            self._photo, self._picture = seen, fresh
            return picture
        weight = self._most * _stillness(moved)[..., None]
        self._photo = seen + weight * (self._photo - seen)
        self._picture = fresh + weight * (self._picture - fresh)
        return np.rint(self._picture).astype(np.uint8)

    def _motion(self, seen):
        if self._photo is None or self._photo.shape != seen.shape:
            return None
        return _difference(seen, self._photo)


def flicker(photos, pictures) -> float:
    """How much a video's pictures change where its photos do not.

    Args:
        photos: iterable of uint8 RGB (any height, any width, 3), frames of one size.
        pictures: iterable of uint8 RGB (height, width, 3), what was made of each.

    Returns:
        mean absolute difference of consecutive pictures in grey levels, over all
        pixels whose blurred photo differs by no more than noise does; nan without any.
    """
    total, count, before = 0.0, 0, None
    for photo, picture in zip(photos, pictures, strict=True):
        seen, picture = _blurred(photo, picture.shape), picture.astype(np.int16)
        if before is not None:
            still = _difference(seen, before[0]) <= _NOISE
            total += np.abs(picture - before[1])[still].sum()
            count += still.sum() * picture.shape[-1]
        before = seen, picture
    return float(total / count) if count else float("nan")


def _blurred(photo, shape):
    """float32 (height, width, 3), of the picture's size, without most of the noise."""
    if photo.shape[:2] != shape[:2]:
        photo = cv2.resize(photo, shape[1::-1], interpolation=cv2.INTER_AREA)
    channels = cv2.cvtColor(photo, cv2.COLOR_RGB2YCrCb).astype(np.float32)
    return cv2.GaussianBlur(channels * _CHANNELS, (0, 0), _BLUR)


def _difference(a, b):
    # Numpy's max over three channels takes ten times as long.
    luma, red, blue = cv2.split(cv2.absdiff(a, b))
    return cv2.max(luma, cv2.max(red, blue))


def _stillness(moved):
    """From 0, moving, to 1; never more than that of any pixel within reach."""
    still = np.clip((_MOTION - moved) / (_MOTION - _NOISE), 0, 1)
    side = 2 * _REACH + 1
    still = cv2.erode(still, np.ones((side, side), np.uint8))
    # Averages of minima that all include the pixel itself, so still no more than it.
    return cv2.blur(still, (side, side))
