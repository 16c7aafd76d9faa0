"""What a client sends that costs credit, packed into frames; and what waits for its answer.

Pure: the time comes in as a number of seconds, nothing is sent from here. Publications, requests
and replies leave in the order they were given. Each frame starts only while both credits are above
zero and carries up to FRAME_BYTES, so that the last one may overdraw, as the protocol allows.
Publications leave the last quarter of the window to requests and replies, which so pass when the
broker holds publishers back. What was not sent when a session ends goes out in the next one; what
was sent and not answered is Unknown. Source: docs/protocol.md, "Publish" and "Credit".
"""
import math
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from . import errors, frames

FRAME_BYTES = 65_536
# Topics with a denial that nobody has been told of yet; of more, one is enough to be told.
DENIALS_MAX = 1_024


@dataclass(slots=True)
class Window:
    """Credit, in both of its counts. May go below zero by one frame."""

    messages: int = 0
    bytes: int = 0

    def above(self, messages: int, bytes_: int) -> bool:
        return self.messages > messages and self.bytes > bytes_

    def add(self, messages: int, bytes_: int) -> None:
        self.messages += messages
        self.bytes += bytes_


@dataclass(slots=True)
class Publication:
    topic: str
    payload: bytes
    accepted: Future[None] | None = None
    """Of one that wants an ack: done once the broker accepted or denied it."""
    given: int = 0

    def size(self) -> int:
        return frames.item_size(self.payload)


@dataclass(slots=True)
class Call:
    """A request. `expires` is on the caller's monotonic clock."""

    topic: str
    payload: bytes
    expires: float
    answer: Future[bytes] = field(default_factory=Future)
    given: int = 0
    correlation: int = 0

    def size(self) -> int:
        return len(self.payload)


@dataclass(slots=True)
class Answer:
    """A reply to the broker's request `number`."""

    number: int
    status: int
    payload: bytes
    given: int = 0

    def size(self) -> int:
        return len(self.payload)


@dataclass(slots=True)
class Packed:
    """The records of one frame, their bytes, and what they cost."""

    records: list[bytes] = field(default_factory=list)
    size: int = 0
    messages: int = 0

    def has_room_for(self, size: int) -> bool:
        return not self.records or self.size + size <= FRAME_BYTES

    def add(self, record: bytes, messages: int) -> None:
        self.records.append(record)
        self.size += len(record)
        self.messages += messages


