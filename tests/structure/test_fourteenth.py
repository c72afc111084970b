"""A further tool is one declaration: it lists, creates, attaches, moves on and downloads."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask

from tests.imports.conftest import CARDS
from tests.sandbox.process import SandboxProcess
from tests.support.copying import attach, run_worker
from tests.support.linking import link
from tests.support.pages import Page, Visitor
from tests.support.uploading import attach_upload
from tests.support.world import World
from webapp.attachments.models import Attachment
from webapp.companies.models import ProjectCode, Vendor
from webapp.core.database import db
from webapp.records.models import Record
from webapp.tools.registry import (
    TOOLS,
    Action,
    Ball,
    Extension,
    Field,
    Kind,
    Numbering,
    Panel,
    Part,
    Rule,
    Section,
    Shape,
    Status,
    Tool,
    Transition,
)

pytestmark = pytest.mark.wide

SignIn = Callable[[str], Visitor]


class Stamping(Extension):
    """Counts how often it was told of a change, and has a button of its own."""

    def created(self, session: Any, standing: Any) -> None:
        standing.record.details = {**standing.record.details, "kind": "rental"}

    def saved(self, session: Any, standing: Any) -> None:
        count = int(standing.record.details.get("saves", 0)) + 1
        standing.record.details = {**standing.record.details, "saves": count}

    def refusal(self, session: Any, standing: Any, transition: Transition) -> str:
        return "" if standing.record.amount else "First add a line."

    def panels(self, session: Any, standing: Any) -> list[Panel]:
        return [Panel("tools/_due.html")]

    def actions(self, session: Any, standing: Any) -> list[Action]:
        return [Action("praise", "Praise it")] if Part.ADMIN in standing.parts else []

    def act(self, session: Any, standing: Any, key: str) -> str:
        standing.record.title += "!"
        return ""


EQUIPMENT = Tool(
    key="equipment",
    label="Equipment",
    short_label="Equip.",
    record_name="Order",
    slug="equipment",
    icon="handshake",
    title_label="What",
    body_field="",
    numbering=Numbering(
        "{value}-", digits=2, at_first_save=True, within="kind", prefixes=(("rental", "R-"),)
    ),
    statuses=(
        Status("asked", "Asked", Shape.OPEN),
        Status("done", "Done", Shape.CLOSED, is_open=False),
    ),
    transitions=(
        Transition(
            "finish",
            "Finish",
            before=("asked",),
            after="done",
            who=(Part.ADMIN,),
            ball=Ball.NOBODY,
            needs=("dated_on",),
        ),
    ),
    fields=(
        Field(
            "kind",
            "Kind",
            Kind.CHOICE,
            required=True,
            choices=(("rental", "Rental"), ("bought", "Bought")),
        ),
        Field("dated_on", "Date", Kind.DATE),
        Field("at", "At", Kind.TIME),
        Field("vendor", "From", Kind.VENDOR),
        Field("share", "Share", Kind.PERCENT),
        Field("amount", "Amount", Kind.MONEY, is_derived=True),
        Field("about", "About", Kind.RECORD, of=("rfis",)),
        Field("watchers", "Watchers", Kind.PEOPLE, part=Part.DISTRIBUTION),
        Field("may_see_lines", "May see lines", Kind.YES_NO),
        Field("is_private", "Private", Kind.YES_NO),
    ),
    editable_by=(Rule((Part.CREATOR,), ("asked",)), Rule((Part.ADMIN,))),
    attach=(Rule((Part.CREATOR,), ("asked",)), Rule((Part.ADMIN,))),
    sections=(
        Section(
            "lines",
            "Lines",
            "Line",
            "Add line",
            who=(Part.CREATOR, Part.ADMIN),
            statuses=("asked",),
            fields=(
                Field("text", "Text", Kind.TEXT, required=True),
                Field("amount", "Amount", Kind.MONEY, may_be_negative=True),
            ),
            takes_files=False,
            sums="amount",
            shown_if="may_see_lines",
        ),
        Section(
            "checks",
            "Checks",
            "Check",
            "Add check",
            who=(Part.CREATOR, Part.ADMIN),
            statuses=("asked",),
            fields=(
                Field("person", "Who", Kind.PERSON, required=True),
                Field("verdict", "Verdict", Kind.LONG_TEXT),
            ),
            answers=("verdict",),
            answered_in=("asked",),
            answer_label="Answer",
            part=Part.WORKFLOW,
        ),
    ),
    columns=("number", "title", "kind", "dated_on", "vendor", "watchers", "amount", "files"),
    filters=("status", "kind", "vendor", "watchers", "private", "files"),
    group_by="kind",
    sort="-dated_on",
    private_to=(Part.CREATOR, Part.DISTRIBUTION, Part.WORKFLOW),
    has_ball=False,
    extension=Stamping(),
)


@pytest.fixture
def equipment(app: Flask, world: World) -> Iterator[str]:
    """The throw-away tool's address in Tower; a vendor and a place are there to choose."""
    with app.app_context():
        db.session.add(Vendor(company_id=world.acme, name="Liftwell", trade="Hoists"))
        db.session.add(ProjectCode(project_id=world.tower, kind="location", code="Yard"))
        db.session.commit()
        db.session.remove()
    TOOLS.add(EQUIPMENT)
    yield f"/projects/{world.tower}/equipment"
    TOOLS.remove("equipment")


