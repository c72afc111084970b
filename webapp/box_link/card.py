"""What the Box Integration card says: the state of a person's link in words and next steps."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import select

from webapp.accounts.identity import SignedIn
from webapp.accounts.models import Person
from webapp.box_link import linking
from webapp.box_link.clients import box_access
from webapp.box_link.models import AttemptStatus, BoxLink, LinkAttempt
from webapp.companies import access
from webapp.companies.box_access import Standing, may_link, only_granted, standings_of
from webapp.companies.models import Company
from webapp.core.clock import utcnow
from webapp.core.database import db

LONG_WAIT = timedelta(minutes=3)


class CardState(StrEnum):
    LINKED = "linked"
    PAUSED = "paused"
    UNREADABLE = "unreadable"
    ENDED = "ended"
    LINKING = "linking"
    NOT_LINKED = "not_linked"
    NOT_ENABLED = "not_enabled"


@dataclass(frozen=True)
class LinkUse:
    """What a person's link has done so far, for the question before disconnecting."""

    attached: int
    under_way: int


@dataclass(frozen=True)
class Ask:
    """A company without Box, and who there can ask for it."""

    company: Company
    admins: tuple[Person, ...]
    i_am_admin: bool


@dataclass(frozen=True)
class Card:
    state: CardState
    link: BoxLink | None
    works_in: tuple[str, ...]
    asks: tuple[Ask, ...]
    others_with_account: int
    use: LinkUse
    may_link: bool
    waits_long: bool

    @property
    def goes_on_by_itself(self) -> bool:
        """True while something may happen in another tab, so that the card keeps asking."""
        return self.state in {
            CardState.LINKING,
            CardState.NOT_LINKED,
            CardState.ENDED,
            CardState.UNREADABLE,
        }


def card_for(me: SignedIn, use_of: Callable[[int], LinkUse]) -> Card:
    """Return the card of the person who looks at it."""
    link = db.session.scalar(select(BoxLink).where(BoxLink.person_id == me.id))
    standings = standings_of(me.id)
    linkable = may_link(standings)
    attempt = _attempt_under_way(me)
    state = _state(link, linkable, attempt)
    return Card(
        state=state,
        link=link,
        works_in=_works_in(me, standings) if linkable else (),
        asks=() if linkable else _asks(me),
        others_with_account=linking.others_with(db.session(), link) if link else 0,
        use=use_of(me.id),
        may_link=linkable,
        waits_long=attempt is not None and utcnow() - attempt.created_at > LONG_WAIT,
    )


def _state(link: BoxLink | None, linkable: bool, attempt: LinkAttempt | None) -> CardState:
    if link is not None and link.is_alive:
        if not linking.is_readable(box_access().linker, link):
            return CardState.UNREADABLE
        return CardState.LINKED if linkable else CardState.PAUSED
    if not linkable:
        return CardState.ENDED if link is not None else CardState.NOT_ENABLED
    if attempt is not None:
        return CardState.LINKING
    return CardState.NOT_LINKED if link is None else CardState.ENDED


def _attempt_under_way(me: SignedIn) -> LinkAttempt | None:
    """Return this session's latest trip to Box while it may still come to something."""
    return db.session.scalar(
        select(LinkAttempt)
        .where(
            LinkAttempt.session_hash == me.session_hash,
            LinkAttempt.person_id == me.id,
            LinkAttempt.expires_at > utcnow(),
            LinkAttempt.status.in_((AttemptStatus.WAITING, AttemptStatus.CONFIRM)),
        )
        .order_by(LinkAttempt.id.desc())
        .limit(1)
    )


def _works_in(me: SignedIn, standings: list[Standing]) -> tuple[str, ...]:
    only = only_granted()
    shut = {s.company_id for s in standings if s.refusal(only_granted=only) is not None}
    return tuple(c.name for c in access.companies_of(me.id) if c.id not in shut)


def _asks(me: SignedIn) -> tuple[Ask, ...]:
    asks = []
    for company in access.companies_of(me.id):
        admins = tuple(access.admins_of(company.id))
        asks.append(Ask(company, admins, any(admin.id == me.id for admin in admins)))
    return tuple(asks)
