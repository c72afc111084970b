"""Whether this process can do its work, for a load balancer and for whoever is on call."""

from flask import Blueprint, Response, jsonify
from sqlalchemy import text

from webapp.core.database import db

bp = Blueprint("operations", __name__)


@bp.get("/healthz")
def health() -> Response:
    """200 when the database answers; an exception, and so a 503 or 500, when it does not."""
    db.session.execute(text("SELECT 1"))
    db.session.rollback()
    return jsonify(status="ok")
