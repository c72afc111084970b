"""The whole main job as a state machine: Hypothesis takes the steps, an oracle knows the outcome.

Bob asks an RFI and attaches files of his Box to it. Meanwhile anything happens: the RFI goes on
without him, he is demoted, taken off the project or signed out, workers die, Box is revoked,
linked anew as somebody else, switched off or short of breath, and the clock runs. After every step
what was accepted is in exactly one state; at the end, with everything mended, each accepted file
is attached once, whole, or has the one reason that really happened to it.
"""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import time_machine
from flask import Flask
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from sqlalchemy import delete, func, select, update

from tests.sandbox.process import DEVON, SandboxProcess
from tests.support import copying
from tests.support.linking import answer_of_box, leave_for_box
from tests.support.pages import COOKIES, HOST, Visitor
from tests.support.ruling import set_rules
from tests.support.world import World, add_record
from webapp.attachments.models import Attachment
from webapp.companies.models import Company, Grant, ProjectMember
from webapp.core.database import db
from webapp.core.failpoints import Died
from webapp.core.sessions import IDLE, SessionRow, hashed
from webapp.imports.models import ImportItem, ItemState
from webapp.records.models import Record

ADMIN = "Quillmark Projects/2317 Larkspur MOB/00 Project Admin"
FILES = tuple(
    f"{ADMIN}/{name}"
    for name in (
        "Contact cards.vcf",
        "Fennimore - W-9.pdf",
        "Letter 0012 - Notice of delay.docx",
        "Building permit BP-25-0417.pdf",
    )
)
ROSA = "rosa.imamura@boxmail.example"
MOMENTS = (
    "import.before_download",
    "import.mid_stream",
    "import.after_put",
    "import.before_attach",
    "import.after_commit",
)
FAULTS = (
    {"status": 503},
    {"status": 429, "headers": {"Retry-After": "2"}},
    {"reset_after": 300},
    {"truncate_after": 300},
    {"flip_byte": 10},
)
LEVELS = {"none": 0, "read only": 1, "standard": 2}
# Why a copy may end without its file, and what must really have happened before.
ENDS = {
    "unlinked": {"disconnect"},
    "other_account": {"another account"},
    "switched_off": {"off"},
    "withdrawn": {"withdrawn"},
    "not_enabled": {"off", "withdrawn"},
    "person_left": {"left"},
    # Tried again through another account, which need not have the file or its version.
    "not_found_in_box": {"trash", "another account"},
    "changed_in_box": {"new_version", "another account"},
    "owned_outside": {"rules"},
    "cancelled": {"cancelled"},
}
# Sessions end after two hours without a request.
SESSION_MINUTES = 100
RECENT_MINUTES = 10
START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


@dataclass
class Stage:
    """What all runs share: one application, one sandbox, and how to begin with an empty house."""

    app: Flask
    sandbox: SandboxProcess
    world: World
    empty: Callable[[], None]
    outcomes: Counter[str] = field(default_factory=Counter)


@dataclass
class Known:
    """What the oracle knows of the world, and everything that has ever happened in it."""

    login: str = ""
    is_revoked: bool = False
    status: str = "draft"
    level: int = 2
    is_member: bool = True
    is_on: bool = True
    is_granted: bool = True
    trashed: set[str] = field(default_factory=set)
    happened: set[str] = field(default_factory=set)

    @property
    def may_attach(self) -> bool:
        """May Bob hang files on his RFI from his computer?"""
        return self.is_member and self.level >= 2 and self.status == "draft"

    @property
    def may_attach_from_box(self) -> bool:
        return self.may_attach and self.is_on and self.is_granted and bool(self.login)


