"""What tests read in the HTML reports."""

import base64
import re
from html.parser import HTMLParser

from markupsafe import Markup

# In place of a chart where none need be drawn.
CHART = Markup('<img src="data:image/svg+xml;base64," alt="A chart">')
VOID = {"meta", "br", "img", "wbr"}


class Page(HTMLParser):
    """The elements and texts of a page; tags must balance, and nothing lie outside."""

    def __init__(self, html):
        super().__init__()
        self.open, self.elements, self.texts = [], [], []
        self.feed(html)
        self.close()
        assert self.open == []
        # Nothing is fetched: neither files beside the page nor the network.
        assert not re.search(r"https?:|url\(|@import", html)
        assert not {"script", "link", "iframe"} & {tag for tag, _ in self.elements}
        names = {name for _, attributes in self.elements for name in attributes}
        assert not names & {"href", "srcset", "action", "data", "poster", "style"}
        sources = [a["src"] for _, a in self.elements if "src" in a]
        kinds = tuple(f"data:image/{kind};base64," for kind in ("jpeg", "svg+xml"))
        assert all(source.startswith(kinds) for source in sources)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())

    def all(self, wanted):
        return [attributes for tag, attributes in self.elements if tag == wanted]

    @property
    def photos(self):
        """Attributes of the pictures that are no charts."""
        return [x for x in self.all("img") if x["src"].startswith("data:image/jpeg")]

    @property
    def charts(self):
        """SVG of each chart, by its description."""
        return {
            x["alt"]: base64.b64decode(x["src"].split(",")[1]).decode()
            for x in self.all("img")
            if x not in self.photos
        }
