"""Training pictures cut out of pairs: the photo's crop and its drawing's alike."""

import cv2
import keras
import numpy as np

from animegan_tf.data.degrade import degrade
from animegan_tf.data.importance import face_centre, face_height

_TILT = 18.0  # degrees
# Faces larger than this share of the crop's side would show too little of themselves.
_LARGEST = 1.25
# Pictures are enlarged no further: a blurred drawing is no example.
_ENLARGED = 1.5
# Share of a crop's side that the picture must cover; the rest is mirrored.
_COVERED = 0.75
# Share of a crop's side by which it may reach beyond the picture.
_BEYOND = 0.08
# A face that fits in may be cut at the crop's border by this share of its height.
_CUT = 0.2


class PairCrops:
    """Draws training pictures, each a pure function of the seed and its number.

    Faces have any height between two bounds, uniformly in the logarithm. Where they
    are so small that a photo would not fill the crop, the crop is tiled with several:
    a group of faces. Photo and drawing go through one affine map: crop, flip, rotation
    up to 18 degrees, scale. Then the photo alone is degraded.

    Args:
        pairs: list of `Pair`.
        seed: int.
        heights: least and largest height of a face in a crop, in pixels.
        degraded: share of the photos that are degraded.
    """

    def __init__(self, pairs, seed, heights=(40, 300), degraded=0.7):
        self.seed, self.heights, self.degraded = seed, heights, degraded
        self.faces = [pair.faces for pair in pairs]
        self.photos = [_levels(pair.photo) for pair in pairs]
        self.drawings = [_levels(pair.drawing) for pair in pairs]

    def draw(self, number, size):
        """Picture `number` as a crop.

        Args:
            number: int, 0 or more.
            size: side of the crop, in pixels, a multiple of 8.

        Returns:
            uint8 photo `(size, size, 3)` and uint8 drawing `(size, size, 4)`, whose
            last channel is `importance_map`.
        """
        rng = np.random.default_rng([self.seed, number])
        low, high = self.heights
        high = max(low, min(high, _LARGEST * size))
        height = float(np.exp(rng.uniform(np.log(low), np.log(high))))
        chosen = rng.integers(len(self.photos))
        tile = self._tile(chosen, height, size)
        places = [(y, x) for y in range(0, size, tile) for x in range(0, size, tile)]
        photo = np.empty((size, size, 3), np.uint8)
        drawing = np.empty((size, size, 4), np.uint8)
        for y, x in places:
            part = np.s_[y : y + tile, x : x + tile]
            photo[part], drawing[part] = self._cut(chosen, height, tile, rng)
            chosen = rng.integers(len(self.photos))
        if rng.random() < self.degraded:
            photo = degrade(photo, height, rng)
        return photo, drawing

    def _tile(self, chosen, height, size):
        """Side of the square that a picture with faces so high can fill."""
        rows, columns = self.photos[chosen][0].shape[:2]
        scale = height / max(face_height(points) for points in self.faces[chosen])
        tile = size
        while tile % 2 == 0 and tile / 2 >= height:
            if min(rows, columns) * scale >= _COVERED * tile:
                break
            tile //= 2
        return tile

    def _cut(self, chosen, height, size, rng):
        """One pair's photo and drawing `(size, size, ...)` around one of its faces."""
        faces = self.faces[chosen]
        points = faces[rng.integers(len(faces))]
        sides = np.array(self.photos[chosen][0].shape[1::-1], float)
        scale = max(height / face_height(points), _COVERED * size / sides.min())
        scale = min(scale, _ENLARGED)
        height = scale * face_height(points)
        room = max(size - height, 0) / 2 + _CUT * min(height, size)
        centre = face_centre(points) + rng.uniform(-room, room, 2) / scale
        # Inside of the picture as far as it is large enough.
        least = np.minimum((0.5 - _BEYOND) * size / scale, sides / 2)
        centre = np.clip(centre, least, sides - least)
        flipped = -1.0 if rng.random() < 0.5 else 1.0
        turn = np.deg2rad(rng.uniform(-_TILT, _TILT))
        cosine, sine = scale * np.cos(turn), scale * np.sin(turn)
        linear = np.array([[flipped, 0], [0, 1]]) @ [[cosine, sine], [-sine, cosine]]
        matrix = np.column_stack([linear, size / 2 - linear @ centre])
        return [
            _warped(levels, matrix, sides, size)
            for levels in (self.photos[chosen], self.drawings[chosen])
        ]


class CropBatches(keras.utils.PyDataset):
    """Batches of crops for `fit`, in order, cut by threads while it computes.

    Args:
        crops: `PairCrops`.
        size: side of the crops, in pixels.
        batch_size: pictures of a batch.
        first: number of the first picture.
        batches: number of batches.
        workers: threads.

    Batch: `(photos, drawings)`, uint8 `(batch, size, size, 3)` and `(..., 4)`.
    """

    def __init__(self, crops, size, batch_size, first, batches, workers=1):
        super().__init__(workers=workers, max_queue_size=4)
        self.crops, self.size, self.batch_size = crops, size, batch_size
        self.first, self.batches = first, batches

    def __len__(self):
        return self.batches

    def __getitem__(self, index):
        first = self.first + index * self.batch_size
        numbers = range(first, first + self.batch_size)
        drawn = [self.crops.draw(number, self.size) for number in numbers]
        photos, drawings = zip(*drawn)
        return np.stack(photos), np.stack(drawings)


def _levels(image):
    """The picture and smaller ones, each 0.71 times as large as the one before."""
    height, width = image.shape[:2]
    levels, factor = [image], 1.0
    while min(height, width) * factor > 64:
        factor /= np.sqrt(2)
        size = round(width * factor), round(height * factor)
        levels.append(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
    return levels


def _warped(levels, matrix, sides, size):
    """The square `(size, size)` of a picture under an affine map.

    Args:
        levels: of `_levels`.
        matrix: `(2, 3)` from places in the photo to places in the square, in pixels
            from the corner, not from the first pixel's centre.
        sides: width and height of the photo, in pixels.
        size: int.
    """
    own = matrix * np.array([*(sides / levels[0].shape[1::-1]), 1.0])
    scale = np.sqrt(abs(np.linalg.det(own[:, :2])))
    level = int(np.clip(np.floor(-2 * np.log2(scale)), 0, len(levels) - 1))
    image = levels[level]
    own = matrix * np.array([*(sides / image.shape[1::-1]), 1.0])
    own[:, 2] += own[:, :2] @ [0.5, 0.5] - 0.5  # OpenCV counts from pixels' centres
    return cv2.warpAffine(
        image,
        own,
        (size, size),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REFLECT,
    )
