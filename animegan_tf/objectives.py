"""What discriminators and generator play for: objectives and gradient penalties.

Every function here is pure: logits or gradients in, one float32 scalar out, no weights,
no network. A logit above `middle` says "real". The discriminators minimise `real` of
the logits of real pictures plus `fake` of those of fake ones; the generator minimises
`painted`. Logits of pictures have one number a patch, and every patch is judged.

The support discriminator has one kind of real picture, grey anime, and two kinds of
fake ones, grey painted and grey edge-smoothed anime; the main discriminator has the
revision as real and the main tail's picture as fake. Objectives come in two sorts:

- those that judge (least squares, minimax, non-saturating, hinge) have a term for each
  kind, times the kind's own weight;
- those that compare (Wasserstein, relativistic) only know differences of logits: a term
  for each kind of fake pictures against the real ones, times the fake kind's weight.
  A weight of the real kind has no meaning and is not used: were it not the sum of the
  fake kinds' weights, all logits could run off together. Picture by picture and patch
  by patch in the relativistic one: painted picture i stands against anime picture i of
  the batch, smoothed anime against the very picture that it was made from.

Penalties take the gradient of a picture's verdict, the mean of its logits, with respect
to the picture. That gradient is TensorFlow's to compute (`training.penalties`); what is
made of it is here.
"""

from keras import ops

from animegan_tf.losses import lsgan


def _float(logits):
    return ops.cast(logits, "float32")


class LeastSquares:
    """Mean squared distance of the logits to a target, 1 and 0 unless given.

    Args:
        real_target: of real pictures, and of fake ones for the generator.
        fake_target: of fake pictures for the discriminator.

    Reference:
        Mao et al., "Least Squares Generative Adversarial Networks", ICCV 2017,
        equation 2. DTGAN's support discriminator has the targets 0.9 and 0.1.
    """

    compares = False

    def __init__(self, real_target=1.0, fake_target=0.0):
        self.real_target, self.fake_target = real_target, fake_target
        self.middle = (real_target + fake_target) / 2

    def real(self, logits):
        return lsgan(logits, self.real_target)

    def fake(self, logits, real):
        return lsgan(logits, self.fake_target)

    def painted(self, logits, real):
        return lsgan(logits, self.real_target)


class Minimax:
    """Cross entropy, of which the generator maximises what the discriminator minimises.

    Its gradient for the generator vanishes where the discriminator is sure.

    Reference:
        Goodfellow et al., "Generative Adversarial Nets", NeurIPS 2014, equation 1, with
        log(1 - sigmoid(x)) = -softplus(x).
    """

    compares, middle = False, 0.0

    def real(self, logits):
        return ops.mean(ops.softplus(-_float(logits)))

    def fake(self, logits, real):
        return ops.mean(ops.softplus(_float(logits)))

    def painted(self, logits, real):
        return -ops.mean(ops.softplus(_float(logits)))


class NonSaturating(Minimax):
    """Cross entropy; the generator maximises the probability of being taken for real.

    Reference:
        Goodfellow et al. 2014, section 3: maximise log D(G(z)).
    """

    def painted(self, logits, real):
        return ops.mean(ops.softplus(-_float(logits)))


class Hinge:
    """The discriminator wants margins of 1, the generator higher logits.

    Reference:
        Lim, Ye, "Geometric GAN", arXiv:1705.02894, 2017; Miyato et al., "Spectral
        Normalization for Generative Adversarial Networks", ICLR 2018, equations 16, 17.
    """

    compares, middle = False, 0.0

    def real(self, logits):
        return ops.mean(ops.relu(1.0 - _float(logits)))

    def fake(self, logits, real):
        return ops.mean(ops.relu(1.0 + _float(logits)))

    def painted(self, logits, real):
        return -ops.mean(_float(logits))


