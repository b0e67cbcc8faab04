"""Built-in sample data: portraits drawn by code, each as a photo and as anime.

One random person (`Portrait`) is described once, turned into curves and drawn by two
renderers: `draw_photo` shades softly, `draw_anime` fills flat tones and inks lines.
Both share pose, outlines and hair, so the anime picture is the aligned counterpart of
the photo.

`portrait` makes the people, `shapes` gives their outlines, bent from the lines of
`curves`; `photo` and `anime` paint these on a `canvas`, the photo with grain and
strands from `textures`. `files` writes the folders that training reads. `regions` tells
where a portrait shows which colour, for those who measure what became of it.
"""

from animegan_tf.samples.anime import draw_anime
from animegan_tf.samples.files import held_out_people, write_samples
from animegan_tf.samples.photo import draw_photo
from animegan_tf.samples.portrait import Portrait, random_portrait
from animegan_tf.samples.regions import ATTRIBUTES, attribute_regions

__all__ = [
    "ATTRIBUTES",
    "Portrait",
    "attribute_regions",
    "draw_anime",
    "draw_photo",
    "held_out_people",
    "random_portrait",
    "write_samples",
]
