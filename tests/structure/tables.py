"""Tables that say where something is tested, held against the tests that are there."""

import ast
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]


def stands(test: str) -> bool:
    """Tell whether a test exists, given as `folder/file.py::name`."""
    path, _colons, name = test.partition("::")
    tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
    return name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
