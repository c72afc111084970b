"""Every address, asked by everybody: nothing is told to whoever may not see it.

A world in which each secret is a word of its own is read through all addresses that can be made of
its ids, by each kind of person, as a page and in parts. Who may see what is worked out here once
more, in plain Python from the tables, and knows nothing of the rule in SQL.
"""

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from io import BytesIO
from typing import Any

import pypdf
import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.support.pages import HOST, HTMX, Visitor
from tests.support.world import World, add_record
from webapp.attachments.models import Attachment
from webapp.companies.models import CompanyMember, Level, Project, ProjectMember, ToolLevel
from webapp.core.blobs import blobs
from webapp.core.clock import utcnow
from webapp.core.database import db
from webapp.imports.models import ImportBatch, ImportItem, ItemState
from webapp.records.models import Record, RecordRow, RecordViewer
from webapp.tools import lifecycle
from webapp.tools.registry import TOOLS
from webapp.tools.values import set_people, write_values

pytestmark = pytest.mark.wide

SignIn = Callable[[str], Visitor]
PEOPLE = ("alice", "nell", "bob", "rita", "charlie", "imani", "")
# Alice administers the company, Nell the tool; Bob bids against Dora, Rita is on the CC list.
LEVELS = {
    ("nell", "bidding"): Level.ADMIN,
    ("nell", "documents"): Level.NONE,
    ("rita", "emails"): Level.NONE,
    ("bob", "commitments"): Level.READ,
}
# What Box shows is one's own Box, and what lies under these others is the same for everybody.
LEFT_OUT = ("/attach/box/", "/static/", "/box/", "/sign-in", "/help", "/healthz")
ARCHIVES = (
    "application/zip",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
)
# Asked for as htmx asks: the page around them is asked for with the record.
IN_PARTS = ("/files", "/table", "/thread", "/newer/", "/imports/")


@dataclass
class Secret:
    """A word and what it hangs on; `is_inside` when it is a file of a row or in a sealed field."""

    word: str
    record_id: int
    row_id: int | None = None
    is_inside: bool = False


@dataclass
class Mine:
    """What is in the tables, read once."""

    records: dict[int, Record]
    rows: dict[int, RecordRow]
    files: list[Attachment]
    batches: list[ImportBatch]
    items: list[ImportItem]
    viewers: set[tuple[int, int]]
    admins: set[tuple[int, int]]
    members: dict[tuple[int, int], int]
    levels: dict[tuple[int, int, str], int]
    companies: dict[int, int]
    secrets: list[Secret] = field(default_factory=list)

    @classmethod
    def of(cls, session: Session, secrets: list[Secret]) -> "Mine":
        members = session.scalars(select(CompanyMember)).all()
        on = session.scalars(select(ProjectMember)).all()
        levels = session.scalars(select(ToolLevel)).all()
        of_company = {(m.company_id, m.person_id) for m in members}
        companies = {p.id: p.company_id for p in session.scalars(select(Project))}
        return cls(
            {r.id: r for r in session.scalars(select(Record))},
            {r.id: r for r in session.scalars(select(RecordRow))},
            list(session.scalars(select(Attachment))),
            list(session.scalars(select(ImportBatch))),
            list(session.scalars(select(ImportItem))),
            {(v.record_id, v.person_id) for v in session.scalars(select(RecordViewer))},
            {(m.company_id, m.person_id) for m in members if m.is_admin},
            {
                (m.project_id, m.person_id): m.level
                for m in on
                if (companies[m.project_id], m.person_id) in of_company
            },
            {(one.project_id, one.person_id, one.tool_key): one.level for one in levels},
            companies,
            secrets,
        )

    def level(self, person: int, project: int, tool: str) -> int:
        if (self.companies[project], person) in self.admins:
            return int(Level.ADMIN)
        if (project, person) not in self.members:
            return int(Level.NONE)
        return self.levels.get((project, person, tool), self.members[project, person])

    def sees(self, person: int, record_id: int) -> bool:
        record = self.records[record_id]
        level = self.level(person, record.project_id, record.tool_key)
        if level < Level.READ or (record.saved_at is None and record.created_by_id != person):
            return False
        is_listed = (record_id, person) in self.viewers
        return level >= Level.ADMIN or not record.restricted or is_listed

    def sees_row(self, person: int, row_id: int, *, is_inside: bool) -> bool:
        row = self.rows[row_id]
        record = self.records[row.record_id]
        if not self.sees(person, record.id):
            return False
        is_admin = self.level(person, record.project_id, record.tool_key) >= Level.ADMIN
        if row.sent_at is None and row.author_id != person:
            return False
        if row.section == "sov" and not record.details.get("shows_sov") and not is_admin:
            return False
        if record.tool_key != "bidding" or row.person_id == person:
            return True
        is_sealed = record.details.get("is_blind") and record.status in ("draft", "open")
        return is_admin and not (is_inside and is_sealed)

    def may_read(self, person: int, secret: Secret) -> bool:
        if secret.row_id is None:
            return self.sees(person, secret.record_id)
        return self.sees_row(person, secret.row_id, is_inside=secret.is_inside)

    def may_open(self, person: int, file: Attachment) -> bool:
        return self.may_read(person, Secret("", file.record_id, file.row_id, is_inside=True))


