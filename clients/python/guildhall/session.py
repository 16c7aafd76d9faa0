"""One session: frames in, frames out, and what the application gets of them.

No socket, and pure but for Processed, which other threads touch without the client's lock. A
session is one connection; its end is the end of this object. Source: docs/protocol.md, "Session"
and "Credit".
"""
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from enum import Enum
from typing import Any

from . import errors, frames
from .outbox import FRAME_BYTES, Outbox, Window


# Of a busy application, how long processed items may wait to be told together.
TELL_S = 0.01


class State(Enum):
    OPENING = "opening"
    OPEN = "open"
    OVER = "over"


class Processed:
    """What the application is done with and the broker has not been told of yet.

    Each delivered run holds the one of its session: credit is never returned to another.
    """

    def __init__(self, offer: Window, wake: Callable[[], None]) -> None:
        self._lock = threading.Lock()
        self._wake = wake
        self._window = Window()
        self._much = Window(offer.messages // 8, offer.bytes // 8)
        self._told = 0.0
        self._over = False

    def add(self, messages: int, bytes_: int, idle: bool) -> None:
        """Returned together when much of the window is, often enough, and when all is done."""
        now = time.monotonic()
        with self._lock:
            if self._over:
                return
            window = self._window
            window.add(messages, bytes_)
            much = window.messages >= self._much.messages or window.bytes >= self._much.bytes
            if not (idle or much or now - self._told >= TELL_S):
                return
            self._told = now
        self._wake()

    def take(self) -> Window:
        with self._lock:
            taken, self._window = self._window, Window()
        return taken

    def end(self) -> None:
        with self._lock:
            self._over = True


class Session:
    def __init__(
        self,
        outbox: Outbox,
        next_correlation: Callable[[], int],
        offer: Window,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        """`offer` is what the broker may have in flight to us."""
        self.state = State.OPENING
        self.welcome = frames.Welcome()
        self.processed = Processed(offer, wake)
        self._outbox = outbox
        self._next_correlation = next_correlation
        self._control: deque[bytes] = deque()
        self._operations: dict[int, Future[None]] = {}
        self._pings: dict[int, Future[None]] = {}
        self._send(frames.Hello(credit_messages=offer.messages, credit_bytes=offer.bytes))

    def operate(self, kind: type[frames.Record], pattern: str) -> Future[None]:
        """SUBSCRIBE and its like: done, or failed with what DENIED said."""
        outcome: Future[None] = Future()
        correlation = self._next_correlation()
        self._operations[correlation] = outcome
        self._send(kind(number=correlation, topic=pattern))
        return outcome

    def ping(self) -> Future[None]:
        answered: Future[None] = Future()
        number = self._next_correlation()
        self._pings[number] = answered
        self._send(frames.Ping(number=number))
        return answered

    def cancel(self, correlation: int) -> None:
        self._send(frames.Cancel(number=correlation))

    def say_goodbye(self) -> None:
        self._send(frames.Goodbye())

    def next_frame(self, now: float) -> bytes:
        """What to send next; empty when there is nothing, or no credit for it."""
        if self.state is State.OVER:
            return b""
        parts: list[bytes] = []
        self._pack_control(parts)
        if self.state is State.OPEN:
            self._pack_credit(parts)
            parts += self._outbox.pack(now).records
        return b"".join(parts)

    def receive(self, frame: bytes) -> list[frames.Sized]:
        """Takes a frame in; the records in it that are for the application.

        MalformedFrame or SessionRefused when the session is over by it.
        """
        for_application: list[frames.Sized] = []
        for sized in frames.decode(frame):
            self._check_order(sized.record)
            handler = _HANDLERS.get(type(sized.record))
            if handler is None:
                for_application.append(sized)
            else:
                handler(self, sized.record, sized.size)
        return for_application

    def end(self, fault: errors.GuildError) -> int:
        """The connection is gone. How many publications are unknown for it."""
        self.state = State.OVER
        self.processed.end()
        lost = errors.Unknown(f"the session ended before the answer: {fault.message}")
        for outcome in (*self._operations.values(), *self._pings.values()):
            if not outcome.done():
                outcome.set_exception(lost)
        self._operations.clear()
        self._pings.clear()
        return self._outbox.end(lost)

    # --- out

    def _send(self, record: frames.Record) -> None:
        self._control.append(frames.encode(record))

    def _pack_control(self, parts: list[bytes]) -> None:
        """So many that the largest payload still fits the same frame."""
        size = 0
        while self._control and size + len(self._control[0]) <= FRAME_BYTES:
            size += len(self._control[0])
            parts.append(self._control.popleft())

    def _pack_credit(self, parts: list[bytes]) -> None:
        processed = self.processed.take()
        if processed.messages or processed.bytes:
            parts.append(
                frames.encode(frames.Credit(number=processed.bytes, messages=processed.messages))
            )

    # --- in

    def _check_order(self, record: frames.Record) -> None:
        opening = self.state is State.OPENING
        if opening and not isinstance(record, (frames.Welcome, frames.Refused)):
            raise errors.MalformedFrame(f"a {type(record).__name__} before WELCOME")
        if not opening and isinstance(record, frames.Welcome):
            raise errors.MalformedFrame("a second WELCOME")

    def _on_welcome(self, record: frames.Welcome, _size: int) -> None:
        if record.version != frames.VERSION:
            raise errors.SessionRefused(
                f"the broker speaks version {record.version}", "version_unsupported"
            )
        self.welcome = record
        self.state = State.OPEN
        self._outbox.begin(record.credit_messages, record.credit_bytes)

    def _on_refused(self, record: frames.Refused, _size: int) -> None:
        raise errors.refusal(record.code, record.reason)

    def _on_done(self, record: frames.Done, _size: int) -> None:
        outcome = self._operations.pop(record.number, None)
        if outcome:
            outcome.set_result(None)

    def _on_denied(self, record: frames.Denied, _size: int) -> None:
        fault = errors.denial(record.code, record.reason)
        if record.count:
            self._outbox.denied(record.number, record.count, record.topic, fault)
        elif outcome := self._operations.pop(record.number, None):
            outcome.set_exception(fault)

    def _on_ack(self, record: frames.Ack, _size: int) -> None:
        self._outbox.acked(record.number)

    def _on_grant(self, record: frames.CreditGrant, _size: int) -> None:
        self._outbox.grant(record.messages, record.number)

    def _on_reply(self, record: frames.ReplyDelivery, size: int) -> None:
        # It goes straight to the one who waits for it.
        self.processed.add(1, size, idle=True)
        if record.status == frames.STATUS_OK:
            self._outbox.answered(record.number, record.payload, None)
        else:
            self._outbox.answered(
                record.number, None, errors.RemoteError.from_payload(record.payload)
            )

    def _on_failed(self, record: frames.Failed, _size: int) -> None:
        self._outbox.answered(record.number, None, errors.denial(record.code, record.reason))

    def _on_pong(self, record: frames.Pong, _size: int) -> None:
        answered = self._pings.pop(record.number, None)
        if answered:
            answered.set_result(None)


# What is not here is the application's: DELIVER, GAP, REQUEST, CANCELLED, PRESENCE.
_HANDLERS: dict[type[frames.Record], Callable[[Session, Any, int], None]] = {
    frames.Welcome: Session._on_welcome,
    frames.Refused: Session._on_refused,
    frames.Done: Session._on_done,
    frames.Denied: Session._on_denied,
    frames.Ack: Session._on_ack,
    frames.CreditGrant: Session._on_grant,
    frames.ReplyDelivery: Session._on_reply,
    frames.Failed: Session._on_failed,
    frames.Pong: Session._on_pong,
}
