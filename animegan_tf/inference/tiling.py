"""How a picture is divided into parts that are stylized one by one."""

from animegan_tf.imaging.transform import resize
from animegan_tf.sizes import MIN_SIZE, MULTIPLE, REACH

# Longest side of a part. Larger ones are no faster; with these, 12 megapixels fit into
# 2 GiB.
PART = 1024


def reduced(photo, side):
    """A copy with no side over `side`, unless the other would become too short.

    Its sides are multiples of 8, which may stretch it by a few pixels: it is measured
    only, never seen.

    Args:
        photo: uint8 RGB `(any height, any width, 3)`.
        side: longest side, in pixels.

    Returns:
        uint8 RGB `(height, width, 3)`.
    """
    scale = max(side / max(photo.shape[:2]), MIN_SIZE / min(photo.shape[:2]))
    height, width = (
        max(MIN_SIZE, round(length * scale / MULTIPLE) * MULTIPLE)
        for length in photo.shape[:2]
    )
    return resize(photo, width, height)


def tiles_of(sides, side):
    """Parts of a picture, each with as much around it as it depends on.

    With the statistics of the network held fixed, a part comes out as it would within
    the whole picture: there is nothing to blend.

    Args:
        sides: `(height, width)`, multiples of 8.
        side: longest side, in pixels, of what is stylized at once; where it leaves no
            room for a part, parts are as large as their surroundings.

    Yields:
        Three pairs of slices, of rows and columns: what to stylize, the part in it,
        and the part in the whole picture.
    """
    for rows in _spans(sides[0], side):
        for columns in _spans(sides[1], side):
            yield tuple(zip(rows, columns))


def _spans(length, side):
    """`(outer, inner, place)` of each part along one side."""
    size = max(side - 2 * REACH, 2 * REACH) // MULTIPLE * MULTIPLE
    count = 1 if length <= side else -(-length // size)
    # Of equal length, give or take one step of the network.
    steps = length // MULTIPLE
    edges = [steps * i // count * MULTIPLE for i in range(count + 1)]
    for start, stop in zip(edges, edges[1:]):
        first, last = max(0, start - REACH), min(length, stop + REACH)
        inner = slice(start - first, stop - first)
        yield slice(first, last), inner, slice(start, stop)
