"""Folders of photos in any file system into folders of pictures, on many machines.

Needs apache-beam. The workers need this package with the extras `beam` and `litert`,
and no TensorFlow.
"""

import tempfile
import threading
import uuid
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import apache_beam as beam
import numpy as np
from apache_beam.io import fileio
from apache_beam.io.filesystems import FileSystems
from apache_beam.metrics import Metrics
from apache_beam.ml.inference.base import KeyedModelHandler, ModelHandler, RunInference

from animegan_tf.errors import InputError
from animegan_tf.files import is_hidden, is_picture_name
from animegan_tf.imaging.codec import encode_image, read_image_alpha
from animegan_tf.imaging.transform import shrink
from animegan_tf.inference import Stylizer, load_runtime

# Photos that wait for the network in one process, decoded.
_BATCH = 8
COUNTS = ("painted", "skipped", "left_out", "others")
LEFT_OUT = "left_out"
_METRICS = "animegan_tf"


@dataclass(frozen=True)
class Settings:
    """How photos are painted and written.

    Attributes:
        generator: file of `tools/export.py`, local on every worker or in any of Beam's
            file systems; a SavedModel's folder must be local.
        form: ending of the pictures, with its dot.
        max_side, strength, keep_color: as of `Stylizer`; larger photos are reduced.
        threads: of the network in each process; runners start a process a core.
    """

    generator: str
    form: str = ".png"
    max_side: int = 1280
    strength: float = 1.0
    keep_color: bool = False
    threads: int = 1


def folder_of(name: str) -> str:
    """A folder as the pipeline names it: absolute, or with its scheme, no slash last.

    Raises:
        InputError: it holds characters that Beam takes for a pattern, or its file
            system is not installed.
    """
    if any(character in name for character in "*?[]"):
        raise InputError(
            f"{name} must be a folder's name without *, ?, [ and ], which Beam takes "
            "for a pattern"
        )
    if "://" not in name:
        return str(Path(name).absolute())
    try:
        FileSystems.get_filesystem(name)
    except ValueError as error:
        raise InputError(
            f"{name} must be in a file system that Beam knows, such as gs:// with "
            f"apache-beam[gcp] or s3:// with apache-beam[aws]: {error}"
        ) from error
    return name.rstrip("/")


def stylize(pipeline, photos: str, output: str, settings: Settings):
    """Adds to a pipeline all that turns a folder's photos into pictures.

    A picture has its photo's path below the folder, with the ending of the pictures.
    Photos whose picture is there are skipped. A photo that cannot be painted, and
    photos that would get one name, become lines of `left_out.txt` in the output. A
    picture is written under another name and renamed, so that what is there is whole,
    also where a runner starts a piece of work twice.

    Args:
        pipeline: `beam.Pipeline`.
        photos, output: folders, as `folder_of` gives them.
        settings: `Settings`.
    """
    found = pipeline | "list photos" >> _listing(photos)
    there = pipeline | "list pictures" >> _listing(output)
    targets = found | "name pictures" >> beam.FlatMap(
        _target, photos, output, settings.form
    )
    there = there | "name what is there" >> beam.Map(lambda path: (path, None))
    # Grouping also spreads the photos over the workers.
    grouped = {"photos": targets, "there": there} | beam.CoGroupByKey()
    chosen = grouped | beam.ParDo(_Choose()).with_outputs(LEFT_OUT, main="new")
    read = chosen.new | beam.ParDo(_Read(settings.max_side)).with_outputs(
        LEFT_OUT, main="images"
    )
    handler = KeyedModelHandler(PainterHandler(settings))
    painted = read.images | "paint" >> RunInference(handler)
    written = painted | beam.ParDo(_Write()).with_outputs(LEFT_OUT, main="pictures")
    refused = (chosen[LEFT_OUT], read[LEFT_OUT], written[LEFT_OUT])
    _ = (
        refused
        | beam.Flatten()
        | beam.combiners.ToList()
        | beam.FlatMap(sorted)
        | beam.io.WriteToText(
            f"{output}/{LEFT_OUT}", ".txt", num_shards=1, shard_name_template=""
        )
    )


def counts(result) -> dict[str, int]:
    """Photos of a finished pipeline, by what became of them.

    Args:
        result: what `Pipeline.run` gave.

    Returns:
        dict of `COUNTS`: painted; skipped, as their pictures were there; left out; and
        other files among the photos.
    """
    found = dict.fromkeys(COUNTS, 0)
    query = result.metrics().query(
        beam.metrics.MetricsFilter().with_namespace(_METRICS)
    )
    for counter in query["counters"]:
        found[counter.key.metric.name] += counter.result
    return found


