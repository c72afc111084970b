"""Alice with her Box linked, and the RFI she attaches to."""

from dataclasses import dataclass
from threading import Thread

import pytest
from flask import Flask

from tests.sandbox.process import SandboxProcess
from tests.support import copying
from tests.support.linking import link
from tests.support.pages import Page, Visitor
from tests.support.world import World
from webapp.attachments.models import Attachment
from webapp.imports.models import ImportItem

ADMIN = "Quillmark Projects/2317 Larkspur MOB/00 Project Admin"
PERMIT = f"{ADMIN}/Building permit BP-25-0417.pdf"
CARDS = f"{ADMIN}/Contact cards.vcf"
W9 = f"{ADMIN}/Fennimore - W-9.pdf"
SMALL = f"{ADMIN}/Letter 0012 - Notice of delay.docx"


@dataclass
class Bench:
    """One linked person, one record, and the worker in the test's own thread."""

    app: Flask
    sandbox: SandboxProcess
    person: Visitor
    record: str

    @property
    def target(self) -> str:
        return f"{self.record}/attach/"

    def choose(self, *paths: str) -> None:
        copying.choose(self.person, self.sandbox, self.target, *paths)

    def attach(self, *paths: str) -> Page:
        return copying.attach(self.person, self.sandbox, self.target, *paths)

    def work(self) -> None:
        copying.run_worker(self.app)

    def work_beside(self) -> Thread:
        """Start the worker in a thread of its own; join it."""
        worker = Thread(target=self.work)
        worker.start()
        return worker

    def items(self) -> list[ImportItem]:
        return copying.items(self.app)

    def item(self) -> ImportItem:
        (found,) = self.items()
        return found

    def attachments(self) -> list[Attachment]:
        return copying.attachments(self.app)

    def check(self) -> None:
        copying.check_invariant(self.app, self.sandbox)

    def page(self) -> Page:
        return self.person.get(self.record)


@pytest.fixture
def bench(app: Flask, alice: Visitor, sandbox: SandboxProcess, world: World) -> Bench:
    link(alice, sandbox)
    return Bench(app, sandbox, alice, f"/projects/{world.tower}/rfis/{world.rfi}")
