"""Every tool, at every level: what its declaration's rules and the trade's own rules allow.

The first table is the rules as the field knows them, tool by tool, said independently of the
declarations. The rest reads the declarations, so a further tool is covered by existing.
"""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from sqlalchemy import delete

from tests.support.pages import Page, Visitor
from tests.support.world import World, add_record
from webapp.companies.models import Level, ToolLevel
from webapp.core.database import db
from webapp.records.models import Record, RecordRow
from webapp.tools.registry import TOOLS, Part, Rule, Tool
from webapp.tools.rows import insert

pytestmark = pytest.mark.wide

SignIn = Callable[[str], Visitor]
ALL = [tool.key for tool in TOOLS]

# Who may add a file to a record that somebody else made, of those who are nothing else to it.
ADDS_FILES = {
    "bidding": Level.ADMIN,
    "prime_contract": Level.ADMIN,
    "commitments": Level.ADMIN,
    "change_orders": Level.ADMIN,
    "rfis": Level.ADMIN,
    "submittals": Level.ADMIN,
    "meetings": Level.ADMIN,
    "daily_log": Level.ADMIN,
    "drawings": Level.ADMIN,
    "directory": Level.ADMIN,
    "punch_list": Level.STANDARD,
}
# Rita is on Tower and on none of its records; the level she has in the tool is what is tried.
LEVELS = {"none": Level.NONE, "read": Level.READ, "standard": Level.STANDARD, "admin": Level.ADMIN}
STRANGER = "stranger"
WHO = (*LEVELS, STRANGER)


def declared(key: str) -> Tool:
    tool = TOOLS.get(key)
    assert tool is not None
    return tool


@pytest.fixture
def someone(app: Flask, world: World, signed_in: SignIn) -> Callable[[Tool, str], Visitor]:
    """Return somebody with that level in a tool: Rita, or Charlie of the other company."""

    def make(tool: Tool, who: str) -> Visitor:
        if who == STRANGER:
            return signed_in("charlie")
        with app.app_context():
            db.session.execute(delete(ToolLevel).where(ToolLevel.person_id == world.people["rita"]))
            db.session.add(
                ToolLevel(
                    project_id=world.tower,
                    person_id=world.people["rita"],
                    tool_key=tool.key,
                    level=int(LEVELS[who]),
                )
            )
            db.session.commit()
            db.session.remove()
        return signed_in("rita")

    return make


@pytest.fixture
def record(app: Flask, world: World) -> Callable[[Tool, str], Record]:
    """Return a maker of records of Alice's, in any status; Bob is named on them, Rita is not."""

    def make(tool: Tool, status: str) -> Record:
        with app.app_context():
            session = db.session()
            record_id = add_record(session, world, tool.key, "Made by Alice", status=status)
            found = session.get_one(Record, record_id)
            for section in tool.sections:
                if section.is_table:
                    insert(session, found, section, {}, author_id=world.people["alice"])
            session.commit()
            session.expunge_all()
            db.session.remove()
        return found

    return make


def parts(who: str) -> set[Part]:
    level = LEVELS.get(who, Level.NONE)
    held = {Part.STANDARD} if level >= Level.STANDARD else set()
    return held | ({Part.ADMIN} if level >= Level.ADMIN else set())


def enters(who: str) -> bool:
    return LEVELS.get(who, Level.NONE) >= Level.READ


def sees(tool: Tool, who: str, status: str) -> bool:
    """True when somebody who is nothing to a record sees it."""
    declared = tool.status(status)
    is_hidden = tool.listed_only or declared.is_draft or declared.for_admins
    return enters(who) and (who == "admin" or not is_hidden)


def allowed(rules: tuple[Rule, ...], who: str, status: str) -> bool:
    return any(
        parts(who) & set(rule.who) and (not rule.statuses or status in rule.statuses)
        for rule in rules
    )


def answer(is_visible: bool, is_allowed: bool) -> int:
    """What is not seen does not exist; what is seen and not allowed is refused."""
    return 404 if not is_visible else 200 if is_allowed else 403


def list_of(world: World, tool: Tool) -> str:
    return f"/projects/{world.tower}/{tool.slug}"


def all_of(world: World, tool: Tool) -> str:
    """Return the list of everything: the Daily Log's first page shows one day."""
    return list_of(world, tool) + ("/notes" if tool.key == "daily_log" else "")


def addresses(page: Page) -> set[str]:
    """Return where a page's links lead, whatever they are called."""
    return {a.get("href") or "" for a in page.all("a")}


