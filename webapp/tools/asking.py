"""What is asked before a step that cannot simply be taken back, with what will happen in numbers.

The question is worked out from the record as it is. Its answer carries a mark of what was asked:
should anything in it have changed meanwhile, the new question is asked instead.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.attachments.changing import REMOVED_LIVES
from webapp.core.clock import utcnow
from webapp.core.formats import day, filesize, money
from webapp.core.problems import Forbidden
from webapp.core.text import _, local_date, ngettext, step_text
from webapp.imports.models import UNFINISHED, ImportItem, Tray, TrayItem
from webapp.records.models import Record, RecordRow
from webapp.records.visibility import hangs_on_seen
from webapp.tools import lifecycle, rows
from webapp.tools.discarding import may_discard
from webapp.tools.files import attached_to
from webapp.tools.naming import name_of
from webapp.tools.parts import Standing
from webapp.tools.registry import Action, Transition
from webapp.tools.values import read_row

SEEN = "seen"


@dataclass(frozen=True)
class Question:
    """What is asked; `path` below the record and `fields` are what saying yes posts."""

    title: str
    about: str
    lines: tuple[str, ...]
    button: str
    path: str
    fields: tuple[tuple[str, str], ...] = ()
    stops: bool = False

    @property
    def mark(self) -> str:
        """Return what stands for exactly this question."""
        words = "\n".join((self.title, self.about, *self.lines, self.path))
        return hashlib.sha256(words.encode()).hexdigest()[:32]

    def is_answered(self, form: Mapping[str, str]) -> bool:
        """Did a form say yes to this very question?"""
        return form.get(SEEN) == self.mark


def before_step(session: Session, standing: Standing, transition: Transition) -> Question:
    """Return the question before a step; a problem when the step cannot be taken anyway."""
    lifecycle.require_step(session, standing, transition)
    tool, label = standing.tool, step_text(transition.label)
    told = tool.extension.foretold(session, standing, transition)
    after = tool.status(transition.after)
    return Question(
        title=told.title or _("%(step)s?", step=label),
        about=about(standing),
        lines=(
            *told.lines,
            *_kept_lines(session, standing, transition),
            _way_back(standing, transition),
        ),
        button=label,
        path="/move",
        fields=(("move", transition.key),),
        stops=not after.is_open and after.shape in {"no-go", "closed"},
    )


def before_action(session: Session, standing: Standing, action: Action) -> Question:
    """Return the question before what a button of the tool's own does."""
    told = standing.tool.extension.foretold_action(session, standing, action.key)
    label = step_text(action.label)
    return Question(
        title=told.title or _("%(step)s?", step=label),
        about=about(standing),
        lines=told.lines,
        button=label,
        path="/act",
        fields=(("action", action.key),),
    )


def before_discard(session: Session, standing: Standing) -> Question:
    """Return the question before a record is discarded, with all that goes with it."""
    if not may_discard(standing):
        raise Forbidden(_("Only an unnumbered draft can be discarded, and only by its creator."))
    record, tool = standing.record, standing.tool
    count, size = sizes(session, standing)
    waiting = coming(session, standing)
    kind = in_sentence(_(tool.status(record.status).called or tool.record_name))
    picked = _chosen(session, record)
    chosen = ngettext(
        "%(num)s file was chosen and not attached yet; it goes too.",
        "%(num)s files were chosen and not attached yet; they go too.",
        picked,
    )
    late = ngettext(
        "%(num)s file on its way is no longer copied.",
        "%(num)s files on their way are no longer copied.",
        waiting,
    )
    return Question(
        title=_("Discard this %(kind)s?", kind=kind),
        about=about(standing),
        lines=(
            *((_("With it go: %(files)s.", files=files_text(count, size)),) if count else ()),
            *((chosen,) if picked else ()),
            *((late,) if waiting else ()),
            _back_until(),
        ),
        button=_("Discard"),
        path="/discard",
        fields=(("discard", "yes"),),
        stops=True,
    )


