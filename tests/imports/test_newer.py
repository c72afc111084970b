"""A newer version in Box: the record tells, one click takes it, and the old one is kept."""

from collections.abc import Callable
from typing import Any

import pytest
import requests
from flask import Flask
from sqlalchemy import select, update

from tests.imports.conftest import CARDS, PERMIT, W9, Bench
from tests.sandbox.process import SandboxProcess
from tests.support import copying
from tests.support.linking import link
from tests.support.pages import Page, Visitor
from tests.support.world import World
from webapp.box_link.models import BoxLink
from webapp.companies.models import Company
from webapp.core.database import db
from webapp.imports.models import ItemState
from webapp.records.models import RecordRow
from webapp.wiring import newer

SignIn = Callable[[str], Visitor]
# An account that does not see the folders of the others.
ELSEWHERE = "owen.trask@boxmail.example"
ONE = {"host": "api", "path": r"/files/\d+$"}


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may take longer to answer than a hint would wait."""
    monkeypatch.setattr(newer, "CALL_SECONDS", 30.0)
    monkeypatch.setattr(newer, "LOOK_SECONDS", 60.0)


@pytest.fixture
def attached(bench: Bench) -> Bench:
    """The record has a file of which Box has a newer version by now."""
    bench.attach(W9)
    bench.work()
    bench.sandbox.change("new_version", W9, size=123_456)
    return bench


def hint(visitor: Visitor, record: str) -> Page:
    return visitor.get(f"{record}/newer/", htmx=True)


def take(visitor: Visitor, record: str, page: Page | None = None) -> Page:
    return visitor.submit(page or hint(visitor, record), "/newer/")


def calls_for_one(sandbox: SandboxProcess) -> int:
    return sum(
        call["host"] == "api" and call["path"].rpartition("/")[2].isdigit()
        for call in sandbox.calls()["log"]
        if "/2.0/files/" in call["path"]
    )


def fold(page: Page) -> str:
    """Return the words of the superseded files' fold, "" without one."""
    found = [d for d in page.all("details") if d.get("data-fold") == "superseded"]
    return " ".join("".join(found[0].itertext()).split()) if found else ""


def asks(page: Page) -> bool:
    return any(
        div.get("hx-trigger", "").startswith("load") for div in page.all("div", id="imports-newer")
    )


def test_one_click_attaches_the_newest_version_and_keeps_the_old_one(attached: Bench) -> None:
    bench = attached
    (old,) = bench.attachments()
    page = bench.page()
    assert asks(page)
    assert fold(page) == ""
    shown = hint(bench.person, bench.record)
    assert "Fennimore - W-9.pdf . Box has version 2, version 1 is attached." in shown.text
    assert "Attach version 2" in shown.text
    after = take(bench.person, bench.record, shown)
    assert after.response.request.path == bench.record
    assert hint(bench.person, bench.record).text == ""
    bench.work()
    first, second = bench.attachments()
    newest = bench.sandbox.world(W9)
    assert (second.sha1, second.size_bytes, second.is_verified) == (newest["sha1"], 123_456, True)
    assert (second.box_version_number, second.box_version_id) == ("2", newest["version_id"])
    assert second.box_path.endswith("00 Project Admin")
    assert first.superseded_by_id == second.id
    assert (first.sha1, first.removed_at) == (old.sha1, None)
    page = bench.page()
    assert "superseded by version 2, Alice Test" in fold(page)
    assert "put version 2 of Fennimore - W-9.pdf in the place of version 1" in page.text
    assert hint(bench.person, bench.record).text == ""
    bench.person.get(f"/attachments/{first.public_id}").response.close()
    bench.check()


def test_pressing_twice_copies_once(attached: Bench) -> None:
    shown = hint(attached.person, attached.record)
    take(attached.person, attached.record, shown)
    take(attached.person, attached.record, shown)
    attached.work()
    assert len(attached.items()) == 2
    assert len(attached.attachments()) == 2
    # A page from before, pressed afterwards.
    again = attached.person.post(
        f"{attached.record}/newer/", {"file": attached.attachments()[0].public_id}, expect=409
    )
    assert "Already attached" in again.text
    assert len(attached.items()) == 2
    attached.check()


def test_what_did_not_arrive_is_tried_again_by_the_next_click(attached: Bench) -> None:
    shown = hint(attached.person, attached.record)
    take(attached.person, attached.record, shown)
    item = attached.items()[-1]
    attached.person.post(f"/imports/items/{item.id}/cancel")
    attached.work()
    assert fold(attached.page()) == ""
    take(attached.person, attached.record, shown)
    attached.work()
    assert len(attached.items()) == 2
    assert fold(attached.page()) != ""
    attached.check()


