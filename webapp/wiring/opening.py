"""The joined read that opens a request: the session and its person in one query."""

from datetime import datetime

from flask import g, has_request_context, request
from flask import session as browser_session
from flask_login import current_user
from sqlalchemy import Connection, Select, String, and_, bindparam, delete, select

from webapp.accounts.identity import SignedIn, me, remember
from webapp.accounts.models import Person
from webapp.companies.models import Company, CompanyMember, Project
from webapp.core.clock import utcnow
from webapp.core.database import UtcDateTime, db, write_connection
from webapp.core.formats import NO_PLACE
from webapp.core.languages import NAMES, SOURCE, locale_of
from webapp.core.sessions import OpenSession, SessionRow

_OPENING = (
    select(
        SessionRow.__table__,
        Person.name.label("person_name"),
        Person.email.label("person_email"),
        Person.is_implementation_manager.label("is_manager"),
        Person.language.label("person_language"),
    )
    .outerjoin(Person, and_(Person.id == SessionRow.person_id, Person.is_active.is_(True)))
    .where(
        SessionRow.id_hash == bindparam("id_hash", type_=String),
        SessionRow.kind == "browser",
        SessionRow.expires_at > bindparam("now", type_=UtcDateTime),
    )
)


def read_session(connection: Connection, id_hash: str) -> OpenSession | None:
    """Return the browser session behind a hash, and remember whose it is for this request."""
    row = connection.execute(_OPENING, {"id_hash": id_hash, "now": utcnow()}).first()
    if row is None:
        return None
    if row.person_id is not None and row.person_email is None:
        # The account was shut. Its sessions are over, also should it be opened again.
        with write_connection() as writing:
            writing.execute(delete(SessionRow).where(SessionRow.id_hash == id_hash))
        return None
    if row.person_email is not None:
        signed_in = row.data.get("signed_in_at")
        remember(
            SignedIn(
                id=row.person_id,
                name=row.person_name,
                email=row.person_email,
                is_implementation_manager=row.is_manager,
                session_hash=row.id_hash,
                signed_in_at=datetime.fromisoformat(signed_in) if signed_in else row.created_at,
                language=row.person_language,
            )
        )
    return OpenSession(row.id_hash, row.person_id, row.data, row.created_at, row.seen_at)


def locale() -> str:
    """Return the locale of the page: what its reader chose, else what their browser asks for.

    The workers have neither and write English.
    """
    if not has_request_context():
        return locale_of(SOURCE)
    reader: SignedIn | None = g.get("signed_in")
    if reader and reader.language in NAMES:
        return locale_of(reader.language)
    return locale_of(request.accept_languages.best_match(list(NAMES)) or SOURCE)


def timezone() -> str:
    """Return the time zone in which moments are shown.

    Within a project it is the project's, elsewhere that of the company this browser was last in.
    Whoever is in no company reads UTC, and so do the workers; `NO_PLACE` has that zone named.
    """
    entry = g.get("entry")
    if entry is not None:
        return str(entry.project.timezone or entry.company.timezone)
    if not has_request_context() or not current_user.is_authenticated:
        return NO_PLACE
    return db.session.scalar(_home_timezone(me().id)) or NO_PLACE


def _home_timezone(person_id: int) -> Select[str]:
    """Return the query for the time zone of the company this browser was last in, or of any."""
    project_id = browser_session.get("project_id", 0)
    company_id = browser_session.get("company_id", 0)
    return (
        select(Company.timezone)
        .join(CompanyMember, CompanyMember.company_id == Company.id)
        .outerjoin(Project, and_(Project.company_id == Company.id, Project.id == project_id))
        .where(CompanyMember.person_id == person_id)
        .order_by(Project.id.is_(None), Company.id != company_id, Company.id)
        .limit(1)
    )
