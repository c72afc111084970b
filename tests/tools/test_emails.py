"""Emails as people use it: compose, reply, forward, folders, tags, private messages, the outbox."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, select, update

from tests.support.copying import attachments, run_worker
from tests.support.mailing import (
    begin,
    compose,
    emails_of,
    ids,
    mails,
    record_at,
    write,
)
from tests.support.pages import Page, Visitor
from tests.support.uploading import attach_upload, stored_keys
from tests.support.world import World
from webapp.attachments.changing import REMOVED_LIVES
from webapp.attachments.models import Attachment
from webapp.companies.models import Level, ToolLevel
from webapp.core.audit import AuditEntry
from webapp.core.clock import utcnow
from webapp.core.database import db
from webapp.imports.models import Tray
from webapp.tools.registry import TOOLS
from webapp.wiring import chores

pytestmark = pytest.mark.wide

SignIn = Callable[[str], Visitor]


@pytest.fixture
def none_for_nell(app: Flask, world: World) -> None:
    """Nell is on the project and has nothing in Emails."""
    with app.app_context():
        db.session.add(
            ToolLevel(
                project_id=world.tower,
                person_id=world.people["nell"],
                tool_key="emails",
                level=int(Level.NONE),
            )
        )
        db.session.commit()
        db.session.remove()


@pytest.fixture
def sent(app: Flask, alice: Visitor, world: World) -> Callable[..., str]:
    """Return a sender of messages; it returns the address of one that has gone out."""

    def send(visitor: Visitor = alice, **values: Any) -> str:
        given = {"to": ids(world, "bob"), **values}
        here = compose(visitor, world, **given)
        run_worker(app)
        assert record_at(app, here).status == "sent"
        return here

    return send


def act(visitor: Visitor, here: str, key: str, *, expect: int | None = 200) -> Page:
    return visitor.post(f"{here}/act", {"action": key}, expect=expect)


def draft_of(page: Page) -> str:
    return str(page.response.request.path).removesuffix("/edit")


def people_in(page: Page, name: str) -> list[str]:
    return page.form("/edit").values.get(name, [])


# ---- writing


def test_emails_begins_the_menu(alice: Visitor, world: World) -> None:
    assert next(iter(TOOLS)).key == "emails"
    assert "Emails" in alice.get(f"/projects/{world.tower}").links()


def test_a_message_to_nobody_is_not_sent_and_nothing_is_lost(
    app: Flask, alice: Visitor, world: World
) -> None:
    here = begin(alice, world)
    page = alice.submit(
        alice.get(f"{here}/edit"),
        "/edit",
        title="Crane",
        message="Clear the gate.",
        move="send",
        expect=422,
    )
    assert "Say to whom it goes" in page.text
    assert people_in(page, "message") == ["Clear the gate."]
    assert mails(app) == []


@pytest.mark.parametrize(
    "outside", ["nobody", "a@b.example, @", "a@b.example\r\nBcc: c@d.example", "ü@b.example"]
)
def test_what_is_no_address_is_told_beside_the_field(
    app: Flask, alice: Visitor, world: World, outside: str
) -> None:
    here = begin(alice, world)
    page = alice.submit(
        alice.get(f"{here}/edit"), "/edit", title="x", outside=outside, move="send", expect=422
    )
    assert "is no e-mail address." in page.text
    assert mails(app) == []


def test_too_many_recipients_are_refused(alice: Visitor, world: World) -> None:
    here = begin(alice, world)
    many = ",".join(f"u{i}@b.example" for i in range(101))
    page = alice.submit(
        alice.get(f"{here}/edit"), "/edit", title="x", outside=many, move="send", expect=422
    )
    assert "at most 100 recipients" in page.text


def test_people_of_another_company_cannot_be_chosen(alice: Visitor, world: World) -> None:
    here = begin(alice, world)
    alice.submit(
        alice.get(f"{here}/edit"), "/edit", title="x", to=ids(world, "charlie"), expect=422
    )


def test_a_subject_of_several_lines_is_one_line_outside(
    app: Flask, alice: Visitor, world: World, sent: Callable[..., str]
) -> None:
    sent(title="Crane\r\nBcc: evil@b.example")
    (mail,) = mails(app)
    assert mail.delivered == 1
    assert "Crane" in alice.get(f"{emails_of(world)}/outbox").text


def test_a_draft_is_its_writers_alone(
    alice: Visitor, bob: Visitor, world: World, signed_in: SignIn
) -> None:
    here = begin(bob, world)
    write(bob, here, move="", to=ids(world, "rita"))
    signed_in("rita").get(here, expect=404)
    signed_in("dora").get(here, expect=404)
    assert "Crane on Thursday" not in signed_in("rita").get(emails_of(world)).text
    alice.get(f"{here}/edit", expect=403)
    alice.post(f"{here}/move", {"move": "send"}, expect=403)


def test_what_has_gone_out_cannot_be_changed(
    app: Flask, alice: Visitor, sent: Callable[..., str]
) -> None:
    here = sent()
    alice.get(f"{here}/edit", expect=403)
    alice.post(f"{here}/edit", {"title": "x", "version": "2"}, expect=403)
    for move in ("send", "send_again", "take_back"):
        alice.post(f"{here}/move", {"move": move}, expect=409)
    alice.post(f"{here}/discard", expect=403)
    assert len(mails(app)) == 1


# ---- replies


def test_a_reply_goes_to_the_sender_in_the_thread(
    app: Flask, alice: Visitor, bob: Visitor, world: World, sent: Callable[..., str]
) -> None:
    first = sent(cc=ids(world, "rita"), outside="ed@b.example", tags="Steel", is_private="y")
    page = act(bob, first, "reply")
    assert page.form("/edit").values["title"] == ["RE: Crane on Thursday"]
    assert people_in(page, "to") == ids(world, "alice")
    assert people_in(page, "cc") == []
    assert people_in(page, "outside") == [""]
    assert people_in(page, "tags") == ["Steel"]
    assert people_in(page, "is_private") == ["y"]
    assert "> Clear the gate." in people_in(page, "message")[0]
    bob.submit(page, "/edit", message="Done.", move="send")
    run_worker(app)
    reply = draft_of(page)
    assert record_at(app, reply).parent_id == record_at(app, first).id
    answer = act(alice, reply, "reply")
    assert answer.form("/edit").values["title"] == ["RE: Crane on Thursday"]
    second = draft_of(answer)
    assert record_at(app, second).parent_id == record_at(app, first).id


def test_a_reply_to_all_keeps_everybody_but_oneself_and_hidden_copies(
    bob: Visitor, world: World, sent: Callable[..., str]
) -> None:
    here = sent(
        to=ids(world, "bob", "nell"),
        cc=ids(world, "rita"),
        bcc=ids(world, "dora"),
        outside="ed@b.example",
    )
    page = act(bob, here, "reply_all")
    assert sorted(people_in(page, "to")) == sorted(ids(world, "alice", "nell"))
    assert people_in(page, "cc") == ids(world, "rita")
    assert people_in(page, "bcc") == []
    assert people_in(page, "outside") == ["ed@b.example"]


def test_whoever_answers_themselves_writes_to_the_same_people(
    alice: Visitor, world: World, sent: Callable[..., str]
) -> None:
    here = sent(outside="ed@b.example")
    page = act(alice, here, "reply")
    assert people_in(page, "to") == ids(world, "bob")
    assert people_in(page, "outside") == ["ed@b.example"]


def test_a_thread_shows_what_this_person_may_see_oldest_first_with_files(
    app: Flask, alice: Visitor, bob: Visitor, world: World, signed_in: SignIn
) -> None:
    first = begin(alice, world)
    attach_upload(alice, f"{first}/attach/", ("plan.pdf", b"plan"))
    write(alice, first, to=ids(world, "bob", "dora"))
    run_worker(app)
    page = act(bob, first, "reply")
    attach_upload(bob, f"{draft_of(page)}/attach/", ("photo.jpg", b"photo"))
    bob.submit(
        bob.get(f"{draft_of(page)}/edit"),
        "/edit",
        message="In confidence.",
        is_private="y",
        move="send",
    )
    run_worker(app)
    for name in ("alice", "bob"):
        text = signed_in(name).get(first).text
        assert "Conversation 2 messages" in text
        assert text.index("plan.pdf") < text.index("In confidence.") < text.index("photo.jpg")
    text = signed_in("dora").get(first).text
    assert "In confidence." not in text
    assert "photo.jpg" not in text
    signed_in("dora").get(draft_of(page), expect=404)
    signed_in("dora").get(f"{draft_of(page)}/state", expect=404)
    files = {file.name: file.public_id for file in attachments(app)}
    signed_in("dora").get(f"/attachments/{files['photo.jpg']}", expect=404)


# ---- forwarding


def test_a_forward_carries_the_text_and_the_same_stored_files(
    app: Flask, alice: Visitor, bob: Visitor, world: World
) -> None:
    here = begin(alice, world)
    attach_upload(alice, f"{here}/attach/", ("plan.pdf", b"the plan"))
    write(alice, here, to=ids(world, "bob"), bcc=ids(world, "dora"))
    run_worker(app)
    page = act(bob, here, "forward")
    assert page.form("/edit").values["title"] == ["FW: Crane on Thursday"]
    assert people_in(page, "to") == []
    text = people_in(page, "message")[0]
    assert "From: Alice Test" in text
    assert "To: Bob Test" in text
    assert "Clear the gate." in text
    assert "Dora" not in text
    bob.submit(page, "/edit", outside="ed@b.example", move="send")
    run_worker(app)
    first, second = attachments(app)
    assert first.blob_key == second.blob_key
    assert (second.name, second.sha256, second.attached_by_id) == (
        "plan.pdf",
        first.sha256,
        world.people["bob"],
    )
    assert len(stored_keys(alice)) == 1
    kept = mails(app)[-1].kept
    assert kept is not None
    assert kept["files"] == [["plan.pdf", 8]]


def test_a_shared_object_lives_as_long_as_the_last_who_speaks_of_it(
    app: Flask, alice: Visitor, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chores, "ORPHAN_LIVES", timedelta(seconds=-5))
    here = begin(alice, world)
    attach_upload(alice, f"{here}/attach/", ("plan.pdf", b"the plan"))
    write(alice, here, to=ids(world, "bob"))
    run_worker(app)
    act(alice, here, "forward")
    first, second = attachments(app)
    with app.app_context():
        # A sent tray speaks of its uploads for a week.
        db.session.execute(delete(Tray))
        db.session.commit()
        db.session.remove()
    for file, expected in ((first, {first.blob_key}), (second, set())):
        with app.app_context():
            db.session.execute(
                update(Attachment)
                .where(Attachment.id == file.id)
                .values(removed_at=utcnow() - REMOVED_LIVES - timedelta(hours=1))
            )
            db.session.commit()
            chores.sweep_storage()
            db.session.remove()
        assert stored_keys(alice) == expected
        done = app.test_cli_runner().invoke(args=["storage", "verify"])
        assert done.exit_code == 0, done.output


def test_removed_files_are_not_carried_on(app: Flask, alice: Visitor, world: World) -> None:
    here = begin(alice, world)
    files = attach_upload(alice, f"{here}/attach/", ("a.pdf", b"a"), ("b.pdf", b"b"))
    alice.post(f"/attachments/{files[0].public_id}/remove", expect=303)
    write(alice, here, to=ids(world, "bob"))
    run_worker(app)
    page = act(alice, here, "forward")
    forwarded = record_at(app, draft_of(page)).id
    names = [file.name for file in attachments(app) if file.record_id == forwarded]
    assert names == ["b.pdf"]


# ---- lists


def test_folders_hold_what_is_put_there_and_spam_is_out_of_sight(
    alice: Visitor, world: World, sent: Callable[..., str]
) -> None:
    here = sent(title="Cheap cranes")
    sent(title="Real crane")
    act(alice, here, "spam")
    listed = alice.get(emails_of(world)).text
    assert "Cheap cranes" not in listed
    assert "Real crane" in listed
    assert "Cheap cranes" in alice.get(f"{emails_of(world)}?folder=spam").text
    page = alice.get(here)
    assert "moved this to: Spam" in page.text
    act(alice, here, "inbox")
    assert "Cheap cranes" in alice.get(f"{emails_of(world)}?folder=inbox").text
    act(alice, here, "archive")
    assert "Cheap cranes" in alice.get(emails_of(world)).text
    assert "Cheap cranes" not in alice.get(f"{emails_of(world)}?folder=inbox").text


def test_only_admins_move_messages_between_folders(bob: Visitor, sent: Callable[..., str]) -> None:
    here = sent()
    assert "Mark as spam" not in bob.get(here).text
    act(bob, here, "bin", expect=422)


def test_tags_are_kept_tidy_and_filter_the_list(
    alice: Visitor, world: World, sent: Callable[..., str]
) -> None:
    here = sent(title="One", tags=" Safety ,steel,,SAFETY,  Site  Office ")
    sent(title="Two", tags="Steelwork")
    sent(title="Three", tags="100%_off")
    assert "SAFETY, steel, Site Office" in alice.get(here).text
    page = alice.get(emails_of(world))
    options = [o.get("value") for o in page.all("option")]
    assert {"SAFETY", "steel", "Site Office", "Steelwork", "100%_off"} <= set(options)
    listed = alice.get(f"{emails_of(world)}?tags=Steel").text
    assert "One" in listed
    assert "Two" not in listed
    listed = alice.get(emails_of(world), query_string={"tags": "100%_off"}).text
    assert "Three" in listed
    assert "One" not in listed


def test_the_list_tells_sender_date_files_and_privacy(
    app: Flask, alice: Visitor, bob: Visitor, world: World
) -> None:
    here = begin(bob, world)
    attach_upload(bob, f"{here}/attach/", ("a.pdf", b"a"))
    write(bob, here, to=ids(world, "alice"), is_private="y")
    run_worker(app)
    page = alice.get(emails_of(world))
    (row,) = [tr for tr in page.all("tr") if "Crane" in "".join(tr.itertext())]
    text = " ".join(" ".join(row.itertext()).split())
    for part in ("Bob Test", "Private", "Today", "Sent"):
        assert part in text, part
    assert "1" in text.split()


# ---- who may


def test_a_private_message_is_for_sender_recipients_and_admins(
    app: Flask, bob: Visitor, world: World, sent: Callable[..., str], signed_in: SignIn
) -> None:
    here = begin(bob, world)
    (file,) = attach_upload(bob, f"{here}/attach/", ("a.pdf", b"a"))
    write(bob, here, to=ids(world, "rita"), bcc=ids(world, "dora"), is_private="y")
    run_worker(app)
    for name in ("alice", "bob", "rita", "dora"):
        signed_in(name).get(here)
        signed_in(name).get(f"/attachments/{file.public_id}").response.close()
    for name in ("nell", "charlie"):
        visitor = signed_in(name)
        visitor.get(here, expect=404)
        visitor.get(f"/attachments/{file.public_id}", expect=404)
        act(visitor, here, "reply", expect=404)
    assert "Crane" not in signed_in("nell").get(emails_of(world)).text


def test_read_only_reads(
    app: Flask, world: World, sent: Callable[..., str], signed_in: SignIn
) -> None:
    here = sent(to=ids(world, "rita"))
    rita = signed_in("rita")
    page = rita.get(here)
    for word in ("Reply", "Forward", "Attach File(s)", "New Email"):
        assert word not in page.links()
        assert word not in [" ".join(b.itertext()).strip() for b in page.all("button")]
    rita.post(emails_of(world), expect=404)
    for key in ("reply", "reply_all", "forward", "spam", "without"):
        act(rita, here, key, expect=422)
    rita.get(f"{here}/attach/", expect=403)


@pytest.mark.usefixtures("none_for_nell")
def test_who_has_nothing_in_emails_sees_nothing(
    app: Flask, world: World, sent: Callable[..., str], signed_in: SignIn
) -> None:
    here = sent(to=ids(world, "nell"), is_private="y")
    nell = signed_in("nell")
    assert "Emails" not in nell.get(f"/projects/{world.tower}").links()
    for path in (here, f"{here}/state", emails_of(world), f"{emails_of(world)}/outbox"):
        nell.get(path, expect=404)
    nell.post(emails_of(world), expect=404)
    act(nell, here, "reply", expect=404)


def test_files_hang_on_drafts_and_on_nothing_that_has_gone_out(
    alice: Visitor, bob: Visitor, world: World, sent: Callable[..., str]
) -> None:
    here = sent(bob)
    bob.get(f"{here}/attach/", expect=403)
    alice.get(f"{here}/attach/", expect=403)


# ---- the outbox


def test_the_outbox_shows_its_admins_what_would_have_gone_out(
    app: Flask,
    alice: Visitor,
    bob: Visitor,
    world: World,
    sent: Callable[..., str],
    signed_in: SignIn,
) -> None:
    sent(cc=ids(world, "rita"), bcc=ids(world, "dora"), outside="ed@b.example")
    outbox = f"{emails_of(world)}/outbox"
    page = alice.get(outbox)
    for text in (
        "No mail server is set",
        "Crane on Thursday",
        "Bob Test <bob@example.test>, ed@b.example",
        "Rita Test <rita@example.test>",
        "Clear the gate.",
    ):
        assert text in page.text, text
    assert "dora" not in page.html.lower()
    assert "Outbox" in alice.get(emails_of(world)).links()
    assert "Outbox" not in bob.get(emails_of(world)).links()
    for name in ("bob", "rita", "charlie"):
        signed_in(name).get(outbox, expect=404)


def test_the_outbox_of_a_project_holds_its_own_messages_only(
    app: Flask, world: World, sent: Callable[..., str], charlie: Visitor
) -> None:
    sent()
    page = charlie.get(f"/projects/{world.bridge}/emails/outbox")
    assert "Nothing has gone out yet" in page.text


# ---- the mechanism's new words


def test_what_is_hidden_stays_out_of_everybody_elses_history(
    app: Flask, alice: Visitor, bob: Visitor, world: World
) -> None:
    here = begin(alice, world)
    write(alice, here, move="", to=ids(world, "bob"))
    write(alice, here, move="", bcc=ids(world, "dora"))
    with app.app_context():
        facts = [str(entry.facts) for entry in db.session.scalars(select(AuditEntry))]
        db.session.remove()
    assert not any("Dora" in fact or "Bcc" in fact for fact in facts)
