"""Answering requests: handlers run on a few threads, a request each.

The queue before them is bounded by the credit that the client gives the broker: a request's credit
is returned when it was answered.
"""
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from . import frames
from .errors import GuildError, RemoteError
from .outbox import Answer
from .session import Session
from .topics import Pattern

_log = logging.getLogger("guildhall")


@dataclass(frozen=True, slots=True)
class Request:
    """`name` is the served name that was asked, `sender` whom the broker knows as the asker."""

    name: str
    sender: str
    payload: bytes
    epoch: int
    expires: float
    """On time.monotonic(): later answers are dropped."""
    cancelled: threading.Event = field(default_factory=threading.Event)
    """Set when nobody waits for the answer any more."""


Handler = Callable[[Request], bytes | str]
Reply = Callable[[Session, Answer], None]


class Service:
    """One served pattern. Made by Client.serve."""

    def __init__(self, pattern: str, handler: Handler, leave: Callable[["Service"], None]) -> None:
        self.pattern = pattern
        self.handler = handler
        self._matcher = Pattern(pattern)
        self._leave = leave

    def matches(self, name: str) -> bool:
        return self._matcher.matches(name)

    def close(self) -> None:
        """Serves it no longer."""
        self._leave(self)


class Responder:
    """Runs handlers and gives their answers to `reply`."""

    def __init__(self, threads: int, reply: Reply) -> None:
        self._reply = reply
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="guildhall-handler")
        self._lock = threading.Lock()
        self._running: dict[int, Request] = {}

    def take(self, session: Session, sized: frames.Sized, service: Service | None) -> None:
        record = sized.record
        assert isinstance(record, frames.RequestDelivery)
        expires = time.monotonic() + record.deadline_ms / 1000
        request = Request(record.topic, record.name, record.payload, record.epoch, expires)
        with self._lock:
            self._running[record.number] = request

        def work() -> None:
            if not request.cancelled.is_set():
                self._reply(session, _answer(record.number, request, service))
            self._forget(record.number, request)
            session.processed.add(1, sized.size, idle=True)

        try:
            self._pool.submit(work)
        except RuntimeError:  # The client is being closed; the broker tells the asker so.
            pass

    def _forget(self, number: int, request: Request) -> None:
        """Unless a later session has a request of this number."""
        with self._lock:
            if self._running.get(number) is request:
                del self._running[number]

    def cancel(self, number: int) -> None:
        with self._lock:
            request = self._running.get(number)
        if request:
            request.cancelled.set()

    def cancel_all(self) -> None:
        """The session is over: its numbers mean nothing any more."""
        with self._lock:
            for request in self._running.values():
                request.cancelled.set()
            self._running.clear()

    def close(self) -> None:
        """Does not wait for handlers that run."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _answer(number: int, request: Request, service: Service | None) -> Answer:
    try:
        if service is None:
            raise RemoteError(f"{request.name} is no longer served", "not_served",
                              kind="unavailable")  # fmt: skip
        payload = _payload_of(service.handler(request))
        if len(payload) > frames.PAYLOAD_BYTES_MAX:
            raise RemoteError(f"an answer of {len(payload)} bytes", "payload_too_large")
        return Answer(number, frames.STATUS_OK, payload)
    except RemoteError as error:
        return Answer(number, frames.STATUS_ERROR, error.to_payload())
    except GuildError as error:
        told = RemoteError(error.message, error.code, error.next_step)
        return Answer(number, frames.STATUS_ERROR, told.to_payload())
    except Exception as error:
        _log.exception("the handler of %s failed", request.name)
        told = RemoteError(f"{type(error).__name__}: {error}", "handler_failed",
                           "see the responder's own output")  # fmt: skip
        return Answer(number, frames.STATUS_ERROR, told.to_payload())


def _payload_of(result: object) -> bytes:
    if isinstance(result, str):
        return result.encode("utf-8")
    if isinstance(result, bytes):
        return result
    raise TypeError(f"a handler returns bytes or str, not {type(result).__name__}")
