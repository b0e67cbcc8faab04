"""Random colour changes of anime pictures, by keras-cv or by Keras itself.

The four layers exist in both libraries and compute the same thing. They are told
what to do instead of drawing it themselves: their own draws depend on how often they
were called before, which would make a resumed run differ from an uninterrupted one.
"""

import tensorflow as tf

LIBRARIES = ("keras-cv", "keras")

# The widest change at strength 1. Hue is a share of the colour circle (0.05 is 18
# degrees), brightness a share of the range, the others factors around 1.
_HUE, _SATURATION, _BRIGHTNESS, _CONTRAST = 0.05, 0.3, 0.1, 0.2


def build_augmenter(strength: float, library: str | None = None):
    """A function that jitters the colours of anime pictures and partners alike.

    Args:
        strength: float in [0, 1]; 0 changes nothing and imports nothing.
        library: a member of `LIBRARIES`; None takes keras-cv where it is installed
            (extra `augment`) and Keras elsewhere.

    Returns:
        `augment(anime, smooth, seed, places=None, of=None)`: two `(batch, height,
        width, 3)` tensors, uint8 or float in [0, 255], to two of the same shape,
        float32 in [0, 255]. Every picture has a change of its own and shares it with
        its partner. A pure function of its arguments; `seed` is two integers. Pictures
        that are a part of a batch of `of` pictures change as they would in the whole,
        at their `places` there.
    """
    if strength == 0:
        return lambda anime, smooth, *_: (_as_float(anime), _as_float(smooth))
    steps = _load_steps(library)

    def augment(anime, smooth, seed, places=None, of=None):
        # Stacked into one high picture: contrast is measured on both together.
        count, height = anime.shape[:2]
        images = tf.concat([_as_float(anime), _as_float(smooth)], axis=1)
        draws = tf.random.stateless_uniform(
            (4, of or count), seed, -strength, strength, alg="philox"
        )
        if places is not None:
            draws = tf.gather(draws, places, axis=1)
        for step, draw in zip(steps, tf.unstack(draws)):
            images = step(images, draw)
        return images[:, :height], images[:, height:]

    return augment


def _as_float(images):
    return tf.cast(images, tf.float32)


def _load_steps(library):
    if library in (None, "keras-cv"):
        try:
            return _keras_cv_steps()
        except ImportError:
            if library:
                raise
    return _keras_steps()


def _keras_cv_steps():
    """Functions of images and draws `(batch,)` in [-1, 1], one per kind of change."""
    from keras_cv import layers

    hue = layers.RandomHue(_HUE, value_range=(0, 255))
    saturation = layers.RandomSaturation(0.5)
    brightness = layers.RandomBrightness(_BRIGHTNESS)
    contrast = layers.RandomContrast(value_range=(0, 255), factor=_CONTRAST)

    def saturate(images, draw):
        factor = 1 + draw * _SATURATION
        # The layer multiplies by x / (1 - x).
        return saturation.augment_images(images, factor / (1 + factor))

    return (
        lambda images, draw: hue.augment_images(images, draw * _HUE),
        saturate,
        lambda images, draw: brightness.augment_images(
            images, _per_picture(draw * _BRIGHTNESS * 255)
        ),
        lambda images, draw: contrast.augment_images(
            images, _per_picture(1 + draw * _CONTRAST)
        ),
    )


def _keras_steps():
    """The same functions as `_keras_cv_steps`, by the layers of Keras."""
    from keras import layers

    hue = layers.RandomHue(_HUE, value_range=(0, 255))
    # Its range is where it clips saturation, which never exceeds 1.
    saturation = layers.RandomSaturation(0.5, value_range=(0, 1))
    brightness = layers.RandomBrightness(_BRIGHTNESS)
    contrast = layers.RandomContrast(_CONTRAST)
    return (
        lambda images, draw: hue.transform_images(images, {"factor": draw * _HUE}),
        lambda images, draw: saturation.transform_images(
            images, {"factor": 1 + draw * _SATURATION}
        ),
        lambda images, draw: brightness.transform_images(
            images, {"rgb_delta": _per_picture(draw * _BRIGHTNESS * 255)}
        ),
        lambda images, draw: contrast.transform_images(
            images, {"contrast_factor": _per_picture(1 + draw * _CONTRAST)}
        ),
    )


def _per_picture(draw):
    return draw[:, None, None, None]
