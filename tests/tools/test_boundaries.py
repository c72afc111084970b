"""Whatever a request says, the tools answer clearly and change nothing they should not."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from werkzeug.routing import Rule

from tests.picker.dialog import asked
from tests.sandbox.process import SandboxProcess
from tests.support.linking import link
from tests.support.pages import HOST, Visitor
from tests.support.storing import stored
from tests.support.world import World, add_record
from webapp.companies.models import ProjectCode, Vendor
from webapp.core.clock import utcnow
from webapp.core.database import db
from webapp.records.models import Record, RecordRow
from webapp.tools.catalog.rfis import TOOL as RFIS
from webapp.tools.registry import TOOLS, Tool

pytestmark = pytest.mark.wide

SignIn = Callable[[str], Visitor]
VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE")
UNSAFE = frozenset(VERBS) - {"GET"}


@pytest.fixture
def rows(app: Flask, world: World) -> tuple[int, int]:
    """A sent response on Tower's RFI, and one on Bridge's."""
    with app.app_context():
        made = [
            RecordRow(
                record_id=record_id,
                project_id=project_id,
                tool_key="rfis",
                section="responses",
                author_id=world.people[author],
                text="An answer",
                sent_at=utcnow(),
            )
            for record_id, project_id, author in (
                (world.rfi, world.tower, "alice"),
                (world.bridge_rfi, world.bridge, "charlie"),
            )
        ]
        db.session.add_all(made)
        db.session.commit()
        found = made[0].id, made[1].id
        db.session.remove()
    return found


def tool_rules(app: Flask) -> list[Rule]:
    """Return every address in which a tool is named."""
    return sorted((r for r in app.url_map.iter_rules() if "tool" in r.arguments), key=str)


def addresses(app: Flask, tool: Tool, **ids: int) -> Iterator[tuple[Rule, str]]:
    """Yield every tool address that can be made of these ids."""
    with app.test_request_context(headers={"Host": HOST}):
        adapter = app.url_map.bind(HOST)
        for rule in tool_rules(app):
            values: dict[str, Any] = {
                **ids,
                "tool": tool,
                "folder_id": "0",
                "section": "responses",
            }
            if rule.arguments <= values.keys():
                given = {name: values[name] for name in rule.arguments}
                yield rule, str(adapter.build(rule.endpoint, given))


def methods_of(rule: Rule) -> set[str]:
    return (rule.methods or set()) & set(VERBS)


def ask_all(visitor: Visitor, found: Iterator[tuple[Rule, str]]) -> dict[str, int]:
    """Ask each address by each of its methods, with a good token; return the answers' statuses."""
    token = visitor.token()
    answers = {}
    for rule, address in found:
        for method in methods_of(rule):
            data = {"csrf_token": token, "move": "close", "text": "x", "item": "all", "key": "x"}
            answer = visitor.client.open(
                address, method=method, headers={"Host": HOST}, data=data if method != "GET" else {}
            )
            answers[f"{method} {address}"] = answer.status_code
    return answers


# ---- ids


def test_ids_that_do_not_belong_together_are_no_address(
    app: Flask, alice: Visitor, signed_in: SignIn, world: World, rows: tuple[int, int]
) -> None:
    mine, theirs = rows
    dora = signed_in("dora")
    before = stored(app)
    punch = TOOLS.get("punch_list")
    assert punch is not None
    strays = [
        # Another company's record under my project, mine under theirs, and all of theirs.
        (alice, RFIS, {"project_id": world.tower, "record_id": world.bridge_rfi}),
        (alice, RFIS, {"project_id": world.bridge, "record_id": world.rfi}),
        (alice, RFIS, {"project_id": world.bridge, "record_id": world.bridge_rfi}),
        # Dora is on both projects, and still they are two.
        (dora, RFIS, {"project_id": world.tower, "record_id": world.bridge_rfi}),
        (dora, RFIS, {"project_id": world.bridge, "record_id": world.rfi}),
        # A record of another tool.
        (alice, punch, {"project_id": world.tower, "record_id": world.rfi}),
        (alice, RFIS, {"project_id": world.tower, "record_id": world.punch}),
    ]
    for visitor, tool, ids in strays:
        with_record = (
            (rule, address)
            for rule, address in addresses(app, tool, **ids, row_id=mine)
            if "record_id" in rule.arguments
        )
        answers = ask_all(visitor, with_record)
        assert len(answers) > 25
        assert answers == dict.fromkeys(answers, 404)
    of_rows = (
        (rule, address)
        for rule, address in addresses(
            app, RFIS, project_id=world.tower, record_id=world.rfi, row_id=theirs
        )
        if "row_id" in rule.arguments
    )
    answers = ask_all(alice, of_rows)
    assert answers == dict.fromkeys(answers, 404)
    assert stored(app) == before


