"""The client: what an application uses, from any thread.

    with Client(name="courier") as bus:
        bus.publish("apps/hello", "hi", ack=True)

It wants a home (`$GUILD_HOME`) with the name's keys. One I/O thread keeps a session open, makes a
new one when it ends, and then subscribes and serves again by itself. All waits have a limit in
seconds; all queues are bounded. Callbacks and handlers run on threads of their own and may use the
client. With no session a call waits for one, and raises why there is none.
"""
import itertools
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from pathlib import Path
from typing import Any, Self

from . import frames
from .connection import Connection, Hooks

from .errors import (BrokerUnreachable, Closed, GuildError, InvalidArgument, KeysUnusable,
                     TimedOut, Unknown)  # fmt: skip
from .keys import Keys
from .notices import Notices, SessionEvent
from .outbox import Answer, Call, Outbox, Publication, Window
from .registry import Registration, Registry
from .service import Handler, Responder, Service
from .session import Session
from .subscription import Entry, Run, Subscription

# What the broker may have in flight to us.
WINDOW_MESSAGES = 65_536
WINDOW_BYTES = 4 * 1024 * 1024
# The broker has no more in flight to a session, whatever it is offered.
WINDOW_MESSAGES_MAX = 4_194_304
WINDOW_BYTES_MAX = 64 * 1024 * 1024
# What publishers may have waiting for credit.
QUEUE_ITEMS = 16_384
QUEUE_BYTES = 2 * 1024 * 1024
# The broker keeps a request's deadline; past it by this much the answer is not coming.
ANSWER_GRACE_S = 0.5
WAIT_S = 5.0