def _listing(folder):
    """Paths of all files below a folder, which need not exist."""
    allow = fileio.EmptyMatchTreatment.ALLOW
    return fileio.MatchFiles(f"{folder}/**", allow) | beam.Map(lambda file: file.path)


def _count(name, number=1):
    Metrics.counter(_METRICS, name).inc(number)


def _target(path, photos, output, form):
    """(path of the picture, path of the photo), unless the file is no photo."""
    name = PurePosixPath(path[len(photos) + 1 :].replace("\\", "/"))
    hidden = any(map(is_hidden, name.parts))
    if path.startswith(f"{output}/"):
        return
    if hidden or not is_picture_name(name):
        _count("others")
        return
    yield f"{output}/{name.with_suffix(form)}", path


class _Choose(beam.DoFn):
    """(picture, photo) of new pictures; a sentence for photos that share a name."""

    def process(self, element):
        target, found = element
        photos = sorted(found["photos"])
        if found["there"]:
            _count("skipped", len(photos))
        elif len(photos) == 1:
            yield target, photos[0]
        for photo in photos if len(photos) > 1 and not found["there"] else ():
            _count(LEFT_OUT)
            yield beam.pvalue.TaggedOutput(
                LEFT_OUT,
                f"{photo}: must become a picture of a name of its own; {target} is "
                f"that of {len(photos)} photos",
            )


class _Read(beam.DoFn):
    """((picture, photo), decoded photo), or a sentence."""

    def __init__(self, max_side):
        self.max_side = max_side

    def process(self, element):
        _, photo = element
        try:
            with FileSystems.open(photo) as file:
                image, alpha = read_image_alpha(photo, file.read())
        except (InputError, OSError) as error:
            yield _refused(photo, error)
            return
        image = image if alpha is None else np.dstack([image, alpha])
        yield element, shrink(image, self.max_side)


class PainterHandler(ModelHandler):
    """Runs a generator's file in `RunInference`; LiteRT and ONNX load no TensorFlow.

    Photos are uint8 RGB or RGBA of any size. Those of a batch are painted by size, as
    LiteRT makes room anew at each change of it; there is one picture a call.

    Args:
        settings: `Settings`.
    """

    def __init__(self, settings):
        super().__init__(max_batch_size=_BATCH)
        self.settings = settings

    def load_model(self):
        return _Painter(self.settings)

    def run_inference(self, batch, model, inference_args=None):
        order = sorted(range(len(batch)), key=lambda i: batch[i].shape)
        painted = {i: model(batch[i]) for i in order}
        return [painted[i] for i in range(len(batch))]

    def get_num_bytes(self, batch):
        return sum(image.nbytes for image in batch)


class _Painter:
    """A `Stylizer` for several threads; what it cannot paint becomes a sentence."""

    def __init__(self, settings):
        with tempfile.TemporaryDirectory() as folder:
            path = _local(settings.generator, Path(folder))
            runtime = load_runtime(path, threads=settings.threads)
        self._stylizer = Stylizer(
            runtime,
            settings.max_side,
            settings.strength,
            settings.keep_color,
            large="shrink",
        )
        # The threads of a process share one network, which has one set of tensors.
        self._lock = threading.Lock()

    def __call__(self, image):
        """uint8 like the photo, or the InputError because of which there is none."""
        try:
            with self._lock:
                return self._stylizer(image)
        except InputError as error:
            return error


def _local(generator, folder):
    """A file that runtimes can open; they know nothing of Beam's file systems."""
    if "://" not in generator:
        return generator
    path = folder / PurePosixPath(generator).name
    with FileSystems.open(generator) as file:
        path.write_bytes(file.read())
    return path


class _Write(beam.DoFn):
    """The path of a picture once it is there, or a sentence."""

    def process(self, element):
        (target, photo), picture = element
        if isinstance(picture, InputError):
            yield _refused(photo, picture)
            return
        alpha = picture[..., 3] if picture.shape[-1] == 4 else None
        suffix = PurePosixPath(target).suffix
        try:
            data = encode_image(picture[..., :3], suffix, alpha)
        except InputError as error:
            yield _refused(photo, error)
            return
        temporary = f"{target}.{uuid.uuid4().hex}.tmp"
        with FileSystems.create(temporary) as file:
            file.write(data)
        FileSystems.rename([temporary], [target])
        _count("painted")
        yield target


def _refused(photo, error):
    _count(LEFT_OUT)
    reason = " ".join(str(error).split())
    sentence = reason if reason.startswith(photo) else f"{photo}: {reason}"
    return beam.pvalue.TaggedOutput(LEFT_OUT, sentence)
