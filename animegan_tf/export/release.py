"""A trained generator as the folder that users are given: every format, one card."""

import hashlib
import zipfile
from pathlib import Path

import numpy as np

from animegan_tf.errors import InputError
from animegan_tf.export.arguments import ModelCard
from animegan_tf.export.litert import export_litert
from animegan_tf.export.saved_model import export_saved_model
from animegan_tf.files import replacing_folder
from animegan_tf.models import as_float32


def export_release(generator, folder, text, card=ModelCard(), overwrite=False):
    """Writes a model's folder, which is complete when it appears.

    It holds `generator.keras`, a SavedModel as version 1, a LiteRT file for GPUs
    (`float16_512.tflite`), one for CPUs (`generator.tflite`, dynamic, of any size), and
    the model card `README.md`, at whose end every file has its SHA-256. All have the
    same weights, rounded to float16: `generator.keras` then packs to half its size.

    Args:
        generator: model of `build_generator`, with both tails or the main one.
        folder: Path; its last part is the model's name.
        text: str, the model card in Markdown, without the list of files.
        card: `ModelCard`, for the metadata of the LiteRT files.
        overwrite: bool, whether a folder that exists may be replaced.

    Returns:
        `folder`.

    Raises:
        InputError: the folder exists, or cannot be written.
    """
    folder = Path(folder)
    if folder.exists() and not overwrite:
        raise InputError(f"{folder}: must be a new folder, received one that exists.")
    generator = with_half_weights(generator)
    with replacing_folder(folder) as temporary:
        _save_packed(generator, temporary / "generator.keras")
        export_saved_model(generator, temporary)
        gpu, cpu = temporary / "float16_512.tflite", temporary / "generator.tflite"
        export_litert(generator, gpu, "float16", 512, card=card)
        export_litert(generator, cpu, "dynamic", card=card)
        listed = list_files(temporary)
        (temporary / "README.md").write_text(f"{text.rstrip()}\n\n{listed}")
    return folder


def with_half_weights(generator):
    """A float32 copy whose weights are the nearest float16 numbers."""
    copy = as_float32(generator)
    copy.set_weights([w.astype(np.float16) for w in copy.get_weights()])
    return copy


def list_files(folder):
    """Markdown table of a folder's files but its card: name, bytes and SHA-256."""
    lines = ["## Files", "", "| file | bytes | SHA-256 |", "|---|---|---|"]
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        if path != folder / "README.md":
            data = path.read_bytes()
            digest = hashlib.sha256(data).hexdigest()
            name = path.relative_to(folder).as_posix()
            lines.append(f"| `{name}` | {len(data):,} | `{digest}` |")
    return "\n".join(lines) + "\n"


def _save_packed(generator, path):
    """A `.keras` file, a zip archive that Keras itself does not compress."""
    plain = path.with_name("plain.keras")
    generator.save(plain)
    with (
        zipfile.ZipFile(plain) as source,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target,
    ):
        for name in source.namelist():
            target.writestr(name, source.read(name))
    plain.unlink()
