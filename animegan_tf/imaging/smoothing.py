"""Filters that make training targets: smoothed edges, noise, flat painted areas."""

from functools import lru_cache

import cv2
import numpy as np
from scipy import fft

from animegan_tf.errors import InputError

_CANNY_LOW, _CANNY_HIGH = 100, 200
_KERNEL = (5, 5)
# Where the continuation of L0 smoothing ends (Xu et al. 2011, algorithm 1).
_BETA_MAX = 1e5


def edge_smooth(image):
    """A picture whose contours, and only they, are blurred.

    The support discriminator learns from it that soft outlines are not anime.

    Args:
        image: uint8 RGB (height, width, 3).

    Returns:
        uint8 RGB (height, width, 3).

    Reference:
        CartoonGAN (Chen et al. 2018), section 3.2.1. The authors' `edge_smooth.py`
        visits the pixels one by one and drops the fraction of the blurred value;
        this rounds it, so the two are up to one level apart.
    """
    edges = cv2.Canny(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), _CANNY_LOW, _CANNY_HIGH)
    contours = cv2.dilate(edges, np.ones(_KERNEL, np.uint8))
    # Sigma 0 lets OpenCV choose: for size 5 it is the binomial 1, 4, 6, 4, 1.
    blurred = cv2.GaussianBlur(image, _KERNEL, 0, borderType=cv2.BORDER_REFLECT_101)
    return np.where(contours[..., None] > 0, blurred, image)


def impulse_noise(image, rng: np.random.Generator, amount: float = 0.1):
    """A picture with a share of its pixels, drawn at random, turned white.

    Args:
        image: uint8 RGB (height, width, 3).
        rng: numpy.random.Generator.
        amount: float in [0, 1], share of the pixels, met to the nearest pixel.

    Returns:
        uint8 RGB (height, width, 3), a copy.

    Raises:
        InputError: `amount` is outside [0, 1].

    Reference:
        The authors' `get_saltNoise.py` draws with repetition and so whitens
        slightly fewer pixels than `amount`, and none on the border.
    """
    if not 0 <= amount <= 1:
        raise InputError(f"amount must lie in [0, 1], received {amount}.")
    noisy = image.copy()
    pixels = noisy.reshape(-1, noisy.shape[-1])
    count = round(amount * len(pixels))
    pixels[rng.choice(len(pixels), count, replace=False, shuffle=False)] = 255
    return noisy


def l0_smooth(image, lam: float = 0.005, kappa: float = 2.0):
    """Flatten small gradients and keep the large ones sharp.

    Minimises |S - image|^2 + lam * (number of pixels with a gradient) by
    alternating between thresholding gradients and a Poisson solve in the Fourier
    domain, with periodic borders.

    Args:
        image: float32 or float64 (height, width, channels) in [0, 1]. It is
            computed in its own precision: float32 is the faster one, and differs
            from float64 by a few thousandths where a gradient sits on the threshold.
        lam: float, above 0; larger is flatter.
        kappa: float, above 1; growth of the coupling per iteration.

    Returns:
        array of the shape and dtype of `image`, not clipped: it overshoots [0, 1]
        slightly.

    Raises:
        InputError: `lam` or `kappa` is out of range.
        ValueError: `image` is not a floating (height, width, channels) array.

    Reference:
        Xu, Lu, Xu, Jia, *Image Smoothing via L0 Gradient Minimization*, SIGGRAPH
        Asia 2011, algorithm 1. Real transforms and reused buffers in place of the
        authors' complex ones; equal to them up to rounding.
    """
    if not lam > 0:
        raise InputError(f"lam must be above 0, received {lam}.")
    if not kappa > 1:
        raise InputError(f"kappa must be above 1, received {kappa}.")
    if image.ndim != 3 or image.dtype not in (np.float32, np.float64):
        raise ValueError(
            "image must be float32 or float64 (height, width, channels), "
            f"received {image.dtype} {image.shape}."
        )
    # Channels first: every transform then runs over contiguous planes.
    smooth = np.ascontiguousarray(np.moveaxis(image, -1, 0))
    size = smooth.shape[1:]
    laplacian = _laplacian_spectrum(*size, smooth.dtype.str)
    source = fft.rfft2(smooth, axes=(1, 2))  # (C, H, W/2 + 1)
    buffers = np.empty((3, *smooth.shape), smooth.dtype)
    beta = 2.0 * lam
    while beta < _BETA_MAX:
        divergence = _kept_divergence(smooth, lam / beta, beta, buffers)
        if divergence is None:  # at first the threshold is above every gradient
            spectrum = source.copy()
        else:
            spectrum = fft.rfft2(divergence, axes=(1, 2))
            spectrum += source
        # numpy multiplies complex arrays much faster than it divides them.
        spectrum *= 1 / (1 + smooth.dtype.type(beta) * laplacian)
        smooth = fft.irfft2(spectrum, s=size, axes=(1, 2), overwrite_x=True)
        beta *= kappa
    return np.ascontiguousarray(np.moveaxis(smooth, 0, -1))


