"""Messages about a record: begun from its page, listed there, and linking back to it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from tests.support.copying import run_worker
from tests.support.mailing import begin, ids, mails, record_at, write
from tests.support.pages import Page, Visitor
from tests.support.world import World
from webapp.companies.models import Level, ToolLevel
from webapp.core.clock import utcnow
from webapp.core.database import db
from webapp.records.models import Record
from webapp.tools.extensions.emails import messages
from webapp.tools.extensions.emails.receiving import receive
from webapp.tools.registry import TOOLS

pytestmark = pytest.mark.wide

SignIn = Callable[[str], Visitor]
OTHERS = [tool.key for tool in TOOLS if tool.key != "emails"]


def rfi(world: World) -> str:
    return f"/projects/{world.tower}/rfis/{world.rfi}"


def email_this(visitor: Visitor, here: str) -> str:
    """Press the button of a record's page; return the address of the draft."""
    page = visitor.submit(visitor.get(here), f"{here}/email")
    return str(page.response.request.path).removesuffix("/edit")


def send(app: Flask, visitor: Visitor, draft: str, **values: Any) -> None:
    visitor.submit(visitor.get(f"{draft}/edit"), "/edit", move="send", **values)
    run_worker(app)
    assert record_at(app, draft).status == "sent"


def buttons(page: Page) -> list[str]:
    return [" ".join(" ".join(b.itertext()).split()) for b in page.all("button")]


def set_level(app: Flask, world: World, name: str, level: Level, tool: str = "emails") -> None:
    with app.app_context():
        db.session.add(
            ToolLevel(
                project_id=world.tower,
                person_id=world.people[name],
                tool_key=tool,
                level=int(level),
            )
        )
        db.session.commit()
        db.session.remove()


def test_a_message_about_a_record_begins_with_its_name_and_address(
    app: Flask, alice: Visitor, bob: Visitor, world: World
) -> None:
    assert "Emails about this" not in bob.get(rfi(world)).text
    draft = email_this(bob, rfi(world))
    form = bob.get(f"{draft}/edit").form("/edit")
    assert form.values["title"] == ["RFI-001: Stair 2 slab edge"]
    assert f"http://127.0.0.1:8000{rfi(world)}" in form.values["message"][0]
    assert "is_private" not in form.values or form.values["is_private"] == []
    assert "Emails about this" not in alice.get(rfi(world)).text
    send(app, bob, draft, to=ids(world, "alice"))
    page = alice.get(rfi(world))
    assert "Emails about this 1 message" in page.text
    assert page.links()["RFI-001: Stair 2 slab edge"] == draft
    back = alice.get(draft)
    assert "About RFI-001: Stair 2 slab edge" in back.text
    assert back.links()["RFI-001: Stair 2 slab edge"] == rfi(world)


@pytest.mark.parametrize("key", OTHERS)
def test_every_other_tool_offers_it(app: Flask, alice: Visitor, world: World, key: str) -> None:
    tool = TOOLS.get(key)
    assert tool is not None
    status = next(s.key for s in tool.statuses if not s.is_draft and not s.for_admins)
    page = alice.post(f"/projects/{world.tower}/{tool.slug}", {"name": "Plans"})
    record = int(str(page.response.request.path).removesuffix("/edit").rpartition("/")[2])
    with app.app_context():
        changes = {"status": status, "title": "Something", "saved_at": utcnow()}
        db.session.execute(update(Record).where(Record.id == record).values(changes))
        db.session.commit()
        db.session.remove()
    here = f"/projects/{world.tower}/{tool.slug}/{record}"
    draft = email_this(alice, here)
    assert "Something" in alice.get(f"{draft}/edit").form("/edit").values["title"][0]


def test_a_message_is_not_about_another_message_or_a_draft(
    app: Flask, alice: Visitor, world: World
) -> None:
    here = begin(alice, world)
    write(alice, here, to=ids(world, "bob"))
    run_worker(app)
    assert "Email this" not in buttons(alice.get(here))
    alice.post(f"{here}/email", expect=404)
    draft = f"/projects/{world.tower}/rfis/{world.draft_rfi}"
    assert "Email this" not in buttons(alice.get(draft))
    alice.post(f"{draft}/email", expect=404)


