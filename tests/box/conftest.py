"""Devon's Box through our client, his tokens held by the test."""

from collections.abc import Iterator

import pytest

from tests.box.held import Held, Listener, somebody_else
from tests.sandbox.people import App
from tests.sandbox.process import SandboxProcess
from webapp.box.client import BoxClient


@pytest.fixture
def held(sandbox: SandboxProcess) -> Iterator[Held]:
    app = App(sandbox).link()
    sandbox.forget_calls()
    yield Held(app)
    app.http.close()


@pytest.fixture
def box(held: Held) -> BoxClient:
    return held.client()


@pytest.fixture
def foreign() -> Iterator[Listener]:
    with somebody_else() as listener:
        yield listener
