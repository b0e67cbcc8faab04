"""Tables, sheets of pictures and the look that all reports share."""

import base64
from io import BytesIO

from PIL import Image

from animegan_tf.page.text import shown_text


def table(name, heads, rows):
    """A table of HTML cells; the first of each row is its heading."""
    head = "".join(f'<th scope="col">{cell}</th>' for cell in heads)
    body = "".join(
        f'<tr><th scope="row">{first}</th>'
        + "".join(f"<td>{cell}</td>" for cell in rest)
        + "</tr>\n"
        for first, *rest in rows
    )
    return (
        f'<table class="{name}"><thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}</tbody></table>"
    )


def swatch(kind):
    """A little square in the colour of a class, for a legend."""
    return (
        '<svg class="swatch" viewBox="0 0 12 12" aria-hidden="true">'
        f'<rect class="{kind}" width="12" height="12"/></svg>'
    )


def cell(picture, description, caption):
    """A picture (a data URI, or None for one that cannot be read) of a sheet."""
    if picture:
        picture = f'<img src="{picture}" alt="{shown_text(description)}">'
    else:
        picture = '<span class="blank">cannot be read</span>'
    # File names have underscores where other text has spaces: lines may break there.
    return f"<li>{picture}<p>{caption.replace('_', '_<wbr>')}</p></li>\n"


def spaced(items, number):
    """At most `number` of the items, evenly spaced, the first among them."""
    number = min(number, len(items))
    return [items[i * len(items) // number] for i in range(number)]


def data_uri(image, quality=80, **options):
    """A picture (PIL or uint8 RGB) as a JPEG inside of the page.

    `options` are those of Pillow's JPEG encoder.
    """
    if not isinstance(image, Image.Image):
        image = Image.fromarray(image)
    content = BytesIO()
    image.save(content, "JPEG", quality=quality, **options)
    return "data:image/jpeg;base64," + base64.b64encode(content.getvalue()).decode()


def page(title, summary, sections, style=""):
    """A whole page without any other file.

    Args:
        title: str, as HTML.
        summary: str, as HTML.
        sections: pairs of a heading and a body, as HTML.
        style: str, rules of CSS that this page has besides those of all.
    """
    body = "\n".join(
        f"<section><h2>{heading}</h2>\n{content}\n</section>"
        for heading, content in sections
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{title}</title>\n<style>{_STYLE}{style}</style>\n</head>\n<body>\n"
        f'<header>\n<h1>{title}</h1>\n<p class="summary">{summary}</p>\n</header>\n'
        f"<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


_STYLE = """
:root {
  --ground: #fff; --text: #1b1e22; --muted: #565d66; --line: #d6dade;
  --blank: #e4e6e9; --kept: #00518a; --dropped: #e06a00;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --ground: #15181c; --text: #e8eaed; --muted: #a7aeb7; --line: #373d45;
    --blank: #2b3037; --kept: #8fd0ff; --dropped: #d06410;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 70rem;
  background: var(--ground); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: break-word;
}
h1 { margin: 0; font-size: 1.75rem; line-height: 1.2; }
h2, h3, section > p { break-after: avoid; }
h2 { margin: 2.5rem 0 0.75rem; font-size: 1.3rem; }
h3 { margin: 1.5rem 0 0.25rem; font-size: 1rem; }
p { margin: 0.25rem 0; }
section > p, small, figcaption { color: var(--muted); font-size: 0.875rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td {
  padding: 0.25rem 1.5rem 0.25rem 0; border-bottom: 1px solid var(--line);
  text-align: left; vertical-align: top; font-weight: normal;
}
thead th { color: var(--muted); font-size: 0.875rem; }
.summary { font-size: 1.15rem; }
.swatch { width: 0.75rem; height: 0.75rem; margin-right: 0.4rem; }
* + .swatch { margin-left: 1rem; }
b { font-weight: 600; }
code { font-size: 0.9em; white-space: nowrap; }
.kept { fill: var(--kept); }
.dropped { fill: var(--dropped); }
.charts { display: grid; gap: 1.5rem 2rem; }
.chart { margin: 0; break-inside: avoid; }
.chart h3 { margin-top: 0.5rem; }
.chart svg { display: block; width: 100%; }
.chart text { fill: var(--muted); font-size: 12px; }
.chart .name { fill: var(--text); }
.grid { stroke: var(--line); }
path.threshold { stroke: var(--text); stroke-width: 1.5; stroke-dasharray: 5 3; }
.sheet {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(8rem, 1fr));
  gap: 1rem; margin: 0.5rem 0 0; padding: 0; list-style: none;
}
.sheet li {
  break-inside: avoid; font-size: 0.8rem; line-height: 1.35; overflow-wrap: anywhere;
}
.sheet img, .blank { display: block; max-width: 100%; border-radius: 3px; }
.blank {
  width: 8rem; aspect-ratio: 1; padding: 3.2rem 0.5rem 0; text-align: center;
  background: var(--blank); color: var(--muted);
}
@media print { :root { font-size: 11px; } .charts { grid-template-columns: 1fr 1fr; } }
@media (min-width: 48rem) { .charts { grid-template-columns: 1fr 1fr; } }
@media (max-width: 30rem) {
  .chart text { font-size: 14px; }
  th, td { padding-right: 0.5rem; font-size: 0.8rem; }
  thead th { font-size: 0.8rem; }
}
"""
