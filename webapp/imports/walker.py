"""One walk through a folder of Box: page by page, what can be attached and what is left out.

Each page is one call to Box and one transaction, so that whatever happens in between costs that
page alone. Folders are read breadth first, each in the order Box gives its items.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import uniform

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from webapp.attachments.models import Source
from webapp.box.client import BoxClient
from webapp.box.errors import (
    BoxBadRequest,
    BoxBlocked,
    BoxBusy,
    BoxDenied,
    BoxError,
    BoxItemGone,
    BoxLinkBroken,
    BoxMisconfigured,
    BoxShutOut,
    BoxUnavailable,
)
from webapp.box.items import BoxItem, FolderPage, is_item_id
from webapp.box_link.models import BoxLink
from webapp.core.clock import utcnow
from webapp.core.database import db, release, writing
from webapp.core.failpoints import failpoint
from webapp.core.names import clean_name, extension_of
from webapp.imports import trays, walks
from webapp.imports.importer import BACKOFF_MAX_S, MISCONFIGURED_WAIT_S, TRIES, Targets
from webapp.imports.tasks import Errand
from webapp.imports.walk_models import FolderWalk, WalkFile, WalkStep
from webapp.imports.walks import Held, LeaseLost
from webapp.picker.reasons import Limits, Why
from webapp.picker.rows import clean_origin, refusal, version_number

log = logging.getLogger(__name__)

PAGE = 1000
# Box answers some sixteen calls a second to one person; most of them are for what they look at.
PACE_SECONDS = 0.1
PAGES_AT_ONCE = 20
PAGES_MAX = 2000
FOLDERS_MAX = 1000
DEPTH_MAX = 30
NAME_MAX_LENGTH = 1000


class Stopped(Exception):
    """The walk cannot go on; the text is the reason's code."""


@dataclass(frozen=True)
class Walker:
    """Counts chosen folders; everything it needs from outside is handed in."""

    client_for: Callable[[int, str], BoxClient]
    targets: Targets
    file_max_bytes: int
    files_max: int
    blocked_extensions: frozenset[str]

    def errand(self) -> Errand:
        return Errand("folders", walks.count_due, self.run_next)

    def run_next(self, worker: str, stopping: threading.Event) -> bool:
        """Walk on in one folder for a while; False when there is none to walk in."""
        held = walks.claim(worker)
        if held is None:
            return False
        if held.failures >= TRIES:
            # It was claimed so often and nobody came back to say how it went.
            walks.stop(held, "internal")
            return True
        try:
            if not self._has_ended(held, stopping):
                walks.hand_back(held)
        except LeaseLost:
            log.info("walk.lease_lost", extra={"walk": held.walk_id})
        except Stopped as stopped:
            walks.stop(held, str(stopped))
        except BoxError as error:
            self._settle(held, error)
        return True

    def _has_ended(self, held: Held, stopping: threading.Event) -> bool:
        for _page in range(PAGES_AT_ONCE):
            if stopping.is_set():
                return False
            if not self._read_page(held):
                walks.end(held)
                log.info("walk.finished", extra={"walk": held.walk_id})
                return True
            held.failures = 0
            stopping.wait(PACE_SECONDS)
        return False

    def _read_page(self, held: Held) -> bool:
        """Read the next page of the folder whose turn it is; False when all are read."""
        session: Session = db.session()
        step = walks.next_step(session, held)
        limits = self._limits(session, held)
        release()
        if step is None:
            return False
        client = self.client_for(held.person_id, held.session_hash)
        try:
            page = client.list_folder(
                step.folder_id, marker=step.marker, sort="name", direction="ASC", limit=PAGE
            )
        except (BoxItemGone, BoxDenied, BoxBlocked):
            with writing() as session:
                _Page(session, held, step).close_unopened()
            return True
        except BoxBadRequest:
            if step.marker is not None:
                with writing() as session:
                    _Page(session, held, step).begin_anew()
            raise
        failpoint("walk.before_commit")
        with writing() as session:
            _Page(session, held, step).take(page, limits, self.files_max)
        failpoint("walk.after_commit")
        return True

    def _limits(self, session: Session, held: Held) -> Limits:
        """Return what may be attached there; raises Stopped when nothing may be any more."""
        reason = self.targets.refusal(session, person_id=held.person_id, target=held.target)
        if reason is not None:
            raise Stopped(reason)
        link = session.scalar(select(BoxLink).where(BoxLink.person_id == held.person_id))
        if link is None:
            raise Stopped("unlinked")
        if link.box_login != held.box_login:
            raise Stopped("other_account")
        return Limits(
            self.file_max_bytes,
            self.blocked_extensions,
            trays.attached_versions(session, held.target, Source.BOX),
            trays.coming_versions(session, held.target),
            link.box_user_id,
        )

    def _settle(self, held: Held, error: BoxError) -> None:
        """Decide what an error means for the walk: wait, wait for the person, or give up."""
        log.warning(
            "walk.interrupted",
            extra={
                "walk": held.walk_id,
                "kind": type(error).__name__,
                "failures": held.failures,
                "detail": str(error),
            },
        )
        match error:
            case BoxLinkBroken():
                walks.wait_for_link(held)
            case BoxMisconfigured() | BoxShutOut():
                walks.wait(held, MISCONFIGURED_WAIT_S, error.code, is_failure=False)
            case BoxBusy():
                walks.wait(held, error.retry_after_s, error.code, is_failure=False)
            case BoxUnavailable() | BoxBadRequest() if held.failures + 1 < TRIES:
                spread = uniform(0.5, 1.5)  # noqa: S311  # spreads retries, guards nothing
                seconds = min(BACKOFF_MAX_S, 2.0**held.failures) * spread
                walks.wait(held, seconds, error.code, is_failure=True)
            case _:
                walks.stop(held, "gave_up")


