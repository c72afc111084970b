"""A submittal's life: numbered in its section, answered in turn, closed, revised."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from tests.sandbox.process import SandboxProcess
from tests.support import copying
from tests.support.linking import link
from tests.support.pages import HOST, PASSWORD, Page, Visitor
from tests.support.world import World
from webapp.accounts import passwords
from webapp.accounts.models import Notice, Person
from webapp.companies.models import CompanyMember, ProjectCode, ProjectMember
from webapp.core.database import db
from webapp.imports.models import ItemState
from webapp.records.models import Record, RecordRow
from webapp.tools.catalog.submittals import RESPONSES

pytestmark = pytest.mark.wide

SignIn = Callable[[str], Visitor]

CONCRETE, STEEL = "03 30 00", "05 12 00"
CALCS = "Quillmark Projects/2317 Larkspur MOB/00 Project Admin/Fennimore - W-9.pdf"
MORE = "Quillmark Projects/2317 Larkspur MOB/00 Project Admin/Contact cards.vcf"


@pytest.fixture
def cast(app: Flask, world: World) -> World:
    """Tower's spec sections, and two people more: Ann and Sam, Standard like Bob, Dora and Nell."""
    with app.app_context():
        session = db.session()
        for position, code in enumerate((CONCRETE, STEEL)):
            session.add(
                ProjectCode(
                    project_id=world.tower, kind="spec_section", code=code, position=position
                )
            )
        secret = passwords.hash_password(PASSWORD)
        for name in ("ann", "sam"):
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


@pytest.fixture
def ids(app: Flask, cast: World) -> dict[str, str]:
    """Everybody's id by first name, as forms send it."""
    with app.app_context():
        rows = db.session.execute(select(Person.email, Person.id)).all()
        db.session.remove()
    return {email.partition("@")[0]: str(person_id) for email, person_id in rows}


def tool(world: World) -> str:
    return f"/projects/{world.tower}/submittals"


def address(page: Page) -> str:
    return str(page.response.request.path)


def begin(visitor: Visitor, world: World, **values: Any) -> str:
    """Save a draft and return its address."""
    page = visitor.post(tool(world))
    given = {"title": "Mix designs", "spec_section": CONCRETE, **values}
    return address(visitor.submit(page, "/edit", **given))


def add_step(visitor: Visitor, here: str, person: str, expect: int = 200, **values: Any) -> Page:
    page = visitor.get(f"{here}/sections/workflow/add")
    return visitor.submit(page, "/add", person=person, expect=expect, **values)


def move(visitor: Visitor, here: str, step: str, expect: int = 200) -> Page:
    return visitor.post(f"{here}/move", {"move": step}, expect=expect)


def steps(app: Flask, here: str) -> list[RecordRow]:
    """Return a submittal's steps in the order of its page."""
    with app.app_context():
        found = list(
            db.session.scalars(
                select(RecordRow)
                .where(RecordRow.record_id == int(here.rpartition("/")[2]))
                .order_by(RecordRow.position, RecordRow.id)
            )
        )
        db.session.expunge_all()
        db.session.remove()
    return found


def record(app: Flask, here: str) -> Record:
    with app.app_context():
        found = db.session.get_one(Record, int(here.rpartition("/")[2]))
        db.session.expunge_all()
        db.session.remove()
    return found


def answer(visitor: Visitor, here: str, row: RecordRow, response: str, comment: str = "") -> Page:
    page = visitor.get(f"{here}/rows/{row.id}/edit")
    return visitor.submit(page, "/edit", response=response, comment=comment)


def refused(visitor: Visitor, here: str, row: RecordRow) -> None:
    """The form is not there, and sending it anyway changes nothing."""
    visitor.get(f"{here}/rows/{row.id}/edit", expect=403)
    sent = {"response": "approved", "version": str(row.version)}
    visitor.post(f"{here}/rows/{row.id}/edit", sent, expect=403)


def asked(here: str, alice: Visitor, *people: tuple[str, int]) -> None:
    """Put approvers into the workflow by their place in the order, then open the submittal."""
    for person, place in people:
        add_step(alice, here, person, role="approver", step=str(place), is_required="y")
    move(alice, here, "open")


def notices(app: Flask) -> list[tuple[int, str, str]]:
    with app.app_context():
        found = db.session.execute(
            select(Notice.person_id, Notice.facts, Notice.path)
            .where(Notice.kind == "submittal_distributed")
            .order_by(Notice.person_id)
        ).all()
        db.session.remove()
    return [(person, facts["record"], path) for person, facts, path in found]


