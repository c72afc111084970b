"""What docs/picker.md says about the picker is backed by tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMPLAINTS = 25
FILES = (*ROOT.glob("tests/complaints/test_*.py"), ROOT / "tests/browser/test_complaints.py")


def names_in(path: Path) -> list[str]:
    return re.findall(r"^def (test_\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE)


def test_every_test_the_pickers_page_names_is_there() -> None:
    text = (ROOT / "docs/picker.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text))
    assert len(named) > 40
    assert not [f"{path}::{name}" for path, name in named if name not in names_in(ROOT / path)]


def test_every_row_about_plumbline_names_a_test_or_admits_that_there_is_none() -> None:
    text = (ROOT / "docs/picker.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\|.*\| (.+?) \| (.+?) \|$", text.split("## Figures")[0], re.MULTILINE)
    said = [(cell, shown) for cell, shown in rows if cell not in {"Plumbline", "---"}]
    assert len(said) > 35
    assert not [cell for cell, shown in said if "`tests/" not in shown and cell[0] not in "NP"]


def test_every_complaint_has_a_test_named_after_it() -> None:
    found = {int(name[5:7]) for path in FILES for name in names_in(path)}
    assert found == set(range(1, COMPLAINTS + 1))


def test_every_one_of_them_says_what_the_complaint_is() -> None:
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        said = re.findall(r'^def test_\w+\([^"]*?\) -> None:\n    """[A-Z]', text, re.MULTILINE)
        assert len(said) == len(names_in(path)), path.name
