"""What can go wrong with Box, as the callers need to tell it apart.

    BoxError
      BoxLinkBroken        only the person can repair it: link again
      BoxMisconfigured     only the operator can repair it: client id or secret
        BoxNarrow            ... or the scopes of Plumbline's own app at Box
        BoxLinkUnreadable    ... or the key with which the link is stored
      BoxUnavailable       the same call may succeed later
        BoxBusy            ... and Box, or our own lock, says when
          BoxLinkBusy      somebody here is renewing the same link; Box is not asked meanwhile
          BoxNotReady      a fresh upload that Box is still preparing (202)
        BoxShutOut         an enterprise keeps Plumbline out, for its own people alone
        BoxOdd             an answer that is none of Box's documented ones
      BoxItemGone          deleted, trashed, or hidden from this account
        BoxVersionGone     the file is there, the chosen version is not
      BoxDenied            this account may see the item but not have its bytes
      BoxBlocked           a policy, a lock or a scan forbids the download to everyone
      BoxBadRequest        Box did not accept a parameter (a stale marker, a bad offset)

Each class carries the sentence for the person and the stable code that rows and tests use.
"""

from typing import ClassVar


def N_(text: str) -> str:  # noqa: N802  # gettext's customary name
    """Mark a sentence for translation; this room knows nothing that could translate it."""
    return text


class BoxError(Exception):
    """Anything that stood between the person and their Box."""

    code: ClassVar[str] = "internal"
    advice: ClassVar[str] = N_("Something went wrong between Plumbline and Box.")


class BoxLinkBroken(BoxError):
    """The refresh token was refused (`invalid_grant`): only the person can repair this."""

    code = "relink_needed"
    advice = N_("Box no longer accepts your link. Reconnect Box to go on.")


class BoxMisconfigured(BoxError):
    """Box does not know this installation (`invalid_client`); no link is at fault."""

    code = "misconfigured"
    advice = N_("Box is not set up correctly for Plumbline. The people who run it have been told.")


class BoxNarrow(BoxMisconfigured):
    """403 `insufficient_scope`: the app's scopes at Box do not cover the call."""

    code = "box_narrow"
    advice = N_(
        "Plumbline's permission at Box does not cover this. The people who run it have been told."
    )


class BoxLinkUnreadable(BoxMisconfigured):
    """What is stored of the link does not open here; nothing is known to be wrong with the link."""

    code = "link_unreadable"
    advice = N_(
        "Plumbline cannot read the stored link to Box just now. The people who run it have been "
        "told."
    )


class BoxUnavailable(BoxError):
    """Timeout, connection failure or 5xx: the same call may succeed later."""

    code = "box_down"
    advice = N_("Box is not answering right now. Try again in a moment.")


class BoxBusy(BoxUnavailable):
    """Too many calls (429)."""

    code = "box_busy"
    advice = N_("Box asks us to wait a little.")

    def __init__(self, message: str = "", *, retry_after_s: float = 5) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class BoxLinkBusy(BoxBusy):
    """Another process or thread of ours holds the link to renew it."""

    code = "link_busy"
    advice = N_("Plumbline is renewing the link to Box. Try again in a moment.")


class BoxNotReady(BoxBusy):
    """The content of a fresh upload is not there yet (202)."""

    advice = N_("Box is still preparing this file.")


class BoxShutOut(BoxUnavailable):
    """`unauthorized_client` for one grant, while Box knows us: an enterprise has shut us out."""

    code = "box_shut_out"
    advice = N_("Your company's Box does not let Plumbline in. Ask whoever runs it to allow it.")


class BoxOdd(BoxUnavailable):
    """An answer in no form Box documents: broken JSON, a foreign redirect, far too long."""

    advice = N_("Box answered in a way Plumbline does not understand. Try again in a moment.")


class BoxItemGone(BoxError):
    """404; Box answers the same for what is absent and for what this account may not see."""

    code = "not_found_in_box"
    advice = N_("It is no longer in your Box, or you no longer have access to it.")


class BoxVersionGone(BoxItemGone):
    """The file is there but not in the version that was chosen."""

    code = "changed_in_box"
    advice = N_("The version you chose is no longer in Box.")


class BoxDenied(BoxError):
    """403: this account may look but not download."""

    code = "no_permission_in_box"
    advice = N_("Your Box account may not download this file.")


class BoxBlocked(BoxError):
    """403 by policy or lock: nobody gets the bytes for now."""

    code = "blocked_in_box"
    advice = N_("Box has blocked the download of this file.")


class BoxBadRequest(BoxError):
    """400: the parameters do not fit, for example a marker that has run out."""

    code = "box_refused"
    advice = N_("The list changed in Box. Start again from the top of the folder.")
