"""Who is told what under the bell: every tool, every reason, and nobody of their own act."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from tests.support.pages import Visitor
from tests.support.world import World
from webapp.accounts.models import Notice
from webapp.accounts.notices import notice_text
from webapp.companies.models import Level, ToolLevel, Vendor
from webapp.core.database import db
from webapp.records.models import Record, RecordPerson
from webapp.tools import lifecycle, rows
from webapp.tools.registry import TOOLS
from webapp.tools.values import write_values

DAY = date(2037, 12, 4)
SignIn = Callable[[str], Visitor]


@contextmanager
def database(app: Flask) -> Iterator[Session]:
    """Give a session in which the test arranges what is there before."""
    with app.app_context():
        yield db.session()
        db.session.commit()
        db.session.remove()


def told(app: Flask, world: World, name: str) -> list[str]:
    """Return the sentences of somebody's notices, the oldest first."""
    with app.test_request_context():
        found = db.session.scalars(
            select(Notice).where(Notice.person_id == world.people[name]).order_by(Notice.id)
        ).all()
        return [notice_text(notice) for notice in found]


def begun(
    session: Session,
    world: World,
    tool_key: str,
    status: str,
    *,
    by: str = "bob",
    title: str = "Beam pocket",
    row: tuple[str, dict[str, Any]] | None = None,
    **values: Any,
) -> str:
    """Add a saved record and return its address; names in `values` stand for their people."""
    tool = TOOLS.get(tool_key)
    assert tool is not None
    record: Record = lifecycle.create(session, tool, world.tower, world.people[by])
    record.status, record.saved_at = status, record.created_at
    record.is_open = tool.status(status).is_open
    write_values(session, tool, record, {"title": title, **_ids(world, values)})
    if tool.numbering.at_first_save or (not tool.status(status).is_draft and tool.numbering.prefix):
        lifecycle.number(session, tool, record)
    if row is not None:
        section = tool.section(row[0])
        assert section is not None
        rows.insert(session, record, section, _ids(world, row[1]), author_id=record.created_by_id)
        rows.settle(session, record, section)
    lifecycle.restrict(session, tool, record)
    if not tool.status(status).is_draft:
        # Whoever has a part in it has known for a while.
        session.execute(update(RecordPerson).values(told=True))
    return f"/projects/{world.tower}/{tool.slug}/{record.id}"


def _ids(world: World, values: dict[str, Any]) -> dict[str, Any]:
    people = world.people

    def person(value: Any) -> Any:
        if isinstance(value, list):
            return [person(one) for one in value]
        return people.get(value, value) if isinstance(value, str) else value

    return {key: person(value) for key, value in values.items()}


@dataclass(frozen=True)
class Told:
    """A step that Alice takes on what Bob began, and what one of them reads of it."""

    tool: str
    status: str
    step: str
    who: str
    sentence: str
    values: dict[str, Any] = field(default_factory=dict)
    row: tuple[str, dict[str, Any]] | None = None


