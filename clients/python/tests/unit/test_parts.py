"""The small parts: records that cannot be, patterns, key files, retries, error replies."""
import os
import tempfile
import unittest
from collections.abc import Callable
from pathlib import Path

from guildhall import errors, frames
from guildhall.keys import Keys
from guildhall.link import Fate
from guildhall.reconnect import WAIT_MAX_S, WAIT_MIN_S, Reconnect
from guildhall.topics import Pattern


class Writing(unittest.TestCase):
    def test_what_no_record_can_hold_is_refused(self) -> None:
        for record in (
            frames.Subscribe(topic="x" * 251),
            frames.Subscribe(topic="\ud800"),
            frames.Subscribe(name="n" * 65),
            frames.Subscribe(name="ä"),
            frames.Ping(number=2**64),
            frames.Ping(number=-1),
            frames.Credit(messages=2**32),
            frames.Publish(topic="a", items=[bytes(1_048_576)] * 2),
        ):
            with self.subTest(type(record).__name__), self.assertRaises(errors.InvalidArgument):
                frames.encode(record)

    def test_a_frame_over_the_limit_and_text_that_is_none_are_refused(self) -> None:
        record = frames.encode(frames.Failed(number=1, reason="no"))
        for frame in (
            record * (frames.FRAME_BYTES_MAX // len(record) + 1),
            frames.encode(frames.Done(topic="xy")).replace(b"xy", b"\xff\xff"),
            record.replace(b"no", b"\xc3\xa9"),
        ):
            self.assertRaises(errors.MalformedFrame, frames.decode, frame)


class ErrorReplies(unittest.TestCase):
    def test_error_replies_are_read_and_unreadable_ones_say_so(self) -> None:
        told = errors.RemoteError("empty", "funds_short", "earn some", kind="funds")
        again = errors.RemoteError.from_payload(told.to_payload())
        self.assertEqual((again.kind, again.code, again.message, again.next_step),
                         ("funds", "funds_short", "empty", "earn some"))  # fmt: skip
        for payload in (b"", b"\xff", b"[]", b'{"kind":"failed"}', b"[" * 100_000,
                        b'{"kind":"odd","code":"a","message":"","next_step":""}',
                        b'{"kind":"failed","code":1,"message":"","next_step":""}'):  # fmt: skip
            with self.subTest(payload[:20]):
                self.assertEqual(errors.RemoteError.from_payload(payload).code, "error_unreadable")


class Patterns(unittest.TestCase):
    def test_a_pattern_takes_what_the_protocol_says(self) -> None:
        for pattern, topic, taken in (
            ("a/b", "a/b", True), ("a/b", "a", False), ("a/b", "a/b/c", False),
            ("a/*", "a/b", True), ("a/*", "a", False), ("a/*", "a/b/c", False),
            ("*/b", "a/b", True), ("a/*/c", "a/b/c", True), ("a/*/c", "a/b/d", False),
            ("a/**", "a/b", True), ("a/**", "a/b/c", True), ("a/**", "a", False),
            ("**", "a", True), ("**", "a/b/c", True), ("*/**", "a", False),
            ("a/*/**", "a/b/c", True), ("a/*/**", "a/b", False),
        ):  # fmt: skip
            with self.subTest(pattern=pattern, topic=topic):
                self.assertEqual(Pattern(pattern).matches(topic), taken)


class KeyFiles(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.home = Path(folder.name)
        (self.home / "keys" / "anna").mkdir(parents=True)
        for at, file in enumerate(("bus.public", "bus.secret", "broker.public")):
            self.write(file, f"{at:02x}" * 32 + "\n")

    def write(self, file: str, text: str, mode: int = 0o600) -> None:
        path = self.home / "keys" / "anna" / file
        path.write_text(text)
        path.chmod(mode)

    def refused(self) -> errors.KeysUnusable:
        with self.assertRaises(errors.KeysUnusable) as caught:
            Keys.load(self.home, "anna")
        return caught.exception

    def test_keys_are_read_and_the_secret_is_not_shown(self) -> None:
        keys = Keys.load(self.home, "anna")
        self.assertEqual((keys.public, keys.secret, keys.broker_public),
                         (bytes(32), b"\1" * 32, b"\2" * 32))  # fmt: skip
        self.assertNotIn("\\x01", repr(keys))

    def test_a_secret_that_others_can_read_is_refused(self) -> None:
        for mode in (0o640, 0o604, 0o620, 0o660, 0o644):
            with self.subTest(oct(mode)):
                self.write("bus.secret", "01" * 32, mode)
                self.assertEqual(self.refused().code, "secret_exposed")
        self.write("bus.secret", "01" * 32, 0o400)
        Keys.load(self.home, "anna")

    def test_a_malformed_or_missing_key_is_refused_and_its_file_named(self) -> None:
        for text in ("", "01" * 31, "01" * 33, "zz" * 32, "01" * 32 + "\n\n"):
            self.write("broker.public", text)
            self.assertIn("broker.public", self.refused().message)
        os.remove(self.home / "keys" / "anna" / "broker.public")
        self.assertIn("broker.public", self.refused().message)

    def test_a_name_that_leads_elsewhere_is_refused(self) -> None:
        for name in ("", "../anna", "Anna", "a/b", "a" * 65, "1a", "anna\n"):
            self.assertRaises(errors.InvalidArgument, Keys.load, self.home, name)


class Retries(unittest.TestCase):
    def reconnect(self, draw: Callable[[float, float], float] = lambda _, most: most) -> Reconnect:
        return Reconnect("ipc://x", "anna", draw)

    def test_waits_double_up_to_two_seconds_and_begin_again(self) -> None:
        reconnect = self.reconnect()
        waits = [reconnect.wait_s() for _ in range(8)]
        self.assertEqual(waits, [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0])
        reconnect.opened()
        self.assertEqual(reconnect.wait_s(), WAIT_MIN_S)

    def test_each_is_drawn_between_fifty_milliseconds_and_its_bound(self) -> None:
        asked: list[tuple[float, float]] = []

        def draw(least: float, most: float) -> float:
            asked.append((least, most))
            return least

        reconnect = self.reconnect(draw)
        for _ in range(40):
            reconnect.wait_s()
        self.assertEqual({least for least, _ in asked}, {WAIT_MIN_S})
        self.assertEqual(max(most for _, most in asked), WAIT_MAX_S)

    def test_only_handshakes_that_break_off_in_a_row_mean_a_wrong_server_key(self) -> None:
        reconnect = self.reconnect()
        fates = [Fate.HANDSHAKE_REFUSED] * 2 + [Fate.SILENT] + [Fate.HANDSHAKE_REFUSED] * 3
        told = [type(reconnect.fault_of(fate)) for fate in fates]
        self.assertEqual(told, [errors.BrokerUnreachable] * 5 + [errors.WrongServerKey])
        self.assertIsInstance(reconnect.fault_of(Fate.NOT_AUTHORIZED), errors.NotAuthorized)
        self.assertIsInstance(reconnect.fault_of(Fate.UNREACHABLE), errors.BrokerUnreachable)