class Wasserstein:
    """Difference of the mean logits; needs a critic whose slope is held.

    Reference:
        Arjovsky, Chintala, Bottou, "Wasserstein GAN", ICML 2017, equation 3; the slope
        by Gulrajani et al. 2017, see `gradient_penalty`.
    """

    compares, middle = True, None

    def fake(self, logits, real):
        return ops.mean(_float(logits)) - ops.mean(_float(real))

    def painted(self, logits, real):
        return -ops.mean(_float(logits))


class Relativistic:
    """Cross entropy of the difference between a real picture's logits and a fake's.

    The generator minimises the same of the difference turned round, so it sees the real
    pictures' logits too: a mode that it leaves out costs it something.

    Reference:
        Jolicoeur-Martineau, "The relativistic discriminator: a key element missing from
        standard GAN", ICLR 2019 (arXiv:1807.00734), section 4.1; with R1 and R2 of
        Mescheder et al. 2018 as in Huang et al., "The GAN is dead; long live the GAN! A
        Modern Baseline GAN" (R3GAN), NeurIPS 2024, section 2.
    """

    compares, middle = True, None

    def fake(self, logits, real):
        return ops.mean(ops.softplus(_float(logits) - _float(real)))

    def painted(self, logits, real):
        return ops.mean(ops.softplus(_float(real) - _float(logits)))


_OBJECTIVES = {
    "least_squares": LeastSquares,
    "minimax": Minimax,
    "non_saturating": NonSaturating,
    "hinge": Hinge,
    "wasserstein": Wasserstein,
    "relativistic": Relativistic,
}


def objective(name, real_target=1.0, fake_target=0.0):
    """An objective by its name.

    Args:
        name: one of `config.OBJECTIVES`.
        real_target, fake_target: of least squares; the others have none.

    Returns:
        An object with `real(logits)` (unless it `compares`), `fake(logits, real)` and
        `painted(logits, real)`, where `real` are the real pictures' logits, of the same
        shape, which only objectives that compare look at.
    """
    if name == "least_squares":
        return LeastSquares(real_target, fake_target)
    return _OBJECTIVES[name]()


def gradient_penalty(gradients):
    """Mean squared distance of the gradients' lengths to 1.

    Args:
        gradients: `(batch, ...)` of verdicts of points between real and fake pictures.

    Reference:
        Gulrajani et al., "Improved Training of Wasserstein GANs", NeurIPS 2017,
        equation 3, on both sides of 1.
    """
    # The root's slope at 0 is infinite, and times 0 it would be no number.
    length = ops.sqrt(_squared_length(gradients) + 1e-12)
    return ops.mean(ops.square(length - 1.0))


def zero_centred_penalty(gradients):
    """Half the mean squared length of the gradients.

    Args:
        gradients: `(batch, ...)` of verdicts of real pictures (R1) or fake ones (R2).

    Reference:
        Mescheder, Geiger, Nowozin, "Which Training Methods for GANs do actually
        Converge?", ICML 2018, equations 9 and 10, without their factor gamma.
    """
    return ops.mean(_squared_length(gradients)) / 2.0


def _squared_length(gradients):
    gradients = _float(gradients)
    axes = tuple(range(1, len(gradients.shape)))
    return ops.sum(ops.square(gradients), axis=axes)


def share_taken_for_real(real, middle, fake):
    """How far a discriminator separates the pictures it trains on: -1 to 1.

    Near 0 it cannot tell, near 1 it knows every real picture it has seen: it overfits.

    Args:
        real: logits of real training pictures.
        middle: the objective's logit between real and fake; None where only
            differences count, which are then taken to the fake logits.
        fake: logits of fake pictures, of the same shape.

    Reference:
        Karras et al., "Training Generative Adversarial Networks with Limited Data"
        (ADA), NeurIPS 2020, equation 1, r_t = E[sign(D_train)].
    """
    return ops.mean(
        ops.sign(_float(real) - (_float(fake) if middle is None else middle))
    )