RFI = {"question": "Which?", "manager": "alice", "assignees": ["dora"], "distribution": ["bob"]}
STEPS = [
    Told("rfis", "draft", "open", "dora", "RFI-003 is in your court: Beam pocket", RFI),
    Told("rfis", "draft", "open", "bob", "added you to the distribution of RFI-003", RFI),
    Told("rfis", "open", "close", "dora", "Alice Test set RFI-003 to Closed: Beam pocket", RFI),
    Told("rfis", "closed", "reopen", "bob", "Alice Test set RFI-003 to Open: Beam pocket", RFI),
    Told(
        "punch_list",
        "ready_for_review",
        "accept",
        "dora",
        "Beam pocket",
        {"manager": "alice", "approver": "dora"},
    ),
    Told(
        "submittals",
        "draft",
        "open",
        "dora",
        "is in your court: Beam pocket",
        {"manager": "alice", "spec_section": "01 33 00"},
        ("workflow", {"person": "dora", "role": "approver", "step": 1, "is_required": True}),
    ),
    Told(
        "meetings",
        "draft",
        "publish",
        "dora",
        "You are invited to Beam pocket 1",
        {"dated_on": DAY},
        ("attendees", {"person": "dora"}),
    ),
    Told(
        "bidding",
        "draft",
        "open",
        "dora",
        "You are invited to bid on BP-01: Beam pocket. Bids close Dec 4, 2037, 2:00 PM UTC.",
        {"invitation": "Bid.", "instructions": "Sum.", "due_on": DAY, "due_at": time(14)},
        ("bidders", {"person": "dora"}),
    ),
    Told(
        "change_orders",
        "pending_in_review",
        "pricing",
        "dora",
        "Change order is in your court: Beam pocket",
        {"reviewer": "dora", "tier": "potential"},
    ),
    Told(
        "commitments",
        "draft",
        "sign",
        "dora",
        "Alice Test shared",
        {"type": "subcontract", "visible_to": ["dora"]},
    ),
    Told("prime_contract", "draft", "sign", "dora", "Alice Test shared", {"visible_to": ["dora"]}),
    Told(
        "daily_log",
        "pending",
        "approve",
        "bob",
        "Note to Approved: Rain",
        {"comments": "Rain"},
    ),
    Told("directory", "active", "deactivate", "bob", "to Inactive: Beam pocket"),
    Told("documents", "active", "bin", "bob", "to In the recycle bin: Beam pocket"),
]


@pytest.mark.parametrize("told_", STEPS, ids=lambda one: f"{one.tool}-{one.step}-{one.who}")
def test_a_step_tells_those_it_concerns_and_not_who_took_it(
    app: Flask, world: World, alice: Visitor, told_: Told
) -> None:
    with database(app) as session:
        for key in ("bidding", "rfis"):
            here = {"project_id": world.tower, "tool_key": key, "level": Level.STANDARD}
            session.add(ToolLevel(person_id=world.people["dora"], **here))
        record = begun(session, world, told_.tool, told_.status, row=told_.row, **told_.values)
    alice.post(f"{record}/move", {"move": told_.step})
    sentences = told(app, world, told_.who)
    assert len(sentences) == 1, sentences
    assert told_.sentence in sentences[0]
    assert told(app, world, "alice") == []
    assert told(app, world, "nell") == []


def test_whoever_asked_is_told_of_the_answer_and_not_twice_when_the_ball_comes_along(
    app: Flask, world: World, alice: Visitor, bob: Visitor
) -> None:
    rfi = f"/projects/{world.tower}/rfis/{world.rfi}"
    bob.post(f"{rfi}/sections/responses", {"text": "Use the detail on S-501."})
    assert told(app, world, "alice") == ["Bob Test answered RFI-001: Stair 2 slab edge"]
    bob.post(f"{rfi}/sections/responses", {"text": "And S-502.", "move": "return"})
    assert told(app, world, "alice")[1:] == ["RFI-001 is in your court: Stair 2 slab edge"]
    rows = alice.get(rfi).html
    row = rows.split('id="row-')[1].split('"')[0]
    alice.post(f"{rfi}/rows/{row}/official", {"official": "yes"})
    assert told(app, world, "bob") == ["RFI-001 has an official answer: Stair 2 slab edge"]
    assert told(app, world, "dora") == told(app, world, "nell") == []


def test_a_private_record_tells_nobody_who_does_not_see_it(
    app: Flask, world: World, alice: Visitor
) -> None:
    with database(app) as session:
        session.add(
            ToolLevel(
                project_id=world.tower,
                person_id=world.people["bob"],
                tool_key="rfis",
                level=Level.NONE,
            )
        )
    rfi = f"/projects/{world.tower}/rfis/{world.private_rfi}"
    alice.post(f"{rfi}/move", {"move": "close"})
    assert told(app, world, "bob") == told(app, world, "dora") == []


