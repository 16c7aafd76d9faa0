"""The records of the bus protocol, version 1: one class each, to bytes and back.

Pure: no socket, no clock. A frame is records back to back. A record that is not what
docs/protocol.md says is a MalformedFrame; a frame is read whole or not at all. Sizes are in bytes,
numbers little-endian. Source: docs/protocol.md, "Frames and records" and "Kinds".
"""
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from .errors import InvalidArgument, MalformedFrame

VERSION = 1
TOPIC_BYTES_MAX = 250
NAME_BYTES_MAX = 64
PAYLOAD_BYTES_MAX = 1_048_576
FRAME_BYTES_MAX = 1_310_720
DEADLINE_MS_MAX = 600_000

ACK_WANTED = 1
STATUS_OK = 0
STATUS_ERROR = 1

_HEADER = struct.Struct("<IBBHQ")
_SIZE = struct.Struct("<I")
_NUMBER_MAX = 2**64 - 1
# The header without its length field: what `length` counts before topic, name and body.
_COUNTED_HEADER = _HEADER.size - _SIZE.size


@dataclass(slots=True, kw_only=True)
class Record:
    """What all records have. `number` is a sequence, a correlation or a count of bytes."""

    KIND: ClassVar[int] = 0
    # The part of the body that has one size, and its fields in order.
    FIXED: ClassVar[struct.Struct] = struct.Struct("<")
    FIELDS: ClassVar[tuple[str, ...]] = ()

    number: int = 0
    topic: str = ""
    name: str = ""

    def body(self) -> bytes:
        fixed = self.FIXED.pack(*(getattr(self, field) for field in self.FIELDS))
        return fixed + self.tail()

    def tail(self) -> bytes:
        return b""

    def read_body(self, body: memoryview) -> None:
        if len(body) < self.FIXED.size:
            raise MalformedFrame(f"the body of a {type(self).__name__} is too short")
        for field, value in zip(self.FIELDS, self.FIXED.unpack_from(body), strict=True):
            setattr(self, field, value)
        self.read_tail(body[self.FIXED.size :])

    def read_tail(self, tail: memoryview) -> None:
        if tail:
            raise MalformedFrame(f"the body of a {type(self).__name__} is too long")


@dataclass(slots=True, kw_only=True)
class _WithItems(Record):
    items: list[bytes]

    def tail(self) -> bytes:
        parts: list[bytes] = []
        for item in self.items:
            parts += (_SIZE.pack(len(item)), item)
        return b"".join(parts)

    def read_tail(self, tail: memoryview) -> None:
        self.items = list(_items_of(tail))
        if not self.items:
            raise MalformedFrame("a run without items")


@dataclass(slots=True, kw_only=True)
class _WithPayload(Record):
    payload: bytes = b""

    def tail(self) -> bytes:
        return self.payload

    def read_tail(self, tail: memoryview) -> None:
        self.payload = bytes(tail)


@dataclass(slots=True, kw_only=True)
class _WithReason(Record):
    reason: str = ""

    def tail(self) -> bytes:
        return self.reason.encode("ascii")

    def read_tail(self, tail: memoryview) -> None:
        self.reason = _text(tail, "ascii", "a reason")


@dataclass(slots=True, kw_only=True)
class _WithStatus(_WithPayload):
    FIXED = struct.Struct("<B")
    FIELDS = ("status",)
    status: int = STATUS_OK

    def read_tail(self, tail: memoryview) -> None:
        if self.status not in (STATUS_OK, STATUS_ERROR):
            raise MalformedFrame(f"a reply of status {self.status}")
        _WithPayload.read_tail(self, tail)


# --- client to broker


@dataclass(slots=True, kw_only=True)
class Hello(Record):
    KIND = 1
    FIXED = struct.Struct("<HHIQ")
    FIELDS = ("version", "flags", "credit_messages", "credit_bytes")
    version: int = VERSION
    flags: int = 0
    credit_messages: int = 0
    credit_bytes: int = 0


@dataclass(slots=True, kw_only=True)
class Subscribe(Record):
    KIND = 2


@dataclass(slots=True, kw_only=True)
class Unsubscribe(Record):
    KIND = 3


@dataclass(slots=True, kw_only=True)
class Serve(Record):
    KIND = 4


@dataclass(slots=True, kw_only=True)
class Unserve(Record):
    KIND = 5


@dataclass(slots=True, kw_only=True)
class Publish(_WithItems):
    KIND = 6
    FIXED = struct.Struct("<B")
    FIELDS = ("flags",)
    flags: int = 0


@dataclass(slots=True, kw_only=True)
class Request(_WithPayload):
    KIND = 7
    FIXED = struct.Struct("<I")
    FIELDS = ("deadline_ms",)
    deadline_ms: int = 1


