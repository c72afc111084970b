"""Why a copy waits, failed or stopped, in words: the stable codes and their sentences.

Each reason says what happened, what follows by itself while the copy waits, what the person can do
once it does not, and the one button that does it.
"""

from dataclasses import dataclass
from enum import StrEnum

from webapp.core.text import N_, _


class Remedy(StrEnum):
    """What the one button beside a copy that did not arrive does."""

    RETRY = "retry"
    RECONNECT = "reconnect"
    CHOOSE = "choose"
    ASK = "ask"
    HELP = "help"
    DISMISS = "dismiss"


@dataclass(frozen=True)
class Reason:
    """`waits` is said of a copy that goes on by itself, `advice` of one that has ended.

    `closed` is the advice where choosing again would help and nothing may be chosen any more; the
    copy can still be tried again there, which `closed_remedy` offers where it may help.
    `to_others` is what everybody else reads of what is the chooser's own, as their link.
    """

    said: str
    advice: str
    remedy: Remedy = Remedy.RETRY
    waits: str = ""
    to_others: str = ""
    closed: str = ""
    closed_remedy: Remedy | None = None


_CLOSED_SEE = N_(
    "You can no longer choose files here, but this one stays accepted. When your Box shows it "
    "again, try again."
)
_CLOSED_LINK = N_(
    "You can no longer choose files here, but this one stays accepted. Link that account "
    "again, then try again."
)
_CLOSED_RULE = N_(
    "You can no longer choose files here, but this one stays accepted. Ask the company's "
    "administrators to allow it, then try again."
)
_CLOSED_AGAIN = N_("You can no longer choose files here, but this one stays accepted. Try again.")
_CLOSED_OTHERS = N_("You can no longer choose files here. Ask somebody who can to attach it.")
_BY_ITSELF = N_("It is tried again by itself.")

