"""Huey runs the workers; its messages are only wake-ups.

The item's row is the truth, so a lost message or a killed worker costs a delay and nothing else: a
sweep every few seconds calls this process's own workers for what is due, without the queue, which
may be away for as long as it likes. Messages are JSON, because whoever writes huey's default
pickles into the queue could run code here.
"""

import json
import logging
import os
import socket
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, current_app
from huey import RedisHuey, SqliteHuey
from huey.consumer import Consumer, Scheduler, Worker
from huey.registry import Message
from huey.serializer import Serializer
from redis import RedisError

from webapp.core.absence import Absence
from webapp.core.limits import redis_absence, redis_pool
from webapp.imports import claims
from webapp.imports.importer import Importer

log = logging.getLogger(__name__)

SWEEP_SECONDS = 5
STOP_SECONDS = 3
IDLE_POLL_SECONDS = 1.0
# What either engine raises while it cannot be reached.
QUEUE_AWAY = (RedisError, sqlite3.Error, OSError)
_KEY = "plumbline.queue"


class JsonMessages(Serializer):  # type: ignore[misc]  # huey has no types
    """A wake-up needs an id, a name and arguments; nothing in it can be executed."""

    def _serialize(self, data: Message) -> bytes:
        return json.dumps([data.id, data.name, data.args, data.kwargs]).encode()

    def _deserialize(self, data: bytes) -> Message:
        task_id, name, args, kwargs = json.loads(bytes(data))
        return Message(task_id, name, None, 0, 0, None, tuple(args), kwargs)


@dataclass(frozen=True)
class Chore:
    """Something to be done again and again, by whichever worker gets to it."""

    name: str
    every_seconds: int
    run: Callable[[], object]


@dataclass(frozen=True)
class Errand:
    """Another kind of work for the workers; its rows are the truth about it, as they are here.

    `count_due` returns how many pieces can be done now, up to a number. `run_next` does one for a
    worker of that name, and returns False when there is none.
    """

    name: str
    count_due: Callable[[int], int]
    run_next: Callable[[str, threading.Event], bool]


@dataclass
class Queue:
    """The engine of one application: its huey, its importer, and the sweep."""

    app: Flask
    huey: Any
    importer: Importer
    threads: int
    is_embedded: bool
    absence: Absence
    chores: tuple[Chore, ...] = ()
    errands: tuple[Errand, ...] = ()
    stopping: threading.Event = field(default_factory=threading.Event)
    woken: threading.Event = field(default_factory=threading.Event)
    _calls: int = 0
    _calling: threading.Lock = field(default_factory=threading.Lock)
    _work: Any = None

    def __post_init__(self) -> None:
        self._work = self.huey.task(name="work")(self.work)
        self.worker_name = f"{socket.gethostname()}:{os.getpid()}"

    def wake(self, items: int) -> None:
        """Wake enough workers for so many items; when the queue is away, the sweep will."""
        if self.absence.is_worth_trying():
            try:
                for _ in range(min(items, self.threads)):
                    self._work()
            except QUEUE_AWAY as error:  # the rows are committed, nothing is lost
                self.absence.begins(error)
            else:
                self.absence.ends()
        self.woken.set()

    def take_call(self) -> bool:
        """Return True to as many of this process's workers as the last sweep called for."""
        with self._calling:
            if not self._calls:
                return False
            self._calls -= 1
            return True

    def take_message(self) -> bool:
        """Return True when the queue had a wake-up; waits for one where the queue lets it.

        What another release left there, or nobody knows, wakes as well: nothing in it is needed.
        """
        if not self.absence.is_worth_trying():
            return False
        try:
            message = self.huey.dequeue()
        except QUEUE_AWAY as error:
            self.absence.begins(error)
            return False
        except Exception:
            log.exception("queue.odd_message")
            return True
        self.absence.ends()
        return message is not None

    def work(self) -> None:
        """Do whatever is due until there is nothing left: any wake-up serves any work.

        Errands come first: they are short, and a copy can take an hour.
        """
        while not self.stopping.is_set():
            if any(self._run_errand(errand) for errand in self.errands):
                continue
            with self.app.app_context():
                job = claims.claim(self.worker_name)
                if job is None:
                    return
                try:
                    self.importer.run(job, self.stopping)
                except Exception:
                    log.exception("import.crashed", extra={"item": job.item_id})
                    self.importer.give_up(job)

    def _run_errand(self, errand: Errand) -> bool:
        """Do one piece of an errand; one that stumbles is left to the next sweep."""
        try:
            with self.app.app_context():
                return errand.run_next(self.worker_name, self.stopping)
        except Exception:
            log.exception("errand.failed", extra={"errand": errand.name})
            return False

    def sweep(self) -> None:
        """Call workers of this process for what a lost message or a dead worker left behind."""
        with self.app.app_context():
            due = claims.count_due(self.threads)
            due += sum(errand.count_due(self.threads) for errand in self.errands)
        with self._calling:
            self._calls = min(due, self.threads)
        if due:
            self.woken.set()

    def do_chores(self, elapsed_s: int) -> None:
        """Do what is due after so many seconds; one that fails keeps no other from its turn."""
        for chore in self.chores:
            if elapsed_s % chore.every_seconds or self.stopping.is_set():
                continue
            try:
                with self.app.app_context():
                    chore.run()
            except Exception:
                log.exception("chore.failed", extra={"chore": chore.name})


