"""Whoever is written to reads their own language, whoever writes and whatever is kept."""

from collections.abc import Callable, Iterator
from datetime import date
from io import BytesIO

import pytest
from flask import Flask
from pypdf import PdfReader
from sqlalchemy import select

from tests.imports.conftest import SMALL
from tests.languages.conftest import choose
from tests.sandbox.process import SandboxProcess
from tests.support import copying
from tests.support.mailing import Server, begin, ids, sending_through, smtp_server, write
from tests.support.pages import HOST, Visitor
from tests.support.uploading import attach_upload
from tests.support.world import World
from webapp.accounts.models import Notice
from webapp.core.audit import AuditEntry
from webapp.core.database import db
from webapp.tools.extensions.emails import messages

SignIn = Callable[[str], Visitor]
OVER = "Los adjuntos suman más de 1 kB."
OVER_IN_ENGLISH = "The attachments are over 1 kB together."


@pytest.fixture
def server(app: Flask) -> Iterator[Server]:
    with smtp_server() as found, sending_through(app, found.port):
        yield found


def fail_copy(linked: Visitor, sandbox: SandboxProcess, here: str) -> None:
    """Attach a file whose copy Box refuses."""
    copying.attach(linked, sandbox, f"{here}/attach/", SMALL)
    denied = {"status": 403, "json": {"type": "error", "code": "access_denied", "message": "x"}}
    match = {"host": "api", "path": "/content$"}
    sandbox.faults({"match": match, "times": None, "action": denied})
    copying.run_worker(linked.app)
    sandbox.clear_faults()


def test_what_a_worker_tells_is_in_the_readers_language(
    linked: Visitor, sandbox: SandboxProcess, world: World, app: Flask
) -> None:
    here = f"/projects/{world.tower}/punch-list/{world.punch}"
    fail_copy(linked, sandbox, here)
    page = linked.get("/notices")
    assert "no se pudo copiar a Pendiente 1: Su cuenta de Box ya no puede descargarlo." in page.text
    assert "Su cuenta de Box ya no puede descargarlo." in linked.get(here).text
    choose(linked, "en")
    page = linked.get("/notices")
    assert "Your Box account may not download it any more." in page.text
    with app.app_context():
        (notice,) = db.session.scalars(select(Notice).where(Notice.kind == "import_failed"))
        assert "Su cuenta" not in str(notice.facts)
        db.session.remove()


def test_the_history_keeps_no_language(alicia: Visitor, world: World, app: Flask) -> None:
    here = f"/projects/{world.tower}/rfis/{world.rfi}"
    form = alicia.get(f"{here}/edit")
    alicia.submit(
        form,
        "/edit",
        due_on="2031-09-12",
        cost_impact="yes",
        cost_amount="12.50",
        schedule_impact="no",
        schedule_days="3",
    )
    with app.app_context():
        query = select(AuditEntry).where(AuditEntry.record_id == world.rfi)
        entry = db.session.scalars(query.order_by(AuditEntry.id.desc()).limit(1)).one()
        kept = entry.facts["changes"]
        db.session.remove()
    assert {change["label"]: change["after"] for change in kept} == {
        "Due date": date(2031, 9, 12).isoformat(),
        "Cost impact": "Yes",
        "Cost amount": "12.50",
        "Schedule impact": "No",
        "Schedule days": "3",
    }
    page = alicia.get(here)
    assert "Monto del costo: vacío → $12.50" in page.text
    assert "Días de programa: vacío → 3 días" in page.text


@pytest.mark.parametrize(
    ("readers", "expected"),
    [
        (("bob",), OVER),
        (("bob", "rita"), OVER),
        (("bob", "dora"), OVER_IN_ENGLISH),
        (("dora",), OVER_IN_ENGLISH),
    ],
)
def test_a_letter_is_in_the_language_that_its_readers_share(
    readers: tuple[str, ...],
    expected: str,
    app: Flask,
    alice: Visitor,
    signed_in: SignIn,
    world: World,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(messages, "FILES_MAX_BYTES", 1000)
    for name in ("bob", "rita"):
        choose(signed_in(name), "es")
    here = begin(alice, world)
    attach_upload(alice, f"{here}/attach/", ("Model.ifc", b"x" * 2000))
    write(alice, here, to=ids(world, *readers))
    copying.run_worker(app)
    sent = server.only()
    assert expected in sent.text
    assert sent.text.startswith("Clear the gate.")
    is_spanish = expected == OVER
    assert sent.message["From"].startswith(
        "Alice Test por Plumbline" if is_spanish else "Alice Test via Plumbline"
    )


def test_a_letter_outside_is_english(
    app: Flask,
    alicia: Visitor,
    world: World,
    server: Server,
) -> None:
    here = begin(alicia, world)
    write(alicia, here, outside="ed@inspector.example")
    copying.run_worker(app)
    assert server.only().message["From"].startswith("Alice Test via Plumbline")


@pytest.mark.wide
def test_a_pdf_is_in_the_language_of_whoever_prints_it(
    alicia: Visitor, bob: Visitor, world: World
) -> None:
    here = f"/projects/{world.tower}/rfis/{world.rfi}.pdf"
    readers = [
        PdfReader(BytesIO(visitor.client.get(here, headers={"Host": HOST}).get_data()))
        for visitor in (alicia, bob)
    ]
    spanish, english = ("\n".join(p.extract_text() for p in one.pages) for one in readers)
    assert "Hecho por Alice Test" in spanish
    assert "Made by Bob Test" in english
    assert [str(one.root_object["/Lang"]) for one in readers] == ["es-US", "en-US"]
