"""What a tool is: data. One mechanism renders and runs any declaration made of these.

A declaration names fields, statuses and transitions, rows, who may do what, where the ball goes,
and where files hang. It holds no code but the words of its trade; what one tool does beyond the
mechanism is a named `Extension`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from webapp.picker.host import Source as PickerSource
from webapp.records.visibility import TableRule, add_tables


class Kind(StrEnum):
    """What a field holds, which decides its control, its check and its column."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    DATE = "date"
    TIME = "time"
    MOMENT = "moment"
    PERSON = "person"
    PEOPLE = "people"
    VENDOR = "vendor"
    RECORD = "record"
    RECORDS = "records"
    CODE = "code"
    CHOICE = "choice"
    MONEY = "money"
    PERCENT = "percent"
    WHOLE_NUMBER = "whole_number"
    YES_NO = "yes_no"
    ADDRESSES = "addresses"
    TAGS = "tags"


class Part(StrEnum):
    """What somebody is to a record; rules name parts, never people."""

    CREATOR = "creator"
    MANAGER = "manager"
    ASSIGNEE = "assignee"
    APPROVER = "approver"
    REVIEWER = "reviewer"
    DISTRIBUTION = "distribution"
    LISTED = "listed"
    WORKFLOW = "workflow"
    ATTENDEE = "attendee"
    STANDARD = "standard"
    ADMIN = "admin"


class Ball(StrEnum):
    """Who acts next after a transition."""

    STAYS = "stays"
    CREATOR = "creator"
    MANAGER = "manager"
    ASSIGNEES = "assignees"
    APPROVER = "approver"
    REVIEWER = "reviewer"
    STEPS = "steps"
    NOBODY = "nobody"


class Promise(StrEnum):
    """What a date does by itself, by the clock of its project; NOTE says that it does nothing."""

    NOTE = ""
    # Over: an open record is overdue, and whose turn it is or whom the row names is told.
    DUE = "due"
    # Over: whoever leads an open record is told.
    PASSES = "passes"
    # Here: whoever has a part in an open record is told.
    ON_DAY = "on_day"
    # So many `warn_days` ahead, and over: the tool's admins are told.
    EXPIRES = "expires"
    # At its moment a `step` is taken, and what must come before it comes no more.
    CLOSES = "closes"


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

    `part` is what the people in it are to the record. `editable_by` narrows who may change it
    among those who may edit the record at all. `among_admins` offers only the tool's admins in a
    person field. `of` names the tools whose records a record field offers. `shown_with` puts its
    value into another field's cell ("Yes, 4 days"); `unit` is said there. `is_derived` values are
    worked out and stand in no form. `may_be_negative` money can be a credit. `in_block` is off for
    what a panel of the tool's own shows. `employed_by` names the company field whose people alone
    may stand in this one. `statuses` are those in which a record has the field in its form, () for
    all. `suggests` offers what other records say in a text, and lets the list be filtered by it.
    `promise` is what a date does when it has come, `at` the field with its time of day, `step` the
    step that is then taken. `warn_days` marks a date that is so near, and one that is past.
    `seen_by` keeps a value from everybody else: out of the page and out of the change history.
    `groups` lets distribution groups be chosen among people, to be written down as their members;
    nobody then stands in two such fields of a record. In the statuses of `fixed_in` nobody changes
    it any more, and neither while the yes-no field `fixed_by` says yes and the record is no draft.
    `with_amounts` says beside each record to choose from what it comes to.
    """

    key: str
    label: str
    kind: Kind
    required: bool = False
    help: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    code_kind: str = ""
    of: tuple[str, ...] = ()
    part: Part | None = None
    editable_by: tuple[Part, ...] = ()
    among_admins: bool = False
    shown_with: str = ""
    unit: str = ""
    max_length: int = 0
    is_derived: bool = False
    may_be_negative: bool = False
    in_block: bool = True
    employed_by: str = ""
    statuses: tuple[str, ...] = ()
    suggests: bool = False
    warn_days: int = 0
    seen_by: tuple[Part, ...] = ()
    groups: bool = False
    promise: Promise = Promise.NOTE
    at: str = ""
    step: str = ""
    fixed_in: tuple[str, ...] = ()
    fixed_by: str = ""
    with_amounts: bool = False


@dataclass(frozen=True)
class Status:
    """Where a record stands.

    A record that has been in it for more than `lives_days` is deleted; 0 keeps it for good.
    `only_for` are the values of the tool's `varies_by` that have the status. What is not
    `is_listed` is in the list only when that status is asked for. A record in a status `for_admins`
    is seen by nobody else. `called` is what it is then, where that is not simply what all records
    of the tool are.
    What is closed or has gone out is `frozen`: its fields, tables and files stay as they are for
    everybody, admins too, until a step brings it to another status. With `keeps_files` only the
    files stay; with `takes_files` more may still be added to what is frozen.
    """

    key: str
    label: str
    shape: Shape
    is_open: bool = True
    is_draft: bool = False
    lives_days: int = 0
    only_for: tuple[str, ...] = ()
    is_listed: bool = True
    for_admins: bool = False
    called: str = ""
    frozen: bool = False
    keeps_files: bool = False
    takes_files: bool = False


@dataclass(frozen=True)
class StatusGroup:
    """Statuses that mean the same to somebody who counts: a list can be filtered by all of them."""

    key: str
    label: str
    statuses: tuple[str, ...]


@dataclass(frozen=True)
class Transition:
    """A step from one status to another, and who may take it.

    `needs` are fields that must be filled first. `numbers` gives the record its number.
    `with_response` offers the step on the response form, where what is written goes along.
    `only_if` names the yes-no field without which there is no such step. `needs_reason` asks
    whoever takes it to say why; the change history keeps that. A step to what
    is closed or frozen asks first, and so does one that `asks`: it cannot simply be taken back, or
    others notice it at once. `undo` names the button by which whoever may take the step brings the
    record back, for thirty days, to exactly the status it had.
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
    only_if: str = ""
    needs_reason: bool = False
    asks: bool = False
    undo: str = ""