# ---- identity


def test_numbers_are_counted_within_the_spec_section(
    app: Flask, alice: Visitor, cast: World
) -> None:
    numbers = [
        record(app, begin(alice, cast, spec_section=section)).number
        for section in (CONCRETE, CONCRETE, STEEL, CONCRETE)
    ]
    assert numbers == ["03 30 00-01", "03 30 00-02", "05 12 00-01", "03 30 00-03"]


def test_a_draft_without_a_section_is_numbered_as_soon_as_it_has_one(
    app: Flask, alice: Visitor, cast: World
) -> None:
    here = begin(alice, cast, spec_section="")
    assert record(app, here).number is None
    problem = move(alice, here, "open", expect=422)
    assert "First fill in: Spec section." in problem.text
    alice.submit(alice.get(f"{here}/edit"), "/edit", spec_section=STEEL)
    assert record(app, here).number == "05 12 00-01"


def test_another_section_is_another_number_and_none_is_refused(
    app: Flask, alice: Visitor, cast: World
) -> None:
    begin(alice, cast, spec_section=STEEL)
    here = begin(alice, cast)
    alice.submit(alice.get(f"{here}/edit"), "/edit", spec_section=STEEL)
    assert record(app, here).number == "05 12 00-02"
    page = alice.submit(alice.get(f"{here}/edit"), "/edit", spec_section="", expect=422)
    assert "Its number is counted within: Spec section" in page.text
    assert record(app, here).number == "05 12 00-02"


def test_the_list_is_grouped_by_section_and_shows_the_revision(alice: Visitor, cast: World) -> None:
    begin(alice, cast, spec_section=STEEL, title="Anchor bolts")
    begin(alice, cast, title="Curing compound")
    page = alice.get(tool(cast))
    groups = ["".join(th.itertext()) for th in page.all("th", scope="rowgroup")]
    assert groups == [CONCRETE, STEEL]
    assert "Rev." in page.text
    assert "Curing compound" in alice.get(f"{tool(cast)}?division=03").links()
    assert "Anchor bolts" not in alice.get(f"{tool(cast)}?division=03").links()


def test_fields_are_kept_and_dates_follow_from_lead_and_review_time(
    app: Flask, alice: Visitor, cast: World, ids: dict[str, str]
) -> None:
    here = begin(
        alice,
        cast,
        description="Mixes for footings.",
        type="product_data",
        received_from=ids["dora"],
        received_on="2031-03-03",
        on_site_on="2031-06-30",
        issued_on="2031-03-01",
        lead_time="30",
        review_time="10",
        package="Foundations",
        location="Building>Level 1",
        distribution=[ids["sam"]],
    )
    text = alice.get(here).text
    for words in (
        "Mixes for footings.",
        "Type Product Data",
        "Division 03 Concrete",
        "Submittal manager Alice Test",
        "Received from Dora Test",
        "Submit by May 21, 2031",
        "Required on site Jun 30, 2031",
        "Issue date Mar 1, 2031",
        "Lead time 30 days",
        "Design review time 10 days",
        "Package Foundations",
        "Location Building / Level 1",
        "Distribution Sam Test",
        "Revision 0",
    ):
        assert words in text, words
    assert str(record(app, here).due_on) == "2031-03-13"


# ---- whose turn it is


def test_a_draft_is_its_managers_and_only_then_its_workflows(
    app: Flask, signed_in: SignIn, alice: Visitor, cast: World, ids: dict[str, str]
) -> None:
    dora = signed_in("dora")
    here = begin(dora, cast)
    assert "Ball in court Dora Test" in dora.get(here).text
    dora.submit(dora.get(f"{here}/edit"), "/edit", manager=ids["nell"])
    nell = signed_in("nell")
    assert "Ball in court Nell Test" in nell.get(here).text
    add_step(nell, here, ids["bob"], step="1", is_required="y")
    (row,) = steps(app, here)
    # Nobody is asked before it is open: not even whom the step names sees it.
    signed_in("bob").get(here, expect=404)
    refused_page = nell.get(f"{here}/rows/{row.id}/edit")
    assert not list(refused_page.all("select", name="response"))
    move(dora, here, "open", expect=403)
    assert "Ball in court Bob Test" in move(nell, here, "open").text