def begins(tool: Tool, who: str) -> bool:
    return bool(parts(who) & set(tool.creators))


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("key", ALL)
def test_who_lists_and_begins_records(
    app: Flask, world: World, someone: Callable[[Tool, str], Visitor], key: str, who: str
) -> None:
    tool = declared(key)
    visitor, here = someone(tool, who), list_of(world, tool)
    page = visitor.get(here, expect=200 if enters(who) else 404)
    home = f"/projects/{world.tower}"
    if who != STRANGER:
        assert (here in addresses(visitor.get(home))) is enters(who)
    there = all_of(world, tool)
    is_offered = any(form.get("action") == there for form in page.all("form", method="post"))
    assert is_offered is begins(tool, who)
    expected = 303 if begins(tool, who) else 404
    begun = visitor.post(there, {"name": "A folder"}, expect=expected)
    if begins(tool, who):
        # What one has begun oneself one edits; nobody else, not even an admin, sees it yet.
        edit = begun.response.location
        may_edit = allowed((Rule((Part.CREATOR,), ()),), who, tool.first_status) or any(
            {*parts(who), Part.CREATOR} & set(rule.who)
            and (not rule.statuses or tool.first_status in rule.statuses)
            for rule in tool.editable_by
        )
        visitor.get(edit, expect=200 if may_edit else 403)


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("key", ALL)
def test_who_opens_edits_and_attaches_to_what_others_made(
    world: World,
    someone: Callable[[Tool, str], Visitor],
    record: Callable[[Tool, str], Record],
    key: str,
    who: str,
) -> None:
    tool = declared(key)
    visitor = someone(tool, who)
    for status in tool.statuses:
        here = f"{list_of(world, tool)}/{record(tool, status.key).id}"
        is_seen = sees(tool, who, status.key)
        page = visitor.get(here, expect=200 if is_seen else 404)
        edits = allowed(tool.editable_by, who, status.key) and not status.frozen
        stay = (status.frozen or status.keeps_files) and not status.takes_files
        attaches = allowed(tool.attach, who, status.key) and not stay
        visitor.get(f"{here}/edit", expect=answer(is_seen, edits))
        visitor.get(f"{here}/attach/?source=computer", expect=answer(is_seen, attaches))
        if is_seen:
            links = addresses(page)
            assert (f"{here}/edit" in links) is edits
            assert (f"{here}/attach/" in links) is attaches
        else:
            for path in ("/edit", "/move", "/act", "/keep", "/discard", "/number"):
                visitor.post(
                    f"{here}{path}", {"title": "x", "move": "x", "number": "9"}, expect=404
                )
        listed = visitor.get(all_of(world, tool), expect=200 if enters(who) else 404)
        if status.is_listed or not is_seen:
            assert (here in addresses(listed)) is is_seen


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("key", [tool.key for tool in TOOLS if tool.sections])
def test_who_responds_and_fills_tables(
    app: Flask,
    world: World,
    someone: Callable[[Tool, str], Visitor],
    record: Callable[[Tool, str], Record],
    key: str,
    who: str,
) -> None:
    tool = declared(key)
    visitor = someone(tool, who)
    for status in tool.statuses:
        made = record(tool, status.key)
        here = f"{list_of(world, tool)}/{made.id}"
        is_seen = sees(tool, who, status.key)
        for section in tool.sections:
            is_seen_here = is_seen and (not section.shown_if or who == "admin")
            writes = bool(parts(who) & set(section.who)) and status.key in section.statuses
            there = f"{here}/sections/{section.key}"
            if section.is_table:
                writes = writes and not status.frozen
                visitor.get(f"{there}/add", expect=answer(is_seen_here, writes))
                row = row_of(app, made.id, section.key)
                expected = answer(is_seen_here, writes)
                visitor.get(f"{here}/rows/{row}/edit", expect=expected)
                if expected != 200:
                    visitor.post(f"{there}/add", expect=expected)
                    visitor.post(f"{here}/rows/{row}/remove", expect=answer(is_seen_here, False))
                continue
            reply = visitor.post(there, {"text": "Seen."}, expect=None).status
            expected = answer(is_seen_here, writes)
            assert reply == (303 if expected == 200 else expected), (status.key, section.key)


def row_of(app: Flask, record_id: int, section: str) -> int:
    with app.app_context():
        query = db.select(RecordRow.id).where(
            RecordRow.record_id == record_id, RecordRow.section == section
        )
        found: int = db.session.execute(query).scalar_one()
        db.session.remove()
    return found


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("key", [key for key in ALL if key in ADDS_FILES])
def test_files_are_added_by_whom_the_trade_lets(
    world: World,
    someone: Callable[[Tool, str], Visitor],
    record: Callable[[Tool, str], Record],
    key: str,
    who: str,
) -> None:
    tool = declared(key)
    visitor = someone(tool, who)
    is_enough = LEVELS.get(who, Level.NONE) >= ADDS_FILES[key]
    made = [record(tool, status.key).id for status in tool.statuses if status.is_open]
    answers = {
        visitor.get(f"{list_of(world, tool)}/{n}/attach/?source=computer", expect=None).status
        for n in made
    }
    assert (200 in answers) is is_enough


def test_read_only_changes_nothing_whatever_a_record_names_them_for(
    app: Flask, world: World, signed_in: SignIn, someone: Callable[[Tool, str], Visitor]
) -> None:
    """Somebody who led a record and was lowered since reads on, and no more."""
    for tool in TOOLS:
        rita = someone(tool, "read")
        for status in posted(tool):
            with app.app_context():
                here = add_record(
                    db.session(), world, tool.key, "Hers once", status=status, by="rita"
                )
                db.session.commit()
                db.session.remove()
            for path in ("/edit", "/attach/?source=computer"):
                rita.get(f"{list_of(world, tool)}/{here}{path}", expect=403)


def posted(tool: Tool) -> Iterator[str]:
    return (s.key for s in tool.statuses if not (s.is_draft or s.for_admins))
