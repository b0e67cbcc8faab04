"""The page of a study as one file, which needs no other and asks no network."""

import base64
import hashlib
import html
import json
from importlib import resources
from string import Template

_SECONDS_A_QUESTION = 6
_ATTENTION = "<li>Some questions check that the pictures are looked at.</li>\n"


def as_json(data) -> str:
    """JSON that may stand inside an HTML script element."""
    text = json.dumps(data, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def render_page(data: dict, texts: dict[str, str], number: int, catch: int) -> str:
    """HTML of a study.

    Its Content-Security-Policy allows no picture but those inside it, no script and
    no style but its own, and no connection.

    Args:
        data: what `study_page.js` reads: `id` of the study, `pictures` as data URIs,
            `questions` as [photo, first picture, second picture], all indices into
            `pictures`, `sheets` as [index into `questions`, option on the left] and
            `ratio`, width by height of the tallest picture.
        texts: plain text of `title`, `question`, `intro` and `send_to`.
        number: int, questions a visitor answers.
        catch: int, how many of them are catch trials.

    Returns:
        str.
    """
    style, script = _part("study_page.css"), _part("study_page.js")
    minutes = max(1, round(number * _SECONDS_A_QUESTION / 60))
    policy = (
        f"default-src 'none'; img-src data:; script-src {_source(script)}; "
        f"style-src {_source(style)}; base-uri 'none'; form-action 'none'"
    )
    return Template(_part("study_page.html")).substitute(
        {name: html.escape(text) for name, text in texts.items()},
        policy=policy,
        style=style,
        script=script,
        data=as_json(data),
        number=number,
        minutes=f"{minutes} minute{'s' if minutes > 1 else ''}",
        attention=_ATTENTION if catch else "",
    )


def _part(name):
    return resources.files(__package__).joinpath(name).read_text("utf-8")


def _source(text):
    """How a policy names the only script or style that it allows."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