def test_sequential_steps_are_answered_one_after_the_other(
    app: Flask,
    signed_in: SignIn,
    alice: Visitor,
    bob: Visitor,
    cast: World,
    ids: dict[str, str],
) -> None:
    here = begin(alice, cast)
    # Added the wrong way round: the order number decides, not the order of adding.
    asked(here, alice, (ids["ann"], 2), (ids["bob"], 1))
    ann = signed_in("ann")
    assert "Ball in court Bob Test" in ann.get(here).text
    first, second = steps(app, here)
    assert [first.person_id, second.person_id] == [int(ids["bob"]), int(ids["ann"])]
    refused(ann, here, second)
    refused(ann, here, first)
    page = answer(bob, here, first, "submitted", "As designed.")
    assert "Ball in court Ann Test" in page.text
    assert "As designed." in page.text
    first, second = steps(app, here)
    assert first.details["returned_on"]
    assert not second.details.get("returned_on")
    refused(bob, here, first)
    page = answer(ann, here, second, "approved_as_noted")
    assert "Approved as Noted" in page.text
    assert "Ball in court Alice Test" in page.text


def test_parallel_steps_are_answered_in_any_order_and_all_are_waited_for(
    app: Flask,
    signed_in: SignIn,
    alice: Visitor,
    bob: Visitor,
    cast: World,
    ids: dict[str, str],
) -> None:
    here = begin(alice, cast)
    asked(here, alice, (ids["bob"], 1), (ids["ann"], 1), (ids["sam"], 2))
    by_person = {row.person_id: row for row in steps(app, here)}
    ann, sam = signed_in("ann"), signed_in("sam")
    assert "Ball in court Bob Test, Ann Test" in alice.get(here).text
    page = answer(ann, here, by_person[int(ids["ann"])], "approved")
    assert "Ball in court Bob Test" in page.text
    refused(sam, here, by_person[int(ids["sam"])])
    page = answer(bob, here, by_person[int(ids["bob"])], "rejected")
    assert "Ball in court Sam Test" in page.text


def test_two_who_answer_at_the_same_moment_leave_the_ball_with_the_manager(
    app: Flask,
    signed_in: SignIn,
    alice: Visitor,
    cast: World,
    ids: dict[str, str],
) -> None:
    here = begin(alice, cast)
    asked(here, alice, *((ids[name], 1) for name in ("ann", "bob", "sam", "nell")))
    forms = []
    for name, row in zip(("ann", "bob", "sam", "nell"), steps(app, here), strict=True):
        visitor = signed_in(name)
        page = visitor.get(f"{here}/rows/{row.id}/edit")
        forms.append((visitor, page))
    with ThreadPoolExecutor(len(forms)) as threads:
        for _done in threads.map(
            lambda pair: pair[0].submit(pair[1], "/edit", response="approved"), forms
        ):
            pass
    assert [row.status for row in steps(app, here)] == ["answered"] * 4
    assert "Ball in court Alice Test" in alice.get(here).text


def test_pending_is_no_answer_and_what_is_not_required_is_not_waited_for(
    app: Flask,
    signed_in: SignIn,
    alice: Visitor,
    bob: Visitor,
    cast: World,
    ids: dict[str, str],
) -> None:
    here = begin(alice, cast)
    add_step(alice, here, ids["ann"], step="1", is_required=[])
    asked(here, alice, (ids["bob"], 2))
    optional, required = steps(app, here)
    page = answer(bob, here, required, "pending", "Next week.")
    assert "Ball in court Bob Test" in page.text
    assert not steps(app, here)[1].details.get("returned_on")
    answer(bob, here, steps(app, here)[1], "approved")
    page = answer(signed_in("ann"), here, optional, "for_record_only")
    assert "Ball in court Alice Test" in page.text


def test_every_response_of_the_trade_can_be_given_and_no_other(
    app: Flask, alice: Visitor, bob: Visitor, cast: World, ids: dict[str, str]
) -> None:
    assert [text for _key, text in RESPONSES] == [
        "Submitted",
        "Pending",
        "Approved",
        "Approved as Noted",
        "Revise and Resubmit",
        "Rejected",
        "For Record Only",
        "Forwarded for Review",
    ]
    here = begin(alice, cast)
    asked(here, alice, (ids["bob"], 1))
    (row,) = steps(app, here)
    page = bob.get(f"{here}/rows/{row.id}/edit")
    bad = bob.submit(page, "/edit", response="maybe", expect=422)
    assert "Choose one of these." in bad.text
    # Whom a step names says what they think, and changes nothing else of it.
    bob.submit(page, "/edit", response="approved", step="9", person=ids["sam"], role="submitter")
    (row,) = steps(app, here)
    assert (row.details["response"], row.details["step"]) == ("approved", 1)
    assert row.person_id == int(ids["bob"])
    assert row.details["role"] == "approver"


