"""What the documents promise is there: files, commands, settings, options."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


@pytest.mark.parametrize("doc", DOCS, ids=lambda doc: str(doc.relative_to(ROOT)))
def test_links_lead_somewhere(doc: Path) -> None:
    targets = re.findall(r"\]\((?!https?://|#)([^)#]+)", doc.read_text(encoding="utf-8"))
    missing = [target for target in targets if not (doc.parent / target).exists()]
    assert not missing


@pytest.mark.parametrize("doc", DOCS, ids=lambda doc: str(doc.relative_to(ROOT)))
def test_named_files_are_there(doc: Path) -> None:
    named = re.findall(
        r"`((?:webapp|tests|scripts|box_sandbox|docs|benchmarks|demo)/[\w./-]+)`",
        doc.read_text(encoding="utf-8"),
    )
    missing = [path for path in named if not (ROOT / path).exists()]
    assert not missing


def test_every_setting_is_documented_and_every_documented_one_is_read() -> None:
    config = (ROOT / "config.py").read_text(encoding="utf-8")
    read = set(re.findall(r"reader\.(?:\w+)\(\s*\"([A-Z_]+)\"", config))
    table = (ROOT / "docs/operations.md").read_text(encoding="utf-8").split("## Settings")[1]
    rows = re.findall(r"^\| (`[^|]+`) \|", table.split("## Keys")[0], flags=re.MULTILINE)
    documented = {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}
    assert documented == read


def test_the_make_targets_the_documents_name_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    text = "\n".join(doc.read_text(encoding="utf-8") for doc in DOCS)
    named = set(re.findall(r"^\s+make ([a-z-]+)|`make ([a-z-]+)`", text, flags=re.MULTILINE))
    assert {name for pair in named for name in pair if name} <= targets


def test_the_sandboxs_options_are_documented() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "box_sandbox", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    ).stdout
    text = (ROOT / "docs/sandbox.md").read_text(encoding="utf-8")
    options = set(re.findall(r"--[a-z-]+", shown)) - {"--help"}
    assert not {option for option in options if option not in text}
