"""What the unit tests share: outboxes with credit, and frames read back."""
from concurrent.futures import Future
from itertools import count

from guildhall import frames
from guildhall.outbox import Outbox, Publication, Window

MANY = Window(1_000_000, 1_000_000_000)


def outbox(
    messages: int = MANY.messages, bytes_: int = MANY.bytes, items_max: int = 100_000
) -> Outbox:
    made = Outbox(count(1).__next__, items_max, 1 << 30)
    made.begin(messages, bytes_)
    return made


def records_of(frame: bytes) -> list[frames.Record]:
    return [sized.record for sized in frames.decode(frame, frames.FROM_CLIENT)]


def packed(box: Outbox, now: float = 0.0) -> list[frames.Record]:
    return records_of(b"".join(box.pack(now).records))


def acked(topic: str, payload: bytes) -> Publication:
    return Publication(topic, payload, Future())