def test_a_manager_corrects_an_answer_but_gives_none_before_its_turn(
    app: Flask, alice: Visitor, bob: Visitor, cast: World, ids: dict[str, str]
) -> None:
    here = begin(alice, cast)
    asked(here, alice, (ids["bob"], 1), (ids["ann"], 2))
    first, second = steps(app, here)
    page = alice.get(f"{here}/rows/{second.id}/edit")
    assert not list(page.all("select", name="response"))
    alice.submit(page, "/edit", response="approved")
    assert not steps(app, here)[1].details.get("response")
    answer(bob, here, first, "approved")
    page = answer(alice, here, steps(app, here)[0], "pending")
    assert "Ball in court Bob Test" in page.text
    assert not steps(app, here)[0].details["returned_on"]
    # What is asked anew is not answered out of turn either.
    assert [row.status for row in steps(app, here)] == ["current", "waiting"]


def test_read_only_answers_nothing_even_when_named(
    app: Flask, signed_in: SignIn, alice: Visitor, cast: World, ids: dict[str, str]
) -> None:
    here = begin(alice, cast)
    asked(here, alice, (ids["rita"], 1))
    (row,) = steps(app, here)
    rita = signed_in("rita")
    assert "Mix designs" in rita.get(here).text
    refused(rita, here, row)
    rita.post(tool(cast), expect=404)


def test_only_leaders_change_the_workflow_and_only_until_it_is_closed(
    app: Flask, signed_in: SignIn, alice: Visitor, bob: Visitor, cast: World, ids: dict[str, str]
) -> None:
    here = begin(alice, cast)
    asked(here, alice, (ids["bob"], 1))
    for name in ("bob", "dora", "rita"):
        signed_in(name).get(f"{here}/sections/workflow/add", expect=403)
    (row,) = steps(app, here)
    bob.post(f"{here}/rows/{row.id}/remove", expect=403)
    answer(bob, here, row, "approved")
    move(alice, here, "close")
    alice.get(f"{here}/sections/workflow/add", expect=403)
    alice.get(f"{here}/rows/{row.id}/edit", expect=403)


def test_a_step_needs_a_person_a_role_and_a_place(app: Flask, alice: Visitor, cast: World) -> None:
    here = begin(alice, cast)
    page = add_step(alice, here, "", expect=422, step="", role="")
    assert page.text.count("This is needed.") == 3
    assert steps(app, here) == []


# ---- closing, distributing, revising


def test_closing_waits_for_every_required_answer_and_tells_who_should_know(
    app: Flask, signed_in: SignIn, alice: Visitor, bob: Visitor, cast: World, ids: dict[str, str]
) -> None:
    here = begin(alice, cast, distribution=[ids["sam"], ids["bob"]])
    asked(here, alice, (ids["bob"], 1), (ids["ann"], 2))
    page = move(alice, here, "close", expect=422)
    assert "These have not answered yet: Bob Test, Ann Test." in page.text
    assert notices(app) == []
    answer(bob, here, steps(app, here)[0], "approved")
    answer(signed_in("ann"), here, steps(app, here)[1], "approved")
    move(bob, here, "close", expect=403)
    page = move(alice, here, "close")
    assert "Ball in court Nobody" in page.text
    assert "Distributed" in page.text
    closed = record(app, here)
    assert not closed.is_open
    assert closed.details["distributed_at"]
    told = sorted(int(ids[name]) for name in ("bob", "ann", "sam"))
    assert notices(app) == [(person, "03 30 00-01", here) for person in told]
    sam = signed_in("sam").get("/notices")
    assert "03 30 00-01 was closed and distributed: Mix designs" in sam.links()


def test_nobody_is_told_of_a_submittal_that_they_do_not_see(
    app: Flask, alice: Visitor, cast: World, ids: dict[str, str]
) -> None:
    here = begin(alice, cast, distribution=[ids["sam"], ids["nell"]])
    move(alice, here, "open")
    with app.app_context():
        db.session.delete(db.session.get_one(ProjectMember, (cast.tower, int(ids["nell"]))))
        db.session.commit()
    move(alice, here, "close")
    assert [person for person, _record, _path in notices(app)] == [int(ids["sam"])]