@dataclass(slots=True, kw_only=True)
class Reply(_WithStatus):
    KIND = 8


@dataclass(slots=True, kw_only=True)
class Credit(Record):
    KIND = 9
    FIXED = struct.Struct("<I")
    FIELDS = ("messages",)
    messages: int = 0


@dataclass(slots=True, kw_only=True)
class Watch(Record):
    KIND = 10


@dataclass(slots=True, kw_only=True)
class Goodbye(Record):
    KIND = 11


@dataclass(slots=True, kw_only=True)
class Ping(Record):
    KIND = 12


@dataclass(slots=True, kw_only=True)
class Cancel(Record):
    KIND = 13


# --- broker to client


@dataclass(slots=True, kw_only=True)
class Welcome(Record):
    KIND = 65
    FIXED = struct.Struct("<HHI16sIIIQ")
    FIELDS = ("version", "flags", "epoch", "instance", "payload_max", "frame_max",
              "credit_messages", "credit_bytes")  # fmt: skip
    version: int = VERSION
    flags: int = 0
    epoch: int = 0
    instance: bytes = bytes(16)
    payload_max: int = PAYLOAD_BYTES_MAX
    frame_max: int = FRAME_BYTES_MAX
    credit_messages: int = 0
    credit_bytes: int = 0


@dataclass(slots=True, kw_only=True)
class Refused(_WithReason):
    KIND = 66
    FIXED = struct.Struct("<B")
    FIELDS = ("code",)
    code: int = 0


@dataclass(slots=True, kw_only=True)
class Done(Record):
    KIND = 67


@dataclass(slots=True, kw_only=True)
class Denied(_WithReason):
    """`count` items of a PUBLISH from `number` on; or, with count 0, the request `number`."""

    KIND = 68
    FIXED = struct.Struct("<BI")
    FIELDS = ("code", "count")
    code: int = 0
    count: int = 0


@dataclass(slots=True, kw_only=True)
class Deliver(_WithItems):
    KIND = 69
    FIXED = struct.Struct("<QI")
    FIELDS = ("time", "epoch")
    time: int = 0
    epoch: int = 0


@dataclass(slots=True, kw_only=True)
class Ack(Record):
    KIND = 70
    FIXED = struct.Struct("<I")
    FIELDS = ("count",)
    count: int = 0


@dataclass(slots=True, kw_only=True)
class Gap(Record):
    KIND = 71
    FIXED = struct.Struct("<QQB")
    FIELDS = ("last", "count", "reason")
    last: int = 0
    count: int = 0
    reason: int = 0


@dataclass(slots=True, kw_only=True)
class CreditGrant(Record):
    KIND = 72
    FIXED = struct.Struct("<I")
    FIELDS = ("messages",)
    messages: int = 0


@dataclass(slots=True, kw_only=True)
class RequestDelivery(_WithPayload):
    KIND = 73
    FIXED = struct.Struct("<II")
    FIELDS = ("deadline_ms", "epoch")
    deadline_ms: int = 0
    epoch: int = 0


@dataclass(slots=True, kw_only=True)
class ReplyDelivery(_WithStatus):
    KIND = 74


@dataclass(slots=True, kw_only=True)
class Failed(_WithReason):
    KIND = 75
    FIXED = struct.Struct("<B")
    FIELDS = ("code",)
    code: int = 0


@dataclass(slots=True, kw_only=True)
class Presence(Record):
    KIND = 76
    names: list[str]

    def tail(self) -> bytes:
        return "\n".join(self.names).encode("ascii")

    def read_tail(self, tail: memoryview) -> None:
        text = _text(tail, "ascii", "a list of names")
        self.names = text.split("\n") if text else []


@dataclass(slots=True, kw_only=True)
class Pong(Record):
    KIND = 77


@dataclass(slots=True, kw_only=True)
class Cancelled(Record):
    KIND = 78


def _by_kind(*kinds: type[Record]) -> dict[int, type[Record]]:
    return {kind.KIND: kind for kind in kinds}


FROM_CLIENT = _by_kind(
    Hello, Subscribe, Unsubscribe, Serve, Unserve, Publish, Request, Reply, Credit, Watch, Goodbye,
    Ping, Cancel)  # fmt: skip
FROM_BROKER = _by_kind(
    Welcome, Refused, Done, Denied, Deliver, Ack, Gap, CreditGrant, RequestDelivery, ReplyDelivery,
    Failed, Presence, Pong, Cancelled)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sized:
    """A record as it was read, with the bytes it takes: what credit counts."""

    record: Record
    size: int


