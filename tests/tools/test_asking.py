"""Steps with consequences say what will happen, in numbers, before they are taken."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.support.pages import Form, Page, Visitor
from tests.support.uploading import attach_upload
from tests.support.world import World, add_record
from tests.tools.contracts import Job
from webapp.core.database import db
from webapp.records.models import Record
from webapp.tools import lifecycle
from webapp.tools.registry import TOOLS, Tool, Transition

PDF = b"%PDF-1.4 a page"
ENDING = ("discard", "remove", "delete", "void", "deactivate", "disconnect", "take-admin")


def asking(tool: Tool) -> list[Transition]:
    return [step for step in tool.transitions if tool.asks_before(step)]


def question(page: Page) -> Form:
    return next(Form.of(form) for form in page.all("form") if form.get("data-asks") is not None)


@pytest.fixture
def careful(signed_in: Callable[[str], Visitor]) -> Visitor:
    """Alice, who reads what she is asked."""
    found = signed_in("alice")
    found.says_yes = False
    return found


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.key)
def test_every_step_into_what_is_closed_or_frozen_asks(tool: Tool) -> None:
    for step in tool.transitions:
        after = tool.status(step.after)
        if not after.is_open or after.frozen:
            # One that needs a reason has a form of its own, where it is said why.
            assert tool.asks_before(step) or step.needs_reason, step.key


def test_every_address_that_ends_something_asks_first(app: Flask) -> None:
    """By a page at the same address, or by the question of the record it is about."""
    rules = list(app.url_map.iter_rules())
    asked = {str(rule) for rule in rules if "GET" in (rule.methods or ())}
    at_ask = {
        "/projects/<id:project_id>/<tool:tool>/<id:record_id>/discard",
        "/projects/<id:project_id>/<tool:tool>/<id:record_id>/rows/<id:row_id>/remove",
    }
    # What was kept of a form, and the bytes of an upload that did not come to its end: each stands
    # beside what it lets go.
    parts = "/attach/computer/discard"
    record = "/projects/<id:project_id>/<tool:tool>/<id:record_id>"
    answers = {"/unsent/discard", record + parts, f"{record}/rows/<id:row_id>{parts}"}
    ending = {
        str(rule)
        for rule in rules
        if "POST" in (rule.methods or ()) and str(rule).rpartition("/")[2] in ENDING
    }
    assert at_ask <= ending
    assert ending - asked - at_ask - answers == set()


@pytest.fixture
def record(app: Flask, world: World) -> Callable[[Tool, str], str]:
    def make(tool: Tool, status: str) -> str:
        with app.app_context():
            session = db.session()
            first = tool.first_status
            record_id = add_record(session, world, tool.key, "Nearly over", status=first)
            found = session.get_one(Record, record_id)
            found.status, found.is_open = status, tool.status(status).is_open
            lifecycle.restrict(session, tool, found)
            session.commit()
            db.session.remove()
        return f"/projects/{world.tower}/{tool.slug}/{record_id}"

    return make


def status_of(app: Flask, here: str) -> str:
    with app.app_context():
        found = db.session.get_one(Record, int(here.rpartition("/")[2])).status
        db.session.remove()
    return found


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.key)
def test_nothing_happens_before_the_answer(
    app: Flask, careful: Visitor, record: Callable[[Tool, str], str], tool: Tool
) -> None:
    for step in asking(tool):
        before = step.before[-1]
        here = record(tool, before)
        for said in ({}, {"seen": "x"}, {"seen": "0" * 32}):
            page = careful.post(f"{here}/move", {"move": step.key, **said}, expect=None)
            # Asked, asked again, or refused before any question.
            assert page.status in {303, 403, 409, 422}, (step.key, page.status)
            assert status_of(app, here) == before, step.key
        careful.get(f"{here}/ask?move={step.key}", expect=None)
        assert status_of(app, here) == before, step.key


def test_a_question_is_a_page_and_its_button_takes_the_step(
    app: Flask, careful: Visitor, world: World
) -> None:
    here = f"/projects/{world.tower}/rfis/{world.rfi}"
    attach_upload(careful, f"{here}/attach/", ("a.pdf", PDF), ("b.pdf", PDF))
    page = careful.post(f"{here}/move", {"move": "close"})
    assert page.h1 == "Close?"
    assert "Its text and 2 files stay as they are from then on." in page.text
    assert "The step “Open again” takes it back." in page.text
    assert page.links()["Cancel"] == here
    careful.submit(page, "/move")
    assert status_of(app, here) == "closed"


def test_in_a_dialog_the_focus_begins_on_what_does_nothing(careful: Visitor, world: World) -> None:
    here = f"/projects/{world.tower}/rfis/{world.rfi}"
    (button,) = (
        b for b in careful.get(here).all("button", name="move") if b.get("value") == "close"
    )
    dialog = careful.get(button.get("hx-get") or "", htmx=True)
    (box,) = dialog.all("dialog")
    assert box.get("role") == "alertdialog"
    ids = {e.get("id") for e in dialog.tree.iter()}
    assert {box.get("aria-labelledby"), box.get("aria-describedby")} <= ids
    (first,) = (e for e in dialog.tree.iter() if e.get("autofocus") is not None)
    assert "".join(first.itertext()).strip() == "Cancel"
    assert first.get("data-closes-dialog") is not None


def test_numbers_that_change_meanwhile_are_asked_about_again(
    app: Flask, careful: Visitor, alice: Visitor, world: World
) -> None:
    here = f"/projects/{world.tower}/rfis/{world.rfi}"
    page = careful.post(f"{here}/move", {"move": "close"})
    attach_upload(alice, f"{here}/attach/", ("late.pdf", PDF))
    again = careful.submit(page, "/move", expect=409)
    assert "Something has changed since you were asked." in again.text
    assert "Its text and 1 file stay as they are" in again.text
    assert status_of(app, here) == "open"
    careful.submit(again, "/move")
    assert status_of(app, here) == "closed"


def test_a_step_beside_save_saves_and_asks(app: Flask, careful: Visitor, world: World) -> None:
    page = careful.post(f"/projects/{world.tower}/emails")
    here = page.response.request.path.removesuffix("/edit")
    given: dict[str, Any] = {
        "title": "Crane on Thursday",
        "to": [str(world.people["bob"]), str(world.people["rita"])],
        "outside": "crane@hire.example",
        "move": "send",
    }
    asked = careful.submit(page, "/edit", **given)
    assert asked.h1 == "Send to 3 recipients?"
    assert "1 address is outside the project." in asked.text
    assert "This cannot be undone." in asked.text
    assert status_of(app, here) == "draft"
    assert "Crane on Thursday" in careful.get(here).text
    careful.submit(asked, "/move")
    assert status_of(app, here) in {"sending", "sent"}


def test_approving_a_change_order_says_what_the_contract_becomes(
    app: Flask, alice: Visitor, careful: Visitor, job: Job
) -> None:
    contract = job.make(alice, "prime_contract", "General works")
    job.line(alice, contract, "100000")
    change = job.make(
        alice, "change_orders", "Storm drain", parent=contract.rpartition("/")[2], tier="potential"
    )
    job.line(alice, change, "11850")
    alice.post(f"{change}/move", {"move": "submit"})
    page = careful.post(f"{change}/move", {"move": "approved"})
    assert "becomes $111,850.00; it is $100,000.00 now." in page.text
    assert "What is pending on PC-001 becomes $0.00; it is $11,850.00 now." in page.text
    assert job.record(change).status == "pending_in_review"
    assert job.sums(contract)[0] == 0
    careful.submit(page, "/move")
    assert job.sums(contract)[0] == 11850
