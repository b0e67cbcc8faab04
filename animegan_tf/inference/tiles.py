"""How a picture is divided into parts that are painted one by one."""

from animegan_tf.sizes import MULTIPLE, REACH


def tiles_of(sides, side):
    """Parts of a picture, each with as much around it as its painting depends on.

    With the statistics of the network held fixed, a part comes out as it would within
    the whole picture: there is nothing to blend.

    Args:
        sides: `(height, width)`, multiples of 8.
        side: longest side, in pixels, of what is painted at once; where it leaves no
            room for a part, parts are as large as their surroundings.

    Yields:
        Three pairs of slices, of rows and columns: what to paint, the part in it, and
        the part in the whole picture.
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
