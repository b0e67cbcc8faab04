"""From a photo to a drawing: the order of work."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from animegan_tf.illustration.beard import paint_beard
from animegan_tf.illustration.brows import draw_brows
from animegan_tf.illustration.contour import draw_contour
from animegan_tf.illustration.drawing import Canvas, to_lab
from animegan_tf.illustration.eyes import draw_eyes, lash_strength
from animegan_tf.illustration.folds import draw_folds
from animegan_tf.illustration.glasses import draw_glasses, wears_sunglasses
from animegan_tf.illustration.hair import hair_color, paint_hair
from animegan_tf.illustration.head import Head
from animegan_tf.illustration.masks import head_masks, settled
from animegan_tf.illustration.mouth import draw_mouth
from animegan_tf.illustration.nose import draw_nose
from animegan_tf.illustration.painting import draw_surroundings, flat_painting
from animegan_tf.illustration.proportions import warp
from animegan_tf.illustration.skin import paint_skin
from animegan_tf.illustration.style import ANIME, Style
from animegan_tf.illustration.tone import balanced, gain_of_face, lit_by, skin_color
from animegan_tf.imaging.landmarks import LandmarkDetector
from animegan_tf.imaging.parsing import PartsParser, PersonSegmenter

# Height of the largest face while it is drawn, and how far a photo is enlarged for it.
_FACE, _LARGEST_SCALE = 300, 2.0
# Faces below are left as they are painted.
LEAST_FACE = 48


@dataclass(frozen=True)
class Seen:
    """What networks see in a photo.

    Attributes:
        meshes: `FaceMesh` of each face that is drawn, the largest first.
        parts: `Parts` of each.
        person: float32 `(height, width)` in [0, 1], where people are.
    """

    meshes: list
    parts: list
    person: np.ndarray


class Illustrator:
    """Draws photos of people as anime pictures, in the photo's own frame.

    Args:
        networks: folder of the networks, see `imaging.networks`.
        style: `Style`.

    Raises:
        InputError: a network is missing or damaged.
    """

    def __init__(self, networks: Path, style: Style = ANIME):
        self.style = style
        self._landmarks = LandmarkDetector(networks)
        self._parts, self._person = PartsParser(networks), PersonSegmenter(networks)

    def faces(self, photo) -> list:
        """`FaceMesh` of each face that is drawn, the largest first."""
        return [m for m in self._landmarks(photo) if m.height >= LEAST_FACE]

    def see(self, photo) -> Seen:
        """Looks at a photo, uint8 RGB `(height, width, 3)`."""
        meshes = self.faces(photo)
        parts = [self._parts(photo, mesh) for mesh in meshes]
        return Seen(meshes, parts, self._person(photo, meshes))

    def __call__(self, photo, seen: Seen | None = None):
        """Draws a photo.

        Args:
            photo: uint8 RGB `(height, width, 3)`.
            seen: what `see` said of it; looked at where it is left out.

        Returns:
            uint8 RGB of the photo's shape. Without a face it is a flat painting.
        """
        return draw(photo, self.see(photo) if seen is None else seen, self.style)


def illustrate(photo, style: Style = ANIME, networks: Path = Path("networks")):
    """Draws a photo as an anime picture; see `Illustrator`."""
    return _illustrator(Path(networks), style)(photo)


@lru_cache(maxsize=2)
def _illustrator(networks, style):
    return Illustrator(networks, style)


def draw(photo, seen: Seen, style: Style):
    """Draws a photo of which everything is known that networks say.

    Args:
        photo: uint8 RGB `(height, width, 3)`.
        seen: `Seen` in it.
        style: `Style`.

    Returns:
        uint8 RGB of the photo's shape.
    """
    tallest = max([mesh.height for mesh in seen.meshes], default=_FACE)
    scale = min(_FACE / tallest, _LARGEST_SCALE)
    work = _resized(photo.astype(np.float32) / 255, scale)
    heads = [Head((m.points + 0.5) * scale - 0.5, m.readable_eyes) for m in seen.meshes]
    person = cv2.resize(seen.person, work.shape[1::-1])
    picture = _drawn(work, heads, seen.parts, person, scale, style)
    picture = _resized(picture, 1 / scale, photo.shape[1::-1])
    return np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8)


def _drawn(work, heads, parts, person, scale, style):
    work = balanced(work, heads)
    gray = cv2.cvtColor(work, cv2.COLOR_RGB2GRAY)
    for head, its_parts in zip(heads, parts):
        head.masks = head_masks(its_parts, gray, head.unit)
    unmoved = to_lab(work)  # where the photo has the eyes
    if heads:
        sources = warp(heads, style, work.shape)
        work, person = _moved(work, sources), _moved(person, sources)
        for head in heads:
            moved = {name: _moved(mask, sources) for name, mask in head.masks.items()}
            head.masks = settled(moved, head.middle, head.unit)
    lab = to_lab(work)
    for head in heads:
        _read_colors(head, lab, unmoved)
    unit = heads[0].unit if heads else _FACE
    # What surrounds heads has no more detail than the photo.
    flat = flat_painting(_resized(work, 1 / scale), style, unit / scale)
    canvas = Canvas(_resized(flat, scale, work.shape[1::-1]))
    draw_surroundings(canvas, work, heads, person, style, unit)
    for head in reversed(heads):
        _draw_head(canvas, head, lab, unmoved, style)
    return canvas.picture


def _read_colors(head, lab, unmoved):
    head.gain = gain_of_face(unmoved, head)
    lit, hidden = lit_by(lab, head.gain), head.masks["glasses"]
    head.skin = skin_color(lit, head.drawn, head.unit, hidden)
    head.hair = hair_color(lab, head.masks["hair"])
    head.lashes = lash_strength(head, lit_by(unmoved, head.gain))


def _draw_head(canvas, head, lab, unmoved, style):
    """A head over its surroundings, from skin to glasses."""
    lit = lit_by(lab, head.gain)
    relief = paint_skin(canvas, head, lit, style)
    beard = paint_beard(canvas, head, lit, relief)
    paint_hair(canvas, head, lab, style)
    draw_contour(canvas, head, style)
    draw_folds(canvas, head, lit, beard, style)
    draw_nose(canvas, head, lit, style)
    draw_mouth(canvas, head, lit, style)
    draw_brows(canvas, head, lit, style)
    sunglasses = wears_sunglasses(canvas, head, lab)
    if not sunglasses:
        draw_eyes(canvas, head, lit_by(unmoved, head.gain), style)
    draw_glasses(canvas, head, lab, sunglasses)


def _moved(plane, sources):
    return cv2.remap(plane, *sources, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def _resized(picture, scale, size=None):
    if size is None:
        size = tuple(max(1, round(side * scale)) for side in picture.shape[1::-1])
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.clip(cv2.resize(picture, size, interpolation=way), 0, 1)
