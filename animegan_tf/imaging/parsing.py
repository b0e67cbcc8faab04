"""Face parts, hair and the person as soft masks."""

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import cv2
import numpy as np

from animegan_tf.imaging.landmarks import CHIN, FOREHEAD
from animegan_tf.imaging.networks import HAIR, PARTS, PERSON, Network
from animegan_tf.imaging.squares import Square


class Part(IntEnum):
    """What the parser tells apart; left and right are not to be trusted."""

    GROUND = 0
    SKIN = 1
    LEFT_BROW = 2
    RIGHT_BROW = 3
    LEFT_EYE = 4
    RIGHT_EYE = 5
    GLASSES = 6
    LEFT_EAR = 7
    RIGHT_EAR = 8
    EARRING = 9
    NOSE = 10
    MOUTH = 11
    UPPER_LIP = 12
    LOWER_LIP = 13
    NECK = 14
    NECKLACE = 15
    CLOTHES = 16
    HAIR = 17
    HAT = 18


FACE_PARTS = (
    *(Part.SKIN, Part.LEFT_BROW, Part.RIGHT_BROW, Part.LEFT_EYE, Part.RIGHT_EYE),
    *(Part.GLASSES, Part.NOSE, Part.MOUTH, Part.UPPER_LIP, Part.LOWER_LIP),
)
# Those that change places in a mirrored picture.
_PAIRS = (
    (Part.LEFT_BROW, Part.RIGHT_BROW),
    (Part.LEFT_EYE, Part.RIGHT_EYE),
    (Part.LEFT_EAR, Part.RIGHT_EAR),
)
# Head and shoulders: what is seen above, below and beside the middle of the face, in
# heights of the face. The person's square is wider.
_ABOVE, _BELOW, _BESIDE = 1.25, 1.2, 1.25
_HEAD, _PERSON = 2.5, 4.0
# How much wider the second look is.
_WIDE = 1.7
# Of what a zoom cuts off, the share above.
_SHARE_ABOVE = 0.4


@dataclass(frozen=True)
class Parts:
    """The parts of one face, as shares in [0, 1].

    Attributes:
        box: left, top, right and bottom of what the parser saw, in pixels.
        shares: float32 `(19, bottom - top, right - left)`; they sum to 1.
        shape: height and width of the photo.
    """

    box: tuple[int, int, int, int]
    shares: np.ndarray
    shape: tuple[int, int]

    def mask(self, *parts: Part):
        """How far each pixel shows one of these parts.

        Returns:
            float32 `(height, width)` in [0, 1], 0 outside the box.
        """
        left, top, right, bottom = self.box
        mask = np.zeros(self.shape, np.float32)
        mask[top:bottom, left:right] = self.shares[list(parts)].sum(0)
        return np.clip(mask, 0, 1)


class PartsParser:
    """The 19 parts of a face, by a network for research only.

    What lies outside of head and shoulders, such as long hair, is looked at from
    further away.

    Args:
        folder: Path of the folder of networks.
        zooms: shares of head and shoulders that are seen, each mirrored as well, in
            (0, 1]; the first is 1. The mean of more is softer: one and three overlap
            by 0.99 in the face, 0.98 in the hair, 0.93 in brows and 0.89 in eyes.

    Raises:
        InputError: the network cannot be used, see `networks.Network`.

    Reference:
        Yu et al., *BiSeNet V2: Bilateral Network with Guided Aggregation for Real-time
        Semantic Segmentation*, IJCV 2021.
    """

    def __init__(self, folder: Path, zooms: tuple[float, ...] = (1.0,)):
        self._network = Network(folder, PARTS)
        self._zooms = zooms
        self._swapped = np.arange(len(Part))
        for left, right in _PAIRS:
            self._swapped[[left, right]] = right, left

    def __call__(self, image, mesh) -> Parts:
        """Parts of a face in a photo.

        Args:
            image: uint8 RGB `(height, width, 3)`.
            mesh: the `FaceMesh` of the face.
        """
        near = _head_and_shoulders(image.shape, mesh)
        shares = self._shares(image, near, self._zooms)
        box = _head_and_shoulders(image.shape, mesh, _WIDE)
        if box != near:
            wide = self._shares(image, box, (1.0,))
            shares = _laid_over(wide, box, shares, near)
        return Parts(box, shares, image.shape[:2])

    def _shares(self, image, box, zooms):
        left, top, right, bottom = box
        seen = image[top:bottom, left:right]
        shares = np.zeros((len(Part), *seen.shape[:2]), np.float32)
        for zoom in zooms:
            self._add(shares, seen, zoom)
        return shares / shares.sum(0)

    def _add(self, shares, seen, zoom):
        height, width = seen.shape[:2]
        tall, wide = max(1, round(height * zoom)), max(1, round(width * zoom))
        top, left = int((height - tall) * _SHARE_ABOVE), (width - wide) // 2
        seen = seen[top : top + tall, left : left + wide]
        size = (self._network.size, self._network.size)
        square = cv2.resize(seen, size, interpolation=cv2.INTER_AREA)
        square = square.astype(np.float32) / 127.5 - 1
        (labels,) = self._network(square)
        (mirrored,) = self._network(np.ascontiguousarray(square[:, ::-1]))
        mirrored = self._swapped[mirrored][:, ::-1]
        for part in np.union1d(labels, mirrored):
            votes = (labels == part).astype(np.float32) + (mirrored == part)
            shares[part, top : top + tall, left : left + wide] += cv2.resize(
                votes, (wide, tall), interpolation=cv2.INTER_LINEAR
            )