@dataclass(frozen=True)
class Section:
    """Rows that belong to a record and may carry files of their own.

    Without `fields` they are a thread of responses, each sent once. With `fields` they are a table
    that `who` fills and changes. `answers` are the fields that the person named in the row's
    `person` field fills in, while the record is in one of `answered_in`; `part` is what that makes
    them to the record. `turns` names the row's status while its answer is awaited and the one once
    it is given: nobody answers before, and afterwards those who fill the table correct it and files
    of whom the row names still arrive. `sums` is the money field whose total is the record's
    amount. `shown_if` names the yes-no field of the record without which only admins see the rows;
    `own_rows` shows each row to nobody but the person it names and the admins; what it holds is
    written by that person alone, or by those who fill the table where it names nobody. While the
    record's yes-no field `sealed_if` says yes and its status is one of `sealed_in`, nobody but that
    person sees the row's files and its `sealed` fields.
    `also` are rules by which others fill the table in some of its statuses. Whom a row names stands
    in a `person` field, or several in one field of people. `closed_by` names the yes-no field of
    record that, once it is no draft any more, closes the table to everybody. `in_form` are the
    fields of new rows that the form of a draft has lines for. With `keeps_files` the files of a
    row stay on it as they came; those of a response that was sent always do.
    """

    key: str
    label: str
    row_label: str
    button: str
    who: tuple[Part, ...]
    statuses: tuple[str, ...]
    official_by: tuple[Part, ...] = ()
    fields: tuple[Field, ...] = ()
    takes_files: bool = True
    answers: tuple[str, ...] = ()
    answered_in: tuple[str, ...] = ()
    answer_label: str = ""
    turns: tuple[str, ...] = ()
    part: Part | None = None
    sums: str = ""
    shown_if: str = ""
    own_rows: bool = False
    sealed: tuple[str, ...] = ()
    sealed_if: str = ""
    sealed_in: tuple[str, ...] = ()
    empty: str = ""
    also: tuple["Rule", ...] = ()
    closed_by: str = ""
    in_form: tuple[str, ...] = ()
    keeps_files: bool = False

    @property
    def is_table(self) -> bool:
        return bool(self.fields)

    def field(self, key: str) -> Field:
        return next(f for f in self.fields if f.key == key)


