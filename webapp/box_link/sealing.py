"""Sealing of tokens: AES-256-GCM, the key named in the value, its place in the database bound in.

A value moved to another row, another person, another kind or an older generation does not open.
Format: `v1.<key id>.<base64url(nonce, ciphertext, tag)>`.
"""

import base64
import binascii
import secrets
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from config import TokenKey

NONCE_BYTES = 12
CANARY = "plumbline"


class SealBroken(Exception):
    """The value does not open here: a key this ring lacks, another row's value, or damage.

    Another process may have a ring that opens it, so nothing stored is ever changed for this.
    """


@dataclass(frozen=True)
class Place:
    """Where a sealed value belongs; everything here must match to open it."""

    kind: str
    person_id: int
    row: str = ""
    generation: int = 0

    def bound_to(self, key_id: str) -> bytes:
        return f"v1|{key_id}|{self.kind}|{self.row}|{self.person_id}|{self.generation}".encode()


class Sealer:
    """Seals with the first key of the ring, opens with whichever key the value names."""

    def __init__(self, ring: tuple[TokenKey, ...]) -> None:
        if not ring:
            raise ValueError("a sealer needs at least one key")
        self._active = ring[0].key_id
        self._keys = {key.key_id: AESGCM(key.secret) for key in ring}

    def seal(self, text: str, place: Place) -> str:
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = self._keys[self._active].encrypt(
            nonce, text.encode(), place.bound_to(self._active)
        )
        return f"v1.{self._active}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, value: str, place: Place) -> str:
        """Return the text; raises SealBroken."""
        version, _, rest = value.partition(".")
        key_id, _, encoded = rest.partition(".")
        key = self._keys.get(key_id)
        if version != "v1" or key is None:
            raise SealBroken(f"no key {key_id!r}")
        try:
            raw = base64.urlsafe_b64decode(encoded)
            return key.decrypt(
                raw[:NONCE_BYTES], raw[NONCE_BYTES:], place.bound_to(key_id)
            ).decode()
        except (InvalidTag, binascii.Error, ValueError):
            raise SealBroken("the value belongs elsewhere or is damaged") from None
