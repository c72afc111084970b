"""How an open invitation is shown to those who manage a company's or a project's people."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from webapp.accounts import mailing
from webapp.accounts.mailing import LetterState
from webapp.companies import invitations
from webapp.companies.models import Invitation, Project
from webapp.core.clock import utcnow
from webapp.core.text import _

# A letter is not a thing to be sent by the dozen.
LETTERS_PER_INVITATION = "3/hour;10/day"


@dataclass(frozen=True)
class ShownInvitation:
    """An invitation, how far its letter is, and what whoever looks may do about it.

    `link` is "" unless no mail server is set up and whoever looks may hand the link on.
    """

    invitation: Invitation
    projects: tuple[tuple[Project, str], ...]
    status: str
    is_over: bool
    has_failed: bool
    is_by_letter: bool
    may_manage: bool
    link: str


def shown(session: Session, invitation: Invitation, *, may_manage: bool) -> ShownInvitation:
    """Return an invitation as its page and the lists show it."""
    is_by_letter = mailing.are_delivered()
    is_over = invitation.expires_at <= utcnow()
    return ShownInvitation(
        invitation=invitation,
        projects=tuple(invitations.projects_of(session, invitation)),
        status=_status(invitation, is_over=is_over, is_by_letter=is_by_letter),
        is_over=is_over,
        has_failed=_has_failed(invitation),
        is_by_letter=is_by_letter,
        may_manage=may_manage,
        link=invitations.shown_link(invitation) if may_manage else "",
    )


def _has_failed(invitation: Invitation) -> bool:
    letter = invitation.letter
    return letter is not None and letter.state == LetterState.FAILED


def _status(invitation: Invitation, *, is_over: bool, is_by_letter: bool) -> str:
    if is_over:
        return _("The invitation has expired.")
    if not is_by_letter:
        return _("Invited. Nothing was sent.")
    if _has_failed(invitation):
        return _("The letter could not be delivered. Check the address.")
    letter = invitation.letter
    if letter is not None and letter.state == LetterState.SENT:
        return _("Invited. The letter was sent")
    if letter is not None and letter.state in {LetterState.QUEUED, LetterState.SENDING}:
        return _("Invited. The letter is on its way.")
    return _("Invited. No letter was sent yet.")
