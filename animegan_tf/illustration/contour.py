"""The contour of a face, and where its skin ends."""

from animegan_tf.illustration import regions
from animegan_tf.illustration.drawing import step
from animegan_tf.illustration.painting import outline
from animegan_tf.illustration.skin import base_tone, skin_line


def draw_contour(canvas, head, style) -> None:
    """The jaw, and where ears and neck end."""
    width, line = style.line * head.unit, skin_line(base_tone(head.skin, style))
    no_hair = 1 - head.masks["hair"]
    oval = canvas.mask(head.drawn[regions.OVAL])
    edges = outline(head.masks["skin"], 0.5 * width) * no_hair * (1 - oval)
    canvas.wash(line, 0.8 * edges)
    jaw = head.drawn[regions.JAW_LINE]
    middle = head.drawn[regions.NOSE_TIP]
    right, down = head.grid(canvas, middle)
    # The far side of a turned face ends where its skin ends, not at the landmarks.
    left_side, right_side = (abs((p - middle) @ head.right) for p in (jaw[1], jaw[-2]))
    far = right if left_side > right_side else -right
    high = step(down, 0.5 * head.unit, 0.3 * head.unit) * (far > 0)
    visible = no_hair * (1 - step(head.frontal, 0.95, 0.5) * high)
    canvas.stroke(jaw, (0.33 * width, width, 0.33 * width), line, within=visible)
