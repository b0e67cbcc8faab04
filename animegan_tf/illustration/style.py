"""Styles: what tells one illustrator's hand from another's."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from animegan_tf.errors import InputError


def _setting(default, low, high, text):
    return dataclasses.field(
        default=default, metadata={"low": low, "high": high, "help": text}
    )


@dataclass(frozen=True)
class Style:
    """Numbers of a style; lengths are fractions of the face's height.

    Raises:
        InputError: a value lies outside of its range.
    """

    eye_width: float = _setting(1.40, 1, 2, "eyes, times as wide as in the photo")
    eye_height: float = _setting(2.2, 1, 3, "eyes, times as high")
    eye_apart: float = _setting(0.025, 0, 0.1, "eyes moved apart, in their distance")
    eye_down: float = _setting(0.03, -0.1, 0.1, "eyes moved down")
    brow_down: float = _setting(-0.015, -0.1, 0.1, "brows moved down")
    jaw: float = _setting(0.15, 0, 0.4, "how far the cheeks are drawn in")
    chin: float = _setting(0.075, 0, 0.2, "how far the jaw beside the chin rises")
    chin_up: float = _setting(0.035, 0, 0.2, "chin moved up")
    nose: float = _setting(0.78, 0.4, 1.2, "nose, times as large")
    mouth: float = _setting(0.82, 0.4, 1.2, "mouth, times as large")
    mouth_up: float = _setting(0.028, -0.1, 0.1, "mouth moved up")
    skin_light: float = _setting(14.0, 0, 30, "most L by which skin is drawn lighter")
    skin_chroma: float = _setting(0.84, 0.3, 2, "skin chroma, times the photo's")
    shade: float = _setting(0.55, 0, 1, "opacity of shade on skin")
    neck_shade: float = _setting(0.22, 0, 0.5, "how far the jaw's shadow falls")
    blush: float = _setting(6.5, 0, 30, "redness of the cheeks, in a of CIE Lab")
    folds: float = _setting(0.4, 0, 1, "opacity of folds and wrinkles")
    nose_shadow: float = _setting(0.0, 0, 1, "opacity of the shadow beside the nose")
    color: float = _setting(1.2, 0.5, 2, "chroma of clothes and background")
    light: float = _setting(0.82, 0.5, 1.5, "exponent of their lightness; 1 keeps it")
    flatness: float = _setting(0.006, 0.001, 0.05, "lambda of their L0 smoothing")
    line: float = _setting(0.008, 0.002, 0.03, "width of the contour")
    line_strength: float = _setting(0.85, 0, 1, "opacity of lines outside of the face")
    hair_tones: float = _setting(1.0, 0, 2, "contrast of the tones of hair")
    iris: float = _setting(0.355, 0.15, 0.5, "iris, half axis in widths of the eye")
    lash: float = _setting(0.19, 0.02, 0.4, "upper lash, in widths of the eye")

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value, bounds = getattr(self, field.name), field.metadata
            low, high = bounds["low"], bounds["high"]
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not number or not low <= value <= high:
                raise InputError(
                    f"style: {field.name} must be a number from {low:g} to {high:g}, "
                    f"received {value!r}."
                )

    def settings(self) -> dict:
        """Every setting by its name, as floats."""
        return {name: float(x) for name, x in dataclasses.asdict(self).items()}

    def to_json(self) -> str:
        """The settings as a JSON object, a line each."""
        return json.dumps(self.settings(), indent=2) + "\n"


ANIME = Style()
WEBTOON = Style(
    eye_width=1.2,
    eye_height=1.45,
    eye_apart=0.015,
    eye_down=0.015,
    jaw=0.08,
    chin=0.045,
    chin_up=0.015,
    nose=0.9,
    mouth=0.92,
    mouth_up=0.012,
    skin_light=11.0,
    blush=5.0,
    nose_shadow=0.6,
    iris=0.29,
    lash=0.13,
)
STYLES = {"anime": ANIME, "webtoon": WEBTOON}


def load_style(named: str) -> Style:
    """A style by its name, or out of a JSON file.

    Args:
        named: a name of `STYLES`, or the path of a file that ends in `.json` with an
            object of settings; those left out are `anime`'s.

    Raises:
        InputError: unknown names and settings, values out of range, no JSON.
    """
    if named in STYLES:
        return STYLES[named]
    path = Path(named)
    if path.suffix != ".json":
        raise InputError(
            f"style must be one of {', '.join(STYLES)} or a .json file, "
            f"received {named}."
        )
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: must be a JSON file, received: {error}.") from error
    known = {field.name for field in dataclasses.fields(Style)}
    if not isinstance(values, dict) or not values.keys() <= known:
        unknown = sorted(values.keys() - known) if isinstance(values, dict) else values
        raise InputError(
            f"{path}: must be an object of settings out of {', '.join(sorted(known))}, "
            f"received {unknown}."
        )
    try:
        return Style(**values)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
