"""A subscription's queue, and the credit that is returned for it."""
import unittest
from itertools import count

from guildhall import errors, frames
from guildhall.outbox import Window
from guildhall.session import Session
from guildhall.subscription import Entry, Gap, Message, Run, Subscription
from wire import outbox


class CreditIn(unittest.TestCase):
    """A subscription's queue, and what is returned for it."""

    def setUp(self) -> None:
        self.woken = 0
        self.session = self.new_session()
        self.taken: list[Entry] = []

    def new_session(self) -> Session:
        def wake() -> None:
            self.woken += 1

        return Session(outbox(), count(1).__next__, Window(1_000, 100_000), wake)

    def run_of(self, *items: bytes, holders: int = 1) -> Run:
        record = frames.Deliver(number=5, topic="a/b", name="x", time=7, epoch=2, items=list(items))
        return Run(record, len(frames.encode(record)), self.session.processed, holders)

    def returned(self) -> tuple[int, int]:
        window = self.session.processed.take()
        return window.messages, window.bytes

    def subscription(self) -> Subscription:
        return Subscription("a/**", 100, lambda _: None)

    def test_an_entry_is_processed_when_it_was_taken_and_the_header_with_the_last(self) -> None:
        subscription, run = self.subscription(), self.run_of(b"1", b"22", b"333")
        subscription.push(run)
        self.assertEqual(self.returned(), (0, 0))
        self.assertEqual(subscription.get(0), Message("a/b", "x", 5, 7, 2, b"1"))
        self.assertEqual(self.returned(), (1, 5))
        self.assertEqual([entry.payload for entry in (subscription.get(0), subscription.get(0))
                          if isinstance(entry, Message)], [b"22", b"333"])  # fmt: skip
        self.assertEqual(self.returned(), (2, run.size - 5))
        self.assertGreater(self.woken, 0)

    def test_a_callbacks_entry_is_processed_when_it_returned(self) -> None:
        subscription, seen = self.subscription(), []

        def callback(entry: Entry) -> None:
            seen.append(self.returned())
            if len(seen) == 3:
                subscription.close()

        subscription.push(self.run_of(b"1", b"2", b"3"))
        subscription.consume(callback)
        self.assertEqual(seen, [(0, 0), (1, 5), (1, 5)])

    def test_overlapping_subscriptions_return_a_run_once_when_all_are_through(self) -> None:
        subscriptions, run = [self.subscription(), self.subscription()], self.run_of(
            b"1", b"2", holders=2)  # fmt: skip
        for subscription in subscriptions:
            subscription.push(run)
        for subscription in subscriptions:
            self.assertEqual(self.returned(), (0, 0))
            subscription.get(0)
            subscription.get(0)
        self.assertEqual(self.returned(), (2, run.size))

    def test_closing_returns_what_was_not_read(self) -> None:
        subscription, runs = self.subscription(), [self.run_of(b"1", b"2") for _ in range(2)]
        for run in runs:
            subscription.push(run)
        subscription.get(0)
        subscription.close()
        self.assertEqual(self.returned(), (4, 2 * runs[0].size))
        self.assertEqual(list(subscription), [])
        subscription.push(self.run_of(b"1"))
        self.assertEqual(self.returned()[0], 1)

    def test_a_gap_is_one_message_and_is_told_in_its_place(self) -> None:
        subscription = self.subscription()
        gap = frames.Gap(number=10, topic="a/b", name="x", last=25, count=12, reason=48)
        size = len(frames.encode(gap))
        subscription.push(Run(gap, size, self.session.processed, 1))
        self.assertEqual(subscription.get(0), Gap("a/b", "x", 10, 25, 12, "dropped_oldest"))
        self.assertEqual(self.returned(), (1, size))

    def test_an_interruption_is_told_and_at_most_a_window_is_kept(self) -> None:
        subscription = self.subscription()
        subscription.push(self.run_of(b"kept"))
        subscription.interrupted()
        self.assertIsInstance(subscription.get(0), Message)
        self.assertEqual(subscription.get(0), Gap("a/**", "", 0, 0, None, "session_ended"))
        subscription.push(self.run_of(bytes(200)))
        subscription.interrupted()
        subscription.interrupted()
        self.assertIsInstance(subscription.get(0), Gap)
        self.assertRaises(errors.TimedOut, subscription.get, 0)

    def test_credit_of_an_ended_session_is_not_returned_to_the_next(self) -> None:
        subscription = self.subscription()
        subscription.push(self.run_of(b"1"))
        self.session.end(errors.Closed("gone"))
        subscription.get(0)
        self.assertEqual(self.returned(), (0, 0))
