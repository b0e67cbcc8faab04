"""The paper's formulas as pure functions: tensors in, one scalar out, no weights.

Pictures are `(batch, height, width, 3)` float32 in [-1, 1]; features are
`(batch, height, width, channels)` before their ReLU; logits are
`(batch, height/8, width/8, 1)`. Every result is a float32 scalar.

Reference:
    Liu, Chen, Gao, "A Novel Double-Tail Generative Adversarial Network for Fast
    Photo Animation", IEICE Trans. Inf. & Syst. E107-D(1), 2024.
"""

from keras import ops

from animegan_tf.ops import rgb_to_lab


def lsgan(logits, target):
    """Least-squares adversarial loss: mean (logits - target)^2 (Mao et al. 2017)."""
    return ops.mean(ops.square(ops.cast(logits, "float32") - target))


def pixel_distance(a, b):
    """Mean absolute difference of two pictures."""
    return ops.mean(ops.abs(ops.cast(a, "float32") - ops.cast(b, "float32")))


def feature_distance(a, b):
    """Mean absolute difference of two feature maps, divided by their channels."""
    return pixel_distance(a, b) / a.shape[-1]


def style_distance(gram_a, gram_b):
    """Mean absolute difference of two `gram_matrix` results, divided by channels."""
    return pixel_distance(gram_a, gram_b) / gram_a.shape[-1]


def lab_distance(photo, image, lightness=2.0):
    """Colour difference in Lab: `lightness` mean|dL/100| + mean|da/255| + mean|db/255|.

    Args:
        photo, image: pictures to compare.
        lightness: weight of L against a and b; 2 in the paper.
    """
    difference = ops.abs(rgb_to_lab(photo) - rgb_to_lab(image))
    difference = ops.mean(difference, axis=(0, 1, 2))  # (3,)
    return lightness * difference[0] / 100.0 + (difference[1] + difference[2]) / 255.0


def total_variation(image):
    """Half the mean squared difference of neighbours, down plus across."""
    image = ops.cast(image, "float32")
    down = ops.mean(ops.square(image[:, 1:] - image[:, :-1]))
    across = ops.mean(ops.square(image[:, :, 1:] - image[:, :, :-1]))
    return (down + across) / 2.0
