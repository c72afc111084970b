"""New leaves nothing behind, and what was discarded or removed comes back for thirty days."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from tests.support.pages import Page, Visitor
from tests.support.uploading import attach_upload, upload
from tests.support.world import World
from tests.tools.contracts import Job, id_in
from webapp.core.clock import utcnow
from webapp.core.database import db
from webapp.records.models import Record, RecordRow
from webapp.tools.registry import TOOLS, Tool
from webapp.wiring import chores

PDF = b"%PDF-1.4 a page"
BEGUN = [tool for tool in TOOLS if tool.key != "documents"]


def seen(visitor: Visitor, world: World, tool: Tool) -> tuple[str, ...]:
    """Return what a person is told of a tool: on Home, in its list, and as CSV of the files."""
    project = f"/projects/{world.tower}"
    pages = (project, f"{project}/{tool.slug}", f"{project}/files")
    return tuple(visitor.get(page).text for page in pages)


def count(app: Flask) -> int:
    with app.app_context():
        found = db.session.scalar(select(func.count(Record.id))) or 0
        db.session.remove()
    return found


def last_number(app: Flask, tool: Tool) -> int:
    with app.app_context():
        query = select(func.max(Record.number_sort)).where(Record.tool_key == tool.key)
        found = db.session.scalar(query) or 0
        db.session.remove()
    return found


def record(app: Flask, here: str) -> Record | None:
    with app.app_context():
        found = db.session.get(Record, id_in(here))
        db.session.expunge_all()
        db.session.remove()
    return found


def begin(visitor: Visitor, world: World, tool: Tool) -> tuple[str, Page]:
    page = visitor.post(f"/projects/{world.tower}/{tool.slug}")
    return page.response.request.path.removesuffix("/edit"), page


def cancel(visitor: Visitor, here: str, page: Page, **typed: Any) -> Page:
    """Press Cancel on the form of something new."""
    (button,) = (b for b in page.all("button") if (b.get("formaction") or "").endswith("/cancel"))
    assert button.get("formaction") == f"{here}/cancel"
    return visitor.post(f"{here}/cancel", {**page.form("/edit").values, **typed})


@pytest.mark.parametrize("tool", BEGUN, ids=lambda tool: tool.key)
def test_new_and_cancel_leave_everything_as_it_was(
    app: Flask, alice: Visitor, world: World, tool: Tool
) -> None:
    before, records, taken = seen(alice, world, tool), count(app), last_number(app, tool)
    here, page = begin(alice, world, tool)
    # Not saved yet, it is nobody's: on no list, in no court, not even its own creator's.
    assert seen(alice, world, tool) == before
    cancel(alice, here, page)
    assert seen(alice, world, tool) == before
    assert count(app) == records
    # And the next one has the number that this one never took.
    here, page = begin(alice, world, tool)
    title = tool.title_from or "title"
    given: dict[str, Any] = {title: "Kept", "manager": str(world.people["alice"])}
    alice.submit(page, "/edit", **given)
    kept = record(app, here)
    assert kept is not None
    assert kept.number_sort in {None, taken + 1}


@pytest.mark.parametrize("tool", BEGUN, ids=lambda tool: tool.key)
def test_what_was_begun_with_files_is_found_again_and_on_no_list(
    alice: Visitor, world: World, tool: Tool
) -> None:
    home, listed, files = seen(alice, world, tool)
    here, _page = begin(alice, world, tool)
    attach_upload(alice, f"{here}/attach/", ("Begun.pdf", PDF))
    assert seen(alice, world, tool)[::2] == (home, files)
    page = alice.get(f"/projects/{world.tower}/{tool.slug}")
    assert f"{here}/edit" in page.links().values()
    assert page.text.startswith(listed[:200])


def test_cancel_after_editing_what_was_saved_just_leaves(alice: Visitor, world: World) -> None:
    here = f"/projects/{world.tower}/rfis/{world.draft_rfi}"
    page = alice.get(f"{here}/edit")
    assert page.links()["Cancel"] == here
    alice.post(f"{here}/cancel", expect=303)
    assert alice.get(here).status == 200


def test_cancel_asks_before_files_and_words_are_lost_and_both_come_back(
    app: Flask, alice: Visitor, world: World
) -> None:
    alice.says_yes = False
    tool = TOOLS.get("rfis")
    assert tool is not None
    here, _page = begin(alice, world, tool)
    attach_upload(alice, f"{here}/attach/", ("Sketch.pdf", PDF))
    asked = cancel(alice, here, alice.get(f"{here}/edit"), title="Slab edge", question="How far?")
    assert asked.h1 == "Discard this RFI?"
    assert "With it go: 1 file (15 bytes)." in asked.text
    # No: what was typed is there.
    again = alice.get(asked.links()["Cancel"])
    assert again.form("/edit").values["title"] == ["Slab edge"]
    # It is on no list, but whoever began it finds it.
    listed = alice.get(f"/projects/{world.tower}/rfis")
    assert f"{here}/edit" in listed.links().values()
    # Yes: it is gone, and its creator alone can bring it back.
    alice.submit(asked, "/discard")
    alice.get(here, expect=404)
    alice.get(f"{here}/attach/", expect=404)
    listed = alice.get(f"/projects/{world.tower}/rfis")
    assert f"{here}/edit" not in listed.links().values()
    back = alice.submit(listed, f"{here}/bring-back")
    assert back.form("/edit").values["question"] == ["How far?"]
    assert "Sketch.pdf" in back.links()


def test_nobody_else_brings_a_discarded_draft_back(
    alice: Visitor, bob: Visitor, world: World
) -> None:
    here = f"/projects/{world.tower}/rfis/{world.draft_rfi}"
    alice.post(f"{here}/discard")
    assert "Not yet asked" in alice.get(f"/projects/{world.tower}/rfis").text
    assert "Not yet asked" not in bob.get(f"/projects/{world.tower}/rfis").text
    bob.post(f"{here}/bring-back", expect=404)
    alice.post(f"{here}/bring-back")
    alice.post(f"{here}/bring-back", expect=404)
    assert alice.get(here).h1 == "Not yet asked"


def test_a_batch_says_what_goes_with_it_and_is_swept_after_thirty_days(
    app: Flask, alice: Visitor, world: World
) -> None:
    alice.says_yes = False
    tool = TOOLS.get("drawings")
    assert tool is not None
    here, page = begin(alice, world, tool)
    alice.submit(page, "/edit")
    attach_upload(alice, f"{here}/attach/", ("A-101.pdf", PDF), ("A-102.pdf", PDF))
    upload(alice, f"{here}/attach/", ("A-103.pdf", PDF))
    asked = alice.post(f"{here}/discard")
    assert asked.h1 == "Discard this batch?"
    assert "With it go: 2 files (30 bytes)." in asked.text
    assert "1 file was chosen and not attached yet; it goes too." in asked.text
    alice.submit(asked, "/discard")
    assert "To be looked through" not in alice.get(f"/projects/{world.tower}/drawings").text
    for days, is_there in ((29, True), (31, False)):
        with time_machine.travel(utcnow() + timedelta(days=days)), app.app_context():
            chores.sweep_drafts()
            db.session.remove()
        assert (record(app, here) is not None) is is_there


def test_a_removed_line_is_asked_about_counts_no_more_and_comes_back_once(
    app: Flask, alice: Visitor, job: Job
) -> None:
    alice.says_yes = False
    here = job.make(alice, "prime_contract", "General works")
    job.line(alice, here, "100000")
    job.line(alice, here, "11850", description="Storm drain")
    with app.app_context():
        row_id = db.session.scalars(select(RecordRow.id).order_by(RecordRow.id.desc())).first()
        db.session.remove()
    asked = alice.post(f"{here}/rows/{row_id}/remove")
    assert asked.h1 == "Remove this line?"
    assert "The total becomes $100,000.00; it is $111,850.00 now." in asked.text
    assert job.record(here).amount == 111850
    page = alice.submit(asked, f"/rows/{row_id}/remove")
    assert job.record(here).amount == 100000
    assert job.sums(here)[3] == 100000
    alice.get(f"{here}/rows/{row_id}/edit", expect=404)
    page = alice.submit(page, f"/rows/{row_id}/restore")
    assert job.record(here).amount == 111850
    alice.post(f"{here}/rows/{row_id}/restore", expect=404)
    assert job.sums(here)[3] == 111850
    assert "restored Line: Storm drain" in page.text
    alice.submit(alice.post(f"{here}/rows/{row_id}/remove"), f"/rows/{row_id}/remove")
    with time_machine.travel(utcnow() + timedelta(days=31)), app.app_context():
        chores.sweep_drafts()
        assert db.session.get(RecordRow, row_id) is None
        db.session.remove()
