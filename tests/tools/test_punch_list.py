"""A punch item's life: noted, sent, mended, reviewed, accepted; each step by its people."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from tests.support.pages import PASSWORD, Page, Visitor
from tests.support.world import World, add_record
from webapp.accounts import passwords
from webapp.accounts.models import Person
from webapp.companies.models import CompanyMember, Level, Project, ProjectMember, ToolLevel
from webapp.core.clock import utcnow
from webapp.core.database import db
from webapp.records.models import Record
from webapp.tools.catalog.punch_list import TOOL
from webapp.tools.lifecycle import restrict, working_days_after
from webapp.tools.values import write_values

pytestmark = pytest.mark.wide

SignIn = Callable[[str], Visitor]

# Who is what on every item below; nobody is two things. Alice is the tool's admin.
CAST = {
    "dora": "creator",
    "nell": "manager",
    "bob": "assignee",
    "ann": "approver",
    "sam": "on distribution",
    "tom": "standard",
    "alice": "admin",
    "rita": "read only",
}
STANDARD = ("dora", "nell", "bob", "ann", "sam", "tom")
READERS = ("rita",)

# What the field's own tool does: who takes which step, where it leads, and whose turn it is then.
STEPS: dict[str, dict[str, tuple[str, str]]] = {
    "draft": {"initiate": ("dora", "initiated")},
    "initiated": {"assign": ("nell", "work_required"), "dispute": ("nell", "in_dispute")},
    "in_dispute": {"resubmit": ("dora", "initiated")},
    "work_required": {"done": ("bob", "ready_for_review")},
    "ready_for_review": {
        "accept": ("nell", "ready_to_close"),
        "reject": ("nell", "work_not_accepted"),
    },
    "work_not_accepted": {"done": ("bob", "ready_for_review")},
    "ready_to_close": {"close": ("ann", "closed"), "refuse": ("ann", "not_accepted_by_creator")},
    "not_accepted_by_creator": {"assign": ("nell", "work_required")},
    "closed": {"reopen": ("nell", "initiated")},
}
BALL = {
    "initiated": "Nell Test",
    "in_dispute": "Dora Test",
    "work_required": "Bob Test",
    "ready_for_review": "Nell Test",
    "work_not_accepted": "Bob Test",
    "ready_to_close": "Ann Test",
    "not_accepted_by_creator": "Nell Test",
    "closed": "Nobody",
}
OPEN = tuple(status for status in BALL if status != "closed")
ALL_STEPS = sorted({step for steps in STEPS.values() for step in steps})
TAKEN = [
    (status, step, who)
    for status, steps in STEPS.items()
    for step, (name, _after) in steps.items()
    for who in (name, "alice")
]


@pytest.fixture
def cast(app: Flask, world: World) -> World:
    """Three people more on Tower, and Bob is no admin of the punch list here."""
    with app.app_context():
        session = db.session()
        session.execute(
            update(ToolLevel)
            .where(ToolLevel.person_id == world.people["bob"], ToolLevel.tool_key == "punch_list")
            .values(level=int(Level.STANDARD))
        )
        secret = passwords.hash_password(PASSWORD)
        for name in ("ann", "sam", "tom"):
            person = Person(
                email=world.email(name), name=f"{name.title()} Test", password_hash=secret, title=""
            )
            session.add(person)
            session.flush()
            session.add(CompanyMember(company_id=world.acme, person_id=person.id, is_admin=False))
            session.add(ProjectMember(project_id=world.tower, person_id=person.id, level=2))
        session.commit()
        db.session.remove()
    return world


def id_of(name: str) -> int:
    found = db.session.scalar(select(Person.id).where(Person.email == f"{name}@example.test"))
    assert found is not None
    return found


@pytest.fixture
def item(app: Flask, cast: World) -> Callable[..., str]:
    """Return a maker of punch items in any status; it returns the item's address."""

    def make(status: str, **values: Any) -> str:
        with app.app_context():
            session = db.session()
            record_id = add_record(
                session, cast, "punch_list", "Closer leaks oil", status=status, by="dora"
            )
            record = session.get_one(Record, record_id)
            people = {
                "manager": id_of("nell"),
                "assignees": [id_of("bob")],
                "approver": id_of("ann"),
                "distribution": [id_of("sam")],
            }
            write_values(session, TOOL, record, {**people, **values})
            session.flush()
            restrict(session, TOOL, record)
            session.commit()
            db.session.remove()
        return f"{punch(cast)}/{record_id}"

    return make


def punch(world: World) -> str:
    return f"/projects/{world.tower}/punch-list"


