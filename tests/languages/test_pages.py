"""A person in Spanish, from signing in to the picker: nothing English is left but what is data."""

import pytest
from flask import Flask

from tests.support.english import english_in
from tests.support.pages import Page, Visitor
from tests.support.uploading import attach_upload
from tests.support.world import NAMES, World
from webapp.companies.forms import time_zones
from webapp.core.database import db
from webapp.core.languages import NAMES as LANGUAGES
from webapp.records.models import Record
from webapp.tools.registry import TOOLS, Tool

ZONES = [name.replace("_", " ") for name in time_zones()]
SPANISH = {"Accept-Language": "es-MX,es;q=0.9,en;q=0.5"}
# What people are called and wrote, what Box calls things, and names that stay in any language.
DATA = (
    *(f"{name.title()} Test" for name in NAMES),
    *("AT", "Tester", "Acme Builders", "Acme Town", "Borealis Civil", "Tower", "Bridge"),
    *("Stair 2 slab edge", "A private matter", "Not yet asked", "Door out of adjustment"),
    *("About: ", "Greyfold Glazing", "Building", "Level 1", "Lobby", "Submittals"),
    *("Grant access to Box", "Disabled by Administrator", "Admin Console", "Authorize"),
    *LANGUAGES.values(),
)


def english(page: Page, *data: str) -> list[str]:
    return english_in(page, *DATA, *data)


def in_spanish(visitor: Visitor, path: str, *data: str) -> Page:
    """Fetch a page that must be Spanish and say so."""
    page = visitor.get(path)
    assert page.tree.get("lang") == "es-US", path
    assert english(page, *data) == [], path
    return page


def test_the_check_finds_english(alice: Visitor, world: World) -> None:
    page = alice.get(f"/projects/{world.tower}/rfis/{world.rfi}")
    found = english(page)
    assert {"Skip to content", "Attach File(s)", "Change history", "Created by"} <= set(found)


def test_the_check_finds_a_sentence_that_was_never_wrapped(alicia: Visitor) -> None:
    page = alicia.get("/settings")
    heading = next(page.all("h1"))
    heading.text = "Here you find what is yours"
    assert english(page) == ["Here you find what is yours"]


def test_signing_in_follows_the_browser(visitor: Visitor, world: World) -> None:
    page = visitor.get("/sign-in", headers=SPANISH)
    assert page.tree.get("lang") == "es-US"
    assert english(page) == []
    wrong = visitor.post(
        "/sign-in",
        {"email": world.email("alice"), "password": "wrong"},
        headers=SPANISH,
        expect=422,
    )
    assert "Ese correo y esa contraseña no coinciden." in wrong.text
    assert english(wrong) == []


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        ("es", "es-US"),
        ("es-MX,es;q=0.9,en;q=0.8", "es-US"),
        ("en-GB,en;q=0.9,es;q=0.8", "en-US"),
        ("fr-FR,fr;q=0.9", "en-US"),
        ("fr-FR,fr;q=0.9,es;q=0.5", "es-US"),
        ("*;q=nonsense,,;;", "en-US"),
        ("", "en-US"),
    ],
)
def test_the_browser_is_asked_by_what_it_prefers(
    visitor: Visitor, asked: str, language: str
) -> None:
    page = visitor.get("/sign-in", headers={"Accept-Language": asked})
    assert page.tree.get("lang") == language


def test_what_was_chosen_goes_before_the_browser(alice: Visitor) -> None:
    assert alice.get("/settings", headers=SPANISH).h1 == "Mi configuración"
    chosen = alice.submit(alice.get("/settings"), "/settings", language="en")
    assert chosen.h1 == "My Settings"
    assert alice.get("/settings", headers=SPANISH).h1 == "My Settings"
    alice.submit(alice.get("/settings"), "/settings", language="es")
    page = alice.get("/settings", headers={"Accept-Language": "en"})
    assert page.h1 == "Mi configuración"
    assert page.form("/settings").values["language"] == ["es"]
    alice.submit(page, "/settings", language="auto")
    assert alice.get("/settings").h1 == "My Settings"


