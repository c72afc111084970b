"""Linking, replacing and disconnecting: the steps between a person's clicks and Box's answers.

Nothing is half-stored: until an attempt ends well there is no link, and a grant that is not wanted
after all goes to the revocation outbox.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from webapp.accounts.identity import SignedIn
from webapp.accounts.models import notify
from webapp.box.circuit import Circuit
from webapp.box.client import BoxClient
from webapp.box.errors import BoxError, BoxMisconfigured
from webapp.box.items import BoxUser, Enterprise
from webapp.box.oauth import OAuth
from webapp.box.tokens import AccessToken, InvalidGrant, TokenPair
from webapp.box_link.misconfigured import tell_of_missing_key
from webapp.box_link.models import (
    AttemptStatus,
    BoxLink,
    BoxSessionToken,
    LinkAttempt,
    LinkState,
    Revocation,
)
from webapp.box_link.sealing import Place, SealBroken, Sealer
from webapp.box_link.store import access_place, link_made, link_removed, refresh_place
from webapp.core import audit
from webapp.core.clock import utcnow
from webapp.core.database import db, rows_changed, writing
from webapp.core.problems import Conflict
from webapp.core.sessions import SessionRow, hashed
from webapp.core.text import _

log = logging.getLogger(__name__)

ATTEMPT_LIVES = timedelta(minutes=10)
PENDING_ATTEMPTS_MAX = 5
COMPANY_MAX_LENGTH = 200
REVOCATION_LIVES = timedelta(hours=24)
# After the last moment at which the person may still say that they want the grant.
UNCONFIRMED_LIVES = ATTEMPT_LIVES + timedelta(minutes=1)


@dataclass(frozen=True)
class Linker:
    """What every step needs: how to talk to Box and how to seal what it says."""

    oauth: OAuth
    sealer: Sealer
    download_origins: tuple[str, ...]
    circuit: Circuit

    def refresh(self, refresh_token: str) -> TokenPair:
        """Return the pair that follows this refresh token, unless Box does not know us."""
        return self.circuit.ask(lambda: self.oauth.refresh(refresh_token))

    def exchange(self, code: str, code_verifier: str) -> TokenPair:
        """Return the pair for a code; asked at once, because a code lives half a minute."""
        return self.circuit.ask(
            lambda: self.oauth.exchange(code, code_verifier=code_verifier), at_once=True
        )

    def account_of(self, pair: TokenPair) -> BoxUser:
        """Return whose Box a new pair opens; its one use before it is stored.

        That use is safe: nothing older of this grant exists that it could end.
        """
        client = BoxClient(
            _Fixed(AccessToken(pair.access_token, 0)),
            api_url=self.oauth.api_url,
            download_origins=self.download_origins,
        )
        return client.me()


@dataclass(frozen=True)
class _Fixed:
    """A bearer that has nothing to refresh with."""

    token: AccessToken

    def bearer(self, refused: AccessToken | None = None) -> AccessToken:
        return self.token


def begin(linker: Linker, me: SignedIn) -> int:
    """Record an attempt of this session and return its id; `address_of` says where it leads."""
    trip = linker.oauth.authorization()
    now = utcnow()
    attempt = LinkAttempt(
        state_hash=hashed(trip.state),
        session_hash=me.session_hash,
        person_id=me.id,
        verifier_sealed=linker.sealer.seal(trip.code_verifier, _verifier_place(me.id)),
        address_sealed=linker.sealer.seal(trip.url, _address_place(me.id)),
        created_at=now,
        expires_at=now + ATTEMPT_LIVES,
    )
    with writing() as session:
        _forget_surplus(session, me.session_hash)
        session.add(attempt)
    return attempt.id


def address_of(linker: Linker, attempt_id: int, me: SignedIn) -> str | None:
    """Return Box's address for an attempt of this session; None once it is spent or over."""
    sealed = db.session.scalar(
        select(LinkAttempt.address_sealed).where(
            LinkAttempt.id == attempt_id,
            LinkAttempt.session_hash == me.session_hash,
            LinkAttempt.person_id == me.id,
            LinkAttempt.is_spent.is_(False),
            LinkAttempt.expires_at > utcnow(),
        )
    )
    try:
        return linker.sealer.open(sealed, _address_place(me.id)) if sealed else None
    except SealBroken:
        return None


def _forget_surplus(session: Session, session_hash: str) -> None:
    """Keep the newest few attempts of a session, so that clicking often cannot fill the table."""
    waiting = session.scalars(
        select(LinkAttempt.id)
        .where(
            LinkAttempt.session_hash == session_hash,
            LinkAttempt.status == AttemptStatus.WAITING,
        )
        .order_by(LinkAttempt.id.desc())
        .offset(PENDING_ATTEMPTS_MAX - 1)
    ).all()
    session.execute(delete(LinkAttempt).where(LinkAttempt.id.in_(waiting)))


