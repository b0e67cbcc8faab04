"""Photos of people to 2D anime pictures: AnimeGANv3's double-tail GAN in Keras 3."""

import os

__version__ = "0.1.0"

# Training, data and export are TensorFlow; networks and losses run on any backend.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

# TensorFlow leaves oneDNN off on CPUs without AVX-512 VNNI, though training steps take
# half the time with it (docs/benchmarks.md). "0" in the environment turns it off.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
