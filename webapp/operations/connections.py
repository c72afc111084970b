"""Whether PostgreSQL lets in as many connections as our processes may want, told at start."""

import logging

from sqlalchemy import text

from webapp.core.database import DATABASE_AWAY, db
from webapp.core.settings import settings

log = logging.getLogger(__name__)

_ROOM = text(
    "SELECT current_setting('max_connections')::int"
    " - current_setting('superuser_reserved_connections')::int"
)


def check_connections() -> bool:
    """Return whether DATABASE_CONNECTIONS fit into PostgreSQL; log how many do where they do not.

    True as well on SQLite, which has no such limit, and while the database does not answer.
    """
    if db.engine.dialect.name == "sqlite":
        return True
    wanted = settings().database_connections
    try:
        with db.engine.connect() as connection:
            room = connection.scalar(_ROOM) or 0
    except DATABASE_AWAY:
        return True
    if wanted > room:
        log.warning("database.too_few_connections", extra={"wanted": wanted, "allowed": room})
    return wanted <= room
