"""Where tokens, grants, the clock and changed files are kept between two runs."""

import json
import os
from pathlib import Path
from typing import Any

FILE_NAME = "box-sandbox.json"
# Grows when what is kept changes its shape; a file of another shape is left aside.
FORMAT = 1


class Store:
    """One JSON file, always whole: a new one is written beside it and moved into its place."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._path = directory / FILE_NAME

    def load(self) -> dict[str, Any] | None:
        """Return what was kept, or None if there is nothing that can be used."""
        if not self._path.exists():
            return None
        kept: dict[str, Any] = json.loads(self._path.read_text(encoding="utf-8"))
        return kept if kept.get("format") == FORMAT else None

    def save(self, facts: dict[str, Any]) -> None:
        """Replace the file. One caller at a time."""
        draft = self._path.with_suffix(".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({"format": FORMAT, **facts}, file)
        draft.replace(self._path)