def test_a_new_manager_is_told_and_a_person_added_later_too(
    app: Flask, world: World, alice: Visitor
) -> None:
    punch = f"/projects/{world.tower}/punch-list/{world.punch}"
    page = alice.get(f"{punch}/edit")
    people = world.people
    alice.submit(page, "/edit", manager=str(people["bob"]), distribution=[str(people["dora"])])
    assert told(app, world, "dora") == [
        "Alice Test added you to the distribution of Punch item 1: Door out of adjustment"
    ]
    assert told(app, world, "bob") == [
        "You are the manager of Punch item 1: Door out of adjustment"
    ]


def test_a_step_of_a_workflow_tells_the_next_and_the_manager(
    app: Flask, world: World, alice: Visitor, signed_in: SignIn
) -> None:
    with database(app) as session:
        submittal = begun(
            session,
            world,
            "submittals",
            "draft",
            by="alice",
            manager="alice",
            spec_section="01 33 00",
        )
    for number, name in enumerate(("bob", "dora"), 1):
        page = alice.get(f"{submittal}/sections/workflow/add")
        step: dict[str, Any] = {
            "person": str(world.people[name]),
            "role": "approver",
            "step": str(number),
        }
        alice.submit(page, "/add", is_required="y", **step)
    alice.post(f"{submittal}/move", {"move": "open"})
    assert told(app, world, "bob") == ["01 33 00-01 is in your court: Beam pocket"]
    assert [s for s in told(app, world, "dora") if "court" in s] == []
    bob = signed_in("bob")
    row = bob.get(submittal).html.split('id="row-')[1].split('"')[0]
    bob.submit(bob.get(f"{submittal}/rows/{row}/edit"), "/edit", response="approved")
    assert told(app, world, "dora")[-1] == "01 33 00-01 is in your court: Beam pocket"
    assert told(app, world, "alice") == ["Bob Test answered 01 33 00-01: Beam pocket"]


def test_an_item_of_a_meeting_tells_whom_it_names(app: Flask, world: World, alice: Visitor) -> None:
    with database(app) as session:
        meeting = begun(session, world, "meetings", "agenda", by="alice", dated_on=DAY)
    for title, expected in (
        ("Crane permit", ["Beam pocket 1 is in your court: Beam pocket"]),
        ("Road closure", ["Alice Test gave you an item in Beam pocket 1: Road closure"]),
    ):
        page = alice.get(f"{meeting}/sections/items/add")
        alice.submit(page, "/add", title=title, assignees=[str(world.people["dora"])])
        assert told(app, world, "dora")[-1:] == expected


def test_a_note_that_waits_for_approval_tells_those_who_approve(
    app: Flask, world: World, signed_in: SignIn
) -> None:
    dora = signed_in("dora")
    page = dora.post(f"/projects/{world.tower}/daily-log")
    dora.submit(page, "/edit", comments="Rain stopped the pour")
    assert told(app, world, "alice") == [
        "Dora Test wrote a note that waits for approval: Rain stopped the pour"
    ]


def test_an_award_tells_the_bidder_who_was_chosen_and_those_who_were_not(
    app: Flask, world: World, alice: Visitor
) -> None:
    with database(app) as session:
        for name in ("bob", "dora"):
            here = {"project_id": world.tower, "tool_key": "bidding", "level": Level.ADMIN}
            session.add(ToolLevel(person_id=world.people[name], **here))
        package = begun(session, world, "bidding", "closed", by="alice", title="Steel")
        tool = TOOLS.get("bidding")
        assert tool is not None
        record = session.get(Record, int(package.rpartition("/")[2]))
        assert record is not None
        vendor = session.scalar(select(Vendor.id))
        for name, amount in (("bob", 10), ("dora", 20)):
            values = {
                "vendor": vendor,
                "person": world.people[name],
                "is_submitted": True,
                "amount": Decimal(amount),
            }
            rows.insert(session, record, tool.sections[0], values, author_id=record.created_by_id)
    award = next(value for value in alice.get(package).html.split('value="award-')[1:]).split('"')[
        0
    ]
    alice.post(f"{package}/act", {"action": f"award-{award}"})
    assert told(app, world, "bob") == ["Your bid on BP-01 was awarded: Steel"]
    assert told(app, world, "dora") == ["BP-01 was awarded to somebody else: Steel"]
