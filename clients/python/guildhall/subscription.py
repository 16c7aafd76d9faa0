"""What a subscriber gets: messages, and gaps where some are missing, in their order.

A subscription's queue is bounded by the credit that the client gives the broker: what was not
processed is not replaced. It is processed when the iterator handed it out, or when the callback
returned from it. After a lost session the queue goes on with a Gap of reason `session_ended`.
"""
import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from . import frames
from .errors import CODES, Closed, GuildError, TimedOut
from .session import Processed
from .topics import Pattern

_log = logging.getLogger("guildhall")


@dataclass(slots=True)
class Message:
    """`time` is the broker's clock in ns since 1970 UTC, `epoch` its permission list's."""

    topic: str
    sender: str
    sequence: int
    time: int
    epoch: int
    payload: bytes


@dataclass(slots=True)
class Gap:
    """Of `sender`'s items `first` to `last`, `count` on this topic are lost.

    With reason `session_ended` the subscription was interrupted: `topic` is its pattern, and
    nobody knows who sent what meanwhile, so `count` is None.
    """

    topic: str
    sender: str
    first: int
    last: int
    count: int | None
    reason: str


Entry = Message | Gap

_sharing = threading.Lock()


class Run:
    """A delivered record: one entry or more, and the credit that they hold until processed."""

    __slots__ = ("_record", "_size", "_processed", "_settled", "shared", "holders", "count")

    def __init__(
        self, record: frames.Deliver | frames.Gap, size: int, processed: Processed, holders: int
    ) -> None:
        self._record, self._size, self._processed = record, size, processed
        self._settled = 0
        self.shared = holders > 1
        self.holders = holders
        self.count = len(record.items) if isinstance(record, frames.Deliver) else 1

    @property
    def size(self) -> int:
        return self._size

    def entry(self, at: int) -> Entry:
        record = self._record
        if isinstance(record, frames.Gap):
            return Gap(record.topic, record.name, record.number, record.last, record.count,
                       CODES.get(record.reason, f"code_{record.reason}"))  # fmt: skip
        return Message(record.topic, record.name, record.number + at, record.time, record.epoch,
                       record.items[at])  # fmt: skip

    def settle(self, at: int, idle: bool) -> None:
        """Entry `at` was processed; they go in order."""
        if self.shared:
            self._settle_shared(at, idle)
            return
        record = self._record
        # The last one takes the header's bytes along.
        size = self._size - self._settled
        if at + 1 < self.count and isinstance(record, frames.Deliver):
            size = frames.item_size(record.items[at])
        self._settled += size
        self._processed.add(1, size, idle)

    def _settle_shared(self, at: int, idle: bool) -> None:
        """Overlapping subscriptions: the last one that is through returns the whole."""
        if at + 1 < self.count:
            return
        with _sharing:
            self.holders -= 1
            through = self.holders == 0
        if through:
            self._processed.add(self.count, self._size, idle)

    def discard(self) -> None:
        """Nobody asked for it, or no longer."""
        self._processed.add(self.count, self._size, idle=True)


class Subscription:
    """An iterator over what comes; `get` waits for one entry only. Made by Client.subscribe."""

    def __init__(
        self, pattern: str, held_bytes_max: int, leave: Callable[["Subscription"], None]
    ) -> None:
        self.pattern = pattern
        self._matcher = Pattern(pattern)
        self._held_bytes_max = held_bytes_max
        self._leave = leave
        self._ready = threading.Condition()
        self._queue: deque[Run | Gap] = deque()
        self._held_bytes = 0
        self._at = 0
        self._closed = False
        self._fault: GuildError | None = None

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Entry:
        with self._ready:
            if not self._wait(None):
                raise StopIteration
            entry = self._first()
            self._drop_first()
        return entry

    def get(self, timeout: float | None = None) -> Entry:
        """The next entry; TimedOut when none came in `timeout` seconds, Closed when none will."""
        with self._ready:
            if not self._wait(timeout):
                if self._closed:
                    raise Closed(f"the subscription of {self.pattern} was closed")
                raise TimedOut(f"nothing came on {self.pattern}")
            entry = self._first()
            self._drop_first()
        return entry

    def close(self) -> None:
        """Ends the subscription and its iterator; what was not read is dropped."""
        self.end(None)
        self._leave(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- the client's side

    def matches(self, topic: str) -> bool:
        return self._matcher.matches(topic)

    def push(self, run: Run) -> None:
        with self._ready:
            if not self._closed:
                self._queue.append(run)
                self._held_bytes += run.size
                self._ready.notify()
                return
        _settle_rest(run, 0)

    def interrupted(self) -> None:
        """A new session has begun. At most one window of the old one is kept."""
        gap = Gap(self.pattern, "", 0, 0, None, "session_ended")
        with self._ready:
            if self._held_bytes > self._held_bytes_max:
                self._queue.clear()
                self._held_bytes = self._at = 0
            if not self._queue or self._queue[-1] != gap:
                self._queue.append(gap)
                self._ready.notify()

    def end(self, fault: GuildError | None) -> None:
        """No more will come; the iterator ends, or raises `fault`, after what it has."""
        with self._ready:
            if self._closed:
                return
            self._closed, self._fault = True, fault
            left, at = self._queue, self._at
            if fault is None:
                self._queue, self._at, self._held_bytes = deque(), 0, 0
            self._ready.notify_all()
        if fault is None:
            for entry in left:
                if isinstance(entry, Run):
                    _settle_rest(entry, at)
                at = 0

    def consume(self, callback: Callable[[Entry], None]) -> None:
        """Hands all to the callback, to the end; an entry is processed when it returned."""
        try:
            while self._consume_next(callback):
                pass
        except GuildError as fault:
            _log.error("the subscription of %s ended: %s", self.pattern, fault)

    def _consume_next(self, callback: Callable[[Entry], None]) -> bool:
        with self._ready:
            if not self._wait(None):
                return False
            first, entry = self._queue[0], self._first()
        try:
            callback(entry)
        except Exception:
            _log.exception("the callback of %s failed", self.pattern)
        with self._ready:
            # Closed or interrupted meanwhile, the queue is another.
            if self._queue and self._queue[0] is first:
                self._drop_first()
        return True

    # --- with the lock held

    def _wait(self, timeout: float | None) -> bool:
        if self._queue:
            return True
        self._ready.wait_for(lambda: self._queue or self._closed, timeout)
        if not self._queue and self._fault:
            raise self._fault
        return bool(self._queue)

    def _first(self) -> Entry:
        first = self._queue[0]
        return first if isinstance(first, Gap) else first.entry(self._at)

    def _drop_first(self) -> None:
        first, at = self._queue[0], self._at
        self._at += 1
        if isinstance(first, Gap) or self._at == first.count:
            self._queue.popleft()
            self._at = 0
        if isinstance(first, Run):
            if self._at == 0:
                self._held_bytes -= first.size
            first.settle(at, idle=not self._queue)


def _settle_rest(run: Run, at: int) -> None:
    for rest in range(at, run.count):
        run.settle(rest, idle=rest + 1 == run.count)