@dataclass
class Maker:
    """Makes the world, and remembers each word that not everybody may read."""

    session: Session
    world: World
    secrets: list[Secret] = field(default_factory=list)

    def record(self, word: str, tool: str, *, status: str, **values: Any) -> Record:
        is_private = values.pop("is_private", False)
        id_ = add_record(
            self.session, self.world, tool, word, status=status, is_private=is_private, assignees=()
        )
        found = self.session.get_one(Record, id_)
        declared = TOOLS.get(tool)
        assert declared is not None
        write_values(self.session, declared, found, values)
        lifecycle.restrict(self.session, declared, found)
        self.secrets.append(Secret(word, id_))
        return found

    def row(self, record: Record, section: str, word: str, **facts: Any) -> RecordRow:
        facts.setdefault("author_id", self.world.people["alice"])
        facts.setdefault("sent_at", utcnow())
        row = RecordRow(
            record_id=record.id,
            project_id=record.project_id,
            tool_key=record.tool_key,
            section=section,
            is_own=record.tool_key == "bidding",
            **facts,
        )
        self.session.add(row)
        self.session.flush()
        self.secrets.append(Secret(word, record.id, row.id, is_inside=True))
        return row

    def bid(self, record: Record, name: str, amount: str, words: str) -> RecordRow:
        details = {"intent": "will_bid", "is_submitted": True, "comments": words}
        row = self.row(
            record,
            "bidders",
            words,
            person_id=self.world.people[name],
            amount=Decimal(amount.replace(",", "")),
            details=details,
        )
        self.secrets.append(Secret(amount, record.id, row.id, is_inside=True))
        self.file(record, f"{words}file.txt", row, by=name)
        self.copy(record, f"{words}copy.txt", row, by=name)
        return row

    def settle(self, record: Record, role: str, names: tuple[str, ...]) -> None:
        """Give people a part in a record, and work out who sees it."""
        set_people(self.session, record.id, role, [self.world.people[name] for name in names])
        tool = TOOLS.get(record.tool_key)
        assert tool is not None
        lifecycle.restrict(self.session, tool, record)

    def file(
        self, record: Record, word: str, row: RecordRow | None = None, by: str = "alice"
    ) -> None:
        key = f"files/{word}"
        blobs().put(key, iter([b"bytes"]))
        self.session.add(
            Attachment(
                project_id=record.project_id,
                tool_key=record.tool_key,
                record_id=record.id,
                row_id=row.id if row else None,
                name=word,
                original_name=word,
                size_bytes=5,
                sha1="0" * 40,
                sha256="0" * 64,
                blob_key=key,
                source="computer",
                attached_by_id=self.world.people[by],
            )
        )
        self.secrets.append(Secret(word, record.id, row.id if row else None, is_inside=True))

    def copy(self, record: Record, word: str, row: RecordRow, by: str) -> None:
        """Leave a copy from Box on its way to a row."""
        place: dict[str, Any] = {
            "person_id": self.world.people[by],
            "project_id": record.project_id,
            "tool_key": record.tool_key,
            "record_id": record.id,
            "row_id": row.id,
        }
        batch = ImportBatch(key=word, session_hash="0" * 64, **place)
        self.session.add(batch)
        self.session.flush()
        item = ImportItem(
            batch_id=batch.id,
            name=word,
            size_bytes=5,
            box_file_id=str(batch.id),
            box_version_id="1",
            state=ItemState.QUEUED,
            **place,
        )
        self.session.add(item)
        self.secrets.append(Secret(word, record.id, row.id, is_inside=True))


