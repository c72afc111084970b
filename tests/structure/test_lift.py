"""The picker lifted out: a bakery's order page takes photos from Box, and knows no Plumbline.

The bakery has its own layout, its own idea of who is there, and keeps its trays in a dictionary.
What the picker takes along is `webapp/box`, `webapp/picker`, `webapp/core` and `templates/picker`.
"""

import secrets
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    make_response,
    redirect,
    render_template,
    session,
)
from flask_babel import Babel
from flask_wtf import CSRFProtect
from jinja2 import ChoiceLoader, DictLoader, FileSystemLoader, PrefixLoader, StrictUndefined
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers.response import Response as BaseResponse

from tests.picker.dialog import (
    PHOTOS,
    RECEIVED,
    RFIS,
    SAFETY,
    TRENCH,
    asked,
    chosen,
    click,
    crumbs,
    id_of,
    line,
    lines,
    marks,
    more,
    tick,
)
from tests.sandbox.people import REDIRECT_URI, Browser
from tests.sandbox.process import CLIENT_ID, CLIENT_SECRET, SandboxProcess
from tests.support.pages import HOST, Visitor
from webapp.box.client import BoxClient
from webapp.box.items import Origin
from webapp.box.oauth import OAuth
from webapp.box.tokens import AccessToken
from webapp.core.formats import filesize
from webapp.core.problems import Conflict, NotFound, Problem
from webapp.picker.host import (
    Action,
    Choice,
    Chosen,
    ChosenFolder,
    Door,
    FolderChoice,
    LastFolder,
    PartialUpload,
    PickerHost,
    Shut,
    Source,
    Target,
    Tray,
    Verdict,
)
from webapp.picker.views import changed_tray, create_blueprints, create_source, show_source

ROOT = Path(__file__).resolve().parents[2]
CAKES = {7: "Wedding cake, three tiers", 8: "Sachertorte"}
HERE = "/cakes/7/photos/"

TEMPLATES = {
    "app.html": """<!doctype html><html lang="en"><head><meta charset="utf-8">
        <title>{% block title %}{% endblock %} · Bakery</title>{% block styles %}{% endblock %}
        </head><body><main>{% block main %}{% endblock %}</main></body></html>""",
    "_macros.html": """
        {% macro icon(name, class="i") -%}<i class="{{ class }} {{ name }}"></i>{%- endmacro %}
        {% macro csrf() -%}
        <input type="hidden" name="csrf_token" value="{{ csrf_token() }}">
        {%- endmacro %}""",
    "order.html": """{% extends "app.html" %}{% block title %}Help{% endblock %}
        {% block main %}{% from "_macros.html" import csrf %}<h1>Help</h1>
        <form method="post">{{ csrf() }}</form>{% endblock %}""",
    "pantry.html": """{% from "_macros.html" import csrf %}
        <div id="picker-panel" data-source="pantry">
        <p>{{ jars }} for {{ target.title }}</p>
        <form action="{{ prefix }}pantry/choose" method="post">{{ csrf() }}
        <input type="hidden" name="back" value="{{ here }}"></form></div>""",
}


@dataclass(frozen=True)
class Bearer:
    """A token from wherever the bakery keeps them."""

    token: str

    def bearer(self, refused: AccessToken | None = None) -> AccessToken:
        assert refused is None, "Box refused the bakery's token"
        return AccessToken(self.token, 1)


@dataclass
class Order:
    """What one baker has chosen for one cake."""

    key: str = field(default_factory=lambda: secrets.token_hex(8))
    kept: dict[int, Choice] = field(default_factory=dict)
    folders: dict[int, FolderChoice] = field(default_factory=dict)
    lost: set[int] = field(default_factory=set)

    reason: str = ""


