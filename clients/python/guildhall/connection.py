"""The I/O thread: it owns the link, keeps a session open, and moves frames.

Everything protocol lives in Session and Outbox, which are touched under `changed` alone; the thread
sends and receives without it. `changed` is notified when there is room, a session, or a fault.
"""
import logging
import os
import random
import select
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import zmq

from . import errors, frames
from .keys import Keys
from .link import Fate, Link
from .outbox import Outbox, Window
from .reconnect import Reconnect
from .session import Session, State

_log = logging.getLogger("guildhall")

# From the start of a connection to WELCOME.
OPENING_S = 5.0
# Frames sent in one go, so that receiving has its turn.
SEND_MAX = 16
LINGER_MS = 1_000
WAKE_BYTES = 64


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the client does. The first two are called with `changed` held, all on the I/O thread."""

    opened: Callable[[Session], None]
    ended: Callable[[errors.GuildError, int], None]
    """Why, and how many publications are unknown for it."""
    received: Callable[[Session, frames.Sized], None]


class Connection:
    def __init__(
        self, endpoint: str, keys: Keys, offer: Window, outbox: Outbox,
        next_correlation: Callable[[], int], hooks: Hooks,
    ) -> None:  # fmt: skip
        self.changed = threading.Condition()
        self.session: Session | None = None
        """The open one; None while there is none."""
        self.fault: errors.GuildError | None = None
        """Why there is none."""
        self._endpoint, self._keys, self._offer = endpoint, keys, offer
        self._outbox, self._next_correlation, self._hooks = outbox, next_correlation, hooks
        self._reconnect = Reconnect(endpoint, keys.name, random.uniform)
        self._wake_fd, self._waker_fd = os.pipe()
        os.set_blocking(self._wake_fd, False)
        os.set_blocking(self._waker_fd, False)
        self._signalled = False
        self._waking = threading.Lock()
        self._stopping = False
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._thread = threading.Thread(target=self._run, name="guildhall-io", daemon=True)

    def start(self) -> None:
        """Once all that the hooks use is there."""
        self._thread.start()

    def wake(self) -> None:
        """There is something to send. From any thread."""
        if self._signalled:
            return
        with self._waking:
            if not self._signalled:
                self._signalled = True
                os.write(self._waker_fd, b"!")

    def stop(self) -> None:
        """Sends what may be sent, and ends the thread. Called once."""
        self._stopping = True
        self.wake()
        self._thread.join()
        self._context.term()  # Waits for the linger.
        with self._waking:
            self._signalled = True  # For ever: the descriptors may soon be somebody else's.
            os.close(self._wake_fd)
            os.close(self._waker_fd)

    # --- the thread

    def _run(self) -> None:
        while not self._stopping:
            try:
                fault = self._live_once()
            except Exception as error:
                # A bug of ours. Nobody may wait for a thread that is gone.
                _log.exception("the I/O thread failed")
                fault = errors.Closed(f"the I/O thread failed: {error}")
                self._stopping = True
            with self.changed:
                self.fault = fault
                self.changed.notify_all()
            if not self._stopping:
                self._pause(self._reconnect.wait_s())

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not self._stopping and (left := end - time.monotonic()) > 0:
            select.select([self._wake_fd], [], [], left)
            self._drain_wake()

    def _drain_wake(self) -> None:
        # Cleared before what it announces is looked at, so that no later wake is lost.
        self._signalled = False
        try:
            os.read(self._wake_fd, WAKE_BYTES)
        except BlockingIOError:
            pass

    def _live_once(self) -> errors.GuildError:
        """One link, from connect to its end; why it ended."""
        link = Link(self._context, self._endpoint, self._keys, self._wake_fd)
        session = Session(self._outbox, self._next_correlation, self._offer, self.wake)
        fault: errors.GuildError
        try:
            fate = _Exchange(self, link, session).run()
            fault = self._reconnect.fault_of(fate)
            if self._stopping:
                fault = errors.Closed("the client was closed")
        except (errors.SessionRefused, errors.MalformedFrame) as error:
            fault = error
        finally:
            link.close(LINGER_MS if self._stopping else 0)
        self._end(session, fault)
        return fault

    def _end(self, session: Session, fault: errors.GuildError) -> None:
        with self.changed:
            was_open = self.session is session
            self.session = None
            unknown = session.end(fault)
            if was_open:
                self._hooks.ended(fault, unknown)


class _Exchange:
    """The loop of one link."""

    def __init__(self, connection: Connection, link: Link, session: Session) -> None:
        self._connection, self._link, self._session = connection, link, session
        self._unsent = b""
        self._more = False
        self._opening_ends = time.monotonic() + OPENING_S

    def run(self) -> Fate:
        connection, link = self._connection, self._link
        while link.fate is None:
            link.wait(bool(self._unsent), self._timeout_ms())
            connection._drain_wake()
            link.look()
            self._receive()
            if link.fate:
                break
            if self._timeout_ms() == 0 and not self._more:
                return Fate.SILENT
            if link.ready:
                self._send()
            if connection._stopping and not self._more:
                return Fate.ENDED
        return self._last_words(link.fate)

    def _timeout_ms(self) -> int | None:
        if self._more:
            return 0
        if self._session.state is State.OPEN:
            return None
        return max(0, int((self._opening_ends - time.monotonic()) * 1000))

    def _last_words(self, fate: Fate) -> Fate:
        """What came before the end, a REFUSED above all, is read to its end."""
        while self._receive():
            pass
        return fate

    def _receive(self) -> bool:
        any_came = False
        for frame in self._link.receive():
            any_came = True
            self._take(frame)
        return any_came

    def _take(self, frame: bytes) -> None:
        connection, session = self._connection, self._session
        with connection.changed:
            was_open = session.state is State.OPEN
            for_application = session.receive(frame)
            if not was_open and session.state is State.OPEN:
                self._open()
            connection.changed.notify_all()
        for sized in for_application:
            connection._hooks.received(session, sized)

    def _open(self) -> None:
        connection = self._connection
        connection.session, connection.fault = self._session, None
        connection._reconnect.opened()
        connection._hooks.opened(self._session)

    def _send(self) -> None:
        for _ in range(SEND_MAX):
            frame = self._unsent or self._next_frame()
            self._unsent = b""
            if not frame:
                self._more = False
                return
            if not self._link.send(frame):
                self._unsent, self._more = frame, False
                return
        self._more = True

    def _next_frame(self) -> bytes:
        with self._connection.changed:
            frame = self._session.next_frame(time.monotonic())
            if frame:
                self._connection.changed.notify_all()
            return frame