def take(state: str, me: SignedIn) -> LinkAttempt | None:
    """Spend a state and return its attempt; None unless it is ours, unspent and in time.

    The state is the only guard against a code that somebody else slips in, so it counts once, in
    the session that began it, for the person who began it.
    """
    with writing() as session:
        attempt = session.scalar(
            select(LinkAttempt).where(
                LinkAttempt.state_hash == hashed(state),
                LinkAttempt.session_hash == me.session_hash,
                LinkAttempt.person_id == me.id,
                LinkAttempt.expires_at > utcnow(),
            )
        )
        if attempt is None:
            return None
        spent = session.execute(
            update(LinkAttempt)
            .where(LinkAttempt.id == attempt.id, LinkAttempt.is_spent.is_(False))
            .values(is_spent=True, address_sealed=None)
        )
        return attempt if rows_changed(spent) == 1 else None


def finish(linker: Linker, attempt: LinkAttempt, code: str, *, may_link: bool) -> AttemptStatus:
    """Exchange the code and link, or say why not; returns how the attempt ended.

    A different account than the one linked before waits for the person's word.
    """
    try:
        verifier = linker.sealer.open(attempt.verifier_sealed, _verifier_place(attempt.person_id))
        pair = linker.exchange(code, verifier)
    except InvalidGrant:
        return conclude(attempt, AttemptStatus.EXPIRED)
    except BoxMisconfigured:
        return conclude(attempt, AttemptStatus.MISCONFIGURED)
    except (BoxError, SealBroken) as error:
        return _failed(attempt, error)
    try:
        account = linker.account_of(pair)
    except BoxError as error:
        # Box has granted already, and nobody will ever use it.
        _revoke_later(linker, attempt.person_id, pair.refresh_token)
        return _failed(attempt, error)
    if not may_link:
        _revoke_later(linker, attempt.person_id, pair.refresh_token)
        return conclude(attempt, AttemptStatus.NOT_ENABLED)
    return _settle(linker, attempt, pair, account)


def _failed(attempt: LinkAttempt, error: Exception) -> AttemptStatus:
    log.warning("link.failed", extra={"kind": type(error).__name__})
    return conclude(attempt, AttemptStatus.FAILED)


def _settle(
    linker: Linker, attempt: LinkAttempt, pair: TokenPair, account: BoxUser
) -> AttemptStatus:
    with writing() as session:
        if not _still_signed_in(session, attempt):
            _add_revocation(session, linker, attempt.person_id, pair.refresh_token)
            return AttemptStatus.FAILED
        link = _link_of(session, attempt.person_id)
        attempt = session.get_one(LinkAttempt, attempt.id)
        attempt.box_login = account.login
        if link is not None and link.box_user_id != account.id:
            attempt.status = AttemptStatus.CONFIRM
            attempt.pending_user_id = account.id
            attempt.pending_name = account.name
            attempt.pending_company = account.company[:COMPANY_MAX_LENGTH]
            attempt.pending_sealed = linker.sealer.seal(pair.refresh_token, _pending_place(attempt))
            # The attempt ends with its session; the grant must be forgotten even then.
            _add_revocation(
                session,
                linker,
                attempt.person_id,
                pair.refresh_token,
                run_after=attempt.created_at + UNCONFIRMED_LIVES,
            )
            return AttemptStatus.CONFIRM
        link = _store(session, linker, attempt.person_id, account, pair.refresh_token)
        _hand_over(session, linker, link, attempt.session_hash, pair)
        attempt.status = AttemptStatus.LINKED
    link_made.send(linker, person_id=attempt.person_id)
    return AttemptStatus.LINKED


def _still_signed_in(session: Session, attempt: LinkAttempt) -> bool:
    """True while the attempt's session lives; it then lives until this transaction has ended."""
    found = session.scalar(
        select(SessionRow.id_hash)
        .where(SessionRow.id_hash == attempt.session_hash)
        .with_for_update(read=True, key_share=True)
    )
    return found is not None


def conclude(attempt: LinkAttempt, status: AttemptStatus) -> AttemptStatus:
    """Record how an attempt ended when nothing was linked."""
    with writing() as session:
        session.execute(
            update(LinkAttempt).where(LinkAttempt.id == attempt.id).values(status=status)
        )
    return status