def revise(
    image,
    strength: float = 5,
    color_strength: float = 6,
    template: int = 5,
    search: int = 7,
    lam: float = 0.005,
    kappa: float = 2.0,
):
    """The revision target: a picture without texture, its outlines kept.

    Non-local means removes grain, then L0 smoothing flattens what is left. The
    defaults are the Hayao settings; Shinkai's are strength 7 and template 6, which
    OpenCV treats as 7.

    Args:
        image: uint8 RGB (height, width, 3).
        strength: float, filter strength for luminance.
        color_strength: float, filter strength for colour.
        template: int, side of the compared patches.
        search: int, side of the window in which patches are looked for.
        lam, kappa: as in `l0_smooth`.

    Returns:
        float32 (height, width, 3) in [0, 1]: not rounded to levels, because a
        gradient flattened below one level would band.

    Raises:
        InputError: a value is out of range.

    Reference:
        `get_NLMean_l0` of the authors' code, which hands RGB to a function that
        takes BGR; so does this, since weights and released models were tuned on it.
    """
    if min(template, search) < 1:
        raise InputError(
            f"template and search must be at least 1, received {template}, {search}."
        )
    if not min(strength, color_strength) > 0:
        raise InputError(
            "strength and color_strength must be above 0, received "
            f"{strength}, {color_strength}."
        )
    denoised = cv2.fastNlMeansDenoisingColored(
        image, None, strength, color_strength, template, search
    )
    smooth = l0_smooth(denoised.astype(np.float32) / 255, lam, kappa)
    return np.clip(smooth, 0, 1, out=smooth)


@lru_cache(maxsize=8)
def _laplacian_spectrum(height, width, dtype):
    """Minus the eigenvalues of the periodic Laplacian, (H, W/2 + 1).

    |F(dx)|^2 + |F(dy)|^2 of the forward differences, in closed form.
    """
    rows = 2 - 2 * np.cos(2 * np.pi * np.arange(height) / height)
    columns = 2 - 2 * np.cos(2 * np.pi * np.arange(width // 2 + 1) / width)
    spectrum = (rows[:, None] + columns).astype(dtype)
    spectrum.setflags(write=False)  # shared by all callers of this shape
    return spectrum


def _kept_divergence(planes, threshold, weight, buffers):
    """Minus the weighted divergence of the gradients that reach a threshold.

    Args:
        planes: floating (channels, height, width).
        threshold: float, on the squared gradient summed over the channels.
        weight: float, factor of the result.
        buffers: floating (3, channels, height, width), overwritten.

    Returns:
        a view of `buffers`, or None when every gradient is dropped.
    """
    across, down, divergence = buffers
    # One pass over the flat memory is faster than a pass row by row. It is wrong
    # where a row ends, and that column, the periodic border, is set after it.
    flat, flat_across = planes.reshape(-1), across.reshape(-1)
    np.subtract(flat[1:], flat[:-1], out=flat_across[:-1])
    np.subtract(planes[:, :, 0], planes[:, :, -1], out=across[:, :, -1])
    np.subtract(planes[:, 1:], planes[:, :-1], out=down[:, :-1])
    np.subtract(planes[:, 0], planes[:, -1], out=down[:, -1])
    energy = np.einsum("chw,chw->hw", across, across)
    energy += np.einsum("chw,chw->hw", down, down)
    kept = energy >= planes.dtype.type(threshold)
    if not kept.any():
        return None
    factor = kept * planes.dtype.type(weight)
    across *= factor
    down *= factor
    np.subtract(flat_across[:-1], flat_across[1:], out=divergence.reshape(-1)[1:])
    np.subtract(across[:, :, -1], across[:, :, 0], out=divergence[:, :, 0])
    divergence -= down
    divergence[:, 1:] += down[:, :-1]
    divergence[:, 0] += down[:, -1]
    return divergence
