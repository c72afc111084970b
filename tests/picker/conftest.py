"""Alice, with her Box linked, in front of an RFI's Attach File(s)."""

from collections.abc import Iterator

import pytest

from tests.picker.dialog import picker
from tests.sandbox.process import SandboxProcess
from tests.support.linking import link
from tests.support.pages import Visitor
from tests.support.world import World
from webapp.core.extensions import limiter


@pytest.fixture
def here(world: World) -> str:
    """The address of the dialog; all others begin with it."""
    return picker(world)


@pytest.fixture
def linked(alice: Visitor, sandbox: SandboxProcess) -> Visitor:
    link(alice, sandbox)
    sandbox.forget_calls()
    return alice


@pytest.fixture
def limits() -> Iterator[None]:
    """Rate limits as in production; other tests run without."""
    limiter.enabled = True
    yield
    limiter.enabled = False