@dataclass
class Bakery:
    """Implements `PickerHost` without a database."""

    client: BoxClient | None = None
    orders: dict[tuple[str, int], Order] = field(default_factory=dict)
    baked: list[str] = field(default_factory=list)
    counted: list[Action] = field(default_factory=list)
    has_pantry: bool = False
    is_curious: bool = False

    def open_target(self, *, cake: int) -> Target:
        if cake not in CAKES:
            raise NotFound("No such cake.")
        return Target(
            person_key=session["baker"],
            title=f"cake {cake}",
            subtitle=CAKES[cake],
            back_url=f"/cakes/{cake}",
            offers_box=True,
            file_max_bytes=7 * 10**6,
            files_max=3,
            blocked_extensions=frozenset({"zip"}),
            company="The bakery",
            handle=cake,
            sources=(Source("pantry", "The pantry", "jar", f"/cakes/{cake}/photos/pantry/"),)
            if self.has_pantry
            else (),
            judge=self._judge,
        )

    def _judge(self, origin: Origin) -> Verdict:
        if origin.classification:
            return Verdict(why_not=f"The bakery keeps its hands off {origin.classification} files")
        return Verdict("", "Looks tasty", True) if self.is_curious else Verdict()

    def admit(self, action: Action) -> None:
        self.counted.append(action)

    def box(self, target: Target) -> Door:
        if self.client is None:
            return Door(None, shut=Shut.NOT_LINKED, link_url="/link")
        return Door(self.client, login="baker@example.test", box_user_id="1")

    def _order(self, target: Target) -> Order:
        return self.orders.setdefault((target.person_key, target.handle), Order())

    def last_folder(self, target: Target) -> LastFolder | None:
        return None

    def tray(self, target: Target) -> Tray:
        order = self._order(target)
        ids = frozenset(c.file_id for c in order.kept.values())
        folders = tuple(
            ChosenFolder(
                number,
                folder.folder_id,
                folder.name,
                path="",
                is_counting=number not in order.lost,
                is_stopped=number in order.lost,
                trouble="The cook fell asleep." if number in order.lost else "",
            )
            for number, folder in order.folders.items()
        )
        return Tray(order.key, tuple(self._chosen(order)), ids, order.reason, folders)

    def _chosen(self, order: Order) -> Iterator[Chosen]:
        for number, c in order.kept.items():
            said = self._judge(c.origin)
            marks = (said.mark,) if said.mark else ()
            yield Chosen(number, c.name, c.size_bytes, c.path, True, marks, said.needs_reason)

    def choose(
        self,
        target: Target,
        *,
        add: Sequence[Choice],
        folders: Sequence[FolderChoice],
        remove: Iterable[str],
    ) -> None:
        order = self._order(target)
        gone = {*remove, *(choice.file_id for choice in add)}
        order.folders |= {int(folder.folder_id) % 1000: folder for folder in folders}
        for number in [n for n, folder in order.folders.items() if folder.row_id in gone]:
            del order.folders[number]
        kept = {n: c for n, c in order.kept.items() if c.file_id not in gone}
        for choice in add:
            kept[max((*order.kept, *kept), default=0) + 1] = choice
        if len(kept) > target.files_max:
            raise Conflict("Three photos are enough for a cake.")
        order.kept = kept

    def take_out(self, target: Target, item_id: int | None) -> None:
        order = self._order(target)
        order.kept = {n: c for n, c in order.kept.items() if item_id not in (None, n)}

    def take_out_folder(self, target: Target, item_id: int) -> None:
        self._order(target).folders.pop(item_id, None)

    def count_again(self, target: Target, item_id: int) -> None:
        self._order(target).lost.discard(item_id)

    def upload(self, target: Target, file: FileStorage) -> None:
        raise Conflict("The bakery's computers have no photos.")

    def begin_upload(self, target: Target, name: str, size_bytes: int) -> PartialUpload:
        raise Conflict("The bakery's computers have no photos.")

    def partial_upload(self, target: Target, upload_id: str) -> PartialUpload:
        raise NotFound

    def unfinished_uploads(self, target: Target) -> Sequence[PartialUpload]:
        return ()

    def add_part(
        self, target: Target, upload_id: str, offset: int, blocks: Iterator[bytes]
    ) -> PartialUpload:
        raise NotFound

    def abandon_upload(self, target: Target, upload_id: str) -> None:
        raise NotFound

    def explain(self, target: Target, reason: str) -> None:
        self._order(target).reason = reason

    def attach(self, target: Target, key: str, *, reason: str) -> Response:
        order = self._order(target)
        if self.is_curious and not (reason or order.reason):
            raise Conflict("Tell us what the photo is for.")
        if order.key == key:
            self.baked += [choice.name for choice in order.kept.values()]
            self.orders[target.person_key, target.handle] = Order()
        return make_response(redirect(target.back_url, 303))