def make_queue(
    app: Flask,
    url: str,
    importer: Importer,
    *,
    threads: int,
    chores: tuple[Chore, ...],
    errands: tuple[Errand, ...] = (),
) -> Queue:
    return Queue(
        app=app,
        huey=_make_huey(url),
        importer=importer,
        threads=threads,
        is_embedded=urlsplit(url).scheme == "sqlite",
        absence=Absence("queue") if urlsplit(url).scheme == "sqlite" else redis_absence(app),
        chores=chores,
        errands=errands,
    )


def _make_huey(url: str) -> Any:
    """Return the engine behind a URL: SQLite beside us, or Redis."""
    common: dict[str, Any] = {"name": "plumbline", "results": False, "serializer": JsonMessages()}
    if urlsplit(url).scheme == "sqlite":
        filename = url.removeprefix("sqlite:///")
        return SqliteHuey(filename=filename, timeout=10, fsync=False, **common)
    return RedisHuey(connection_pool=redis_pool(url), **common)


def install(queue: Queue) -> None:
    queue.app.extensions[_KEY] = queue


def queue() -> Queue:
    """Return the engine of the application in whose context we are."""
    found = current_app.extensions[_KEY]
    assert isinstance(found, Queue)
    return found


class _SweepingScheduler(Scheduler):  # type: ignore[misc]
    """Sweeps and does the chores in place of huey's schedule, which nothing of ours is in."""

    def __init__(self, *args: Any, queue: Queue, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._queue = queue
        self._elapsed = 0

    def loop(self, now: Any = None) -> None:
        began = time.monotonic()
        try:
            self._queue.sweep()
        except Exception:
            log.exception("sweep.failed")
        self._queue.do_chores(self._elapsed)
        self._elapsed += SWEEP_SECONDS
        self.sleep_for_interval(began, SWEEP_SECONDS)


class _WakingWorker(Worker):  # type: ignore[misc]
    """Works when the sweep calls or a message comes; in one process that ends the pause at once.

    Huey's own loop writes a traceback for each try to reach a queue that is away.
    """

    def __init__(self, *args: Any, queue: Queue, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._queue = queue

    def loop(self, now: Any = None) -> None:
        if self._queue.take_call() or self._queue.take_message():
            self.delay = self.default_delay
            self._work()
        elif self._queue.is_embedded or self._queue.absence.is_on:
            self.sleep()

    def _work(self) -> None:
        try:
            self._queue.work()
        except Exception:
            log.exception("work.failed")
            self.sleep()

    def sleep(self) -> None:
        self.delay = min(self.delay, self.max_delay)
        self._queue.woken.wait(min(self.delay, self.max_delay))
        self._queue.woken.clear()
        self.delay *= self.backoff


class EmbeddedConsumer(Consumer):  # type: ignore[misc]
    """The workers inside a web process, which keeps its own signals."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        super().__init__(
            queue.huey,
            workers=queue.threads,
            initial_delay=0.2,
            backoff=1.3,
            max_delay=IDLE_POLL_SECONDS,
            scheduler_interval=SWEEP_SECONDS,
            shutdown_timeout=STOP_SECONDS,
        )

    def _create_scheduler(self) -> Scheduler:
        return _SweepingScheduler(
            huey=self.huey,
            stop_flag=self.stop_flag,
            interval=self.scheduler_interval,
            periodic=False,
            queue=self._queue,
        )

    def _create_worker(self) -> Worker:
        return _WakingWorker(
            huey=self.huey,
            stop_flag=self.stop_flag,
            default_delay=self.default_delay,
            max_delay=self.max_delay,
            backoff=self.backoff,
            queue=self._queue,
        )

    def _set_signal_handlers(self) -> None:
        """Leave the signals to the process we live in."""

    def ask_to_stop(self) -> None:
        """Have the workers put their items down at the next block; returns at once."""
        self._queue.stopping.set()
        self.stop_flag.set()
        self._queue.woken.set()

    def stop(self, graceful: bool = True) -> None:
        self.ask_to_stop()
        super().stop(graceful)


class CommandConsumer(EmbeddedConsumer):
    """The workers as a process of their own: INT, TERM and HUP all stop it gracefully."""

    def _set_signal_handlers(self) -> None:
        for number in self._signal_actions:
            self._signal_actions[number] = (False, True)
        Consumer._set_signal_handlers(self)