def revised(alice: Visitor, here: str) -> str:
    return address(alice.post(f"{here}/act", {"action": "revise"}))


def test_revising_closes_the_old_one_and_begins_the_next_with_the_same_workflow(
    app: Flask, alice: Visitor, bob: Visitor, cast: World, ids: dict[str, str]
) -> None:
    here = begin(alice, cast, type="sample", distribution=[ids["sam"]], due_on="2031-01-02")
    asked(here, alice, (ids["bob"], 1), (ids["ann"], 2))
    answer(bob, here, steps(app, here)[0], "revise_and_resubmit", "Wrong cement.")
    there = revised(alice, here)
    old, new = record(app, here), record(app, there)
    assert (old.status, old.revision, old.is_open) == ("closed", 0, False)
    assert (new.status, new.revision, new.number) == ("draft", 1, old.number)
    assert (new.title, new.scope, new.due_on) == (old.title, old.scope, old.due_on)
    assert new.details["type"] == "sample"
    assert steps(app, here)[0].details["comment"] == "Wrong cement."
    copied = steps(app, there)
    assert [(row.person_id, row.details["step"]) for row in copied] == [
        (int(ids["bob"]), 1),
        (int(ids["ann"]), 2),
    ]
    assert not any(row.details.get("response") or row.details.get("comment") for row in copied)
    page = alice.get(there)
    assert page.links()["Revision 0"] == here
    assert "Distribution Sam Test" in page.text
    assert "Ball in court Alice Test" in page.text
    assert alice.get(here).links()["Revision 1"] == there
    assert "Ball in court Bob Test" in move(alice, there, "open").text
    assert record(app, here).details["revision_state"] == "superseded"
    current = alice.get(f"{tool(cast)}?revision_state=current").links()
    assert there in current.values()
    assert here not in current.values()


def test_a_draft_revision_is_linked_for_those_who_see_it_only(
    app: Flask, alice: Visitor, bob: Visitor, cast: World, ids: dict[str, str]
) -> None:
    here = begin(alice, cast)
    asked(here, alice, (ids["bob"], 1))
    there = revised(alice, here)
    assert "Revision 1" not in bob.get(here).links()
    bob.get(there, expect=404)
    assert record(app, here).details["revision_state"] == "current"


def test_only_the_newest_revision_is_revised_or_opened_again(
    app: Flask, alice: Visitor, bob: Visitor, cast: World, ids: dict[str, str]
) -> None:
    here = begin(alice, cast)
    alice.post(f"{here}/act", {"action": "revise"}, expect=422)
    asked(here, alice, (ids["bob"], 1))
    bob.post(f"{here}/act", {"action": "revise"}, expect=422)
    there = revised(alice, here)
    page = alice.post(f"{here}/act", {"action": "revise"}, expect=422)
    assert "There is no such step." in page.text
    page = move(alice, here, "reopen", expect=422)
    assert "A newer revision has taken its place." in page.text
    move(alice, there, "open")
    assert record(app, revised(alice, there)).revision == 2
    with app.app_context():
        assert (
            len(db.session.scalars(select(Record).where(Record.title == "Mix designs")).all()) == 3
        )


def test_revisions_keep_their_number_together(app: Flask, alice: Visitor, cast: World) -> None:
    here = begin(alice, cast)
    move(alice, here, "open")
    there = revised(alice, here)
    page = alice.submit(alice.get(f"{there}/edit"), "/edit", spec_section=STEEL, expect=422)
    assert "Its other revisions share this number." in page.text
    alice.post(f"{there}/number", {"number": "7"})
    assert record(app, here).number == record(app, there).number == "03 30 00-07"
    assert alice.get(here).links()["Revision 1"] == there


# ---- who sees it, who attaches


def test_a_private_submittal_is_seen_by_its_people_and_the_admins_only(
    signed_in: SignIn, alice: Visitor, cast: World, ids: dict[str, str]
) -> None:
    dora = signed_in("dora")
    here = begin(dora, cast, manager=ids["nell"], is_private="y", distribution=[ids["sam"]])
    nell = signed_in("nell")
    add_step(nell, here, ids["bob"], step="1", is_required="y")
    move(nell, here, "open")
    for name in ("nell", "bob", "sam", "alice"):
        visitor = signed_in(name)
        assert "Private" in visitor.get(here).text
        assert "Mix designs" in visitor.get(tool(cast)).links()
    for name in ("ann", "rita", "dora", "charlie"):
        visitor = signed_in(name)
        visitor.get(here, expect=404)
        if name != "charlie":
            assert "Mix designs" not in visitor.get(tool(cast)).links()


