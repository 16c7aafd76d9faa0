"""The broker is killed, stopped, and comes back."""
import threading
import unittest
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import Queue

from bus_case import LONG_S, close
from guildhall import (
    BrokerUnreachable,
    Closed,
    Gap,
    Message,
    Request,
    SessionEvent,
    TimedOut,
    Unknown,
)
from home import Home, until


class Restarts(unittest.TestCase):
    def setUp(self) -> None:
        self.home = Home()
        self.addCleanup(self.home.close)
        self.home.add_client("app-a")
        self.home.start_broker()
        self.events: Queue[SessionEvent] = Queue()
        self.client = self.home.client("app-a", on_session=self.events.put)
        self.addCleanup(close, self.client)
        self.first = self.next_event(is_open=True)

    def next_event(self, is_open: bool) -> SessionEvent:
        event = self.events.get(timeout=LONG_S)
        self.assertEqual(event.open, is_open)
        return event

    def test_a_killed_broker_ends_the_session_and_all_is_back_in_the_next(self) -> None:
        client = self.client
        subscription = client.subscribe("apps/news")
        client.serve("apps/echo", lambda request: request.payload)
        self.home.kill_broker()
        self.assertIsInstance(self.next_event(is_open=False).fault, BrokerUnreachable)
        self.home.start_broker()
        again = self.next_event(is_open=True)
        self.assertNotEqual(again.instance, self.first.instance)
        client.publish("apps/news", "after", ack=True, timeout=LONG_S)
        self.assertEqual(
            subscription.get(LONG_S), Gap("apps/news", "", 0, 0, None, "session_ended")
        )
        after = subscription.get(LONG_S)
        assert isinstance(after, Message)
        self.assertEqual((after.payload, after.sequence), (b"after", 1))
        self.assertEqual(client.request("apps/echo", "hi", timeout=LONG_S), b"hi")

    def test_acks_and_answers_that_died_with_the_broker_are_unknown(self) -> None:
        client = self.client
        with ThreadPoolExecutor(2) as pool:
            self.home.pause_broker()  # It will take nothing, and die so.
            acked = pool.submit(client.publish, "apps/x", "1", True, LONG_S)
            until(lambda: client.unacknowledged == 1, "the item was sent")
            self.home.kill_broker()
            self.assertRaises(Unknown, acked.result, LONG_S)
        self.assertEqual(self.next_event(is_open=False).unknown, 1)

    def test_a_request_that_died_with_the_broker_is_unknown(self) -> None:
        asked, go_on = threading.Event(), threading.Event()
        self.addCleanup(go_on.set)

        def handler(_: Request) -> bytes:
            asked.set()
            go_on.wait(LONG_S)
            return b""

        self.client.serve("apps/deep", handler)
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(self.client.request, "apps/deep", b"", LONG_S)
            self.assertTrue(asked.wait(LONG_S))
            self.home.kill_broker()
            self.assertRaises(Unknown, answer.result, LONG_S)
        go_on.set()

    def test_what_waits_while_there_is_no_broker_says_so_in_time(self) -> None:
        self.home.kill_broker()
        self.next_event(is_open=False)
        attempts: tuple[Callable[[], object], ...] = (
            lambda: self.client.publish("apps/x", "1", timeout=0.2),
            lambda: self.client.request("apps/x", "1", timeout=0.2),
            lambda: self.client.subscribe("apps/x", timeout=0.2),
        )
        for attempt in attempts:
            self.assertRaises(BrokerUnreachable, attempt)

    def test_a_paused_broker_holds_a_publisher_back_by_credit(self) -> None:
        self.home.pause_broker()
        with self.assertRaises(TimedOut):
            for _ in range(1_000):
                self.client.publish("apps/x", bytes(65_536), timeout=0.3)
        self.home.kill_broker()

    def test_a_client_closes_in_any_state_and_says_so_afterwards(self) -> None:
        subscription = self.client.subscribe("apps/x")
        with ThreadPoolExecutor(1) as pool:
            reading = pool.submit(lambda: list(subscription))
            self.client.close()
            self.assertEqual(reading.result(LONG_S), [])
        self.client.close()
        for attempt in (lambda: self.client.publish("apps/x", "1"),
                        lambda: self.client.subscribe("apps/x"),
                        lambda: self.client.request("apps/x")):  # fmt: skip
            self.assertRaises(Closed, attempt)
        subscription.close()
        with self.home.client("app-a", endpoint=f"ipc://{self.home.root}/none", wait=0):
            pass