@pytest.mark.parametrize("huge", [2**31 - 1, 2**31, 2**53, 10**17, 10**18 - 1])
def test_a_huge_id_is_an_absent_one(
    app: Flask, alice: Visitor, world: World, rows: tuple[int, int], huge: int
) -> None:
    before = stored(app)
    good = {"project_id": world.tower, "record_id": world.rfi, "row_id": rows[0]}
    for name in good:
        found = (
            (rule, address)
            for rule, address in addresses(app, RFIS, **{**good, name: huge})
            if name in rule.arguments
        )
        answers = ask_all(alice, found)
        assert answers
        assert answers == dict.fromkeys(answers, 404)
    assert stored(app) == before


@pytest.mark.parametrize("address", ["rfi", "RFIs", "rfis%20", "punch_list", "x" * 60])
def test_a_tool_that_is_none_is_no_address(
    app: Flask, alice: Visitor, world: World, address: str
) -> None:
    before = stored(app)
    for _rule, path in addresses(app, RFIS, project_id=world.tower, record_id=world.rfi, row_id=1):
        for method in VERBS:
            data = {"csrf_token": alice.token()} if method == "POST" else {}
            answer = alice.client.open(
                path.replace("/rfis", f"/{address}"),
                method=method,
                headers={"Host": HOST},
                data=data,
            )
            assert answer.status_code == 404, f"{method} {path}"
    assert stored(app) == before


# ---- values


@pytest.mark.parametrize(
    ("field", "whose"),
    [
        ("manager", "charlie"),
        ("assignees", "charlie"),
        ("distribution", "imani"),
        ("received_from", "charlie"),
        ("vendor", "their vendor"),
        ("location", "their location"),
        ("manager", "nobody"),
        ("assignees", "nobody"),
        ("vendor", "nobody"),
    ],
)
def test_what_belongs_to_another_company_cannot_be_chosen(
    app: Flask, alice: Visitor, world: World, field: str, whose: str
) -> None:
    with app.app_context():
        vendor = Vendor(company_id=world.borealis, name="Their glazier", trade="Glazing")
        code = ProjectCode(project_id=world.bridge, kind="location", code="Pier 4", position=0)
        db.session.add_all([vendor, code])
        db.session.commit()
        values = {
            **{name: str(person_id) for name, person_id in world.people.items()},
            "their vendor": str(vendor.id),
            "their location": "Pier 4",
            "nobody": str(10**17),
        }
        db.session.remove()
    edit = f"/projects/{world.tower}/rfis/{world.rfi}/edit"
    page = alice.get(edit)
    before = stored(app)
    given: dict[str, Any] = {field: values[whose]}
    answer = alice.submit(page, "/edit", **given, expect=422)
    said = answer.text
    assert "Choose from these only." in said or "Choose one of these." in said
    assert "Their glazier" not in answer.text
    assert stored(app) == before


