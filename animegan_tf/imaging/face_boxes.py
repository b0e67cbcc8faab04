"""Where upright faces of any size are, by MediaPipe's short-range detector."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from animegan_tf.imaging.networks import DETECTION, Network

LEAST_FACE = 48

# Cells of (side of the grid, anchors in each), in the order of the network's rows.
_GRIDS = ((16, 2), (8, 6))
_KEYPOINTS = 6
# Logits beyond are of no use and overflow.
_MOST_LOGIT = 100
_LEAST_SCORE = 0.5
# Boxes that share so much of their union show one face.
_SAME_FACE = 0.3
# Height in pixels that a face needs inside the network's square.
_LEAST_SEEN = 20
# Tiles overlap by this share: faces up to it lie inside one of them as a whole.
_OVERLAP = 0.4
# Shares of a tile: what comes nearer to a cut edge may be half a face.
_NEAR_EDGE = 0.02


@dataclass(frozen=True)
class FaceBox:
    """A face that the detector found, in pixels; pixel centres are integers.

    Attributes:
        centre: float64 (2,), x and y of the middle of the box, brows to chin.
        side: float, the longer side of the box.
        eyes: float64 (2, 2), x and y of the eye on the left and on the right of the
            picture when the face is upright.
        score: float in [0, 1].
    """

    centre: np.ndarray
    side: float
    eyes: np.ndarray
    score: float


class FaceBoxes:
    """The upright faces of a picture, the surest first; none is an empty list.

    The network sees 128 pixels a side, so the picture is looked at in several sizes:
    half as large as the network's square, for faces that fill the picture, and then
    twice as large each time, in overlapping tiles, until faces of `LEAST_FACE` pixels
    are large enough.

    Args:
        folder: Path of the folder of networks.

    Raises:
        InputError: the network cannot be used, see `networks.Network`.

    Reference:
        Bazarevsky et al., *BlazeFace: Sub-millisecond Neural Face Detection on Mobile
        GPUs*, 2019.
    """

    def __init__(self, folder: Path):
        self._network = Network(folder, DETECTION)
        self._anchors = _anchors()

    def __call__(self, image) -> list[FaceBox]:
        found = np.concatenate(
            [self._at_scale(image, scale) for scale in self._scales(image.shape)]
        )
        return [_face_box(row) for row in _merged(found)]

    def _scales(self, shape):
        size, longer = self._network.size, max(shape[:2])
        scales = [size / 2 / longer, size / longer]
        while scales[-1] * LEAST_FACE < _LEAST_SEEN and scales[-1] < 1:
            scales.append(2 * scales[-1])
        return scales

    def _at_scale(self, image, scale):
        """Rows of score, side, centre and keypoints, in pixels of the picture."""
        size = self._network.size
        width, height = (max(1, round(side * scale)) for side in image.shape[1::-1])
        kernel = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        seen = cv2.resize(image, (width, height), interpolation=kernel)
        found = []
        for top in _starts(height, size):
            for left in _starts(width, size):
                tile = seen[max(top, 0) : top + size, max(left, 0) : left + size]
                rows = self._in_tile(_padded(tile, left, top, size))
                cut = (left > 0, top > 0, left + size < width, top + size < height)
                rows = rows[_whole(rows, cut)]
                rows[:, 1:] *= size
                rows[:, 2:] += np.tile([left, top], _KEYPOINTS + 1)
                found.append(rows)
        found = np.concatenate(found)
        stretch = np.array([image.shape[1] / width, image.shape[0] / height])
        found[:, 1] *= stretch.mean()
        found[:, 2:] = found[:, 2:] * np.tile(stretch, _KEYPOINTS + 1) - 0.5
        return found

    def _in_tile(self, tile):
        """Rows of score, side, centre and keypoints, in units of the tile."""
        offsets, logits = self._network(tile.astype(np.float32) / 127.5 - 1)
        logits = np.clip(logits[0, :, 0], -_MOST_LOGIT, _MOST_LOGIT)
        scores = 1 / (1 + np.exp(-logits.astype(np.float64)))
        likely = scores >= _LEAST_SCORE
        offsets = offsets[0, likely].astype(np.float64) / self._network.size
        anchors = self._anchors[likely]
        sides = offsets[:, 2:4].max(1, keepdims=True)
        centres = offsets[:, :2] + anchors
        keypoints = offsets[:, 4:] + np.tile(anchors, _KEYPOINTS)
        return np.concatenate([scores[likely, None], sides, centres, keypoints], 1)


def _anchors():
    """Centres of the cells that the network's rows belong to, in [0, 1]."""
    grids = []
    for side, count in _GRIDS:
        y, x = np.mgrid[:side, :side]
        cells = (np.stack([x, y], -1).reshape(-1, 2) + 0.5) / side
        grids.append(np.repeat(cells, count, 0))
    return np.concatenate(grids)


def _starts(length, size):
    """Where tiles begin; a picture smaller than a tile lies in the middle of it."""
    if length <= size:
        return [-((size - length) // 2)]
    count = 1 + int(np.ceil((length - size) / (size * (1 - _OVERLAP))))
    return [round(start) for start in np.linspace(0, length - size, count)]


def _padded(tile, left, top, size):
    above, before = max(-top, 0), max(-left, 0)
    below, after = size - above - tile.shape[0], size - before - tile.shape[1]
    sides = (above, below, before, after)
    return cv2.copyMakeBorder(tile, *sides, cv2.BORDER_CONSTANT, value=(0, 0, 0))


def _whole(found, cut):
    """Which rows are no nearer to a cut edge than a whole face would be."""
    half, (x, y) = found[:, 1] / 2, found[:, 2:4].T
    margins = np.stack([x - half, y - half, 1 - x - half, 1 - y - half], 1)
    return (~np.array(cut) | (margins > _NEAR_EDGE)).all(1)


def _merged(rows):
    """One row a face: the mean of those that overlap, weighted by their scores."""
    rows = rows[np.argsort(-rows[:, 0], kind="stable")]
    merged = []
    while len(rows):
        same = _overlaps(rows[0], rows) > _SAME_FACE
        same[0] = True
        group = rows[same]
        mean = np.average(group, 0, group[:, 0])
        mean[0] = group[0, 0]
        merged.append(mean)
        rows = rows[~same]
    return merged


def _overlaps(row, rows):
    """Intersection over union of the squares of one row with those of all."""
    half, halves = row[1] / 2, rows[:, 1:2] / 2
    low = np.maximum(row[2:4] - half, rows[:, 2:4] - halves)
    high = np.minimum(row[2:4] + half, rows[:, 2:4] + halves)
    common = np.clip(high - low, 0, None).prod(1)
    return common / (row[1] ** 2 + rows[:, 1] ** 2 - common)


def _face_box(row):
    return FaceBox(row[2:4], float(row[1]), row[4:8].reshape(2, 2), float(row[0]))
