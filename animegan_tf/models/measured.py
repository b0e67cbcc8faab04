"""A tail that paints parts of a picture with the statistics of the whole."""

import keras

from animegan_tf.layers import LADE, ExternalAttention
from animegan_tf.layers.measured import MeasuredAttention, MeasuredLADE


class MeasuredTail:
    """Notes the statistics of one picture and paints others with them.

    Args:
        tail: float32 `keras.Model` of one tail; its weights are shared.

    Called with photos `(1, height, width, 3)` in [-1, 1], both sides multiples of 8 and
    16 or more, and with `measuring`, a bool that says whether they are the one to note
    or one to paint; gives the picture. In the first case it is the tail's own. In the
    second a pixel depends on the photo up to `sizes.REACH` pixels away, no further.
    """

    def __init__(self, tail):
        kinds = {LADE: MeasuredLADE, ExternalAttention: MeasuredAttention}
        self._layers = []

        def measured(layer):
            if type(layer) not in kinds:
                return layer
            self._layers.append(kinds[type(layer)](layer))
            return self._layers[-1]

        self.model = keras.models.clone_model(tail, clone_function=measured)

    def __call__(self, photo, measuring):
        for layer in self._layers:
            layer.measuring = measuring
        return self.model(photo, training=False)