def encode(record: Record) -> bytes:
    """One record's bytes; InvalidArgument when a part of it has no place in a record."""
    try:
        topic, name = record.topic.encode("utf-8"), record.name.encode("ascii")
        body = record.body()
    except (UnicodeEncodeError, struct.error) as error:
        raise InvalidArgument(f"a {type(record).__name__} cannot be written: {error}") from error
    if len(topic) > TOPIC_BYTES_MAX:
        raise InvalidArgument(f"a topic of {len(topic)} bytes; at most {TOPIC_BYTES_MAX}")
    if len(name) > NAME_BYTES_MAX:
        raise InvalidArgument(f"a name of {len(name)} bytes; at most {NAME_BYTES_MAX}")
    length = _COUNTED_HEADER + len(topic) + len(name) + len(body)
    if length + _SIZE.size > FRAME_BYTES_MAX:
        raise InvalidArgument(f"a record of {length + _SIZE.size} bytes; at most {FRAME_BYTES_MAX}")
    if not 0 <= record.number <= _NUMBER_MAX:
        raise InvalidArgument(f"the number {record.number} does not fit 64 bits")
    header = _HEADER.pack(length, record.KIND, len(topic), len(name), record.number)
    return header + topic + name + body


def encode_frame(records: Iterable[Record]) -> bytes:
    return b"".join(map(encode, records))


def decode(frame: bytes, kinds: dict[int, type[Record]] = FROM_BROKER) -> list[Sized]:
    """All records of a frame of one direction, or MalformedFrame."""
    if len(frame) > FRAME_BYTES_MAX:
        raise MalformedFrame(f"a frame of {len(frame)} bytes")
    view, at, records = memoryview(frame), 0, []
    while at < len(frame):
        size = _size_at(frame, at)
        records.append(Sized(_read(view[at : at + size], kinds), size))
        at += size
    return records


def check_outgoing(topic: str, payload: bytes) -> None:
    """InvalidArgument when a record cannot hold these; their form is the broker's to judge."""
    try:
        size = len(topic.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise InvalidArgument(f"a topic that is not text: {error}") from error
    if not 0 < size <= TOPIC_BYTES_MAX:
        raise InvalidArgument(f"a topic of {size} bytes; 1 to {TOPIC_BYTES_MAX}")
    if len(payload) > PAYLOAD_BYTES_MAX:
        raise InvalidArgument(f"a payload of {len(payload)} bytes; at most {PAYLOAD_BYTES_MAX}")


def publish_size(topic_bytes: int) -> int:
    """Bytes of a PUBLISH of this topic before its first item."""
    return _HEADER.size + topic_bytes + Publish.FIXED.size


def item_size(payload: bytes) -> int:
    return _SIZE.size + len(payload)


def _size_at(frame: bytes, at: int) -> int:
    if len(frame) - at < _HEADER.size:
        raise MalformedFrame("a record's header is cut short")
    (length,) = _SIZE.unpack_from(frame, at)
    if length < _COUNTED_HEADER or length > len(frame) - at - _SIZE.size:
        raise MalformedFrame(f"a record's length {length} does not fit its frame")
    return int(length) + _SIZE.size


def _read(view: memoryview, kinds: dict[int, type[Record]]) -> Record:
    _, kind, topic_size, name_size, number = _HEADER.unpack_from(view)
    if kind not in kinds:
        raise MalformedFrame(f"this direction has no kind {kind}")
    if topic_size > TOPIC_BYTES_MAX or name_size > NAME_BYTES_MAX:
        raise MalformedFrame("a topic or name over its limit")
    name_at = _HEADER.size + topic_size
    body_at = name_at + name_size
    if body_at > len(view):
        raise MalformedFrame("topic and name are longer than their record")
    kind_of_record = kinds[kind]
    record = kind_of_record.__new__(kind_of_record)  # Every field is set by what follows.
    record.number = number
    record.topic = _text(view[_HEADER.size : name_at], "utf-8", "a topic")
    record.name = _text(view[name_at:body_at], "ascii", "a name")
    record.read_body(view[body_at:])
    return record


def _items_of(tail: memoryview) -> Iterable[bytes]:
    at = 0
    while at < len(tail):
        if len(tail) - at < _SIZE.size:
            raise MalformedFrame("an item's size is cut short")
        (size,) = _SIZE.unpack_from(tail, at)
        at += _SIZE.size
        if size > PAYLOAD_BYTES_MAX or size > len(tail) - at:
            raise MalformedFrame(f"an item of {size} bytes does not fit its record")
        yield bytes(tail[at : at + size])
        at += size


def _text(view: memoryview, encoding: str, what: str) -> str:
    try:
        return str(view, encoding)
    except UnicodeDecodeError as error:
        raise MalformedFrame(f"{what} is not {encoding}") from error
