"""Box for one session of one person: the store, the refresh rule and the client put together."""

from dataclasses import dataclass

from flask import current_app

from config import Config
from webapp.box.circuit import Circuit
from webapp.box.client import BoxClient
from webapp.box.oauth import OAuth
from webapp.box.tokens import AccessTokens
from webapp.box_link.circuit_row import CircuitRow
from webapp.box_link.linking import Linker
from webapp.box_link.locks import Locks, make_locks
from webapp.box_link.misconfigured import tell_managers, tell_of_narrow_scopes
from webapp.box_link.sealing import Sealer
from webapp.box_link.store import LinkTokenStore
from webapp.core.clock import utcnow

CALLBACK_PATH = "/box/callback"
_KEY = "plumbline.box"


@dataclass(frozen=True)
class BoxAccess:
    """How this installation reaches Box; made once, at start."""

    linker: Linker
    locks: Locks

    def client(self, *, person_id: int, session_hash: str) -> BoxClient:
        """Return Box as this person's session sees it."""
        store = LinkTokenStore(
            person_id=person_id,
            session_hash=session_hash,
            sealer=self.linker.sealer,
            locks=self.locks,
        )
        return BoxClient(
            AccessTokens(store, self.linker.refresh),
            api_url=self.linker.oauth.api_url,
            download_origins=self.linker.download_origins,
            narrow=tell_of_narrow_scopes,
        )


def make_box_access(config: Config) -> BoxAccess:
    oauth = OAuth(
        client_id=config.box_client_id,
        client_secret=config.box_client_secret,
        account_url=config.box_account_url,
        api_url=config.box_api_url,
        redirect_uri=config.public_url + CALLBACK_PATH,
    )
    circuit = Circuit(CircuitRow(), refresh=oauth.refresh, opened=tell_managers, now=utcnow)
    linker = Linker(oauth, Sealer(config.token_keys), config.box_download_hosts, circuit)
    locks = make_locks(config.database_url, config.data_dir, connections=config.lock_connections)
    return BoxAccess(linker, locks)


def install(box_access: BoxAccess) -> None:
    current_app.extensions[_KEY] = box_access


def box_access() -> BoxAccess:
    """Return this application's way to Box."""
    found = current_app.extensions[_KEY]
    assert isinstance(found, BoxAccess)
    return found