def test_a_failed_copy_leaves_the_old_version_in_its_place(attached: Bench) -> None:
    take(attached.person, attached.record)
    attached.sandbox.change("delete", W9)
    attached.work()
    assert attached.items()[-1].state == ItemState.FAILED
    (file,) = attached.attachments()
    assert file.superseded_by_id is None
    attached.check()


def test_with_the_newer_one_removed_the_old_one_is_current_again(attached: Bench) -> None:
    take(attached.person, attached.record)
    attached.work()
    _old, new = attached.attachments()
    attached.person.post(f"/attachments/{new.public_id}/remove")
    assert fold(attached.page()) == ""
    assert "Attach version 2" in hint(attached.person, attached.record).text
    attached.person.post(f"/attachments/{new.public_id}/restore")
    assert "superseded by version 2" in fold(attached.page())


def test_the_old_one_removed_meanwhile_stays_removed(attached: Bench) -> None:
    take(attached.person, attached.record)
    (old,) = attached.attachments()
    attached.person.post(f"/attachments/{old.public_id}/remove")
    attached.work()
    first, second = attached.attachments()
    assert (first.superseded_by_id, first.removed_at is None) == (None, False)
    assert second.box_version_number == "2"
    # Restored, it does not stand beside the newer one as if both were current.
    attached.person.post(f"/attachments/{old.public_id}/restore")
    assert attached.attachments()[0].superseded_by_id == second.id


def test_one_who_only_reads_is_told_and_has_no_button(attached: Bench, signed_in: SignIn) -> None:
    rita = signed_in("rita")
    page = rita.get(attached.record)
    assert not asks(page)
    link(rita, attached.sandbox)
    assert asks(rita.get(attached.record))
    shown = hint(rita, attached.record)
    assert "Box has version 2" in shown.text
    assert "Attach version" not in shown.text
    (old,) = attached.attachments()
    rita.post(f"{attached.record}/newer/", {"file": old.public_id}, expect=403)
    assert len(attached.items()) == 1


def test_without_a_link_of_ones_own_nothing_is_asked_or_shown(
    attached: Bench, signed_in: SignIn
) -> None:
    before = calls_for_one(attached.sandbox)
    rita = signed_in("rita")
    assert hint(rita, attached.record).text == ""
    with attached.app.app_context():
        db.session.execute(update(BoxLink).values(state="relink_needed"))
        db.session.commit()
    assert not asks(attached.page())
    assert hint(attached.person, attached.record).text == ""
    assert calls_for_one(attached.sandbox) == before


def test_what_this_persons_box_does_not_show_is_not_told(
    attached: Bench, signed_in: SignIn
) -> None:
    rita = signed_in("rita")
    link(rita, attached.sandbox, login=ELSEWHERE)
    before = calls_for_one(attached.sandbox)
    assert hint(rita, attached.record).text == ""
    assert calls_for_one(attached.sandbox) == before + 1
    hint(rita, attached.record)
    assert calls_for_one(attached.sandbox) == before + 1


def test_where_box_was_switched_off_nothing_is_asked(attached: Bench) -> None:
    shown = hint(attached.person, attached.record)
    with attached.app.app_context():
        db.session.execute(update(Company).values(box_switched_off=True))
        db.session.commit()
    assert hint(attached.person, attached.record).text == ""
    refused = attached.person.submit(shown, "/newer/", expect=409)
    assert "switched Box off" in refused.text
    assert len(attached.items()) == 1


def test_strangers_find_nothing(attached: Bench, charlie: Visitor, signed_in: SignIn) -> None:
    charlie.get(f"{attached.record}/newer/", htmx=True, expect=404)
    signed_in("nell").get(f"{attached.record}/newer/", htmx=True, expect=404)
    (old,) = attached.attachments()
    charlie.post(f"{attached.record}/newer/", {"file": old.public_id}, expect=404)
    attached.person.post(f"{attached.record}/newer/", {"file": "x"}, expect=404)
    assert len(attached.items()) == 1


def test_without_script_the_address_is_the_records(attached: Bench) -> None:
    page = attached.person.get(f"{attached.record}/newer/")
    assert page.response.request.path == attached.record


def test_box_is_asked_once_a_file_and_then_remembered(attached: Bench) -> None:
    attached.attach(CARDS, PERMIT)
    attached.work()
    before = calls_for_one(attached.sandbox)
    hint(attached.person, attached.record)
    assert calls_for_one(attached.sandbox) == before + 3
    for _look in range(3):
        assert "Attach version 2" in hint(attached.person, attached.record).text
    assert calls_for_one(attached.sandbox) == before + 3


