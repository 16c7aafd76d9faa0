"""What the application subscribes to and serves, made again in every session.

Several of its subscriptions may share a pattern: the broker knows it once. Used under the client's
lock alone. Pure.
"""
import logging
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from . import frames
from .errors import GuildError, InvalidArgument, Unknown
from .service import Service
from .session import Session
from .subscription import Subscription

_log = logging.getLogger("guildhall")

_UNDO: dict[type[frames.Record], type[frames.Record]] = {
    frames.Subscribe: frames.Unsubscribe,
    frames.Serve: frames.Unserve,
}


@dataclass(slots=True)
class Registration:
    """`confirmed` is done when the broker first said DONE, or failed when it was denied."""

    kind: type[frames.Record]
    pattern: str
    users: list[Subscription | Service] = field(default_factory=list)
    confirmed: Future[None] = field(default_factory=Future)


class Registry:
    def __init__(self) -> None:
        self._made: dict[tuple[type[frames.Record], str], Registration] = {}

    def subscriptions_of(self, topic: str) -> list[Subscription]:
        return [user for made in self._made.values() for user in made.users
                if isinstance(user, Subscription) and user.matches(topic)]  # fmt: skip

    def service_of(self, name: str) -> Service | None:
        """The earliest made one, where patterns overlap."""
        found = (user for made in self._made.values() for user in made.users
                 if isinstance(user, Service) and user.matches(name))  # fmt: skip
        return next(found, None)

    def add(
        self, kind: type[frames.Record], user: Subscription | Service, session: Session | None
    ) -> Registration:
        """Without a session it is made in the next one."""
        made = self._made.get((kind, user.pattern))
        if made and isinstance(user, Service):
            raise InvalidArgument(f"this client serves {user.pattern} already")
        if made is None:
            made = self._made[kind, user.pattern] = Registration(kind, user.pattern)
            if session:
                self._ask(made, session)
        made.users.append(user)
        return made

    def remove(
        self, kind: type[frames.Record], user: Subscription | Service, session: Session | None
    ) -> None:
        made = self._made.get((kind, user.pattern))
        if made is None or user not in made.users:
            return
        made.users.remove(user)
        if made.users:
            return
        del self._made[kind, user.pattern]
        if session:
            session.operate(_UNDO[kind], user.pattern)

    def make_again(self, session: Session, then: Callable[[], None]) -> None:
        """In a new session; `then` once all are answered."""
        waiting = list(self._made.values())
        for made in waiting:
            for user in made.users:
                if isinstance(user, Subscription) and made.confirmed.done():
                    user.interrupted()
        left = len(waiting)

        def answered(outcome: "Future[None]") -> None:
            nonlocal left
            left -= 1
            if left == 0 and not isinstance(outcome.exception(), Unknown):
                then()

        if left == 0:
            then()
        for made in waiting:
            self._ask(made, session).add_done_callback(answered)

    def close(self, fault: GuildError) -> list[Subscription | Service]:
        """Forgets all; those who wait for a confirmation hear `fault`."""
        users = [user for made in self._made.values() for user in made.users]
        for made in self._made.values():
            if not made.confirmed.done():
                made.confirmed.set_exception(fault)
        self._made.clear()
        return users

    def _ask(self, made: Registration, session: Session) -> "Future[None]":
        outcome = session.operate(made.kind, made.pattern)
        outcome.add_done_callback(lambda done: self._answered(made, done.exception()))
        return outcome

    def _answered(self, made: Registration, fault: BaseException | None) -> None:
        if isinstance(fault, Unknown):
            return  # The session ended; the next one asks again.
        if isinstance(fault, GuildError):
            self._denied(made, fault)
        elif not made.confirmed.done():
            made.confirmed.set_result(None)

    def _denied(self, made: Registration, fault: GuildError) -> None:
        if self._made.get((made.kind, made.pattern)) is made:
            del self._made[made.kind, made.pattern]
        was_made = made.confirmed.done()
        if not was_made:
            made.confirmed.set_exception(fault)
        for user in made.users:
            if isinstance(user, Subscription):
                user.end(fault)
            elif was_made:
                _log.error("%s is served no longer: %s", made.pattern, fault)
