"""Everything the database holds, to compare before and after something that must change nothing."""

from typing import Any

from flask import Flask
from sqlalchemy import select

from webapp.core.database import db

# What the requests themselves leave behind.
PASSING = frozenset({"sessions"})


def stored(app: Flask) -> dict[str, list[tuple[Any, ...]]]:
    """Return everything in the database but who is signed in where."""
    with app.app_context():
        found = {
            table.name: [tuple(row) for row in db.session.execute(select(table))]
            for table in db.metadata.sorted_tables
            if table.name not in PASSING
        }
        db.session.remove()
    return found