_checked: type[PickerHost] = Bakery


@pytest.fixture
def bakery() -> Bakery:
    return Bakery()


@pytest.fixture
def shop(bakery: Bakery) -> Flask:
    """The bakery's application: nothing of Plumbline's but the picker's two blueprints."""
    app = Flask("bakery", static_folder=None)
    app.secret_key = "flour and water"
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.loader = ChoiceLoader(
        [
            DictLoader(TEMPLATES),
            PrefixLoader({"picker": FileSystemLoader(ROOT / "templates" / "picker")}),
        ]
    )
    app.add_template_filter(filesize)
    app.add_template_global(lambda path: f"/bakery/{path}", "static_url")
    Babel(app)
    CSRFProtect(app)

    @app.before_request
    def who_is_there() -> None:
        if "baker" not in session:
            abort(401)

    @app.errorhandler(Problem)
    def told(problem: Problem) -> tuple[str, int]:
        return problem.advice, problem.status

    @app.get("/help/box")
    def help_page() -> str:
        return render_template("order.html")

    app.add_url_rule("/cakes/<int:cake>", "cake", lambda cake: f"Cake {cake}")
    dialog, box = create_blueprints(bakery)
    app.register_blueprint(dialog, url_prefix="/cakes/<int:cake>/photos")
    app.register_blueprint(box, url_prefix="/cakes/<int:cake>/photos/box")
    app.register_blueprint(_pantry(bakery), url_prefix="/cakes/<int:cake>/photos/pantry")
    return app


def _pantry(bakery: Bakery) -> Blueprint:
    """Return the bakery's own place to choose from; what is in it is the bakery's business."""
    bp = create_source("pantry", bakery)

    @bp.get("/")
    def shelf() -> BaseResponse:
        return show_source("pantry", "pantry.html", panel="pantry.html", jars="3 jars")

    @bp.post("/choose")
    def choose() -> BaseResponse:
        def refuse() -> None:
            raise Conflict("The jars are empty.")

        return changed_tray(refuse)

    return bp


@pytest.fixture
def baker(shop: Flask) -> Visitor:
    visitor = Visitor(shop)
    with visitor.client.session_transaction(headers={"Host": HOST}) as kept:
        kept["baker"] = "paula"
    return visitor


@pytest.fixture
def linked_baker(baker: Visitor, bakery: Bakery, sandbox: SandboxProcess) -> Visitor:
    oauth = OAuth(
        CLIENT_ID, CLIENT_SECRET, sandbox.account_url, sandbox.api_url, redirect_uri=REDIRECT_URI
    )
    pair = oauth.exchange(Browser(sandbox).grant(), code_verifier="x" * 48)
    bakery.client = BoxClient(
        Bearer(pair.access_token),
        api_url=sandbox.api_url,
        download_origins=(sandbox.download_url,),
    )
    sandbox.forget_calls()
    return baker


def test_a_bakery_browses_chooses_and_sends(
    linked_baker: Visitor, bakery: Bakery, sandbox: SandboxProcess
) -> None:
    page = linked_baker.get(HERE)
    assert page.h1 == "Attach files to cake 7"
    assert "Wedding cake, three tiers" in page.text
    assert page.response.request.path == f"{HERE}box/"
    for name in ("Quillmark Projects", "2317 Larkspur MOB", "05 RFIs", "RFI-001 Footing F4"):
        page = click(linked_baker, page, line(page, name).href)
    assert crumbs(page).endswith("05 RFIs / RFI-001 Footing F4")
    assert len(asked(sandbox)) == 5
    photo = line(page, "IMG_2041.JPG")
    assert photo.href == ""
    tray = tick(linked_baker, HERE, photo.token)
    assert chosen(tray) == ["IMG_2041.JPG"]
    answer = linked_baker.submit(tray, "/send", expect=303)
    assert answer.response.location == "/cakes/7"
    assert bakery.baked == ["IMG_2041.JPG"]
    linked_baker.submit(tray, "/send", expect=303)
    assert bakery.baked == ["IMG_2041.JPG"]
    assert bakery.counted == [*[Action.LIST] * 5, Action.SEND, Action.SEND]


