"""Signing in to Box, granting an app access, and every way in which that ends."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.sandbox.people import REDIRECT_URI, App, Browser, callback, forms_of
from tests.sandbox.process import DEVON, PASSWORD, SandboxProcess

ROSA = "rosa.imamura@boxmail.example"


def test_a_grant_brings_a_code_and_the_state_back(tab: Browser) -> None:
    page = tab.sign_in(tab.open(state="s 1&2"))
    answer = callback(tab.submit(page, decision="grant"))
    assert answer["code"].startswith("TKN_")
    assert answer["state"] == "s 1&2"


def test_the_sign_in_page_reads_like_box_and_says_what_it_is(tab: Browser) -> None:
    page = tab.open(box_login=DEVON)
    assert page.status_code == 200
    assert "Log in to grant access to Box" in page.text
    assert re.search(r"<button[^>]*>Authorize</button>", page.text)
    assert "stands in for Box on this machine" in page.text
    assert forms_of(page)[0].fields["login"] == DEVON
    assert page.text.count("<h1>") == 1
    for field in ("login", "password"):
        assert f'<label for="{field}">' in page.text
        assert f'id="{field}"' in page.text


def test_the_pages_need_neither_script_nor_inline_style(tab: Browser) -> None:
    for page in (tab.open(), tab.sign_in(tab.open())):
        assert "<script" not in page.text
        assert "style=" not in page.text
        assert "'unsafe-inline'" not in page.headers["Content-Security-Policy"]
        assert page.headers["Cache-Control"] == "no-store"


def test_the_stylesheet_comes_from_the_sandbox(tab: Browser, sandbox: SandboxProcess) -> None:
    found = re.search(r'href="([^"]+\.css)"', tab.open().text)
    assert found
    styles = tab.http.get(sandbox.account_url + found.group(1), timeout=10)
    assert styles.status_code == 200
    assert styles.headers["Content-Type"] == "text/css"
    assert "prefers-color-scheme: dark" in styles.text


def test_a_wrong_password_says_so_and_keeps_the_email(tab: Browser) -> None:
    page = tab.submit(tab.open(), login=ROSA, password="wrong")
    assert page.status_code == 200
    assert "do not match" in page.text
    assert forms_of(page)[0].fields["login"] == ROSA
    assert "Grant access to Box" not in tab.open().text


def test_an_unknown_login_is_told_the_same(tab: Browser) -> None:
    page = tab.submit(tab.open(), login="nobody@boxmail.example", password=PASSWORD)
    assert "do not match" in page.text


@pytest.mark.parametrize(
    "login",
    [
        "mara.lindqvist",
        "rosa.imamura",
        "devon.achterberg",
        "teo.vasquez-hale",
        "anneke.brandvold",
        "kwame.ellery",
        "lucia.penaranda",
        "owen.trask",
        "bryn.castellane",
        "imani.rourke",
    ],
)
def test_everybody_of_the_demo_has_an_account(sandbox: SandboxProcess, login: str) -> None:
    app = App(sandbox).link(f"{login}@boxmail.example")
    me = app.get("/users/me").json()
    names = [item["name"] for item in app.get("/folders/0/items").json()["entries"]]
    app.http.close()
    assert me["login"] == f"{login}@boxmail.example"
    assert len(names) >= 2


def test_the_consent_page_names_the_login_and_the_app(tab: Browser) -> None:
    page = tab.sign_in(tab.open(), "lucia.penaranda@boxmail.example")
    assert "Lucía Peñaranda" in page.text
    assert "lucia.penaranda@boxmail.example" in page.text
    assert "Plumbline" in page.text
    assert re.search(r"<button[^>]*>Grant access to Box</button>", page.text)
    assert re.search(r"<button[^>]*>Deny</button>", page.text)


def test_denying_goes_back_with_an_error(tab: Browser) -> None:
    page = tab.sign_in(tab.open())
    answer = callback(tab.submit(page, decision="deny"))
    assert answer["error"] == "access_denied"
    assert answer["error_description"]
    assert answer["state"] == "a-state"
    assert "code" not in answer


def test_box_remembers_who_signed_in(tab: Browser) -> None:
    tab.sign_in(tab.open())
    page = tab.open()
    assert "Grant access to Box" in page.text
    assert DEVON in page.text


def test_somebody_else_can_use_another_account(tab: Browser) -> None:
    remembered = tab.sign_in(tab.open())
    assert "Not you?" in remembered.text
    page = tab.submit(remembered, decision="another")
    assert "Log in to grant access to Box" in page.text
    assert ROSA in tab.sign_in(page, ROSA).text


def test_a_login_asked_for_by_the_app_is_not_taken_from_memory(tab: Browser) -> None:
    tab.sign_in(tab.open())
    page = tab.open(box_login=ROSA)
    assert "Log in to grant access to Box" in page.text
    assert forms_of(page)[0].fields["login"] == ROSA
    # Whoever signs in then is not asked again, even as somebody else.
    assert "Grant access to Box" in tab.sign_in(page, DEVON).text


def test_a_form_from_another_site_grants_nothing(tab: Browser) -> None:
    page = tab.sign_in(tab.open())
    answer = tab.submit(page, decision="grant", request_token="forged")
    assert answer.status_code == 400
    assert "Location" not in answer.headers


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "http://127.0.0.1:8000/box/callback",
        "http://127.0.0.1:59999/box/callback",
        "http://localhost:5000/box/callback",
        "https://plumbline.example/box/callback",
    ],
)
def test_registered_redirect_addresses_are_taken(tab: Browser, redirect_uri: str) -> None:
    page = tab.sign_in(tab.open(redirect_uri=redirect_uri))
    answer = tab.submit(page, decision="grant")
    assert answer.headers["Location"].startswith(f"{redirect_uri}?code=TKN_")


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "http://127.0.0.1:8000/box/callback/",
        "http://127.0.0.1:8000/box/callback?x=1",
        "http://127.0.0.1:8000/other",
        "https://127.0.0.1:8000/box/callback",
        "http://evil.example/box/callback",
        "http://127.0.0.1.evil.example/box/callback",
        "http://user@127.0.0.1:8000/box/callback",
        "https://plumbline.example:444/box/callback",
        "http://127.0.0.1:99999/box/callback",
    ],
)
def test_other_redirect_addresses_get_a_page_and_no_redirect(
    tab: Browser, redirect_uri: str
) -> None:
    page = tab.open(redirect_uri=redirect_uri)
    assert page.status_code == 400
    assert "redirect_uri_mismatch" in page.text
    assert "Location" not in page.headers


def test_naming_none_of_several_redirect_addresses_fails_after_the_grant(tab: Browser) -> None:
    page = tab.sign_in(tab.open(redirect_uri=""))
    answer = tab.submit(page, decision="grant")
    assert answer.status_code == 400
    assert "redirect_uri_missing" in answer.text


def test_an_app_with_one_redirect_address_need_not_name_it(tab: Browser) -> None:
    page = tab.sign_in(tab.open(client_id="other-dev", redirect_uri=""))
    answer = tab.submit(page, decision="grant")
    assert answer.headers["Location"].startswith("http://127.0.0.1:9777/oauth/return?code=TKN_")


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ({"client_id": "unknown"}, "invalid_client"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "manage_webhook"}, "invalid_scope"),
    ],
)
def test_questions_that_cannot_be_asked_get_a_page(
    tab: Browser, question: dict[str, str], code: str
) -> None:
    page = tab.open(**question)
    assert page.status_code == 400
    assert code in page.text
    assert "Location" not in page.headers


def test_a_company_that_disabled_the_app_says_so_and_sends_nobody_back(
    sandbox: SandboxProcess, tab: Browser
) -> None:
    sandbox.settings(disabled_by_admin=True)
    page = tab.sign_in(tab.open())
    assert "Disabled by Administrator" in page.text
    assert "Location" not in page.headers
    assert not forms_of(page)


def test_what_the_address_says_never_becomes_markup(tab: Browser) -> None:
    page = tab.open(box_login='"><b>x</b>', state="<i>")
    assert "<b>" not in page.text
    assert "<i>" not in page.text


def test_a_code_challenge_is_ignored(sandbox: SandboxProcess) -> None:
    app = App(sandbox).link(code_challenge="abc", code_challenge_method="S256")
    assert app.get("/users/me").status_code == 200
    app.http.close()


def test_the_query_of_the_redirect_address_is_kept_apart_from_the_answer(tab: Browser) -> None:
    page = tab.sign_in(tab.open())
    location = tab.submit(page, decision="grant").headers["Location"]
    assert location.startswith(f"{REDIRECT_URI}?")
    assert parse_qs(urlsplit(location).query).keys() == {"code", "state"}
