"""Documents in the other tools' Attach File(s): its side of the dialog, whole or in parts."""

from flask import Blueprint, request
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers.response import Response as BaseResponse

from webapp.accounts.identity import me
from webapp.core.converters import as_id
from webapp.core.database import db
from webapp.core.problems import NotFound
from webapp.core.text import tidy
from webapp.picker import frame, views
from webapp.picker.host import PickerHost
from webapp.records.models import Record
from webapp.records.visibility import Target, record_for
from webapp.tools.extensions import document_source
from webapp.tools.extensions.document_source import PAGES_MAX, QUERY_MAX_LENGTH, Listing, Place
from webapp.tools.extensions.folders import FOLDER, KEY, kind_of

PANEL = "tools/documents/_source.html"
FOLDER_PART = "tools/documents/_source_folder.html"
ROWS = "tools/documents/_source_rows.html"
TOP = "top"


def create_blueprint(host: PickerHost) -> Blueprint:
    """Return Documents' side of the dialog, for beside the dialog's own blueprint."""
    bp = views.create_source(KEY, host)
    bp.add_url_rule("/", "browse", browse)
    bp.add_url_rule("/choose", "choose", choose, methods=["POST"])
    return bp


def _place() -> Place:
    where = frame.opened_address()
    target = Target(where["project_id"], where["tool"].key, where["record_id"], where.get("row_id"))
    source = next(one for one in frame.opened_target().sources if one.key == KEY)
    return Place(me().id, target, source.url)


def browse() -> BaseResponse:
    """The whole side, one folder or what a search found, or with a page's number the rows."""
    page, listing = _page(), _listing()
    usual = FOLDER_PART if "folder" in request.args else PANEL
    whole = frame.asked_part(panel=PANEL, folder=FOLDER_PART, default=usual)
    partial = ROWS if page > 1 else whole
    return views.show_source(KEY, partial, panel=PANEL, listing=listing)


def _listing() -> Listing:
    query = " ".join(request.args.get("q", "").split())
    if len(query) > QUERY_MAX_LENGTH or tidy(query) != query:
        raise BadRequest
    place, folder = _place(), _folder()
    if query:
        return document_source.search_listing(db.session(), place, folder, query, _page())
    return document_source.folder_listing(db.session(), place, folder, _page())


def _page() -> int:
    number = as_id(request.args.get("p", "1"))
    if number is None or number > PAGES_MAX:
        raise BadRequest
    return number


def _folder() -> Record | None:
    """Return the folder that is asked for, None for the top; NotFound for one not seen here."""
    named = request.args.get("folder", TOP)
    if named == TOP:
        return None
    folder_id = as_id(named)
    if folder_id is None:
        raise BadRequest
    project_id = frame.opened_address()["project_id"]
    found = record_for(me().id, project_id=project_id, tool_key=KEY, record_id=folder_id)
    if kind_of(found) != FOLDER or found.status != "active":
        raise NotFound
    return found


def choose() -> BaseResponse:
    """Put versions into the tray or take files out.

    A ticked row names its newest version. Without a script its list of versions comes along and
    has the last word; the script has put that word into the row already.
    """
    form = request.form
    add = [
        form.get(f"version-{token.partition('-')[0]}", token) for token in form.getlist("choice")
    ]
    remove = form.getlist("remove")
    place, most = _place(), frame.opened_target().files_max
    return views.changed_tray(
        lambda: document_source.choose(db.session(), place, add=add, remove=remove, files_max=most)
    )