def build(session: Session, world: World) -> list[Secret]:
    """Fill the world with what not everybody may read; each secret is a word of its own."""
    for (name, tool), level in LEVELS.items():
        session.add(
            ToolLevel(
                project_id=world.tower,
                person_id=world.people[name],
                tool_key=tool,
                level=int(level),
            )
        )
    for name in ("bob", "dora"):
        session.add(
            ToolLevel(
                project_id=world.tower,
                person_id=world.people[name],
                tool_key="bidding",
                level=int(Level.STANDARD),
            )
        )
    made = Maker(session, world)
    private = made.record("zqprivate", "rfis", status="open", is_private=True)
    made.file(private, "zqprivatefile.txt")
    draft = made.record("zqdraft", "rfis", status="draft")
    made.file(draft, "zqdraftfile.txt")
    asked = made.record("zqasked", "rfis", status="open")
    unsent = made.row(
        asked, "responses", "zqunsent", text="zqunsent", sent_at=None, author_id=world.people["bob"]
    )
    made.file(asked, "zqunsentfile.txt", unsent, by="bob")
    for is_blind, status, amounts in (
        (True, "open", ("7,301.11", "7,302.22")),
        (False, "open", ("7,303.33", "7,304.44")),
        (True, "closed", ("7,305.55", "7,306.66")),
    ):
        kind = f"zq{'blind' if is_blind else 'plain'}{status}"
        package = made.record(kind, "bidding", status=status, is_blind=is_blind)
        made.settle(package, "bidders", ("bob", "dora"))
        made.settle(package, "distribution", ("rita",))
        made.file(package, f"{kind}drawing.txt")
        for name, amount in zip(("bob", "dora"), amounts, strict=True):
            made.bid(package, name, amount, f"{kind}{name}")
    contract = made.record("zqcontract", "commitments", status="approved", type="subcontract")
    made.row(contract, "sov", "zqline", details={"description": "zqline"}, amount=Decimal("9.87"))
    folder = made.record("zqfolder", "documents", status="active", is_private=True)
    folder.details = {**folder.details, "kind": "folder"}
    inside = made.record("zqinside.txt", "documents", status="active")
    inside.details = {**inside.details, "kind": "file"}
    inside.parent_id = folder.id
    session.flush()
    made.settle(inside, "visible_to", ())
    version = made.row(inside, "versions", "zqversion", details={"number": 1}, position=1)
    made.file(inside, "zqversion.txt", version)
    # The number 1 of a version is no secret word; its file's name is.
    made.secrets = [one for one in made.secrets if one.word != "zqversion"]
    session.commit()
    return made.secrets


def addresses(app: Flask, tables: Mine) -> Iterator[str]:
    """Yield every address to be read that can be made of the ids there are."""
    adapter = app.url_map.bind(HOST)
    for rule in sorted(app.url_map.iter_rules(), key=str):
        if "GET" not in (rule.methods or ()) or any(part in str(rule) for part in LEFT_OUT):
            continue
        for values in _values(rule.arguments, tables):
            yield str(adapter.build(rule.endpoint, values))


def _values(names: set[str], tables: Mine) -> Iterator[dict[str, Any]]:
    """Yield the ids for an address's parts, those of one record together."""
    words = sorted(names)
    if not names:
        yield {}
    elif "public_id" in names:
        yield from ({"public_id": file.public_id} for file in tables.files)
    elif "batch_id" in names:
        yield from ({"batch_id": batch.id} for batch in tables.batches)
    elif "item_id" in names:
        yield from ({"item_id": item.id} for item in tables.items)
    elif "record_id" in names:
        for record_id in {secret.record_id for secret in tables.secrets}:
            yield from _of_record(names, tables, tables.records[record_id])
    elif words == ["project_id", "tool"]:
        for project_id in tables.companies:
            yield from ({"project_id": project_id, "tool": tool} for tool in TOOLS)
    elif words == ["project_id"]:
        yield from ({"project_id": project_id} for project_id in tables.companies)
    elif words == ["company_id"]:
        yield from ({"company_id": company_id} for company_id in set(tables.companies.values()))


