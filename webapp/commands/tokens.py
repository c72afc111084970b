"""`flask tokens`: moving sealed tokens to a new key."""

import sys

import click
from flask.cli import with_appcontext
from sqlalchemy import delete, select, update

from webapp.box_link.canary import PLACE
from webapp.box_link.clients import box_access
from webapp.box_link.models import BoxLink, BoxSessionToken, Revocation, TokenCanary
from webapp.box_link.sealing import CANARY, Place, SealBroken, Sealer
from webapp.box_link.store import refresh_place
from webapp.core.database import db, writing

group = click.Group("tokens", help="The keys that seal Box tokens.")


@group.command("rewrap")
@with_appcontext
def rewrap() -> None:
    """Seal everything with the first key of TOKEN_KEYS; may be stopped and started again."""
    sealer = box_access().linker.sealer
    # Whose link has ended has been asked to link again: that seals it with the first key.
    ids = db.session.scalars(select(BoxLink.id).where(BoxLink.is_alive)).all()
    done = sum(_rewrap_link(sealer, link_id) for link_id in ids)
    with writing() as session:
        # Access tokens live an hour at most: dropping them costs one refresh per person.
        session.execute(delete(BoxSessionToken))
        lost = sum(not _rewrap_revocation(sealer, e) for e in session.scalars(select(Revocation)))
        session.execute(update(TokenCanary).values(sealed=sealer.seal(CANARY, PLACE)))
    click.echo(f"{done} of {len(ids)} links are sealed with the first key")
    # Whoever drops the old key after this must know that something still needs it.
    sys.exit(1 if lost or done < len(ids) else 0)


def _rewrap_revocation(sealer: Sealer, entry: Revocation) -> bool:
    """Seal anew what Box shall forget; what no key opens stays as it is."""
    place = Place("revoke", entry.person_id)
    try:
        entry.token_sealed = sealer.seal(sealer.open(entry.token_sealed, place), place)
    except SealBroken:
        click.echo(f"revocation {entry.id}: no key opens it; Box is not told", err=True)
        return False
    return True


def _rewrap_link(sealer: Sealer, link_id: int) -> bool:
    """Seal one link anew, unless a refresh is faster: then that has used the new key already."""
    with writing() as session:
        link = session.get(BoxLink, link_id)
        if link is None:
            return True
        place = refresh_place(link.person_id, link.generation)
        try:
            fresh = sealer.seal(sealer.open(link.refresh_sealed, place), place)
        except SealBroken:
            click.echo(f"link {link_id}: no key opens it; its person has to link again", err=True)
            return False
        session.execute(
            update(BoxLink)
            .where(BoxLink.id == link_id, BoxLink.generation == link.generation)
            .values(refresh_sealed=fresh, previous_sealed=None)
        )
    return True
