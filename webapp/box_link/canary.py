"""Tells at start whether the key ring still opens what the database holds.

Without this, a lost key would show itself one person at a time, as links that ended for no reason.
"""

from sqlalchemy import insert, inspect, select
from sqlalchemy.exc import IntegrityError

from webapp.box_link.clients import box_access
from webapp.box_link.models import TokenCanary
from webapp.box_link.sealing import CANARY, Place, SealBroken, Sealer
from webapp.core.database import db, write_connection

PLACE = Place("canary", 0)
ONLY_ID = 1


class KeysLost(Exception):
    """TOKEN_KEYS does not open the tokens in this database."""


def check_canary() -> None:
    """Raise KeysLost when the ring has lost the key; the first start leaves the canary.

    A database without tables holds no tokens, so there is nothing to lose yet.
    """
    if not inspect(db.engine).has_table(TokenCanary.__tablename__):
        return
    sealer = box_access().linker.sealer
    sealed = _sealed() or _left(sealer)
    try:
        sealer.open(sealed, PLACE)
    except SealBroken as error:
        raise KeysLost(
            f"TOKEN_KEYS does not open the tokens in this database ({error}); "
            "put the old key back behind the new one, then run `flask tokens rewrap`"
        ) from None


def _sealed() -> str | None:
    with db.engine.connect() as connection:
        return connection.scalar(select(TokenCanary.sealed).order_by(TokenCanary.id).limit(1))


def _left(sealer: Sealer) -> str:
    """Leave a canary and return it, or the one of a process that was faster."""
    fresh = sealer.seal(CANARY, PLACE)
    try:
        with write_connection() as connection:
            connection.execute(insert(TokenCanary).values(id=ONLY_ID, sealed=fresh))
    except IntegrityError:
        return _sealed() or fresh
    return fresh
