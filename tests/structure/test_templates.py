"""The template rules, and that the check which enforces them can fail."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def check(tmp_path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("checks", ROOT / "scripts/check_templates.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_our_templates_keep_the_rules(check: ModuleType) -> None:
    assert [*check._templates(), *check._scripts(), *check._styles()] == []


@pytest.mark.parametrize(
    "markup",
    [
        '<p style="color: red">',
        "<style>p {}</style>",
        '<button onclick="go()">',
        "<script>go()</script>",
        '<div hx-on:click="go()">',
        "<div hx-vals='js:{a: 1}'>",
        '<div hx-trigger="click[ctrlKey]">',
        "{{ name|safe }}",
        '<link href="https://cdn.example/x.css">',
        '<a hx-get="/x">no way without script</a>',
    ],
)
def test_what_the_policy_would_block_is_found(check: ModuleType, markup: str) -> None:
    assert list(check._rules("pages/test.html", markup))


def test_a_partial_without_its_id_is_found(check: ModuleType) -> None:
    assert list(check._rules("tools/_thing.html", "<section></section>"))
    assert not list(check._rules("tools/_thing.html", '<section id="tools-thing"></section>'))
