"""Photos of people to 2D anime pictures: the double-tail GAN of AnimeGANv3 in Keras 3."""

import os

__version__ = "0.1.0"

# Training, data and export are TensorFlow; networks and losses run on any backend.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
