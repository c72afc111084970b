"""Box's side of the dialog: folders, the views beside them, and what a search finds.

Whatever is shown comes from one call to Box of at most a hundred items, as a rule. Rows that follow
are asked for when one gets there; only Box's saying so ends a list, never a short or empty page.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from flask import request, url_for
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers.response import Response as BaseResponse

from webapp.box import links
from webapp.box.errors import BoxError
from webapp.box.items import ROOT_ID, is_item_id
from webapp.core import htmx
from webapp.core.numbers import as_whole
from webapp.core.text import _
from webapp.picker import finding, refusals
from webapp.picker.finding import FOLLOWING
from webapp.picker.frame import (
    DIALOG,
    asked_part,
    box_url,
    frame,
    opened_host,
    opened_last_folder,
    opened_target,
)
from webapp.picker.host import Door, TooSoon
from webapp.picker.listing import WAYS, Listing, View
from webapp.picker.refusals import Refusal

# What an address here may carry; all of it, and what of it outlives a list that has changed.
OWN_ARGS = frozenset(
    {"in", "n", "s", "m", "sort", "dir", "q", "scope", "kind", "since", "folder", "o"}
)
LASTING_ARGS = frozenset({"in", "sort", "dir"})
REFUSED = 424
PANEL, FOLDER, ROWS = "picker/_panel.html", "picker/_folder.html", "picker/_rows.html"
PROBLEM, MORE_PROBLEM = "picker/_problem.html", "picker/_more_problem.html"
SHUT = "picker/_shut.html"


# ---- what is shown


def show_panel() -> BaseResponse:
    """Box's side of the dialog: where it was last used, else the root; or why Box is shut here."""
    return _answer(finding.last_or_root, whole=PANEL)


def show_folder(folder_id: str) -> BaseResponse:
    """A folder's first page, or with a marker the rows that follow."""
    if not is_item_id(folder_id):
        raise BadRequest
    return _answer(lambda door: finding.folder(door, folder_id), folder_id=folder_id)


def show_last() -> BaseResponse:
    """The folder that was last attached from here; the root when this account sees it no more."""
    return _answer(finding.last_or_root)


def show_recents() -> BaseResponse:
    """What this person has used lately in Box."""
    return _answer(finding.recents)


def show_favorites() -> BaseResponse:
    """What this person has marked with a star in Box."""
    return _answer(finding.favorites)


def show_shared() -> BaseResponse:
    """What others own and have invited this person to."""
    return _answer(finding.shared)


def show_search() -> BaseResponse:
    """Files and folders by name, here and below or in all of Box, by Box's own search.

    A link of Box in the place of a name leads to what it stands for.
    """
    pasted = request.args.get("q", "").strip()
    if links.looks_like_link(pasted):
        return _answer(lambda door: finding.pasted(door, pasted))
    search, folder_id = finding.asked_search(), request.args.get("folder", ROOT_ID)
    if not is_item_id(folder_id):
        raise BadRequest
    if not search.query:
        return _answer(lambda door: finding.folder(door, folder_id), folder_id=folder_id)
    return _answer(lambda door: finding.hits(door, search, folder_id), folder_id=folder_id)


def _answer(
    make: Callable[[Door], Listing],
    *,
    folder_id: str = ROOT_ID,
    whole: str = FOLDER,
) -> BaseResponse:
    """Answer with what `make` gets of Box: whole, or its rows alone when they follow others."""
    whole = asked_part(panel=PANEL, folder=FOLDER, default=whole)
    door = _door_or_page()
    if not isinstance(door, Door):
        return door
    is_again = "again" in request.args
    follows = htmx.wants_partial() and (is_again or not request.args.keys().isdisjoint(FOLLOWING))
    # The panel's failure is a panel too: it is the place in which the dialog goes on.
    problem = PROBLEM if whole == FOLDER else whole
    try:
        listing = make(door)
    except finding.LinkRefused as error:
        return _refused(door, refusals.by_link(str(error)), folder_id, partial=problem)
    except TooSoon as error:
        refusal = refusals.by_haste(error, tries=_tries())
        return _refused(door, refusal, folder_id, partial=MORE_PROBLEM if follows else problem)
    except BoxError as error:
        refusal = refusals.by_box(error, tries=_tries())
        return _refused(door, refusal, folder_id, partial=MORE_PROBLEM if follows else problem)
    if is_again:
        listing = replace(listing, more="")
    partial = ROWS if follows else whole
    shown = frame(door=door, listing=listing, **_choices(partial))
    return htmx.render(partial, within="picker/page.html", **shown)


