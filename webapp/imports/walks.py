"""Whole folders in a tray: choosing one begins a walk, and each step of it is one statement.

As with copies, a worker holds a walk by a lease and a fence: one that dies lets its lease run out,
one that was merely slow, or whose folder has been taken out, finds that its writes change nothing.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.orm import Session, aliased, joinedload

from webapp.box.items import Origin
from webapp.core.clock import utcnow
from webapp.core.database import db, rows_changed, write_connection
from webapp.core.problems import Invalid
from webapp.core.sessions import SessionRow
from webapp.core.text import N_, _, ngettext
from webapp.imports import work
from webapp.imports.models import Tray, TrayItem
from webapp.imports.walk_models import UNDER_WAY, FolderWalk, WalkFile, WalkState, WalkStep
from webapp.picker.host import FolderChoice, Verdict
from webapp.picker.reasons import Why
from webapp.picker.seals import Crumb, path_text
from webapp.records.visibility import Target

Judge = Callable[[Origin], Verdict]

LEASE = timedelta(seconds=60)
# A walk is one call after the other; the workers' other threads are for copies.
AT_ONCE = 3
FOLDERS_PER_TRAY = 20
# How many reasons, with as many names each, are told apart; hardly any folder has more than three.
REASONS_MAX, NAMES_MAX = 40, 10

TEXTS = {
    "relink_needed": N_("Your Box link has ended. Counting goes on when you reconnect."),
    "box_busy": N_("Box asks us to wait. Counting then goes on by itself."),
    "box_down": N_("Box is not answering. Counting goes on as soon as it does."),
    "box_refused": N_("The folder changed in Box. Counting begins again."),
    "misconfigured": N_("Box refuses Plumbline's own registration. Its people have been told."),
    "box_narrow": N_(
        "Plumbline's permission at Box does not cover this. Its people have been told."
    ),
    "link_busy": N_("Plumbline is renewing the link to Box. Counting then goes on by itself."),
    "link_unreadable": N_(
        "Plumbline cannot read the stored link to Box just now. The people who run it have been "
        "told."
    ),
    "box_shut_out": N_("Your company's Box does not let Plumbline in."),
    "gave_up": N_("Counting stopped, because Box did not answer."),
    "other_account": N_("Counting stopped, because another Box account was linked."),
    "unlinked": N_("Counting stopped, because Box was disconnected."),
    "switched_off": N_("Counting stopped, because Box was switched off for this company."),
    "withdrawn": N_("Counting stopped, because Plumbline withdrew Box from this company."),
    "not_enabled": N_("Counting stopped, because Box was on in none of your companies."),
    "not_granted": N_("Counting stopped, because Plumbline had not granted Box to this company."),
    "feature_off": N_("Counting stopped, because Box could not be used there."),
    "no_access": N_("Counting stopped, because you could not attach files there."),
    "person_left": N_("Counting stopped, because you were no longer on the project."),
    "record_gone": N_("Counting stopped. The record no longer exists."),
    "row_gone": N_("Counting stopped. The line it was chosen for no longer exists."),
    "internal": N_("Counting stopped. Plumbline made a mistake, which has been noted."),
}


class LeaseLost(Exception):
    """Somebody else walks here now, or the folder was taken out: stop, and change nothing."""


class Left(msgspec.Struct):
    """What is left out for one reason; `names` tells where the first of them lie."""

    code: str
    facts: dict[str, str]
    count: int = 0
    names: list[str] = msgspec.field(default_factory=list)


class Counts(msgspec.Struct):
    """What a walk has seen: all files, those of them that can be attached, what is left out."""

    files: int = 0
    size_bytes: int = 0
    fitting: int = 0
    left: list[Left] = msgspec.field(default_factory=list)

    def leave_out(self, name: str, why: Why) -> None:
        left = next((x for x in self.left if x.code == why.code and x.facts == why.facts), None)
        if left is None and len(self.left) < REASONS_MAX:
            left = Left(why.code, why.facts)
            self.left.append(left)
        left = left or self.left[-1]
        left.count += 1
        if len(left.names) < NAMES_MAX:
            left.names.append(name)


def counts_of(stored: dict[str, Any]) -> Counts:
    return msgspec.convert(stored, Counts)


@dataclass
class Held:
    """A walk in the hands of one worker; `failures` are its tries since something last worked."""

    walk_id: int
    fence: int
    person_id: int
    session_hash: str
    box_login: str
    target: Target
    failures: int


# ---- in the tray


def begin(
    session: Session,
    tray: Tray,
    folders: Sequence[FolderChoice],
    *,
    box_login: str,
) -> None:
    """Put folders into a tray and begin their walks; one that is there already begins anew.

    A folder that lies in one of them goes with it, so that its files are in the tray once.
    """
    new = {folder.folder_id: folder for folder in folders}
    for walk in walks_of(session, tray.id):
        if walk.folder_id in new or any(step[0] in new for step in walk.trail):
            session.delete(walk)
    session.flush()
    for folder in new.values():
        walk = FolderWalk(
            tray_id=tray.id,
            person_id=tray.person_id,
            folder_id=folder.folder_id,
            name=folder.name,
            trail=[[crumb.folder_id, crumb.name] for crumb in folder.trail],
            box_login=box_login,
            session_hash=work.open_session(session, tray.person_id),
        )
        session.add(walk)
        session.flush()
        session.add(WalkStep(walk_id=walk.id, folder_id=walk.folder_id, way=[walk.name]))
    session.flush()
    if len(walks_of(session, tray.id)) > FOLDERS_PER_TRAY:
        raise Invalid(
            ngettext(
                "At most %(num)s folder can be chosen at once.",
                "At most %(num)s folders can be chosen at once.",
                FOLDERS_PER_TRAY,
            )
        )


def again(session: Session, tray: Tray, walk_id: int, *, box_login: str) -> None:
    """Begin a walk anew that has stopped."""
    walk = session.scalar(
        select(FolderWalk).where(
            FolderWalk.id == walk_id,
            FolderWalk.tray_id == tray.id,
            FolderWalk.state == WalkState.STOPPED,
        )
    )
    if walk is not None:
        trail = tuple(Crumb(id_, name) for id_, name in walk.trail)
        begin(session, tray, [FolderChoice(walk.folder_id, walk.name, trail)], box_login=box_login)


def take_out(session: Session, tray: Tray, which: ColumnElement[bool]) -> None:
    """Take folders out of a tray: their walks end with their rows."""
    session.execute(delete(FolderWalk).where(FolderWalk.tray_id == tray.id, which))


def walks_of(session: Session, tray_id: int) -> list[FolderWalk]:
    """Return the folders of a tray, in the order in which they were chosen."""
    query = select(FolderWalk).where(FolderWalk.tray_id == tray_id).order_by(FolderWalk.id)
    return list(session.scalars(query))


@dataclass(frozen=True)
class Part:
    """What a folder adds to a tray: the files it brings, and how many others bring already.

    `refused` are the names of what the company does not take, by the reason in words; `marks` is
    what has to be said of those it takes.
    """

    walk: FolderWalk
    files: tuple[WalkFile, ...] = ()
    doubles: int = 0
    counts: Counts = field(default_factory=Counts)
    refused: Mapping[str, list[str]] = field(default_factory=dict)
    marks: tuple[str, ...] = ()
    needs_reason: bool = False

    @property
    def over(self) -> int:
        """How many more it holds than can be attached in one go."""
        refused = sum(map(len, self.refused.values()))
        return self.counts.fitting - len(self.files) - self.doubles - refused

    @property
    def path(self) -> str:
        """The way to where the folder lies, as text."""
        return path_text(tuple(Crumb(id_, name) for id_, name in self.walk.trail))


def parts(
    session: Session, tray_id: int, items: Sequence[TrayItem], *, files_max: int, judge: Judge
) -> list[Part]:
    """Return what each folder of a tray brings: a file comes once, and never more than may go.

    What was chosen by itself comes first, then the folders in the order they were chosen in.
    `judge` says of a file's origin whether and how the company takes it.
    """
    taken = {item.box_file_id for item in items if item.box_file_id}
    room = files_max - len(items)
    found = []
    for walk in walks_of(session, tray_id):
        part = _part(session, walk, taken, room, judge)
        taken |= {file.box_file_id for file in part.files}
        room -= len(part.files)
        found.append(part)
    return found


def _part(
    session: Session, walk: FolderWalk, taken: Collection[str], room: int, judge: Judge
) -> Part:
    files: list[WalkFile] = []
    doubles = 0
    refused: dict[str, list[str]] = {}
    marks: dict[str, None] = {}
    needs_reason = False
    for file in _files(session, walk):
        said = judge(Origin(file.box_owner, file.box_owner_login, file.box_classification))
        if file.box_file_id in taken:
            doubles += 1
        elif said.why_not:
            refused.setdefault(said.why_not, []).append(file.name)
        elif len(files) < room:
            files.append(file)
            needs_reason = needs_reason or said.needs_reason
            marks |= {said.mark: None} if said.mark else {}
    return Part(
        walk,
        tuple(files),
        doubles,
        counts_of(walk.counts),
        refused,
        tuple(marks),
        needs_reason,
    )


def _files(session: Session, walk: FolderWalk) -> Sequence[WalkFile]:
    return session.scalars(
        select(WalkFile)
        .where(WalkFile.walk_id == walk.id)
        .options(joinedload(WalkFile.step))
        .order_by(WalkFile.id)
    ).all()


# ---- the walk


def _is_due(now: datetime) -> ColumnElement[bool]:
    return and_(
        FolderWalk.state == WalkState.WALKING,
        or_(FolderWalk.run_after.is_(None), FolderWalk.run_after <= now),
        or_(FolderWalk.leased_until.is_(None), FolderWalk.leased_until <= now),
    )


def _due(now: datetime) -> Any:
    """Return the query for what may be walked: one for each person, and few in all."""
    other = aliased(FolderWalk)
    under_way = select(func.count(other.id)).where(
        other.state == WalkState.WALKING, other.leased_until > now
    )
    mine = under_way.where(other.person_id == FolderWalk.person_id).correlate(FolderWalk)
    return (
        select(FolderWalk.id)
        .where(_is_due(now), under_way.scalar_subquery() < AT_ONCE, mine.scalar_subquery() == 0)
        .order_by(FolderWalk.fence, FolderWalk.id)
    )


def count_due(at_most: int) -> int:
    """Return how many walks can go on now, up to `at_most`."""
    with db.engine.connect() as connection:
        return len(connection.execute(_due(utcnow()).limit(at_most)).all())


def claim(worker: str) -> Held | None:
    """Take the next walk, None when there is none; it counts as a failure until given back."""
    if not count_due(1):
        # An idle worker must not take SQLite's write lock.
        return None
    now = utcnow()
    with write_connection() as connection:
        due = _due(now).limit(1).with_for_update(skip_locked=True, of=FolderWalk)
        walk_id = connection.execute(due).scalar()
        if walk_id is None:
            return None
        row = connection.execute(
            update(FolderWalk)
            .where(FolderWalk.id == walk_id, _is_due(now))
            .values(
                leased_by=worker,
                leased_until=now + LEASE,
                fence=FolderWalk.fence + 1,
                failures=FolderWalk.failures + 1,
                run_after=None,
            )
            .returning(FolderWalk)
        ).first()
        if row is None:
            return None
        tray = connection.execute(select(Tray).where(Tray.id == row.tray_id)).one()
    return Held(
        walk_id=row.id,
        fence=row.fence,
        person_id=row.person_id,
        session_hash=row.session_hash,
        box_login=row.box_login,
        target=Target(tray.project_id, tray.tool_key, tray.record_id, tray.row_key or None),
        failures=row.failures - 1,
    )


def locked(session: Session, held: Held) -> FolderWalk:
    """Return the walk's row for changing it; raises LeaseLost when it is no longer ours."""
    walk = session.scalar(select(FolderWalk).where(_is_held(held)).with_for_update(of=FolderWalk))
    if walk is None:
        raise LeaseLost
    return walk


