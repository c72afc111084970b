"""Stops the token calls for a while when Box does not know this installation.

A wrong client id or secret concerns everybody at once: without this, every page of every person
would ask Box again and be refused again. One per process.
"""

import threading
import time
from collections.abc import Callable

from webapp.box.errors import BoxMisconfigured
from webapp.box.tokens import InvalidGrant, TokenPair

PAUSE_SECONDS = 60.0


class Circuit:
    """Open from a refusal of our credentials until Box has accepted them again.

    While it is open, one call a minute asks whether it still must be. `opened` is called at each
    refusal, to tell those who can repair it.
    """

    def __init__(
        self, opened: Callable[[], None], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._opened = opened
        self._clock = clock
        self._lock = threading.Lock()
        self._next_try: float | None = None

    @property
    def is_open(self) -> bool:
        return self._next_try is not None

    def ask(self, call: Callable[[], TokenPair], *, at_once: bool = False) -> TokenPair:
        """Make a token call, or raise BoxMisconfigured without one while the circuit is open.

        `at_once` is for a call that a person has just asked for by hand and that cannot wait.
        """
        if not (self._take_turn() or at_once):
            raise BoxMisconfigured("not asked again yet")
        try:
            pair = call()
        except BoxMisconfigured:
            self._set(self._clock() + PAUSE_SECONDS)
            self._opened()
            raise
        except InvalidGrant:
            # Box has looked at the grant, so it knows who asks.
            self._set(None)
            raise
        self._set(None)
        return pair

    def _take_turn(self) -> bool:
        """True for every call while closed, and for one call a minute while open."""
        with self._lock:
            if self._next_try is None:
                return True
            if self._clock() < self._next_try:
                return False
            self._next_try = self._clock() + PAUSE_SECONDS
            return True

    def _set(self, next_try: float | None) -> None:
        with self._lock:
            self._next_try = next_try
