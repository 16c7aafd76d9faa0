"""A session's states against bytes, and what is made again in the next one."""
import unittest
from itertools import count

from guildhall import errors, frames
from guildhall.outbox import FRAME_BYTES, Call, Outbox, Publication, Window
from guildhall.registry import Registry
from guildhall.service import Service
from guildhall.session import Session, State
from guildhall.subscription import Gap, Subscription
from wire import acked, outbox, records_of


class Sessions(unittest.TestCase):
    def setUp(self) -> None:
        self.box = Outbox(count(1).__next__, 1_000, 1 << 20)
        self.session = Session(self.box, count(1).__next__, Window(80, 8_000))

    def take(self, *records: frames.Record) -> list[frames.Sized]:
        return self.session.receive(frames.encode_frame(records))

    def sent(self) -> list[frames.Record]:
        return records_of(self.session.next_frame(0.0))

    def opened(self) -> Session:
        self.sent()
        self.take(frames.Welcome(name="me", credit_messages=100, credit_bytes=100_000))
        return self.session

    def test_nothing_but_hello_is_sent_before_welcome(self) -> None:
        self.box.put(Publication("a", b"1"))
        self.assertEqual(self.sent(), [frames.Hello(credit_messages=80, credit_bytes=8_000)])
        self.assertEqual(self.sent(), [])
        self.take(frames.Welcome(name="me", credit_messages=100, credit_bytes=100_000))
        self.assertIs(self.session.state, State.OPEN)
        self.assertEqual(self.sent(), [frames.Publish(number=1, topic="a", items=[b"1"])])

    def test_a_record_before_welcome_and_a_second_welcome_are_malformed(self) -> None:
        self.assertRaises(errors.MalformedFrame, self.take, frames.Done())
        self.opened()
        self.assertRaises(errors.MalformedFrame, self.take, frames.Welcome())

    def test_refused_ends_it_with_its_code(self) -> None:
        self.opened()
        with self.assertRaises(errors.SessionRefused) as caught:
            self.take(frames.Refused(code=5, reason="the key was revoked"))
        self.assertEqual((caught.exception.code, caught.exception.lasting), ("revoked", True))

    def test_an_unknown_version_is_refused(self) -> None:
        with self.assertRaises(errors.SessionRefused) as caught:
            self.take(frames.Welcome(version=2))
        self.assertEqual(caught.exception.code, "version_unsupported")

    def test_done_and_denied_answer_by_correlation(self) -> None:
        session = self.opened()
        first = session.operate(frames.Subscribe, "a/**")
        second = session.operate(frames.Serve, "b")
        one, two = self.sent()
        self.assertEqual((one.topic, two.topic), ("a/**", "b"))
        self.take(frames.Denied(number=two.number, code=16, reason="no"),
                  frames.Done(number=one.number))  # fmt: skip
        self.assertIsNone(first.exception(0))
        self.assertIsInstance(second.exception(0), errors.Denied)

    def test_replies_and_failures_answer_requests_and_give_their_credit_back(self) -> None:
        self.opened()
        calls = [Call("s", b"", expires=9.0) for _ in range(3)]
        for call in calls:
            self.box.put(call)
        numbers = [record.number for record in self.sent()]
        reply = frames.ReplyDelivery(number=numbers[0], topic="s", name="x", payload=b"yes")
        self.take(reply, frames.Failed(number=numbers[1], code=32, reason="nobody"),
                  frames.Failed(number=numbers[2], code=33))  # fmt: skip
        self.assertEqual(calls[0].answer.result(0), b"yes")
        self.assertIsInstance(calls[1].answer.exception(0), errors.NoResponder)
        self.assertIsInstance(calls[2].answer.exception(0), errors.ResponderGone)
        self.assertEqual(self.sent(), [frames.Credit(number=len(frames.encode(reply)), messages=1)])

    def test_credit_lets_waiting_items_go(self) -> None:
        self.sent()
        self.take(frames.Welcome(credit_messages=1, credit_bytes=1))
        self.box.put(Publication("a", bytes(10)))
        self.box.put(Publication("b", bytes(FRAME_BYTES)))
        self.assertEqual(len(self.sent()), 1)
        self.assertEqual(self.sent(), [])
        self.take(frames.CreditGrant(number=1_000, messages=1))
        self.assertEqual(len(self.sent()), 1)

    def test_the_largest_payload_fits_the_frame_of_what_costs_nothing(self) -> None:
        session = self.opened()
        for _ in range(1_000):
            session.operate(frames.Subscribe, "x" * 250)
        self.box.put(Publication("x" * 250, bytes(frames.PAYLOAD_BYTES_MAX)))
        sizes = []
        while frame := session.next_frame(0.0):
            sizes.append(len(frame))
        self.assertGreater(len(sizes), 1)
        self.assertLessEqual(max(sizes), frames.FRAME_BYTES_MAX)

    def test_its_end_makes_unknown_what_was_not_answered(self) -> None:
        session = self.opened()
        item, asked = acked("a", b"1"), session.operate(frames.Subscribe, "a")
        self.box.put(item)
        self.sent()
        self.assertEqual(session.end(errors.BrokerUnreachable("cut")), 1)
        assert item.accepted
        self.assertIsInstance(item.accepted.exception(0), errors.Unknown)
        self.assertIsInstance(asked.exception(0), errors.Unknown)
        self.assertEqual(session.next_frame(0.0), b"")


