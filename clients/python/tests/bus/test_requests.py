"""Requests and answers through a real broker, and all ways they fail."""
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

from bus_case import LONG_S, BusCase
from guildhall import (
    Client,
    InvalidArgument,
    NoResponder,
    RemoteError,
    Request,
    ResponderGone,
    TimedOut,
)
from home import scaled


class Requests(BusCase):
    def test_a_request_is_answered_by_who_serves_the_name(self) -> None:
        a, b = self.client("app-a"), self.client("app-b")
        seen: list[Request] = []

        def handler(request: Request) -> bytes:
            seen.append(request)
            return request.payload[::-1]

        b.serve("apps/reverse/*", handler)
        self.assertEqual(a.request("apps/reverse/x", "abc", timeout=LONG_S), b"cba")
        large = bytes(1_048_576)
        self.assertEqual(a.request("apps/reverse/y", large, timeout=LONG_S), large)
        self.assertEqual([(each.name, each.sender) for each in seen],
                         [("apps/reverse/x", "app-a"), ("apps/reverse/y", "app-a")])  # fmt: skip
        self.assertGreater(seen[0].expires, time.monotonic() - LONG_S)

    def test_many_requests_at_once_each_get_their_own_answer(self) -> None:
        a, b = self.client("app-a"), self.client("app-b")
        b.serve("apps/echo", lambda request: request.payload)
        with ThreadPoolExecutor(16) as pool:
            numbers = range(scaled(500, 20_000))
            answers = pool.map(lambda n: a.request("apps/echo", str(n), LONG_S), numbers)
            self.assertEqual([int(answer) for answer in answers], list(numbers))

    def test_a_handlers_error_reaches_the_asker_whole(self) -> None:
        a, b = self.client("app-a"), self.client("app-b")

        def handler(request: Request) -> bytes | str:
            if request.payload == b"typed":
                raise RemoteError("no funds", "funds_short", "earn some", kind="funds")
            if request.payload == b"wrong":
                return 5  # type: ignore[return-value]
            if request.payload == b"large":
                return bytes(1_048_577)
            raise ValueError("odd")

        b.serve("apps/fails", handler)
        with self.assertLogs("guildhall", "ERROR"):
            told = [self.error_of(a, payload) for payload in ("typed", "odd", "wrong", "large")]
        self.assertEqual([(each.kind, each.code) for each in told],
                         [("funds", "funds_short"), ("failed", "handler_failed"),
                          ("failed", "handler_failed"),
                          ("failed", "payload_too_large")])  # fmt: skip
        self.assertEqual((told[0].message, told[0].next_step), ("no funds", "earn some"))
        self.assertIn("odd", told[1].message)

    def error_of(self, client: Client, payload: str) -> RemoteError:
        with self.assertRaises(RemoteError) as caught:
            client.request("apps/fails", payload, timeout=LONG_S)
        return caught.exception

    def test_nobody_serves_it(self) -> None:
        a = self.client("app-a")
        self.assertRaises(NoResponder, a.request, "apps/nobody", timeout=LONG_S)
        service = a.serve("apps/nobody", lambda _: b"me")
        self.assertEqual(a.request("apps/nobody", timeout=LONG_S), b"me")
        service.close()
        self.assertRaises(NoResponder, a.request, "apps/nobody", timeout=LONG_S)

    def test_a_slow_handler_times_out_and_hears_that_nobody_waits(self) -> None:
        a, b = self.client("app-a"), self.client("app-b")
        heard: Future[bool] = Future()

        def handler(request: Request) -> bytes:
            heard.set_result(request.cancelled.wait(LONG_S))
            return b"late"

        b.serve("apps/slow", handler)
        with self.assertRaises(TimedOut):
            a.request("apps/slow", timeout=0.2)
        self.assertTrue(heard.result(LONG_S))
        for timeout in (0, -1, 601):
            self.assertRaises(InvalidArgument, a.request, "apps/slow", b"", timeout)

    def test_a_responder_that_leaves_is_told_at_once(self) -> None:
        a, b = self.client("app-a"), self.client("app-b")
        started, go_on = threading.Event(), threading.Event()
        self.addCleanup(go_on.set)

        def handler(_: Request) -> bytes:
            started.set()
            go_on.wait(LONG_S)
            return b""

        b.serve("apps/leaves", handler)
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(a.request, "apps/leaves", b"", LONG_S)
            self.assertTrue(started.wait(LONG_S))
            b.close()
            self.assertRaises(ResponderGone, asked.result, LONG_S)
        go_on.set()

    def test_a_name_is_served_once_by_a_client(self) -> None:
        a = self.client("app-a")
        a.serve("apps/once", lambda _: b"1")
        self.assertRaises(InvalidArgument, a.serve, "apps/once", lambda _: b"2")
        self.assertEqual(a.request("apps/once", timeout=LONG_S), b"1")
