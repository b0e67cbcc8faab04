"""Full-integer int8, which the product leaves out: slower and worse than dynamic range.

Weights and activations have 8 bits, calibrated on photos. What the converter cannot put
into integers, the attention's division among it, stays float32.
"""

import tempfile

import numpy as np


def export_int8(generator, path, photos):
    """Writes a LiteRT file for pictures of the photos' size, float32 in and out.

    Args:
        generator: model of `build_generator` or its main tail.
        path: Path of the file.
        photos: list of uint8 RGB (height, width, 3) of one size to calibrate on.
    """
    import tensorflow as tf

    from animegan_tf.export.litert import litert_tail
    from animegan_tf.export.saved_model import save_functions
    from animegan_tf.ops import to_float

    model = litert_tail(generator)
    spec = tf.TensorSpec([1, *photos[0].shape], tf.float32, name="image")
    paint = tf.function(lambda image: {"picture": model(image, training=False)}, [spec])
    with tempfile.TemporaryDirectory() as folder:
        save_functions(model, {"serving_default": paint}, folder)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: (
            [np.asarray(to_float(photo[None]))] for photo in photos
        )
        converter.target_spec.supported_ops = [
            tf.lite.OpsSet.TFLITE_BUILTINS_INT8,
            tf.lite.OpsSet.TFLITE_BUILTINS,
        ]
        path.write_bytes(converter.convert())
