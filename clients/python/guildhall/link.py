"""One connection to the broker: a DEALER with CURVE, and the monitor that tells its fate.

Owned by one thread. A link is used once: libzmq does not reconnect it, so nothing of an old session
reaches a new one. Source: docs/protocol.md, "Transport"; zmq_socket_monitor(3).
"""
import itertools
import time
from collections.abc import Iterator
from enum import Enum

import zmq
from zmq.utils.monitor import recv_monitor_message

from .errors import MalformedFrame
from .keys import Keys

MESSAGE_BYTES_MAX = 2 * 1024 * 1024
HANDSHAKE_MS = 2_000
HEARTBEAT_MS = 5_000
HEARTBEAT_TIMEOUT_MS = 15_000
# Frames taken in one go, so that sending has its turn.
RECEIVE_MAX = 64

_WATCHED = (
    zmq.EVENT_CONNECTED | zmq.EVENT_CLOSED | zmq.EVENT_DISCONNECTED
    | zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_AUTH
)  # fmt: skip
_monitor_serials = itertools.count()


class Fate(Enum):
    """How far a link came."""

    UNREACHABLE = "nothing listens there"
    NOT_AUTHORIZED = "the broker does not know this key"
    HANDSHAKE_REFUSED = "the broker broke the handshake off"
    SILENT = "the broker took the connection and did not answer"
    ENDED = "the connection ended"


class Link:
    def __init__(
        self, context: "zmq.Context[zmq.Socket[bytes]]", endpoint: str, keys: Keys, wake_fd: int
    ) -> None:
        self._dealer = context.socket(zmq.DEALER)
        self._poller = zmq.Poller()
        self._started = time.monotonic()
        self._connected = False
        self.ready = False
        self.fate: Fate | None = None
        self._set_options(keys)
        # A name of its own: the previous link's monitor may not be gone yet.
        self._monitor = self._dealer.get_monitor_socket(
            _WATCHED, f"inproc://guildhall-monitor-{next(_monitor_serials)}"
        )
        for source in (wake_fd, self._monitor, self._dealer):
            self._poller.register(source, zmq.POLLIN)
        try:
            self._dealer.connect(endpoint)
        except zmq.ZMQError:
            self.fate = Fate.UNREACHABLE

    def _set_options(self, keys: Keys) -> None:
        dealer = self._dealer
        dealer.curve_publickey = keys.public
        dealer.curve_secretkey = keys.secret
        dealer.curve_serverkey = keys.broker_public
        dealer.setsockopt(zmq.IMMEDIATE, 1)
        dealer.setsockopt(zmq.RECONNECT_IVL, -1)
        dealer.setsockopt(zmq.MAXMSGSIZE, MESSAGE_BYTES_MAX)
        dealer.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
        dealer.setsockopt(zmq.HEARTBEAT_IVL, HEARTBEAT_MS)
        dealer.setsockopt(zmq.HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS)
        dealer.setsockopt(zmq.LINGER, 0)

    def wait(self, to_send: bool, timeout_ms: int | None) -> None:
        """Until something came, the wake descriptor is readable, or what is to be sent can be."""
        self._poller.register(self._dealer, zmq.POLLIN | (zmq.POLLOUT if to_send else 0))
        self._poller.poll(timeout_ms)

    def look(self) -> None:
        """Reads the monitor: sets `ready` and `fate`."""
        while self._monitor.poll(0):
            self._on_event(recv_monitor_message(self._monitor)["event"])

    def receive(self) -> Iterator[bytes]:
        """The frames that are here; MalformedFrame for a message of several parts."""
        for _ in range(RECEIVE_MAX):
            try:
                frame = self._dealer.recv(zmq.NOBLOCK)
            except zmq.Again:
                return
            if self._dealer.getsockopt(zmq.RCVMORE):
                raise MalformedFrame("a message of several parts")
            yield frame

    def send(self, frame: bytes) -> bool:
        """False when it cannot go yet; it was not taken."""
        try:
            self._dealer.send(frame, zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

    def close(self, linger_ms: int) -> None:
        self._dealer.disable_monitor()
        self._monitor.close(0)
        self._dealer.close(linger_ms)

    def _on_event(self, event: int) -> None:
        if event == zmq.EVENT_CONNECTED:
            self._connected = True
        elif event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
            self.ready = True
        elif self.fate is None:
            self.fate = self._fate_of(event)

    def _fate_of(self, event: int) -> Fate:
        if event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
            return Fate.NOT_AUTHORIZED
        if self.ready:
            return Fate.ENDED
        if not self._connected:
            return Fate.UNREACHABLE
        # A broker that is stopped or overloaded lets the handshake's time pass; one whose key is
        # another's hangs up at once.
        took_ms = (time.monotonic() - self._started) * 1000
        return Fate.SILENT if took_ms >= HANDSHAKE_MS else Fate.HANDSHAKE_REFUSED
