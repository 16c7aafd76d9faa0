"""A client's keys, as `guild keys init` and `guild keys add` write them.

<home>/keys/NAME/ has bus.secret and bus.public, this name's own pair, and broker.public. Each is 32
bytes as 64 hex digits and a newline. A secret that group or others may read is refused, as is one
that is not its user's own.
"""
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from .errors import InvalidArgument, KeysUnusable

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_KEY = re.compile(rb"([0-9a-f]{64})\n?")
# One more than a key file has, so that a longer one is seen.
_KEY_FILE_BYTES_MAX = 66
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class Keys:
    """Raw 32-byte keys. The secret is not shown."""

    name: str
    public: bytes
    secret: bytes = field(repr=False)
    broker_public: bytes

    @classmethod
    def load(cls, home: Path, name: str) -> Self:
        if not _NAME.fullmatch(name):
            raise InvalidArgument(
                f"{name!r} is no client's name: 1 to 64 of a-z 0-9 - _, starting with a letter"
            )
        folder = home / "keys" / name
        return cls(
            name=name,
            public=_read_key(folder / "bus.public"),
            secret=_read_key(folder / "bus.secret", secret=True),
            broker_public=_read_key(folder / "broker.public"),
        )


def _read_key(path: Path, secret: bool = False) -> bytes:
    try:
        with open(path, "rb") as file:
            if secret:
                # Of the file that is read, not of what its path may name by now.
                _refuse_shared(path, os.fstat(file.fileno()))
            text = file.read(_KEY_FILE_BYTES_MAX)
    except OSError as error:
        raise KeysUnusable(f"{path}: {error.strerror}") from error
    found = _KEY.fullmatch(text)
    if not found:
        raise KeysUnusable(f"{path}: not a key of 64 hex digits")
    return bytes.fromhex(found[1].decode("ascii"))


def _refuse_shared(path: Path, status: os.stat_result) -> None:
    if status.st_mode & _OTHERS:
        raise KeysUnusable(
            f"{path}: others than its owner may read it (mode {stat.S_IMODE(status.st_mode):04o})",
            "secret_exposed",
            f"`chmod 600 {path}`, and make new keys if somebody may have read it",
        )
    if status.st_uid not in (os.geteuid(), 0):
        raise KeysUnusable(f"{path}: belongs to another user", "secret_exposed")
