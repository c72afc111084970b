"""Copies to a response, a line or a note: shown beside it as those to a record are in its files."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from xml.etree.ElementTree import Element

from sqlalchemy import event, select, update

from tests.imports.conftest import CARDS, PERMIT, SMALL, W9, Bench
from tests.support import copying
from tests.support.pages import XHTML, Page, Visitor
from tests.support.world import World
from webapp.core.database import db
from webapp.imports.models import ImportItem, ItemState
from webapp.records.models import RecordRow

SignIn = Callable[[str], Visitor]
GONE = {"state": ItemState.FAILED, "reason": "not_found_in_box"}


def answering(bench: Bench, *paths: str) -> str:
    """Begin a response, choose files for it, and return its address."""
    page = bench.person.submit(bench.page(), "/sections/responses", text="See these", attach="yes")
    place = str(page.response.request.path).partition("/attach/")[0]
    copying.attach(bench.person, bench.sandbox, f"{place}/attach/", *paths)
    return place


def send(bench: Bench) -> None:
    bench.person.submit(bench.page(), "/sections/responses", text="See these")


def put(bench: Bench, **values: Any) -> None:
    with bench.app.app_context():
        db.session.execute(update(ImportItem).values(**values))
        db.session.commit()


def part(page: Page, id_: str) -> Element:
    return next(e for e in page.tree.iter() if e.get("id") == id_)


def lines(shown: Element) -> list[Element]:
    found = shown.iter(f"{XHTML}li")
    return [li for li in found if "file" in (li.get("class") or "").split()]


def words(shown: Element) -> str:
    return " ".join("".join(shown.itertext()).split())


def polls(shown: Element) -> bool:
    return "every 2s" in shown.get("hx-trigger", "")


def pressable(shown: Element) -> list[str]:
    return [
        e.get("aria-label") or words(e)
        for e in shown.iter()
        if e.tag in {f"{XHTML}button", f"{XHTML}a"}
    ]


def test_a_response_being_written_shows_how_far_its_files_are(bench: Bench) -> None:
    answering(bench, PERMIT)
    bench.sandbox.faults(
        {"match": {"host": "download"}, "action": {"gate": "mid", "after_bytes": 3_000_000}}
    )
    worker = bench.work_beside()
    bench.sandbox.wait_for_gate("mid")
    reply = part(bench.page(), "tools-reply")
    assert polls(reply)
    (copy,) = lines(reply)
    (bar,) = copy.iter(f"{XHTML}progress")
    assert bar.get("max") == str(bench.item().size_bytes)
    assert "of 7.9 MB" in words(copy)
    (cancel,) = [text for text in pressable(copy) if text.startswith("Cancel")]
    assert cancel == "Cancel copying Building permit BP-25-0417.pdf"
    # A copy's buttons are forms of their own, and none is within another.
    for form in reply.iter(f"{XHTML}form"):
        assert len(list(form.iter(f"{XHTML}form"))) == 1
    bench.sandbox.release("mid")
    worker.join(20)
    again = bench.person.get(reply.get("hx-get", ""), htmx=True)
    assert not polls(part(again, "tools-reply"))
    assert not lines(again.tree)
    assert "Building permit BP-25-0417.pdf" in again.text


def test_what_is_written_is_sent_by_buttons_beside_the_form(bench: Bench) -> None:
    """The buttons stand outside their form, behind the files, and name it."""
    reply = part(bench.page(), "tools-reply")
    (form,) = reply.iter(f"{XHTML}form")
    buttons = list(reply.iter(f"{XHTML}button"))
    assert {button.get("form") for button in buttons} == {form.get("id")}
    assert {button.get("name") for button in buttons} >= {None, "attach"}


def test_everybody_sees_the_copies_of_a_sent_response_and_only_its_chooser_starts_them(
    bench: Bench, bob: Visitor, signed_in: SignIn
) -> None:
    place = answering(bench, W9)
    assert "W-9" not in bob.get(bench.record).text
    send(bench)
    rita = signed_in("rita")
    for visitor, may_cancel in ((bench.person, True), (bob, False), (rita, False)):
        thread = part(visitor.get(bench.record), "responses-thread")
        assert polls(thread)
        (copy,) = lines(thread)
        assert "Waiting for its turn." in words(copy)
        assert "Chosen by Alice Test" in words(copy)
        assert any(text.startswith("Cancel") for text in pressable(copy)) is may_cancel
    put(bench, state=ItemState.FAILED, reason="no_permission_in_box", failures=1)
    (mine,) = lines(part(bench.page(), "responses-thread"))
    assert "Ask its owner to let you download it, then try again." in words(mine)
    assert "Try again Fennimore - W-9.pdf" in pressable(mine)
    for visitor in (bob, rita):
        (theirs,) = lines(part(visitor.get(bench.record), "responses-thread"))
        assert "may not download it any more" in words(theirs)
        assert pressable(theirs) == []
    bench.person.submit(bench.page(), f"/imports/items/{bench.item().id}/retry")
    bench.work()
    thread = part(
        bob.get(f"{bench.record}/sections/responses/thread", htmx=True), "responses-thread"
    )
    assert not polls(thread)
    assert not lines(thread)
    assert "Fennimore - W-9.pdf" in words(thread)
    assert bench.attachments()[0].row_id == int(place.rpartition("/")[2])
    bench.check()


def test_the_thread_is_a_page_too_for_those_who_see_the_record(
    bench: Bench, bob: Visitor, charlie: Visitor, signed_in: SignIn
) -> None:
    answering(bench, W9)
    here = f"{bench.record}/sections/responses/thread"
    assert "W-9" not in bob.get(here).text
    send(bench)
    assert bob.get(here).h1 == "Responses"
    assert "W-9" in bob.get(here).text
    charlie.get(here, expect=404)
    signed_in("nell").get(here, expect=404)
    bob.get(f"{bench.record}/sections/nothing/thread", expect=404)


def test_chosen_again_goes_to_a_response_while_it_is_written_and_then_to_the_record(
    bench: Bench, bob: Visitor, world: World
) -> None:
    place = answering(bench, W9)
    put(bench, **GONE)
    assert again(part(bench.page(), "tools-reply")) == f"{place}/attach/"
    bench.person.get(f"{place}/attach/")
    send(bench)
    assert again(part(bench.page(), "responses-thread")) == f"{bench.record}/attach/"
    bench.person.get(f"{bench.record}/attach/")
    # Whoever may attach to neither is offered no button that leads nowhere, but what was accepted
    # stays accepted: the copy itself can be tried again.
    put(bench, person_id=world.people["bob"])
    bob.get(f"{bench.record}/attach/", expect=403)
    thread = part(bob.get(bench.record), "responses-thread")
    assert again(thread) == ""
    assert pressable(thread) == ["Try again Fennimore - W-9.pdf", "Dismiss Fennimore - W-9.pdf"]


def again(shown: Element) -> str:
    """Return where Choose again leads, "" where nothing does."""
    (copy,) = lines(shown)
    links = [a for a in copy.iter(f"{XHTML}a") if words(a).startswith("Choose again")]
    assert all(a.get("href") == a.get("hx-get") for a in links)
    return links[0].get("href", "") if links else ""


def meeting_with_item(bench: Bench, world: World, *titles: str) -> tuple[str, list[int]]:
    """Publish an agenda with items, and return its address and the items' ids."""
    page = bench.person.post(f"/projects/{world.tower}/meetings")
    page = bench.person.submit(page, "/edit", title="OAC", dated_on="2031-09-02")
    here = str(page.response.request.path)
    for title in titles:
        page = bench.person.get(f"{here}/sections/items/add")
        bench.person.submit(page, "/add", title=title)
    bench.person.post(f"{here}/move", {"move": "publish"})
    with bench.app.app_context():
        query = select(RecordRow.id).where(RecordRow.section == "items").order_by(RecordRow.id)
        ids = list(db.session.scalars(query))
        db.session.remove()
    return here, ids


