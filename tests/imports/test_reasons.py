"""Whatever a copy stops or waits for is said in a sentence."""

import ast
import re
from pathlib import Path

from flask import Flask

from webapp.box import errors
from webapp.imports.reasons import REASONS, reason_text

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("webapp/imports", "webapp/wiring")
ENDS_WITH_A_REASON = {"wait": 2, "fail": 1, "_fail": 1, "_retry": 1, "Refused": 0}


def codes_of_the_importer() -> set[str]:
    """Return every reason that is written out anywhere in the code."""
    found: set[str] = set()
    for folder in SOURCES:
        for path in (ROOT / folder).glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    found |= set(_reasons_in(node))
    return found


def _reasons_in(call: ast.Call) -> list[str]:
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    given = [keyword.value for keyword in call.keywords if keyword.arg == "reason"]
    place = ENDS_WITH_A_REASON.get(name)
    if place is not None:
        given += call.args[place : place + 1]
    return [g.value for g in given if isinstance(g, ast.Constant) and isinstance(g.value, str)]


def codes_of_box() -> set[str]:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    return {kind.code for kind in kinds if issubclass(kind, errors.BoxError)}


def test_every_reason_has_a_sentence() -> None:
    used = codes_of_the_importer() | codes_of_box()
    assert {"too_big", "storage_full", "cut_off", "cancelled", "internal"} <= used
    assert used <= set(REASONS)


def test_every_sentence_is_one_and_names_nothing_technical(app: Flask) -> None:
    facts: dict[str, object] = {
        "done": "1.2 MB",
        "size": "8.1 MB",
        "company": "Acme",
        "name": "Rosa",
        "login": "rosa@boxmail.example",
        "now": "devon@boxmail.example",
    }
    with app.test_request_context():
        for code in REASONS:
            sentence = reason_text(code, facts)
            assert sentence.endswith("."), code
            assert "%(" not in sentence, code
            assert not re.search(r"[_{}]|HTTP|SHA|API|token|null|None", sentence), code


def test_no_reason_is_no_sentence(app: Flask) -> None:
    with app.test_request_context():
        assert reason_text(None, {}) == ""
