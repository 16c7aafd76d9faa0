"""Which topics a pattern takes: `*` is one level, a last `**` one or more.

DELIVER and REQUEST name the topic, not the pattern that asked for it, so a client finds its own
subscription or handler. The form of both is the broker's to judge.
"""


class Pattern:
    """A pattern, taken apart once."""

    __slots__ = ("text", "_levels", "_open_end")

    def __init__(self, text: str) -> None:
        self.text = text
        levels = text.split("/")
        self._open_end = levels[-1] == "**"
        self._levels = levels[:-1] if self._open_end else levels

    def matches(self, topic: str) -> bool:
        levels = topic.split("/")
        wanted = len(self._levels)
        if len(levels) <= wanted if self._open_end else len(levels) != wanted:
            return False
        return all(want in ("*", have) for want, have in zip(self._levels, levels))
