"""The languages Plumbline speaks, and the catalogues of their sentences.

A catalogue is read as translators write it, once a process: there is nothing to build before a
start, and nothing built that could be older than its source.
"""

import io
from functools import cache
from pathlib import Path
from typing import Any

import flask_babel
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

SOURCE = "en"
# What somebody has who chose none: their browser's, English where there is no browser.
AUTOMATIC = "auto"
# What each calls itself, and whose days and numbers it writes.
NAMES = {"en": "English", "es": "Español"}
LOCALES = {"en": "en_US", "es": "es_US"}
FOLDER = Path(__file__).resolve().parent.parent / "translations"


def locale_of(language: str) -> str:
    """Return the locale in which a language's days and numbers are written, else English's."""
    return LOCALES.get(language, LOCALES[SOURCE])


def catalogue_path(language: str) -> Path:
    return FOLDER / language / "LC_MESSAGES" / "messages.po"


@cache
def catalogue(language: str) -> NullTranslations:
    """Return the sentences of a language; those of the source translate to themselves."""
    if language == SOURCE or language not in LOCALES:
        return Translations()
    with catalogue_path(language).open("rb") as file:
        read = read_po(file, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, read)
    compiled.seek(0)
    return Translations(compiled)


class _Sentences(flask_babel.Domain):  # type: ignore[misc]  # flask_babel has no types
    def get_translations(self) -> NullTranslations:
        locale = flask_babel.get_locale()
        return catalogue(locale.language if locale else SOURCE)


class Babel(flask_babel.Babel):  # type: ignore[misc]
    """Flask-Babel over the catalogues above."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.domain_instance = _Sentences()
