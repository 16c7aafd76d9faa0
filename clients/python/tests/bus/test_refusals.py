"""What a real broker refuses, each as its own type."""
import time
from collections.abc import Callable
from pathlib import Path
from queue import Queue

import zmq
from bus_case import LONG_S, BusCase
from guildhall import (
    BrokerUnreachable,
    Client,
    Denied,
    GuildError,
    InvalidArgument,
    NotAuthorized,
    SessionEvent,
    WrongServerKey,
)
from home import until
from zmq.utils.z85 import decode as z85_decode


class Refusals(BusCase):
    def test_a_denied_publish_is_typed_with_ack_and_without(self) -> None:
        a = self.client("app-a")
        with self.assertRaises(Denied) as caught:
            a.publish("bus/denied", "forged", ack=True)
        self.assertEqual(caught.exception.code, "no_permission")
        self.assertTrue(caught.exception.message)
        self.assertTrue(caught.exception.next_step)
        a.publish("ledger/entry/x", "1")
        self.assertRaises(Denied, a.flush, LONG_S)
        a.publish("ledger/entry/x", "2")
        until(lambda: self.is_denied(a, "ledger/entry/x"), "the next publish hears of the denial")
        a.publish("apps/fine", "3", ack=True)

    def is_denied(self, client: Client, topic: str) -> bool:
        try:
            client.publish(topic, "again")
            return False
        except Denied:
            return True

    def test_a_denied_subscribe_serve_and_request_are_typed(self) -> None:
        a = self.client("app-a")
        attempts: tuple[Callable[[], object], ...] = (
            lambda: a.subscribe("ledger/**"),
            lambda: a.serve("ledgerd/transfer", lambda _: b""),
            lambda: a.request("ledgerd/transfer", b"{}"),
        )
        for attempt in attempts:
            with self.assertRaises(Denied) as caught:
                attempt()
            self.assertEqual(caught.exception.code, "no_permission")

    def test_a_malformed_topic_or_pattern_is_denied_or_refused_here(self) -> None:
        a = self.client("app-a")
        for topic in ("apps//x", "apps/x y", "/apps", "apps/*"):
            with self.subTest(topic), self.assertRaises(Denied) as caught:
                a.publish(topic, "1", ack=True)
            self.assertEqual(caught.exception.code, "topic_invalid")
        for topic in ("", "a" * 251, "apps/\ud800"):
            self.assertRaises(InvalidArgument, a.publish, topic, "1")
        self.assertRaises(InvalidArgument, a.publish, "apps/x", 1)
        with self.assertRaises(Denied) as caught:
            a.subscribe("apps/**/x")
        self.assertEqual(caught.exception.code, "topic_invalid")

    def test_an_unlisted_key_is_told_within_a_second(self) -> None:
        self.make_unlisted("stranger")
        self.assert_refused("stranger", NotAuthorized, "key_unlisted", within=1.0)

    def test_a_wrong_server_key_is_told_within_two_seconds(self) -> None:
        folder = self.home.root / "keys" / "astray"
        folder.mkdir(mode=0o700)
        for file in ("bus.public", "bus.secret"):
            self.copy_key(self.home.root / "keys/app-a" / file, folder / file)
        # A well-formed key that is not the broker's.
        self.copy_key(folder / "bus.public", folder / "broker.public")
        self.assert_refused("astray", WrongServerKey, "wrong_server_key", within=2.0)

    def make_unlisted(self, name: str) -> bytes:
        """Keys of which the broker does not know; the public one."""
        folder = self.home.root / "keys" / name
        folder.mkdir(mode=0o700)
        keys: list[bytes] = [z85_decode(text)  # type: ignore[no-untyped-call]
                             for text in zmq.curve_keypair()]  # fmt: skip
        for file, key in zip(("bus.public", "bus.secret"), keys, strict=True):
            self.write_key(folder / file, key)
        self.copy_key(self.home.root / "keys/app-a/broker.public", folder / "broker.public")
        return keys[0]

    def assert_refused(self, name: str, kind: type[GuildError], code: str, within: float) -> None:
        started = time.monotonic()
        with self.assertRaises(kind) as caught:
            self.home.client(name, wait=LONG_S)
        self.assertLess(time.monotonic() - started, within)
        self.assertEqual(caught.exception.code, code)
        self.assertTrue(caught.exception.next_step)

    def write_key(self, path: Path, key: bytes) -> None:
        path.write_text(key.hex() + "\n")
        path.chmod(0o600)

    def copy_key(self, source: Path, target: Path) -> None:
        self.write_key(target, bytes.fromhex(source.read_text().strip()))

    def test_no_broker_at_all_is_unreachable(self) -> None:
        folder = f"ipc://{self.home.root}/run"
        for endpoint in (f"{folder}/none.sock", f"{folder}/{'long' * 50}.sock"):
            with self.assertRaises(BrokerUnreachable) as caught:
                self.home.client("app-a", endpoint=endpoint, wait=0.3)
            self.assertIn(endpoint, caught.exception.message)

    def test_a_client_that_is_listed_later_gets_in_by_itself(self) -> None:
        public = self.make_unlisted("early")
        events: Queue[SessionEvent] = Queue()
        early = self.client("early", on_session=events.put, wait=0)
        self.assertRaises(NotAuthorized, early.publish, "apps/x", "1", timeout=LONG_S)
        self.home.list_client("early", public)
        self.assertTrue(events.get(timeout=LONG_S).open)
        early.publish("apps/x", "1", ack=True)

    def test_a_window_over_the_limits_is_refused(self) -> None:
        for options in ({"window_messages": 0}, {"window_bytes": 0},
                        {"window_messages": 4_194_305}, {"window_bytes": 67_108_865}):  # fmt: skip
            self.assertRaises(InvalidArgument, self.home.client, "app-a", **options)

    def test_a_key_that_is_revoked_loses_its_session_and_hears_why(self) -> None:
        self.home.add_client("leaver")
        events: Queue[SessionEvent] = Queue()
        leaver = self.client("leaver", on_session=events.put)
        self.assertTrue(events.get(timeout=LONG_S).open)
        self.home.guild("keys", "revoke", "leaver")
        ended = events.get(timeout=LONG_S)
        assert ended.fault
        self.assertEqual((ended.open, ended.fault.code), (False, "revoked"))
        self.assertRaises(GuildError, leaver.publish, "apps/x", "1", timeout=0.5)
