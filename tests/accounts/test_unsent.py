"""A form that is sent when its session is over: nothing of it is lost, and nobody else sees it."""

from io import BytesIO

import pytest
from flask import Flask

from tests.support.pages import HOST, PASSWORD, Page, Visitor
from tests.support.world import World

TEXT = 'The slab edge <at> grid 7 is "right".\n\nSecond paragraph & more.'
HERE = "Your text is here; nothing has been sent yet."


def ended(visitor: Visitor) -> None:
    """Lose the session as by two hours of silence: the browser is nobody's."""
    visitor.client.delete_cookie("plumbline", domain="127.0.0.1")


def back(visitor: Visitor, page: Page, email: str) -> Page:
    """Sign in on the page that came instead of an answer."""
    assert page.response.status_code == 401
    return visitor.submit(page, "/sign-in", email=email, password=PASSWORD)


@pytest.fixture
def record(world: World) -> str:
    return f"/projects/{world.tower}/rfis/{world.rfi}"


@pytest.fixture
def response_form(alice: Visitor, record: str) -> dict[str, list[str]]:
    return {**alice.get(record).form("/sections/responses").values, "text": [TEXT]}


def answer(visitor: Visitor, record: str, form: dict[str, list[str]], expect: int = 401) -> Page:
    return visitor.post(f"{record}/sections/responses", form, csrf=False, expect=expect)


def test_signing_in_brings_back_what_was_typed(
    alice: Visitor, record: str, response_form: dict[str, list[str]], world: World
) -> None:
    ended(alice)
    page = answer(alice, record, response_form)
    assert "your text is kept for you" in page.text
    assert TEXT.splitlines()[0] not in page.text
    page = back(alice, page, world.email("alice"))
    assert page.response.request.path.startswith(record)
    assert HERE in page.text
    form = page.form("/sections/responses")
    assert [text.replace("\r\n", "\n") for text in form.values["text"]] == [TEXT]
    # Seen once more by looking once more; sent, it is a response like any other and kept no longer.
    assert HERE in alice.get(page.response.request.path).text
    sent = alice.submit(page, "/sections/responses")
    assert "Second paragraph & more." in sent.text
    assert HERE not in alice.get(record).text


def test_nobody_else_is_shown_it(
    alice: Visitor, record: str, response_form: dict[str, list[str]], world: World
) -> None:
    ended(alice)
    page = back(alice, answer(alice, record, response_form), world.email("bob"))
    assert "slab edge <at>" not in page.text
    assert HERE not in page.text
    alice.post("/sign-out")
    alice.sign_in(world.email("alice"))
    assert HERE not in alice.get(record).text


def test_a_page_older_than_its_session_is_shown_again_filled_in(
    alice: Visitor, record: str, response_form: dict[str, list[str]], world: World
) -> None:
    """Signed in again in another tab: the first tab's form carries the token of what has ended."""
    ended(alice)
    alice.sign_in(world.email("alice"))
    page = answer(alice, record, response_form, expect=200)
    assert HERE in page.text
    alice.submit(page, "/sections/responses")
    assert "Second paragraph" in alice.get(record).text


def test_htmx_is_told_to_ask_who_it_is(
    alice: Visitor, bob: Visitor, record: str, response_form: dict[str, list[str]], world: World
) -> None:
    stale, path = response_form["csrf_token"][0], f"{record}/attach/tray"
    ended(alice)
    for _ in range(2):  # first with nobody signed in, then in another session of the same person
        headers = {"X-CSRFToken": stale}
        alice.post(path, {"item": "all"}, csrf=False, htmx=True, headers=headers, expect=401)
        alice.sign_in(world.email("alice"))
    # Somebody else's token, or none of ours, is refused as ever.
    for token in (bob.token(), "made up"):
        alice.post(path, csrf=False, headers={"X-CSRFToken": token}, expect=400)


def test_choices_ticks_and_the_state_one_looked_at_come_back_too(
    alice: Visitor, record: str, world: World
) -> None:
    form = alice.get(f"{record}/edit").form("/edit").values
    typed = {**form, "title": ["Stair 2, <edge>"], "question": [TEXT], "is_private": ["y"]}
    typed["assignees"] = [str(world.people["bob"]), str(world.people["dora"])]
    ended(alice)
    page = alice.post(f"{record}/edit", typed, csrf=False, expect=401)
    page = back(alice, page, world.email("alice"))
    again = page.form("/edit").values
    for name in ("title", "assignees", "is_private", "version", "manager"):
        assert again[name] == typed[name], name
    # Somebody changes the record meanwhile: what comes back is over the state that was looked at.
    alice.post(f"{record}/edit", {**form, "title": ["Changed"]}, expect=303)
    conflict = alice.post(f"{record}/edit", again, expect=409)
    assert "Changed" in conflict.text


def test_passwords_and_files_are_not_kept_and_files_are_named(
    app: Flask, alice: Visitor, record: str, world: World
) -> None:
    token = alice.token()
    ended(alice)
    form = {"csrf_token": token, "password": PASSWORD, "file": (BytesIO(b"%PDF"), "A-101.pdf")}
    page = alice.post(f"{record}/attach/computer", form, csrf=False, expect=401)
    with alice.client.session_transaction(headers={"Host": HOST}) as session:
        assert PASSWORD not in str(dict(session))
    page = back(alice, page, world.email("alice"))
    assert "Choose the files again: A-101.pdf" in page.text


def test_what_no_field_takes_any_more_stands_above_the_page(
    alice: Visitor, record: str, response_form: dict[str, list[str]], world: World
) -> None:
    ended(alice)
    form = {**response_form, "a_field_that_is_gone": ["Pour on <Friday>"]}
    page = back(alice, answer(alice, record, form), world.email("alice"))
    assert "Pour on <Friday>" in page.text
    page = alice.submit(page, "/unsent/discard")
    assert HERE not in page.text
    assert "Pour on" not in alice.get(record).text


def test_a_sign_in_page_that_was_open_too_long_keeps_the_address(
    visitor: Visitor, world: World
) -> None:
    page = visitor.get("/sign-in")
    ended(visitor)
    page = visitor.submit(page, "/sign-in", email=world.email("alice"), password=PASSWORD)
    form = page.form("/sign-in")
    assert form.values["email"] == [world.email("alice")]
    assert form.values["password"] == [""]
    assert visitor.submit(page, "/sign-in", password=PASSWORD).h1


def test_a_stranger_keeps_nothing_and_sends_no_large_files(visitor: Visitor, record: str) -> None:
    for token in ("", "made up", visitor.token() + "x"):
        form = {"csrf_token": token, "text": TEXT}
        page = visitor.post(f"{record}/sections/responses", form, csrf=False, expect=401)
        assert "is kept for you" not in page.text
    kind = "multipart/form-data; boundary=x"
    answer = visitor.client.post(
        f"{record}/attach/computer",
        data=b"--x\r\n" + b"x" * (2 << 20),
        content_type=kind,
        headers={"Host": HOST},
    )
    assert answer.status_code == 401