def new_item(visitor: Visitor, world: World, move: str = "", **values: Any) -> Page:
    page = visitor.post(punch(world))
    given: dict[str, Any] = {"title": "Ceiling tile stained", **values}
    if move:
        given["move"] = move
    return visitor.submit(page, "/edit", **given)


def address(page: Page) -> str:
    return str(page.response.request.path)


def found(app: Flask, here: str) -> Record:
    with app.app_context():
        record = db.session.get_one(Record, int(here.rpartition("/")[2]))
        db.session.expunge_all()
        db.session.remove()
    return record


def offered(page: Page) -> set[str]:
    """Return the steps that a page offers, as buttons or beside a response."""
    values = {element.get("value") or "" for element in page.tree.iter()}
    return values & set(ALL_STEPS)


# ---- statuses, steps, and whose turn it is


def test_the_declaration_has_these_statuses_and_steps_and_no_others() -> None:
    assert {status.key for status in TOOL.statuses} == set(STEPS)
    declared = {(before, step.key) for step in TOOL.transitions for before in step.before}
    assert declared == {(status, step) for status, steps in STEPS.items() for step in steps}


@pytest.mark.parametrize("status", STEPS)
def test_a_step_is_offered_to_its_people_only_and_refused_to_all_others(
    app: Flask, signed_in: SignIn, item: Callable[..., str], status: str
) -> None:
    here = item(status)
    for name in CAST:
        if status == "draft" and name in {"bob", "ann", "sam", "tom", "rita"}:
            signed_in(name).get(here, expect=404)
            continue
        theirs = {step for step, (who, _to) in STEPS[status].items() if name in (who, "alice")}
        visitor = signed_in(name)
        assert offered(visitor.get(here)) == theirs, name
        token = visitor.token()
        for step in set(ALL_STEPS) - theirs:
            data = {"move": step, "csrf_token": token}
            answer = visitor.post(f"{here}/move", data, csrf=False, expect=None)
            is_step_of_this_status = step in STEPS[status]
            assert answer.status == (403 if is_step_of_this_status else 409), (name, step)
            assert found(app, here).status == status


@pytest.mark.parametrize(("status", "step", "name"), TAKEN)
def test_a_step_leads_to_its_status_and_passes_the_ball(
    app: Flask, signed_in: SignIn, item: Callable[..., str], status: str, step: str, name: str
) -> None:
    here = item(status)
    visitor = signed_in(name)
    transition = TOOL.transition(step)
    assert transition is not None
    if transition.with_response:
        page = visitor.submit(
            visitor.get(here), "/sections/responses", text="See the photo.", move=step
        )
        assert "See the photo." in page.text
    else:
        page = visitor.post(f"{here}/move", {"move": step})
    after = STEPS[status][step][1]
    assert found(app, here).status == after
    assert TOOL.status(after).label in page.text
    assert f"Ball in court {BALL[after]}" in page.text
    assert transition.label in page.text


def test_the_usual_way_from_the_first_note_to_closed(
    app: Flask, signed_in: SignIn, cast: World
) -> None:
    with app.app_context():
        nell, bob = str(id_of("nell")), str(id_of("bob"))
    dora = signed_in("dora")
    page = new_item(dora, cast, manager=nell, move="initiate")
    here = address(page)
    assert "Ball in court Nell Test" in page.text
    lead = signed_in("nell")
    lead.submit(lead.get(f"{here}/edit"), "/edit", assignees=bob)
    assert "Ball in court Bob Test" in lead.post(f"{here}/move", {"move": "assign"}).text
    mend = signed_in("bob")
    mend.submit(mend.get(here), "/sections/responses", text="Replaced.", move="done")
    page = lead.post(f"{here}/move", {"move": "accept"})
    # Nobody was named as final approver, so it is who created the item.
    assert "Ball in court Dora Test" in page.text
    assert "Ceiling tile stained" in dora.get(f"{punch(cast)}?ball=me").links()


def test_without_a_final_approver_the_creator_is_asked_and_can_accept(
    app: Flask, signed_in: SignIn, item: Callable[..., str]
) -> None:
    here = item("ready_to_close", approver=None)
    page = signed_in("dora").get(here)
    assert offered(page) == {"close", "refuse"}
    page = signed_in("dora").post(f"{here}/move", {"move": "close"})
    assert found(app, here).status == "closed"