def new(visitor: Visitor, here: str, **values: Any) -> str:
    """Make a record through its form and return its address."""
    page = visitor.post(here)
    given = {"title": "A hoist", "kind": "rental", **values}
    return visitor.submit(page, "/edit", **given).response.request.path


def add_line(visitor: Visitor, record: str, *, expect: int = 200, **values: Any) -> Page:
    page = visitor.get(f"{record}/sections/lines/add")
    return visitor.submit(page, "/add", expect=expect, **values)


def amount_of(app: Flask, record: str) -> Decimal | None:
    with app.app_context():
        found = db.session.get_one(Record, int(record.rpartition("/")[2])).amount
        db.session.remove()
    return found


def test_it_walks_from_the_list_to_a_download(
    app: Flask, alice: Visitor, equipment: str, sandbox: SandboxProcess
) -> None:
    assert alice.get(equipment).h1 == "Equipment"
    record = new(alice, equipment)
    add_line(alice, record, text="Mast", amount="1250.50")
    attach_upload(alice, f"{record}/attach/", ("plan.txt", b"the plan"))
    link(alice, sandbox)
    attach(alice, sandbox, f"{record}/attach/", CARDS)
    run_worker(app)
    page = alice.submit(alice.get(f"{record}/edit"), "/edit", dated_on="2026-03-02")
    page = alice.post(f"{record}/move", {"move": "finish"})
    assert "Done" in page.text
    with app.app_context():
        files = {a.name: a.public_id for a in db.session.query(Attachment)}
        db.session.remove()
    assert files.keys() == {"plan.txt", "Contact cards.vcf"}
    answer = alice.client.get(
        f"/attachments/{files['plan.txt']}", headers={"Host": "127.0.0.1:8000"}
    )
    assert answer.get_data() == b"the plan"
    answer.close()


def test_numbers_are_counted_within_the_field(alice: Visitor, equipment: str) -> None:
    pages = [
        alice.get(new(alice, equipment, kind=kind))
        for kind in ("rental", "rental", "bought", "rental")
    ]
    numbers = [page.text.split("Number and status ")[1].split()[0] for page in pages]
    assert numbers == ["R-01", "R-02", "bought-01", "R-03"]