class Client:
    def __init__(
        self,
        home: str | os.PathLike[str] | None = None,
        name: str | None = None,
        *,
        endpoint: str | None = None,
        on_session: Callable[[SessionEvent], None] | None = None,
        window_messages: int = WINDOW_MESSAGES,
        window_bytes: int = WINDOW_BYTES,
        handler_threads: int = 4,
        wait: float = WAIT_S,
    ) -> None:
        """Connected when it returns, or raises why not: NotAuthorized, WrongServerKey,
        BrokerUnreachable. With `wait` 0 it returns at once and connects by itself.

        `name` is the client's on the broker's list; `endpoint` is by default the home's socket.
        """
        if (
            not 0 < window_messages <= WINDOW_MESSAGES_MAX
            or not 0 < window_bytes <= WINDOW_BYTES_MAX
        ):
            raise InvalidArgument(f"a window of {window_messages} messages, {window_bytes} bytes")
        folder = _home(home)
        keys = Keys.load(folder, name or "")
        self._numbers = itertools.count(1)
        self._outbox = Outbox(self._numbers.__next__, QUEUE_ITEMS, QUEUE_BYTES)
        self._registry = Registry()
        self._responder = Responder(handler_threads, self._reply)
        self._notices = Notices(on_session) if on_session else None
        self._window_bytes = window_bytes
        self._closing = threading.Lock()
        self._closed = False
        self.name = keys.name
        self._connection = Connection(
            endpoint or f"ipc://{folder}/run/bus.sock",
            keys,
            Window(window_messages, window_bytes),
            self._outbox,
            self._numbers.__next__,
            Hooks(self._opened, self._ended, self._received),
        )
        self._changed = self._connection.changed
        self._connection.start()
        if wait > 0:
            try:
                self._wait_for_session(wait)
            except BaseException:
                self.close(timeout=0)
                raise

    # --- publish

    def publish(
        self, topic: str, payload: bytes | str, ack: bool = False, timeout: float = WAIT_S
    ) -> None:
        """Waits for room, which is credit of the broker, at most `timeout` seconds.

        With `ack` it returns when the broker has accepted the item, and raises Denied when it did
        not, Unknown when the session was lost before either. Without, a denial is raised by the
        next publish to the same topic, which is then not sent, or by flush().
        """
        item = Publication(topic, _bytes_of(payload), Future() if ack else None)
        frames.check_outgoing(topic, item.payload)
        end = time.monotonic() + timeout
        with self._changed:
            if not ack and (denial := self._outbox.take_denial(topic)):
                raise denial
            self._put(item, end)
        if item.accepted:
            self._await(item, item.accepted, end)

    def flush(self, timeout: float = WAIT_S) -> None:
        """Returns when the broker has taken all that was published; raises a denial of it."""
        end = time.monotonic() + timeout
        with self._changed:
            if not self._changed.wait_for(self._outbox.is_empty, timeout):
                raise self._fault_or(TimedOut(f"{self._outbox.waiting()} items were not sent"))
            answered = self._session_by(end).ping()
        self._connection.wake()
        _result(answered, end, Unknown("the broker did not answer in time"))
        with self._changed:
            if denial := self._outbox.take_denial():
                raise denial

    @property
    def unacknowledged(self) -> int:
        """Items that were sent and whose ack is waited for."""
        with self._changed:
            return self._outbox.unacknowledged()

    # --- subscribe

    def subscribe(
        self,
        pattern: str,
        callback: Callable[[Entry], None] | None = None,
        timeout: float = WAIT_S,
    ) -> Subscription:
        """Confirmed by the broker when it returns: all that is accepted from now on comes.

        Without a callback the subscription is an iterator over Message and Gap. With one, it is
        called with each, in order, on a thread of its own.
        """
        subscription = Subscription(pattern, self._window_bytes, self._unsubscribe)
        self._register(frames.Subscribe, subscription, timeout)
        if callback:
            threading.Thread(
                target=subscription.consume, args=(callback,), daemon=True,
                name=f"guildhall-{pattern}",
            ).start()  # fmt: skip
        return subscription

    # --- request and serve

    def request(self, name: str, payload: bytes | str = b"", timeout: float = WAIT_S) -> bytes:
        """The responder's answer, or NoResponder, ResponderGone, TimedOut, Denied, TooMany, the
        responder's own RemoteError; Unknown when the session was lost before it came."""
        if not 0 < timeout <= frames.DEADLINE_MS_MAX / 1000:
            raise InvalidArgument(f"a timeout of {timeout} s; over 0 to 600")
        end = time.monotonic() + timeout
        call = Call(name, _bytes_of(payload), end)
        frames.check_outgoing(name, call.payload)
        with self._changed:
            self._put(call, end)
        try:
            return call.answer.result(end + ANSWER_GRACE_S - time.monotonic())
        except FutureTimeout:
            self._give_up(call)
            raise TimedOut(f"{name} did not answer in {timeout} s") from None

    def serve(self, pattern: str, handler: Handler, timeout: float = WAIT_S) -> Service:
        """Calls `handler(request)` for each, on one of a few threads. It returns the answer, or
        raises RemoteError to answer with that; another exception becomes one of kind failed."""
        service = Service(pattern, handler, self._unserve)
        self._register(frames.Serve, service, timeout)
        return service

    # --- the end

    def close(self, timeout: float = WAIT_S) -> None:
        """Sends what waits, says goodbye, and ends all iterators and waits.

        TimedOut when something could not be sent in `timeout` seconds; 0 is at once.
        """
        with self._closing:
            if self._closed:
                return
            self._closed = True
        closed = Closed("the client was closed")
        self._drain(time.monotonic() + timeout)
        with self._changed:
            unsent = self._outbox.waiting()
            self._outbox.close(closed)
            users = self._registry.close(closed)
            if self._connection.session:
                self._connection.session.say_goodbye()
        self._responder.close()
        self._connection.stop()
        for user in users:
            if isinstance(user, Subscription):
                user.end(None)
        if self._notices:
            self._notices.put(None)
        if unsent:
            raise TimedOut(f"{unsent} items or requests were not sent before close")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
            return
        try:
            self.close(timeout=0)
        except TimedOut:
            pass  # What brought us here says more.

    # --- with `changed` held

    def _put(self, entry: Publication | Call, end: float) -> None:
        while True:
            self._session_by(end)
            if self._outbox.has_room():
                break
            self._wait(end, TimedOut("no credit: the broker holds publishers back"))
        self._outbox.put(entry)
        self._connection.wake()

    def _session_by(self, end: float) -> Session:
        while True:
            if self._closed:
                raise Closed("the client was closed")
            if session := self._connection.session:
                return session
            if self._hopeless():
                raise self._fault_or(Closed("there is no session"))
            self._wait(end, self._fault_or(BrokerUnreachable("no session in time")))

    def _hopeless(self) -> bool:
        fault = self._connection.fault
        return not self._connection.session and fault is not None and fault.lasting

    def _wait(self, end: float, fault: GuildError) -> None:
        left = end - time.monotonic()
        if left <= 0:
            raise fault
        self._changed.wait(left)

    def _fault_or(self, otherwise: GuildError) -> GuildError:
        fault = self._connection.fault
        # Each raise has its own, as an exception keeps where it went.
        return type(fault)(fault.message, fault.code, fault.next_step) if fault else otherwise

    # --- waits

    def _drain(self, end: float) -> None:
        """Until the broker has read all that was given, or there is no hope of it."""
        with self._changed:
            self._changed.wait_for(lambda: self._outbox.is_empty() or self._hopeless(),
                                   max(0.0, end - time.monotonic()))  # fmt: skip
            session = self._connection.session
            if session is None or not self._outbox.is_empty() or end <= time.monotonic():
                return
            answered = session.ping()
        self._connection.wake()
        try:
            answered.result(max(0.0, end - time.monotonic()))
        except (FutureTimeout, GuildError):
            pass  # Who must know publishes with ack.

    def _wait_for_session(self, timeout: float) -> None:
        with self._changed:
            self._session_by(time.monotonic() + timeout)

    def _await(self, item: Publication, accepted: "Future[None]", end: float) -> None:
        try:
            accepted.result(max(0.0, end - time.monotonic()))
        except FutureTimeout:
            with self._changed:
                unsent = self._outbox.withdraw(item)
            if unsent:
                raise TimedOut("no credit: the item was not sent") from None
            raise Unknown("the broker did not acknowledge in time") from None

    def _give_up(self, call: Call) -> None:
        with self._changed:
            if self._outbox.withdraw(call) or not self._outbox.forget_call(call):
                return
            if session := self._connection.session:
                session.cancel(call.correlation)
        self._connection.wake()

    def _register(
        self, kind: type[frames.Record], user: Subscription | Service, timeout: float
    ) -> None:
        frames.check_outgoing(user.pattern, b"")
        end = time.monotonic() + timeout
        with self._changed:
            session = self._session_by(end)
            made: Registration = self._registry.add(kind, user, session)
        self._connection.wake()
        try:
            _result(made.confirmed, end, TimedOut(f"{user.pattern} was not confirmed in time"))
        except GuildError:
            self._leave(kind, user)
            raise

    def _unsubscribe(self, subscription: Subscription) -> None:
        self._leave(frames.Subscribe, subscription)

    def _unserve(self, service: Service) -> None:
        self._leave(frames.Serve, service)

    def _leave(self, kind: type[frames.Record], user: Subscription | Service) -> None:
        with self._changed:
            self._registry.remove(kind, user, self._connection.session)
        self._connection.wake()

    def _reply(self, session: Session, answer: Answer) -> None:
        with self._changed:
            if self._connection.session is not session:
                return  # Its request ended with the session.
            self._outbox.put(answer)
        self._connection.wake()

    # --- on the I/O thread

    def _opened(self, session: Session) -> None:
        welcome = session.welcome
        event = SessionEvent(True, welcome.name, welcome.instance, welcome.epoch)
        self._registry.make_again(session, lambda: self._notify(event))

    def _ended(self, fault: GuildError, unknown: int) -> None:
        self._responder.cancel_all()
        self._notify(SessionEvent(False, self.name, fault=fault, unknown=unknown))

    def _notify(self, event: SessionEvent) -> None:
        if self._notices:
            self._notices.put(event)

    def _received(self, session: Session, sized: frames.Sized) -> None:
        record = sized.record
        if isinstance(record, (frames.Deliver, frames.Gap)):
            self._deliver(session, record, sized.size)
        elif isinstance(record, frames.RequestDelivery):
            with self._changed:
                service = self._registry.service_of(record.topic)
            self._responder.take(session, sized, service)
        elif isinstance(record, frames.Cancelled):
            self._responder.cancel(record.number)

    def _deliver(self, session: Session, record: frames.Deliver | frames.Gap, size: int) -> None:
        with self._changed:
            takers = self._registry.subscriptions_of(record.topic)
        run = Run(record, size, session.processed, len(takers))
        if not takers:
            run.discard()
        for taker in takers:
            taker.push(run)


def _result(outcome: "Future[Any]", end: float, late: GuildError) -> None:
    try:
        outcome.result(max(0.0, end - time.monotonic()))
    except FutureTimeout:
        raise late from None


def _bytes_of(payload: bytes | str) -> bytes:
    if isinstance(payload, str):
        return payload.encode("utf-8")
    if isinstance(payload, bytes):
        return payload
    raise InvalidArgument(f"a payload is bytes or str, not {type(payload).__name__}")


def _home(home: str | os.PathLike[str] | None) -> Path:
    found = home or os.environ.get("GUILD_HOME")
    if not found:
        raise KeysUnusable("no home was given, and $GUILD_HOME is not set", "home_unknown",
                           "give the suite's home, or set GUILD_HOME")  # fmt: skip
    return Path(found).absolute()