REASONS = {
    "relink_needed": Reason(
        N_("Your Box link has ended."),
        N_("Reconnect Box, then try again."),
        Remedy.RECONNECT,
        N_("The copy starts by itself when you reconnect."),
        N_("It waits for the Box link of the person who chose it, which has ended."),
    ),
    "box_busy": Reason(
        N_("Box asks us to wait."),
        N_("Try again in some minutes."),
        waits=N_("The copy then goes on by itself."),
    ),
    "box_down": Reason(
        N_("Box is not answering."), N_("Try again when Box is back."), waits=_BY_ITSELF
    ),
    "box_preparing": Reason(
        N_("Box is still preparing this file."),
        N_("Try again when Box shows it."),
        waits=_BY_ITSELF,
    ),
    "cut_off": Reason(
        N_("The connection to Box dropped at %(done)s of %(size)s."),
        N_("Try again."),
        waits=_BY_ITSELF,
    ),
    "not_found_in_box": Reason(
        N_("It was deleted in Box since it was chosen, or access was lost."),
        N_("Look for it in Box and choose it again, or choose another file."),
        Remedy.CHOOSE,
        closed=_CLOSED_SEE,
        closed_remedy=Remedy.RETRY,
    ),
    "no_permission_in_box": Reason(
        N_("Your Box account may not download it any more."),
        N_("Ask its owner to let you download it, then try again."),
        to_others=N_("The Box account of the person who chose it may not download it any more."),
    ),
    "blocked_in_box": Reason(
        N_("Box has blocked its download: a policy, a lock or a scan forbids it."),
        N_("Ask its owner or whoever runs your Box to allow it, then try again."),
    ),
    "changed_in_box": Reason(
        N_("The chosen version is no longer in Box; a newer one is."),
        N_("Choose the file again to take it."),
        Remedy.CHOOSE,
        closed=_CLOSED_OTHERS,
    ),
    "corrupt_transfer": Reason(
        N_("What arrived from Box was not what Box had announced."),
        N_("Nothing of it was kept. Try again."),
        waits=_BY_ITSELF,
    ),
    "too_big": Reason(
        N_("It is larger than the limit for one file."),
        N_("Choose a smaller file, or one that was split or compressed in Box."),
        Remedy.CHOOSE,
        closed=_CLOSED_OTHERS,
    ),
    "storage_full": Reason(
        N_("Plumbline's storage is full."),
        N_("Try again when the people who run Plumbline have made room."),
        waits=N_("It is tried again in a few minutes."),
    ),
    "storage_down": Reason(
        N_("Plumbline's storage did not take the file."),
        N_("Try again."),
        waits=_BY_ITSELF,
    ),
    "switched_off": Reason(
        N_("Stopped, because Box was switched off for %(company)s."),
        N_("When its administrators have switched it on again, try again."),
        Remedy.ASK,
    ),
    "withdrawn": Reason(
        N_("Stopped, because Plumbline withdrew Box from %(company)s."),
        N_("Its administrators can ask for Box again."),
        Remedy.ASK,
    ),
    "not_enabled": Reason(
        N_("Stopped, because Box was on in none of the companies of the person who chose it."),
        N_("When Box is on in one of them again, try again."),
    ),
    "not_granted": Reason(
        N_("Stopped, because Plumbline had not granted Box to %(company)s."),
        N_("Its administrators can ask for it."),
        Remedy.ASK,
    ),
    "person_left": Reason(
        N_("Stopped, because the person who chose it was no longer on the project."),
        N_("Try again."),
    ),
    "record_gone": Reason(
        N_("The record no longer exists."), N_("There is nothing left to do."), Remedy.DISMISS
    ),
    "row_gone": Reason(
        N_("The line it was chosen for no longer exists."),
        N_("There is nothing left to do."),
        Remedy.DISMISS,
    ),
    "attached_before": Reason(
        N_("Not copied again: %(name)s has attached this version there."),
        N_("There is nothing left to do."),
        Remedy.DISMISS,
    ),
    # Written before reasons were told apart: nobody can say any more what it was.
    "feature_off": Reason(N_("Stopped, because Box could not be used there."), N_("Try again.")),
    "no_access": Reason(N_("Stopped, because it could not be attached there."), N_("Try again.")),
    "cancelled": Reason(N_("Cancelled."), N_("Try again to copy it after all.")),
    "unlinked": Reason(
        N_("Cancelled, because Box was disconnected."),
        N_("Try again to copy it after all; you are asked to connect Box first."),
    ),
    "other_account": Reason(
        N_("Cancelled: it was chosen in the Box account %(login)s, and another one was linked."),
        N_("Choose it again from the account that is linked now, or link that one again."),
        Remedy.CHOOSE,
        closed=_CLOSED_LINK,
        closed_remedy=Remedy.RETRY,
    ),
    "not_in_account": Reason(
        N_(
            "It was chosen in the Box account %(login)s; the one linked when it was tried, "
            "%(now)s, did not show it."
        ),
        N_("Link that account again and try again, or choose another file."),
        Remedy.CHOOSE,
        closed=_CLOSED_LINK,
        closed_remedy=Remedy.RETRY,
    ),
    "box_narrow": Reason(
        N_("Plumbline's permission at Box does not cover this. Its people have been told."),
        N_("Read what can be done meanwhile."),
        Remedy.HELP,
        _BY_ITSELF,
    ),
    "misconfigured": Reason(
        N_("Box refuses Plumbline's own registration. Its people have been told."),
        N_("Read what can be done meanwhile."),
        Remedy.HELP,
        _BY_ITSELF,
    ),
    "link_busy": Reason(
        N_("Plumbline was just renewing the link to Box."), N_("Try again."), waits=_BY_ITSELF
    ),
    "link_unreadable": Reason(
        N_(
            "Plumbline cannot read the stored link to Box just now. The people who run it have "
            "been told."
        ),
        N_("Read what can be done meanwhile."),
        Remedy.HELP,
        _BY_ITSELF,
    ),
    "box_shut_out": Reason(
        N_("Your company's Box does not let Plumbline in."),
        N_("Ask whoever runs it to allow Plumbline."),
        Remedy.HELP,
        _BY_ITSELF,
    ),
    "box_refused": Reason(
        N_("Box did not accept the request for this file."),
        N_("Choose the file again."),
        Remedy.CHOOSE,
        closed=_CLOSED_AGAIN,
        closed_remedy=Remedy.RETRY,
    ),
    "internal": Reason(
        N_("Plumbline made a mistake while copying. It has been noted."), N_("Try again.")
    ),
    "owned_outside": Reason(
        N_("%(company)s does not take files owned by %(name)s."),
        N_("Ask the company's administrators, or choose another file."),
        Remedy.CHOOSE,
        closed=_CLOSED_RULE,
        closed_remedy=Remedy.RETRY,
    ),
    "classified": Reason(
        N_("%(company)s does not take files classified as %(name)s."),
        N_("Ask the company's administrators, or choose another file."),
        Remedy.CHOOSE,
        closed=_CLOSED_RULE,
        closed_remedy=Remedy.RETRY,
    ),
    "owned_outside_reason": Reason(
        N_("%(company)s asks for a reason for files owned by %(name)s."),
        N_("Choose the file again to give it."),
        Remedy.CHOOSE,
        closed=_CLOSED_OTHERS,
    ),
    "classified_reason": Reason(
        N_("%(company)s asks for a reason for files classified as %(name)s."),
        N_("Choose the file again to give it."),
        Remedy.CHOOSE,
        closed=_CLOSED_OTHERS,
    ),
}
# While these wait, asking again sooner would be what Box has just asked us not to do.
PATIENT = frozenset({"box_busy", "box_preparing"})


def others_text(code: str | None) -> str:
    """Return what somebody else reads of a copy, where that is not what its chooser reads."""
    return _(REASONS[code].to_others) if code and REASONS[code].to_others else ""


def reason_text(code: str | None, facts: dict[str, object]) -> str:
    """Return the sentence that says what happened; facts fill its places."""
    return _(REASONS[code].said, **facts) if code else ""


def waiting_text(code: str | None, facts: dict[str, object], until: str = "") -> str:
    """Return why a copy waits and what follows by itself; `until` is a time of day, if any."""
    if not code:
        return _("Waiting for its turn.")
    reason = REASONS[code]
    if code == "box_busy" and until:
        return _("Box asks us to wait until %(when)s.", when=until) + " " + _(reason.waits)
    said = " ".join(_(text, **facts) for text in (reason.said, reason.waits) if text)
    return said + " " + _("Not before %(when)s.", when=until) if until else said


def advice_text(code: str | None) -> str:
    """Return what the person can do about a copy that has ended."""
    return _(REASONS[code].advice) if code else ""


def closed_text(code: str) -> str:
    """Return what the person can do where choosing again would help and may not be done."""
    return _(REASONS[code].closed)


def remedy_of(code: str | None) -> Remedy:
    return REASONS[code].remedy if code else Remedy.RETRY


def closed_remedy_of(code: str) -> Remedy | None:
    return REASONS[code].closed_remedy
