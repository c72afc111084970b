"""Why a copy waits, failed or stopped, in words: the stable codes and their sentences.

Each sentence says what happened; the page adds what was tried and the one thing to do next.
"""

from webapp.core.text import N_, _

TEXTS = {
    "relink_needed": N_("Your Box link has ended. The copy starts by itself when you reconnect."),
    "box_busy": N_("Box asks us to wait. The copy then goes on by itself."),
    "box_down": N_("Box is not answering. We try again by itself."),
    "box_preparing": N_("Box is still preparing this file. We try again by itself."),
    "cut_off": N_("The connection to Box dropped at %(done)s of %(size)s."),
    "not_found_in_box": N_("It was deleted in Box since it was chosen, or access was lost."),
    "no_permission_in_box": N_("Your Box account may not download it any more."),
    "blocked_in_box": N_("Box has blocked its download: a policy, a lock or a scan forbids it."),
    "changed_in_box": N_(
        "The chosen version is no longer in Box; a newer one is. Choose the file again to take it."
    ),
    "corrupt_transfer": N_("What arrived from Box was not what Box had announced."),
    "too_big": N_("It is larger than the limit for one file."),
    "storage_full": N_("Plumbline's storage is full. We try again in a few minutes."),
    "storage_down": N_("Plumbline's storage did not take the file. We try again by itself."),
    "feature_off": N_("Box was switched off for this company."),
    "no_access": N_("You may no longer attach files to this record."),
    "record_gone": N_("The record no longer exists."),
    "cancelled": N_("Cancelled."),
    "unlinked": N_("Cancelled, because Box was disconnected."),
    "misconfigured": N_("Box refuses Plumbline's own registration. Its people have been told."),
    "box_refused": N_("Box did not accept the request for this file."),
    "internal": N_("Plumbline made a mistake while copying. It has been noted."),
}


def reason_text(code: str | None, facts: dict[str, object]) -> str:
    """Return the sentence for a code; facts fill its places."""
    return _(TEXTS[code], **facts) if code else ""