class _Page:
    """What one answer of Box changes in the rows of a walk, in the caller's transaction."""

    def __init__(self, session: Session, held: Held, step: WalkStep) -> None:
        self._session = session
        self._walk: FolderWalk = walks.locked(session, held)
        self._step = session.get_one(WalkStep, step.id)
        self._counts = walks.counts_of(self._walk.counts)

    def take(self, page: FolderPage, limits: Limits, files_max: int) -> None:
        """Keep what a page shows; the folder is read when Box has no more of it."""
        if self._step.marker is None:
            self._walk.before = self._walk.counts
        self._add_folders([item for item in page.items if item.is_folder])
        self._add_files([item for item in page.items if item.is_file], limits, files_max)
        for item in page.items:
            if not (item.is_folder or item.is_file):
                self._leave_out(item, Why("bookmark"))
        self._step.marker = page.next_marker
        self._close(is_read=page.next_marker is None)

    def close_unopened(self) -> None:
        """Box does not open this folder, or not any more."""
        self._counts.leave_out(" / ".join(self._step.way), Why("unopened"))
        self._close(is_read=True)

    def begin_anew(self) -> None:
        """Forget what was read of this folder: Box no longer knows where we were in it."""
        self._session.execute(delete(WalkFile).where(WalkFile.step_id == self._step.id))
        self._step.marker = None
        self._counts = walks.counts_of(self._walk.before)
        self._close(is_read=False)

    def _close(self, *, is_read: bool) -> None:
        self._step.is_read = is_read
        self._walk.pages += 1
        self._walk.reason, self._walk.leased_until = None, utcnow() + walks.LEASE
        if self._walk.pages >= PAGES_MAX:
            self._leave_the_rest()
        self._walk.counts = msgspec.to_builtins(self._counts)

    def _leave_the_rest(self) -> None:
        """Stop here: nobody waits for more, and it would not fit anyway."""
        steps = self._session.scalars(
            select(WalkStep).where(WalkStep.walk_id == self._walk.id, WalkStep.is_read.is_(False))
        )
        for step in steps.all():
            step.is_read = True
            self._counts.leave_out(" / ".join(step.way), Why("too_many_folders"))

    def _add_folders(self, items: Sequence[BoxItem]) -> None:
        known = self._known(WalkStep.folder_id, WalkStep.walk_id, items)
        room = FOLDERS_MAX - self._count_steps() if items else 0
        for item in items:
            if item.id in known or not is_item_id(item.id):
                continue
            known.add(item.id)
            if len(self._step.way) > DEPTH_MAX:
                self._leave_out(item, Why("too_deep"))
            elif room <= 0:
                self._leave_out(item, Why("too_many_folders"))
            else:
                room -= 1
                way = [*self._step.way, item.name]
                self._session.add(WalkStep(walk_id=self._walk.id, folder_id=item.id, way=way))
                # One after the other: their order is the order in which they are read.
                self._session.flush()

    def _add_files(self, items: Sequence[BoxItem], limits: Limits, files_max: int) -> None:
        known = self._known(WalkFile.box_file_id, WalkFile.walk_id, items)
        for item in items:
            if item.id in known:
                continue
            known.add(item.id)
            self._counts.files += 1
            self._counts.size_bytes += item.size_bytes or 0
            name = clean_name(item.name, fallback=f"unnamed-{item.id}")
            why_not = refusal(item, extension_of(name), limits)
            if why_not is not None:
                self._leave_out(item, why_not)
                continue
            self._counts.fitting += 1
            if self._counts.fitting <= files_max:
                self._session.add(self._file(item, limits.my_box_id))
        self._session.flush()

    def _file(self, item: BoxItem, my_box_id: str) -> WalkFile:
        origin = clean_origin(item, my_box_id)
        return WalkFile(
            walk_id=self._walk.id,
            step_id=self._step.id,
            name=item.name[:NAME_MAX_LENGTH],
            size_bytes=item.size_bytes,
            sha1=item.digest,
            box_file_id=item.id,
            box_version_id=item.version_id,
            box_version_number=version_number(item) or None,
            box_owner=origin.owner,
            box_owner_login=origin.owner_login,
            box_classification=origin.classification,
        )

    def _leave_out(self, item: BoxItem, why: Why) -> None:
        self._counts.leave_out(" / ".join([*self._step.way, item.name]), why)

    def _known(
        self,
        id_column: InstrumentedAttribute[str],
        walk_column: InstrumentedAttribute[int],
        items: Sequence[BoxItem],
    ) -> set[str]:
        """Return which of these the walk has met before: shared twice, or moved under it."""
        ids = [item.id for item in items]
        query = select(id_column).where(walk_column == self._walk.id, id_column.in_(ids))
        return set(self._session.scalars(query)) if ids else set()

    def _count_steps(self) -> int:
        ids = select(WalkStep.id).where(WalkStep.walk_id == self._walk.id).limit(FOLDERS_MAX)
        return len(self._session.scalars(ids).all())