def replace(linker: Linker, attempt_id: int, me: SignedIn) -> bool:
    """Link the account that was waiting for the person's word; False when it waits no more."""
    with writing() as session:
        attempt = _waiting_for_word(session, attempt_id, me)
        token = _pending_token(linker, attempt)
        if attempt is None or token is None:
            return False
        _spare(session, linker, me.id, token)
        account = BoxUser(
            id=attempt.pending_user_id or "",
            name=attempt.pending_name,
            login=attempt.box_login,
            enterprise=Enterprise(attempt.pending_company),
        )
        _store(session, linker, me.id, account, token)
        attempt.status = AttemptStatus.LINKED
        attempt.pending_sealed = None
    link_made.send(linker, person_id=me.id)
    return True


def keep(linker: Linker, attempt_id: int, me: SignedIn) -> bool:
    """Keep the account linked before, and have Box forget the other grant."""
    with writing() as session:
        attempt = _waiting_for_word(session, attempt_id, me)
        token = _pending_token(linker, attempt)
        if attempt is None or token is None:
            return False
        _spare(session, linker, me.id, token)
        _add_revocation(session, linker, me.id, token)
        attempt.status = AttemptStatus.KEPT
        attempt.pending_sealed = None
    return True


def disconnect(linker: Linker, me: SignedIn) -> bool:
    """Remove the link at once and have Box forget it soon; False when there was none."""
    with writing() as session:
        link = _link_of(session, me.id)
        if link is None:
            return False
        _outbox(session, linker, link)
        audit.note(session, "box.unlinked", person_id=me.id, login=link.box_login)
        session.delete(link)
        # In the same transaction: when this returns, nothing more is attached through the link.
        link_removed.send(linker, person_id=me.id, session=session)
    return True


def current_refresh_token(linker: Linker, person_id: int) -> str:
    """Return a person's refresh token in the clear; raises LookupError when they have none.

    For the demo, which loses one person's link on purpose. No view calls this.
    """
    link = _link_of(db.session(), person_id)
    if link is None:
        raise LookupError(person_id)
    return linker.sealer.open(link.refresh_sealed, refresh_place(person_id, link.generation))


def is_readable(linker: Linker, link: BoxLink) -> bool:
    """True when the keys of this process open what is stored of a link."""
    try:
        linker.sealer.open(link.refresh_sealed, refresh_place(link.person_id, link.generation))
    except SealBroken:
        tell_of_missing_key()
        return False
    return True


def others_with(session: Session, link: BoxLink) -> int:
    """Return how many other people here have linked the same Box account."""
    return (
        session.scalar(
            select(func.count(BoxLink.id)).where(
                BoxLink.box_user_id == link.box_user_id, BoxLink.person_id != link.person_id
            )
        )
        or 0
    )


def drop_overdue_attempts(_linker: Linker, now: datetime) -> None:
    """Forget what nobody confirmed in time, and old attempts; the outbox has their grants."""
    with writing() as session:
        session.execute(
            update(LinkAttempt)
            .where(LinkAttempt.status == AttemptStatus.CONFIRM, LinkAttempt.expires_at <= now)
            .values(status=AttemptStatus.EXPIRED, pending_sealed=None)
        )
        session.execute(
            delete(LinkAttempt).where(LinkAttempt.expires_at <= now - timedelta(days=1))
        )


def revoke_due(linker: Linker, now: datetime) -> int:
    """Work through the revocation outbox; returns how many entries are done with."""
    due = db.session.scalars(
        select(Revocation).where(Revocation.run_after <= now).order_by(Revocation.id).limit(20)
    ).all()
    db.session.expunge_all()
    db.session.rollback()
    return sum(_revoke(linker, entry, now) for entry in due)


def _revoke(linker: Linker, entry: Revocation, now: datetime) -> bool:
    try:
        token = linker.sealer.open(entry.token_sealed, _revoke_place(entry.person_id))
        linker.oauth.revoke(token)
    except (SealBroken, BoxError) as error:
        if now - entry.created_at < REVOCATION_LIVES:
            # A key that is missing here may be back after the next restart.
            _retry_revocation(entry, now)
            return False
        return _give_up(entry, error.code if isinstance(error, BoxError) else "link_unreadable")
    with writing() as session:
        session.execute(delete(Revocation).where(Revocation.id == entry.id))
    return True


def _give_up(entry: Revocation, why: str) -> bool:
    """Drop an entry that cannot be brought to Box, and ask the person to do it there."""
    log.error("revocation.given_up", extra={"revocation": entry.id, "why": why})
    with writing() as session:
        gone = session.execute(delete(Revocation).where(Revocation.id == entry.id))
        if rows_changed(gone) == 1:
            notify(session, entry.person_id, "box_not_told", path="/settings/box")
    return True


def _retry_revocation(entry: Revocation, now: datetime) -> None:
    wait = timedelta(seconds=min(60, 2**entry.attempts))
    with writing() as session:
        session.execute(
            update(Revocation)
            .where(Revocation.id == entry.id)
            .values(attempts=entry.attempts + 1, run_after=now + wait)
        )