def test_a_closed_item_is_nobodys_turn_and_reopening_makes_it_the_managers(
    app: Flask, signed_in: SignIn, item: Callable[..., str]
) -> None:
    here = item("ready_to_close")
    signed_in("ann").post(f"{here}/move", {"move": "close"})
    record = found(app, here)
    assert record.closed_at is not None
    assert not record.is_open
    signed_in("nell").post(f"{here}/move", {"move": "reopen"})
    record = found(app, here)
    assert record.closed_at is None
    assert record.is_open


@pytest.mark.parametrize(
    ("status", "step", "name", "empty", "missing"),
    [
        ("draft", "initiate", "dora", {"manager": None}, "Punch item manager"),
        ("initiated", "assign", "nell", {"assignees": []}, "Assignees"),
    ],
)
def test_what_a_step_needs_is_named_and_the_step_is_not_taken(
    app: Flask,
    signed_in: SignIn,
    item: Callable[..., str],
    status: str,
    step: str,
    name: str,
    empty: dict[str, Any],
    missing: str,
) -> None:
    here = item(status, **empty)
    person = "alice" if "manager" in empty else name
    answer = signed_in(person).post(f"{here}/move", {"move": step}, expect=422)
    assert f"First fill in: {missing}." in answer.text
    assert found(app, here).status == status


# ---- numbers, due dates


def test_an_item_is_numbered_when_it_is_first_saved(
    app: Flask, signed_in: SignIn, cast: World
) -> None:
    dora = signed_in("dora")
    begun = dora.post(punch(cast))
    edit = address(begun)
    assert found(app, edit.removesuffix("/edit")).number is None
    page = dora.submit(begun, "/edit", title="Ceiling tile stained")
    assert found(app, address(page)).number == "2"
    assert found(app, address(new_item(dora, cast))).number == "3"
    page = dora.submit(dora.get(edit), "/edit", title="Stained again")
    assert found(app, address(page)).number == "2"


def test_a_numbered_draft_cannot_be_discarded(signed_in: SignIn, cast: World) -> None:
    dora = signed_in("dora")
    page = new_item(dora, cast)
    assert "Discard draft" not in page.text
    dora.post(f"{address(page)}/discard", expect=403)
    begun = address(dora.post(punch(cast))).removesuffix("/edit")
    dora.post(f"{begun}/discard")
    dora.get(begun, expect=404)


def test_sending_an_item_sets_the_due_date_the_project_asks_for(
    app: Flask, signed_in: SignIn, item: Callable[..., str], cast: World
) -> None:
    with app.app_context():
        project = db.session.get_one(Project, cast.tower)
        project.details = {**project.details, "punch_due_days": 5}
        db.session.commit()
    here = item("draft")
    signed_in("dora").post(f"{here}/move", {"move": "initiate"})
    assert found(app, here).due_on == working_days_after(utcnow().date(), 5)
    given = utcnow().date() + timedelta(days=90)
    here = item("draft", due_on=given)
    signed_in("dora").post(f"{here}/move", {"move": "initiate"})
    assert found(app, here).due_on == given


def test_overdue_is_said_and_can_be_filtered_and_ends_with_the_item(
    signed_in: SignIn, item: Callable[..., str], cast: World
) -> None:
    yesterday = utcnow().date() - timedelta(days=3)
    item("work_required", due_on=yesterday)
    alice = signed_in("alice")
    overdue = alice.get(f"{punch(cast)}?status=overdue")
    assert "Closer leaks oil" in overdue.links()
    assert "Door out of adjustment" not in overdue.links()
    done = item("closed", due_on=yesterday, title="Long done")
    assert "Long done" not in alice.get(f"{punch(cast)}?status=overdue").links()
    assert "overdue" not in alice.get(done).text.lower()


# ---- who may edit, respond, attach


@pytest.mark.parametrize("status", STEPS)
def test_who_may_edit_attach_and_respond_follows_from_part_and_status(
    signed_in: SignIn, item: Callable[..., str], status: str
) -> None:
    here = item(status)
    sees = {"dora", "nell", "alice"} if status == "draft" else set(CAST)
    edits = {"nell", "alice"} | ({"dora"} if status in {"draft", "in_dispute"} else set())
    attaches = {"alice", *STANDARD}
    if status == "closed":
        edits, attaches = set(), set()
    responds = {"alice", *STANDARD} if status in OPEN else set()
    for name in CAST:
        visitor = signed_in(name)
        for path, allowed in (("/edit", edits), ("/attach/?source=computer", attaches)):
            expected = 200 if name in allowed & sees else 403 if name in sees else 404
            visitor.get(f"{here}{path}", expect=expected)
        answer = visitor.post(f"{here}/sections/responses", {"text": "Seen."}, expect=None)
        expected = 200 if name in responds & sees else 403 if name in sees else 404
        assert answer.status in {expected, 303 if expected == 200 else expected}, name


