"""The illustrator: draws photos of people as anime pictures, by code alone."""

from animegan_tf.illustration.illustrator import Illustrator, illustrate
from animegan_tf.illustration.style import ANIME, STYLES, WEBTOON, Style, load_style

__all__ = [
    "ANIME",
    "Illustrator",
    "STYLES",
    "Style",
    "WEBTOON",
    "illustrate",
    "load_style",
]
