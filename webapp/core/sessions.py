"""Server-side sessions: the browser holds a random id, the table holds only its hash.

Flask's signed cookies can be replayed after sign-out and Flask-Session unpickles what it finds, so
the table is ours. An id is never adopted from outside, changes at sign-in, and a session that was
ended elsewhere is not brought back to life by a slow request (`save_session` updates, never
inserts, a known row). A row of kind "work" stands for an accepted import that goes on after
sign-out; no cookie opens it.
"""

import hashlib
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Flask, Request, Response, session
from flask.sessions import SessionInterface, SessionMixin
from sqlalchemy import JSON, Connection, ForeignKey, Index, String, delete, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column
from werkzeug.datastructures import CallbackDict

from webapp.core.clock import utcnow
from webapp.core.database import DATABASE_AWAY, Base, db, end_reading

log = logging.getLogger(__name__)

ANONYMOUS_IDLE = timedelta(hours=1)
IDLE = timedelta(hours=2)
ABSOLUTE = timedelta(hours=12)
TOUCH_EVERY = timedelta(minutes=1)


class SessionRow(Base):
    __tablename__ = "sessions"

    id_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(8), default="browser")
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    data: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    user_agent: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]

    __table_args__ = (Index("ix_sessions_person_id", "person_id"),)


@dataclass(frozen=True)
class OpenSession:
    """What one read of the table tells about a session that is still good."""

    id_hash: str
    person_id: int | None
    data: dict[str, Any]
    created_at: datetime
    seen_at: datetime


Reader = Callable[[Connection, str], OpenSession | None]


class ServerSession(CallbackDict[str, Any], SessionMixin):
    """The dict a view sees; knows which row it came from."""

    def __init__(self, opened: OpenSession | None) -> None:
        super().__init__(dict(opened.data) if opened else {}, _note_change)
        self.opened = opened
        self.modified = False
        self.accessed = True
        self.new = opened is None
        self.fresh_for: int | None = None
        self.is_over = False
        # Why the row could not be read or written: this request ends with that, and saves nothing.
        self.failure: Exception | None = None

    @property
    def id_hash(self) -> str | None:
        return self.opened.id_hash if self.opened else None

    @property
    def person_id(self) -> int | None:
        return self.opened.person_id if self.opened else None

    def begin_for(self, person_id: int) -> None:
        """Answer this request with a new session of that person; the one before is ended."""
        self.fresh_for = person_id
        # Who a form was made for shall be known when this session is over: see `core.unsent`.
        self["csrf_token"] = f"{person_id}.{secrets.token_hex(20)}"

    def end(self) -> None:
        """End this session here and in the browser."""
        self.clear()
        self.is_over = True


def _note_change(session: Any) -> None:
    session.modified = True


def hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def read_session(connection: Connection, id_hash: str) -> OpenSession | None:
    """Return the browser session behind a hash, or None when it is unknown or over."""
    now = utcnow()
    row = connection.execute(
        select(SessionRow.__table__).where(
            SessionRow.id_hash == id_hash,
            SessionRow.kind == "browser",
            SessionRow.expires_at > now,
        )
    ).first()
    if row is None:
        return None
    return OpenSession(row.id_hash, row.person_id, row.data, row.created_at, row.seen_at)


class ServerSessions(SessionInterface):
    """Flask's session interface over the table; `reader` may read more in the same query."""

    def __init__(self, reader: Reader = read_session, *, secure: bool) -> None:
        self._read = reader
        self._secure = secure
        # The __Host- prefix pins a cookie to this host and path; browsers demand Secure with it.
        self.cookie_name = "__Host-plumbline" if secure else "plumbline"

    def open_session(self, app: Flask, request: Request) -> ServerSession:
        token = request.cookies.get(self.cookie_name, "")
        if not token or request.path.startswith("/static/"):
            return ServerSession(None)
        try:
            with db.engine.connect() as connection:
                return ServerSession(self._read(connection, hashed(token)))
        except DATABASE_AWAY as error:
            # Raised outside a request's handlers it would be a bare 500; `check_session` raises it.
            unread = ServerSession(None)
            unread.failure = error
            return unread

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        assert isinstance(session, ServerSession)
        if session.failure is not None:
            return
        try:
            self._save(session, response)
        except DATABASE_AWAY as error:
            session.failure = error
            if session.modified or session.is_over:
                raise
            # Only the moment of its last use is lost, and the page is there.
            log.warning("session.not_touched", extra={"kind": type(error).__name__})

    def _save(self, session: ServerSession, response: Response) -> None:
        if session.is_over:
            self._delete(session)
            response.delete_cookie(self.cookie_name, secure=self._secure, path="/")
        elif session.fresh_for is not None or (session.new and session.modified):
            self._delete(session)
            self._set_cookie(response, self._insert(session))
        elif session.opened and (session.modified or self._is_due(session.opened)):
            self._update(session, session.opened)

    def _is_due(self, opened: OpenSession) -> bool:
        return utcnow() - opened.seen_at >= TOUCH_EVERY

    def _insert(self, session: ServerSession) -> str:
        end_reading()
        token, now = secrets.token_urlsafe(32), utcnow()
        person_id = session.fresh_for
        agent = session.pop("_user_agent", "")
        with db.engine.begin() as connection:
            connection.execute(
                insert(SessionRow).values(
                    id_hash=hashed(token),
                    kind="browser",
                    person_id=person_id,
                    data=dict(session),
                    user_agent=agent[:200],
                    created_at=now,
                    seen_at=now,
                    expires_at=now + (IDLE if person_id else ANONYMOUS_IDLE),
                )
            )
        return token

    def _update(self, session: ServerSession, opened: OpenSession) -> None:
        end_reading()
        now = utcnow()
        idle = IDLE if opened.person_id else ANONYMOUS_IDLE
        with db.engine.begin() as connection:
            connection.execute(
                update(SessionRow)
                .where(SessionRow.id_hash == opened.id_hash)
                .values(
                    data=dict(session),
                    seen_at=now,
                    expires_at=min(now + idle, opened.created_at + ABSOLUTE),
                )
            )

    def _delete(self, session: ServerSession) -> None:
        if session.id_hash:
            end_reading()
            with db.engine.begin() as connection:
                connection.execute(delete(SessionRow).where(SessionRow.id_hash == session.id_hash))

    def _set_cookie(self, response: Response, token: str) -> None:
        # Lax, not Strict: the return from Box is a cross-site top-level GET and must find us.
        response.set_cookie(
            self.cookie_name, token, secure=self._secure, httponly=True, samesite="Lax", path="/"
        )


def check_session() -> None:
    """Raise what kept this request's session from being read."""
    failure = getattr(session, "failure", None)
    if failure is not None:
        raise failure


def end_expired(now: datetime) -> int:
    """Delete sessions that are over; returns how many."""
    with db.engine.begin() as connection:
        return connection.execute(delete(SessionRow).where(SessionRow.expires_at <= now)).rowcount
