"""The demo's records: each entry of a tool's file becomes a record with its rows and its history.

An entry's keys are the tool's own field and section keys. People, companies and projects go by the
ids of the demo's main file, records by their numbers, days by the date in the demo's own calendar.
`by` is who made it, `opened` and `closed` are when; `attach` names files in the demo's Box, `files`
those in its own folder.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from webapp.attachments.models import Attachment, Source
from webapp.companies.models import Level
from webapp.core import audit
from webapp.core.blobs import blobs
from webapp.core.digests import Digesting
from webapp.imports.models import new_blob_key
from webapp.records.models import Record, RecordRow
from webapp.tools import lifecycle, rows
from webapp.tools.parts import people_of, standing
from webapp.tools.registry import Ball, Field, Kind, Section, Tool
from webapp.tools.values import write_row, write_values

FILES = Path(__file__).resolve().parents[2] / "demo" / "files"
MORNING, LATE, ANSWERED = "07:20", "16:40", "10:41"


@dataclass
class RecordLoader:
    """Turns the entries of the demo's files into rows of the database."""

    session: Session
    people: Mapping[str, int]
    vendors: Mapping[str, int]
    projects: Mapping[str, int]
    day: Callable[[str], date]
    moment: Callable[[str, str], datetime]
    known: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def load(self, tool: Tool, entry: dict[str, Any]) -> Record:
        """Add one record with everything that belongs to it."""
        record = self._record(tool, entry)
        if "number" in entry:
            record.number = str(entry["number"])
            record.number_sort = int(re.sub(r".*?(\d+)$", r"\1", record.number))
            self.known[tool.key, entry["project"], record.number] = record.id
        values = {key: entry[key] for key in ("title",) if key in entry} | {
            declared.key: self._value(declared, entry[declared.key], entry["project"])
            for declared in tool.fields
            if declared.key in entry
        }
        write_values(self.session, tool, record, values)
        self._count_within(tool, record)
        for section in tool.sections:
            for row in entry.get(section.key, ()):
                self._row(record, section, row, entry["project"])
            rows.settle(self.session, record, section)
        self._finish(tool, record)
        if "files" in entry:
            self._upload(tool, record, entry["files"])
        return record

    def _count_within(self, tool: Tool, record: Record) -> None:
        if tool.numbering.within:
            record.scope = lifecycle.scope_of(self.session, tool, record)

    def _upload(self, tool: Tool, record: Record, names: list[str]) -> None:
        """Attach files that lie beside the demo's data, as its creator would from a computer."""
        attached = [self._stored(record, FILES / name) for name in names]
        self.session.add_all(attached)
        self.session.flush()
        people = people_of(self.session, record.id)
        by = record.created_by_id
        found = standing(tool, record, people, person_id=by, level=Level.ADMIN)
        tool.extension.files_arrived(self.session, found, attached)

    def _stored(self, record: Record, path: Path) -> Attachment:
        key = new_blob_key()
        with Digesting(path.stat().st_size) as digesting:
            blobs().put(key, digesting.through(iter([path.read_bytes()])))
            digests = digesting.digests()
        return Attachment(
            project_id=record.project_id,
            tool_key=record.tool_key,
            record_id=record.id,
            name=path.name,
            original_name=path.name,
            size_bytes=digests.size_bytes,
            sha1=digests.sha1,
            sha256=digests.sha256,
            blob_key=key,
            source=Source.COMPUTER,
            attached_by_id=record.created_by_id,
        )

    def _record(self, tool: Tool, entry: dict[str, Any]) -> Record:
        creator = self.people[entry.get("by") or entry.get("received_from") or entry["manager"]]
        opened = (
            self.moment(entry["opened"], entry.get("at", MORNING)) if "opened" in entry else None
        )
        closed = self.moment(entry["closed"], LATE) if "closed" in entry else None
        created = opened or self.moment(entry.get("created", "2025-09-15"), "06:45")
        record = Record(
            project_id=self.projects[entry["project"]],
            tool_key=tool.key,
            title=entry.get("title", ""),
            status=entry["status"],
            is_open=tool.status(entry["status"]).is_open,
            revision=entry.get("revision", 0),
            created_by_id=creator,
            created_at=created,
            updated_at=closed or created,
            saved_at=created,
            opened_at=opened,
            closed_at=closed,
            details={},
        )
        self.session.add(record)
        self.session.flush()
        return record

    def _finish(self, tool: Tool, record: Record) -> None:
        """Work out what follows: derived values, whose turn it is, who sees it, the history."""
        people = people_of(self.session, record.id)
        creator = record.created_by_id
        found = standing(tool, record, people, person_id=creator, level=Level.ADMIN)
        tool.extension.saved(self.session, found)
        self._count_within(tool, record)
        if tool.numbering.is_under_heading and record.number:
            record.number = lifecycle.number_text(tool, record)
        step = next((t for t in tool.transitions if t.after == record.status), None)
        ball = step.ball if step and step.ball is not Ball.STAYS else Ball.CREATOR
        lifecycle.pass_ball(self.session, tool, record, ball if tool.has_ball else Ball.NOBODY)
        lifecycle.restrict(self.session, tool, record)
        audit.note(
            self.session,
            "record.created",
            person_id=creator,
            at=record.created_at,
            project_id=record.project_id,
            record_id=record.id,
            changes=[],
        )

    def _row(self, record: Record, section: Section, entry: dict[str, Any], project: str) -> None:
        at = self.moment(entry["on"], ANSWERED) if "on" in entry else record.created_at
        author = self.people[entry["by"]] if "by" in entry else record.created_by_id
        if section.is_table:
            values = {
                declared.key: self._value(declared, entry[declared.key], project)
                for declared in section.fields
                if declared.key in entry
            }
            row = rows.insert(self.session, record, section, {}, author_id=author)
            write_row(section, row, values)
            row.created_at = row.sent_at = at
            return
        row = RecordRow(
            record_id=record.id,
            project_id=record.project_id,
            tool_key=record.tool_key,
            section=section.key,
            text=entry["text"],
            author_id=author,
            created_at=at,
            sent_at=at,
            details={"official": entry.get("official", False)},
        )
        self.session.add(row)
        self.session.flush()
        audit.note(
            self.session,
            "response.sent",
            person_id=author,
            project_id=record.project_id,
            record_id=record.id,
            at=at,
            row=row.id,
        )

    def _value(self, declared: Field, value: Any, project: str) -> Any:
        match declared.kind:
            case Kind.PERSON:
                return self.people[value]
            case Kind.PEOPLE:
                return [self.people[key] for key in value]
            case Kind.VENDOR:
                return self.vendors[value]
            case Kind.DATE:
                return self.day(value)
            case Kind.MOMENT:
                return self.moment(value, LATE)
            case Kind.TIME:
                return time.fromisoformat(value)
            case Kind.MONEY | Kind.PERCENT:
                return Decimal(str(value))
            case Kind.RECORD:
                return self._named(declared, value, project)
            case Kind.RECORDS:
                return [self._named(declared, number, project) for number in value]
            case _:
                return value

    def _named(self, declared: Field, number: str, project: str) -> int:
        """Return the id of a record that was loaded before, by its number."""
        found = (self.known.get((key, project, number)) for key in declared.of)
        return next(record_id for record_id in found if record_id is not None)
