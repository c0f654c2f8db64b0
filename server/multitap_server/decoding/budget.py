"""How much one answer may hold, where that shows only while it is made."""

from multitap_server.errors import TooLarge


class ScoreBudget:
    """The scores that are left to the answer of one call."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._left = limit

    def spend(self, scores: int) -> None:
        """Count so many scores. Raises: TooLarge, and nothing is counted."""
        if scores > self._left:
            raise TooLarge("the answer", self._limit, "scores")
        self._left -= scores