@dataclass(frozen=True)
class Rule:
    """Who may, in which statuses; () means all."""

    who: tuple[Part, ...]
    statuses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Numbering:
    """How records are counted within a project: "RFI-" and 3 digits give RFI-007.

    With `within`, records are counted anew for each value of that field, and the prefix says which:
    "{value}-" before 01, or one of `prefixes` by value. "{project}" is the project's number.
    `is_under_heading` leaves the prefix away where that value stands above or beside the number.
    """

    prefix: str
    digits: int = 1
    at_first_save: bool = False
    within: str = ""
    prefixes: tuple[tuple[str, str], ...] = ()
    is_under_heading: bool = False

    def text(self, number: int, *, value: str = "", project: str = "") -> str:
        prefix = dict(self.prefixes).get(value, self.prefix)
        prefix = prefix.replace("{value}", value).replace("{project}", project)
        return f"{prefix}{number:0{self.digits}d}"


@dataclass(frozen=True)
class Panel:
    """Something an extension shows on a record's page: its own template with what that needs.

    `on_paper` is the template of it in the record's PDF, "" when it is left out there.
    """

    template: str
    context: dict[str, Any] = field(default_factory=dict)
    on_paper: str = ""


@dataclass(frozen=True)
class Action:
    """A button that an extension acts on: on the record's title block, or in a panel of its own.

    `path` is where it posts to, "" for the record's own `act`. One that `thaws` lets a frozen
    record be changed again. One that `asks` says first what will happen.
    """

    key: str
    label: str
    is_main: bool = False
    is_in_panel: bool = False
    path: str = ""
    icon: str = ""
    thaws: bool = False
    asks: bool = False


@dataclass(frozen=True)
class Foretold:
    """What a step or a button will bring about, in numbers; `title` if its name says too little."""

    title: str = ""
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Beside:
    """What a tool adds to the page of another tool's record; its actions have paths."""

    panels: tuple[Panel, ...] = ()
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True)
class Original:
    """What has become of the record a file was taken from; `newer` is its newest version since."""

    url: str
    newer: str = ""


@dataclass(frozen=True)
class Listing:
    """What a tool's own list page shows: `partial` is the part that htmx asks for again."""

    context: dict[str, Any] = field(default_factory=dict)
    partial: str = "tools/_lines.html"


