"""Invitations where a mail server is set up: only the letter holds the link, the owner says yes."""

import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from tests.support.copying import run_worker
from tests.support.mailing import Server, sending_through, smtp_server
from tests.support.pages import HOST, PASSWORD, Page, Visitor
from tests.support.world import World
from webapp.accounts.models import Person
from webapp.companies.models import CompanyMember, Invitation
from webapp.core.clock import utcnow
from webapp.core.database import db

pytestmark = pytest.mark.wide

SignIn = Callable[[str], Visitor]
SECRET = "words that nobody guesses"
PETRA = "petra@example.test"


@pytest.fixture
def server(app: Flask) -> Iterator[Server]:
    with smtp_server() as found, sending_through(app, found.port):
        yield found


def invite(visitor: Visitor, company_id: int, email: str = PETRA, **values: Any) -> Page:
    given: dict[str, Any] = {"first": "Petra", "last": "Quill", "email": email, **values}
    here = f"/companies/{company_id}/people/new"
    return visitor.submit(visitor.get(here), "/people/new", **given)


def letter_link(app: Flask, server: Server, number: int = -1) -> str:
    """Return the path of the link in a letter that the server took."""
    run_worker(app)
    words = server.deliveries[number].text.split()
    return next(w for w in words if "/invitations/" in w).removeprefix(f"http://{HOST}")


def make_account(app: Flask, link: str, name: str = "Petra Quill") -> Visitor:
    visitor = Visitor(app)
    visitor.submit(visitor.get(link), link, name=name, new=SECRET, again=SECRET)
    return visitor.sign_in(PETRA, SECRET)


def counted(app: Flask, *conditions: Any) -> int:
    with app.app_context():
        query = select(func.count()).select_from(CompanyMember).where(*conditions)
        found = db.session.scalar(query)
        db.session.remove()
    return found or 0


def test_the_link_goes_to_the_address_alone(
    app: Flask, alice: Visitor, server: Server, world: World
) -> None:
    page = invite(alice, world.acme)
    assert "The letter is on its way." in page.text
    link = letter_link(app, server)
    sent = server.only()
    assert sent.recipients == [PETRA]
    assert "Alice Test invited you to Acme Builders" in sent.message["Subject"]
    here = page.response.request.path
    page = alice.get(here)
    assert "Invited. The letter was sent" in page.text
    token = link.rpartition("/")[2]
    for path in (here, f"/companies/{world.acme}/people", "/notices"):
        html = alice.get(path).html
        assert token not in html
        assert "/invitations/" not in html.replace("/people/invitations/", "")
    assert "Acme Builders" in make_account(app, link).get("/").text


def test_inviting_tells_nothing_about_who_has_an_account(
    alice: Visitor, server: Server, world: World, app: Flask
) -> None:
    with app.app_context():
        dead = Person(email="gone@example.test", name="Gone", password_hash="x", is_active=False)
        db.session.add(dead)
        db.session.commit()
        db.session.remove()
    shown = []
    for email in (PETRA, "charlie@example.test", "imani@example.test", "gone@example.test"):
        page = invite(alice, world.acme, email)
        number = page.response.request.path.rpartition("/")[2]
        html = page.html.replace(email, "ADDRESS").replace(f"invitations/{number}", "invitations/N")
        tree = html[html.index("<main") : html.index("</main")]
        shown.append(re.sub(r'<time.*?</time>|value="[^"]+"', "", tree))
    assert len(set(shown)) == 1
    assert "Charlie" not in alice.get(f"/companies/{world.acme}/people").text


def test_an_account_taken_beforehand_opens_nothing_of_who_invites_later(
    app: Flask, alice: Visitor, charlie: Visitor, server: Server, world: World
) -> None:
    """Whoever invites first neither sees the link nor sets the password."""
    page = invite(charlie, world.borealis)
    invite(alice, world.acme)
    borealis_link = letter_link(app, server, 0)
    assert borealis_link.rpartition("/")[2] not in charlie.get(page.response.request.path).html
    petra = make_account(app, borealis_link)
    assert "Borealis Civil" in petra.get("/").text
    assert counted(app, CompanyMember.company_id == world.acme) == 5
    # Her address is proved by the letter, so the other invitation is hers to answer.
    petra.submit(petra.get("/invitations"), "/join")
    assert counted(app, CompanyMember.company_id == world.acme) == 6


def test_a_link_of_another_company_sets_no_password_once_there_is_an_account(
    app: Flask, alice: Visitor, charlie: Visitor, server: Server, world: World
) -> None:
    invite(alice, world.acme)
    invite(charlie, world.borealis)
    run_worker(app)
    first, second = letter_link(app, server, 0), letter_link(app, server, 1)
    make_account(app, first)
    stranger = Visitor(app)
    assert f"Sign in as {PETRA}" in stranger.get(second).text
    stranger.post(second, {"name": "Eve", "new": PASSWORD, "again": PASSWORD})
    Visitor(app).sign_in(PETRA, SECRET)
    assert counted(app, CompanyMember.company_id == world.borealis) == 2


def test_somebody_with_an_account_signs_in_by_the_letter_and_joins_or_declines(
    app: Flask, alice: Visitor, server: Server, world: World
) -> None:
    invite(alice, world.acme, "charlie@example.test")
    link = letter_link(app, server)
    visitor = Visitor(app)
    page = visitor.get(visitor.get(link).links()["Sign in"])
    waiting = visitor.submit(page, "/sign-in", email="charlie@example.test", password=PASSWORD)
    assert waiting.h1 == "Invitations"
    assert "Acme Builders" in waiting.text
    assert counted(app, CompanyMember.company_id == world.acme) == 5
    visitor.submit(waiting, "/decline")
    assert counted(app, CompanyMember.company_id == world.acme) == 5
    assert "Petra Quill declined your invitation" in alice.get("/notices").text
    Visitor(app).get(link, expect=404)


