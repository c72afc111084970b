"""HTML from a message as plain text: words and line breaks, nothing that runs or is fetched."""

import re
from html import unescape
from html.parser import HTMLParser

HTML_MAX = 300_000
SILENT = frozenset({"script", "style", "head", "title", "template", "noscript", "object", "svg"})
BREAKS = frozenset(
    "address article aside blockquote br div dl dt dd fieldset figure footer form h1 h2 h3 h4 h5 "
    "h6 header hr li main nav ol p pre section table tr ul".split()
)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in SILENT:
            self._silent.append(tag)
        elif tag in BREAKS:
            self.parts.append("\n• " if tag == "li" else "\n")
        elif tag in {"td", "th"}:
            self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._silent:
            while self._silent.pop() != tag:
                pass
        elif tag in BREAKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(re.sub(r"\s+", " ", data))


def text_of_html(markup: str) -> str:
    """Return the words of HTML, however broken it is."""
    reader = _Reader()
    try:
        reader.feed(markup[:HTML_MAX])
        reader.close()
        text = "".join(reader.parts)
    except (AssertionError, ValueError):
        text = unescape(re.sub(r"<[^<>]*>", " ", markup[:HTML_MAX]))
    lines = [line.strip() for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
