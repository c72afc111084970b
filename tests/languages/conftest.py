"""Alice in Spanish: what she sees of Tower when she has chosen it in My Settings."""

import pytest

from tests.sandbox.process import SandboxProcess
from tests.support.linking import link
from tests.support.pages import Page, Visitor


def choose(visitor: Visitor, language: str) -> Page:
    """Choose a language in My Settings; returns the page as it then is."""
    return visitor.submit(visitor.get("/settings"), "/settings", language=language)


@pytest.fixture
def alicia(alice: Visitor) -> Visitor:
    choose(alice, "es")
    return alice


@pytest.fixture
def linked(alicia: Visitor, sandbox: SandboxProcess) -> Visitor:
    link(alicia, sandbox)
    return alicia
