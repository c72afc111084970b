"""Last used here: the dialog begins in the folder from which this tool was last attached to."""

import pytest
from flask import Flask
from sqlalchemy import func, select

from tests.picker.dialog import (
    PROJECT,
    RFIS,
    SAFETY,
    address_of,
    asked,
    crumbs,
    lines,
    picker,
    punch_picker,
    tick,
    trail,
)
from tests.sandbox.process import SandboxProcess
from tests.support.copying import send
from tests.support.linking import link
from tests.support.pages import Page, Visitor
from tests.support.world import World
from webapp.core.database import db
from webapp.imports.models import LastFolder

ROSA = "rosa.imamura@boxmail.example"
DRAWINGS = f"{PROJECT}/03 Drawings"


def attach_from(visitor: Visitor, sandbox: SandboxProcess, here: str, folder: str) -> None:
    """Choose the first file of a folder that can be chosen, and attach it."""
    page = visitor.get(address_of(sandbox, here, folder))
    token = next(line.token for line in lines(page) if line.token)
    tick(visitor, here, token, within=trail(page))
    send(visitor, here)


def opened(visitor: Visitor, here: str) -> Page:
    """Open Box's side as the dialog does."""
    return visitor.get(f"{here}box/", htmx=True)


def remembered(app: Flask) -> int:
    with app.app_context():
        found = db.session.scalar(select(func.count()).select_from(LastFolder)) or 0
        db.session.remove()
    return found


def test_the_next_record_begins_where_the_last_one_was_attached_from(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    assert crumbs(opened(linked, here)) == "All files"
    attach_from(linked, sandbox, here, SAFETY)
    sandbox.forget_calls()
    page = opened(linked, here)
    assert crumbs(page).endswith("2317 Larkspur MOB / 10 Safety")
    assert "Last used here" in page.text
    assert len(asked(sandbox)) == 1
    root = linked.get(page.links()["All files"], htmx=True)
    assert crumbs(root) == "All files"
    assert "Last used here" not in root.text


def test_the_folder_used_last_counts_and_each_tool_has_its_own(
    linked: Visitor, sandbox: SandboxProcess, here: str, world: World
) -> None:
    attach_from(linked, sandbox, here, SAFETY)
    attach_from(linked, sandbox, here, RFIS)
    assert crumbs(opened(linked, here)).endswith("05 RFIs")
    assert crumbs(opened(linked, punch_picker(world))) == "All files"


def test_what_is_only_chosen_is_not_used_yet(
    app: Flask, linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    page = linked.get(address_of(sandbox, here, SAFETY))
    tick(linked, here, next(x.token for x in lines(page) if x.token), within=trail(page))
    assert crumbs(opened(linked, here)) == "All files"
    assert remembered(app) == 0


def test_a_hit_of_a_search_leads_to_its_own_folder(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    page = linked.get(f"{here}box/search?q=Crane+pick&scope=all", htmx=True)
    hit = next(line for line in lines(page) if line.token)
    tick(linked, here, hit.token, within=trail(page))
    send(linked, here)
    assert crumbs(opened(linked, here)).endswith("10 Safety")


def test_a_folder_that_is_gone_is_left_out_without_a_word(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    attach_from(linked, sandbox, here, SAFETY)
    sandbox.change("delete", SAFETY)
    page = opened(linked, here)
    assert crumbs(page) == "All files"
    assert lines(page)


def test_a_colleague_begins_there_too_where_their_own_box_shows_it(
    linked: Visitor, bob: Visitor, sandbox: SandboxProcess, world: World
) -> None:
    target = punch_picker(world)
    link(bob, sandbox, login=ROSA)
    attach_from(linked, sandbox, target, RFIS)
    page = opened(bob, target)
    assert "Last used here by Alice Test" in page.text
    # The way as Rosa's Box has it, which knows nothing of what lies above what is shared with her.
    assert crumbs(page) == "All files / 05 RFIs"
    assert "Larkspur" not in crumbs(page)


def test_a_colleague_who_may_not_see_it_begins_at_the_top(
    linked: Visitor, bob: Visitor, sandbox: SandboxProcess, world: World
) -> None:
    target = punch_picker(world)
    link(bob, sandbox, login=ROSA)
    attach_from(linked, sandbox, target, SAFETY)
    page = opened(bob, target)
    assert crumbs(page) == "All files"
    assert "10 Safety" not in page.text
    assert "Alice" not in page.text


def test_ones_own_folder_goes_before_a_colleagues(
    linked: Visitor, bob: Visitor, sandbox: SandboxProcess, world: World
) -> None:
    target = punch_picker(world)
    link(bob, sandbox, login=ROSA)
    folder = sandbox.world(DRAWINGS)["id"]
    page = bob.get(f"{target}box/folders/{folder}")
    while not any(line.token for line in lines(page)):
        page = bob.get(next(line.href for line in lines(page) if line.href))
    mine = crumbs(page)
    tick(bob, target, next(x.token for x in lines(page) if x.token), within=trail(page))
    send(bob, target)
    attach_from(linked, sandbox, target, RFIS)
    page = opened(bob, target)
    assert crumbs(page) == mine
    assert "by Alice" not in page.text


def test_disconnecting_forgets_the_folder(
    app: Flask, linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    attach_from(linked, sandbox, here, SAFETY)
    form = linked.get("/settings/box/disconnect")
    linked.submit(form, "/disconnect")
    assert remembered(app) == 0
    link(linked, sandbox)
    assert crumbs(opened(linked, here)) == "All files"


def test_linking_the_same_account_again_keeps_it(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    attach_from(linked, sandbox, here, SAFETY)
    link(linked, sandbox)
    assert crumbs(opened(linked, here)).endswith("10 Safety")


def test_another_project_and_another_company_learn_nothing(
    linked: Visitor, charlie: Visitor, sandbox: SandboxProcess, here: str, world: World
) -> None:
    attach_from(linked, sandbox, here, SAFETY)
    charlie.get(f"{here}box/", expect=404)


@pytest.mark.parametrize("status", [500, 503])
def test_a_box_that_fails_there_says_so_and_goes_on(
    linked: Visitor, sandbox: SandboxProcess, here: str, status: int
) -> None:
    attach_from(linked, sandbox, here, SAFETY)
    sandbox.faults({"match": {"path": "/items$"}, "times": 9, "action": {"status": status}})
    page = linked.get(f"{here}box/", htmx=True, expect=424)
    assert "Try again" in page.text


def test_the_same_folder_is_remembered_once(
    app: Flask, linked: Visitor, sandbox: SandboxProcess, here: str, world: World
) -> None:
    attach_from(linked, sandbox, here, SAFETY)
    attach_from(linked, sandbox, picker(world), RFIS)
    assert remembered(app) == 1