class Registrations(unittest.TestCase):
    def setUp(self) -> None:
        self.registry = Registry()
        self.numbers = count(1).__next__

    def session(self) -> Session:
        made = Session(outbox(), self.numbers, Window(1_000, 100_000))
        made.receive(frames.encode(frames.Welcome(credit_messages=10, credit_bytes=1_000)))
        made.next_frame(0.0)
        return made

    def test_a_shared_pattern_is_asked_for_once_and_left_by_the_last(self) -> None:
        session = self.session()
        both = [Subscription("a/*", 100, lambda _: None) for _ in range(2)]
        for one in both:
            self.registry.add(frames.Subscribe, one, session)
        self.assertEqual(len(records_of(session.next_frame(0.0))), 1)
        self.assertEqual(self.registry.subscriptions_of("a/b"), both)
        self.registry.remove(frames.Subscribe, both[0], session)
        self.assertEqual(session.next_frame(0.0), b"")
        self.registry.remove(frames.Subscribe, both[1], session)
        self.assertEqual([type(record) for record in records_of(session.next_frame(0.0))],
                         [frames.Unsubscribe])  # fmt: skip

    def test_all_is_made_again_and_told_when_the_last_is_answered(self) -> None:
        session, told = self.session(), list[str]()
        subscription = Subscription("a/*", 100, lambda _: None)
        self.registry.add(frames.Subscribe, subscription, session)
        self.registry.add(frames.Serve, Service("s", lambda _: b"", lambda _: None), session)
        for record in records_of(session.next_frame(0.0)):
            session.receive(frames.encode(frames.Done(number=record.number)))
        session.end(errors.Closed("gone"))
        session = self.session()
        self.registry.make_again(session, lambda: told.append("back"))
        asked = records_of(session.next_frame(0.0))
        self.assertEqual([type(record) for record in asked], [frames.Subscribe, frames.Serve])
        session.receive(frames.encode(frames.Done(number=asked[0].number)))
        self.assertEqual(told, [])
        session.receive(frames.encode(frames.Done(number=asked[1].number)))
        self.assertEqual(told, ["back"])
        self.assertIsInstance(subscription.get(0), Gap)

    def test_a_denial_in_a_later_session_ends_the_subscription_with_it(self) -> None:
        session = self.session()
        subscription = Subscription("a/*", 100, lambda _: None)
        made = self.registry.add(frames.Subscribe, subscription, None)
        self.registry.make_again(session, lambda: None)
        (asked,) = records_of(session.next_frame(0.0))
        session.receive(frames.encode(frames.Denied(number=asked.number, code=16)))
        self.assertIsInstance(made.confirmed.exception(0), errors.Denied)
        self.assertRaises(errors.Denied, subscription.get, 0)
        self.assertEqual(self.registry.subscriptions_of("a/b"), [])