def test_what_is_no_field_of_the_form_changes_nothing(
    app: Flask, alice: Visitor, world: World
) -> None:
    edit = f"/projects/{world.tower}/rfis/{world.rfi}/edit"
    page = alice.get(edit)
    forged: dict[str, Any] = {
        "id": str(world.punch),
        "project_id": str(world.bridge),
        "tool_key": "punch_list",
        "status": "closed",
        "number": "77",
        "number_sort": "77",
        "created_by_id": str(world.people["charlie"]),
        "is_open": "",
        "restricted": "y",
        "details": '{"question": "forged"}',
        "closed_at": "2030-01-01",
        "saved_at": "",
    }
    alice.submit(page, "/edit", title="Only this", **forged)
    with app.app_context():
        record = db.session.get_one(Record, world.rfi)
        db.session.expunge_all()
        db.session.remove()
    assert record.title == "Only this"
    assert (record.project_id, record.tool_key, record.status, record.number) == (
        world.tower,
        "rfis",
        "open",
        "RFI-001",
    )
    assert (record.created_by_id, record.is_open, record.restricted, record.closed_at) == (
        world.people["alice"],
        True,
        False,
        None,
    )


@pytest.mark.parametrize("version", ["", "x", "-1", "0", "999999", "9" * 30, "١"])
def test_a_version_that_is_not_the_records_is_a_conflict_and_changes_nothing(
    app: Flask, alice: Visitor, world: World, version: str
) -> None:
    page = alice.get(f"/projects/{world.tower}/rfis/{world.rfi}/edit")
    before = stored(app)
    alice.submit(page, "/edit", title="Over it", version=version, expect=409)
    assert stored(app) == before


@pytest.mark.parametrize("step", ["", "open", "nonsense", "close; drop", "x" * 5000, "\x00"])
def test_a_step_that_is_none_here_changes_nothing(
    app: Flask, alice: Visitor, world: World, step: str
) -> None:
    here = f"/projects/{world.tower}/rfis/{world.rfi}"
    before = stored(app)
    answer = alice.post(f"{here}/move", {"move": step}, expect=None)
    assert answer.status in {409, 422}
    assert stored(app) == before


@pytest.mark.parametrize("section", ["answers", "responses%20", "RESPONSES", "0", "x" * 200])
def test_a_section_that_is_none_is_no_address(
    app: Flask, alice: Visitor, world: World, section: str
) -> None:
    here = f"/projects/{world.tower}/rfis/{world.rfi}/sections/{section}"
    before = stored(app)
    alice.get(here, expect=404)
    alice.post(here, {"text": "Lost"}, expect=404)
    alice.post(here, {"text": "Lost", "attach": "1"}, expect=404)
    assert stored(app) == before


@pytest.mark.parametrize(
    "query",
    [
        "status=nothing",
        "ball=99999999999999999",
        "ball=2147483648",
        "ball=charlie",
        "manager=99999999999999999",
        "manager=-1",
        "location=Nowhere",
        "sort=password_hash",
        "sort=number&dir=sideways",
        "page=0",
        "page=-1",
        "page=99999999999999999999",
        "page=x",
        "q=%00",
        "q=%25%5F%27%22%3B--",
        "q=" + "x" * 3000,
        "number=1&project_id=2",
    ],
)
@pytest.mark.parametrize("slug", ["rfis", "punch-list"])
def test_a_list_takes_any_query_and_shows_its_own_project_only(
    app: Flask, alice: Visitor, world: World, slug: str, query: str
) -> None:
    page = alice.get(f"/projects/{world.tower}/{slug}?{query}")
    assert page.h1 in {"RFIs", "Punch List"}
    assert "Anchor spacing" not in page.text


# ---- methods and sizes


def test_a_method_that_an_address_does_not_know_is_refused_and_names_those_it_knows(
    app: Flask, alice: Visitor, world: World, rows: tuple[int, int]
) -> None:
    before = stored(app)
    token = alice.token()
    by_address: dict[str, set[str]] = {}
    for rule, address in addresses(
        app, RFIS, project_id=world.tower, record_id=world.rfi, row_id=rows[0]
    ):
        by_address.setdefault(address, set()).update(methods_of(rule))
    assert len(by_address) > 20
    for address, known in by_address.items():
        for method in set(VERBS) - known:
            answer = alice.client.open(
                address, method=method, headers={"Host": HOST}, data={"csrf_token": token}
            )
            assert answer.status_code == 405, f"{method} {address}"
            allowed = {word.strip() for word in answer.headers["Allow"].split(",")}
            assert allowed & set(VERBS) == known
            assert b"That cannot be done at this address" in answer.data
    assert stored(app) == before


