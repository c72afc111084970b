"""Whether this process can do its work, for a load balancer and for whoever is on call."""

from flask import Blueprint, Response, jsonify
from sqlalchemy import text
from sqlalchemy.exc import OperationalError, ProgrammingError

from webapp.box_link.clients import box_access
from webapp.core.database import db
from webapp.core.limits import is_redis_away
from webapp.core.settings import settings

bp = Blueprint("operations", __name__)


@bp.get("/healthz")
def health() -> Response:
    """200 when this process can answer people, whatever is away around it; 503 without a database.

    `status` is "degraded" while something else is amiss, and the other words say what: taking the
    process out of service would mend neither Box nor Redis.
    """
    db.session.execute(text("SELECT 1"))
    db.session.rollback()
    words = {"box": _box_word()}
    if not settings().queue_is_embedded:
        words["redis"] = "away" if is_redis_away() else "ok"
    is_well = all(word == "ok" for word in words.values())
    return jsonify(status="ok" if is_well else "degraded", **words)


def _box_word() -> str:
    try:
        return "misconfigured" if box_access().linker.circuit.is_open else "ok"
    except (OperationalError, ProgrammingError):
        # The database answers, but nobody has migrated it yet.
        return "unknown"