def _store(
    session: Session, linker: Linker, person_id: int, account: BoxUser, refresh_token: str
) -> BoxLink:
    """Make or replace the person's link; what another account left behind goes to the outbox."""
    now = utcnow()
    link = _link_of(session, person_id)
    # Generations never go back, also not across disconnecting: the clock runs ahead of them.
    generation = max(int(now.timestamp()), (link.generation if link else 0) + 1)
    if link is None:
        link = BoxLink(person_id=person_id)
        session.add(link)
    elif link.box_user_id != account.id:
        _outbox(session, linker, link)
        link.last_used_at, link.last_used_for = None, ""
    link.box_user_id, link.box_name, link.box_login = account.id, account.name, account.login
    link.box_company = account.company[:COMPANY_MAX_LENGTH]
    link.state, link.generation, link.ended_at = LinkState.ACTIVE, generation, None
    link.refresh_sealed = linker.sealer.seal(refresh_token, refresh_place(person_id, generation))
    link.previous_sealed = None
    link.refreshed_at = link.linked_at = now
    session.flush()
    session.execute(delete(BoxSessionToken).where(BoxSessionToken.link_id == link.id))
    audit.note(session, "box.linked", person_id=person_id, login=account.login)
    return link


def _hand_over(
    session: Session, linker: Linker, link: BoxLink, session_hash: str, pair: TokenPair
) -> None:
    """Give the session that linked the first access token; the person's others adopt it."""
    place = access_place(link.person_id, session_hash, link.generation)
    session.add(
        BoxSessionToken(
            session_hash=session_hash,
            link_id=link.id,
            generation=link.generation,
            access_sealed=linker.sealer.seal(pair.access_token, place),
            expires_at=utcnow() + timedelta(seconds=pair.expires_in_s),
        )
    )


def _outbox(session: Session, linker: Linker, link: BoxLink) -> None:
    try:
        token = linker.sealer.open(
            link.refresh_sealed, refresh_place(link.person_id, link.generation)
        )
    except SealBroken:
        notify(session, link.person_id, "box_not_told", path="/settings/box")
        return
    _add_revocation(session, linker, link.person_id, token)


def _pending_token(linker: Linker, attempt: LinkAttempt | None) -> str | None:
    """Return the refresh token that waits for the person's word, None when none does.

    Raises Conflict when it does not open here.
    """
    if attempt is None or attempt.pending_sealed is None:
        return None
    try:
        return linker.sealer.open(attempt.pending_sealed, _pending_place(attempt))
    except SealBroken:
        tell_of_missing_key()
        raise Conflict(
            _("Plumbline cannot read what Box granted just now. Nothing was changed; try again.")
        ) from None


def _spare(session: Session, linker: Linker, person_id: int, token: str) -> None:
    """Take a token out of the outbox, where it waited in case nobody said a word."""
    for entry in session.scalars(select(Revocation).where(Revocation.person_id == person_id)):
        try:
            is_it = linker.sealer.open(entry.token_sealed, _revoke_place(person_id)) == token
        except SealBroken:
            is_it = False
        if is_it:
            session.delete(entry)


def _revoke_later(linker: Linker, person_id: int, token: str) -> None:
    with writing() as session:
        _add_revocation(session, linker, person_id, token)


def _add_revocation(
    session: Session,
    linker: Linker,
    person_id: int,
    token: str,
    *,
    run_after: datetime | None = None,
) -> None:
    sealed = linker.sealer.seal(token, _revoke_place(person_id))
    due = run_after or utcnow()
    session.add(Revocation(person_id=person_id, token_sealed=sealed, run_after=due))


def _link_of(session: Session, person_id: int) -> BoxLink | None:
    return session.scalar(select(BoxLink).where(BoxLink.person_id == person_id))


def _waiting_for_word(session: Session, attempt_id: int, me: SignedIn) -> LinkAttempt | None:
    return session.scalar(
        select(LinkAttempt).where(
            LinkAttempt.id == attempt_id,
            LinkAttempt.person_id == me.id,
            LinkAttempt.session_hash == me.session_hash,
            LinkAttempt.status == AttemptStatus.CONFIRM,
            LinkAttempt.expires_at > utcnow(),
        )
    )


def _verifier_place(person_id: int) -> Place:
    return Place("verifier", person_id)


def _address_place(person_id: int) -> Place:
    return Place("address", person_id)


def _revoke_place(person_id: int) -> Place:
    return Place("revoke", person_id)


def _pending_place(attempt: LinkAttempt) -> Place:
    return Place("pending", attempt.person_id, row=str(attempt.id))
