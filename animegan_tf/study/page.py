"""The page of a study as one file, which needs no other and asks no network."""

import base64
import hashlib

from markupsafe import Markup

from animegan_tf.page.html import counted, render, source

_SECONDS_A_QUESTION = 6


def render_page(data: str, texts: dict[str, str], number: int, catch: int) -> str:
    """HTML of a study.

    Its Content-Security-Policy allows no picture but those inside it, no script and
    no style but its own, and no connection.

    Args:
        data: what `study.js` reads, of `make.script_json`: `id` of the study,
            `pictures` as data URIs, `questions` as [photo, first picture, second
            picture], all indices into `pictures`, `sheets` as [index into `questions`,
            option on the left] and `ratio`, width by height of the tallest picture.
        texts: plain text of `title`, `question`, `intro` and `send_to`.
        number: int, questions a visitor answers.
        catch: int, how many of them are catch trials.

    Returns:
        str.
    """
    style, script = source("study.css"), source("study.js")
    return render(
        "study.html",
        **texts,
        policy=Markup(
            f"default-src 'none'; img-src data:; script-src {_hash(script)}; "
            f"style-src {_hash(style)}; base-uri 'none'; form-action 'none'"
        ),
        style=style,
        script=script,
        data=Markup(data),
        number=number,
        time=counted(max(1, round(number * _SECONDS_A_QUESTION / 60)), "minute"),
        catch=catch,
    )


def _hash(text):
    """How a policy names the only script or style that it allows."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
