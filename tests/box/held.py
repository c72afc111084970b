"""A Box client over tokens that a test holds by itself, and a listener that must hear nothing."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import requests

from tests.sandbox.people import App
from tests.sandbox.process import SandboxProcess
from webapp.box.client import BoxClient
from webapp.box.tokens import AccessToken


@dataclass
class Held:
    """A bearer as the client sees it; counts what it is asked for."""

    app: App
    generation: int = 1
    refusals: list[int] = field(default_factory=list)

    def bearer(self, refused: AccessToken | None = None) -> AccessToken:
        if refused is not None:
            self.refusals.append(refused.generation)
            self.app.refresh()
            self.generation += 1
        return AccessToken(self.app.tokens.access, self.generation)

    def client(self, session: requests.Session | None = None) -> BoxClient:
        sandbox = self.app.sandbox
        return BoxClient(
            self,
            api_url=sandbox.api_url,
            download_origins=(sandbox.download_url,),
            session=session,
        )


def listings(sandbox: SandboxProcess) -> int:
    return int(sandbox.calls()["counts"].get("GET /2.0/folders/:id/items", 0))


class Listener:
    """A port of somebody else's; remembers whether anybody came."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.visits = 0
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while True:
            try:
                visitor, _address = self._socket.accept()
            except OSError:
                return
            self.visits += 1
            visitor.close()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)


@contextmanager
def somebody_else() -> Iterator[Listener]:
    listener = Listener()
    try:
        yield listener
    finally:
        listener.close()
