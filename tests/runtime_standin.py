"""A runtime without a network, whose pictures are known."""

import numpy as np

from animegan_tf.imaging.color import to_range
from animegan_tf.inference import Runtime


class StandIn(Runtime):
    """Paints by a function of uint8 photos; keeps what it was given."""

    def __init__(self, paint=np.copy, sides=None):
        self.paint, self.sides, self.given = paint, sides, []

    def __call__(self, photo):
        self.given.append(photo)
        return to_range(self.paint(photo))


def negative(image):
    return 255 - image