class MainJob(RuleBasedStateMachine):
    """One run. `stage` is set by the test that runs the machine."""

    stage: Stage

    def __init__(self) -> None:
        super().__init__()
        self.clock = time_machine.travel(START, tick=True)
        self.now = self.clock.start()
        self.known = Known()
        self.signed_out: set[str] = set()
        self.idle = self.since_sign_in = 0
        self.last_login = ""
        self.app, self.sandbox, self.world = self.stage.app, self.stage.sandbox, self.stage.world

    @initialize(paths=st.sets(st.sampled_from(FILES), min_size=1, max_size=2))
    def a_morning(self, paths: set[str]) -> None:
        """Bob has asked his RFI, linked his Box and attached the first files."""
        self.stage.empty()
        self.sandbox.reset()
        self.bob, self.alice = self.at_work("bob"), self.at_work("alice")
        self.imani, self.charlie = self.at_work("imani"), self.at_work("charlie")
        with self.session():
            self.rfi = add_record(
                db.session(), self.world, "rfis", "Beam pocket", status="draft", by="bob"
            )
            managed = update(Record).where(Record.id == self.rfi)
            db.session.execute(managed.values(manager_id=self.world.people["alice"]))
            db.session.commit()
        self.company = f"/companies/{self.world.acme}/settings/box"
        self.files = {path: self.sandbox.world(path)["id"] for path in FILES}
        self.folder = self.sandbox.world(ADMIN)["id"]
        self.home = f"/projects/{self.world.tower}"
        self.record = f"{self.home}/rfis/{self.rfi}"
        self.target = f"{self.record}/attach/"
        self.link_as(DEVON)
        self.attach(paths, twice=False)
        assert self.accepted() == len(paths)

    # ---- Bob and his Box

    @rule(paths=st.sets(st.sampled_from(FILES), min_size=1, max_size=2), twice=st.booleans())
    def attach(self, paths: set[str], twice: bool) -> None:
        """Tick files and press Attach, now and then in two tabs at once."""
        self.back_at_the_keyboard()
        for path in sorted(paths):
            self.pick(path)
        key = re.search(r'name="key" value="([^"]+)"', self.seen_by_bob(self.target))
        if key is None:
            return
        before, sent = self.accepted(), {"key": key[1]}
        answers = [self.bob.post(f"{self.target}send", sent, expect=None)]
        count = self.accepted()
        if count > before:
            assert self.known.may_attach_from_box, f"accepted from one who may not: {self.known}"
        if twice:
            answers.append(self.bob.post(f"{self.target}send", sent, expect=None))
            assert self.accepted() == count, "sent twice"
        assert all(answer.status < 500 for answer in answers)

    @rule(path=st.sampled_from(FILES))
    def pick_and_leave(self, path: str) -> None:
        self.back_at_the_keyboard()
        self.pick(path)

    @rule(which=st.integers(0, 3), again=st.booleans())
    def cancel_or_try_again(self, which: int, again: bool) -> None:
        self.back_at_the_keyboard()
        items = [item for item in copying.items(self.app) if (item.state in _MOVING) is not again]
        if not items:
            return
        item = items[which % len(items)]
        step = "retry" if again else "cancel"
        assert self.bob.post(f"/imports/items/{item.id}/{step}", expect=None).status < 500
        if not again:
            self.known.happened.add("cancelled")

    @rule(op=st.sampled_from(("disconnect", "revoke", "link", "link", "link as Rosa")))
    def turn_to_box(self, op: str) -> None:
        self.back_at_the_keyboard()
        if op == "revoke" and self.known.login:
            self.sandbox.revoke(self.known.login)
            self.known.is_revoked = True
        elif op == "disconnect" and self.known.login:
            self.show_that_it_is_bob()
            self.bob.post("/settings/box/disconnect", expect=303)
            self.known.login, self.known.is_revoked = "", False
            self.known.happened.add("disconnect")
        elif op.startswith("link"):
            self.link_as(ROSA if op.endswith("Rosa") else DEVON)

    # ---- what others do

    @rule(step=st.sampled_from(("send", "open", "open", "close")))
    def go_on(self, step: str) -> None:
        """Bob sends his RFI for review, or its manager opens and closes it."""
        self.back_at_the_keyboard()
        who = self.bob if step == "send" else self.alice
        assert who.post(f"{self.record}/move", {"move": step}, expect=None).status < 500
        self.known.status = self.column(Record.status)

    @rule(op=st.sampled_from(("none", "read only", "standard", "remove", "put back")))
    def move_bob(self, op: str) -> None:
        """Change what Bob may do on the project."""
        self.back_at_the_keyboard()
        bob = self.world.people["bob"]
        address = f"{self.home}/directory/people/{bob}"
        if op == "put back" and not self.known.is_member:
            with self.session():
                place = ProjectMember(project_id=self.world.tower, person_id=bob, level=2)
                db.session.add(place)
                db.session.commit()
            self.known.is_member, self.known.level = True, 2
        elif op == "remove" and self.known.is_member:
            self.alice.post(f"{address}/remove")
            self.known.is_member = False
            self.known.happened.add("left")
        elif op in LEVELS and self.known.is_member:
            self.alice.submit(self.alice.get(address), "/levels", usual=str(LEVELS[op]))
            self.known.level = LEVELS[op]

    @rule(op=st.sampled_from(("on", "off", "withdraw", "ask and grant", "block", "allow")))
    def turn_the_company(self, op: str) -> None:
        self.back_at_the_keyboard()
        here, manager = self.company, f"/box-requests/{self.world.acme}"
        if op in ("on", "off"):
            assert self.alice.post(here, {"action": op}, expect=None).status < 500
        elif op in ("block", "allow"):
            set_rules(self.alice, self.world, outside=op)
            self.known.happened.add("rules")
        elif op == "withdraw":
            why = {"action": "withdraw", "reason": "Not agreed any more."}
            assert self.imani.post(manager, why, expect=None).status < 500
        else:
            self.alice.post(here, {"action": "ask"}, expect=None)
            self.imani.post(manager, {"action": "grant"}, expect=None)
        self.look_at_the_company()

    # ---- workers, sessions, time, Box

    @rule()
    def work(self) -> None:
        copying.run_worker(self.app)

    @rule(moment=st.sampled_from(MOMENTS))
    def kill_the_worker(self, moment: str) -> None:
        """End a worker in the middle as a power cut would: it settles nothing."""
        os.environ["APP_FAILPOINTS"] = f"{moment}=die"
        try:
            copying.run_worker(self.app)
        except Died:
            pass
        finally:
            del os.environ["APP_FAILPOINTS"]

    @rule(action=st.sampled_from(FAULTS), times=st.integers(1, 3))
    def trouble_at_box(self, action: dict[str, object], times: int) -> None:
        self.sandbox.faults({"match": {"host": "download"}, "times": times, "action": action})

    @rule(path=st.sampled_from(FILES), op=st.sampled_from(("new_version", "trash", "rename")))
    def change_in_box(self, path: str, op: str) -> None:
        if path in self.known.trashed:
            return
        change = {"op": op, "id": self.files[path], "name": f"Renamed {self.files[path]}.pdf"}
        self.sandbox.control("POST", "files", change)
        if op == "trash":
            self.known.trashed.add(path)
        self.known.happened.add(op)

    @rule(minutes=st.sampled_from((0, 1, 20, 180)))
    def time_passes(self, minutes: int) -> None:
        """Let Bob's session be ended elsewhere, or the clock run."""
        if minutes == 0:
            with self.session():
                ended = delete(SessionRow).where(
                    SessionRow.person_id == self.world.people["bob"], SessionRow.kind == "browser"
                )
                db.session.execute(ended)
                db.session.commit()
            self.signed_out.add("bob")
        else:
            self.wait(minutes)

    # ---- what always holds

    def teardown(self) -> None:
        try:
            if hasattr(self, "record"):
                self.mend_everything()
                self.judge_the_end()
        finally:
            self.clock.stop()

    def check_invariants(self, settings: object, output: object, runtimes: object) -> None:
        super().check_invariants(settings, output, runtimes)  # type: ignore[arg-type]
        if not hasattr(self, "record"):
            return
        with self.session():
            doubled = (
                select(Attachment.import_item_id)
                .where(Attachment.import_item_id.is_not(None))
                .group_by(Attachment.import_item_id)
                .having(func.count() > 1)
            )
            assert not db.session.execute(doubled).all(), "attached twice"
            reasonless = select(ImportItem.id).where(
                ImportItem.state.in_((ItemState.FAILED, ItemState.CANCELLED)),
                ImportItem.reason.is_(None),
            )
            assert not db.session.execute(reasonless).all(), "ended without a reason"

    def mend_everything(self) -> None:
        """Let Box answer, give the company Box, link Bob again, and let the workers finish."""
        self.sandbox.clear_faults()
        if not self.known.is_granted:
            self.turn_the_company("ask and grant")
        if not self.known.is_on:
            self.turn_the_company("on")
        if not self.known.login or self.known.is_revoked:
            self.link_as(self.known.login or DEVON)
        for _ in range(8):
            copying.run_worker(self.app)
            if all(item.state not in _MOVING for item in copying.items(self.app)):
                return
            self.wait(20)

    def judge_the_end(self) -> None:
        copying.check_invariant(self.app, self.sandbox)
        for item in copying.items(self.app):
            self.stage.outcomes[item.reason or item.state] += 1
            assert item.state not in _MOVING, f"still {item.state}: {item.reason}"
            if item.state != ItemState.ATTACHED:
                self.judge(item)
        self.back_at_the_keyboard()
        assert self.charlie.get(self.record, expect=None).status == 404
        for file in copying.attachments(self.app):
            path = f"/attachments/{file.public_id}"
            assert self.charlie.get(path, expect=None).status == 404

    def judge(self, item: ImportItem) -> None:
        causes = ENDS.get(item.reason or "", set())
        assert causes & self.known.happened, (
            f"{item.state} for {item.reason!r}, which never happened: {self.known.happened}"
        )

    # ---- how it is done

    def pick(self, path: str) -> None:
        page = self.seen_by_bob(f"{self.target}box/folders/{self.folder}")
        token = re.search(rf'value="([^"]+)" data-id="{self.files[path]}"', page)
        where = re.search(r'name="in" value="([^"]+)"', page)
        if token and where:
            values = {"choice": token[1], "in": where[1]}
            answer = self.bob.post(f"{self.target}box/choose", values, expect=None)
            assert answer.status < 500

    def link_as(self, login: str) -> None:
        if not (self.known.is_on and self.known.is_granted):
            page = self.bob.post("/settings/box/link", expect=None)
            assert page.status == 403, "linked where no company lets anybody"
            return
        self.show_that_it_is_bob()
        answer = answer_of_box(self.sandbox, leave_for_box(self.bob), login=login)
        page = self.bob.get("/box/callback", query_string=answer)
        if any((form.get("action") or "").startswith("/box/linked/") for form in page.all("form")):
            page = self.bob.submit(page, page.response.request.path, choice="replace")
        assert login in page.text
        if self.last_login not in ("", login):
            self.known.happened.add("another account")
        self.known.login, self.known.is_revoked = login, False
        self.last_login = login

    def wait(self, minutes: int) -> None:
        self.now.shift(timedelta(minutes=minutes))
        self.sandbox.advance(minutes * 60)
        self.idle += minutes
        self.since_sign_in += minutes
        if self.idle >= SESSION_MINUTES:
            self.signed_out |= {"bob", "alice", "imani", "charlie"}

    def seen_by_bob(self, path: str) -> str:
        """Return a page as Bob gets it, "" where there is none for him; others read its HTML."""
        answer = self.bob.client.get(path, headers={"Host": HOST}, follow_redirects=True)
        assert answer.status_code < 500
        if not self.known.is_member:
            assert answer.status_code == 404, f"{path} answers somebody who has left"
        return str(answer.get_data(as_text=True)) if answer.status_code == 200 else ""

    def at_work(self, name: str) -> Visitor:
        """Return somebody who has signed in a moment ago."""
        visitor, token = Visitor(self.app), f"{name}-{START:%s}"
        with self.session():
            db.session.add(
                SessionRow(
                    id_hash=hashed(token),
                    person_id=self.world.people[name],
                    data={"_user_id": str(self.world.people[name]), "_fresh": True},
                    created_at=START,
                    seen_at=START,
                    expires_at=START + IDLE,
                )
            )
            db.session.commit()
        visitor.client.set_cookie(COOKIES[0], token, domain="127.0.0.1")
        return visitor

    def back_at_the_keyboard(self) -> None:
        """Sign those in again whose session has ended meanwhile."""
        for name in sorted(self.signed_out):
            self.sign_in(name)
        if "bob" in self.signed_out or self.idle < SESSION_MINUTES:
            self.idle = 0 if self.signed_out else self.idle
        self.signed_out.clear()

    def sign_in(self, name: str) -> None:
        getattr(self, name).sign_in(self.world.email(name))
        if name == "bob":
            self.since_sign_in = 0

    def show_that_it_is_bob(self) -> None:
        """Linking and disconnecting ask for the password when the sign-in is a while ago."""
        if self.since_sign_in >= RECENT_MINUTES:
            self.sign_in("bob")

    def look_at_the_company(self) -> None:
        """Read where the company stands; each step may have been refused for a good reason."""
        with self.session():
            company = db.session.get_one(Company, self.world.acme)
            self.known.is_on = not company.box_switched_off
            self.known.is_granted = company.box_grant == Grant.GRANTED
        if not self.known.is_granted:
            self.known.happened.add("withdrawn")
        if not (self.known.is_on and self.known.is_granted):
            self.known.happened.add("off")

    def accepted(self) -> int:
        with self.session():
            return db.session.scalar(select(func.count(ImportItem.id))) or 0

    def column(self, column: object) -> str:
        with self.session():
            query = select(column).where(Record.id == self.rfi)  # type: ignore[call-overload]
            return str(db.session.scalar(query))

    @contextmanager
    def session(self) -> Iterator[None]:
        with self.app.app_context():
            yield
            db.session.remove()


_MOVING = (ItemState.QUEUED, ItemState.COPYING, ItemState.WAITING_RELINK)
