"""The rows behind `webapp.box.tokens`: one link per person, one sealed token per live session.

The order of the steps is the design. A new pair is committed for every live session of the person
in one transaction before any of them uses it; `generation` fences whoever was slower.
"""

import logging
import time
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

from blinker import Namespace
from sqlalchemy import ColumnElement, Connection, Row, delete, insert, or_, select, update
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from webapp.accounts.models import Notice
from webapp.box.errors import BoxLinkBroken, BoxLinkUnreadable
from webapp.box.tokens import AccessToken, Grant, TokenPair
from webapp.box_link.locks import Locks
from webapp.box_link.misconfigured import tell_of_missing_key
from webapp.box_link.models import BoxLink, BoxSessionToken, LinkState
from webapp.box_link.sealing import Place, SealBroken, Sealer
from webapp.core.clock import utcnow
from webapp.core.database import db, write_connection
from webapp.core.failpoints import failpoint
from webapp.core.sessions import SessionRow

log = logging.getLogger(__name__)

EARLY = timedelta(minutes=5)
PREVIOUS_LIVES = timedelta(minutes=10)
COMMIT_SECONDS = 30.0
USED_EVERY = timedelta(minutes=5)
Stored = Row[str, str, int, datetime, datetime | None]

_signals = Namespace()
link_made = _signals.signal("link-made")
link_removed = _signals.signal("link-removed")


def refresh_place(person_id: int, generation: int) -> Place:
    return Place("refresh", person_id, generation=generation)


def previous_place(person_id: int, generation: int) -> Place:
    return Place("previous", person_id, generation=generation)


def access_place(person_id: int, session_hash: str, generation: int) -> Place:
    return Place("access", person_id, row=session_hash, generation=generation)