def before_row_removal(session: Session, standing: Standing, row: RecordRow) -> Question:
    """Return the question before a row is taken out of its table."""
    section = rows.removable(session, standing, row)
    lines = []
    if section.sums:
        now = rows.total(session, standing.record, section)
        less = read_row(section, row).get(section.sums) or Decimal(0)
        then = money(now - less)
        lines.append(_("The total becomes %(sum)s; it is %(now)s now.", sum=then, now=money(now)))
    return Question(
        title=_("Remove this %(row)s?", row=in_sentence(_(section.row_label))),
        about=rows.title_of(section, row),
        lines=(*lines, _back_until()),
        button=_("Remove"),
        path=f"/rows/{row.id}/remove",
        fields=(("row", str(row.id)),),
        stops=True,
    )


def in_sentence(word: str) -> str:
    """Return a noun as it stands within a sentence: "change order", but "RFI"."""
    return word if word[1:2].isupper() else word[:1].lower() + word[1:]


def _chosen(session: Session, record: Record) -> int:
    """Return how many files are chosen for a record and not attached yet."""
    query = (
        select(func.count(TrayItem.id))
        .join(Tray, Tray.id == TrayItem.tray_id)
        .where(Tray.record_id == record.id, Tray.is_open.is_(True))
    )
    return session.scalar(query) or 0


def _back_until() -> str:
    return _("It can be brought back until %(day)s.", day=_last_day())


def _last_day() -> str:
    return day(local_date(utcnow() + REMOVED_LIVES))


def about(standing: Standing) -> str:
    """Return what a question is about: the record's number and title."""
    called, title = name_of(standing.tool, standing.record), standing.record.title
    return called if not title or title in called else f"{called}, {title}"


def sizes(session: Session, standing: Standing) -> tuple[int, int]:
    """Return how many files a record has in all, and their bytes."""
    files = attached_to(session, standing)
    return len(files), sum(file.size_bytes for file in files)


def files_text(count: int, size: int) -> str:
    """Return "14 files (212 MB)"."""
    words = ngettext("%(num)s file", "%(num)s files", count)
    return f"{words} ({filesize(size)})" if count else words


def coming(session: Session, standing: Standing) -> int:
    """Return how many files that this person sees are still on their way to a record."""
    return (
        session.scalar(
            select(func.count(ImportItem.id)).where(
                ImportItem.record_id == standing.record.id,
                ImportItem.state.in_(UNFINISHED),
                hangs_on_seen(standing.person_id, ImportItem.row_id),
            )
        )
        or 0
    )


def _kept_lines(session: Session, standing: Standing, transition: Transition) -> list[str]:
    """Return what freezing means for the record's text and files."""
    if not standing.tool.status(transition.after).frozen:
        return []
    count, _size = sizes(session, standing)
    both = ngettext(
        "Its text and %(num)s file stay as they are from then on.",
        "Its text and %(num)s files stay as they are from then on.",
        count,
    )
    lines = [both if count else _("Its text stays as it is from then on.")]
    if standing.tool.distributes or transition.key != "send":
        waiting = coming(session, standing)
        if waiting:
            lines.append(
                ngettext(
                    "%(num)s file is still on its way and will arrive all the same.",
                    "%(num)s files are still on their way and will arrive all the same.",
                    waiting,
                )
            )
    return lines


def _way_back(standing: Standing, transition: Transition) -> str:
    """Return how the step is taken back, and by whom."""
    tool = standing.tool
    after = tool.status(transition.after)
    back = next(
        (
            step
            for step in tool.transitions
            if transition.after in step.before
            and step.after != transition.after
            and not (step.undo or tool.status(step.after).frozen)
        ),
        None,
    )
    if transition.undo:
        return _(
            "“%(button)s” brings it back to %(status)s until %(day)s.",
            button=step_text(transition.undo),
            status=_(tool.status(standing.record.status).label),
            day=_last_day(),
        )
    if back is None:
        return _("This cannot be undone.")
    if after.lives_days:
        return _back_until()
    if standing.parts & set(back.who):
        return _("The step “%(step)s” takes it back.", step=step_text(back.label))
    return _("Only others can take it back, by the step “%(step)s”.", step=step_text(back.label))
