"""One copy: re-check, download the chosen version, verify size and SHA-1, store, attach.

The bytes are verified before the object exists: a mismatch is raised inside the stream, and the
store drops what it has. The row follows in one transaction that checks everything once more.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import exp
from random import uniform
from typing import Protocol

from flask import Flask, current_app
from obstore.exceptions import BaseError as StorageError
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from urllib3.exceptions import HTTPError

from webapp.accounts.models import language_of, notify
from webapp.attachments import changing
from webapp.attachments.models import Attachment, Source
from webapp.box.client import BoxClient, Content
from webapp.box.errors import (
    BoxBusy,
    BoxError,
    BoxItemGone,
    BoxLinkBroken,
    BoxLinkUnreadable,
    BoxMisconfigured,
    BoxNotReady,
    BoxShutOut,
    BoxUnavailable,
    BoxVersionGone,
)
from webapp.box.items import BoxItem
from webapp.core import audit
from webapp.core.blobs import Blobs
from webapp.core.database import db, release, writing
from webapp.core.digests import Digesting, Digests
from webapp.core.failpoints import failpoint
from webapp.core.formats import filesize
from webapp.core.names import clean_name, extension_of
from webapp.core.text import in_language, kept_text
from webapp.imports import claims, trays
from webapp.imports.claims import Job, LeaseLost
from webapp.imports.models import ImportItem
from webapp.imports.reasons import REASONS
from webapp.records.visibility import Target

log = logging.getLogger(__name__)

READ_BYTES = 1 << 20
FLUSH_SECONDS = 0.25
# A file that comes more slowly than this, for that long, gives its worker's thread to others.
PACE_MIN_BYTES_PER_S = 1000
PACE_SECONDS = 30.0
# Over how long the rate that people see is smoothed, and how short a time tells none.
SPEED_SECONDS, SPEED_MIN_SECONDS = 4.0, 0.2
TRIES = 20
CORRUPT_TRIES = 3
BACKOFF_MAX_S = 60.0
MISCONFIGURED_WAIT_S = 300.0
# The process beside this one may have the key, and take it next.
UNREADABLE_WAIT_S = 20.0
STORAGE_FULL_WAIT_S = 300.0
# Google's files are converted when they are downloaded: neither size nor SHA-1 of the listing fits
# the bytes (Box support, thread 360049160494). Their copies say so.
UNVERIFIABLE = frozenset({"gdoc", "gsheet", "gslides"})


# A reason's code, and the facts that fill the places of its sentence.
Why = tuple[str, dict[str, str]]


class Targets(Protocol):
    """What the tools above know about a target, asked before a copy and again as it is attached."""

    def refusal(self, session: Session, *, person_id: int, target: Target) -> str | None:
        """Return the reason code why this person may not attach there now, or None.

        For what nobody has accepted yet: whoever walks through a folder asks.
        """

    def hindrance(self, session: Session, *, person_id: int, target: Target) -> Why | None:
        """Return why what was accepted for this target cannot arrive there, or None.

        Only what leaves no place, no person or no permission of Box's counts: rights were asked
        when it was accepted, and the record may have gone on since.
        """

    def arrived(self, session: Session, *, person_id: int, attachment: Attachment) -> None:
        """Take note in the same transaction that a copy hangs there now."""

    def looks_at_files(self, session: Session, target: Target) -> bool:
        """True when it depends on a file, as Box describes it now, whether it is taken there."""

    def file_refusal(
        self, session: Session, *, person_id: int, target: Target, file: BoxItem, reason: str
    ) -> Why | None:
        """Return why this file is not taken there, or None.

        `reason` is what the person gave for attaching it, "" when nothing.
        """

    def describe(self, session: Session, target: Target) -> tuple[str, str]:
        """Return what a notice calls the target, and its path."""

    def box_login(self, session: Session, person_id: int) -> str:
        """Return the Box account this person is linked to now, "" when there is none."""


class WrongBytes(Exception):
    """What came is not what was chosen: too short, too long, or another SHA-1."""


class CutOff(Exception):
    """The connection ended before the file did."""

    def __init__(self, bytes_done: int) -> None:
        super().__init__(bytes_done)
        self.bytes_done = bytes_done


class Refused(Exception):
    """The target does not take this file (any more)."""

    def __init__(self, reason: str, **facts: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.facts = facts


class Stopping(Exception):
    """This worker is asked to stop."""


@dataclass(frozen=True)
class Importer:
    """Copies claimed items; everything it needs from outside is handed in."""

    blobs: Blobs
    client_for: Callable[[int, str], BoxClient]
    targets: Targets
    file_max_bytes: int

    def run(self, job: Job, stopping: threading.Event) -> None:
        """Bring one item to its next resting place: attached, waiting, failed, or handed back."""
        self._copy(job, stopping)
        if not stopping.is_set() and claims.is_last(job):
            self._look_for_newer(job, stopping)

    def give_up(self, job: Job) -> None:
        """End an item over which we stumbled ourselves, and tell its person."""
        self._fail(job, "internal")

    def _copy(self, job: Job, stopping: threading.Event) -> None:
        started = time.monotonic()
        try:
            self._check(job)
            file = self._look(job)
            digests = self._stored_before(job) or self._download(job, stopping)
            failpoint("import.after_put")
            while not self._attach(job, digests, file):
                claims.beat(job, digests.size_bytes)
                file = self._look(job)
        except LeaseLost:
            log.info("import.lease_lost", extra={"item": job.item_id})
        except Stopping:
            claims.hand_back(job)
        except Refused as refused:
            self._fail(job, refused.reason, **refused.facts)
        except CutOff as cut_off:
            if stopping.is_set():
                claims.hand_back(job)
            else:
                self._settle(job, cut_off)
        except (BoxError, WrongBytes, StorageError, OSError, OperationalError) as error:
            self._settle(job, error)
        else:
            log.info(
                "import.attached",
                extra={
                    "item": job.item_id,
                    "bytes": digests.size_bytes,
                    "seconds": round(time.monotonic() - started, 2),
                },
            )

    def _check(self, job: Job) -> None:
        if job.size_bytes is not None and job.size_bytes > self.file_max_bytes:
            raise Refused("too_big")
        self._require_place(db.session(), job)
        self._require_new(db.session(), job)
        release()

    def _require_place(self, session: Session, job: Job) -> None:
        hindrance = self.targets.hindrance(session, person_id=job.person_id, target=job.target)
        if hindrance is not None:
            code, facts = hindrance
            raise Refused(code, **facts)

    def _require_new(self, session: Session, job: Job) -> None:
        """Refuse what hangs there by now: it failed, somebody else attached it, it was tried again.

        Of two at once one waits here, and finds it.
        """
        trays.lock_files(session, job.target)
        by = trays.attached_by(session, job.target, job.box_file_id, job.box_version_id)
        if by is not None:
            raise Refused("attached_before", name=by)

    def _look(self, job: Job) -> BoxItem | None:
        """Return the file as Box describes it now where somebody asks for that, and not otherwise.

        Who owns it and how it is classified may have changed since it was chosen.
        """
        session = db.session()
        is_asked_for = self.targets.looks_at_files(session, job.target)
        release()
        if not is_asked_for:
            return None
        file = self.client_for(job.person_id, job.session_hash).file(job.box_file_id)
        self._judge(db.session(), job, file)
        release()
        return file

    def _judge(self, session: Session, job: Job, file: BoxItem) -> None:
        refusal = self.targets.file_refusal(
            session,
            person_id=job.person_id,
            target=job.target,
            file=file,
            reason=job.reason_given,
        )
        if refusal is not None:
            code, facts = refusal
            raise Refused(code, **facts)

    def _stored_before(self, job: Job) -> Digests | None:
        """Return the digests of an object that a worker stored and did not live to attach."""
        size = self.blobs.size(job.blob_key)
        if size is None or size != job.size_bytes or job.sha1 is None:
            return None
        # All of it is here already: only the check is left.
        claims.beat(job, size)
        with Digesting(size) as digesting:
            for _block in digesting.through(self.blobs.read(job.blob_key)):
                pass
            digests = digesting.digests()
        return digests if digests.sha1 == job.sha1 else None

    def _download(self, job: Job, stopping: threading.Event) -> Digests:
        client = self.client_for(job.person_id, job.session_hash)
        failpoint("import.before_download")
        with (
            client.content(job.box_file_id, version_id=job.box_version_id) as content,
            _listening(job, content, stopping),
            Digesting(job.size_bytes) as digesting,
        ):
            blocks = digesting.through(_blocks(content))
            self.blobs.put(job.blob_key, self._watched(job, blocks, digesting, stopping))
            return digesting.digests()

    def _watched(
        self,
        job: Job,
        blocks: Iterator[bytes],
        digesting: Digesting,
        stopping: threading.Event,
    ) -> Iterator[bytes]:
        """Pass blocks on, report progress once a second, and verify before the last is taken."""
        limit = job.size_bytes if job.size_bytes is not None else self.file_max_bytes
        began = next_beat = time.monotonic()
        speed = _Speed(began)
        for block in blocks:
            if digesting.size_bytes > limit and _is_verifiable(job):
                raise WrongBytes("longer than announced")
            if digesting.size_bytes > self.file_max_bytes:
                raise Refused("too_big")
            if stopping.is_set():
                raise Stopping
            if time.monotonic() >= next_beat:
                claims.beat(job, digesting.size_bytes, speed.after(digesting.size_bytes))
                next_beat = time.monotonic() + claims.HEARTBEAT_SECONDS
            yield block
            failpoint("import.mid_stream")
        if next_beat - began > 2 * claims.HEARTBEAT_SECONDS:
            # Somebody may be looking: all has come, and what is left is the check.
            claims.beat(job, digesting.size_bytes)
        if _is_verifiable(job):
            _verify(job, digesting)

    def _attach(self, job: Job, digests: Digests, file: BoxItem | None) -> bool:
        """Attach what was copied; False when Box has to be asked about the file first.

        Rules may have been made since the copy began, and nobody waits for Box in a transaction.
        """
        failpoint("import.before_attach")
        name = clean_name(job.name, fallback=f"unnamed-{job.box_file_id}")
        with writing() as session:
            self._require_place(session, job)
            self._require_new(session, job)
            if file is not None:
                self._judge(session, job, file)
            elif self.targets.looks_at_files(session, job.target):
                return False
            claims.attached(session, job, digests.size_bytes)
            # Chosen in one account, an item may have been tried again through another.
            login = self.targets.box_login(session, job.person_id) or job.box_login
            arrived = _attachment(job, name, digests, login)
            session.add(arrived)
            audit.note(
                session,
                "file.attached",
                person_id=job.person_id,
                project_id=job.target.project_id,
                record_id=job.target.record_id,
                name=name,
                source=Source.BOX,
                login=login,
                row=job.target.row_id,
                given=job.reason_given or None,
            )
            session.flush()
            if job.supersedes_id is not None:
                changing.supersede(session, job.supersedes_id, arrived)
            self.targets.arrived(session, person_id=job.person_id, attachment=arrived)
        failpoint("import.after_commit")
        return True

    def _look_for_newer(self, job: Job, stopping: threading.Event) -> None:
        """Note which files of a batch have a newer version in Box by now.

        After the last copy, so that it delays none. It is a hint: what Box does not answer is left.
        """
        query = select(Attachment.id, ImportItem.box_file_id, ImportItem.box_version_id).join(
            ImportItem, ImportItem.id == Attachment.import_item_id
        )
        query = query.where(
            ImportItem.batch_id == job.batch_id,
            Attachment.newer_in_box.is_(False),
            Attachment.removed_at.is_(None),
        )
        copied = db.session.execute(query).all()
        release()
        client = self.client_for(job.person_id, job.session_hash)
        newer = []
        for attachment_id, file_id, version_id in copied:
            if stopping.is_set():
                break
            try:
                if client.file(file_id).version_id != version_id:
                    newer.append(attachment_id)
            except (BoxUnavailable, BoxLinkBroken, BoxMisconfigured) as error:
                log.info("import.newer_unknown", extra={"kind": type(error).__name__})
                break
            except BoxError:
                # Gone or hidden by now: there is nothing newer that this person could have.
                continue
        if newer:
            with writing() as session:
                session.execute(
                    update(Attachment).where(Attachment.id.in_(newer)).values(newer_in_box=True)
                )

    def _settle(self, job: Job, error: Exception) -> None:
        """Decide what an error means for the item: wait, wait for the person, or give up."""
        log.warning(
            "import.interrupted",
            extra={
                "item": job.item_id,
                "kind": type(error).__name__,
                "failures": job.failures,
                "detail": str(error) if isinstance(error, BoxError) else "",
            },
        )
        match error:
            case BoxError():
                self._settle_with_box(job, error)
            case CutOff():
                size = filesize(job.size_bytes)
                self._retry(job, "cut_off", done=filesize(error.bytes_done), size=size)
            case WrongBytes():
                self._retry(job, "corrupt_transfer")
            case OSError() if _is_full(error):
                claims.wait(job, STORAGE_FULL_WAIT_S, "storage_full", is_failure=False)
            case _:
                self._retry(job, "storage_down")

    def _settle_with_box(self, job: Job, error: BoxError) -> None:
        match error:
            case BoxLinkBroken():
                claims.wait_for_link(job)
            case BoxLinkUnreadable():
                claims.wait(job, UNREADABLE_WAIT_S, error.code, is_failure=False)
            case BoxMisconfigured() | BoxShutOut():
                claims.wait(job, MISCONFIGURED_WAIT_S, error.code, is_failure=False)
            case BoxNotReady():
                self._retry(job, "box_preparing", seconds=error.retry_after_s)
            case BoxBusy():
                claims.wait(job, error.retry_after_s, error.code, is_failure=False)
            case BoxUnavailable():
                self._retry(job, error.code)
            case BoxItemGone() if (now := self._other_account(job)) is not None:
                self._fail(job, "not_in_account", login=job.box_login, now=now)
            case BoxItemGone() if not isinstance(error, BoxVersionGone):
                self._fail(job, self._why_gone(job))
            case _:
                self._fail(job, error.code)

    def _other_account(self, job: Job) -> str | None:
        """Return the account that is linked now where it is not the one the file was chosen in."""
        login = self.targets.box_login(db.session(), job.person_id)
        release()
        return login if login and trays.is_elsewhere(job.box_login, login) else None

    def _why_gone(self, job: Job) -> str:
        """Tell a vanished version from a vanished file: the one has a newer to offer."""
        try:
            current = self.client_for(job.person_id, job.session_hash).file(job.box_file_id)
        except BoxError:
            return BoxItemGone.code
        return "changed_in_box" if current.version_id != job.box_version_id else BoxItemGone.code

    def _retry(self, job: Job, reason: str, *, seconds: float | None = None, **facts: str) -> None:
        is_mismatch = reason == "corrupt_transfer"
        if job.failures + 1 >= TRIES or (is_mismatch and job.mismatches + 1 >= CORRUPT_TRIES):
            self._fail(job, reason, **facts)
            return
        spread = uniform(0.5, 1.5)  # noqa: S311  # spreads retries, guards nothing
        wait = seconds or min(BACKOFF_MAX_S, 2.0**job.failures) * spread
        claims.wait(job, wait, reason, is_failure=True, is_mismatch=is_mismatch, **facts)

    def _fail(self, job: Job, reason: str, **facts: str) -> None:
        if not claims.fail(job, reason, **facts):
            return
        log.warning("import.failed", extra={"item": job.item_id, "reason": reason})
        with writing() as session:
            with in_language(language_of(session, job.person_id)):
                record, path = self.targets.describe(session, job.target)
            notify(
                session,
                job.person_id,
                "import_failed",
                path=path,
                name=clean_name(job.name, fallback="?"),
                record=record,
                reason=kept_text(REASONS[reason].said, **facts),
            )


@contextmanager
def _listening(job: Job, content: Content, stopping: threading.Event) -> Iterator[None]:
    """Cut a download when its item was cancelled or its worker is asked to stop.

    Whoever reads from a connection that says nothing notices neither for half a minute.
    """
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # werkzeug's own
    over = threading.Event()

    def listen() -> None:
        with app.app_context():
            while not over.wait(claims.HEARTBEAT_SECONDS):
                if stopping.is_set() or not claims.is_held(job):
                    content.cut()
                    return

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        yield
    finally:
        over.set()
        listener.join()


def _blocks(content: Content) -> Iterator[bytes]:
    """Yield what arrives in blocks of about a mebibyte, sooner when it comes slowly.

    `read` would wait for a whole block and let a slow file hide a cancellation; `read1` alone would
    hand tiny pieces to the hashes and the store.
    """
    waiting: list[bytes] = []
    size = done = 0
    pace = _Pace()
    flush_at = time.monotonic() + FLUSH_SECONDS
    try:
        while piece := content.response.raw.read1(READ_BYTES, decode_content=False):
            pace.check(len(piece))
            waiting.append(piece)
            size += len(piece)
            if size >= READ_BYTES or time.monotonic() >= flush_at:
                yield waiting[0] if len(waiting) == 1 else b"".join(waiting)
                done += size
                waiting, size, flush_at = [], 0, time.monotonic() + FLUSH_SECONDS
    except (HTTPError, OSError):
        raise CutOff(done + size) from None
    done += size
    if content.length is not None and done < content.length:
        raise CutOff(done)
    if waiting:
        yield b"".join(waiting)


class _Speed:
    """How fast a file comes; the last seconds count most, so that the rate does not jump."""

    def __init__(self, now: float) -> None:
        self._at, self._bytes, self._rate = now, 0, 0.0

    def after(self, size_bytes: int) -> int:
        """Return the bytes per second when so many have come by now; 0 for the first."""
        now = time.monotonic()
        seconds, came = now - self._at, size_bytes - self._bytes
        self._at, self._bytes = now, size_bytes
        if seconds < SPEED_MIN_SECONDS:
            return 0
        weight = 1 - exp(-seconds / SPEED_SECONDS) if self._rate else 1
        self._rate += weight * (came / seconds - self._rate)
        return round(self._rate)


class _Pace:
    """Notices a file that trickles: every single read succeeds, and the end never comes."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._bytes = 0

    def check(self, size_bytes: int) -> None:
        """Count what came; raises BoxUnavailable when it has been too little for too long."""
        self._bytes += size_bytes
        seconds = time.monotonic() - self._began
        if seconds < PACE_SECONDS:
            return
        if self._bytes < seconds * PACE_MIN_BYTES_PER_S:
            raise BoxUnavailable("the file comes too slowly")
        self._began, self._bytes = time.monotonic(), 0