class LinkTokenStore:
    """One person's link as one session of theirs sees it (implements `LinkStore`)."""

    def __init__(self, *, person_id: int, session_hash: str, sealer: Sealer, locks: Locks) -> None:
        self._person_id = person_id
        self._session_hash = session_hash
        self._sealer = sealer
        self._locks = locks

    def exclusive(self) -> AbstractContextManager[None]:
        return self._locks.exclusive(self._person_id)

    def mine(self) -> AccessToken | None:
        row = self._row(BoxSessionToken.session_hash == self._session_hash)
        if row is None:
            return None
        if row.last_used_at is None or row.last_used_at < utcnow() - USED_EVERY:
            self._note_use()
        return self._opened(row)

    def adopt(self) -> AccessToken | None:
        row = self._row(BoxSessionToken.session_hash != self._session_hash)
        token = self._opened(row) if row is not None else None
        if row is not None and token is not None:
            with write_connection() as connection:
                self._put(connection, self._session_hash, token, row.expires_at)
        return token

    def grant(self) -> Grant:
        with db.engine.connect() as connection:
            row = connection.execute(
                select(BoxLink.refresh_sealed, BoxLink.generation).where(
                    BoxLink.person_id == self._person_id, BoxLink.is_alive
                )
            ).first()
        if row is None:
            raise BoxLinkBroken
        place = refresh_place(self._person_id, row.generation)
        return Grant(self._read(row.refresh_sealed, place), row.generation)

    def _read(self, sealed: str, place: Place) -> str:
        """Open what is stored; a process whose ring does not open it changes nothing."""
        try:
            return self._sealer.open(sealed, place)
        except SealBroken as broken:
            log.error("link.unreadable", extra={"person": self._person_id, "detail": str(broken)})
            tell_of_missing_key()
            raise BoxLinkUnreadable(str(broken)) from None

    def previous(self, *, generation: int) -> Grant | None:
        """Return the token before the current one; renewing replaces it, ending drops it."""
        with db.engine.connect() as connection:
            row = connection.execute(
                select(BoxLink.previous_sealed, BoxLink.refreshed_at).where(
                    BoxLink.person_id == self._person_id, BoxLink.generation == generation
                )
            ).first()
        if row is None or row.previous_sealed is None:
            return None
        if row.refreshed_at < utcnow() - PREVIOUS_LIVES:
            return None
        place = previous_place(self._person_id, generation)
        return Grant(self._read(row.previous_sealed, place), generation)

    def save(self, pair: TokenPair, *, after: int) -> AccessToken | None:
        failpoint("refresh.after_response")
        deadline = time.monotonic() + COMMIT_SECONDS
        while True:
            try:
                token = self._commit(pair, after)
            except (OperationalError, InterfaceError, PoolTimeout, OSError) as error:
                log.warning("link.commit_waits", extra={"kind": type(error).__name__})
                # Box has answered and our database has not taken it: keep the pair in hand, with
                # the lock, for as long as is bearable. Unused, it can be fetched once more.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
            else:
                failpoint("refresh.after_commit")
                return token

    def end(self, *, generation: int) -> bool:
        with write_connection() as connection:
            done = connection.execute(
                update(BoxLink)
                .where(
                    BoxLink.person_id == self._person_id,
                    BoxLink.generation == generation,
                    BoxLink.is_alive,
                )
                .values(state=LinkState.RELINK_NEEDED, previous_sealed=None, ended_at=utcnow())
            )
            if done.rowcount != 1:
                return False
            link_id = select(BoxLink.id).where(BoxLink.person_id == self._person_id)
            connection.execute(
                delete(BoxSessionToken).where(BoxSessionToken.link_id == link_id.scalar_subquery())
            )
            connection.execute(
                insert(Notice).values(
                    person_id=self._person_id, kind="link_ended", path="/settings/box", at=utcnow()
                )
            )
        log.warning("link.ended", extra={"person": self._person_id})
        return True

    def _row(self, which: ColumnElement[bool]) -> Stored | None:
        """Return a session's token as stored, if it is good: the one read of every call to Box."""
        with db.engine.connect() as connection:
            return connection.execute(
                select(
                    BoxSessionToken.session_hash,
                    BoxSessionToken.access_sealed,
                    BoxSessionToken.generation,
                    BoxSessionToken.expires_at,
                    BoxLink.last_used_at,
                )
                .join(BoxLink, BoxLink.id == BoxSessionToken.link_id)
                .join(SessionRow, SessionRow.id_hash == BoxSessionToken.session_hash)
                .where(
                    which,
                    BoxLink.person_id == self._person_id,
                    BoxLink.is_alive,
                    BoxSessionToken.generation == BoxLink.generation,
                    BoxSessionToken.expires_at > utcnow() + EARLY,
                    SessionRow.expires_at > utcnow(),
                )
                .limit(1)
            ).first()

    def _opened(self, row: Stored) -> AccessToken | None:
        place = access_place(self._person_id, row.session_hash, row.generation)
        try:
            return AccessToken(self._sealer.open(row.access_sealed, place), row.generation)
        except SealBroken:
            return None

    def _note_use(self) -> None:
        """Remember that the link is in use; browsing writes this once in some minutes."""
        now = utcnow()
        with write_connection() as connection:
            connection.execute(
                update(BoxLink)
                .where(
                    BoxLink.person_id == self._person_id,
                    or_(BoxLink.last_used_at.is_(None), BoxLink.last_used_at < now - USED_EVERY),
                )
                .values(last_used_at=now, last_used_for="")
            )

    def _commit(self, pair: TokenPair, after: int) -> AccessToken | None:
        failpoint("refresh.commit")
        now = utcnow()
        token = AccessToken(pair.access_token, after + 1)
        with write_connection() as connection:
            if not self._advance(connection, pair, after, now):
                return None
            expires_at = now + timedelta(seconds=pair.expires_in_s)
            for session_hash in self._live_sessions(connection, now):
                self._put(connection, session_hash, token, expires_at)
        log.info("link.refreshed", extra={"person": self._person_id, "generation": after + 1})
        return token

    def _advance(self, connection: Connection, pair: TokenPair, after: int, now: datetime) -> bool:
        old = connection.execute(
            select(BoxLink.refresh_sealed).where(BoxLink.person_id == self._person_id)
        ).scalar()
        previous = self._resealed(old, after) if old else None
        place = refresh_place(self._person_id, after + 1)
        done = connection.execute(
            update(BoxLink)
            .where(
                BoxLink.person_id == self._person_id,
                BoxLink.generation == after,
                BoxLink.is_alive,
            )
            .values(
                state=LinkState.ACTIVE,
                ended_at=None,
                generation=after + 1,
                refresh_sealed=self._sealer.seal(pair.refresh_token, place),
                previous_sealed=previous,
                refreshed_at=now,
            )
        )
        return done.rowcount == 1

    def _resealed(self, old: str, generation: int) -> str | None:
        try:
            text = self._sealer.open(old, refresh_place(self._person_id, generation))
        except SealBroken:
            return None
        return self._sealer.seal(text, previous_place(self._person_id, generation + 1))

    def _live_sessions(self, connection: Connection, now: datetime) -> set[str]:
        live = select(SessionRow.id_hash).where(
            SessionRow.expires_at > now,
            or_(
                SessionRow.person_id == self._person_id,
                SessionRow.id_hash == self._session_hash,
            ),
        )
        # Kept from being deleted until their tokens are written: a sign-out in between would make
        # the whole transaction fail, and the new pair with it. SQLite has one writer anyway.
        query = live.order_by(SessionRow.id_hash).with_for_update(read=True, key_share=True)
        return set(connection.scalars(query))

    def _put(
        self, connection: Connection, session_hash: str, token: AccessToken, expires_at: datetime
    ) -> None:
        """Write a session's token; a session that has ended meanwhile gets none."""
        link_id = connection.execute(
            select(BoxLink.id).where(BoxLink.person_id == self._person_id)
        ).scalar()
        connection.execute(
            delete(BoxSessionToken).where(
                BoxSessionToken.session_hash == session_hash, BoxSessionToken.link_id == link_id
            )
        )
        place = access_place(self._person_id, session_hash, token.generation)
        is_live = (
            select(SessionRow.id_hash)
            .where(SessionRow.id_hash == session_hash)
            .with_for_update(read=True, key_share=True)
        )
        if link_id is None or connection.execute(is_live).first() is None:
            return
        connection.execute(
            insert(BoxSessionToken).values(
                session_hash=session_hash,
                link_id=link_id,
                generation=token.generation,
                access_sealed=self._sealer.seal(token.value, place),
                expires_at=expires_at,
            )
        )
