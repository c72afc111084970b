"""A mail server, and an application that sends through it."""

from collections.abc import Iterator

import pytest
from flask import Flask

from tests.support.mailing import Server, sending_through, smtp_server


@pytest.fixture
def server(app: Flask) -> Iterator[Server]:
    with smtp_server() as found, sending_through(app, found.port):
        yield found
