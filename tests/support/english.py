"""Finding the English that is left on a page which should be in another language.

By the sentences themselves, wherever a page shows them or reads them out, and by the small words
that no English sentence does without: those find what was never wrapped for translation.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from xml.etree.ElementTree import Element

from tests.support.pages import XHTML, Page
from webapp.core.languages import catalogue, catalogue_path

SHOWN = ("aria-label", "placeholder", "title", "alt", "data-label", "label")
SILENT = ("script", "style", "textarea")
SMALL = re.compile(
    r"\b(the|and|of|is|are|was|you|your|this|that|with|from|by|to|for|not|it|at|on|or|has|"
    r"file|files|name|close|save|search|new|add|remove|edit|all|none|record|attach|size)\b",
    re.IGNORECASE,
)
_PLACE = re.compile(r"%\\\(\w+\\\)[a-z]|\\\{\w+\\\}")


def texts_of(page: Page) -> Iterator[str]:
    """Yield what a page shows or reads out, piece by piece."""
    yield from _texts(page.tree)


def _texts(element: Element) -> Iterator[str]:
    # A comment's tag is a function.
    tag = str(element.tag).removeprefix(XHTML)
    if tag in SILENT or "<" in tag or (element.get("lang") and tag != "html"):
        return
    for name in SHOWN:
        yield element.get(name) or ""
    if element.get("data-texts"):
        yield from json.loads(element.get("data-texts", "")).values()
    yield element.text or ""
    for child in element:
        yield from _texts(child)
        yield child.tail or ""


@cache
def _sentences() -> re.Pattern[str]:
    """Return a pattern for every sentence that reads otherwise in Spanish."""
    spanish, found = catalogue("es"), []
    text = catalogue_path("es").read_text(encoding="utf-8")
    for msgid in re.findall(r'^msgid(?:_plural)? ("(?:.*"\n")*.*")$', text, re.MULTILINE):
        source = "".join(json.loads(line) for line in msgid.split("\n"))
        if re.sub(r"%\(\w+\)s|\W", "", source) and spanish.ugettext(source) != source:
            found.append(_PLACE.sub(".+", re.escape(source)))
    return re.compile("|".join(sorted(found, key=len, reverse=True)))


def english_in(page: Page, *data: str) -> list[str]:
    """Return the pieces of a page that are English; `data` is what people wrote or are called."""
    known = sorted((text for text in data if text), key=len, reverse=True)
    found = []
    for text in texts_of(page):
        said = " ".join(text.split())
        for name in known:
            said = said.replace(name, "")
        is_sentence = said.strip() and _sentences().fullmatch(said.strip(" ,:/"))
        if is_sentence or SMALL.search(re.sub(r"\{\w+\}", "", said)):
            found.append(said)
    return found
