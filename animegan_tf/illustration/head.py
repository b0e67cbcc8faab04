"""What the illustrator knows of one head."""

from dataclasses import dataclass, field

import numpy as np

from animegan_tf.illustration import regions
from animegan_tf.illustration.drawing import step


@dataclass
class Head:
    """One face in the working picture, with what surrounds it.

    Lengths in drawing are fractions of `unit`. Left and right are the viewer's.

    Attributes:
        seen: float64 (478, 2), landmarks in the photo, pixels of the working picture.
        readable: whether the left and the right eye may be drawn.
        drawn: as `seen`, where they are drawn, after proportions were changed.
        masks: soft masks by name, float32 `(height, width)` in [0, 1], moved with the
            proportions, see `masks`.
        skin: CIE Lab of the cheeks, after exposure and white balance.
        hair: CIE Lab of the hair, or None where there is none.
        gain: how many times as light the face is drawn.
        lashes: how dark its lashes are, 0 to 1.
    """

    seen: np.ndarray
    readable: tuple = (True, True)
    drawn: np.ndarray | None = None
    masks: dict = field(default_factory=dict)
    skin: np.ndarray | None = None
    hair: np.ndarray | None = None
    gain: float = 1.0
    lashes: float = 1.0

    def __post_init__(self):
        top, chin = self.seen[regions.FOREHEAD], self.seen[regions.CHIN]
        self.unit = float(np.linalg.norm(chin - top))
        eyes = [self.seen[eye].mean(0) for eye in regions.EYES]
        down = (chin - top) / self.unit
        across = (eyes[1] - eyes[0]) / np.linalg.norm(eyes[1] - eyes[0])
        right = across + [down[1], -down[0]]
        self.right = right / np.linalg.norm(right)
        self.down = np.array([-self.right[1], self.right[0]])
        self.eye_distance = float(np.linalg.norm(eyes[1] - eyes[0]))

    @property
    def middle(self) -> np.ndarray:
        """Between forehead and chin, where they are drawn."""
        return (self.drawn[regions.FOREHEAD] + self.drawn[regions.CHIN]) / 2

    def along(self, right: float, down: float) -> np.ndarray:
        """A shift in pixels, from fractions of the face's height."""
        return self.unit * (right * self.right + down * self.down)

    def place(self, points, origin) -> np.ndarray:
        """Points `(..., 2)` from an origin, to the right and down, in heights."""
        offset = (np.asarray(points) - origin) / self.unit
        return np.stack([offset @ self.right, offset @ self.down], -1)

    def grid(self, canvas, origin):
        """How far each pixel lies right of and below an origin, in pixels."""
        x, y = canvas.x - np.float32(origin[0]), canvas.y - np.float32(origin[1])
        (a, b), (c, d) = self.right.astype(np.float32), self.down.astype(np.float32)
        return a * x + b * y, c * x + d * y

    @property
    def frontal(self) -> float:
        """1 for a face seen from the front, falling to 0 where it is turned by 60."""
        left, right, nose = (self.seen[i] for i in (*regions.SIDES, regions.NOSE_TIP))
        a, b = (abs((p - nose) @ self.right) for p in (left, right))
        return float(step(min(a, b) / max(a, b, 1e-6), 0.05, 0.5))
