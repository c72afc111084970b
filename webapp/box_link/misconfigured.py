"""Tells those who run Plumbline what only they can repair: once a day, not per page.

No link is at fault and no person can repair it, so nobody else is told.
"""

import logging
from datetime import timedelta

from sqlalchemy import insert, select

from webapp.accounts.models import Notice, Person
from webapp.core.clock import utcnow
from webapp.core.database import write_connection

log = logging.getLogger(__name__)

MISCONFIGURED, NARROW, KEY_MISSING = "box_misconfigured", "box_narrow", "box_key_missing"
TOLD_EVERY = timedelta(days=1)


def tell_managers() -> None:
    """Tell that Box refuses our client id or secret."""
    _tell(MISCONFIGURED)


def tell_of_narrow_scopes() -> None:
    """Tell that the scopes of our app at Box do not cover what we ask."""
    _tell(NARROW)


def tell_of_missing_key() -> None:
    """Tell that TOKEN_KEYS does not open a stored link."""
    _tell(KEY_MISSING)


def _tell(kind: str) -> None:
    """Leave a notice for every Implementation Manager who has had none of this kind lately."""
    log.error(kind.replace("_", ".", 1))
    now = utcnow()
    recent = select(Notice.person_id).where(Notice.kind == kind, Notice.at > now - TOLD_EVERY)
    managers = select(Person.id).where(
        Person.is_implementation_manager.is_(True), Person.is_active.is_(True)
    )
    with write_connection() as connection:
        # Locked first: two processes may find this out at the same moment.
        everyone = connection.scalars(managers.order_by(Person.id).with_for_update()).all()
        told = set(connection.scalars(recent))
        for person_id in everyone:
            if person_id not in told:
                connection.execute(insert(Notice).values(person_id=person_id, kind=kind, at=now))
