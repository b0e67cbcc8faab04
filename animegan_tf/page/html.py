"""HTML pages out of `animegan_tf/templates`, and what is put into them."""

import base64
import functools
import re
from io import BytesIO

import jinja2
from markupsafe import Markup, escape
from PIL import Image

_UNPRINTABLE = "[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"


def render(template: str, **values) -> str:
    """A whole page, which needs no other file and no network.

    Every text that a template puts into the page is escaped, unless it is `Markup`.

    Args:
        template: name of a file in `animegan_tf/templates`.
        **values: what it asks for.
    """
    return _environment().get_template(template).render(values)


def source(template: str) -> Markup:
    """A template's own text, such as a script, as it stands in the page."""
    environment = _environment()
    return Markup(environment.loader.get_source(environment, template)[0])


def printable(value) -> str:
    """Any value as one line; control characters and lone surrogates become escapes."""
    return re.sub(_UNPRINTABLE, lambda match: ascii(match[0])[1:-1], str(value))


def shown_number(value) -> str:
    """At most three significant digits behind the point, thousands set apart."""
    if float(value).is_integer() or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def counted(number, noun) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def data_uri(image, quality=80, **options) -> str:
    """A picture (PIL or uint8 RGB) as a JPEG inside of the page.

    `options` are those of Pillow's JPEG encoder.
    """
    if not isinstance(image, Image.Image):
        image = Image.fromarray(image)
    content = BytesIO()
    image.save(content, "JPEG", quality=quality, **options)
    return "data:image/jpeg;base64," + base64.b64encode(content.getvalue()).decode()


def spaced(items, number):
    """At most `number` of the items, evenly spaced, the first among them."""
    number = min(number, len(items))
    return [items[i * len(items) // number] for i in range(number)]


def _breakable(name):
    """File names have underscores where other text has spaces: lines may break."""
    return Markup(str(escape(printable(name))).replace("_", "_<wbr>"))


def _with_flags(text):
    """A text whose flags are not broken over lines."""
    flag = r"--[a-z0-9.-]*[a-z0-9]"
    return Markup(re.sub(flag, r"<code>\g<0></code>", str(escape(printable(text)))))


def _finalize(value):
    plain = isinstance(value, str) and not isinstance(value, Markup)
    return printable(value) if plain else value


@functools.cache
def _environment():
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("animegan_tf"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "breakable": _breakable,
        "counted": counted,
        "number": shown_number,
        "with_flags": _with_flags,
    }
    return environment
