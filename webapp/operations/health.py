"""Whether this process can do its work, for a load balancer and for whoever is on call."""

from flask import Blueprint, Response, jsonify, make_response
from sqlalchemy import text

from webapp.box_link.clients import box_access
from webapp.core.database import db

bp = Blueprint("operations", __name__)


@bp.get("/healthz")
def health() -> Response:
    """200 when this process can do its work; 503 with a word that says what is wrong with Box.

    An exception, and so a 503 or 500, when the database does not answer.
    """
    db.session.execute(text("SELECT 1"))
    db.session.rollback()
    if box_access().linker.circuit.is_open:
        return make_response(jsonify(status="box_misconfigured"), 503)
    return jsonify(status="ok")
