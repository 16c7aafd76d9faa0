"""A client of the Guildhall bus. `Client` is where to begin; README.md shows it on a page."""
from .client import Client
from .errors import (
    BrokerUnreachable,
    Closed,
    Denied,
    GuildError,
    InvalidArgument,
    KeysUnusable,
    MalformedFrame,
    NoResponder,
    NotAuthorized,
    RemoteError,
    ResponderGone,
    SessionRefused,
    TimedOut,
    TooMany,
    Unknown,
    WrongServerKey,
)
from .notices import SessionEvent
from .service import Request, Service
from .subscription import Gap, Message, Subscription

__all__ = [
    "BrokerUnreachable", "Client", "Closed", "Denied", "Gap", "GuildError", "InvalidArgument",
    "KeysUnusable", "MalformedFrame", "Message", "NoResponder", "NotAuthorized", "RemoteError",
    "Request", "ResponderGone", "Service", "SessionEvent", "SessionRefused", "Subscription",
    "TimedOut", "TooMany", "Unknown", "WrongServerKey",
]  # fmt: skip
__version__ = "0.1.0"