def test_a_language_that_is_none_is_refused(alice: Visitor) -> None:
    refused = alice.submit(alice.get("/settings"), "/settings", language="xx", expect=422)
    assert "Choose one of these." in refused.text
    assert alice.get("/settings").h1 == "My Settings"


def test_it_goes_with_the_person_to_another_browser(
    alicia: Visitor, app: Flask, world: World
) -> None:
    elsewhere = Visitor(app).sign_in(world.email("alice"))
    assert elsewhere.get("/settings").h1 == "Mi configuración"
    elsewhere.post("/sign-out")
    assert elsewhere.get("/sign-in").tree.get("lang") == "en-US"


def test_the_pages_around_the_records(alicia: Visitor, world: World) -> None:
    company, project = f"/companies/{world.acme}", f"/projects/{world.tower}"
    for path in (
        "/",
        "/notices",
        "/help/box",
        "/settings",
        "/settings/security",
        "/settings/box",
        company,
        f"{company}/settings/box",
        project,
        f"{project}/files",
    ):
        in_spanish(alicia, path)
    in_spanish(alicia, f"{company}/projects/new", *ZONES)


def test_the_pages_of_people_and_their_levels(alicia: Visitor, world: World) -> None:
    company, directory = f"/companies/{world.acme}", f"/projects/{world.tower}/directory"
    bob = world.people["bob"]
    alicia.post(f"{company}/templates/usual")
    usual = ("Admin", "Standard", "Read Only", "Subcontractor", "Everything")
    for path in (
        f"{company}/people",
        f"{company}/people/new",
        f"{company}/people/{bob}",
        f"{company}/people/{bob}/deactivate",
        f"{company}/templates/new",
        f"{directory}/people",
        f"{directory}/people/new",
        f"{directory}/people/{bob}",
        f"{directory}/people/{bob}/remove",
        f"{directory}/groups",
        f"{directory}/groups/new",
    ):
        in_spanish(alicia, path, *usual)
    for path in (f"{company}/settings/details", f"{company}/projects/{world.tower}/edit"):
        in_spanish(alicia, path, *ZONES)


def test_the_pages_of_a_file(alicia: Visitor, world: World) -> None:
    here = f"/projects/{world.tower}/rfis/{world.rfi}"
    (file,) = attach_upload(alicia, f"{here}/attach/", ("Foto.jpg", b"jpeg"))
    address = f"/attachments/{file.public_id}"
    for path in (here, f"{address}/edit", f"{address}/remove", f"/projects/{world.tower}/files"):
        in_spanish(alicia, path, "Foto.jpg")
    alicia.submit(alicia.get(f"{address}/remove"), "/remove")
    page = in_spanish(alicia, here, "Foto.jpg")
    assert "Archivos quitados" in page.text
    assert "Alice Test quitó Foto.jpg" in page.text


def test_the_pages_of_documents_and_the_log(alicia: Visitor, world: World) -> None:
    project = f"/projects/{world.tower}"
    for path in (
        f"{project}/documents",
        f"{project}/documents/bin",
        f"{project}/daily-log/notes",
        f"{project}/emails/outbox",
        f"{project}/rfis/{world.rfi}/attach/documents/",
    ):
        in_spanish(alicia, path, "Message-ID")


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.key)
def test_the_list_of_a_tool(tool: Tool, alicia: Visitor, world: World) -> None:
    in_spanish(alicia, f"/projects/{world.tower}/{tool.slug}")


@pytest.mark.parametrize(
    "tool", [tool for tool in TOOLS if tool.key != "documents"], ids=lambda tool: tool.key
)
def test_a_new_record_of_a_tool_and_its_page(tool: Tool, alicia: Visitor, world: World) -> None:
    listed = f"/projects/{world.tower}/{tool.slug}"
    form = alicia.post(listed)
    assert english(form) == []
    here = form.response.request.path.removesuffix("/edit")
    page = in_spanish(alicia, here)
    for section in tool.sections:
        address = f"{here}/sections/{section.key}/add"
        if any(href.endswith(address) for href in page.links().values()):
            assert english(alicia.get(address)) == []


