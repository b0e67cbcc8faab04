"""What tests read in the HTML reports."""

import re
from html.parser import HTMLParser

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
        assert all(source.startswith("data:image/jpeg;base64,") for source in sources)

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
