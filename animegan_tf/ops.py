"""Tensor operations on pictures and features; the one home of range conversions."""

from keras import ops

# CIE standard illuminant D65, 2 degree observer; sRGB primaries (IEC 61966-2-1).
_D65 = (0.95047, 1.0, 1.08883)
_RGB_TO_XYZ = (
    (0.412453, 0.212671, 0.019334),
    (0.357580, 0.715160, 0.119193),
    (0.180423, 0.072169, 0.950227),
)
_LUMA = (0.2989, 0.5870, 0.1140)


def to_float(image):
    """Pictures in the range that every network here takes.

    Args:
        image: `(..., height, width, 3)` uint8, or a float tensor in [0, 255].

    Returns:
        The same shape, float32 in [-1, 1]: `x / 127.5 - 1`.
    """
    return ops.cast(image, "float32") / 127.5 - 1.0


def to_uint8(image):
    """Pictures as files hold them, the inverse of `to_float`.

    Args:
        image: `(..., height, width, 3)` float in [-1, 1]; values outside are clipped.

    Returns:
        The same shape, uint8, rounded to the nearest grey level.
    """
    levels = ops.round((ops.cast(image, "float32") + 1.0) * 127.5)
    return ops.cast(ops.clip(levels, 0.0, 255.0), "uint8")


def to_gray(image):
    """Luma of a picture, replicated to three channels.

    Args:
        image: `(batch, height, width, 3)` float RGB in any range.

    Returns:
        The same shape and range; weights 0.2989, 0.5870, 0.1140 (ITU-R BT.601).
    """
    luma = ops.sum(image * ops.convert_to_tensor(_LUMA, image.dtype), -1, keepdims=True)
    return ops.repeat(luma, 3, axis=-1)


def rgb_to_lab(image):
    """CIE L*a*b* of an sRGB picture under D65.

    Args:
        image: `(..., 3)` float32 RGB in [-1, 1].

    Returns:
        The same shape, float32: L in [0, 100], a and b about -128 to 127. Equal to
        `skimage.color.rgb2lab` of the picture in [0, 1].
    """
    rgb = ops.clip((ops.cast(image, "float32") + 1.0) / 2.0, 0.0, 1.0)
    # The unused branch of each `where` is clamped away from the point where its
    # slope is infinite: inf * 0 would make the gradient NaN.
    linear = ops.where(
        rgb > 0.04045,
        ops.power((ops.maximum(rgb, 0.04045) + 0.055) / 1.055, 2.4),
        rgb / 12.92,
    )
    xyz = ops.matmul(linear, ops.convert_to_tensor(_RGB_TO_XYZ, "float32"))
    xyz = xyz / ops.convert_to_tensor(_D65, "float32")
    f = ops.where(
        xyz > 0.008856,
        ops.power(ops.maximum(xyz, 0.008856), 1.0 / 3.0),
        7.787 * xyz + 16.0 / 116.0,
    )
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    return ops.stack([116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)], axis=-1)


def gram_matrix(features, center=True):
    """Channel correlations of a feature map.

    Args:
        features: `(batch, height, width, channels)` float.
        center: subtract each sample's mean over the pixels first, as DTGAN does.

    Returns:
        `(batch, channels, channels)` float32: F'F / (height * width * channels).
    """
    features = ops.cast(features, "float32")
    if center:
        features = features - ops.mean(features, axis=(1, 2), keepdims=True)
    height, width, channels = ops.shape(features)[1:]
    flat = ops.reshape(features, (-1, height * width, channels))  # (B, HW, C)
    size = ops.cast(height * width * channels, "float32")
    return ops.matmul(ops.transpose(flat, (0, 2, 1)), flat) / size


def _box_mean(image, radius):
    """Mean over the (2r+1)^2 window, counting only pixels inside the picture."""
    size = 2 * radius + 1
    # Down, then across: 2 (2r+1) additions a pixel instead of (2r+1)^2.
    image = ops.average_pool(image, (size, 1), strides=1, padding="same")
    return ops.average_pool(image, (1, size), strides=1, padding="same")


def guided_filter(image, radius=2, epsilon=0.01):
    """Edge-preserving smoothing of pictures, each guided by itself.

    Args:
        image: `(batch, height, width, 3)` float in [-1, 1].
        radius: half the window's side, in pixels.
        epsilon: squared contrast, in the [0, 1] range, under which an edge is
            smoothed away.

    Returns:
        The same shape, float32 in [-1, 1].

    Reference:
        He, Sun, Tang, "Guided Image Filtering", TPAMI 35(6), 2013, algorithm 1 with
        the channels filtered separately and guide equal to input.
    """
    guide = (ops.cast(image, "float32") + 1.0) / 2.0
    moments = ops.concatenate([guide, guide * guide], axis=-1)
    mean, square = ops.split(_box_mean(moments, radius), 2, axis=-1)
    variance = square - mean * mean
    slope = variance / (variance + epsilon)
    line = ops.concatenate([slope, mean * (1.0 - slope)], axis=-1)
    slope, offset = ops.split(_box_mean(line, radius), 2, axis=-1)
    return (slope * guide + offset) * 2.0 - 1.0
