"""What a tool is: data. One mechanism renders and runs any declaration made of these.

A declaration names fields, statuses and transitions, who may do what, where the ball goes, and
where files hang. It holds no code but the words of its trade.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What a field holds, which decides its control, its check and its column."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    DATE = "date"
    PERSON = "person"
    PEOPLE = "people"
    VENDOR = "vendor"
    CODE = "code"
    CHOICE = "choice"
    MONEY = "money"
    WHOLE_NUMBER = "whole_number"
    YES_NO = "yes_no"


class Part(StrEnum):
    """What somebody is to a record; rules name parts, never people."""

    CREATOR = "creator"
    MANAGER = "manager"
    ASSIGNEE = "assignee"
    APPROVER = "approver"
    DISTRIBUTION = "distribution"
    STANDARD = "standard"
    ADMIN = "admin"


class Ball(StrEnum):
    """Who acts next after a transition."""

    STAYS = "stays"
    CREATOR = "creator"
    MANAGER = "manager"
    ASSIGNEES = "assignees"
    APPROVER = "approver"
    NOBODY = "nobody"


class Shape(StrEnum):
    """How a status looks: a form beside the word, never colour alone."""

    DRAFT = "draft"
    OPEN = "open"
    WAITING = "wait"
    GOOD = "ok"
    REFUSED = "no-go"
    CLOSED = "closed"


@dataclass(frozen=True)
class Field:
    """One field of a record.

    `editable_by` narrows who may change it among those who may edit the record at all.
    `among_admins` offers only the tool's admins in a person field.
    `shown_with` puts its value into another field's cell ("Yes, 4 days"); `unit` is said there.
    """

    key: str
    label: str
    kind: Kind
    required: bool = False
    help: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    code_kind: str = ""
    editable_by: tuple[Part, ...] = ()
    among_admins: bool = False
    shown_with: str = ""
    unit: str = ""
    max_length: int = 0


@dataclass(frozen=True)
class Status:
    key: str
    label: str
    shape: Shape
    is_open: bool = True
    is_draft: bool = False


@dataclass(frozen=True)
class Transition:
    """A step from one status to another, and who may take it.

    `needs` are fields that must be filled first. `numbers` gives the record its number.
    `with_response` offers the step on the response form, where what is written goes along.
    """

    key: str
    label: str
    before: tuple[str, ...]
    after: str
    who: tuple[Part, ...]
    ball: Ball
    needs: tuple[str, ...] = ()
    numbers: bool = False
    with_response: bool = False
    is_main: bool = False


@dataclass(frozen=True)
class Section:
    """Rows that belong to a record and may carry files of their own."""

    key: str
    label: str
    row_label: str
    button: str
    who: tuple[Part, ...]
    statuses: tuple[str, ...]
    official_by: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Rule:
    """Who may, in which statuses; () means all."""

    who: tuple[Part, ...]
    statuses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Numbering:
    """How records are counted within a project: "RFI-" and 3 digits give RFI-007."""

    prefix: str
    digits: int = 1
    at_first_save: bool = False

    def text(self, number: int) -> str:
        return f"{self.prefix}{number:0{self.digits}d}"


@dataclass(frozen=True)
class Tool:
    """A tool of a project: one short module under `catalog/` declares it."""

    key: str
    label: str
    record_name: str
    slug: str
    icon: str
    short_label: str
    title_label: str
    body_field: str
    numbering: Numbering
    statuses: tuple[Status, ...]
    transitions: tuple[Transition, ...]
    fields: tuple[Field, ...]
    editable_by: tuple[Rule, ...]
    attach: tuple[Rule, ...]
    sections: tuple[Section, ...] = ()
    columns: tuple[str, ...] = ("number", "title", "status", "ball", "due_on", "files", "updated")
    filters: tuple[str, ...] = ("status", "ball")
    private_to: tuple[Part, ...] = ()
    draft_to: tuple[Part, ...] = (Part.CREATOR, Part.MANAGER)
    due_days_setting: str = ""
    attaches_from_box: bool = True
    begins_group: bool = False

    def field(self, key: str) -> Field:
        return next(f for f in self.fields if f.key == key)

    def status(self, key: str) -> Status:
        return next(s for s in self.statuses if s.key == key)

    def transition(self, key: str) -> Transition | None:
        return next((t for t in self.transitions if t.key == key), None)

    def section(self, key: str) -> Section | None:
        return next((s for s in self.sections if s.key == key), None)

    @property
    def first_status(self) -> str:
        return self.statuses[0].key


@dataclass
class Registry:
    """The tools of this installation, in menu order."""

    _tools: dict[str, Tool] = field(default_factory=dict)

    def add(self, tool: Tool) -> Tool:
        """Register a tool; raises ValueError when its declaration contradicts itself or another."""
        if tool.key in self._tools or tool.slug in {t.slug for t in self._tools.values()}:
            raise ValueError(f"the tool {tool.key!r} is registered twice")
        for problem in _contradictions(tool):
            raise ValueError(f"{tool.key}: {problem}")
        self._tools[tool.key] = tool
        return tool

    def remove(self, key: str) -> None:
        del self._tools[key]

    def get(self, key: str) -> Tool | None:
        return self._tools.get(key)

    def by_slug(self, slug: str) -> Tool | None:
        return next((tool for tool in self._tools.values() if tool.slug == slug), None)

    def __iter__(self) -> Iterator[Tool]:
        return iter(self._tools.values())


def _contradictions(tool: Tool) -> Iterator[str]:
    statuses = {status.key for status in tool.statuses}
    fields = {f.key for f in tool.fields} | {"title"}
    for transition in tool.transitions:
        if not {*transition.before, transition.after} <= statuses:
            yield f"the transition {transition.key!r} names a status that is not declared"
        if not set(transition.needs) <= fields:
            yield f"the transition {transition.key!r} needs a field that is not declared"
    named = {key for rule in (*tool.attach, *tool.editable_by) for key in rule.statuses}
    named |= {key for section in tool.sections for key in section.statuses}
    if not named <= statuses:
        yield "a rule names a status that is not declared"
    if tool.body_field and tool.body_field not in fields:
        yield f"the body {tool.body_field!r} is no field"
    if tool.due_days_setting and "due_on" not in fields:
        yield "due days are set for a tool without a due date"


TOOLS = Registry()
