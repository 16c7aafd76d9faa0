"""Publish and subscribe against a real broker: order, acks, callbacks, gaps."""
import time
from concurrent.futures import ThreadPoolExecutor

from bus_case import LONG_S, BusCase
from guildhall import Closed, Gap, InvalidArgument, Subscription
from guildhall.subscription import Entry
from home import scaled


class PublishAndSubscribe(BusCase):
    def test_messages_go_both_ways_and_carry_their_sender(self) -> None:
        a, b = self.client("app-a"), self.client("app-b")
        self.assertEqual((a.name, b.name), ("app-a", "app-b"))
        to_a, to_b = a.subscribe("apps/a/*"), b.subscribe("apps/b/**")
        before = time.time_ns()
        a.publish("apps/b/x/y", "to b")
        b.publish("apps/a/z", b"\0\xff")
        at_b, at_a = self.message(to_b.get(LONG_S)), self.message(to_a.get(LONG_S))
        self.assertEqual((at_b.topic, at_b.sender, at_b.sequence, at_b.payload),
                         ("apps/b/x/y", "app-a", 1, b"to b"))  # fmt: skip
        self.assertEqual((at_a.topic, at_a.sender, at_a.payload), ("apps/a/z", "app-b", b"\0\xff"))
        self.assertLessEqual(abs(at_b.time - before), int(LONG_S * 1e9))
        self.assertGreaterEqual(at_b.epoch, 1)

    def test_many_messages_come_in_order_and_once(self) -> None:
        count = scaled(20_000, 1_000_000)
        a, b = self.client("app-a"), self.client("app-b")
        # The order is over both topics. The flushes only set a pace: apps/** drops for who is slow.
        subscription = b.subscribe("apps/order/*")
        with ThreadPoolExecutor(1) as pool:
            reading = pool.submit(self.read_numbers, subscription, count)
            for number in range(count):
                a.publish(f"apps/order/{number % 2}", str(number), timeout=LONG_S)
                if number % 500 == 499:
                    a.flush(LONG_S)
            numbers = reading.result(LONG_S * 10)
        self.assertEqual(numbers, list(range(count)))

    def read_numbers(self, subscription: Subscription, count: int) -> list[int]:
        numbers: list[int] = []
        for entry in subscription:
            numbers.append(int(self.message(entry).payload))
            if len(numbers) == count:
                break
        return numbers

    def test_a_large_payload_and_an_empty_one_cross_whole(self) -> None:
        a = self.client("app-a")
        subscription = a.subscribe("apps/large")
        large = bytes(range(256)) * 4096
        for payload in (large, b"", large):
            a.publish("apps/large", payload, ack=True)
        self.assertEqual([self.message(subscription.get(LONG_S)).payload for _ in range(3)],
                         [large, b"", large])  # fmt: skip
        self.assertRaises(InvalidArgument, a.publish, "apps/large", large + b"1")

    def test_an_acked_publish_was_routed_when_it_returns(self) -> None:
        a, b = self.client("app-a"), self.client("app-b")
        subscription = b.subscribe("apps/acked")
        threads = 8
        with ThreadPoolExecutor(threads) as pool:
            done = [
                pool.submit(a.publish, "apps/acked", str(each), True) for each in range(threads)
            ]
            for outcome in done:
                outcome.result(LONG_S)
        got = {self.message(subscription.get(LONG_S)).payload for _ in range(threads)}
        self.assertEqual(got, {str(each).encode() for each in range(threads)})
        self.assertEqual(a.unacknowledged, 0)

    def test_a_callback_gets_all_in_order_and_may_use_the_client(self) -> None:
        a, b = self.client("app-a"), self.client("app-b")
        answers = a.subscribe("apps/called/back")

        def callback(entry: Entry) -> None:
            message = self.message(entry)
            if message.payload == b"bad":
                raise ValueError("this one is not liked")
            b.publish("apps/called/back", message.payload)

        b.subscribe("apps/called", callback)
        with self.assertLogs("guildhall", "ERROR"):
            for payload in ("1", "bad", "2"):
                a.publish("apps/called", payload)
            got = [self.message(answers.get(LONG_S)).payload for _ in range(2)]
        self.assertEqual(got, [b"1", b"2"])

    def test_a_closed_subscription_gets_no_more_and_others_do(self) -> None:
        a = self.client("app-a")
        first, second = a.subscribe("apps/shared"), a.subscribe("apps/shared")
        a.publish("apps/shared", "1", ack=True)
        self.assertEqual(self.message(first.get(LONG_S)).payload, b"1")
        first.close()
        a.publish("apps/shared", "2", ack=True)
        self.assertEqual([self.message(second.get(LONG_S)).payload for _ in range(2)], [b"1", b"2"])
        self.assertEqual(list(first), [])
        self.assertRaises(Closed, first.get, 0)

    def test_what_a_slow_subscriber_lost_is_told_in_its_place(self) -> None:
        count = 5_000
        a = self.client("app-a")
        slow = self.client("app-b", window_messages=100).subscribe("apps/slow")
        for number in range(count):
            a.publish("apps/slow", f"{number:0100}", timeout=LONG_S)
        a.flush(LONG_S)
        expected, lost, gaps = 1, 0, 0
        while expected <= count:
            entry = slow.get(LONG_S)
            if isinstance(entry, Gap):
                self.assertEqual((entry.topic, entry.sender, entry.reason),
                                 ("apps/slow", "app-a", "dropped_oldest"))  # fmt: skip
                self.assertEqual((entry.first, entry.count), (expected, entry.last - expected + 1))
                expected, lost, gaps = entry.last + 1, lost + entry.last - entry.first + 1, gaps + 1
            else:
                self.assertEqual((entry.sequence, int(entry.payload)), (expected, expected - 1))
                expected += 1
        self.assertGreater(gaps, 0)
        self.assertGreater(lost, count // 2)
