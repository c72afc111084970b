"""Stops the token calls for a while when Box does not know this installation.

A wrong client id or secret concerns everybody at once: without this, every page of every person
would ask Box again and be refused again. What Box says about one grant never opens it.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from webapp.box.errors import BoxMisconfigured, BoxShutOut
from webapp.box.tokens import InvalidGrant, TokenPair

PAUSE = timedelta(seconds=30)
# What stands in for a refresh token where only the client's credentials are in question.
NOBODYS_GRANT = "plumbline-asks-whether-box-knows-it"


class CircuitState(Protocol):
    """Where the circuit is kept: one for all processes of an installation."""

    def next_try(self) -> datetime | None:
        """Return when Box may be asked again; None while the circuit is closed."""

    def take_turn(self, now: datetime, until: datetime) -> bool:
        """Put the next try off to `until`; True for the one caller who may ask now."""

    def open(self, next_try: datetime) -> None:
        """Open the circuit, or keep it open, until `next_try`."""

    def close(self) -> None:
        """Close the circuit."""


class Circuit:
    """Open from a refusal of our credentials until Box has accepted them again.

    While it is open, one call in each pause asks whether it still must be; `probe` is such a call,
    for whoever does the chores. `opened` is called at each refusal, to tell who can repair it.
    """

    def __init__(
        self,
        state: CircuitState,
        *,
        refresh: Callable[[str], TokenPair],
        opened: Callable[[], None],
        now: Callable[[], datetime],
    ) -> None:
        self._state = state
        self._refresh = refresh
        self._opened = opened
        self._now = now

    @property
    def is_open(self) -> bool:
        return self._state.next_try() is not None

    def ask(self, call: Callable[[], TokenPair], *, at_once: bool = False) -> TokenPair:
        """Make a token call, or raise BoxMisconfigured without one while the circuit is open.

        `at_once` is for a call that a person has just asked for by hand and that cannot wait.
        Raises BoxShutOut where Box knows us and refuses us this one grant.
        """
        is_closed = not self.is_open
        if not (is_closed or at_once or self._take_turn()):
            raise BoxMisconfigured("not asked again yet")
        try:
            pair = call()
        except BoxMisconfigured as refusal:
            if self._knows_us():
                raise BoxShutOut(str(refusal)) from None
            raise
        except InvalidGrant:
            # Box has looked at the grant, so it knows who asks.
            self._accepted(was_closed=is_closed)
            raise
        self._accepted(was_closed=is_closed)
        return pair

    def probe(self) -> None:
        """Ask Box whether it knows us again, if the circuit is open and a try is due."""
        if self.is_open and self._take_turn() and self._knows_us():
            self._state.close()

    def _knows_us(self) -> bool:
        """Ask with a grant of nobody's; opens the circuit where Box refuses our credentials.

        Raises BoxUnavailable where Box gives no answer to tell by.
        """
        try:
            self._refresh(NOBODYS_GRANT)
        except InvalidGrant:
            return True
        except BoxMisconfigured:
            self._state.open(self._now() + PAUSE)
            self._opened()
            return False
        return True

    def _take_turn(self) -> bool:
        now = self._now()
        return self._state.take_turn(now, now + PAUSE)

    def _accepted(self, *, was_closed: bool) -> None:
        if not was_closed:
            self._state.close()