class HairSegmenter:
    """Hair about one face, loose strands too.

    Args:
        folder: Path of the folder of networks.

    Raises:
        InputError: the network cannot be used, see `networks.Network`.

    Reference:
        Tkachenka et al., *Real-time Hair Segmentation and Recoloring on Mobile GPUs*,
        2019.
    """

    def __init__(self, folder: Path):
        self._network = Network(folder, HAIR)

    def __call__(self, image, mesh):
        """float32 `(height, width)` in [0, 1]; arguments as of `PartsParser`."""
        square = _about(mesh, _HEAD)
        crop, way_back = square.cut(image, self._network.size)
        seen = np.zeros((*crop.shape[:2], 4), np.float32)  # no frame before this one
        seen[..., :3] = crop.astype(np.float32) / 255
        (logits,) = self._network(seen)
        share = 1 / (1 + np.exp(logits[0, ..., 0] - logits[0, ..., 1]))
        return _laid_back(share, way_back, image.shape)


class PersonSegmenter:
    """The people in a photo, soft at their hair.

    Args:
        folder: Path of the folder of networks.

    Raises:
        InputError: the network cannot be used, see `networks.Network`.
    """

    def __init__(self, folder: Path):
        self._network = Network(folder, PERSON)

    def __call__(self, image, meshes=()):
        """Where people are.

        Args:
            image: uint8 RGB `(height, width, 3)`.
            meshes: `FaceMesh` of each face; people who are small in the photo are
                looked at again from near.

        Returns:
            float32 `(height, width)` in [0, 1].
        """
        height, width = image.shape[:2]
        size = (self._network.size, self._network.size)
        seen = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        mask = cv2.resize(self._share(seen), (width, height))
        for mesh in meshes:
            square = _about(mesh, _PERSON)
            if square.side < max(height, width):
                crop, way_back = square.cut(image, self._network.size)
                near = _laid_back(self._share(crop), way_back, image.shape)
                mask = np.maximum(mask, near)
        return np.clip(mask, 0, 1)

    def _share(self, square):
        (share,) = self._network(square.astype(np.float32) / 255)
        return share[0, ..., 0]


def _middle(mesh):
    return (mesh.points[FOREHEAD] + mesh.points[CHIN]).astype(np.float64) / 2


def _about(mesh, heights):
    """An upright square about a face, its side in heights of the face."""
    return Square(_middle(mesh), heights * mesh.height)


def _head_and_shoulders(shape, mesh, reach=1.0):
    """Left, top, right and bottom of what the parser sees, inside the photo."""
    x, y = _middle(mesh)
    height = mesh.height * reach
    low = np.array([x - _BESIDE * height, y - _ABOVE * height])
    high = np.array([x + _BESIDE * height, y + _BELOW * height])
    most = np.array(shape[1::-1])
    low = np.clip(np.floor(low), 0, most - 1).astype(int)
    high = np.clip(np.ceil(high), low + 1, most).astype(int)
    return (*low.tolist(), *high.tolist())


def _laid_over(wide, wide_box, near, near_box):
    """Parts seen from near over those seen from afar, which show near its borders."""
    left, top, right, bottom = near_box
    x0, y0, x1, y1 = wide_box
    height, width = near.shape[1:]
    fading = max(1, min(height, width) // 12)
    # No fading where both end, at the border of the photo.
    across = _ramp(width, fading, left > x0, right < x1)
    down = _ramp(height, fading, top > y0, bottom < y1)
    weight = down[:, None] * across
    place = wide[:, top - y0 : bottom - y0, left - x0 : right - x0]
    place += weight * (near - place)
    return wide


def _ramp(length, fading, at_start, at_end):
    ramp = np.ones(length, np.float32)
    if at_start:
        ramp[:fading] = np.linspace(0, 1, fading)
    if at_end:
        ramp[-fading:] = np.minimum(ramp[-fading:], np.linspace(1, 0, fading))
    return ramp


def _laid_back(mask, way_back, shape):
    """A square's mask at its place in the photo, 0 around it."""
    size = shape[1::-1]
    return np.clip(cv2.warpAffine(mask, way_back, size, flags=cv2.INTER_LINEAR), 0, 1)