def test_lines_add_up_exactly_and_follow_every_change(
    app: Flask, alice: Visitor, equipment: str
) -> None:
    record = new(alice, equipment)
    for text, amount in (("a", "0.10"), ("b", "0.20"), ("credit", "-0.05")):
        page = add_line(alice, record, text=text, amount=amount)
    assert amount_of(app, record) == Decimal("0.25")
    assert "$0.25" in page.text
    assert "−$0.05" in page.text
    row = next(iter(page.all("tr", id="row-1")))
    assert row is not None
    edit = alice.get(f"{record}/rows/1/edit")
    page = alice.submit(edit, "/edit", amount="1000000.01")
    assert amount_of(app, record) == Decimal("1000000.16")
    assert "changed Line: a" in page.text
    assert "Amount: $0.10 → $1,000,000.01" in page.text
    alice.post(f"{record}/rows/2/remove")
    assert amount_of(app, record) == Decimal("999999.96")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"text": ""}, "This is needed."),
        ({"text": "x", "amount": "1.234"}, "at most two decimal places"),
        ({"text": "x", "amount": "many"}, "Write a number like 1,234.56."),
        ({"text": "x", "amount": "9" * 20}, "Write an amount"),
        ({"text": "x", "amount": "NaN"}, "Write a number like 1,234.56."),
        ({"text": "x" * 201}, "at most 200 characters"),
    ],
)
def test_a_bad_line_is_said_beside_its_field_and_kept(
    app: Flask, alice: Visitor, equipment: str, values: dict[str, str], said: str
) -> None:
    record = new(alice, equipment)
    page = add_line(alice, record, expect=422, **values)
    assert said in page.text
    form = page.form("/add")
    assert form.values["text"] == [values["text"]]
    assert amount_of(app, record) is None


def test_two_people_changing_a_line_notice_each_other(alice: Visitor, equipment: str) -> None:
    record = new(alice, equipment)
    add_line(alice, record, text="Mast", amount="1")
    old = alice.get(f"{record}/rows/1/edit")
    alice.submit(alice.get(f"{record}/rows/1/edit"), "/edit", text="Mast, long")
    page = alice.submit(old, "/edit", text="Mast, short", expect=409)
    assert "This row was changed" in page.text
    assert page.form("/edit").values["text"] == ["Mast, short"]
    assert "Mast, short" in alice.submit(page, "/edit").text


def test_lines_are_for_admins_until_the_record_says_otherwise(
    alice: Visitor, signed_in: SignIn, equipment: str
) -> None:
    record = new(alice, equipment)
    add_line(alice, record, text="Secret mast", amount="1")
    rita = signed_in("rita")
    assert "Secret mast" not in rita.get(record).text
    rita.get(f"{record}/sections/lines/table", expect=404)
    rita.get(f"{record}/rows/1/edit", expect=404)
    alice.submit(alice.get(f"{record}/edit"), "/edit", may_see_lines="y")
    assert "Secret mast" in rita.get(record).text
    rita.get(f"{record}/sections/lines/add", expect=403)
    rita.post(f"{record}/rows/1/remove", expect=403)


def test_whom_a_row_names_answers_it_and_nothing_else(
    alice: Visitor, bob: Visitor, signed_in: SignIn, world: World, equipment: str
) -> None:
    record = new(alice, equipment, is_private="y")
    page = alice.get(f"{record}/sections/checks/add")
    alice.submit(page, "/add", person=str(world.people["bob"]))
    signed_in("rita").get(record, expect=404)
    edit = bob.get(f"{record}/rows/1/edit")
    assert set(edit.form("/edit").values) == {"csrf_token", "version", "verdict"}
    forged: dict[str, Any] = {"verdict": "Sound", "person": str(world.people["rita"])}
    page = bob.submit(edit, "/edit", **forged)
    assert "Sound" in page.text
    assert "Bob Test" in page.text
    bob.get(f"{record}/sections/checks/add", expect=403)
    alice.post(f"{record}/rows/1/remove")
    bob.get(record, expect=404)


