"""The example bot, run as a process and talked to."""
from queue import Queue

from bus_case import LONG_S, BusCase
from guildhall import Client, NoResponder, RemoteError
from guildhall.subscription import Entry
from home import PROJECT, until


class Bot(BusCase):
    def test_the_example_bot_answers_and_publishes(self) -> None:
        self.home.add_client("adder")
        events: Queue[Entry] = Queue()
        a = self.client("app-a")
        a.subscribe("apps/orders/sum/*", events.put)
        bot = self.home.start_python(PROJECT / "examples" / "bot.py", "adder")
        self.addCleanup(bot.wait)
        self.addCleanup(bot.kill)
        until(lambda: self.bot_is_up(a), "the bot answers")
        for amount in ("2.5", "1.25"):
            a.publish("apps/orders/new/bob", amount, ack=True)
        sums = [self.message(events.get(timeout=LONG_S)) for _ in range(2)]
        self.assertEqual([(each.topic, each.sender, each.payload) for each in sums],
                         [("apps/orders/sum/bob", "adder", b"2.50"),
                          ("apps/orders/sum/bob", "adder", b"3.75")])  # fmt: skip
        self.assertEqual(a.request("apps/orders/total", "bob", timeout=LONG_S), b"3.75")
        self.assertIsNone(bot.poll())

    def bot_is_up(self, client: Client) -> bool:
        try:
            client.request("apps/orders/total", "ann", timeout=LONG_S)
        except NoResponder:
            return False
        except RemoteError as error:
            self.assertEqual((error.kind, error.code), ("not_found", "customer_unknown"))
        return True
