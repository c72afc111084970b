"""The demo's people and the Box sandbox: their links, and the files of their records.

Everything goes the way a person goes: Box's own pages grant access, the code is exchanged, files
are chosen from listings and copied by the workers. Where Box is real, all of this is left out.
"""

import unicodedata
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import click
import requests
from sqlalchemy import select

from config import LOOPBACK_NAMES
from webapp.accounts.identity import SignedIn
from webapp.accounts.models import Person
from webapp.box.client import BoxClient
from webapp.box.errors import BoxError
from webapp.box.items import ROOT_ID, BoxItem
from webapp.box_link import linking
from webapp.box_link.clients import box_access
from webapp.box_link.models import AttemptStatus, BoxLink
from webapp.core.clock import utcnow
from webapp.core.database import db, release, writing
from webapp.core.settings import settings
from webapp.imports import trays, work
from webapp.picker.host import Choice, Verdict
from webapp.records.models import Record, RecordRow
from webapp.records.visibility import Target
from webapp.tools.registry import TOOLS, Tool
from webapp.tools.values import first_words

BOX_PASSWORD = "sandbox"  # noqa: S105  # the sandbox's, for every fictional person
SECONDS = 10
PATH_PREFIX = "box:/"


def is_sandbox() -> bool:
    """True when Box is on this machine, where the demo's people have accounts."""
    return urlsplit(settings().box_api_url).hostname in LOOPBACK_NAMES


def link_people(data: dict[str, Any]) -> None:
    """Link those of the demo's people who are linked, and end the link of who lost it."""
    if not is_sandbox():
        click.echo("Box is real: the demo's people are not linked.")
        return
    for entry in data["people"]:
        state = entry.get("box", "")
        if state not in {"linked", "linked_expired"}:
            continue
        me = _signed_in(entry["email"])
        if not _link(me, entry["name"]):
            click.echo(f"{entry['name']} could not be linked to the sandbox.", err=True)
        elif state == "linked_expired":
            _lose_link(me)


def _signed_in(email: str) -> SignedIn:
    """Return a person as if they had signed in, with a session of their own."""
    with writing() as session:
        person = session.scalars(select(Person).where(Person.email == email)).one()
        session_hash = work.open_session(session, person.id)
        return SignedIn(
            id=person.id,
            name=person.name,
            email=person.email,
            is_implementation_manager=False,
            session_hash=session_hash,
            signed_in_at=utcnow(),
        )


def _link(me: SignedIn, name: str) -> bool:
    linker = box_access().linker
    address = linking.address_of(linker, linking.begin(linker, me), me)
    assert address is not None
    answer = _grant(address, demo_login(name))
    attempt = linking.take(answer.get("state", ""), me)
    if attempt is None or "code" not in answer:
        return False
    release()
    status = linking.finish(linker, attempt, answer["code"], may_link=True)
    return status is AttemptStatus.LINKED


def _lose_link(me: SignedIn) -> None:
    """Have the person's grant revoked at Box, and let Plumbline find that out."""
    client = box_access().client(person_id=me.id, session_hash=me.session_hash)
    linker = box_access().linker
    linker.oauth.revoke(linking.current_refresh_token(linker, me.id))
    try:
        client.me()
    except BoxError:
        return


def demo_login(name: str) -> str:
    """Return a person's account in the sandbox: plain lower-case letters, hyphens kept."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return ".".join(plain.split()) + "@boxmail.example"


@dataclass
class _Form:
    action: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    email: str = ""
    password: str = ""
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _FormReader(HTMLParser):
    """Reads the first form of a page, as far as signing in and granting need it."""

    def __init__(self) -> None:
        super().__init__()
        self.form: _Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and self.form is None:
            self.form = _Form(action=given.get("action", ""))
        elif self.form is not None and tag == "input":
            self._input(self.form, given)
        elif self.form is not None and tag == "button" and given.get("name"):
            self.form.buttons.append((given["name"], given.get("value", "")))

    def _input(self, form: _Form, given: dict[str, str]) -> None:
        name, kind = given.get("name", ""), given.get("type", "text")
        if kind == "hidden":
            form.fields[name] = given.get("value", "")
        elif kind == "email":
            form.email = name
        elif kind == "password":
            form.password = name


def _grant(url: str, login: str) -> dict[str, str]:
    """Go through Box's pages as a person would; return what Box sends back to us."""
    browser = requests.Session()
    browser.trust_env = False
    response = browser.get(url, timeout=SECONDS, allow_redirects=False)
    for _page in range(4):
        location = response.headers.get("Location")
        if location:
            target = urljoin(response.url, location)
            if urlsplit(target).path.endswith("/box/callback"):
                return {k: v[0] for k, v in parse_qs(urlsplit(target).query).items()}
            response = browser.get(target, timeout=SECONDS, allow_redirects=False)
            continue
        reader = _FormReader()
        reader.feed(response.text)
        if reader.form is None:
            return {}
        response = browser.post(
            urljoin(response.url, reader.form.action),
            data=_filled(reader.form, login),
            timeout=SECONDS,
            allow_redirects=False,
        )
    return {}


