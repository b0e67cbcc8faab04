"""A trained generator as a SavedModel for TensorFlow Serving."""

from pathlib import Path

import keras
import tensorflow as tf

from animegan_tf.errors import InputError
from animegan_tf.export.warmup import write_warmup
from animegan_tf.files import replacing_folder
from animegan_tf.models import as_float32, main_tail
from animegan_tf.ops import to_float, to_uint8
from animegan_tf.sizes import MIN_SIZE, MULTIPLE


def export_saved_model(generator, folder, version=1, overwrite=False, warmup=True):
    """Writes the main tail as a version that TensorFlow Serving finds and loads.

    Signatures:
        serving_default: `image_bytes`, a batch of JPEG, PNG, BMP or GIF files of any
            sizes, to `output_bytes`, a batch of PNG files of the same sizes. A GIF
            gives its first frame, transparency is dropped, and the EXIF orientation
            is not applied. A file that cannot be decoded fails the batch with an
            InvalidArgument error.
        uint8: `image` to `picture`, `(batch, height, width, 3)` uint8 RGB.
        float: the same, float32 in [-1, 1].

    Height and width are any from 16 pixels up, mirrored to a multiple of 8 inside;
    smaller pictures fail with an InvalidArgument error.

    Args:
        generator: model of `build_generator` or its main tail, in any precision; the
            model written computes in float32.
        folder: Path of the model's folder, made if it is missing.
        version: int, 1 or more, the name of the folder in it.
        overwrite: bool, whether a version that exists is replaced. A server that has
            loaded it goes on with what it has.
        warmup: bool, whether requests lie in it with which the server warms it up.

    Returns:
        Path of the version's folder, complete when it appears.

    Raises:
        InputError: the version exists, is below 1, or cannot be written.
    """
    if version < 1:
        raise InputError(f"a version must be 1 or more, received {version}.")
    target = Path(folder) / str(version)
    if target.exists() and not overwrite:
        raise InputError(
            f"{target}: the version must be a new one, received one that exists."
        )
    model = as_float32(main_tail(generator))
    # Every node of the graph repeats the name: a short one saves 50 KB.
    model = keras.Model(model.input, model.output, name="g")
    try:
        # Serving watches the folder for names that are numbers: this one gets its last.
        with replacing_folder(target) as temporary:
            save_functions(model, _signatures(model), temporary)
            if warmup:
                write_warmup(temporary)
    except tf.errors.OpError as error:
        raise InputError(
            f"{target}: the version must be writable there, received: {error.message}."
        ) from error
    return target


def _of_any_size(model):
    """A function of pictures in [-1, 1] whose sides need be no multiples of 8."""

    @tf.function(input_signature=[_pictures(tf.float32)])
    def stylize(image):
        height, width = tf.shape(image)[1], tf.shape(image)[2]
        large_enough = tf.debugging.assert_greater_equal(
            tf.minimum(height, width),
            MIN_SIZE,
            f"a picture's sides must be {MIN_SIZE} pixels or more",
        )
        down, across = [0, -height % MULTIPLE], [0, -width % MULTIPLE]
        # Else a server may pad first, which fails with words that say less.
        with tf.control_dependencies([large_enough]):
            padded = tf.pad(image, [[0, 0], down, across, [0, 0]], "REFLECT")
        return model(padded, training=False)[:, :height, :width]

    return stylize


def _signatures(model):
    """The SavedModel's functions, by signature; the network is in there once."""
    stylize = _of_any_size(model)

    def stylize_file(data):
        picture = to_uint8(stylize(to_float(_decoded(data)[None])))
        return tf.io.encode_png(picture[0])

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "image_bytes")])
    def serve(image_bytes):
        # One by one: each already takes all cores, and memory by its size.
        return {
            "output_bytes": tf.map_fn(
                stylize_file,
                image_bytes,
                parallel_iterations=1,
                fn_output_signature=tf.TensorSpec([], tf.string),
            )
        }

    return {
        "serving_default": serve,
        "uint8": tf.function(
            lambda image: {"picture": to_uint8(stylize(to_float(image)))},
            [_pictures(tf.uint8)],
        ),
        "float": tf.function(
            lambda image: {"picture": stylize(image)}, [_pictures(tf.float32)]
        ),
    }


def _pictures(dtype):
    return tf.TensorSpec([None, None, None, 3], dtype, name="image")


def _decoded(data):
    """The picture in a file's bytes, `(height, width, 3)` uint8 RGB."""
    image = tf.cond(
        tf.io.is_jpeg(data),
        # By default TensorFlow decodes JPEG fast, a few levels off other programs.
        lambda: tf.io.decode_jpeg(data, 3, dct_method="INTEGER_ACCURATE"),
        lambda: tf.io.decode_image(data, 3, expand_animations=False),
    )
    return tf.ensure_shape(image, [None, None, 3])


def save_functions(model, signatures, folder):
    """Writes a SavedModel that holds every weight once, unlike `model.export`."""
    module = tf.Module()
    module.variables_of_model = [weight.value for weight in model.weights]
    tf.saved_model.save(module, str(folder), signatures)
