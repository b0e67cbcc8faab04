"""Numbers and texts as reports show them."""

import html
import re


def shown_text(value):
    """Any text as HTML; control characters and lone surrogates become escapes."""
    shown = re.sub(
        "[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]",
        lambda match: ascii(match[0])[1:-1],
        str(value),
    )
    return html.escape(shown)


def shown_number(value):
    """At most three significant digits behind the point, thousands set apart."""
    if float(value).is_integer() or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def counted(number, noun):
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def rounded(value):
    return round(float(value), 4)
