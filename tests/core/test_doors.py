"""What cannot be read in one way is refused in words, before anything is changed."""

from io import BytesIO

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.support.pages import HOST, Visitor
from tests.support.world import World
from webapp.accounts.models import Person
from webapp.companies.models import CompanyMember
from webapp.core.database import db
from webapp.records.models import Record

BOUNDARY = "multipart/form-data; boundary=edge"


@pytest.fixture
def dialog(world: World) -> str:
    return f"/projects/{world.tower}/rfis/{world.rfi}/attach/"


def body(token: str, *, ends: bool) -> bytes:
    head = 'Content-Disposition: form-data; name="{}"'
    parts = [
        f"--edge\r\n{head.format('csrf_token')}\r\n\r\n{token}\r\n",
        f'--edge\r\n{head.format("file")}; filename="a.pdf"\r\n\r\n%PDF-1.7\r\n',
    ]
    return "".join(parts).encode() + (b"--edge--\r\n" if ends else b"")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (body("{}", ends=False), BOUNDARY),
        (body("{}", ends=True), "multipart/form-data"),
        (b"--edge\r\nno header", BOUNDARY),
        (b"csrf_token=\xff\xfe", "application/x-www-form-urlencoded"),
    ],
)
def test_a_form_that_breaks_off_is_no_empty_form(
    alice: Visitor, dialog: str, content: bytes, kind: str
) -> None:
    token = alice.token()
    answer = alice.client.post(
        f"{dialog}computer",
        data=content.replace(b"{}", token.encode()),
        content_type=kind,
        headers={"Host": HOST, "X-CSRFToken": token},
    )
    assert answer.status_code == 400
    assert "nothing was changed. Send it again." in answer.get_data(as_text=True)
    assert alice.get(f"{dialog}tray", htmx=True).text.count("a.pdf") == 0


def test_an_upload_without_a_file_says_so(alice: Visitor, dialog: str) -> None:
    for data in ({}, {"file": (BytesIO(b""), "")}):
        page = alice.post(f"{dialog}computer", data, expect=422)
        assert "No file came." in page.text


def test_json_and_other_bodies_are_no_forms(alice: Visitor, dialog: str) -> None:
    for kind in ("application/json", "text/plain", "application/xml"):
        answer = alice.client.post(
            f"{dialog}send",
            data=b'{"__proto__": 1, "key": "a", "key": "b"}',
            content_type=kind,
            headers={"Host": HOST, "X-CSRFToken": alice.token()},
        )
        assert answer.status_code == 415


def test_an_odd_address_of_the_asking_page_changes_nothing(alice: Visitor, dialog: str) -> None:
    """htmx says which page asks; one that cannot be read is none of ours."""
    alice.post(f"{dialog}computer", {"file": (BytesIO(b"%PDF-1.7"), "A-101.pdf")})
    data = alice.get(dialog).form("/send").values
    odd = {"HX-Current-URL": "http://["}
    alice.post(f"{dialog}send", data, htmx=True, headers=odd, expect=204)
    assert "A-101.pdf" in alice.get(dialog.removesuffix("/attach/")).text


@pytest.mark.parametrize("tail", ["\r\nX-Evil: 1", "\n", "\\evil", "\x00"])
def test_the_way_back_is_one_of_ours(alice: Visitor, dialog: str, tail: str) -> None:
    page = alice.post(f"{dialog}tray", {"item": "all", "back": f"{dialog}{tail}"}, expect=303)
    assert page.response.location == dialog
    assert "X-Evil" not in page.response.headers


@pytest.mark.parametrize(
    "query",
    ["code=a&code=b&state=x", "code=a&state=x&state=y", "error=a&error=b&state=x", "n=a&n=b"],
)
def test_what_decides_is_there_once(app: Flask, alice: Visitor, query: str) -> None:
    assert alice.get(f"/box/callback?{query}", expect=400).status == 400


def test_a_field_that_decides_is_there_once(alice: Visitor, world: World) -> None:
    client: FlaskClient = alice.client
    other = Visitor(alice.app)
    for name in ("csrf_token", "email", "password", "version", "action", "move", "key"):
        data = {"csrf_token": alice.token(), name: [alice.token(), "another"]}
        answer = client.post("/notices/read", data=data, headers={"Host": HOST})
        assert answer.status_code == 400, name
    page = other.get("/sign-in").form("/sign-in").values
    data = {**page, "email": [world.email("alice"), world.email("bob")], "password": ["x"]}
    assert other.post("/sign-in", data, csrf=False, expect=400).status == 400


