"""From photos to pictures with a trained generator.

Importing it loads neither TensorFlow nor Keras, which take seconds: a runtime loads
what it needs when it is made.
"""

from animegan_tf.inference.clips import StylizedVideo, stylize_video
from animegan_tf.inference.files import stylize_files
from animegan_tf.inference.names import find_generator, find_start
from animegan_tf.inference.runtimes import Runtime, load_generator, load_runtime
from animegan_tf.inference.stylizer import Stylizer, compare

__all__ = [
    "Runtime",
    "StylizedVideo",
    "Stylizer",
    "compare",
    "find_generator",
    "find_start",
    "load_generator",
    "load_runtime",
    "stylize_files",
    "stylize_video",
]