class Extension:
    """What one tool does beyond the mechanism. Each method may be left as it is.

    `session` is a database session, `standing` a `parts.Standing`; whatever writes is called in a
    writing transaction in which the person's permission has just been looked up. `events` are the
    sentences of the tool's own entries in the change history.
    """

    events: Mapping[str, str] = {}

    def created(self, session: Any, standing: Any) -> None:
        """A draft has just been made: fill in what a new record of this tool begins with."""

    def holding(self, session: Any, record: Any) -> None:
        """A record is about to be kept from others: first keep what several records share."""

    def saved(self, session: Any, standing: Any) -> None:
        """The record's fields or rows have just changed."""

    def row_changing(
        self, session: Any, standing: Any, row: Any, values: Mapping[str, Any]
    ) -> None:
        """A row is about to get these values; raise a problem to keep it as it is.

        `row` is None when it is a new one.
        """

    def row_removing(self, session: Any, standing: Any, row: Any) -> None:
        """A row is about to be taken away; raise a problem to keep it."""

    def record_changing(self, session: Any, standing: Any, values: Mapping[str, Any]) -> None:
        """The record is about to get these values; raise a problem to keep it as it is."""

    def row_rests(self, standing: Any, row: Any) -> str:
        """Return why a row stays as it is, whoever fills the table; "" when it may change."""
        return ""

    def is_too_late(self, record: Any) -> bool:
        """Return whether those whom rows name may add no more to them, although it is open."""
        return False

    def files_arrived(self, session: Any, standing: Any, files: list[Any]) -> None:
        """Files hang on the record now: sent with a tray, or copied from Box since.

        A copy was accepted earlier, so the record may be in any status, and `standing` of a person
        who could not attach there now.
        """

    def source(self, person_id: int, target: Any) -> PickerSource | None:
        """Return the tab under which the other tools' files can be chosen from this tool's."""
        return None

    def lend(self, session: Any, person_id: int, project_id: int, files: list[Any]) -> None:
        """Files of this tool's have just been attached elsewhere; raise when one may not be."""

    def originals(
        self, session: Any, person_id: int, project_id: int, files: list[Any]
    ) -> dict[int, Original]:
        """Return what this person sees now of where files were taken from, by the file's id."""
        return {}

    def audience(self, session: Any, record: Any) -> set[int] | None:
        """Return who sees a record besides admins; None leaves that to its own fields."""
        return None

    def new_row(self, session: Any, standing: Any, section: Section) -> dict[str, Any]:
        """Return what the form for a further row of a table begins with."""
        return {}

    def moved(self, session: Any, standing: Any, transition: "Transition") -> None:
        """A step has just been taken."""

    def undone(self, session: Any, standing: Any, way: Any) -> None:
        """A step has just been undone by this `WayBack`; raise a problem where it cannot be."""

    def told(self, record: Any, kind: str) -> tuple[str, dict[str, Any]] | None:
        """Return the kind of a notice and the facts its own sentence needs, in its reader's words.

        None leaves the notice out: the tool tells people of that itself.
        """
        return kind, {}

    def still_counts(self, record: Any, row: Any, field: "Field") -> bool:
        """Return whether a date that has come concerns anybody still; `row` is None for its own."""
        return bool(record.is_open)

    def has_come(self, record: Any, field: "Field") -> bool:
        """Return whether the moment of a date that closes has come."""
        return False

    def discarded(self, session: Any, standing: Any) -> None:
        """A draft has just been deleted; `standing.record` is what it was."""

    def offers(self, session: Any, standing: Any, field: str) -> set[int] | None:
        """Return the only records that a field may be set to, None for all it can refer to."""
        return None

    def retired_vendors(self, session: Any, project_id: int) -> set[int]:
        """Return the companies that no field of a project is to be set to any more."""
        return set()

    def holders(self, session: Any, record: Any) -> list[int]:
        """Return who acts next where the ball lies with `Ball.STEPS`."""
        return []

    def refusal(self, session: Any, standing: Any, transition: "Transition") -> str:
        """Return why a step cannot be taken yet, in a sentence; "" when it can."""
        return ""

    def foretold(self, session: Any, standing: Any, transition: "Transition") -> Foretold:
        """Return what a step will bring about besides its status."""
        return Foretold()

    def foretold_action(self, session: Any, standing: Any, key: str) -> Foretold:
        """Return what a button that asks will bring about."""
        return Foretold()

    def panels(self, session: Any, standing: Any) -> list[Panel]:
        """Return what the record's page shows besides fields, rows and files."""
        return []

    def beside(self, session: Any, standing: Any) -> Beside:
        """Return what the page of another tool's record shows and offers of this tool."""
        return Beside()

    def listing(
        self, session: Any, *, project_id: int, person_id: int, level: Any, asked: dict[str, str]
    ) -> Listing:
        """Return what the tool's own list page needs; `asked` is the query of its address."""
        return Listing()

    def above_list(self, session: Any, project: Any, level: Any) -> list[Panel]:
        """Return what the list's page shows above the list, to somebody with this level."""
        return []

    def narrowed(self, chosen: dict[str, str]) -> list[Any]:
        """Return SQL conditions for what a list leaves out unless its filters ask for it."""
        return []

    def actions(self, session: Any, standing: Any) -> list[Action]:
        """Return the buttons this person has besides the steps."""
        return []

    def act(self, session: Any, standing: Any, key: str) -> str:
        """Do what a button says and return the path to go to, "" for the record itself."""
        raise LookupError(key)