def test_only_so_many_files_are_asked_about(
    attached: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newer, "FILES_MAX", 2)
    attached.attach(CARDS, PERMIT)
    attached.work()
    before = calls_for_one(attached.sandbox)
    hint(attached.person, attached.record)
    assert calls_for_one(attached.sandbox) == before + 2


@pytest.mark.parametrize(
    "action",
    [
        {"status": 503},
        {"status": 429, "headers": {"Retry-After": "5"}},
        {"hang_s": 20},
        {"drip": 1},
    ],
    ids=["down", "busy", "hangs", "drips"],
)
def test_a_box_that_does_not_answer_shows_nothing_and_is_asked_no_further(
    attached: Bench, monkeypatch: pytest.MonkeyPatch, action: dict[str, Any]
) -> None:
    attached.attach(CARDS)
    attached.work()
    before = calls_for_one(attached.sandbox)
    monkeypatch.setattr(newer, "CALL_SECONDS", 0.5)
    attached.sandbox.faults({"match": ONE, "times": None, "action": action})
    assert hint(attached.person, attached.record).text == ""
    assert calls_for_one(attached.sandbox) == before + 1
    attached.sandbox.clear_faults()
    monkeypatch.setattr(newer, "CALL_SECONDS", 30.0)
    assert "Attach version 2" in hint(attached.person, attached.record).text


def test_a_newest_version_that_cannot_be_had_says_why(attached: Bench) -> None:
    shown = hint(attached.person, attached.record)
    attached.sandbox.change("forbid_download", W9)
    refused = attached.person.submit(shown, "/newer/", expect=409)
    assert "Preview only" in refused.text
    attached.sandbox.faults({"match": ONE, "action": {"status": 503}})
    refused = attached.person.submit(shown, "/newer/", expect=409)
    assert "Box is not answering" in refused.text
    assert len(attached.items()) == 1


def test_a_version_chosen_in_the_dialog_meanwhile_is_no_news(attached: Bench) -> None:
    assert "Attach version 2" in hint(attached.person, attached.record).text
    attached.attach(W9)
    assert hint(attached.person, attached.record).text == ""
    attached.work()
    assert hint(attached.person, attached.record).text == ""
    # What is remembered of Box is older now than what is attached.
    attached.sandbox.change("new_version", W9, size=200_000)
    attached.attach(W9)
    attached.work()
    assert hint(attached.person, attached.record).text == ""


def test_a_file_of_a_row_gets_its_newer_version_there(
    bench: Bench, world: World, app: Flask
) -> None:
    """A response that is being written, by the person who writes it."""
    record = bench.record
    page = bench.page()
    bench.person.submit(page, "/sections/responses", text="See this", attach="yes")
    with app.app_context():
        row_id = db.session.scalars(select(RecordRow.id).order_by(RecordRow.id.desc())).first()
        db.session.remove()
    copying.attach(bench.person, bench.sandbox, f"{record}/rows/{row_id}/attach/", W9)
    bench.work()
    bench.sandbox.change("new_version", W9, size=123_456)
    shown = hint(bench.person, record)
    assert "Response" in shown.text
    take(bench.person, record, shown)
    bench.work()
    first, second = bench.attachments()
    assert (first.row_id, second.row_id) == (row_id, row_id)
    assert first.superseded_by_id == second.id
    assert "superseded by version 2" in bench.page().text
    bench.check()


def test_a_copy_tells_where_it_came_from_and_leads_back_there(
    attached: Bench, charlie: Visitor
) -> None:
    page = attached.page()
    (file,) = attached.attachments()
    told = page.text
    for fact in (file.box_path, file.box_file_id or "", "version 1", file.box_login):
        assert fact in told
    assert "checked after the copy" in told
    there = next(a for a in page.all("a") if "Open in Box" in "".join(a.itertext()))
    assert (there.get("target"), there.get("rel")) == ("_blank", "noopener")
    address = there.get("href", "")
    assert address == f"{attached.sandbox.account_url}/file/{file.box_file_id}"
    opened = requests.get(address, timeout=10)
    assert opened.status_code == 200
    assert "Fennimore - W-9.pdf" in opened.text
    assert requests.get(f"{attached.sandbox.account_url}/file/1", timeout=10).status_code == 404
    about = attached.person.get(f"/attachments/{file.public_id}/about")
    assert about.h1 == "Fennimore - W-9.pdf"
    assert "checked after the copy" in about.text
    charlie.get(f"/attachments/{file.public_id}/about", expect=404)