def test_looking_at_a_link_accepts_nothing(
    app: Flask, alice: Visitor, server: Server, world: World
) -> None:
    invite(alice, world.acme, "charlie@example.test")
    link = letter_link(app, server)
    for _reader in range(2):
        Visitor(app).get(link)
        Visitor(app).client.head(link, headers={"Host": HOST})
    assert counted(app, CompanyMember.company_id == world.acme) == 5


def test_a_link_in_the_hands_of_somebody_else_who_is_signed_in_does_nothing(
    app: Flask, alice: Visitor, bob: Visitor, server: Server, world: World
) -> None:
    invite(alice, world.acme, "charlie@example.test")
    link = letter_link(app, server)
    assert "This invitation is for somebody else" in bob.get(link).text
    bob.post(link, {"name": "Bob", "new": SECRET, "again": SECRET})
    with app.app_context():
        number = db.session.scalar(select(Invitation.id))
        db.session.remove()
    for step in ("join", "decline"):
        bob.post(f"/invitations/{number}/{step}", expect=404)
    assert counted(app, CompanyMember.company_id == world.acme) == 5


def test_sending_again_ends_the_link_before_and_withdrawing_ends_both(
    app: Flask, alice: Visitor, server: Server, world: World
) -> None:
    page = invite(alice, world.acme)
    old = letter_link(app, server)
    alice.submit(page, "/send")
    new = letter_link(app, server)
    assert new != old
    Visitor(app).get(old, expect=404)
    Visitor(app).get(new)
    alice.submit(page, "/withdraw")
    Visitor(app).get(new, expect=404)
    Visitor(app).post(new, {"name": "X", "new": SECRET, "again": SECRET}, expect=404)
    assert (
        "withdrew the invitation of Petra Quill"
        in alice.get(f"/companies/{world.acme}/people").text
    )


def test_a_letter_that_waits_is_not_sent_once_its_invitation_is_withdrawn(
    app: Flask, alice: Visitor, server: Server, world: World
) -> None:
    page = invite(alice, world.acme)
    alice.submit(page, "/withdraw")
    run_worker(app)
    assert not server.deliveries


def test_a_letter_that_cannot_be_delivered_is_said_on_the_invitation(
    app: Flask, alice: Visitor, server: Server, world: World
) -> None:
    server.answers = {PETRA: "550 no such person"}
    page = invite(alice, world.acme)
    run_worker(app)
    assert "could not be delivered" in alice.get(page.response.request.path).text


def test_what_was_made_without_a_mail_server_is_never_shown_once_there_is_one(
    app: Flask, alice: Visitor, world: World
) -> None:
    page = invite(alice, world.acme)
    field = next(page.all("input", class_="in mono"))
    link = str(field.get("value"))
    with smtp_server() as server, sending_through(app, server.port):
        assert link not in alice.get(page.response.request.path).html


def test_an_account_made_by_a_handed_link_does_not_count_as_proved(
    app: Flask, alice: Visitor, charlie: Visitor, world: World
) -> None:
    page = invite(charlie, world.borealis)
    handed = str(next(page.all("input", class_="in mono")).get("value"))
    taken = make_account(app, handed.removeprefix(f"http://{HOST}"))
    with smtp_server() as server, sending_through(app, server.port):
        invite(alice, world.acme)
        assert "Acme" not in taken.get("/invitations").text
        link = letter_link(app, server)
        # The letter's reader proves the address, whoever set the password.
        visitor = Visitor(app)
        visitor.get(link)
        visitor.sign_in(PETRA, SECRET)
        visitor.submit(visitor.get("/invitations"), "/join")
    with app.app_context():
        proved = db.session.scalar(select(Person.proved_at).where(Person.email == PETRA))
        db.session.remove()
    assert proved is not None


@pytest.mark.parametrize("email", [PETRA, "charlie@example.test"])
def test_two_answers_at_once_join_once(
    app: Flask, alice: Visitor, server: Server, world: World, email: str
) -> None:
    invite(alice, world.acme, email)
    link = letter_link(app, server)
    answers: list[int] = []
    visitors = [Visitor(app) for _ in range(4)]
    if email != PETRA:
        for visitor in visitors:
            visitor.get(link)
            visitor.sign_in(email)
    pages = [visitor.get(link) for visitor in visitors]

    def answer(visitor: Visitor, page: Page) -> None:
        action = link if email == PETRA else "/join"
        given: dict[str, Any] = {"name": "P", "new": SECRET, "again": SECRET}
        given = given if email == PETRA else {}
        answers.append(visitor.submit(page, action, expect=None, **given).status)

    threads = [
        threading.Thread(target=answer, args=pair) for pair in zip(visitors, pages, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(answers) == [303, 404, 404, 404]
    assert counted(app, CompanyMember.company_id == world.acme) == 6


def test_an_invitation_ends_after_seven_days_for_an_account_as_well(
    app: Flask, alice: Visitor, charlie: Visitor, server: Server, world: World
) -> None:
    invite(alice, world.acme, "charlie@example.test")
    page = charlie.get("/invitations")
    with app.app_context():
        db.session.execute(update(Invitation).values(expires_at=utcnow()))
        db.session.commit()
        db.session.remove()
    charlie.submit(page, "/join", expect=404)
    assert "No invitations" in charlie.get("/invitations").text
