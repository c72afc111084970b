"""The way back from a step that can be undone: what a record was before it, kept for thirty days.

A step whose declaration says `undo` leaves it with the record, and with the parts that went along;
the next step, whichever it is, takes it away.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from webapp.attachments.changing import REMOVED_LIVES
from webapp.core.clock import utcnow
from webapp.core.text import _
from webapp.records.models import Record
from webapp.tools.parts import Standing
from webapp.tools.registry import Tool, Transition

WAY_BACK = "way_back"


@dataclass(frozen=True)
class WayBack:
    """A step that can be undone: when it was taken, from which status, and who held the ball.

    `fixed` are the values that rested in that status. `leader` is the record that this one went
    along with, None where the step was its own.
    """

    step: str
    taken_at: str
    before: str
    after: str
    ball: Sequence[int]
    fixed: Mapping[str, str]
    leader: int | None = None

    @property
    def until(self) -> datetime:
        return datetime.fromisoformat(self.taken_at) + REMOVED_LIVES

    def leads(self, record: Record, part: "WayBack | None") -> bool:
        """Did a part come along with this very step of a record, from the same status?"""
        if part is None:
            return False
        ours = (record.id, self.taken_at, self.before)
        return (part.leader, part.taken_at, part.before) == ours


def keep(record: Record, way: WayBack | None) -> None:
    """Leave a record its way back, or none any more."""
    kept = {key: value for key, value in record.details.items() if key != WAY_BACK}
    record.details = kept if way is None else {**kept, WAY_BACK: asdict(way)}


def way_back_of(record: Record) -> WayBack | None:
    """Return the way back from where a record is, None when there is none or its time is over."""
    kept = record.details.get(WAY_BACK)
    way = WayBack(**kept) if kept else None
    if way is None or way.after != record.status or way.until < utcnow():
        return None
    return way


def undoable(standing: Standing) -> Transition | None:
    """Return the step that this person can undo: the record's own, and theirs to take."""
    way = way_back_of(standing.record)
    if way is None or way.leader is not None:
        return None
    step = standing.tool.transition(way.step)
    if step is None or not step.undo or not standing.parts & set(step.who):
        return None
    return step


def fixed_values(tool: Tool, status: str, values: Mapping[str, Any]) -> dict[str, str]:
    """Return what rests in a status, as it is compared later."""
    return {f.key: str(values[f.key]) for f in tool.fields if status in f.fixed_in}


def changed_since(tool: Tool, way: WayBack, values: Mapping[str, Any]) -> str:
    """Return the names of the fields that rested before the step and are others now."""
    now = fixed_values(tool, way.before, values)
    changed = [f for f in tool.fields if f.key in now and now[f.key] != way.fixed.get(f.key)]
    return ", ".join(_(field.label) for field in changed)