def _choices(partial: str) -> dict[str, Any]:
    """Return what the frame around a list offers: the views, and what narrows a search."""
    if htmx.wants_partial() and partial not in (DIALOG, PANEL):
        return {}
    has_last = opened_last_folder() is not None
    return {
        "ways": WAYS,
        "urls": _urls,
        "has_last": has_last,
        "kinds": _kinds(),
        "ages": _ages(),
    }


def _urls(view: View) -> str:
    return box_url("folder", folder_id=ROOT_ID) if view == View.FILES else box_url(view.value)


def _kinds() -> list[tuple[str, str]]:
    return [
        ("", _("Any type")),
        ("pdf", _("PDF")),
        ("drawings", _("Drawings and models")),
        ("pictures", _("Pictures")),
        ("documents", _("Documents")),
        ("sheets", _("Spreadsheets")),
        ("folders", _("Folders")),
    ]


def _ages() -> list[tuple[str, str]]:
    return [
        ("", _("Any time")),
        ("7", _("Last 7 days")),
        ("30", _("Last 30 days")),
        ("365", _("Last 12 months")),
    ]


# ---- what Box refused


def _door_or_page() -> Door | BaseResponse:
    """Return an open door, or the page that says why Box is shut and what to do."""
    door = opened_host().box(opened_target())
    if door.client is not None:
        return door
    # 200, not 424: nothing failed, and the page keeps asking until the link is there.
    whole = asked_part(panel=SHUT, folder=SHUT, default=SHUT)
    response = htmx.render(whole, within="picker/page.html", **frame(door=door))
    if htmx.wants_partial() and whole == SHUT:
        # Whatever was asked for, and whichever part of it, all of Box's side is shut.
        whole_side = {
            "Retarget": "#picker-panel",
            "Reselect": "#picker-panel",
            "Reswap": "outerHTML",
        }
        response.headers.extend((f"HX-{name}", value) for name, value in whole_side.items())
    return response


def _refused(door: Door, refusal: Refusal, folder_id: str, *, partial: str) -> BaseResponse:
    """Answer with what stands where the list would."""
    again = _again(folder_id, from_the_top=refusal.is_stale)
    shown = frame(door=door, problem=refusal, again=again, **_choices(partial))
    return htmx.render(partial, within="picker/page.html", status=REFUSED, **shown)


def _tries() -> int:
    """Return how often this address was tried before; only ever used to stop trying."""
    return as_whole(request.args.get("t"), 999) or 0


def _again(folder_id: str, *, from_the_top: bool) -> str:
    """Return the address to try once more: the same one, or the folder's beginning."""
    endpoint, names = str(request.endpoint), OWN_ARGS
    variables = dict(request.view_args or {})
    kept: dict[str, Any] = {name: request.args[name] for name in names if name in request.args}
    if from_the_top and "folder_id" in variables:
        kept = {name: value for name, value in kept.items() if name in LASTING_ARGS}
        return box_url("folder", folder_id=folder_id, **kept, t=_tries() + 1)
    if from_the_top:
        kept = {name: value for name, value in kept.items() if name not in FOLLOWING}
    return url_for(endpoint, **variables, **kept, t=_tries() + 1)