@dataclass(frozen=True)
class Tool:
    """A tool of a project: one short module under `catalog/` declares it.

    `creators` begin records. `group_by` is the field whose values head the list; `sort` is the
    list's own order, "-" before the key for the largest first. `listed_only` shows a record to
    nobody but `private_to` and admins, whether it is marked private or not. `varies_by` is the
    choice field whose value decides which of the statuses a record can have. Where `title_from`
    names a text field, a record's title is its first words and is asked of nobody.
    `revision_field` names the text field that says which revision a record is; without it they are
    counted. `phone_column`
    is the column that a phone shows below the title; `is_pinned` puts the tool into its dock. What
    happens in it goes by e-mail as well as into the bell when it `mails_notices`, unless its reader
    chose otherwise.
    `frozen_by` names the moment at which a record goes out without a status of its own for that:
    while it is set, the record is frozen. A tool that `distributes` keeps of every distribution
    what was sent and to whom.
    """

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
    creators: tuple[Part, ...] = (Part.STANDARD,)
    columns: tuple[str, ...] = ("number", "title", "status", "ball", "due_on", "files", "updated")
    filters: tuple[str, ...] = ("status", "ball")
    group_by: str = ""
    sort: str = "due_on"
    private_to: tuple[Part, ...] = ()
    draft_to: tuple[Part, ...] = (Part.CREATOR, Part.MANAGER)
    listed_only: bool = False
    title_from: str = ""
    revision_field: str = ""
    phone_column: str = ""
    has_ball: bool = True
    due_days_setting: str = ""
    attaches_from_box: bool = True
    begins_group: bool = False
    is_pinned: bool = False
    mails_notices: bool = True
    title_max_length: int = 300
    status_groups: tuple[StatusGroup, ...] = ()
    varies_by: str = ""
    frozen_by: str = ""
    distributes: bool = False
    extension: Extension = field(default_factory=Extension)

    def field(self, key: str) -> Field:
        return next(f for f in self.fields if f.key == key)

    def status(self, key: str) -> Status:
        return next(s for s in self.statuses if s.key == key)

    def statuses_in(self, group: str) -> tuple[str, ...]:
        """Return the statuses of a group, () when there is no such group."""
        return next((g.statuses for g in self.status_groups if g.key == group), ())

    def transition(self, key: str) -> Transition | None:
        return next((t for t in self.transitions if t.key == key), None)

    def asks_before(self, transition: Transition) -> bool:
        """Does a step say what will happen before it is taken?

        One that needs a reason has a form of its own already, and the reason would be lost.
        """
        if transition.needs_reason:
            return False
        after = self.status(transition.after)
        return transition.asks or not after.is_open or after.frozen

    def section(self, key: str) -> Section | None:
        return next((s for s in self.sections if s.key == key), None)

    def has_field(self, key: str) -> bool:
        return any(f.key == key for f in self.fields)

    @property
    def first_status(self) -> str:
        return self.statuses[0].key

    @property
    def parts_by_role(self) -> dict[str, Part]:
        """What the people of each field and section are to a record."""
        of_fields = {f.key: f.part for f in self.fields if f.part}
        return of_fields | {s.key: s.part for s in self.sections if s.part}


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


# What every list can show although no field says so.
LIST_KEYS = frozenset(
    {
        "",
        "number",
        "title",
        "status",
        "ball",
        "files",
        "updated",
        "revision",
        "private",
        "created_by",
    }
)


def _contradictions(tool: Tool) -> Iterator[str]:
    fields = {f.key for f in tool.fields} | {"title"}
    yield from _wrong_statuses(tool)
    yield from _wrong_fields(tool, fields)
    if tool.frozen_by and tool.frozen_by not in fields:
        yield f"records are frozen by {tool.frozen_by!r}, which is no field"
    for section in tool.sections:
        yield from _wrong_section(section, fields)


