"""A link that nobody uses ends after sixty days, by Box's rule: its person hears of it in time.

Source: Box, "Tokens", https://developer.box.com/guides/authentication/tokens/refresh/.
"""

from datetime import datetime, timedelta

from sqlalchemy import exists, select

from webapp.accounts.mailing import LetterText, add_letters, enqueue
from webapp.accounts.models import Notice, Person
from webapp.accounts.notices import add_texts
from webapp.box_link.models import BoxLink
from webapp.core.database import db, writing
from webapp.core.text import N_

REFRESH_TOKEN_LIVES = timedelta(days=60)
WARNED_BEFORE = timedelta(days=14)
KIND, PATH = "link_idle", "/settings/box"

add_texts(
    {
        KIND: N_(
            "You have not used Box here for %(days)s days. Box ends the link after 60. Open your "
            "Box in any Attach File(s) dialog to keep it."
        )
    }
)
add_letters(
    {
        KIND: LetterText(
            N_("Your Box link ends soon"),
            N_(
                "You have not used your Box account %(login)s in Plumbline for %(days)s days. Box "
                "ends a link after 60 days without use.\n\nTo keep it, open your Box in any Attach "
                "File(s) dialog. If it ends, you can link it again at any time; files already "
                "attached stay.\n\n%(link)s"
            ),
        )
    }
)


def warn_idle(now: datetime) -> int:
    """Tell everyone whose link Box would end within two weeks, once; return how many were told."""
    over, soon = now - REFRESH_TOKEN_LIVES, now - REFRESH_TOKEN_LIVES + WARNED_BEFORE
    told = exists().where(
        Notice.person_id == BoxLink.person_id,
        Notice.kind == KIND,
        Notice.at > BoxLink.refreshed_at,
    )
    query = (
        select(BoxLink, Person)
        .join(Person, Person.id == BoxLink.person_id)
        .where(
            BoxLink.is_alive,
            BoxLink.refreshed_at > over,
            BoxLink.refreshed_at <= soon,
            Person.is_active,
            ~told,
        )
    )
    if db.session.execute(query.limit(1)).first() is None:
        # An idle sweep must not take SQLite's write lock.
        db.session.rollback()
        return 0
    with writing() as session:
        found = session.execute(query).all()
        for link, person in found:
            days = (now - link.refreshed_at).days
            session.add(
                Notice(person_id=person.id, kind=KIND, path=PATH, facts={"days": days}, at=now)
            )
            enqueue(
                session,
                to=person.email,
                person_id=person.id,
                kind=KIND,
                facts={"days": days, "login": link.box_login},
                path=PATH,
                language=person.language,
            )
    return len(found)
