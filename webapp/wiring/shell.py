"""What every page shows around itself: companies, projects, the tools with their counts."""

from dataclasses import dataclass

from flask import g, request, url_for
from flask import session as browser_session
from sqlalchemy import func, select

from webapp.accounts.identity import SignedIn, me
from webapp.accounts.models import Notice
from webapp.companies import access, invitations
from webapp.companies.models import Company, Level, Project
from webapp.core.database import db
from webapp.core.text import _
from webapp.imports import mine, news
from webapp.tools import lists
from webapp.tools.registry import TOOLS

DOCK_PLACES = 4


@dataclass(frozen=True)
class NavItem:
    """One entry of the project's navigation; what has an `icon` can stand in the phone's dock."""

    label: str
    short: str
    url: str
    icon: str
    begins_group: bool
    is_current: bool
    mine: int
    overdue: int
    is_pinned: bool = False


@dataclass(frozen=True)
class Shell:
    me: SignedIn
    companies: tuple[Company, ...]
    company: Company | None
    project: Project | None
    projects_here: tuple[Project, ...]
    projects_elsewhere: tuple[Project, ...]
    nav: tuple[NavItem, ...]
    notice_count: int
    invitation_count: int
    has_copies: bool
    since: str

    @property
    def dock(self) -> tuple[NavItem, ...]:
        """What a thumb reaches: home and three tools, the pinned ones before others, as listed."""
        able = [item for item in self.nav if item.icon]
        chosen = sorted(able, key=lambda item: not item.is_pinned)[:DOCK_PLACES]
        return tuple(item for item in able if item in chosen)


def shell() -> Shell:
    """Return the frame of the page that is being rendered; worked out once a request."""
    if "shell" not in g:
        g.shell = _shell()
    found: Shell = g.shell
    return found


def _shell() -> Shell:
    person = me()
    companies = access.companies_of(person.id)
    projects = access.projects_of(person.id)
    project_id = browser_session.get("project_id")
    project = next((p for p in projects if p.id == project_id), None)
    company = _company(companies, project)
    unread, invited = _waiting(person.id)
    return Shell(
        me=person,
        companies=tuple(companies),
        company=company,
        project=project,
        projects_here=tuple(p for p in projects if company and p.company_id == company.id),
        projects_elsewhere=tuple(p for p in projects if not company or p.company_id != company.id),
        nav=_nav(project, person) if project else (),
        notice_count=unread,
        invitation_count=invited,
        has_copies=mine.are_there(db.session(), person.id),
        since=news.mark(),
    )


def _company(companies: list[Company], project: Project | None) -> Company | None:
    wanted = project.company_id if project else browser_session.get("company_id")
    only = companies[0] if len(companies) == 1 else None
    return next((c for c in companies if c.id == wanted), only)


def _nav(project: Project, person: SignedIn) -> tuple[NavItem, ...]:
    levels = access.levels(project.id, person.id)
    counts = lists.counts(db.session(), project.id, person.id, on=project.today())
    current = g.get("tool_key")
    home = url_for("tools.project_home", project_id=project.id)
    files = url_for("tools.project_files", project_id=project.id)
    items = [
        NavItem(
            _("Home"),
            _("Home"),
            home,
            "house",
            False,
            request.path == home,
            mine=0,
            overdue=0,
            is_pinned=True,
        ),
        # Without an icon: it never stands in the phone's dock, its sheet of all tools has it.
        NavItem(_("Files"), _("Files"), files, "", False, request.path == files, mine=0, overdue=0),
    ]
    for tool in TOOLS:
        if levels.get(tool.key, levels["*"]) < Level.READ:
            continue
        count = counts.get(tool.key, lists.Count(0, 0))
        items.append(
            NavItem(
                _(tool.label),
                _(tool.short_label),
                url_for("tools.records", project_id=project.id, tool=tool),
                tool.icon,
                tool.begins_group,
                current == tool.key,
                mine=count.mine,
                overdue=count.overdue,
                is_pinned=tool.is_pinned,
            )
        )
    return tuple(items)


def _waiting(person_id: int) -> tuple[int, int]:
    """Return how many notices are unread, and how many invitations wait for an answer."""
    unread = (
        select(func.count(Notice.id))
        .where(Notice.person_id == person_id, Notice.read_at.is_(None))
        .scalar_subquery()
    )
    notices, invited = db.session.execute(select(unread, invitations.count_for(person_id))).one()
    return notices, invited
