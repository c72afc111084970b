"""Rooms import downwards only; the parts of the house that import-linter does not read."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "webapp").rglob("*.py"))


def imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("name", ["config.py", "wsgi.py"])
def test_the_top_files_know_no_sandbox(name: str) -> None:
    assert not {module for module in imports(ROOT / name) if module.startswith("box_sandbox")}


def test_config_imports_nothing_of_ours() -> None:
    assert not {module for module in imports(ROOT / "config.py") if module.startswith("webapp")}


def test_package_roots_are_empty() -> None:
    allowed = {"catalog", "commands"}
    for path in (ROOT / "webapp").rglob("__init__.py"):
        if path.parent.name not in allowed:
            assert path.read_text(encoding="utf-8").strip() == "", path


def test_one_module_sends_stored_files() -> None:
    senders = {
        path.relative_to(ROOT).as_posix()
        for path in MODULES
        if "send_file" in path.read_text(encoding="utf-8")
    }
    assert senders == {"webapp/attachments/sending.py"}


def test_views_load_rows_through_the_scoped_loaders_only() -> None:
    forbidden = ("get_or_404", "first_or_404", "one_or_404", ".query.")
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        for word in forbidden:
            assert word not in text, f"{path.name}: {word}"


def test_no_template_is_made_from_a_string() -> None:
    for path in MODULES:
        assert "render_template_string" not in path.read_text(encoding="utf-8"), path


def test_everything_is_caught_in_two_places_only() -> None:
    catching = {
        path.relative_to(ROOT).as_posix()
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id == "Exception"))
    }
    assert catching == {"webapp/imports/tasks.py"}


def test_calls_to_box_are_all_reads() -> None:
    """No method of the client sends anything but GET to Box's content API."""
    source = (ROOT / "webapp" / "box" / "client.py").read_text(encoding="utf-8")
    tree = ast.parse(source)
    methods = {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "Request"
        and isinstance(node.args[0], ast.Constant)
    }
    assert methods == {"GET"}