def test_a_record_from_its_form_to_its_history(alicia: Visitor, world: World, app: Flask) -> None:
    here = f"/projects/{world.tower}/rfis/{world.rfi}"
    page = in_spanish(alicia, here)
    assert "En manos de" in page.text
    form = in_spanish(alicia, f"{here}/edit")
    alicia.submit(form, "/edit", title="Borde", due_on="2031-09-12", cost_impact="yes_unknown")
    page = in_spanish(alicia, here)
    assert "Alice Test cambió esto" in page.text
    assert "Fecha límite: vacío → 12 sept 2031" in page.text
    assert "Impacto en el costo: vacío → Sí, por determinar" in page.text
    moved = alicia.post(f"{here}/move", {"move": "close"})
    assert english(moved) == []
    assert "eligió “Cerrar”: Abierto → Cerrado" in moved.text


def test_a_missing_field_is_told_in_spanish(alicia: Visitor, world: World) -> None:
    here = f"/projects/{world.tower}/rfis/{world.rfi}"
    refused = alicia.submit(
        alicia.get(f"{here}/edit"), "/edit", title="", due_on="tomorrow", expect=422
    )
    assert english(refused) == []
    assert "Aún no se guardó." in refused.text


def test_the_picker_and_its_tray(linked: Visitor, world: World) -> None:
    here = f"/projects/{world.tower}/rfis/{world.rfi}/attach/"
    shut = linked.get(f"{here}?source=computer")
    assert english(shut) == []
    page = linked.get(f"{here}box/")
    assert english(page, *names_of_rows(page), "devon@quillmark.example") == []
    assert "Todos los archivos" in page.text
    inside = linked.get(f"{here}box/folders/0", htmx=True)
    assert english(inside, *names_of_rows(inside)) == []
    hits = linked.get(f"{here}box/search?q=plan&folder=0&scope=all", htmx=True)
    assert "resultado" in hits.text
    none = linked.get(f"{here}box/search?q=zzzz-nothing&folder=0&scope=all", htmx=True)
    assert english(none, "zzzz-nothing") == []
    assert "Nada en su Box coincide con “zzzz-nothing”" in none.text


def names_of_rows(page: Page) -> list[str]:
    """Return what Box calls the files and folders of a listing."""
    rows = [row for body in page.all("tbody") for row in body.iter()]
    names = [
        " ".join("".join(e.itertext()).split()) for e in rows if str(e.tag)[-2:] in ("}a", "}b")
    ]
    return [name for name in names if name != "Mostrar más"]


def test_days_times_and_money_are_written_the_spanish_way(
    alicia: Visitor, world: World, app: Flask
) -> None:
    with app.app_context():
        record = db.session.get_one(Record, world.rfi)
        record.details = {**record.details, "cost_impact": "yes", "cost_amount": "1234.5"}
        db.session.commit()
    page = alicia.get(f"/projects/{world.tower}/rfis/{world.rfi}")
    assert "$1,234.50" in page.text
    alicia.post(f"/projects/{world.tower}/daily-log", expect=200)
    log = alicia.get(f"/projects/{world.tower}/daily-log?day=2025-09-15")
    assert "lunes, 15 de septiembre de 2025" in log.text
    assert "septiembre de 2025" in log.text


def test_errors_speak_spanish_too(alicia: Visitor, visitor: Visitor) -> None:
    missing = alicia.get("/projects/999999", expect=404)
    assert english(missing) == []
    assert "Aquí no hay nada que usted pueda abrir" in missing.text or missing.h1
    outside = visitor.get("/nowhere", headers=SPANISH, expect=None)
    assert english(outside) == []


def test_an_english_reader_sees_no_spanish(bob: Visitor, alicia: Visitor, world: World) -> None:
    here = f"/projects/{world.tower}/rfis/{world.rfi}"
    form = alicia.get(f"{here}/edit")
    alicia.submit(form, "/edit", due_on="2031-09-12", cost_impact="no")
    alicia.post(f"{here}/move", {"move": "close"})
    page = bob.get(here)
    assert "Alice Test Close: Open → Closed" in page.text
    assert "Due date: empty → Sep 12, 2031" in page.text
    assert "Cost impact: empty → No" in page.text