def _filled(form: _Form, login: str) -> dict[str, str]:
    values = dict(form.fields)
    if form.email:
        values[form.email] = login
    if form.password:
        values[form.password] = BOX_PASSWORD
    elif form.buttons:
        # The consent page: its first button grants.
        name, value = form.buttons[0]
        values[name] = value
    return values


def attach_files(data: dict[str, Any]) -> None:
    """Have the demo's files copied to their records, by who holds the demo's Box."""
    holder = next((p for p in data["people"] if p.get("box") == "linked"), None)
    if holder is None or not is_sandbox():
        return
    me = _signed_in(holder["email"])
    finder = _Finder(box_access().client(person_id=me.id, session_hash=me.session_hash))
    for tool in TOOLS:
        for entry in data.get(tool.key, ()):
            if not any("attach" in row for row in [entry, *_rows_in(tool, entry)]):
                continue
            record = _record_of(tool, entry)
            for row_id, paths in _paths_by_row(tool, record, entry).items():
                target = Target(record.project_id, tool.key, record.id, row_id)
                _attach(me, target, [finder.choice(path) for path in paths])


def _rows_in(tool: Tool, entry: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for section in tool.sections for row in entry.get(section.key, ())]


def _paths_by_row(tool: Tool, record: Record, entry: dict[str, Any]) -> dict[int | None, list[str]]:
    """Return the files of an entry by row; a response that is sent takes none, so its record does.

    The rows of a table were loaded in the order of the entry.
    """
    found: dict[int | None, list[str]] = {}
    if "attach" in entry:
        found[None] = list(entry["attach"])
    for section in tool.sections:
        declared = entry.get(section.key, ())
        ids = db.session.scalars(
            select(RecordRow.id)
            .where(RecordRow.record_id == record.id, RecordRow.section == section.key)
            .order_by(RecordRow.id)
        ).all()
        for row_id, row in zip(ids, declared, strict=True):
            if "attach" in row:
                found.setdefault(row_id if section.is_table else None, []).extend(row["attach"])
    return found


def _record_of(tool: Tool, entry: dict[str, Any]) -> Record:
    title = first_words(entry[tool.title_from]) if tool.title_from else entry["title"]
    query = select(Record).where(Record.tool_key == tool.key, Record.title == title)
    if tool.numbering.is_under_heading:
        query = query.where(Record.number_sort == entry["number"])
    elif "number" in entry:
        query = query.where(
            Record.number == str(entry["number"]), Record.revision == entry.get("revision", 0)
        )
    return db.session.scalars(query).one()


def _attach(me: SignedIn, target: Target, chosen: list[Choice]) -> None:
    """Accept files as they were accepted in the demo's past, before its records went out."""
    trays.change(me.id, target, add=chosen, files_max=len(chosen))
    key = trays.contents(me.id, target).key
    login = db.session.scalar(select(BoxLink.box_login).where(BoxLink.person_id == me.id)) or ""
    with writing() as session:
        trays.send(
            session,
            me.id,
            target,
            key,
            box_login=login,
            reason="",
            check=lambda _item, _given: "",
            files_max=len(chosen),
            judge=lambda _origin: Verdict(),
        )


@dataclass
class _Finder:
    """Finds files of Box by their path, listing each folder once."""

    client: BoxClient
    folders: dict[str, dict[str, BoxItem]] = field(default_factory=dict)

    def choice(self, path: str) -> Choice:
        *above, name = path.removeprefix(PATH_PREFIX).split("/")
        folder_id = ROOT_ID
        for step in above:
            folder_id = self._listed(folder_id)[step].id
        item = self._listed(folder_id)[name]
        return Choice(
            file_id=item.id,
            version_id=item.version_id or "",
            name=item.name,
            size_bytes=item.size_bytes,
            sha1=item.digest,
            version_number=str(item.version_number or "1"),
            owner=item.owned_by.name if item.owned_by else "",
            path=" / ".join(above),
        )

    def _listed(self, folder_id: str) -> dict[str, BoxItem]:
        if folder_id not in self.folders:
            found: dict[str, BoxItem] = {}
            marker: str | None = None
            while True:
                page = self.client.list_folder(folder_id, marker=marker, limit=1000)
                found |= {item.name: item for item in page.items}
                marker = page.next_marker
                if marker is None:
                    break
            self.folders[folder_id] = found
        return self.folders[folder_id]
