"""What an application is told of its sessions, on a thread of its own, in order."""
import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass

from .errors import GuildError

_log = logging.getLogger("guildhall")
# Sessions begin and end seconds apart; an application that is this far behind hears no more.
NOTICES_MAX = 256


@dataclass(frozen=True, slots=True)
class SessionEvent:
    """`open`: there is a session, and every subscription and served name is back in it.

    Not open: it ended, for `fault`; `unknown` items that wanted an ack had none.
    """

    open: bool
    name: str
    instance: bytes = b""
    epoch: int = 0
    fault: GuildError | None = None
    unknown: int = 0


class Notices:
    def __init__(self, tell: Callable[[SessionEvent], None]) -> None:
        self._tell = tell
        self._queue: queue.Queue[SessionEvent | None] = queue.Queue(NOTICES_MAX)
        threading.Thread(target=self._run, name="guildhall-sessions", daemon=True).start()

    def put(self, event: SessionEvent | None) -> None:
        """None ends it."""
        try:
            self._queue.put_nowait(event)
        except queue.Full:
            _log.error("on_session does not keep up; a notice was dropped")

    def _run(self) -> None:
        while event := self._queue.get():
            try:
                self._tell(event)
            except Exception:
                _log.exception("on_session failed")
