"""One sandbox for all tests of this folder, as freshly started for each of them."""

from collections.abc import Callable, Iterator

import pytest

from tests.sandbox.people import PEOPLE, App, Browser
from tests.sandbox.process import SandboxProcess


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[SandboxProcess]:
    with SandboxProcess("--redirect-uri", "https://plumbline.example/box/callback") as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox: SandboxProcess) -> SandboxProcess:
    running_sandbox.reset()
    return running_sandbox


@pytest.fixture
def tab(sandbox: SandboxProcess) -> Iterator[Browser]:
    """A browser in which nobody has signed in to Box yet."""
    tab = Browser(sandbox)
    yield tab
    tab.http.close()


@pytest.fixture
def devon(sandbox: SandboxProcess) -> Iterator[App]:
    """An app that Devon has granted access to his Box."""
    app = App(sandbox).link()
    yield app
    app.http.close()


@pytest.fixture
def linked(sandbox: SandboxProcess) -> Iterator[Callable[[str], App]]:
    """Return an app that a person, by first name, has granted access to their Box."""
    apps: list[App] = []

    def link(name: str) -> App:
        apps.append(App(sandbox).link(PEOPLE[name]))
        return apps[-1]

    yield link
    for app in apps:
        app.http.close()