def test_the_copies_of_a_line_stand_below_it_for_everybody(
    bench: Bench, world: World, bob: Visitor
) -> None:
    here, (item_id,) = meeting_with_item(bench, world, "Casework")
    copying.attach(bench.person, bench.sandbox, f"{here}/rows/{item_id}/attach/", SMALL)
    for visitor, presses in ((bench.person, True), (bob, False)):
        table = part(visitor.get(here), "items")
        assert polls(table)
        (copy,) = lines(table)
        assert "Waiting for its turn." in words(copy)
        assert bool(pressable(copy)) is presses
    put(bench, **GONE)
    assert again(part(bench.person.get(here), "items")) == f"{here}/rows/{item_id}/attach/"
    bench.person.get(f"{here}/rows/{item_id}/attach/")


def test_the_copies_of_a_note_stand_below_it_in_its_day(
    bench: Bench, world: World, bob: Visitor
) -> None:
    log = f"/projects/{world.tower}/daily-log"
    page = bench.person.submit(bench.person.get(log), "/daily-log/notes")
    page = bench.person.submit(page, "/edit", comments="Cards on file")
    note = str(page.response.request.path)
    copying.attach(bench.person, bench.sandbox, f"{note}/attach/", CARDS)
    day = part(bob.get(log), "daily_log-day")
    assert polls(day)
    (copy,) = lines(day)
    assert "Waiting for its turn." in words(copy)
    put(bench, **GONE)
    day = part(bench.person.get(log), "daily_log-day")
    assert not polls(day)
    assert again(day) == f"{note}/attach/"


@contextmanager
def counted() -> Iterator[list[str]]:
    """Collect what is asked of the database."""
    asked: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        asked.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield asked
    event.remove(db.engine, "before_cursor_execute", note)


def test_many_lines_with_copies_ask_the_database_no_more_than_one(
    bench: Bench, world: World
) -> None:
    here, ids = meeting_with_item(bench, world, "One", "Two", "Three", "Four")

    def asked() -> int:
        with bench.app.app_context(), counted() as statements:
            bench.person.get(f"{here}/sections/items/table", htmx=True)
        return len(statements)

    copying.attach(bench.person, bench.sandbox, f"{here}/rows/{ids[0]}/attach/", SMALL)
    asked()
    one = asked()
    for row_id in ids[1:]:
        copying.attach(bench.person, bench.sandbox, f"{here}/rows/{row_id}/attach/", SMALL)
    assert len(lines(bench.person.get(here).tree)) == len(ids)
    assert asked() == one