def test_a_response_carries_files_while_it_is_written(
    bob: Visitor, cast: World, signed_in: SignIn
) -> None:
    here = f"{punch(cast)}/{cast.punch}"
    page = bob.post(f"{here}/sections/responses", {"text": "Half", "attach": "1"})
    dialog = address(page).removesuffix("box/")
    signed_in("alice").get(dialog, expect=404)
    bob.post(f"{here}/sections/responses", {"text": "Whole"})
    bob.get(dialog, expect=403)
    assert "Whole" in signed_in("rita").get(here).text


def test_a_private_item_is_seen_by_its_people_and_the_admins_only(
    signed_in: SignIn, item: Callable[..., str], cast: World
) -> None:
    here = item("work_required", is_private=True)
    for name in ("dora", "nell", "bob", "ann", "sam", "alice"):
        assert "Private" in signed_in(name).get(here).text
        assert "Closer leaks oil" in signed_in(name).get(punch(cast)).links()
    for name in ("tom", "rita"):
        signed_in(name).get(here, expect=404)
        assert "Closer leaks oil" not in signed_in(name).get(punch(cast)).links()
        signed_in(name).get(f"{here}/files", expect=404)


def test_taking_somebody_off_a_private_item_hides_it_from_them(
    signed_in: SignIn, item: Callable[..., str], app: Flask
) -> None:
    here = item("work_required", is_private=True)
    alice = signed_in("alice")
    edit = alice.get(f"{here}/edit")
    alice.submit(edit, "/edit", distribution=[])
    signed_in("sam").get(here, expect=404)
    signed_in("bob").get(here)


# ---- fields


def test_every_field_is_kept_and_shown(app: Flask, signed_in: SignIn, cast: World) -> None:
    with app.app_context():
        ids = {name: str(id_of(name)) for name in CAST}
    page = new_item(
        signed_in("dora"),
        cast,
        description="North stair, second landing.",
        manager=ids["nell"],
        approver=ids["ann"],
        assignees=[ids["bob"], ids["tom"]],
        distribution=[ids["sam"]],
        due_on="2031-05-06",
        location="Building>Level 1>Lobby",
        trade="Glazing",
        type="Damage",
        priority="high",
        reference="A-102",
        cost_impact="yes",
        cost_amount="1250.50",
        schedule_impact="yes_unknown",
        schedule_days="4",
    )
    for words in (
        "North stair, second landing.",
        "Punch item manager Nell Test",
        "Final approver Ann Test",
        "Assignees Bob Test, Tom Test",
        "Distribution Sam Test",
        "May 6, 2031",
        "Location Building / Level 1 / Lobby",
        "Trade Glazing",
        "Type Damage",
        "Priority High",
        "Reference A-102",
        "Cost impact Yes, $1,250.50",
        "Schedule impact Yes, unknown, 4 days",
    ):
        assert words in page.text, words
    listed = signed_in("alice").get(punch(cast)).text
    for words in ("Ceiling tile stained", "Building / Level 1 / Lobby", "Glazing", "High"):
        assert words in listed, words


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("title", "", "Write a few words."),
        ("title", "x" * 301, "at most 300 characters"),
        ("trade", "x" * 81, "at most 80 characters"),
        ("type", "x" * 81, "at most 80 characters"),
        ("reference", "x" * 201, "at most 200 characters"),
        ("priority", "urgent", "Choose one of these."),
        ("manager", "999999", "Choose one of these."),
        ("approver", "charlie", "Choose one of these."),
        ("assignees", "999999", "Choose from these only."),
        ("distribution", "x", "Choose from these only."),
        ("location", "Nowhere", "Choose one of these."),
        ("due_on", "soon", "Not a valid date value."),
        ("cost_amount", "-1", "Write an amount from 0."),
        ("schedule_days", "-1", "Write a number from 0."),
    ],
)
def test_what_cannot_be_is_said_beside_its_field_and_nothing_changes(
    app: Flask,
    signed_in: SignIn,
    item: Callable[..., str],
    field: str,
    value: str,
    complaint: str,
) -> None:
    here = item("initiated")
    before = found(app, here)
    nell = signed_in("nell")
    answer = nell.submit(nell.get(f"{here}/edit"), "/edit", **{field: value}, expect=422)
    assert complaint in answer.text
    after = found(app, here)
    assert (after.title, after.details, after.version) == (
        before.title,
        before.details,
        before.version,
    )
