"""What can go wrong, as types. Every error has a stable `code` and says what to do next.

| class | when |
|---|---|
| InvalidArgument | what was asked for cannot be put on the wire; nothing was sent |
| KeysUnusable | a key file is missing, malformed, or readable by others |
| NotAuthorized, WrongServerKey, BrokerUnreachable | there is no session, and why |
| SessionRefused | the broker ended the session, and why |
| Denied | the list does not allow it, or the broker does not take it |
| NoResponder, ResponderGone, TimedOut, TooMany | a request, or a wait, that ended so |
| RemoteError | the responder answered with an error; a handler raises it to do so |
| Unknown | the session was lost before the answer: it may or may not have happened |
| MalformedFrame | the other side does not speak the protocol |
| Closed | this client was closed |
"""
import json
from typing import ClassVar

CODES = {
    1: "version_unsupported", 2: "hello_expected", 3: "malformed_frame", 4: "credit_exceeded",
    5: "revoked", 6: "shutting_down", 7: "slow_consumer", 8: "too_many",
    16: "no_permission", 17: "topic_invalid", 18: "payload_too_large", 19: "deadline_invalid",
    32: "no_responder", 33: "responder_gone", 34: "timeout",
    48: "dropped_oldest", 49: "session_ended",
}  # fmt: skip

# Refusals that waiting does not mend.
_LASTING_REFUSALS = ("version_unsupported", "revoked")


class GuildError(Exception):
    """The base of all. `lasting`: retrying in a moment will not help."""

    code: str = "failed"
    next_step: str = ""
    lasting: bool = False

    def __init__(self, message: str, code: str = "", next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.next_step = next_step or type(self).next_step

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" + (f" ({self.next_step})" if self.next_step else "")


class InvalidArgument(GuildError):
    code = "invalid_argument"
    next_step = "see docs/protocol.md for the form and the limits"


class KeysUnusable(GuildError):
    code = "keys_unusable"
    next_step = "`guild keys add NAME --role client` makes a client's keys"
    lasting = True


class NotAuthorized(GuildError):
    code = "key_unlisted"
    next_step = "`guild keys list` shows who may connect; `guild keys add NAME` adds a client"
    lasting = True


class WrongServerKey(GuildError):
    code = "wrong_server_key"
    next_step = "the client's broker.public is of another home; copy the one of this home"
    lasting = True


class BrokerUnreachable(GuildError):
    code = "broker_unreachable"
    next_step = "`guild status` shows what runs; `scripts/run_system start` starts the suite"


class SessionRefused(GuildError):
    code = "session_refused"
    next_step = "`guild logs query` has the broker's reason"

    def __init__(self, message: str, code: str = "", next_step: str = "") -> None:
        super().__init__(message, code, next_step)
        self.lasting = self.code in _LASTING_REFUSALS


class Denied(GuildError):
    code = "no_permission"
    next_step = "`guild keys list` shows what a client may do"


class NoResponder(GuildError):
    code = "no_responder"
    next_step = "start what serves this name, then ask again"


class ResponderGone(GuildError):
    code = "responder_gone"
    next_step = "it may or may not have acted; ask again if that is safe"


class TimedOut(GuildError):
    code = "timeout"
    next_step = "give it more time, or see what holds it up with `guild bus stats`"


class TooMany(GuildError):
    code = "too_many"
    next_step = "wait for earlier answers before asking for more"


class Unknown(GuildError):
    code = "unknown"
    next_step = "send it again if a second time does no harm"


class MalformedFrame(GuildError):
    code = "malformed_frame"
    next_step = "client and broker are of different protocols; compare their versions"


class Closed(GuildError):
    code = "closed"
    next_step = "open a new Client"
    lasting = True


class RemoteError(GuildError):
    """The responder's own error. A handler raises it to answer with one."""

    code = "failed"
    KINDS: ClassVar[frozenset[str]] = frozenset(
        ("failed", "invalid", "not_found", "denied", "timeout", "funds", "conflict", "exhausted",
         "unavailable"))  # fmt: skip
    CODE_BYTES_MAX: ClassVar[int] = 64
    TEXT_MAX: ClassVar[int] = 4_096

    def __init__(
        self, message: str, code: str = "", next_step: str = "", kind: str = "failed"
    ) -> None:
        super().__init__(message, code, next_step)
        if kind not in self.KINDS or not 0 < len(self.code) <= self.CODE_BYTES_MAX:
            raise InvalidArgument(f"an error of kind {kind!r} and code {self.code!r}")
        self.kind = kind

    def to_payload(self) -> bytes:
        fields = {"kind": self.kind, "code": self.code,
                  "message": self.message[: self.TEXT_MAX],
                  "next_step": self.next_step[: self.TEXT_MAX]}  # fmt: skip
        return json.dumps(fields, ensure_ascii=False).encode("utf-8", "replace")

    @classmethod
    def from_payload(cls, payload: bytes) -> "RemoteError":
        """Of an error reply. One that is not the documented JSON is an error too, and says so."""
        try:
            told = json.loads(payload)
            texts = {field: told[field] for field in ("kind", "code", "message", "next_step")}
            if not all(isinstance(text, str) for text in texts.values()):
                raise ValueError("a field is no string")
            return cls(**texts)
        except (ValueError, KeyError, TypeError, RecursionError, GuildError) as fault:
            return cls(f"the responder's error is unreadable: {fault}", "error_unreadable")


def denial(code: int, reason: str) -> GuildError:
    """Of DENIED and FAILED: the class that its code calls for."""
    name = CODES.get(code, f"code_{code}")
    kinds: dict[str, type[GuildError]] = {
        "no_responder": NoResponder, "responder_gone": ResponderGone, "timeout": TimedOut,
        "too_many": TooMany}  # fmt: skip
    kind = kinds.get(name, Denied)
    return kind(reason or name, name)


def refusal(code: int, reason: str) -> SessionRefused:
    """Of REFUSED."""
    name = CODES.get(code, f"code_{code}")
    return SessionRefused(reason or name, name)
