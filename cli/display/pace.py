"""How long it will still take, judged by how long it took so far."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(kw_only=True)
class Pace:
    """The pace at which items settle, from when it was first looked at."""

    _since: datetime | None = None
    _first: int = 0
    _settled: int = 0
    _total: int = 0

    def observe(self, *, settled: int, total: int, at: datetime) -> None:
        """Take note of how many items need nothing further."""
        if self._since is None or settled < self._settled:  # a retry has begun another round
            self._since, self._first = at, settled
        self._settled, self._total = settled, total

    def left(self, *, now: datetime) -> timedelta | None:
        """Return how long the rest takes at this pace, None before anything has settled or once all has."""
        done = self._settled - self._first
        rest = self._total - self._settled
        if self._since is None or done <= 0 or rest <= 0:
            return None
        return (now - self._since) / done * rest