def _is_held(held: Held) -> ColumnElement[bool]:
    return and_(
        FolderWalk.id == held.walk_id,
        FolderWalk.fence == held.fence,
        FolderWalk.state == WalkState.WALKING,
    )


def next_step(session: Session, held: Held) -> WalkStep | None:
    """Return the folder to read next, None at the end; raises LeaseLost as `locked` does."""
    if session.scalar(select(FolderWalk.id).where(_is_held(held))) is None:
        raise LeaseLost
    return session.scalar(
        select(WalkStep)
        .where(WalkStep.walk_id == held.walk_id, WalkStep.is_read.is_(False))
        .order_by(WalkStep.id)
        .limit(1)
    )


def end(held: Held) -> None:
    """Everything is found."""
    _give_back(held, state=WalkState.DONE, reason=None, failures=0)


def stop(held: Held, reason: str) -> None:
    """End it unfinished, with a reason the person can read."""
    _give_back(held, state=WalkState.STOPPED, reason=reason)


def wait_for_link(held: Held) -> None:
    _give_back(held, state=WalkState.WAITING_RELINK, reason="relink_needed", failures=0)


def wait(held: Held, seconds: float, reason: str, *, is_failure: bool) -> None:
    failures = held.failures + (1 if is_failure else 0)
    run_after = utcnow() + timedelta(seconds=seconds)
    _give_back(held, run_after=run_after, reason=reason, failures=failures)


