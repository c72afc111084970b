"""How Alembic reaches our tables; `flask db` runs this inside the application."""

from typing import Any, Literal

from alembic import context
from flask import current_app

from webapp.core.database import UtcDateTime

db = current_app.extensions["migrate"].db


def render_item(kind: str, item: Any, autogen_context: Any) -> str | Literal[False]:
    """Write our own column types by their names."""
    if kind == "type" and isinstance(item, UtcDateTime):
        autogen_context.imports.add("from webapp.core.database import UtcDateTime")
        return "UtcDateTime()"
    return False


def run() -> None:
    arguments = dict(current_app.extensions["migrate"].configure_args)
    with db.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            render_item=render_item,
            **arguments,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


run()
