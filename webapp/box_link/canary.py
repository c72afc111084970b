"""Tells at start whether the key ring still opens what the database holds.

Without this, a lost key would show itself one person at a time, as links that ended for no reason.
"""

from sqlalchemy import select

from webapp.box_link.clients import box_access
from webapp.box_link.models import TokenCanary
from webapp.box_link.sealing import CANARY, Place, SealBroken
from webapp.core.database import writing

PLACE = Place("canary", 0)


class KeysLost(Exception):
    """TOKEN_KEYS does not open the tokens in this database."""


def check_canary() -> None:
    """Raise KeysLost when the ring has lost the key; the first start leaves the canary."""
    sealer = box_access().linker.sealer
    with writing() as session:
        canary = session.scalar(select(TokenCanary).limit(1))
        if canary is None:
            session.add(TokenCanary(sealed=sealer.seal(CANARY, PLACE)))
            return
        try:
            sealer.open(canary.sealed, PLACE)
        except SealBroken as error:
            raise KeysLost(
                f"TOKEN_KEYS does not open the tokens in this database ({error}); "
                "put the old key back behind the new one, then run `flask tokens rewrap`"
            ) from None
