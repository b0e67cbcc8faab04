"""Bars of a benchmark as a picture."""

from animegan_tf.imaging.codec import write_image

_ROW, _BAR, _NAME, _WIDTH, _GAP = 24, 16, 200, 860, 34
_COLOUR, _FASTEST = "#3b6ea8", "#c8553d"


def bar_chart(rows, path):
    """Writes a PNG: a block of bars for each size, the fastest in another colour.

    Args:
        rows: dicts with `size` in pixels, `way`, and `ms`.
        path: Path of the picture.
    """
    import numpy as np
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(14)
    sizes = sorted({row["size"] for row in rows})
    height = sum(_GAP + _ROW * len(_of(rows, size)) for size in sizes) + _GAP // 2
    picture = Image.new("RGB", (_WIDTH, height), "white")
    draw, y = ImageDraw.Draw(picture), 0
    for size in sizes:
        group = _of(rows, size)
        longest, best = max(r["ms"] for r in group), min(r["ms"] for r in group)
        y += _GAP
        draw.text((8, y - 24), f"{size} x {size} pixels", fill="black", font=font)
        for row in group:
            right = _NAME + (_WIDTH - _NAME - 90) * row["ms"] / longest
            colour = _FASTEST if row["ms"] == best else _COLOUR
            draw.text((20, y), row["way"], fill="black", font=font)
            draw.rectangle([_NAME, y + 2, max(right, _NAME + 1), y + _BAR], fill=colour)
            draw.text((right + 6, y), f"{row['ms']:.0f} ms", fill="black", font=font)
            y += _ROW
    write_image(path, np.asarray(picture))


def _of(rows, size):
    return [row for row in rows if row["size"] == size]
