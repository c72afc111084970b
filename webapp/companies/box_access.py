"""May this person link Box, may they attach here, and how a company's switch gets its state.

Two facts per company: the *grant*, which Plumbline's Implementation Manager gives and takes, and
the *switch*, which belongs to the company's admins. The rules:

- **may_link**: member of a company whose grant is granted and whose switch is on.
- **may_attach** here: link active, may link somewhere, and here the switch is not off and no grant
  was withdrawn without another since; asking again, or taking that back, changes nothing of it.
  Linking is gated per company, use follows the person. A site that sets `BOX_ATTACH_IN=granted`
  narrows this to companies whose own grant is granted.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select

from webapp.companies.models import Company, CompanyMember, Grant
from webapp.core.database import db
from webapp.core.settings import settings


@dataclass(frozen=True)
class Standing:
    """Where one company stands."""

    company_id: int
    grant: Grant
    is_switched_off: bool
    is_withdrawn: bool = False

    @classmethod
    def of(cls, company: Company) -> "Standing":
        return cls(
            company.id,
            Grant(company.box_grant),
            company.box_switched_off,
            is_withdrawn=company.box_withdrawn,
        )

    @property
    def lets_link(self) -> bool:
        return self.grant is Grant.GRANTED and not self.is_switched_off

    def refusal(self, *, only_granted: bool) -> "Refusal | None":
        """Return why nobody attaches from Box here, whatever their link; None where people may."""
        if self.is_switched_off:
            return Refusal.SWITCHED_OFF
        if self.is_withdrawn:
            return Refusal.WITHDRAWN
        if only_granted and self.grant is not Grant.GRANTED:
            return Refusal.NOT_GRANTED
        return None


class Refusal(StrEnum):
    """Why Box cannot be used here; the pages have a sentence and a next step for each."""

    NOT_LINKED = "not linked"
    LINK_ENDED = "link ended"
    NOT_ENABLED = "not enabled"
    NOT_GRANTED = "not granted"
    SWITCHED_OFF = "switched off"
    WITHDRAWN = "withdrawn"


def may_link(mine: Iterable[Standing]) -> bool:
    """True when one of the person's companies lets its people link Box."""
    return any(company.lets_link for company in mine)


def refusal_to_attach(
    *,
    link_state: str | None,
    mine: Iterable[Standing],
    here: Standing,
    only_granted: bool,
) -> Refusal | None:
    """Return why this person may not attach from Box here, or None when they may.

    What the company decided comes before the state of the link: nobody is sent to link or reconnect
    for a place where Box is off.
    """
    refused = here.refusal(only_granted=only_granted)
    if refused is not None:
        return refused
    if not may_link(mine):
        return Refusal.NOT_ENABLED
    if link_state is None:
        return Refusal.NOT_LINKED
    if link_state == "relink_needed":
        return Refusal.LINK_ENDED
    return None


def only_granted() -> bool:
    """True where this site lets people attach from Box in granted companies only."""
    return settings().box_attach_in == "granted"


def standings_of(person_id: int) -> list[Standing]:
    """Return where each of this person's companies stands."""
    companies = db.session.scalars(
        select(Company)
        .join(CompanyMember, CompanyMember.company_id == Company.id)
        .where(CompanyMember.person_id == person_id)
    )
    return [Standing.of(company) for company in companies]
