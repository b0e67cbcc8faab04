"""Generators as files."""

import tempfile
from pathlib import Path

from animegan_tf.imaging.io import write_atomic
from animegan_tf.models.generator import as_float32


def save_generator(generator, path):
    """Writes a float32 `generator.keras` that is complete or not there.

    Args:
        generator: a model of `build_generator`, or its main tail.
        path: Path of the file; one that exists is replaced.

    Raises:
        InputError: the file cannot be written.
    """
    # Keras writes to names that end in .keras only.
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "generator.keras"
        as_float32(generator).save(file)
        write_atomic(path, file.read_bytes())
