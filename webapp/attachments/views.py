"""What people do with one file: save it, look at it, rename it, remove it, bring it back."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, Response, make_response, redirect, render_template
from sqlalchemy import ColumnElement, select
from werkzeug.wrappers.response import Response as BaseResponse

from webapp.accounts.identity import me
from webapp.attachments import changing, sending
from webapp.attachments.forms import FileForm, labelled
from webapp.attachments.models import Attachment, Source
from webapp.core import htmx
from webapp.core.database import db, release, writing
from webapp.core.names import extension_of
from webapp.core.problems import Conflict, Forbidden, Invalid, NotFound, Problem
from webapp.core.settings import settings
from webapp.core.text import _, tidy
from webapp.records.models import Record
from webapp.records.visibility import hangs_visibly


@dataclass(frozen=True)
class Host:
    """What only the tools above know: who may change or remove a file, and where its page is."""

    may_remove: Callable[[int, Attachment], bool]
    page_of: Callable[[Attachment], str]

    def require(self, found: Attachment) -> Attachment:
        if not self.may_remove(me().id, found):
            raise Forbidden(_("You may not change or remove this file."))
        return found

    def changeable(self, public_id: str) -> Attachment:
        """Return a file this person may rename and remove; Forbidden when they only see it."""
        return self.require(_visible(public_id))


def create_blueprint(
    may_remove: Callable[[int, Attachment], bool], page_of: Callable[[Attachment], str]
) -> Blueprint:
    """Return the views of one file."""
    bp = Blueprint("attachments", __name__, url_prefix="/attachments")
    host = Host(may_remove, page_of)
    _add_reading(bp, host)
    _add_naming(bp, host)
    _add_removing(bp, host)
    return bp


def _add_reading(bp: Blueprint, host: Host) -> None:
    @bp.get("/<token:public_id>")
    def download(public_id: str) -> Response:
        """The file under its own name; asks the record's visibility every time."""
        found = _visible(public_id)
        release()
        return sending.download(found)

    @bp.get("/<token:public_id>/view")
    def view(public_id: str) -> Response:
        """The file in the browser where it is a PDF or a picture; asks just as often."""
        found = _visible(public_id)
        release()
        return sending.view(found)

    @bp.get("/<token:public_id>/about")
    def about(public_id: str) -> str:
        """Where a copy from Box came from, and the way back to the file there."""
        found = _visible(public_id)
        if found.source != Source.BOX:
            raise NotFound
        return render_template(
            "attachments/about.html", attachment=found, page_url=host.page_of(found)
        )


def _add_naming(bp: Blueprint, host: Host) -> None:
    @bp.get("/<token:public_id>/edit")
    def edit(public_id: str) -> BaseResponse:
        found = host.changeable(public_id)
        return _edit_page(host, found, labelled(FileForm(formdata=None, obj=found)))

    @bp.post("/<token:public_id>/edit")
    def change(public_id: str) -> BaseResponse:
        """Give the file another name, which keeps the extension, or another description."""
        form = labelled(FileForm())
        if not form.validate():
            return _edit_page(host, host.changeable(public_id), form)
        try:
            with writing() as session:
                found = host.changeable(public_id)
                changing.change(
                    session,
                    found,
                    name=changing.new_name(found, form.name.data),
                    description=form.description.data,
                    person_id=me().id,
                )
                page_url = host.page_of(found)
        except Invalid as problem:
            form.name.errors = [problem.advice]
            return _edit_page(host, host.changeable(public_id), form)
        except Conflict as problem:
            return _edit_page(host, host.changeable(public_id), form, problem)
        return redirect(page_url, 303)


def url_in_box(found: Attachment) -> str:
    """Return where whoever may see the file opens it in Box."""
    return f"{settings().box_web_url}/file/{found.box_file_id}"


def _edit_page(
    host: Host, found: Attachment, form: FileForm, problem: Problem | None = None
) -> BaseResponse:
    text = render_template(
        "attachments/edit.html",
        attachment=found,
        extension=found.name.rpartition(".")[2] if extension_of(found.name) else "",
        original=tidy(found.original_name),
        form=form,
        page_url=host.page_of(found),
        problem=problem,
    )
    status = problem.status if problem else 422 if form.errors else 200
    return make_response(text, status)


def _add_removing(bp: Blueprint, host: Host) -> None:
    @bp.get("/<token:public_id>/remove")
    def ask_remove(public_id: str) -> str:
        found = host.changeable(public_id)
        page_url = host.page_of(found)
        return render_template("attachments/remove.html", attachment=found, page_url=page_url)

    @bp.post("/<token:public_id>/remove")
    def remove(public_id: str) -> BaseResponse:
        """Take the file off its record; it is kept for thirty days, Box is not touched."""
        with writing() as session:
            found = host.changeable(public_id)
            changing.remove(session, found, person_id=me().id)
            page_url = host.page_of(found)
        if htmx.wants_partial():
            return htmx.announce(make_response("", 204), "files-changed")
        return redirect(page_url, 303)

    @bp.post("/<token:public_id>/restore")
    def restore(public_id: str) -> BaseResponse:
        """Hang a removed file back on its record, within its thirty days."""
        with writing() as session:
            found = host.require(_found(Attachment.public_id == public_id))
            changing.restore(session, found, person_id=me().id)
            page_url = host.page_of(found)
        return redirect(page_url, 303)


def _visible(public_id: str) -> Attachment:
    """Return a file this person sees; absent, removed and forbidden are one NotFound."""
    return _found(Attachment.public_id == public_id, Attachment.removed_at.is_(None))


def _found(*conditions: ColumnElement[bool]) -> Attachment:
    found = db.session.scalar(
        select(Attachment)
        .join(Record, Record.id == Attachment.record_id)
        .where(*conditions, hangs_visibly(me().id, Attachment.row_id))
    )
    if found is None:
        raise NotFound
    return found