def _of_record(names: set[str], tables: Mine, record: Record) -> Iterator[dict[str, Any]]:
    tool = TOOLS.get(record.tool_key)
    assert tool is not None
    values: dict[str, Any] = {"project_id": record.project_id, "record_id": record.id}
    if names & {"tool", "box_tool"}:
        values["tool"] = tool
    if "row_id" in names:
        rows = [row for row in tables.rows.values() if row.record_id == record.id]
        yield from ({**values, "row_id": row.id} for row in rows)
    elif "section" in names:
        yield from ({**values, "section": section.key} for section in tool.sections)
    elif names == values.keys():
        yield values


def read(visitor: Visitor, address: str, *, is_part: bool) -> tuple[int, str]:
    """Return an answer's status and all its words, those of archives, workbooks and PDFs too."""
    headers = {"Host": HOST, **(HTMX if is_part else {})}
    answer = visitor.client.get(address, headers=headers, buffered=True)
    if answer.mimetype in ARCHIVES:
        archive = zipfile.ZipFile(BytesIO(answer.data))
        inside = (archive.read(name).decode("utf-8", "replace") for name in archive.namelist())
        return answer.status_code, " ".join([*archive.namelist(), *inside])
    if answer.mimetype == "application/pdf":
        pages = pypdf.PdfReader(BytesIO(answer.data)).pages
        return answer.status_code, " ".join(page.extract_text() for page in pages)
    is_text = answer.mimetype.startswith("text/")
    return answer.status_code, answer.text if is_text else ""


def test_nobody_reads_by_any_door_what_they_may_not_see(
    app: Flask, world: World, signed_in: SignIn
) -> None:
    with app.app_context():
        secrets = build(db.session(), world)
        tables = Mine.of(db.session(), secrets)
        db.session.expunge_all()
        db.session.remove()
    asked = list(addresses(app, tables))
    told: list[str] = []
    for name in PEOPLE:
        person = world.people.get(name, 0)
        visitor = signed_in(name) if name else Visitor(app)
        hidden = [one.word for one in secrets if not tables.may_read(person, one)]
        seen: set[str] = set()
        for address in asked:
            status, words = read(visitor, address, is_part=address.endswith(IN_PARTS))
            assert status < 500, f"{name} {address}"
            told += [f"{name} {address} {word}" for word in hidden if word in words]
            seen |= {one.word for one in secrets if one.word in words}
        open_ = {one.word for one in secrets if tables.may_read(person, one)}
        assert not open_ - seen, f"{name or 'nobody'} may read this and found it nowhere"
        _check_records(visitor, tables, person)
        _check_files(visitor, tables, world, person)
    assert told == []


def _check_records(visitor: Visitor, tables: Mine, person: int) -> None:
    """A record answers to whoever sees it and is not there for everybody else."""
    for record in tables.records.values():
        tool = TOOLS.get(record.tool_key)
        assert tool is not None
        address = f"/projects/{record.project_id}/{tool.slug}/{record.id}"
        status, _words = read(visitor, address, is_part=False)
        if person:
            assert (status == 200) is tables.sees(person, record.id), address
        else:
            assert status in {302, 303}, address


def _check_files(visitor: Visitor, tables: Mine, world: World, person: int) -> None:
    """A file answers to whoever may open it; the register lists exactly those."""
    mine = [file for file in tables.files if person and tables.may_open(person, file)]
    for file in tables.files if person else ():
        status, _words = read(visitor, f"/attachments/{file.public_id}", is_part=False)
        assert (status == 200) is (file in mine), file.name
    status, words = read(visitor, f"/projects/{world.tower}/files.csv", is_part=False)
    if status == 200:
        assert len(words.splitlines()) - 1 == len(mine)
