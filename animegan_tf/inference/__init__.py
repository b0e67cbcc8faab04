"""From photos to pictures with a trained generator.

Importing it loads neither TensorFlow nor Keras, which take seconds: a runtime loads
what it needs when it is made.
"""

from animegan_tf.inference.files import paint_files
from animegan_tf.inference.large_eyes import LargeEyesStylizer
from animegan_tf.inference.names import find_generator, find_start
from animegan_tf.inference.portrait import PortraitStylizer
from animegan_tf.inference.retouched import RetouchedStylizer
from animegan_tf.inference.runtimes import load_generator, load_runtime
from animegan_tf.inference.stylizer import Stylizer, compare
from animegan_tf.inference.video import PaintedVideo, paint_video

__all__ = [
    "LargeEyesStylizer",
    "PaintedVideo",
    "PortraitStylizer",
    "RetouchedStylizer",
    "Stylizer",
    "compare",
    "find_generator",
    "find_start",
    "load_generator",
    "load_runtime",
    "paint_files",
    "paint_video",
]
