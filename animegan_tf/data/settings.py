"""Every setting of the preparation of pictures, its default and its line of help."""

from dataclasses import dataclass
from pathlib import Path

from animegan_tf.settings import (
    amount,
    check_bounds,
    count,
    require,
    setting,
    share,
)


@dataclass(frozen=True)
class PhotoSettings:
    """How photos of people become training pictures (tools/prepare.py photos)."""

    size: int = setting(256, "side of the pictures, in pixels", low=32, high=4096)
    faces: str = setting("all", "which faces of a photo", choices=("all", "largest"))
    margin: float = setting(
        0.25,
        "space around the face on either side, in heights of the face",
        low=0,
        high=4,
    )
    fill: str = setting(
        "blur", "what is painted outside the photo", choices=("reflect", "blur")
    )
    turned: bool = setting(
        False, "look for faces in photos that lie on their side or upside down, too"
    )
    min_confidence: float = share(0.9, "least confidence of a face, 0 to 1")
    min_face: int = count(64, "least side of a face's box in the photo, in pixels")
    min_sharpness: float = amount(20.0, "least variance of the Laplacian")
    min_brightness: float = setting(25.0, "least mean luma, 0 to 255", low=0, high=255)
    max_brightness: float = setting(
        225.0, "largest mean luma, 0 to 255", low=0, high=255
    )
    duplicate_distance: int = setting(
        32,
        "bits of 256 up to which two hashes mean one picture; -1: keep all",
        low=-1,
        high=256,
    )
    superpixel_size: int = count(50, "smallest superpixel, in pixels")
    val_share: float = share(0.02, "share of the pictures that go to val, 0 to 1")
    seed: int = setting(0, "seed of the draw for val", low=0, high=2**32 - 1)


@dataclass(frozen=True)
class AnimeSettings:
    """How anime pictures become a style (tools/prepare.py anime)."""

    size: int = setting(256, "side of the pictures, in pixels", low=32, high=4096)
    square: str = setting(
        "top", "which square of a tall picture", choices=("top", "center")
    )
    ground: str = setting(
        "plain",
        "what lies under transparent parts: one colour, the blurred picture, or a "
        "picture of --backgrounds",
        choices=("plain", "blurred", "folder"),
    )
    color: tuple[float, float, float] = setting(
        (255, 255, 255),
        "red, green and blue of the plain ground, 0 to 255",
        low=0,
        high=255,
    )
    backgrounds: Path | None = setting(None, "folder for --ground folder")
    min_size: int = count(128, "least short side of a source, in pixels")
    min_colorfulness: float = amount(
        0.0, "least colourfulness; 5 leaves grey and sepia pictures out, 0: keep all"
    )
    max_text: float = share(
        1.0,
        "largest share of the picture that looks like lettering; 0.002 leaves "
        "subtitles and bubbles out, 1: keep all",
    )
    duplicate_distance: int = setting(
        32,
        "bits of 256 up to which two hashes mean one picture; -1: keep all",
        low=-1,
        high=256,
    )
    noise: float = share(0.1, "share of white pixels in smooth_noise, 0 to 1")
    seed: int = setting(
        0, "seed of the noise and of the choice of backgrounds", low=0, high=2**32 - 1
    )


def check_settings(settings):
    """Refuses values that no preparation can work with.

    Args:
        settings: `PhotoSettings` or `AnimeSettings`.

    Raises:
        InputError: the first value that breaks its rule, named as its flag.
    """
    check_bounds(settings)
    if isinstance(settings, AnimeSettings):
        given = settings.backgrounds is not None
        rule = "given with --ground folder, and only then"
        require(settings, "backgrounds", (settings.ground == "folder") == given, rule)
