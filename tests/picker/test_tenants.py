"""Who may open which dialog: every address of the picker, for everybody who should not be there."""

from collections.abc import Callable, Iterator

import pytest
import time_machine
from flask import Flask

from tests.picker.dialog import (
    SAFETY,
    address_of,
    asked,
    chosen,
    lines,
    punch_picker,
    tick,
)
from tests.sandbox.process import SandboxProcess
from tests.support.linking import link
from tests.support.pages import HOST, Visitor
from tests.support.world import World
from webapp.core.clock import utcnow
from webapp.core.database import db
from webapp.imports.models import ImportBatch, Tray
from webapp.records.models import RecordRow

SignIn = Callable[[str], Visitor]
MARA = "mara.lindqvist@boxmail.example"

# Every address below a target, with what a person's browser would send there.
ADDRESSES = (
    ("GET", ""),
    ("GET", "?source=computer"),
    ("GET", "tray"),
    ("POST", "tray"),
    ("POST", "computer"),
    ("POST", "send"),
    ("GET", "box/"),
    ("GET", "box/folders/0"),
    ("GET", "box/search?q=x&scope=all"),
    ("POST", "box/choose"),
)


def requests_to(visitor: Visitor, target: str, *, htmx: bool = False) -> Iterator[tuple[str, int]]:
    """Ask everything of one target; yield what was asked and the status of the answer."""
    token = visitor.token()
    headers = {"Host": HOST, **({"HX-Request": "true"} if htmx else {})}
    for method, path in ADDRESSES:
        data = {"csrf_token": token, "item": "all", "key": "x", "choice": "x.y"}
        answer = visitor.client.open(
            target + path, method=method, headers=headers, data=data if method == "POST" else None
        )
        yield f"{method} {path}", answer.status_code


def targets(world: World, app: Flask) -> dict[str, str]:
    """Return dialogs by what they are for, with a response that Alice has begun."""
    tower, bridge = f"/projects/{world.tower}", f"/projects/{world.bridge}"
    with app.app_context():
        row = RecordRow(
            record_id=world.rfi,
            project_id=world.tower,
            tool_key="rfis",
            section="responses",
            author_id=world.people["alice"],
            text="Being written",
        )
        sent = RecordRow(
            record_id=world.rfi,
            project_id=world.tower,
            tool_key="rfis",
            section="responses",
            author_id=world.people["alice"],
            text="Sent",
            sent_at=utcnow(),
        )
        db.session.add_all([row, sent])
        db.session.commit()
        begun, finished = row.id, sent.id
        db.session.remove()
    return {
        "rfi": f"{tower}/rfis/{world.rfi}/attach/",
        "private": f"{tower}/rfis/{world.private_rfi}/attach/",
        "draft": f"{tower}/rfis/{world.draft_rfi}/attach/",
        "punch": f"{tower}/punch-list/{world.punch}/attach/",
        "row": f"{tower}/rfis/{world.rfi}/rows/{begun}/attach/",
        "sent row": f"{tower}/rfis/{world.rfi}/rows/{finished}/attach/",
        "bridge": f"{bridge}/rfis/{world.bridge_rfi}/attach/",
        "row elsewhere": f"{tower}/punch-list/{world.punch}/rows/{begun}/attach/",
        "wrong project": f"{bridge}/rfis/{world.rfi}/attach/",
        "wrong tool": f"{tower}/punch-list/{world.rfi}/attach/",
        "no such record": f"{tower}/rfis/{2 * 10**9}/attach/",
        "no such row": f"{tower}/rfis/{world.rfi}/rows/{2 * 10**9}/attach/",
        "no such project": f"/projects/{2 * 10**9}/rfis/{world.rfi}/attach/",
    }


@pytest.mark.parametrize(
    ("name", "target", "status"),
    [
        # Another company's person, whatever the address.
        ("charlie", "rfi", 404),
        ("charlie", "private", 404),
        ("charlie", "draft", 404),
        ("charlie", "punch", 404),
        ("charlie", "row", 404),
        ("charlie", "wrong project", 404),
        # The Implementation Manager belongs to no company.
        ("imani", "rfi", 404),
        ("imani", "bridge", 404),
        # Read Only sees, and may not attach.
        ("rita", "rfi", 403),
        ("rita", "punch", 403),
        ("rita", "private", 404),
        ("rita", "draft", 404),
        ("rita", "row", 404),
        # None in RFIs: there is no such tool for her.
        ("nell", "rfi", 404),
        ("nell", "row", 404),
        # Standard: not on somebody else's open RFI, nor on a response that is not his.
        ("bob", "rfi", 403),
        ("bob", "private", 403),
        ("bob", "row", 404),
        ("bob", "sent row", 403),
        ("bob", "draft", 404),
        # Her own admin's rights do not make an address out of what is none.
        ("alice", "sent row", 403),
        ("alice", "row elsewhere", 404),
        ("alice", "bridge", 404),
        ("alice", "wrong project", 404),
        ("alice", "wrong tool", 404),
        ("alice", "no such record", 404),
        ("alice", "no such row", 404),
        ("alice", "no such project", 404),
        ("dora", "private", 404),
        ("dora", "wrong project", 404),
    ],
)
def test_no_address_of_the_dialog_answers_who_may_not_attach_there(
    app: Flask,
    world: World,
    signed_in: SignIn,
    sandbox: SandboxProcess,
    name: str,
    target: str,
    status: int,
) -> None:
    visitor = signed_in(name)
    address = targets(world, app)[target]
    sandbox.forget_calls()
    for htmx in (False, True):
        answers = dict(requests_to(visitor, address, htmx=htmx))
        assert answers == dict.fromkeys(answers, status)
    assert asked(sandbox) == []
    assert counted(app) == (0, 0)