def hand_back(held: Held) -> None:
    """Let others have a turn; this walk goes on when it is next."""
    _give_back(held, failures=0)


def _give_back(held: Held, **values: Any) -> None:
    with write_connection() as connection:
        connection.execute(
            update(FolderWalk)
            .where(_is_held(held))
            .values(leased_by=None, leased_until=None, **values)
        )


# ---- what happens elsewhere


def stop_all(session: Session, which: ColumnElement[bool], *, reason: str) -> int:
    """Stop every walk that fits; their workers find out before the next page."""
    done = session.execute(
        update(FolderWalk)
        .where(which, FolderWalk.state.in_(UNDER_WAY))
        .values(state=WalkState.STOPPED, reason=reason, leased_by=None, leased_until=None)
    )
    return rows_changed(done)


def in_projects(project_ids: Any) -> ColumnElement[bool]:
    return FolderWalk.tray_id.in_(select(Tray.id).where(Tray.project_id.in_(project_ids)))


def link_is_back(session: Session, person_id: int, login: str) -> int:
    """Go on with what waited for this person's link; what was chosen in another account stops."""
    mine = FolderWalk.person_id == person_id
    stop_all(session, and_(mine, FolderWalk.box_login != login), reason="other_account")
    waiting = and_(mine, FolderWalk.state == WalkState.WAITING_RELINK)
    count = 0
    for walk in session.scalars(select(FolderWalk).where(waiting)):
        walk.state, walk.reason, walk.run_after = WalkState.WALKING, None, None
        walk.session_hash = work.renewed(session, walk.session_hash, person_id)
        count += 1
    return count


def busy_session() -> ColumnElement[bool]:
    """True for a work session that a walk still needs."""
    return (
        select(FolderWalk.id)
        .where(FolderWalk.session_hash == SessionRow.id_hash, FolderWalk.state.in_(UNDER_WAY))
        .exists()
    )


def trouble_text(walk: FolderWalk) -> str:
    """Return why a walk waits or has stopped, "" while nothing keeps it."""
    return _(TEXTS[walk.reason]) if walk.reason else ""
