"""One photo of people as training pictures: faces found, aligned, judged."""

import contextlib
import functools
from pathlib import Path

from animegan_tf.data.prepared import (
    Prepared,
    draw,
    measured,
    output_name,
    read_source,
)
from animegan_tf.data.settings import PhotoSettings
from animegan_tf.imaging.alignment import align_face, alignment
from animegan_tf.imaging.codec import encode_image, lay_over
from animegan_tf.imaging.faces import FaceDetector
from animegan_tf.imaging.superpixel import superpixels

PHOTOS, VALIDATION = "train_photo", "val"
# Under transparent parts: white, as when training reads a picture.
_GROUND = 255


def superpixel_folder(settings: PhotoSettings) -> str:
    """Named as the AnimeGAN tools name it: scale, sigma, smallest region."""
    return f"seg_train_5-0.8-{settings.superpixel_size}"


def prepare_photo(path: Path, source: str, settings: PhotoSettings) -> list[Prepared]:
    """Cut the faces out of a photo, upright and framed alike.

    Args:
        path: the photo.
        source: its name in the records.
        settings: `PhotoSettings`.

    Returns:
        One `Prepared` a face, largest first; one alone if there is no face or the
        file cannot be decoded.
    """
    image, alpha, record = read_source(path, source)
    if image is None:
        return [Prepared(record)]
    image = lay_over(image, alpha, _GROUND)
    faces = _detector(settings.min_confidence, settings.turned)(image)
    if not faces:
        return [Prepared(record.dropped("no face", "none was found"))]
    if settings.faces == "largest":
        faces = faces[:1]
    return [
        _prepare_face(image, record, number, face, settings)
        for number, face in enumerate(faces, 1)
    ]


@functools.cache
def _detector(min_confidence, turned):
    import tensorflow as tf  # what mtcnn computes with

    # Sums of several threads differ in their last digits from run to run, and a
    # second thread gains nothing here. A program that already computes keeps its own.
    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        # Every process would reserve the GPU's memory, and MTCNN does not need it.
        tf.config.set_visible_devices([], "GPU")
    return FaceDetector(min_confidence, turned=turned)


def _prepare_face(image, record, number, face, settings):
    record = record.replace(
        face=number,
        confidence=face.confidence,
        box=face.box,
        landmarks=face.landmarks,
    )
    side = min(face.box[2:])
    if side < settings.min_face:
        detail = f"{side:.1f} pixels, at least {settings.min_face} needed"
        return Prepared(record.dropped("face too small", detail))
    transform = alignment(face.landmarks, settings.size, settings.margin)
    picture = align_face(image, transform, settings.size, settings.fill)
    transform = tuple(map(tuple, transform.round(6).tolist()))
    record = measured(record, picture).replace(transform=transform)
    drop = _fault(record, settings)
    if drop:
        return Prepared(record.dropped(*drop))
    name = output_name(record, "" if number == 1 else f"-face{number}")
    if draw(record, settings.seed) < settings.val_share:
        record = record.replace(name=name, folder=VALIDATION)
        return Prepared(record, {VALIDATION: encode_image(picture)})
    regions = superpixels(picture, min_size=settings.superpixel_size)
    files = {
        PHOTOS: encode_image(picture),
        superpixel_folder(settings): encode_image(regions),
    }
    return Prepared(record.replace(name=name, folder=PHOTOS), files)


def _fault(record, settings):
    """Reason and detail of a drop, or None."""
    light, sharp = record.brightness, record.sharpness
    if light < settings.min_brightness:
        detail = f"brightness {light:.1f}, at least {settings.min_brightness:g} needed"
        return "too dark", detail
    if light > settings.max_brightness:
        detail = f"brightness {light:.1f}, at most {settings.max_brightness:g} allowed"
        return "too bright", detail
    if sharp < settings.min_sharpness:
        detail = f"sharpness {sharp:.1f}, at least {settings.min_sharpness:g} needed"
        return "too blurred", detail
    return None