def test_the_bakerys_own_limits_hold(
    linked_baker: Visitor, bakery: Bakery, sandbox: SandboxProcess
) -> None:
    page = linked_baker.get(f"{HERE}box/folders/{id_of(sandbox, SAFETY)}")
    assert line(page, "SDS binder.zip").why == "Over the 7.0 MB limit for one file"
    free = [row for row in lines(page) if row.token]
    assert len(chosen(tick(linked_baker, HERE, *(row.token for row in free[:3])))) == 3
    refused = tick(linked_baker, HERE, free[3].token, expect=409)
    assert "Three photos are enough for a cake." in refused.text
    assert len(chosen(refused)) == 3
    assert len(chosen(linked_baker.post(f"{HERE}tray", {"item": "1"}, htmx=True))) == 2
    answer = linked_baker.post(
        f"{HERE}computer",
        {"file": (BytesIO(b"x"), "x.jpg")},
        content_type="multipart/form-data",
        expect=409,
    )
    assert "no photos" in answer.text


def test_the_bakery_has_rules_of_its_own_for_files(
    linked_baker: Visitor, bakery: Bakery, sandbox: SandboxProcess
) -> None:
    bakery.is_curious = True
    sandbox.change("classify", TRENCH, name="Internal")
    page = linked_baker.get(f"{HERE}box/folders/{id_of(sandbox, RECEIVED)}")
    kept_off = line(page, "Joint trench exhibit.pdf")
    assert kept_off.why == "The bakery keeps its hands off Internal files"
    sandbox.change("classify", TRENCH)
    page = linked_baker.get(f"{HERE}box/folders/{id_of(sandbox, RECEIVED)}")
    trench = line(page, "Joint trench exhibit.pdf")
    assert trench.note == "Looks tasty, Owned by Bryn Castellane"
    tray = tick(linked_baker, HERE, trench.token)
    assert marks(tray) == {trench.name: ["Looks tasty"]}
    assert linked_baker.submit(tray, "/send", expect=409).text == "Tell us what the photo is for."
    linked_baker.post(f"{HERE}tray", {"reason": "A wedding"}, htmx=True, expect=204)
    again = linked_baker.get(f"{HERE}tray")
    assert again.form("/send").values["reason"] == ["A wedding"]
    linked_baker.submit(again, "/send", expect=303)
    assert bakery.baked == [trench.name]


def test_every_page_of_the_picker_works_there(
    linked_baker: Visitor, sandbox: SandboxProcess
) -> None:
    photos = f"{HERE}box/folders/{id_of(sandbox, PHOTOS)}"
    first = linked_baker.get(f"{photos}?sort=size&dir=desc")
    assert len(lines(linked_baker.get(more(first)))) == 100
    assert len(lines(click(linked_baker, first, more(first)))) == 100
    hits = linked_baker.get(f"{HERE}box/search?q=footing&scope=all")
    assert lines(hits)
    assert chosen(linked_baker.get(f"{HERE}tray")) == []
    assert "Drop files here" in linked_baker.get(f"{HERE}?source=computer").text
    sandbox.faults({"match": {"path": "/items$"}, "action": {"status": 503}, "times": 2})
    folder = f"{HERE}box/folders/{id_of(sandbox, RFIS)}"
    failed = linked_baker.get(folder, expect=424)
    assert "Box is not answering right now." in failed.text
    assert "Try again" in linked_baker.get(folder, htmx=True, expect=424).links()
    data = {"choice": "x.y", "csrf_token": linked_baker.token()}
    forged = linked_baker.client.post(f"{HERE}box/choose", data=data, headers={"Host": HOST})
    assert forged.status_code == 400


