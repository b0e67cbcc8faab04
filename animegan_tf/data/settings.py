"""Every setting of the preparation of pictures, its default and its line of help."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from animegan_tf.config import setting
from animegan_tf.errors import InputError


@dataclass(frozen=True)
class PhotoSettings:
    """How photos of people become training pictures (tools/prepare.py photos)."""

    size: int = setting(256, "side of the pictures, in pixels")
    faces: str = setting("all", "which faces of a photo", choices=("all", "largest"))
    margin: float = setting(
        0.25, "space around the face on either side, in heights of the face"
    )
    fill: str = setting(
        "blur", "what is painted outside the photo", choices=("reflect", "blur")
    )
    turned: bool = setting(
        False, "look for faces in photos that lie on their side or upside down, too"
    )
    min_confidence: float = setting(0.9, "least confidence of a face, 0 to 1")
    min_face: int = setting(64, "least side of a face's box in the photo, in pixels")
    min_sharpness: float = setting(20.0, "least variance of the Laplacian")
    min_brightness: float = setting(25.0, "least mean luma, 0 to 255")
    max_brightness: float = setting(225.0, "largest mean luma, 0 to 255")
    duplicate_distance: int = setting(
        32, "bits of 256 up to which two hashes mean one picture; -1: keep all"
    )
    superpixel_size: int = setting(50, "smallest superpixel, in pixels")
    val_share: float = setting(0.02, "share of the pictures that go to val, 0 to 1")
    seed: int = setting(0, "seed of the draw for val")


@dataclass(frozen=True)
class AnimeSettings:
    """How anime pictures become a style (tools/prepare.py anime)."""

    size: int = setting(256, "side of the pictures, in pixels")
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
        (255, 255, 255), "red, green and blue of the plain ground, 0 to 255"
    )
    backgrounds: Path | None = setting(None, "folder for --ground folder")
    min_size: int = setting(128, "least short side of a source, in pixels")
    min_colorfulness: float = setting(
        0.0, "least colourfulness; 5 leaves grey and sepia pictures out, 0: keep all"
    )
    max_text: float = setting(
        1.0,
        "largest share of the picture that looks like lettering; 0.002 leaves "
        "subtitles and bubbles out, 1: keep all",
    )
    duplicate_distance: int = setting(
        32, "bits of 256 up to which two hashes mean one picture; -1: keep all"
    )
    noise: float = setting(0.1, "share of white pixels in smooth_noise, 0 to 1")
    seed: int = setting(0, "seed of the noise and of the choice of backgrounds")


# Least and largest value of each number; None: no bound.
_BOUNDS = {
    "size": (32, 4096),
    "margin": (0, 4),
    "min_confidence": (0, 1),
    "min_face": (1, None),
    "min_sharpness": (0, None),
    "min_brightness": (0, 255),
    "max_brightness": (0, 255),
    "duplicate_distance": (-1, 256),
    "superpixel_size": (1, None),
    "val_share": (0, 1),
    "seed": (0, 2**32 - 1),
    "min_size": (1, None),
    "min_colorfulness": (0, None),
    "max_text": (0, 1),
    "noise": (0, 1),
}


def check_settings(settings):
    """Refuses values that no preparation can work with.

    Args:
        settings: `PhotoSettings` or `AnimeSettings`.

    Raises:
        InputError: the first value that breaks its rule, named as its flag.
    """
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        least, largest = _BOUNDS.get(field.name, (None, None))
        # Written so that a value that is no number (nan) fails, too.
        low = least is None or value >= least
        if not (low and (largest is None or value <= largest)):
            bounds = f"{least} or more" if largest is None else f"{least} to {largest}"
            flag = field.name.replace("_", "-")
            raise InputError(f"--{flag} must be {bounds}, received {value}.")
    if isinstance(settings, AnimeSettings):
        if any(not 0 <= value <= 255 for value in settings.color):
            raise InputError(
                f"--color must be three numbers from 0 to 255, "
                f"received {settings.color}."
            )
        if (settings.ground == "folder") != (settings.backgrounds is not None):
            raise InputError(
                "--ground folder and --backgrounds must be given together, "
                f"received --ground {settings.ground} and --backgrounds "
                f"{settings.backgrounds or 'nothing'}."
            )
