"""Random people: what both renderers need to know, and the tables they come from."""

from dataclasses import dataclass

import numpy as np


def _colours(text):
    """Tuple of RGB tuples from hexadecimal words."""
    return tuple(tuple(bytes.fromhex(word)) for word in text.split())


# Frequent entries of a table stand in it more than once.
SKINS = _colours("edc9b0 " * 3 + "e7c0a6 d8ab8c " * 3 + "be8d6c 98684b 704a36 " * 2)
SKINS += _colours("54382b")
HAIRS = _colours("1c1a20 3e2a20 " * 4 + "603e28 " * 3 + "8c5c36 c4985c 966022 " * 2)
HAIRS += _colours("debe88 a04a24 9e9a98")
EYES = _colours("543622 " * 5 + "78542e 58703e 4e749e " * 2 + "707c84")
CLOTHS = _colours(
    "ba3438 2c4a80 3e6c52 d09e3e 7e5c8c dedad4 383a42 7098b4 c4705c 56888a"
)
CLOTHES = ("tee", "vneck", "shirt", "hoodie", "suit", "turtleneck")
BACKGROUNDS = {
    "studio": _colours("b0b2b6 767a82"),
    "room": _colours("cebea6 967a60"),
    "park": _colours("9cbea8 547840"),
    "street": _colours("788aa4 5c545c"),
    "sky": _colours("70a0d0 c4d4dc"),
}


@dataclass(frozen=True)
class Style:
    """How long a hair style is at the sides and behind, and which fringes suit it."""

    side: float
    back: float
    volume: float
    fringes: tuple
    tails: str = ""
    bumps: float = 0.0


STYLES = {
    "crop": Style(0.02, 0.0, 0.012, ("back", "swept")),
    "short": Style(0.05, 0.0, 0.03, ("swept", "full", "parted")),
    "receding": Style(0.03, 0.0, 0.01, ("receding",)),
    "bald": Style(0.0, 0.0, 0.0, ("bald",)),
    "afro": Style(0.1, 0.12, 0.1, ("back",), bumps=0.012),
    "curly": Style(0.15, 0.24, 0.045, ("swept", "back", "full"), bumps=0.012),
    "bob": Style(0.2, 0.23, 0.035, ("full", "swept", "parted")),
    "long": Style(0.36, 0.5, 0.032, ("full", "swept", "parted")),
    "ponytail": Style(0.12, 0.0, 0.025, ("swept", "full", "parted"), "one"),
    "twin tails": Style(0.14, 0.0, 0.028, ("full", "parted"), "two"),
    "bun": Style(0.1, 0.0, 0.02, ("back", "parted", "full"), "bun"),
}
MALE_STYLES = ("crop", "short", "short", "short", "receding", "bald", "afro", "curly")
FEMALE_STYLES = ("bob", "bob", "long", "long", "long", "ponytail", "twin tails")
FEMALE_STYLES += ("bun", "curly", "afro", "short")


@dataclass(frozen=True)
class Portrait:
    """One person, as both renderers need them.
    Colours are RGB tuples in 0..255, lengths are fractions of the frame.
    """

    seed: int  # made the person; also seeds texture and noise
    masculine: bool
    skin: tuple
    hair: tuple  # natural colour
    eye: tuple
    style: str  # a key of STYLES
    fringe: str  # "full", "swept", "parted", "back", "receding" or "bald"
    part: float  # side and place of the parting, -1 to 1
    width: float  # half the width of the face
    jaw: float  # 0 pointed to 1 square
    chin: float  # height of the chin below the eyes
    eye_open: float  # height of the eyes relative to the average
    smile: float  # 0 to 1
    lips: tuple
    beard: str  # "", "stubble" or "full"
    glasses: bool
    freckles: bool
    clothes: str  # a member of CLOTHES
    cloth: tuple
    accent: tuple  # colour of the tie; tints the background
    background: str  # a key of BACKGROUNDS
    scale: float
    offset: tuple  # right and down
    tilt: float  # rotation of the head in radians
    yaw: float  # turn of the head, as the shift of the nose
    light: int  # side of the light, -1 left or 1 right
    exposure: float  # brightness of the photo relative to the average
    warmth: float  # white balance of the photo, -1 cold to 1 warm


def random_portrait(seed: int) -> Portrait:
    """A random person; the same seed always gives the same person.

    Args:
        seed: Non-negative int.

    Returns:
        `Portrait`.
    """
    rng = np.random.default_rng(seed)

    def pick(table):
        return table[int(rng.integers(len(table)))]

    def between(low, high):
        return float(rng.uniform(low, high))

    masculine = bool(rng.random() < 0.45)
    skin, hair = pick(SKINS), pick(HAIRS)
    if sum(skin) < 350 and rng.random() < 0.8:
        hair = pick(HAIRS[:2])
    style = pick(MALE_STYLES if masculine else FEMALE_STYLES)
    tall = style in ("bun", "afro")
    lips = np.array(skin) * (0.86, 0.6, 0.6)
    if not masculine and rng.random() < 0.5:
        lips = 0.5 * lips + 0.5 * np.array((178, 42, 62))
    return Portrait(
        seed=int(seed),
        masculine=masculine,
        skin=skin,
        hair=hair,
        eye=pick(EYES if sum(skin) > 400 else EYES[:6]),
        style=style,
        fringe=pick(STYLES[style].fringes),
        part=pick((-1, 1)) * between(0.25, 0.6),
        width=between(0.168, 0.19) + 0.004 * masculine,
        jaw=between(0.1, 0.5) + 0.45 * masculine,
        chin=between(0.232, 0.25) + 0.012 * masculine,
        eye_open=between(0.88, 1.15) - 0.08 * masculine,
        smile=between(0.1, 1.0),
        lips=tuple(int(value) for value in lips),
        beard=pick(("", "", "", "stubble", "full")) if masculine else "",
        glasses=bool(rng.random() < 0.2),
        freckles=bool(sum(skin) > 570 and rng.random() < 0.3),
        clothes=pick(CLOTHES),
        cloth=pick(CLOTHS),
        accent=pick(CLOTHS),
        background=pick(tuple(BACKGROUNDS)),
        # Tall hair must fit into the frame.
        scale=between(1.08, 1.32) - 0.12 * tall,
        offset=(between(-0.04, 0.04), between(-0.015, 0.03) + 0.03 * tall),
        tilt=between(-0.12, 0.12),
        yaw=between(-0.028, 0.028),
        light=pick((-1, 1)),
        exposure=between(0.92, 1.06),
        warmth=between(-1, 1),
    )
