"""The sentences of the notices; every kind that is ever sent has one here."""

from flask import Flask

from webapp.accounts.models import Notice
from webapp.core.text import N_, _, said

TEXTS = {
    "link_ended": N_("Your Box link has ended. Reconnect Box to attach from it again."),
    "import_failed": N_("%(name)s could not be copied to %(record)s: %(reason)s"),
    "import_waits_for_link": N_("%(count)s files wait until you reconnect Box."),
    "added_to_project": N_("%(by)s added you to %(project)s."),
    "added_to_company": N_("%(by)s added you to %(company)s."),
    "invitation_made": N_("You invited %(name)s. Copy their link from their page and send it."),
    "invitation_accepted": N_("%(name)s accepted your invitation to %(company)s."),
    "invitation_declined": N_("%(name)s declined your invitation to %(company)s."),
    "made_admin": N_("You are an administrator of %(company)s now."),
    "email_received": N_("%(sender)s sent you an e-mail: %(subject)s"),
    "email_failed": N_("Your e-mail did not go out: %(subject)s"),
    "email_refused": N_("Your e-mail did not reach everybody: %(subject)s"),
    "box_granted": N_("Box was granted to %(company)s. Its people can link their own Box now."),
    "box_granted_off": N_(
        "Box was granted to %(company)s. It is switched off there until an administrator of the "
        "company turns it on."
    ),
    "box_declined": N_("Box was not granted to %(company)s: %(reason)s"),
    "box_withdrawn": N_("Box was withdrawn from %(company)s: %(reason)s"),
    "box_requested": N_("%(company)s asks for Box."),
    "box_misconfigured": N_("Box refuses Plumbline's client id or secret. Nobody can link."),
    "box_narrow": N_(
        "Box refuses what Plumbline asks: its scopes at Box are too narrow. Allow it to read and "
        "write files in Box's developer console."
    ),
    "box_key_missing": N_(
        "TOKEN_KEYS does not open a stored link to Box. Put the missing key back and restart; the "
        "link then works as before."
    ),
    "submittal_distributed": N_("%(record)s was closed and distributed: %(title)s"),
    "meeting_distributed": N_("%(record)s was distributed."),
    "box_not_told": N_(
        "Box could not be told to forget a link of yours. Remove Plumbline in Box yourself, in "
        "your account settings there, under Integrations."
    ),
}


def notice_text(notice: Notice) -> str:
    """Return a notice as a sentence in the reader's language."""
    return _(TEXTS[notice.kind], **{key: said(fact) for key, fact in notice.facts.items()})


def add_texts(texts: dict[str, str]) -> None:
    """Teach the notices the sentences of a room above."""
    TEXTS.update(texts)


def init_notices(app: Flask) -> None:
    app.add_template_filter(notice_text)
