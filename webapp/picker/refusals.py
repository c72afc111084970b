"""Why Box's side shows no list, in words: what happened, how long it lasts, what can be done."""

from dataclasses import dataclass

from webapp.box.errors import (
    BoxBadRequest,
    BoxBlocked,
    BoxBusy,
    BoxDenied,
    BoxError,
    BoxItemGone,
    BoxLinkBroken,
    BoxLinkBusy,
    BoxLinkUnreadable,
)
from webapp.core.text import _, ngettext
from webapp.picker.host import TooSoon

# How often a page asks again by itself, and how long it waits for that.
AUTOMATIC_TRIES, AUTOMATIC_WAIT_S = 3, 61


@dataclass(frozen=True)
class Refusal:
    """What stands where a list would.

    `code` is the stable name of what Box did, "" where it was not Box. `wait` says how long one has
    to wait; the list comes by itself after `wait_s` where that is not 0.
    """

    title: str
    advice: str
    code: str = ""
    wait: str = ""
    wait_s: int = 0
    needs_link: bool = False
    is_stale: bool = False


def by_box(error: BoxError, *, tries: int) -> Refusal:
    """Return what Box refused, or that it did not answer; `tries` is how often it was asked."""
    advice = _(error.advice)
    if isinstance(error, BoxItemGone | BoxDenied | BoxBlocked):
        advice = _("This folder is no longer in your Box, or you no longer have access to it.")
    wait_s = round(error.retry_after_s) if isinstance(error, BoxBusy) else 0
    wait = ngettext("Box asks to wait %(num)s second.", "Box asks to wait %(num)s seconds.", wait_s)
    if isinstance(error, BoxLinkBusy):
        title = _("Your Box cannot be opened just now")
        return Refusal(title, advice, error.code, wait_s=_by_itself(wait_s, tries))
    if isinstance(error, BoxLinkBroken):
        return Refusal(_("Your Box link has ended"), advice, error.code, needs_link=True)
    if isinstance(error, BoxLinkUnreadable):
        return Refusal(_("Your Box cannot be opened just now"), advice, error.code)
    return Refusal(
        _("Box did not open this"),
        advice,
        error.code,
        wait if wait_s else "",
        _by_itself(wait_s, tries),
        is_stale=isinstance(error, BoxBadRequest),
    )


def by_link(advice: str) -> Refusal:
    """Return why a pasted link leads nowhere."""
    return Refusal(_("This link does not open here"), advice)


def by_haste(too_soon: TooSoon, *, tries: int) -> Refusal:
    """Return that a search has to wait; here it is Plumbline that asks, so that Box need not."""
    wait_s = round(too_soon.wait_s)
    wait = ngettext("It can go on in %(num)s second.", "It can go on in %(num)s seconds.", wait_s)
    return Refusal(
        _("This search waits a moment"),
        str(too_soon),
        wait=wait,
        wait_s=_by_itself(wait_s, tries),
    )


def _by_itself(wait_s: int, tries: int) -> int:
    """Return after how many seconds the page asks again by itself, 0 for not at all."""
    return wait_s if wait_s <= AUTOMATIC_WAIT_S and tries < AUTOMATIC_TRIES else 0
