"""A tool is a declaration: every one works by existing, and a further one needs no edit."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from tests.support.pages import Page, Visitor
from tests.support.world import World
from webapp.core.database import db
from webapp.records.models import Record
from webapp.tools.catalog.punch_list import TOOL as PUNCH_LIST
from webapp.tools.registry import (
    TOOLS,
    Field,
    Kind,
    Registry,
    Shape,
    Status,
    StatusGroup,
    Tool,
    Transition,
)

ALL = [tool.key for tool in TOOLS]
# What is made there lies in a folder and needs a name at once.
WITH_DRAFTS = [key for key in ALL if key != "documents"]


@pytest.fixture
def lessons(app: Flask) -> Iterator[Tool]:
    """A throw-away tool that files reach from the computer only."""
    tool = replace(
        PUNCH_LIST,
        key="lessons",
        slug="lessons-learned",
        label="Lessons Learned",
        short_label="Lessons",
        record_name="Lesson",
        attaches_from_box=False,
    )
    TOOLS.add(tool)
    yield tool
    TOOLS.remove("lessons")


def status_of(app: Flask, page: Page) -> str:
    """Return the status of the record whose page it is."""
    with app.app_context():
        record_id = int(page.response.request.path.rpartition("/")[2])
        status = db.session.get_one(Record, record_id).status
        db.session.remove()
    return status


@pytest.mark.parametrize("key", WITH_DRAFTS)
def test_every_tool_lists_creates_edits_and_shows(
    app: Flask, alice: Visitor, world: World, key: str
) -> None:
    tool = TOOLS.get(key)
    assert tool is not None
    here = f"/projects/{world.tower}/{tool.slug}"
    page = alice.get(here)
    assert page.h1 == tool.label
    page = alice.post(here)
    edit = page.response.request.path
    assert edit.endswith("/edit")
    title = tool.title_from or "title"
    given: dict[str, Any] = {title: "Made by a test", "manager": str(world.people["alice"])}
    page = alice.submit(page, "/edit", **given)
    assert page.h1 == "Made by a test"
    assert "Made by a test" in alice.get(here).links()
    if tool.status(status_of(app, page)).frozen:
        page = alice.post(f"{page.response.request.path}/move", {"move": "reopen"})
    given = {title: "Changed by a test"}
    page = alice.submit(alice.get(edit), "/edit", **given)
    assert page.h1 == "Changed by a test"
    assert "Made by a test → Changed by a test" in page.text


@pytest.mark.parametrize("key", ALL)
def test_a_tool_offers_box_unless_it_says_otherwise(alice: Visitor, world: World, key: str) -> None:
    tool = TOOLS.get(key)
    assert tool is not None
    page = alice.post(f"/projects/{world.tower}/{tool.slug}", {"name": "A folder"})
    record = page.response.request.path.removesuffix("/edit")
    dialog = alice.get(f"{record}/attach/?source=computer")
    assert ("Box" in dialog.links()) is tool.attaches_from_box
    assert tool.attaches_from_box is (key != "documents")


def test_a_tool_without_box_has_no_address_for_it(
    alice: Visitor, world: World, lessons: Tool
) -> None:
    page = alice.post(f"/projects/{world.tower}/{lessons.slug}")
    page = alice.submit(page, "/edit", title="Measure twice")
    record = page.response.request.path
    dialog = alice.get(f"{record}/attach/")
    assert "My computer" in dialog.links()
    assert "Box" not in dialog.links()
    for path in ("box/", "box/folders/0", "box/search?q=x"):
        alice.get(f"{record}/attach/{path}", expect=404)
    alice.post(f"{record}/attach/box/choose", {"choice": "x"}, expect=404)
    alice.get(f"{record}/attach/?source=box", expect=404)


def test_a_further_tool_is_one_declaration(
    alice: Visitor, world: World, lessons: Tool, signed_in: Callable[[str], Visitor]
) -> None:
    here = f"/projects/{world.tower}/{lessons.slug}"
    assert "Lessons Learned" in alice.get(f"/projects/{world.tower}").links()
    page = alice.post(here)
    values: dict[str, Any] = {"title": "Order earlier", "manager": str(world.people["alice"])}
    page = alice.submit(page, "/edit", **values, move="initiate")
    assert "Initiated" in page.text
    assert "Order earlier" in signed_in("rita").get(here).links()


def test_two_tools_cannot_share_a_key(lessons: Tool) -> None:
    with pytest.raises(ValueError, match="registered twice"):
        TOOLS.add(lessons)


TURNS_WITHOUT_ANSWERS = replace(
    PUNCH_LIST.sections[0],
    fields=(Field("status", "Turn", Kind.TEXT),),
    turns=("current", "answered"),
)

ONE_AND_SEVERAL = replace(
    PUNCH_LIST.sections[0],
    fields=(Field("person", "Who", Kind.PERSON), Field("people", "Others", Kind.PEOPLE)),
)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sections": (TURNS_WITHOUT_ANSWERS,)}, "has turns and no status or answers"),
        ({"body_field": "nothing"}, "the body 'nothing' is no field"),
        ({"title_from": "nothing"}, "titles are taken from 'nothing', which is no field"),
        (
            {"fields": (replace(PUNCH_LIST.fields[0], statuses=("nowhere",)), *PUNCH_LIST.fields)},
            "names a status that is not declared",
        ),
        (
            {
                "transitions": (
                    Transition(
                        "x",
                        "X",
                        before=("nowhere",),
                        after="draft",
                        who=(),
                        ball=PUNCH_LIST.transitions[0].ball,
                    ),
                )
            },
            "names a status that is not declared",
        ),
        (
            {"status_groups": (StatusGroup("x", "X", ("nowhere",)),)},
            "a rule names a status that is not declared",
        ),
        (
            {"statuses": (*PUNCH_LIST.statuses, Status("x", "X", Shape.OPEN, only_for=("y",)))},
            "a status is for a value that no field has",
        ),
        (
            {"fields": (*PUNCH_LIST.fields, Field("x", "X", Kind.PEOPLE, employed_by="y"))},
            "'x' holds people of 'y', which is no field",
        ),
        (
            {"sections": (ONE_AND_SEVERAL,)},
            "names one person of a row twice",
        ),
        (
            {"fields": (*PUNCH_LIST.fields, Field("x", "X", Kind.PERSON, groups=True))},
            "'x' takes groups and holds no people",
        ),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(
    change: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Registry().add(replace(PUNCH_LIST, **change))  # type: ignore[arg-type]