def _is_verifiable(job: Job) -> bool:
    return job.sha1 is not None and extension_of(job.name) not in UNVERIFIABLE


def _verify(job: Job, digesting: Digesting) -> None:
    if job.size_bytes is not None and digesting.size_bytes < job.size_bytes:
        # Without a Content-Length a broken connection looks like a good end.
        raise CutOff(digesting.size_bytes)
    if digesting.sha1 != job.sha1:
        raise WrongBytes("another SHA-1")


def _is_full(error: OSError) -> bool:
    return error.errno in {28, 122}  # ENOSPC, EDQUOT


def _attachment(job: Job, name: str, digests: Digests, login: str) -> Attachment:
    return Attachment(
        project_id=job.target.project_id,
        tool_key=job.target.tool_key,
        record_id=job.target.record_id,
        row_id=job.target.row_id,
        name=name,
        original_name=job.original_name,
        size_bytes=digests.size_bytes,
        sha1=digests.sha1,
        sha256=digests.sha256,
        is_verified=_is_verifiable(job),
        blob_key=job.blob_key,
        source=Source.BOX,
        import_item_id=job.item_id,
        attached_by_id=job.person_id,
        box_file_id=job.box_file_id,
        box_version_id=job.box_version_id,
        box_version_number=job.box_version_number,
        box_path=job.box_path,
        box_owner=job.box_owner,
        reason_given=job.reason_given,
        box_login=login,
    )
