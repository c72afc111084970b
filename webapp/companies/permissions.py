"""Levels as a whole: what one person may do in every tool of a project, and the named sets of it.

A tool is a key here; the tools themselves live in a room above this one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from webapp.companies.models import (
    InvitedPlace,
    Level,
    PermissionTemplate,
    ProjectMember,
    ToolLevel,
)
from webapp.core.text import N_

LEVEL_NAMES = {
    Level.NONE: N_("None"),
    Level.READ: N_("Read Only"),
    Level.STANDARD: N_("Standard"),
    Level.ADMIN: N_("Admin"),
}


@dataclass(frozen=True)
class Levels:
    """The level in every tool: the usual one, and those of the tools that differ, by their keys."""

    usual: Level
    special: Mapping[str, Level] = field(default_factory=dict)

    def of(self, tool_key: str) -> Level:
        return self.special.get(tool_key, self.usual)

    def plain(self) -> "Levels":
        """Return the same levels without saying of a tool what is usual anyway."""
        differing = {key: level for key, level in self.special.items() if level != self.usual}
        return Levels(self.usual, differing)

    def exceeds(self, most: "Levels", *, known: "Levels | None" = None) -> bool:
        """True when this gives more than `most` somewhere, beyond what `known` gave already."""
        keys = {*self.special, *most.special, *(known.special if known else ())}
        pairs = [(self.usual, most.usual, known.usual if known else None)]
        pairs += [(self.of(k), most.of(k), known.of(k) if known else None) for k in keys]
        return any(wanted > limit and wanted != before for wanted, limit, before in pairs)


EVERYTHING = Levels(Level.ADMIN)


def usual_templates() -> dict[str, Levels]:
    """Return the templates that a company begins with, by their names."""
    none, read, standard, admin = Level
    money = {"prime_contract": none, "commitments": none, "bidding": none}
    field_work = {"rfis": standard, "submittals": standard, "punch_list": standard}
    return {
        "Project manager": Levels(admin),
        "Superintendent": Levels(
            standard, {**money, "change_orders": read, "daily_log": admin, "punch_list": admin}
        ),
        "Design team": Levels(read, {**money, **field_work}),
        "Subcontractor": Levels(
            none, {**field_work, "daily_log": standard, "drawings": read, "documents": read}
        ),
        "Owner": Levels(
            read,
            {
                "prime_contract": standard,
                "change_orders": standard,
                "punch_list": standard,
                "commitments": none,
                "bidding": none,
                "emails": none,
            },
        ),
        "Read only": Levels(read),
    }


def add_usual_templates(session: Session, company_id: int) -> None:
    """Give a company the templates it lacks of those that most begin with."""
    there = set(
        session.scalars(
            select(PermissionTemplate.name).where(PermissionTemplate.company_id == company_id)
        )
    )
    for name, levels in usual_templates().items():
        if name not in there:
            session.add(make_template(company_id, name, levels))
    session.flush()


def make_template(company_id: int, name: str, levels: Levels) -> PermissionTemplate:
    template = PermissionTemplate(company_id=company_id, name=name)
    set_template_levels(template, levels)
    return template


def set_template_levels(template: PermissionTemplate | InvitedPlace, levels: Levels) -> None:
    levels = levels.plain()
    template.level = int(levels.usual)
    template.levels = {key: int(level) for key, level in sorted(levels.special.items())}


def levels_of_template(template: PermissionTemplate | InvitedPlace) -> Levels:
    return Levels(
        Level(template.level), {key: Level(level) for key, level in template.levels.items()}
    )


def templates_of(session: Session, company_id: int) -> list[PermissionTemplate]:
    """Return a company's templates by name."""
    return list(
        session.scalars(
            select(PermissionTemplate)
            .where(PermissionTemplate.company_id == company_id)
            .order_by(PermissionTemplate.name)
        )
    )


def levels_of_member(session: Session, member: ProjectMember) -> Levels:
    """Return the levels that a person's rows on a project say; company admins have all anyway."""
    rows = session.execute(
        select(ToolLevel.tool_key, ToolLevel.level).where(
            ToolLevel.project_id == member.project_id, ToolLevel.person_id == member.person_id
        )
    )
    return Levels(Level(member.level), {key: Level(level) for key, level in rows})


def write_levels(session: Session, member: ProjectMember, levels: Levels) -> None:
    """Make these the levels of a person on a project."""
    levels = levels.plain()
    drop_levels(session, member.project_id, [member.person_id])
    member.level = int(levels.usual)
    for key, level in levels.special.items():
        session.add(
            ToolLevel(
                project_id=member.project_id,
                person_id=member.person_id,
                tool_key=key,
                level=int(level),
            )
        )
    session.flush()


def drop_levels(session: Session, project_id: int, people: Iterable[int]) -> None:
    session.execute(
        delete(ToolLevel).where(
            ToolLevel.project_id == project_id, ToolLevel.person_id.in_(list(people))
        )
    )


def changes_of(before: Levels, after: Levels) -> list[dict[str, object]]:
    """Return what changed for the history: the usual level as "*", then each tool that differs."""
    keys = sorted({*before.special, *after.special})
    changes: list[dict[str, object]] = []
    if before.usual != after.usual:
        changes.append({"tool": "*", "before": int(before.usual), "after": int(after.usual)})
    changes += [
        {"tool": key, "before": int(before.of(key)), "after": int(after.of(key))}
        for key in keys
        if before.of(key) != after.of(key)
    ]
    return changes
