"""The paper's formulas and the objectives as pure functions, without weights.

Pictures are `(batch, height, width, 3)` float32 in [-1, 1]; features are
`(batch, height, width, channels)` before their ReLU; logits are
`(batch, height/8, width/8, 1)` float32. Every result is a float32 scalar.

An objective is a pair of functions of the logits of real and of fake pictures, of the
same shape: what the discriminator minimises, as its part for real pictures and its part
for fake ones, and what the generator minimises. A logit above the middle says "real".
Some objectives judge each picture by itself. Those that compare (Wasserstein,
relativistic) know only differences of logits, so that their part for real pictures
alone is 0: were it not, all logits could run off together.

Reference:
    Liu, Chen, Gao, "A Novel Double-Tail Generative Adversarial Network for Fast
    Photo Animation", IEICE Trans. Inf. & Syst. E107-D(1), 2024.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from keras import ops

from animegan_tf.ops import rgb_to_lab


def lsgan(logits, target):
    """Least-squares adversarial loss: mean (logits - target)^2 (Mao et al. 2017)."""
    return ops.mean(ops.square(logits - target))


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


# Objectives.


def least_squares_discriminator(real, fake, real_target=1.0, fake_target=0.0):
    """Mao et al., "Least Squares Generative Adversarial Networks", ICCV 2017, eq. 2."""
    return lsgan(real, real_target), lsgan(fake, fake_target)


def least_squares_generator(real, fake, real_target=1.0):
    """The same, with the target of real pictures."""
    return lsgan(fake, real_target)


def cross_entropy_discriminator(real, fake):
    """Goodfellow et al., "Generative Adversarial Nets", NeurIPS 2014, equation 1."""
    return ops.mean(ops.softplus(-real)), ops.mean(ops.softplus(fake))


def minimax_generator(real, fake):
    """The opposite of it; its gradient vanishes where the discriminator is sure."""
    return -ops.mean(ops.softplus(fake))  # log(1 - sigmoid(x)) = -softplus(x)


def non_saturating_generator(real, fake):
    """-log D of fake pictures: Goodfellow et al. 2014, section 3."""
    return ops.mean(ops.softplus(-fake))


def hinge_discriminator(real, fake):
    """Margins of 1: Lim, Ye 2017; Miyato et al., ICLR 2018, equation 16."""
    return ops.mean(ops.relu(1.0 - real)), ops.mean(ops.relu(1.0 + fake))


def negative_logits(real, fake):
    """Higher logits of fake pictures, for the generator: Miyato et al., equation 17."""
    return -ops.mean(fake)


def wasserstein_discriminator(real, fake):
    """Arjovsky, Chintala, Bottou, "Wasserstein GAN", ICML 2017, equation 3."""
    return 0.0, ops.mean(fake) - ops.mean(real)


def relativistic_discriminator(real, fake):
    """Cross entropy of differences, patch by patch and picture i with picture i.

    Reference:
        Jolicoeur-Martineau, "The relativistic discriminator: a key element missing from
        standard GAN", ICLR 2019, section 4.1; with R1 and R2 as in Huang et al., "The
        GAN is dead; long live the GAN! A Modern Baseline GAN", NeurIPS 2024.
    """
    return 0.0, ops.mean(ops.softplus(fake - real))


def relativistic_generator(real, fake):
    """The same of the difference turned round: a mode left out costs something."""
    return ops.mean(ops.softplus(real - fake))


class Objective(NamedTuple):
    """`discriminator(real, fake)`, a pair of scalars, and `generator(real, fake)`."""

    discriminator: Callable
    generator: Callable


COMPARING = ("wasserstein", "relativistic")
_OBJECTIVES = {
    "minimax": Objective(cross_entropy_discriminator, minimax_generator),
    "non_saturating": Objective(cross_entropy_discriminator, non_saturating_generator),
    "hinge": Objective(hinge_discriminator, negative_logits),
    "wasserstein": Objective(wasserstein_discriminator, negative_logits),
    "relativistic": Objective(relativistic_discriminator, relativistic_generator),
}


def objective(name, real_target=1.0, fake_target=0.0):
    """The `Objective` of one of `config.OBJECTIVES`; targets are of least squares."""
    if name != "least_squares":
        return _OBJECTIVES[name]
    return Objective(
        partial(
            least_squares_discriminator,
            real_target=real_target,
            fake_target=fake_target,
        ),
        partial(least_squares_generator, real_target=real_target),
    )


# Penalties on the gradient of a picture's mean logit by the picture, `(batch, ...)`.


def gradient_penalty(gradients):
    """Mean squared distance of the gradients' norms to 1, on both sides of it.

    Reference:
        Gulrajani et al., "Improved Training of Wasserstein GANs", NeurIPS 2017,
        equation 3, for points between real and fake pictures.
    """
    # The root's slope at 0 is infinite, and times 0 it would be no number.
    norm = ops.sqrt(_squared_norm(gradients) + 1e-12)
    return ops.mean(ops.square(norm - 1.0))


def zero_centred_penalty(gradients):
    """Half the mean squared norm of the gradients.

    Reference:
        Mescheder, Geiger, Nowozin, "Which Training Methods for GANs do actually
        Converge?", ICML 2018, equations 9 and 10, without their factor gamma, for real
        pictures (R1) or fake ones (R2).
    """
    return ops.mean(_squared_norm(gradients)) / 2.0


def _squared_norm(gradients):
    axes = tuple(range(1, len(gradients.shape)))
    return ops.sum(ops.square(gradients), axis=axes)