@pytest.mark.parametrize("path", ["/projects/{}/rfis/", "/settings/", "/projects/{}/files///"])
def test_a_slash_too_many_leads_to_the_page(alice: Visitor, world: World, path: str) -> None:
    address = path.format(world.tower)
    answer = alice.client.get(f"{address}?status=open&q=%C3%A9", headers={"Host": HOST})
    assert answer.status_code == 301
    assert answer.location == f"{address.rstrip('/')}?status=open&q=%C3%A9"
    alice.post(address, expect=404)
    alice.get("/nothing-here/", expect=404)
    alice.get("//evil.example/settings/", expect=None)


def test_nonsense_in_a_hidden_field_is_nobodys(alice: Visitor) -> None:
    alice.post("/settings/security/end", {"session": "\x00"}, expect=303)
    for record in ("9" * 25, "９", "\x00", "-1", "1e3"):
        alice.post("/imports/retry", {"record": record}, expect=303)


@pytest.mark.parametrize(
    "name",
    [
        "evil.exe\u200b",
        "evil.exe\xa0",
        "evil.exe::$DATA",
        "evil.exe. . ",
        "EVIL.ExE",
        "evil.e\ufe0fxe",
        "evil\u202egpj.exe",
        "evil.exe\u2028",
        "evil.exe\x00",
        "evil.e\u200dx\xade",
    ],
)
def test_a_blocked_type_is_seen_through_its_disguise(
    alice: Visitor, dialog: str, name: str
) -> None:
    page = alice.post(f"{dialog}computer", {"file": (BytesIO(b"MZ"), name)}, expect=422)
    assert "does not accept .exe files" in page.text


def test_a_line_break_in_a_name_is_a_space_everywhere(alice: Visitor, dialog: str) -> None:
    for name in ("line\u2028break.pdf", "line\x0bbreak.pdf"):
        alice.post(f"{dialog}computer", {"file": (BytesIO(b"%PDF-1.7"), name)})
    alice.submit(alice.get(dialog), "/send")
    page = alice.get(dialog.removesuffix("/attach/"))
    assert "line break.pdf" in page.text
    links = [href for href in page.links().values() if href.startswith("/attachments/")]
    names = set()
    for href in links:
        answer = alice.client.get(href, headers={"Host": HOST})
        names.add(answer.headers.get("Content-Disposition"))
        answer.close()
    assert 'attachment; filename="line break.pdf"' in names


@pytest.mark.parametrize("method", ["TRACE", "PUT", "CONNECT"])
def test_a_method_that_no_page_uses_is_refused(alice: Visitor, world: World, method: str) -> None:
    headers = {"Host": HOST, "X-CSRFToken": alice.token()}
    for path in ("/settings", f"/projects/{world.tower}/rfis", "/imports/retry"):
        answer = alice.client.open(path, method=method, headers=headers)
        assert answer.status_code == 405, f"{method} {path}"


def test_a_preflight_of_another_site_is_allowed_nothing(alice: Visitor, world: World) -> None:
    asks = {
        "Host": HOST,
        "Origin": "https://evil.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "X-CSRFToken",
    }
    here = f"/projects/{world.tower}/rfis/{world.rfi}"
    for path in ("/settings", here, f"{here}/attach/computer/parts", "/imports/retry"):
        for method in ("OPTIONS", "GET"):
            answer = alice.client.open(path, method=method, headers=asks)
            names = [name for name, _value in answer.headers if name.lower().startswith("access-")]
            assert names == [], f"{method} {path}"


EXTRA = {
    "company_id": "2",
    "project_id": "2",
    "person_id": "2",
    "is_admin": "1",
    "is_implementation_manager": "1",
    "status": "closed",
    "blob_key": "files/evil",
    "created_by_id": "2",
}


def test_a_field_that_no_form_has_changes_nothing(app: Flask, alice: Visitor, world: World) -> None:
    def state() -> set[object]:
        with app.app_context():
            found: set[object] = {
                *db.session.execute(select(Person.id, Person.is_implementation_manager)),
                *db.session.execute(
                    select(
                        CompanyMember.company_id, CompanyMember.person_id, CompanyMember.is_admin
                    )
                ),
                *db.session.execute(
                    select(Record.id, Record.project_id, Record.status, Record.created_by_id)
                ),
            }
            db.session.remove()
        return found

    before = state()
    here = f"/projects/{world.tower}/rfis/{world.rfi}"
    for page, action, values in (
        ("/settings", "/settings", {"name": "Alice Renamed"}),
        (f"{here}/edit", "/edit", {"title": "Renamed"}),
        (here, "/sections/responses", {"text": "Said"}),
    ):
        form = alice.get(page).form(action)
        alice.post(form.action or page, {**form.values, **EXTRA, **values}, expect=None)
    assert state() == before
    assert "Renamed" in alice.get(here).text
    assert "Alice Renamed" in alice.get("/settings").text