class Outbox:
    def __init__(self, next_correlation: Callable[[], int], items_max: int, bytes_max: int) -> None:
        self._next_correlation = next_correlation
        self._items_max, self._bytes_max = items_max, bytes_max
        self._publications: deque[Publication] = deque()
        self._exchanges: deque[Call | Answer] = deque()
        self._given = 0
        self._waiting_bytes = 0
        self._credit, self._reserve = Window(), Window()
        self._next_sequence = 1
        self._unacked: deque[tuple[int, Publication]] = deque()
        self._calls: dict[int, Call] = {}
        self._denials: dict[str, errors.GuildError] = {}

    # --- the application's side

    def has_room(self) -> bool:
        """Bounded in both; the last entry may go over by itself."""
        waiting = len(self._publications) + len(self._exchanges)
        return waiting < self._items_max and self._waiting_bytes < self._bytes_max

    def is_empty(self) -> bool:
        return not self._publications and not self._exchanges

    def put(self, entry: Publication | Call | Answer) -> None:
        self._given += 1
        entry.given = self._given
        self._waiting_bytes += entry.size()
        if isinstance(entry, Publication):
            self._publications.append(entry)
        else:
            self._exchanges.append(entry)

    def withdraw(self, entry: Publication | Call) -> bool:
        """Whether it was still here: then it will not be sent."""
        queue: deque[Publication] | deque[Call | Answer] = self._exchanges
        if isinstance(entry, Publication):
            queue = self._publications
        for at, waiting in enumerate(queue):
            if waiting is entry:
                del queue[at]
                self._waiting_bytes -= entry.size()
                return True
        return False

    def forget_call(self, call: Call) -> bool:
        """Of a call that was sent: its answer is no longer waited for."""
        return self._calls.pop(call.correlation, None) is not None

    def waiting(self) -> int:
        return len(self._publications) + len(self._exchanges)

    def unacknowledged(self) -> int:
        return len(self._unacked)

    # --- the session's side

    def begin(self, messages: int, bytes_: int) -> None:
        """A session has begun, with this much credit and numbers from 1."""
        self._credit = Window(messages, bytes_)
        self._reserve = Window(messages // 4, bytes_ // 4)
        self._next_sequence = 1

    def grant(self, messages: int, bytes_: int) -> None:
        self._credit.add(messages, bytes_)

    def end(self, fault: Exception) -> int:
        """The session is over. Fails what was sent and not answered; how many publications."""
        unknown = len(self._unacked)
        for _, publication in self._unacked:
            _fail(publication.accepted, fault)
        for call in self._calls.values():
            _fail(call.answer, fault)
        self._unacked.clear()
        self._calls.clear()
        self._credit = Window()
        self._drop_answers()
        return unknown

    def close(self, fault: Exception) -> None:
        """Nothing will be sent any more."""
        for publication in self._publications:
            _fail(publication.accepted, fault)
        for entry in self._exchanges:
            if isinstance(entry, Call):
                _fail(entry.answer, fault)
        self._publications.clear()
        self._exchanges.clear()
        self._waiting_bytes = 0

    def pack(self, now: float) -> Packed:
        """The next frame's worth, charged to the credit; empty when there is none to send."""
        packed = Packed()
        if self._credit.above(0, 0):
            publishing = self._credit.above(self._reserve.messages, self._reserve.bytes)
            while self._pack_next(packed, publishing, now):
                pass
            self._credit.add(-packed.messages, -packed.size)
        return packed

    def acked(self, last: int) -> None:
        """All up to `last` that still waits was accepted: a DENIED before it has been told."""
        while self._unacked and self._unacked[0][0] <= last:
            _resolve(self._unacked.popleft()[1].accepted, None)

    def denied(self, first: int, count: int, topic: str, fault: errors.GuildError) -> None:
        """Those who wait for one of these hear it at once; else the topic's next publisher does."""
        end = first + count
        told = [entry for entry in self._unacked if first <= entry[0] < end]
        for _, publication in told:
            _fail(publication.accepted, fault)
        if told:
            self._unacked = deque(entry for entry in self._unacked if not first <= entry[0] < end)
        elif topic in self._denials or len(self._denials) < DENIALS_MAX:
            self._denials[topic] = fault

    def take_denial(self, topic: str | None = None) -> errors.GuildError | None:
        """Of an item without ack on this topic, or on any, since this was last asked."""
        if topic is None:
            topic = next(iter(self._denials), "")
        return self._denials.pop(topic, None)

    def answered(self, correlation: int, payload: bytes | None, fault: Exception | None) -> None:
        call = self._calls.pop(correlation, None)
        if call is None:
            return  # It was cancelled while its answer was on the way.
        if fault is not None:
            _fail(call.answer, fault)
        else:
            _resolve(call.answer, payload)

    # --- packing

    def _pack_next(self, packed: Packed, publishing: bool, now: float) -> bool:
        publication = self._publications[0] if publishing and self._publications else None
        exchange = self._exchanges[0] if self._exchanges else None
        if exchange and (publication is None or exchange.given < publication.given):
            return self._pack_exchange(packed, exchange, now)
        if publication:
            return self._pack_run(packed, exchange.given if exchange else None)
        return False

    def _pack_exchange(self, packed: Packed, entry: Call | Answer, now: float) -> bool:
        if isinstance(entry, Call) and entry.expires <= now:
            self._pop_exchange()
            _fail(entry.answer, errors.TimedOut("the request's time was over before it was sent"))
            return True
        record = self._exchange_record(entry, now)
        if not packed.has_room_for(len(record)):
            return False
        if isinstance(entry, Call):
            self._calls[entry.correlation] = entry
        self._pop_exchange()
        packed.add(record, 1)
        return True

    def _exchange_record(self, entry: Call | Answer, now: float) -> bytes:
        if isinstance(entry, Answer):
            return frames.encode(
                frames.Reply(number=entry.number, status=entry.status, payload=entry.payload)
            )
        entry.correlation = entry.correlation or self._next_correlation()
        left_ms = min(math.ceil((entry.expires - now) * 1000), frames.DEADLINE_MS_MAX)
        return frames.encode(
            frames.Request(
                number=entry.correlation,
                topic=entry.topic,
                deadline_ms=left_ms,
                payload=entry.payload,
            )
        )

    def _pop_exchange(self) -> None:
        self._waiting_bytes -= self._exchanges.popleft().size()

    def _pack_run(self, packed: Packed, before: int | None) -> bool:
        """Neighbours of one topic and one wish for acks go under one header."""
        first = self._publications[0]
        size = frames.publish_size(len(first.topic.encode("utf-8")))
        if not packed.has_room_for(size + first.size()):
            return False
        items: list[bytes] = []
        while self._publications and _same_run(first, entry := self._publications[0]):
            if before is not None and entry.given > before:
                break
            size += entry.size()
            if items and packed.size + size > FRAME_BYTES:
                break
            self._take_publication(items)
        number = self._next_sequence - len(items)
        flags = frames.ACK_WANTED if first.accepted else 0
        run = frames.Publish(number=number, topic=first.topic, flags=flags, items=items)
        packed.add(frames.encode(run), len(items))
        return True

    def _take_publication(self, items: list[bytes]) -> None:
        entry = self._publications.popleft()
        self._waiting_bytes -= entry.size()
        items.append(entry.payload)
        if entry.accepted:
            self._unacked.append((self._next_sequence, entry))
        self._next_sequence += 1

    def _drop_answers(self) -> None:
        """Their requests ended with the session: the broker would not know the numbers."""
        dropped = [entry for entry in self._exchanges if isinstance(entry, Answer)]
        self._waiting_bytes -= sum(entry.size() for entry in dropped)
        self._exchanges = deque(entry for entry in self._exchanges if isinstance(entry, Call))
        for entry in self._exchanges:
            assert isinstance(entry, Call)
            entry.correlation = 0


def _same_run(first: Publication, entry: Publication) -> bool:
    return entry.topic == first.topic and bool(entry.accepted) == bool(first.accepted)


def _resolve(waiter: Future[Any] | None, value: object) -> None:
    if waiter and not waiter.done():
        waiter.set_result(value)


def _fail(waiter: Future[Any] | None, fault: Exception) -> None:
    if waiter and not waiter.done():
        waiter.set_exception(fault)
