"""When to try again, and what to tell meanwhile. Pure.

Waits double from 50 ms to 2 s, each drawn between 50 ms and its bound, so that many clients of one
broker do not come back in step.
"""
from collections.abc import Callable

from . import errors
from .link import Fate

WAIT_MIN_S = 0.05
WAIT_MAX_S = 2.0
# The broker may break one handshake off for its own reasons, while it starts or stops.
REFUSED_HANDSHAKES_TELL = 3


class Reconnect:
    def __init__(self, endpoint: str, name: str, draw: Callable[[float, float], float]) -> None:
        """`draw` is random.uniform, or a test's own."""
        self._endpoint, self._name, self._draw = endpoint, name, draw
        self._attempts = 0
        self._refused_handshakes = 0

    def opened(self) -> None:
        self._attempts = 0
        self._refused_handshakes = 0

    def wait_s(self) -> float:
        bound = min(WAIT_MAX_S, WAIT_MIN_S * 2 ** min(self._attempts, 16))
        self._attempts += 1
        return self._draw(WAIT_MIN_S, bound)

    def fault_of(self, fate: Fate) -> errors.GuildError:
        """Why there is no session, as far as these attempts tell."""
        refused = fate is Fate.HANDSHAKE_REFUSED
        self._refused_handshakes = self._refused_handshakes + 1 if refused else 0
        if fate is Fate.NOT_AUTHORIZED:
            return errors.NotAuthorized(f"the key of {self._name} is not on the broker's list")
        if self._refused_handshakes >= REFUSED_HANDSHAKES_TELL:
            return errors.WrongServerKey(
                f"{self._refused_handshakes} handshakes in a row broke off at {self._endpoint}:"
                " the broker public key is wrong"
            )
        return errors.BrokerUnreachable(f"{self._endpoint}: {fate.value}")