def test_another_company_reaches_nothing(
    app: Flask, alice: Visitor, charlie: Visitor, cast: World, ids: dict[str, str]
) -> None:
    here = begin(alice, cast)
    asked(here, alice, (ids["bob"], 1))
    (row,) = steps(app, here)
    for path in ("", "/edit", f"/rows/{row.id}/edit", "/sections/workflow/add", "/attach/"):
        charlie.get(f"{here}{path}", expect=404)
    for path in ("/move", "/act", f"/rows/{row.id}/edit", f"/rows/{row.id}/remove"):
        charlie.post(f"{here}{path}", {"move": "close", "action": "revise"}, expect=404)
    assert record(app, here).status == "open"


def test_who_attaches_to_the_submittal_follows_from_part_and_status(
    app: Flask, signed_in: SignIn, alice: Visitor, cast: World, ids: dict[str, str]
) -> None:
    here = begin(signed_in("dora"), cast, manager=ids["nell"])
    names = ("dora", "nell", "bob", "ann", "rita", "alice")

    def may_attach() -> set[str]:
        found = set()
        for name in names:
            page = signed_in(name).get(f"{here}/attach/?source=computer", expect=None)
            assert page.status in {200, 403, 404}
            found |= {name} if page.status == 200 else set()
        return found

    assert may_attach() == {"dora", "nell", "alice"}
    asked(here, alice, (ids["bob"], 1))
    assert may_attach() == {"dora", "nell", "alice"}
    answer(signed_in("bob"), here, steps(app, here)[0], "approved")
    move(alice, here, "close")
    assert may_attach() == set()


def test_files_from_box_hang_on_the_step_of_whoever_answers_it(
    app: Flask,
    signed_in: SignIn,
    sandbox: SandboxProcess,
    alice: Visitor,
    bob: Visitor,
    cast: World,
    ids: dict[str, str],
) -> None:
    link(bob, sandbox)
    here = begin(alice, cast)
    asked(here, alice, (ids["bob"], 1), (ids["ann"], 2))
    first, second = steps(app, here)
    target = f"{here}/rows/{first.id}/attach/"
    for visitor, row, status in (
        (signed_in("ann"), first, 403),
        (signed_in("ann"), second, 403),
        (bob, second, 403),
        (signed_in("rita"), first, 403),
        (signed_in("charlie"), first, 404),
    ):
        visitor.get(f"{here}/rows/{row.id}/attach/", expect=status)
    copying.attach(bob, sandbox, target, CALCS)
    # He answers while the copy is still on its way: it arrives all the same.
    copying.choose(bob, sandbox, target, MORE)
    answer(bob, here, first, "submitted")
    copying.send(bob, target)
    copying.run_worker(app)
    assert {item.state for item in copying.items(app)} == {ItemState.ATTACHED}
    assert {a.row_id for a in copying.attachments(app)} == {first.id}
    copying.check_invariant(app, sandbox)
    assert "Fennimore - W-9.pdf" in signed_in("rita").get(here).text
    alice.post(f"{here}/rows/{first.id}/remove", expect=409)
    signed_in("ann").get(f"{here}/rows/{second.id}/attach/")


def test_a_private_step_hides_its_files(
    app: Flask,
    signed_in: SignIn,
    sandbox: SandboxProcess,
    alice: Visitor,
    cast: World,
    ids: dict[str, str],
) -> None:
    link(alice, sandbox)
    here = begin(alice, cast, is_private="y")
    asked(here, alice, (ids["bob"], 1))
    (row,) = steps(app, here)
    copying.attach(alice, sandbox, f"{here}/rows/{row.id}/attach/", CALCS)
    copying.run_worker(app)
    (attached,) = copying.attachments(app)
    download = signed_in("bob").client.get(
        f"/attachments/{attached.public_id}", headers={"Host": HOST}
    )
    assert download.status_code == 200
    download.close()
    signed_in("ann").get(f"/attachments/{attached.public_id}", expect=404)
    assert "With files" in alice.get(tool(cast)).text
    assert "Mix designs" in alice.get(f"{tool(cast)}?files=yes").links()
    assert "Mix designs" not in alice.get(f"{tool(cast)}?files=no").links()
