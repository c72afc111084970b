"""Who is signed in: the one value every view passes to the access rules."""

from dataclasses import dataclass
from datetime import datetime

from flask import g
from flask_login import UserMixin, current_user

from webapp.core.extensions import login_manager
from webapp.core.languages import AUTOMATIC

# Where a browser's session keeps which invitation's link was opened in it; signing in keeps it.
OPENED = "opened_invitation"


@dataclass(frozen=True)
class SignedIn(UserMixin):  # type: ignore[misc]  # flask_login has no types
    """The person of this session, read once a request together with the session itself."""

    id: int
    name: str
    email: str
    is_implementation_manager: bool
    session_hash: str
    signed_in_at: datetime
    language: str = AUTOMATIC


def remember(identity: SignedIn | None) -> None:
    """Keep what the session read found, for the loader below."""
    g.signed_in = identity


@login_manager.user_loader  # type: ignore[untyped-decorator]
def load_signed_in(person_id: str) -> SignedIn | None:
    identity: SignedIn | None = g.get("signed_in")
    return identity if identity is not None and str(identity.id) == person_id else None


def me() -> SignedIn:
    """Return who is signed in; only for views behind the sign-in guard."""
    person = current_user._get_current_object()
    assert isinstance(person, SignedIn)
    return person
