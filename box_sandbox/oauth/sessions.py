"""Who is signed in to Box in which browser. Kept in memory: a restart signs everybody out."""

import secrets
import threading
from dataclasses import dataclass, field

COOKIE = "box_sandbox_session"


@dataclass
class Session:
    id: str = field(repr=False)
    request_token: str = field(repr=False)
    account_id: str | None = None


class Sessions:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}

    def reset(self) -> None:
        with self._lock:
            self._sessions = {}

    def find(self, session_id: str) -> Session | None:
        return self._sessions.get(session_id)

    def begin(self, account_id: str | None = None) -> Session:
        """Return a new session, of somebody who signed in or of nobody yet."""
        session = Session(secrets.token_urlsafe(24), secrets.token_urlsafe(24), account_id)
        with self._lock:
            self._sessions[session.id] = session
        return session

    def end(self, session: Session) -> None:
        with self._lock:
            self._sessions.pop(session.id, None)
