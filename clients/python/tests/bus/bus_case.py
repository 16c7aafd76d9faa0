"""BusCase: a home with a running broker, shared by the tests of a class."""
import unittest

from guildhall import Client, Message, TimedOut
from guildhall.subscription import Entry
from home import Home

# Long enough that only a hang reaches it.
LONG_S = 20.0


def close(client: Client) -> None:
    try:
        client.close(timeout=0)
    except TimedOut:
        pass  # The test left something unsent.


class BusCase(unittest.TestCase):
    """Has one home with a running broker and the clients app-a and app-b."""

    home: Home

    @classmethod
    def setUpClass(cls) -> None:
        cls.home = Home(GUILD_BROKER_QUEUE_MESSAGES_MAX="1000")
        cls.addClassCleanup(cls.home.close)
        cls.home.add_client("app-a")
        cls.home.add_client("app-b")
        cls.home.start_broker()

    def client(self, name: str, **options: object) -> Client:
        made = self.home.client(name, **options)
        self.addCleanup(close, made)
        return made

    def message(self, entry: Entry) -> Message:
        assert isinstance(entry, Message), entry
        return entry