@pytest.mark.parametrize(
    "path", ["/edit", "/keep", "/move", "/number", "/sections/responses", "/attach/send"]
)
def test_a_body_too_large_is_refused_before_anything_is_done(
    app: Flask, alice: Visitor, world: World, path: str
) -> None:
    here = f"/projects/{world.tower}/rfis/{world.rfi}"
    token = alice.token()
    before = stored(app)
    much = {"csrf_token": token, "text": "x" * (2 << 20), "title": "Too much"}
    for data, kind in (
        (urlencode(much).encode(), "application/x-www-form-urlencoded"),
        (multipart(much), MULTIPART),
        (multipart({"csrf_token": token, "text": "x" * 600_000}), MULTIPART),
        (multipart({"csrf_token": token, **{f"f{n}": "x" for n in range(600)}}), MULTIPART),
    ):
        answer = alice.client.post(
            here + path, data=data, content_type=kind, headers={"Host": HOST}
        )
        assert answer.status_code == 413
        assert "That is too much at once" in answer.get_data(as_text=True)
    assert stored(app) == before


MULTIPART = "multipart/form-data; boundary=between"


def multipart(values: dict[str, str]) -> bytes:
    """Return a form's body, made here: the test client would spool it to a file."""
    parts = [
        f'--between\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in values.items()
    ]
    return ("".join(parts) + "--between--\r\n").encode()


def test_a_text_too_long_is_said_and_kept_out(app: Flask, alice: Visitor, world: World) -> None:
    here = f"/projects/{world.tower}/rfis/{world.rfi}"
    before = stored(app)
    answer = alice.post(f"{here}/sections/responses", {"text": "x" * 50_001}, expect=422)
    assert "at most 50,000 characters" in answer.text
    alice.post(f"{here}/keep", {"title": "x", "question": "y" * 100_001}, expect=422)
    assert stored(app) == before


# ---- a tool without Box


@pytest.fixture
def lessons(app: Flask, world: World) -> Iterator[tuple[Tool, int]]:
    """A throw-away tool that files reach from the computer only, with one record of Alice's."""
    tool = replace(
        RFIS, key="lessons", slug="lessons-learned", label="Lessons", attaches_from_box=False
    )
    TOOLS.add(tool)
    with app.app_context():
        record_id = add_record(db.session(), world, "lessons", "Measure twice", status="open")
        db.session.commit()
        db.session.remove()
    yield tool, record_id
    TOOLS.remove("lessons")


@pytest.mark.parametrize("htmx", [False, True])
def test_a_tool_without_box_has_no_box_address_whatever_the_request_says(
    app: Flask,
    alice: Visitor,
    sandbox: SandboxProcess,
    world: World,
    lessons: tuple[Tool, int],
    htmx: bool,
) -> None:
    link(alice, sandbox)
    sandbox.forget_calls()
    tool, record_id = lessons
    before = stored(app)
    here = f"/projects/{world.tower}/{tool.slug}/{record_id}"
    token = alice.token()
    headers = {
        "Host": HOST,
        "HX-Target": "picker-panel",
        "HX-Current-URL": f"http://{HOST}/projects/{world.tower}/rfis/{world.rfi}",
        "Referer": f"http://{HOST}/projects/{world.tower}/rfis/{world.rfi}/attach/box/",
        **({"HX-Request": "true"} if htmx else {}),
    }
    for prefix in (f"{here}/attach/box", f"{here}/rows/1/attach/box"):
        for path in ("/", "/folders/0", "/folders/1?in=x&m=x", "/search?q=x&scope=all", "/choose"):
            for method in VERBS:
                data = {"csrf_token": token, "choice": "x.y", "tool": "rfis"}
                answer = alice.client.open(
                    prefix + path,
                    method=method,
                    headers=headers,
                    data=data if method in UNSAFE else {},
                )
                assert answer.status_code == 404, f"{method} {path}"
    for query in ("source=box", "source=box&tool=rfis"):
        alice.get(f"{here}/attach/?{query}", expect=404)
    dialog = alice.get(f"{here}/attach/")
    assert "Box" not in dialog.links()
    assert asked(sandbox) == []
    assert stored(app) == before
