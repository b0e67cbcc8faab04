"""Built-in sample data: portraits drawn by code, each as a photo and as anime.

One random person (`Portrait`) is described once, turned into curves and drawn by two
renderers: `draw_photo` shades softly, `draw_anime` fills flat tones and inks lines.
Both share pose, outlines and hair, so the anime picture is the aligned counterpart of
the photo.

`portrait` makes the people, `shapes` gives their outlines, bent from the lines of
`curves`; `photo` and `anime` paint these on a `canvas`, the photo with grain and
strands from `textures`. `files` writes the folders that training reads.
"""

from animegan_tf.samples.anime import draw_anime
from animegan_tf.samples.files import write_samples
from animegan_tf.samples.photo import draw_photo
from animegan_tf.samples.portrait import Portrait, random_portrait

__all__ = ["Portrait", "draw_anime", "draw_photo", "random_portrait", "write_samples"]
