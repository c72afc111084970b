"""The sentences of Plumbline, and the catalogues in which they are translated.

    make texts       take new sentences into the catalogues and drop those that are gone

`make check` runs the same with `check`: every sentence can be translated, and is; every place in it
stands in the translation too; and the catalogues are what extraction gives.
"""

import re
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from webapp.core.languages import FOLDER, NAMES, SOURCE, catalogue_path

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = FOLDER / "messages.pot"
METHODS = [("webapp/**.py", "python"), ("templates/**.html", "jinja2")]
OPTIONS = {"templates/**.html": {"encoding": "utf-8"}}
CONTEXT = ((1, "c"), 2)
KEYWORDS = {
    **dict.fromkeys(("_", "N_", "gettext", "later")),
    **dict.fromkeys(("NC_", "pgettext"), CONTEXT),
    "ngettext": (1, 2),
}
FEWEST = 200
_PLACES = re.compile(r"%\(\w+\)[a-z]|\{\w+\}")
_NAMELESS = re.compile(r"%[sd]")
_BARE = re.compile(r"%(?![(%])")


def extracted(problems: list[str]) -> Catalog:
    """Return every sentence that the code and the templates hold."""
    found = Catalog(charset="utf-8")
    sentences = extract_from_dir(str(ROOT), METHODS, OPTIONS, KEYWORDS)
    for filename, line, message, _comments, context in sentences:
        texts = message if isinstance(message, tuple) else (message,)
        problems += [
            f"{filename}:{line}: a place without a name in {text!r}"
            for text in texts
            if _NAMELESS.search(text)
        ]
        found.add(message, context=context)
    if len(found) < FEWEST:
        problems.append(f"only {len(found)} sentences were found; is the extraction broken?")
    return found


def brought_up_to(template: Catalog, catalogue: Catalog) -> Catalog:
    """Return a catalogue with exactly the sentences of the template, and what it had of them."""
    fresh = Catalog(locale=catalogue.locale, charset="utf-8")
    for message in template:
        if message.id:
            had = catalogue.get(message.id, message.context)
            # What is fuzzy was only guessed: it is missing until somebody has looked at it.
            string = None if had is None or had.fuzzy else had.string
            fresh.add(message.id, string or None, context=message.context)
    return fresh


def written(catalogue: Catalog) -> bytes:
    """Return a catalogue as its file holds it: sorted, and without what changes by itself.

    Neither dates nor places in the code: two who add a sentence each can both be merged.
    """
    out = BytesIO()
    write_po(out, catalogue, no_location=True, sort_output=True, omit_header=True, width=100)
    language = f'"Language: {catalogue.locale.language}\\n"\n' if catalogue.locale else ""
    plurals = f'"Plural-Forms: {catalogue.plural_forms}\\n"\n' if catalogue.locale else ""
    head = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n'
    return (head + language + plurals + "\n").encode() + out.getvalue()


def read(language: str) -> Catalog:
    path = catalogue_path(language)
    if not path.exists():
        return Catalog(locale=language, charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale=language)


def wrong_in(catalogue: Catalog) -> Iterator[str]:
    """Yield what is wrong with the translations of a catalogue."""
    for message in catalogue:
        if message.id:
            yield from _wrong(message)


def _forms(text: Any) -> list[str]:
    """Return the forms of a sentence: one, or as many as its plurals."""
    return list(text) if isinstance(text, list | tuple) else [text or ""]


def _wrong(message: Message) -> Iterator[str]:
    sources, translations = _forms(message.id), _forms(message.string)
    allowed = [set(_PLACES.findall(source)) for source in sources]
    if not all(translations):
        yield f"not translated: {sources[0]!r}"
        return
    for number, text in enumerate(translations):
        # The form for one may leave the number out, as English may.
        if set(_PLACES.findall(text)) not in (allowed if number == 0 else allowed[-1:]):
            yield f"other places than in {sources[-1]!r}: {text!r}"
        elif any(allowed) and _BARE.search(text):
            yield f"a percent sign alone, where %% is needed, in {text!r}"


def checked(template: Catalog) -> Iterator[str]:
    """Yield what differs between the catalogues' files and the sentences there are."""
    if TEMPLATE.read_bytes() != written(template):
        yield f"{TEMPLATE.relative_to(ROOT)}: not what extraction gives; run make texts"
    for language in NAMES:
        if language == SOURCE:
            continue
        path = catalogue_path(language)
        catalogue = read(language)
        fresh = brought_up_to(template, catalogue)
        yield from (f"{path.relative_to(ROOT)}: {problem}" for problem in wrong_in(fresh))
        if catalogue.obsolete or path.read_bytes() != written(fresh):
            yield f"{path.relative_to(ROOT)}: not what extraction gives; run make texts"


def update(template: Catalog) -> Iterator[str]:
    """Write the catalogues anew; yields what is still to be translated in them."""
    TEMPLATE.parent.mkdir(exist_ok=True)
    TEMPLATE.write_bytes(written(template))
    for language in NAMES:
        if language != SOURCE:
            fresh = brought_up_to(template, read(language))
            path = catalogue_path(language)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(written(fresh))
            yield from (f"{path.relative_to(ROOT)}: {problem}" for problem in wrong_in(fresh))


def main() -> int:
    problems: list[str] = []
    template = extracted(problems)
    is_check = sys.argv[1:] == ["check"]
    problems += checked(template) if is_check else update(template)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems and is_check else 0


if __name__ == "__main__":
    sys.exit(main())