def counted(app: Flask) -> tuple[int, int]:
    with app.app_context():
        found = db.session.query(Tray).count(), db.session.query(ImportBatch).count()
        db.session.remove()
    return found


def test_the_same_addresses_answer_who_may(
    app: Flask, world: World, linked: Visitor, sandbox: SandboxProcess
) -> None:
    """So that the refusals above are not for want of the address."""
    found = targets(world, app)
    for target in ("rfi", "private", "draft", "punch", "row"):
        answers = dict(requests_to(linked, found[target], htmx=True))
        assert answers == {
            **dict.fromkeys(answers, 200),
            "POST send": 422,
            "POST box/choose": 400,
            "POST computer": 422,
        }
    assert len(asked(sandbox)) == 15


def test_who_has_not_signed_in_is_sent_to_do_so_and_box_is_not_asked(
    app: Flask, world: World, visitor: Visitor, sandbox: SandboxProcess
) -> None:
    for target in targets(world, app).values():
        for asked_for, status in requests_to(visitor, target):
            assert status == (303 if asked_for.startswith("GET") else 401), asked_for
        for asked_for, status in requests_to(visitor, target, htmx=True):
            assert status == 401, asked_for
    assert asked(sandbox) == []
    assert counted(app) == (0, 0)


def test_a_session_that_ends_under_an_open_dialog_leads_through_the_sign_in_and_back(
    linked: Visitor, sandbox: SandboxProcess, here: str, world: World
) -> None:
    page = linked.get(address_of(sandbox, here, SAFETY))
    name = lines(page)[0].name
    tick(linked, here, lines(page)[0].token)
    with time_machine.travel(utcnow().timestamp() + 40 * 24 * 3600, tick=True):
        sandbox.forget_calls()
        for answer in (
            linked.get(address_of(sandbox, here, SAFETY), htmx=True, expect=401),
            linked.get(f"{here}box/", htmx=True, expect=401),
        ):
            assert answer.response.headers["HX-Redirect"] == "/sign-in"
            assert answer.response.get_data() == b""
        assert asked(sandbox) == []
        # The script loads the page it is on again, and that is the record's.
        record = here.removesuffix("/attach/")
        form = linked.get(record)
        assert form.response.request.path == "/sign-in"
        back = linked.submit(
            form, "/sign-in", email=world.email("alice"), password="a long enough password"
        )
        assert back.response.request.path == record
        assert chosen(linked.get(f"{here}tray")) == [name]


def test_what_carries_no_token_of_the_session_changes_nothing(
    app: Flask, linked: Visitor, bob: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    page = linked.get(address_of(sandbox, here, SAFETY))
    first, second = lines(page)[:2]
    key = tick(linked, here, first.token).form("/send").values["key"][0]
    changes = {
        "box/choose": {"choice": second.token},
        "tray": {"item": "all"},
        "send": {"key": key},
        "computer": {},
    }
    for token in (None, "", "made up", bob.token()):
        for path, values in changes.items():
            data = values if token is None else {**values, "csrf_token": token}
            for htmx in (False, True):
                linked.post(f"{here}{path}", data, csrf=False, htmx=htmx, expect=400)
    assert chosen(linked.get(f"{here}tray")) == [first.name]
    assert counted(app) == (1, 0)


def test_everybody_sees_their_own_box_only(
    linked: Visitor, bob: Visitor, sandbox: SandboxProcess, world: World
) -> None:
    both = punch_picker(world)
    link(bob, sandbox, login=MARA)
    alices = linked.get(f"{both}box/")
    bobs = bob.get(f"{both}box/")
    assert "Quillmark Projects" in {row.name for row in lines(alices)}
    assert "Operations" in {row.name for row in lines(bobs)}
    assert {row.href for row in lines(alices)}.isdisjoint({row.href for row in lines(bobs)})
    safety = address_of(sandbox, both, SAFETY)
    sandbox.forget_calls()
    page = bob.get(safety, expect=424)
    assert "no longer in your Box, or you no longer have access to it" in page.text
    assert "10 Safety" not in page.html
    assert {call["user"] for call in asked(sandbox)} == {MARA}


def test_choices_belong_to_the_person_and_the_record_they_were_made_for(
    linked: Visitor, bob: Visitor, sandbox: SandboxProcess, world: World, here: str
) -> None:
    link(bob, sandbox)
    both = punch_picker(world)
    rows = lines(linked.get(address_of(sandbox, both, SAFETY)))
    tick(linked, both, rows[0].token)
    assert chosen(bob.get(f"{both}tray")) == []
    assert chosen(linked.get(f"{here}tray")) == []
    theirs = lines(bob.get(address_of(sandbox, both, SAFETY)))
    assert not any(row.is_chosen for row in theirs)
    tick(bob, both, theirs[1].token)
    assert chosen(linked.get(f"{both}tray")) == [rows[0].name]
