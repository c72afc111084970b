"""A copy in words, the same for everybody who looks: how far it is, why it waits, what can be done.

Everything comes from the item's row, as its worker last wrote it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from webapp.attachments.kinds import kind_of
from webapp.core.clock import utcnow
from webapp.core.formats import clock_time, filesize, progress_of
from webapp.core.text import _, ngettext
from webapp.imports.claims import LEASE
from webapp.imports.models import UNFINISHED, ImportItem, ItemState
from webapp.imports.reasons import (
    PATIENT,
    Remedy,
    advice_text,
    closed_remedy_of,
    closed_text,
    others_text,
    reason_text,
    remedy_of,
    waiting_text,
)

# What somebody cancelled or dismissed is out of sight; what stopped by itself stays until then.
RESTING_SHOWN = (ItemState.FAILED, ItemState.CANCELLED)
SILENCE = timedelta(seconds=5)
SECONDS_UP_TO, MINUTES_UP_TO = 90, 90 * 60


@dataclass(frozen=True)
class ShownCopy:
    """A copy on its way, or one that did not arrive, and what this person may do about it."""

    item: ImportItem
    is_mine: bool
    may_cancel: bool
    may_dismiss: bool

    @property
    def kind(self) -> str:
        return kind_of(self.item.name)

    @property
    def is_moving(self) -> bool:
        return self.item.state in UNFINISHED

    @property
    def is_over(self) -> bool:
        return self.item.state in RESTING_SHOWN

    @property
    def has_failed(self) -> bool:
        """True for what stopped by itself, whoever or whatever stopped it."""
        return self.is_over and self.item.reason != "cancelled"

    @property
    def code(self) -> str:
        """Return the failure's stable code, to name to whoever helps; "" where nothing failed."""
        return self.item.reason or "" if self.has_failed else ""

    @property
    def may_retry(self) -> bool:
        """True for whoever chose the file: it is their Box."""
        return self.is_mine and self.is_over

    @property
    def reason(self) -> str:
        """Return what happened to a copy that waits or ended, "" for one that just goes on."""
        if not self.is_mine and self.item.reason and (said := others_text(self.item.reason)):
            return said
        if self.item.state in {ItemState.QUEUED, ItemState.WAITING_RELINK} and self.item.reason:
            return waiting_text(self.item.reason, self.item.facts, self._until)
        return reason_text(self.item.reason, self.item.facts)

    @property
    def state_text(self) -> str:
        """Return where the copy stands, in one line."""
        if self.item.state == ItemState.ATTACHED:
            return _("Attached")
        if self.item.state == ItemState.COPYING:
            return self.progress
        if self.is_over:
            return " ".join(part for part in (self.reason, self.tried) if part)
        return self.reason or waiting_text(None, {})

    @property
    def is_waiting(self) -> bool:
        """Not copying now and not over: in the queue for a moment, or told to wait."""
        return self.item.state in {ItemState.QUEUED, ItemState.WAITING_RELINK}

    @property
    def waits_until(self) -> datetime | None:
        run_after = self.item.run_after
        return run_after if run_after and run_after > utcnow() else None

    @property
    def _until(self) -> str:
        return clock_time(self.waits_until) if self.waits_until else ""

    @property
    def is_checked(self) -> bool:
        """True while all bytes are here and their check is not over."""
        size = self.item.size_bytes
        return self.item.state == ItemState.COPYING and bool(size) and self.item.bytes_done == size

    @property
    def progress(self) -> str:
        """Return "12.4 of 80.0 MB, 3.1 MB/s, about 22 s left", as far as it can be told."""
        item = self.item
        if self.is_checked:
            return _("All of it has come. It is being checked.")
        came = progress_of(item.bytes_done, item.size_bytes)
        silence = self._silence
        if silence > SILENCE:
            parts = (came, _("nothing for %(num)s s", num=round(silence.total_seconds())))
        else:
            parts = (came, self.pace)
        return ", ".join(part for part in parts if part)

    @property
    def _silence(self) -> timedelta:
        """Return how long ago its worker last said how far it is."""
        until = self.item.leased_until
        return utcnow() - (until - LEASE) if until else timedelta()

    @property
    def pace(self) -> str:
        """Return the rate and the time left, once there is enough to tell them from."""
        item = self.item
        if not item.bytes_per_s or item.size_bytes is None:
            return ""
        left = max(1, round((item.size_bytes - item.bytes_done) / item.bytes_per_s))
        rate = filesize(item.bytes_per_s)
        if left < SECONDS_UP_TO:
            return _("%(rate)s/s, about %(num)s s left", rate=rate, num=left)
        if left < MINUTES_UP_TO:
            return _("%(rate)s/s, about %(num)s min left", rate=rate, num=round(left / 60))
        return _("%(rate)s/s, about %(num)s h left", rate=rate, num=round(left / 3600))

    @property
    def tried(self) -> str:
        """Return how often it was tried, and when last, where that was more than once."""
        item = self.item
        if item.failures < 2 or item.finished_at is None:
            return ""
        when = clock_time(item.finished_at)
        return _("We tried %(num)s times, last at %(when)s.", num=item.failures, when=when)

    @property
    def advice(self) -> str:
        """Return what the person who chose it can do now; nobody else can do anything."""
        return advice_text(self.item.reason) if self.is_mine and self.is_over else ""

    @property
    def remedy(self) -> Remedy | None:
        """Return what the one button does, None where there is nothing to press."""
        item = self.item
        if not self.is_mine:
            return None
        if self.is_over:
            return remedy_of(item.reason)
        if item.state == ItemState.WAITING_RELINK:
            return Remedy.RECONNECT
        may_hurry = self.waits_until and item.reason not in PATIENT
        return Remedy.RETRY if item.state == ItemState.QUEUED and may_hurry else None

    @property
    def asks_choosing(self) -> bool:
        """True where its chooser had best choose again, if they may."""
        return self.remedy == Remedy.CHOOSE

    @property
    def closed_advice(self) -> str:
        """Return what its chooser can do where they may choose nothing any more."""
        return closed_text(self.item.reason) if self.item.reason else ""

    @property
    def closed_remedy(self) -> Remedy | None:
        return closed_remedy_of(self.item.reason) if self.item.reason else None


def shown_copy(item: ImportItem, person_id: int, *, is_admin: bool) -> ShownCopy:
    """Return a copy as this person may see and change it; admins stop copies, and start none."""
    is_mine = item.person_id == person_id
    return ShownCopy(
        item,
        is_mine,
        may_cancel=item.state in UNFINISHED and (is_mine or is_admin),
        may_dismiss=item.state in RESTING_SHOWN and (is_mine or is_admin),
    )


def count_text(copies: Iterable[ShownCopy]) -> str:
    """Return how many move, wait and failed: "3 copying, 1 failed"; "" for none."""
    states = [copy.item.state for copy in copies]
    copying = states.count(ItemState.COPYING)
    waiting = states.count(ItemState.QUEUED) + states.count(ItemState.WAITING_RELINK)
    failed = len(states) - copying - waiting
    texts = (
        (copying, ngettext("%(num)s copying", "%(num)s copying", copying)),
        (waiting, ngettext("%(num)s waiting", "%(num)s waiting", waiting)),
        (failed, ngettext("%(num)s failed", "%(num)s failed", failed)),
    )
    return ", ".join(text for count, text in texts if count)
