"""Packing, credit towards the broker, and answers, against bytes."""
import unittest
from itertools import count

from guildhall import errors, frames
from guildhall.outbox import FRAME_BYTES, Answer, Call, Outbox, Publication
from wire import MANY, acked, outbox, packed, records_of


class Packing(unittest.TestCase):
    def test_neighbours_of_a_topic_share_a_record_and_all_are_numbered(self) -> None:
        box = outbox()
        for entry in (Publication("a", b"1"), Publication("a", b"2"), acked("a", b"3"),
                      Publication("b", b"4"), Publication("a", b"5")):  # fmt: skip
            box.put(entry)
        self.assertEqual(packed(box), [
            frames.Publish(number=1, topic="a", items=[b"1", b"2"]),
            frames.Publish(number=3, topic="a", flags=frames.ACK_WANTED, items=[b"3"]),
            frames.Publish(number=4, topic="b", items=[b"4"]),
            frames.Publish(number=5, topic="a", items=[b"5"]),
        ])  # fmt: skip
        self.assertTrue(box.is_empty())

    def test_frames_are_filled_to_64_kib_and_carry_all_in_order(self) -> None:
        box, sent, sizes = outbox(), list[bytes](), list[int]()
        payloads = [str(number).encode() * (number % 40) for number in range(5_000)]
        for payload in payloads:
            box.put(Publication("a/b", payload))
        while frame := b"".join(box.pack(0.0).records):
            sizes.append(len(frame))
            for record in records_of(frame):
                assert isinstance(record, frames.Publish)
                self.assertEqual(record.number, len(sent) + 1)
                sent += record.items
        self.assertEqual(sent, payloads)
        self.assertLessEqual(max(sizes), FRAME_BYTES)
        self.assertGreater(min(sizes[:-1]), FRAME_BYTES - 300)

    def test_a_payload_over_64_kib_has_a_frame_of_its_own(self) -> None:
        box = outbox()
        for size in (10, 1_048_576, 10):
            box.put(Publication("a", bytes(size)))
        self.assertEqual([len(packed(box)) for _ in range(4)], [1, 1, 1, 0])

    def test_requests_and_publications_leave_in_the_order_they_were_given(self) -> None:
        box = outbox()
        box.put(Publication("a", b"1"))
        box.put(Call("s", b"?", expires=1.5))
        box.put(Publication("a", b"2"))
        box.put(Answer(77, frames.STATUS_OK, b"!"))
        self.assertEqual(packed(box, now=0.5), [
            frames.Publish(number=1, topic="a", items=[b"1"]),
            frames.Request(number=1, topic="s", deadline_ms=1000, payload=b"?"),
            frames.Publish(number=2, topic="a", items=[b"2"]),
            frames.Reply(number=77, status=0, payload=b"!"),
        ])  # fmt: skip

    def test_a_request_whose_time_is_over_is_not_sent(self) -> None:
        box, late = outbox(), Call("s", b"", expires=1.0)
        box.put(late)
        self.assertEqual(packed(box, now=1.0), [])
        self.assertIsInstance(late.answer.exception(), errors.TimedOut)

    def test_the_queue_is_bounded_in_items_and_bytes(self) -> None:
        box = Outbox(count(1).__next__, 3, 100)
        for _ in range(3):
            self.assertTrue(box.has_room())
            box.put(Publication("a", b""))
        self.assertFalse(box.has_room())
        box = Outbox(count(1).__next__, 1_000, 100)
        box.put(Publication("a", bytes(100)))
        self.assertFalse(box.has_room())
        box.begin(MANY.messages, MANY.bytes)
        packed(box)
        self.assertTrue(box.has_room())


class CreditOut(unittest.TestCase):
    def test_a_frame_may_overdraw_and_nothing_follows_until_credit_is_above_zero(self) -> None:
        box = outbox(messages=MANY.messages, bytes_=40)
        call = [Call("s", bytes(30), expires=9.0) for _ in range(3)]
        for entry in call:
            box.put(entry)
        # 51 bytes each, all in one frame: the window is over by one frame, not by one record.
        self.assertEqual(len(packed(box)), 3)
        box.put(Call("s", b"", expires=9.0))
        self.assertEqual(packed(box), [])
        box.grant(0, 3 * 51 - 40)
        self.assertEqual(packed(box), [])
        box.grant(0, 1)
        self.assertEqual(len(packed(box)), 1)

    def test_messages_count_as_bytes_do(self) -> None:
        box = outbox(messages=4)
        for _ in range(5):
            box.put(Publication("a", bytes(FRAME_BYTES)))
        # A quarter of the window, one message, is for requests and replies alone.
        self.assertEqual([len(packed(box)) for _ in range(4)], [1, 1, 1, 0])
        box.grant(1, 0)
        self.assertEqual([len(packed(box)) for _ in range(2)], [1, 0])

    def test_requests_and_replies_pass_while_publishers_are_held_back(self) -> None:
        box = outbox(messages=8)
        for _ in range(10):
            box.put(Publication("a", bytes(FRAME_BYTES)))
        while packed(box):
            pass
        box.put(Call("s", b"", expires=9.0))
        box.put(Answer(1, frames.STATUS_OK, b""))
        self.assertEqual([type(record) for record in packed(box)], [frames.Request, frames.Reply])


class Answers(unittest.TestCase):
    def test_acks_and_denials_reach_those_who_wait(self) -> None:
        box, items = outbox(), [acked("a", b"1"), acked("no", b"2"), acked("a", b"3")]
        for item in items:
            box.put(item)
        packed(box)
        box.acked(1)
        box.denied(2, 1, "no", errors.Denied("no"))
        self.assertEqual(box.unacknowledged(), 1)
        box.acked(3)
        outcomes = [item.accepted.exception(0) for item in items if item.accepted]
        self.assertEqual([type(outcome) for outcome in outcomes],
                         [type(None), errors.Denied, type(None)])  # fmt: skip

    def test_a_denial_without_ack_waits_for_the_topics_next_publisher(self) -> None:
        box = outbox()
        box.denied(1, 3, "no", errors.Denied("first"))
        box.denied(4, 1, "no", errors.Denied("second"))
        self.assertIsNone(box.take_denial("other"))
        self.assertEqual(str(box.take_denial("no")).split(" (")[0], "no_permission: second")
        self.assertIsNone(box.take_denial())

    def test_what_was_sent_is_unknown_and_what_was_not_goes_out_in_the_next_session(self) -> None:
        box = outbox(messages=1)
        sent, unsent = acked("a", bytes(FRAME_BYTES)), acked("a", bytes(FRAME_BYTES))
        box.put(sent)
        packed(box)
        box.put(unsent)
        box.put(Answer(7, frames.STATUS_OK, b""))
        self.assertEqual(box.end(errors.Unknown("lost")), 1)
        assert sent.accepted and unsent.accepted
        self.assertIsInstance(sent.accepted.exception(0), errors.Unknown)
        self.assertFalse(unsent.accepted.done())
        box.begin(MANY.messages, MANY.bytes)
        (again,) = packed(box)  # And not the answer: its request ended with its session.
        self.assertEqual((again.number, type(again)), (1, frames.Publish))

    def test_a_withdrawn_item_is_not_sent(self) -> None:
        box, item = outbox(), acked("a", b"1")
        box.put(item)
        self.assertTrue(box.withdraw(item))
        self.assertEqual(packed(box), [])
        self.assertFalse(box.withdraw(item))