def test_a_row_carries_files_and_is_not_removed_with_them(
    alice: Visitor, bob: Visitor, world: World, equipment: str
) -> None:
    record = new(alice, equipment)
    page = alice.get(f"{record}/sections/checks/add")
    alice.submit(page, "/add", person=str(world.people["bob"]))
    attach_upload(bob, f"{record}/rows/1/attach/", ("proof.txt", b"proof"))
    page = alice.get(record)
    assert "proof.txt" in page.text
    assert "proof.txt" in alice.get(f"{record}/sections/checks/table", htmx=True).text
    answer = alice.post(f"{record}/rows/1/remove", expect=409)
    assert "It carries files." in answer.text


def test_the_list_shows_filters_groups_and_sorts_by_what_is_declared(
    alice: Visitor, world: World, equipment: str
) -> None:
    bob = str(world.people["bob"])
    new(alice, equipment, title="Old", dated_on="2026-01-05", watchers=[bob], vendor="1")
    new(alice, equipment, title="New", dated_on="2026-02-05", is_private="y")
    new(alice, equipment, title="Mine", kind="bought", share="12.5", at="14:30")
    page = alice.get(equipment)
    order = [page.text.index(word) for word in ("Bought", "Mine", "Rental", "New", "Old")]
    # The filter names the kinds first; the headings come after the table's own head.
    body = page.text[page.text.index("bought-01") - 60 :]
    assert sorted(order[3:]) == order[3:]
    assert body.index("Mine") < body.index("Rental") < body.index("New") < body.index("Old")
    assert "Liftwell" in page.text
    for query, left in (
        ("kind=bought", {"Mine"}),
        (f"watchers={bob}", {"Old"}),
        ("vendor=1", {"Old"}),
        ("private=yes", {"New"}),
        ("files=yes", set()),
        ("files=no&kind=rental", {"Old", "New"}),
        ("status=all_open&q=mi", {"Mine"}),
        ("kind=nothing", set()),
        ("watchers=x", {"Old", "New", "Mine"}),
    ):
        found = alice.get(f"{equipment}?{query}", htmx=True).links()
        assert {name for name in ("Old", "New", "Mine") if name in found} == left, query
    lines = alice.get(f"{equipment}?sort=title&dir=desc", htmx=True)
    assert [n for n in lines.links() if n in {"Old", "New", "Mine"}] == ["Old", "New", "Mine"]


def test_a_field_offers_only_records_one_sees(
    alice: Visitor, signed_in: SignIn, world: World, equipment: str
) -> None:
    nell = signed_in("nell")
    mine = new(alice, equipment)
    theirs = new(nell, equipment)
    assert "A private matter" in alice.get(f"{mine}/edit").text
    page = nell.get(f"{theirs}/edit")
    assert "A private matter" not in page.text
    assert "Stair 2 slab edge" not in page.text
    nell.submit(page, "/edit", about=str(world.rfi), expect=422)
    alice.submit(alice.get(f"{mine}/edit"), "/edit", about=str(world.rfi))
    assert "RFI-001 Stair 2 slab edge" in alice.get(mine).text


def test_an_extension_fills_in_refuses_and_acts(
    app: Flask, alice: Visitor, bob: Visitor, equipment: str
) -> None:
    page = alice.post(equipment)
    assert page.form("/edit").values["kind"] == ["rental"]
    record = alice.submit(page, "/edit", title="Hoist").response.request.path
    alice.submit(alice.get(f"{record}/edit"), "/edit", dated_on="2026-03-02")
    answer = alice.post(f"{record}/move", {"move": "finish"}, expect=422)
    assert "First add a line." in answer.text
    assert alice.post(f"{record}/act", {"action": "praise"}).h1 == "Hoist!"
    bob.post(f"{record}/act", {"action": "praise"}, expect=422)
    alice.post(f"{record}/act", {"action": "nothing"}, expect=422)
    with app.app_context():
        saves = db.session.get_one(Record, int(record.rpartition("/")[2])).details["saves"]
        db.session.remove()
    assert saves == 2