def test_it_takes_standard_in_emails_and_the_record(
    app: Flask, alice: Visitor, world: World, signed_in: SignIn, charlie: Visitor
) -> None:
    set_level(app, world, "rita", Level.ADMIN, "rfis")
    set_level(app, world, "dora", Level.NONE)
    for name in ("rita", "dora", "nell", "charlie"):
        visitor = signed_in(name)
        visitor.post(f"{rfi(world)}/email", expect=404)
        if name in {"rita", "dora"}:
            assert "Email this" not in buttons(visitor.get(rfi(world)))
    secret = f"/projects/{world.tower}/rfis/{world.private_rfi}"
    signed_in("dora").post(f"{secret}/email", expect=404)
    assert "Email this" in buttons(alice.get(rfi(world)))


def test_each_side_shows_only_what_its_reader_sees(
    app: Flask, alice: Visitor, bob: Visitor, world: World, signed_in: SignIn
) -> None:
    private = email_this(alice, rfi(world))
    send(app, alice, private, title="Between us", to=ids(world, "bob"), is_private="y")
    open_ = email_this(alice, rfi(world))
    send(app, alice, open_, title="For everybody", to=ids(world, "nell"))
    draft = email_this(bob, rfi(world))
    bob.submit(bob.get(f"{draft}/edit"), "/edit", title="Not yet sent")
    assert "Emails about this 3 messages" in bob.get(rfi(world)).text
    text = alice.get(rfi(world)).text
    assert "Emails about this 2 messages" in text
    assert "Not yet sent" not in text
    text = signed_in("rita").get(rfi(world)).text
    assert "Emails about this 1 message" in text
    assert "Between us" not in text
    # Nell has nothing in RFIs: she reads the message and learns of no record.
    page = signed_in("nell").get(open_)
    assert rfi(world) not in page.links().values()
    assert "About" not in page.text.split("For everybody", 1)[1].split("Conversation")[0]
    set_level(app, world, "rita", Level.NONE)
    assert "Emails about this" not in signed_in("rita").get(rfi(world)).text


def test_a_message_about_a_private_record_begins_private(alice: Visitor, world: World) -> None:
    draft = email_this(alice, f"/projects/{world.tower}/rfis/{world.private_rfi}")
    assert alice.get(f"{draft}/edit").form("/edit").values["is_private"] == ["y"]


def test_replies_forwards_and_answers_by_mail_are_about_it_too(
    app: Flask, alice: Visitor, bob: Visitor, world: World
) -> None:
    first = email_this(alice, rfi(world))
    send(app, alice, first, to=ids(world, "bob"))
    reply = bob.post(f"{first}/act", {"action": "reply"})
    answer = str(reply.response.request.path).removesuffix("/edit")
    send(app, bob, answer)
    kept = mails(app)[0].kept
    assert kept is not None
    with app.app_context():
        to = kept["reply_to"].partition("<")[2].rstrip(">")
        raw = (
            f"From: bob@example.test\r\nTo: {to}\r\nSubject: Re: slab\r\n"
            f"Message-ID: <one@b.example>\r\nIn-Reply-To: {kept['message_id']}\r\n\r\nYes.\r\n"
        )
        receive(raw.encode())
        db.session.remove()
    text = alice.get(rfi(world)).text
    assert "Emails about this 3 messages" in text
    assert "RE: RFI-001: Stair 2 slab edge" in text
    assert "Re: slab" in text


def test_spam_and_the_bin_are_out_of_sight_here_too(
    app: Flask, alice: Visitor, world: World
) -> None:
    draft = email_this(alice, rfi(world))
    send(app, alice, draft, to=ids(world, "bob"))
    alice.post(f"{draft}/act", {"action": "bin"})
    assert "Emails about this" not in alice.get(rfi(world)).text
    alice.post(f"{draft}/act", {"action": "inbox"})
    assert "Emails about this 1 message" in alice.get(rfi(world)).text


def test_an_id_that_is_given_again_is_not_what_was_written_about(
    app: Flask, alice: Visitor, world: World
) -> None:
    draft = email_this(alice, rfi(world))
    send(app, alice, draft, to=ids(world, "bob"))
    with app.app_context():
        later = utcnow() + timedelta(minutes=1)
        db.session.execute(update(Record).where(Record.id == world.rfi).values(created_at=later))
        db.session.commit()
        db.session.remove()
    assert "Emails about this" not in alice.get(rfi(world)).text
    assert rfi(world) not in alice.get(draft).links().values()


def test_a_long_conversation_shows_its_newest(
    app: Flask, alice: Visitor, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "ABOUT_SHOWN", 1)
    for title in ("Older", "Newer"):
        draft = email_this(alice, rfi(world))
        send(app, alice, draft, title=title, to=ids(world, "bob"))
    text = alice.get(rfi(world)).text
    assert "Emails about this the newest 1" in text
    assert "Newer" in text
    assert "Older" not in text
