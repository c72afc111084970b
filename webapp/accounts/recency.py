"""Whether the person at the keyboard has shown lately that it is still them.

Linking Box, replacing a link and disconnecting ask for the password again when the sign-in is older
than fifteen minutes.
"""

from datetime import datetime, timedelta

from flask import session
from sqlalchemy import select

from webapp.accounts import attempts, passwords
from webapp.accounts.identity import SignedIn
from webapp.accounts.models import Person
from webapp.core.clock import utcnow
from webapp.core.database import db

RECENT = timedelta(minutes=15)
_KEY = "confirmed_at"


def is_recent(me: SignedIn) -> bool:
    confirmed = session.get(_KEY)
    last = max(me.signed_in_at, datetime.fromisoformat(confirmed)) if confirmed else me.signed_in_at
    return utcnow() - last < RECENT


def confirm(me: SignedIn, password: str) -> bool:
    """Note that the person has given their password just now; False when it is wrong.

    Counted like any attempt at it: raises TooManyAttempts.
    """
    attempt = attempts.begin(me.email)
    known = db.session.scalar(select(Person.password_hash).where(Person.id == me.id))
    if not passwords.is_right(password, known):
        return False
    attempts.succeeded(attempt)
    session[_KEY] = utcnow().isoformat()
    return True