def test_a_whole_folder_is_the_bakerys_to_count(linked_baker: Visitor, bakery: Bakery) -> None:
    page = linked_baker.get(f"{HERE}box/folders/0")
    odds, templates = line(page, "99 Odds and Ends"), line(page, "Templates")
    tick(linked_baker, HERE, folder=odds.whole)
    tray = tick(linked_baker, HERE, folder=templates.whole)
    assert chosen(tray) == ["99 Odds and Ends", "Templates"]
    assert "Counting:" in tray.text
    assert chosen(tick(linked_baker, HERE, close=odds.whole)) == ["Templates"]
    order = bakery.orders["paula", 7]
    (number,) = order.folders
    order.lost.add(number)
    asleep = linked_baker.get(f"{HERE}tray")
    assert "The cook fell asleep." in asleep.text
    assert "Counting:" in linked_baker.post(f"{HERE}tray", {"again": str(number)}).text
    assert chosen(linked_baker.post(f"{HERE}tray", {"folder": str(number)}, htmx=True)) == []


def test_a_place_of_the_bakerys_own_is_a_tab_beside_box(baker: Visitor, bakery: Bakery) -> None:
    pantry = f"{HERE}pantry/"
    assert "The pantry" not in baker.get(HERE).links()
    assert baker.client.get(pantry, headers={"Host": HOST}).status_code == 404
    bakery.has_pantry = True
    assert baker.get(HERE).links()["The pantry"] == pantry
    page = baker.get(pantry)
    assert page.h1 == "Attach files to cake 7"
    assert "3 jars for cake 7" in page.text
    assert page.form("/choose").values["back"] == [pantry]
    assert "Chosen" not in baker.get(pantry, htmx=True).text
    refused = baker.post(f"{pantry}choose", htmx=True, expect=409)
    assert "The jars are empty." in refused.text
    assert chosen(refused) == []
    assert bakery.counted == [Action.LIST, Action.LIST]


def test_a_box_that_is_not_linked_yet_is_the_bakerys_to_link(baker: Visitor) -> None:
    page = baker.get(HERE)
    assert "Attach straight from your Box" in page.text
    assert page.form("/link").action == "/link"


def test_the_bakery_alone_decides_who_is_there_and_what_there_is(
    shop: Flask, linked_baker: Visitor, bakery: Bakery, sandbox: SandboxProcess
) -> None:
    stranger = Visitor(shop)
    for path in (HERE, f"{HERE}box/", f"{HERE}tray"):
        assert stranger.client.get(path).status_code == 401
        linked_baker.get(path.replace("7", "9"), expect=404)
    assert bakery.counted == []
    assert asked(sandbox) == []


def test_addresses_stay_under_the_bakerys_prefix(
    linked_baker: Visitor, sandbox: SandboxProcess
) -> None:
    page = linked_baker.get(f"/cakes/8/photos/box/folders/{id_of(sandbox, RFIS)}")
    found: list[Any] = [a.get("href") for a in page.all("a")]
    found += [f.get("action") for f in page.all("form")]
    found += [e.get("hx-get") for e in page.tree.iter() if e.get("hx-get")]
    addresses = {str(href) for href in found} - {"/cakes/8", "#picker-tray", "#picker-title"}
    assert len(addresses) > 10
    assert {href for href in addresses if not href.startswith("/cakes/8/photos/")} == set()


def test_the_picker_brings_neither_plumblines_rooms_nor_a_database_along() -> None:
    program = "import sys, webapp.picker.views; print('\\n'.join(sys.modules))"
    command = [sys.executable, "-c", program]
    loaded = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    rooms = {f"webapp.{path.name}" for path in (ROOT / "webapp").iterdir() if path.is_dir()} - {
        "webapp.box",
        "webapp.core",
        "webapp.picker",
    }
    foreign = {*rooms, "sqlalchemy", "flask_login", "flask_limiter", "webapp.core.database"}
    assert "webapp.picker.views" in loaded.split()
    assert foreign.isdisjoint(loaded.split())
