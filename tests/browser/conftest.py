"""Real processes, a real Chromium, and people whose Box is linked or not.

The processes are started once per module over a database of their own; every test works on records
that it makes itself, so that nothing is left over from another.
"""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from config import Config
from tests.sandbox.people import PEOPLE, callback
from tests.sandbox.people import Browser as BoxBrowser
from tests.sandbox.process import DEVON, SandboxProcess
from tests.support import chromium
from tests.support.chromium import Surfer
from tests.support.deployment import Deployment
from tests.support.processes import Person, Plumbline
from tests.support.world import World
from webapp.core.blobs import make_blobs

FAILED = pytest.StashKey[bool]()

expect.set_options(timeout=chromium.WAIT_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep each module of this folder in one process, because its tests share what is running."""
    for item in items:
        if item.path.parent.name == "browser":
            item.add_marker(pytest.mark.xdist_group(f"browser-{item.path.stem}"))
            for mark in (pytest.mark.browser, pytest.mark.processes, pytest.mark.slow):
                item.add_marker(mark)


@pytest.fixture(scope="module")
def plumbline(deployed: Deployment, config: Config, template_world: World) -> Iterator[Plumbline]:
    """The web and the worker, over a database nobody has used yet."""
    deployed.prepare_database()
    deployed.prepare_storage()
    make_blobs(deployed.storage_url)
    with Plumbline(config) as running:
        yield running
        assert "TKN_" not in running.log
        assert "Traceback" not in running.log, running.log[-4000:]


@pytest.fixture(scope="session")
def chrome() -> Iterator[Browser]:
    """Chromium, once; every test has a context of its own in it."""
    with chromium.started() as browser:
        yield browser


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember on the test how it went, for the fixtures that end with it."""
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    return report


@pytest.fixture
def surfers(
    request: pytest.FixtureRequest, chrome: Browser, plumbline: Plumbline, sandbox: SandboxProcess
) -> Iterator[Callable[..., Surfer]]:
    """Open browsers; each must have been quiet by the end of the test.

    After a failure it prints what they showed and what the processes said: it cannot be seen later.
    """
    opened: list[Surfer] = []

    def open_one(**options: object) -> Surfer:
        opened.append(Surfer(chrome, plumbline.url, **{**chromium.DESKTOP, **options}))
        return opened[-1]

    yield open_one
    if request.node.stash.get(FAILED, False):
        for surfer in opened:
            print(f"--- the browser at {surfer.tab.url}\n{surfer.tab.locator('body').inner_text()}")
        print(f"--- the processes\n{plumbline.log[-6000:]}")
    for surfer in opened:
        surfer.close()
    sandbox.clear_faults()
    for surfer in opened:
        surfer.watch.check()


@dataclass
class Actor:
    """Somebody who is signed in, without a browser so far."""

    plumbline: Plumbline
    sandbox: SandboxProcess
    person: Person
    id: int
    project: int

    def new_rfi(self, subject: str, *others: int) -> str:
        """Make an open RFI for oneself and others, and return the address of its page."""
        list_page = f"/projects/{self.project}/rfis"
        made = self.person.submit(list_page, list_page)
        edit = urlsplit(made.url).path
        form = self.person.form(edit, "/edit")
        me = str(self.id)
        asked: dict[str, object] = {"title": subject, "question": "Which one?", "manager": me}
        asked["assignees"] = [me, *(str(other) for other in others)]
        record = edit.removesuffix("/edit")
        saved = self.person.post(form.action, {**form.values, **asked, "move": "open"})
        assert urlsplit(saved.url).path == record, saved.text
        return record

    def link(self, login: str = DEVON) -> None:
        """Link their Box the way a browser does."""
        form = self.person.form("/help/box", "/sign-out")
        left = self.person.post("/settings/box/link", {"csrf_token": form.values["csrf_token"]})
        assert left.status_code == 200, left.status_code
        box = BoxBrowser(self.sandbox)
        address = left.headers["Refresh"].removeprefix("0; url=")
        page = box.http.get(address, allow_redirects=False, timeout=30)
        answer = callback(box.submit(box.sign_in(page, login), decision="grant"))
        box.http.close()
        done = self.person.get("/box/callback", params=answer)
        assert login in done.text, done.text[:2000]

    def unlink(self) -> None:
        """Have no link, whatever was there."""
        if "Disconnect…" in self.person.get("/settings/box").text:
            self.person.submit("/settings/box/disconnect", "/disconnect")


@pytest.fixture(scope="module")
def people(plumbline: Plumbline, template_world: World) -> Callable[[str], Person]:
    """Sign people in once per module."""
    known: dict[str, Person] = {}

    def person(name: str) -> Person:
        if name not in known:
            known[name] = plumbline.person(template_world.email(name))
        return known[name]

    return person


@pytest.fixture
def alice_here(
    plumbline: Plumbline,
    sandbox: SandboxProcess,
    people: Callable[[str], Person],
    template_world: World,
) -> Actor:
    """Alice with nothing linked."""
    actor = Actor(
        plumbline, sandbox, people("alice"), template_world.people["alice"], template_world.tower
    )
    actor.unlink()
    return actor


@pytest.fixture
def linked(alice_here: Actor) -> Actor:
    """Alice with Devon's Box."""
    alice_here.link()
    return alice_here


@pytest.fixture
def bob_here(
    plumbline: Plumbline,
    sandbox: SandboxProcess,
    people: Callable[[str], Person],
    template_world: World,
) -> Iterator[Actor]:
    """Bob with Rosa's Box, for one test alone: what he attaches moves where Alice begins."""
    actor = Actor(
        plumbline, sandbox, people("bob"), template_world.people["bob"], template_world.tower
    )
    actor.unlink()
    actor.link(PEOPLE["rosa"])
    yield actor
    actor.unlink()


@pytest.fixture
def surfer(alice_here: Actor, surfers: Callable[..., Surfer]) -> Surfer:
    """Alice's browser on a desk, signed in."""
    one = surfers()
    one.take_cookies(alice_here.person.http)
    return one
