"""How Alembic reaches our tables; `flask db` runs this inside the application."""

from typing import Any, Literal

from alembic import context
from flask import current_app

from webapp.core.database import Cents, UtcDateTime

db = current_app.extensions["migrate"].db


def render_item(kind: str, item: Any, autogen_context: Any) -> str | Literal[False]:
    """Write our own column types by their names."""
    if kind == "type" and isinstance(item, UtcDateTime | Cents):
        name = type(item).__name__
        autogen_context.imports.add(f"from webapp.core.database import {name}")
        return f"{name}()"
    return False


def run() -> None:
    arguments = dict(current_app.extensions["migrate"].configure_args)
    with db.engine.connect() as connection:
        if is_sqlite := connection.dialect.name == "sqlite":
            # SQLite changes a table by making it anew and dropping the old one, and dropping it
            # would delete whatever hangs on it. Can only be set between transactions.
            _pragma(connection, "foreign_keys=OFF")
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            render_item=render_item,
            **arguments,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
        if is_sqlite:
            broken = _pragma(connection, "foreign_key_check")
            if broken:
                raise RuntimeError(f"rows refer to nothing after the migration: {broken[:5]}")
            _pragma(connection, "foreign_keys=ON")


def _pragma(connection: Any, text: str) -> list[Any]:
    """Run a pragma past SQLAlchemy, which would begin a transaction first."""
    rows: list[Any] = connection.connection.driver_connection.execute(f"PRAGMA {text}").fetchall()
    return rows


run()