def _wrong_statuses(tool: Tool) -> Iterator[str]:
    statuses = {status.key for status in tool.statuses}
    for transition in tool.transitions:
        if not {*transition.before, transition.after} <= statuses:
            yield f"the transition {transition.key!r} names a status that is not declared"
    named = {key for f in tool.fields for key in (*f.statuses, *f.fixed_in)}
    named |= {key for rule in (*tool.attach, *tool.editable_by) for key in rule.statuses}
    for section in tool.sections:
        named |= {*section.statuses, *section.answered_in, *section.sealed_in}
        named |= {key for rule in section.also for key in rule.statuses}
    named |= {key for group in tool.status_groups for key in group.statuses}
    if not named <= statuses:
        yield "a rule names a status that is not declared"
    kinds = {value for status in tool.statuses for value in status.only_for}
    if kinds and not (tool.has_field(tool.varies_by) and kinds <= _choices_of(tool)):
        yield "a status is for a value that no field has"


def _choices_of(tool: Tool) -> set[str]:
    return {value for value, _label in tool.field(tool.varies_by).choices}


def _wrong_fields(tool: Tool, fields: set[str]) -> Iterator[str]:
    for transition in tool.transitions:
        if not {*transition.needs} | ({transition.only_if} - {""}) <= fields:
            yield f"the transition {transition.key!r} needs a field that is not declared"
    if tool.body_field and tool.body_field not in fields:
        yield f"the body {tool.body_field!r} is no field"
    yield from _wrong_names(tool, fields)
    if tool.due_days_setting and "due_on" not in fields:
        yield "due days are set for a tool without a due date"
    for key in (*tool.columns, *tool.filters, tool.group_by):
        if key not in fields | LIST_KEYS:
            yield f"the list names {key!r}, which is no field"
    for declared in tool.fields:
        if declared.employed_by and declared.employed_by not in fields:
            yield f"{declared.key!r} holds people of {declared.employed_by!r}, which is no field"
        if declared.fixed_by and declared.fixed_by not in fields:
            yield f"{declared.key!r} is fixed by {declared.fixed_by!r}, which is no field"
        if declared.groups and declared.kind is not Kind.PEOPLE:
            yield f"{declared.key!r} takes groups and holds no people"
    if tool.numbering.within and tool.numbering.within not in fields:
        yield f"numbers are counted within {tool.numbering.within!r}, which is no field"


def _wrong_names(tool: Tool, fields: set[str]) -> Iterator[str]:
    if tool.title_from and tool.title_from not in fields:
        yield f"titles are taken from {tool.title_from!r}, which is no field"
    if tool.revision_field and tool.revision_field not in fields:
        yield f"revisions are called by {tool.revision_field!r}, which is no field"


def _wrong_section(section: Section, fields: set[str]) -> Iterator[str]:
    own = {f.key for f in section.fields}
    if not {*section.answers, *section.sealed, *section.in_form, section.sums} <= {*own, ""}:
        yield f"the section {section.key!r} names a field that is not declared"
    several = [f for f in section.fields if f.kind is Kind.PEOPLE]
    if len(several) > 1 or (several and "person" in own):
        yield f"the section {section.key!r} names one person of a row twice"
    if section.answers and "person" not in own:
        yield f"the section {section.key!r} has answers and nobody who gives them"
    if section.turns and not ("status" in own and section.answers):
        yield f"the section {section.key!r} has turns and no status or answers they are for"
    if section.closed_by and section.closed_by not in fields:
        yield f"the section {section.key!r} is closed by a field that is not declared"
    if section.shown_if and section.shown_if not in fields:
        yield f"the section {section.key!r} is shown by a field that is not declared"
    if section.sealed_if and section.sealed_if not in fields:
        yield f"the section {section.key!r} is sealed by a field that is not declared"
    if section.sealed_if and not (section.own_rows and section.sealed_in):
        yield f"the section {section.key!r} is sealed, and either for everybody or for ever"


TOOLS = Registry()


@add_tables
def table_rules() -> Iterator[TableRule]:
    """Yield what `records.visibility` has to know of the declared tables."""
    for tool in TOOLS:
        for section in tool.sections:
            if section.shown_if or section.sealed_if:
                yield TableRule(
                    tool.key, section.key, section.shown_if, section.sealed_if, section.sealed_in
                )
