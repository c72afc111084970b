"""The catalogues are complete, and the check that says so can fail."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from babel.messages import Catalog

ROOT = Path(__file__).resolve().parents[2]


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("texts", ROOT / "scripts/texts.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


texts = load()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Catalogues of two sentences, in a folder of their own."""
    monkeypatch.setattr(texts, "ROOT", tmp_path)
    monkeypatch.setattr(texts, "TEMPLATE", tmp_path / "messages.pot")
    monkeypatch.setattr(texts, "catalogue_path", lambda language: tmp_path / f"{language}.po")
    translated: dict[str, Any] = {
        "Save %(name)s": "Guardar %(name)s",
        "%(num)s file": ("%(num)s x", "%(num)s xx"),
    }
    write(tmp_path, template(), translated)
    return tmp_path


def template(*more: str) -> Catalog:
    found = Catalog(charset="utf-8")
    found.add("Save %(name)s")
    found.add(("%(num)s file", "%(num)s files"))
    for message in more:
        found.add(message)
    return found


def write(folder: Path, found: Catalog, translated: dict[str, Any]) -> None:
    (folder / "messages.pot").write_bytes(texts.written(found))
    spanish = Catalog(locale="es", charset="utf-8")
    for message in found:
        if message.id:
            key = message.id if isinstance(message.id, str) else message.id[0]
            spanish.add(message.id, translated.get(key))
    (folder / "es.po").write_bytes(texts.written(spanish))


def change(folder: Path, before: str, after: str) -> None:
    path = folder / "es.po"
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


def test_ours_are_complete() -> None:
    problems: list[str] = []
    found = texts.extracted(problems)
    assert problems == []
    assert list(texts.checked(found)) == []


def test_a_complete_catalogue_passes(folder: Path) -> None:
    assert list(texts.checked(template())) == []


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("Guardar %(name)s", "", "not translated: 'Save %(name)s'"),
        ("%(num)s xx", "", "not translated: '%(num)s file'"),
        ("Guardar %(name)s", "Guardar %(nombre)s", "other places than in 'Save %(name)s'"),
        ("Guardar %(name)s", "Guardar", "other places than in 'Save %(name)s'"),
        ("%(num)s xx", "muchos", "other places than in '%(num)s files'"),
        ("Guardar %(name)s", "Guardar %(name)s al 100%", "a percent sign alone"),
        ('msgid "Save', '#, fuzzy\nmsgid "Save', "not translated: 'Save %(name)s'"),
        ('msgid "Save', 'msgid "Gone"\nmsgstr "Ido"\n\nmsgid "Save', "run make texts"),
        ('msgid "Save', '#~ msgid "Gone"\n#~ msgstr "Ido"\n\nmsgid "Save', "run make texts"),
    ],
)
def test_what_is_wrong_with_a_translation_is_found(
    folder: Path, before: str, after: str, found: str
) -> None:
    change(folder, before, after)
    assert any(found in problem for problem in texts.checked(template()))


def test_a_new_sentence_is_missing_until_it_is_translated(folder: Path) -> None:
    assert any("not translated: 'New'" in p for p in texts.checked(template("New")))
    assert [p.partition(": ")[2] for p in texts.update(template("New"))] == [
        "not translated: 'New'"
    ]
    assert "Guardar %(name)s" in (folder / "es.po").read_text(encoding="utf-8")
    change(folder, 'msgid "New"\nmsgstr ""', 'msgid "New"\nmsgstr "Nuevo"')
    assert list(texts.checked(template("New"))) == []


def test_a_sentence_that_is_gone_is_dropped(folder: Path) -> None:
    assert list(texts.update(Catalog(charset="utf-8"))) == []
    assert "Guardar" not in (folder / "es.po").read_text(encoding="utf-8")


def test_a_place_without_a_name_cannot_be_translated(folder: Path) -> None:
    (folder / "webapp").mkdir()
    (folder / "webapp" / "views.py").write_text('_("%s of %s")\n', encoding="utf-8")
    problems: list[str] = []
    texts.extracted(problems)
    assert any("a place without a name" in problem for problem in problems)
    assert any("is the extraction broken" in problem for problem in problems)
