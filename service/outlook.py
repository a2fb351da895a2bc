"""When sessions will be ready: the ledger's durations, read with patience for nobody."""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from sessions.ledger import LedgerEntry
from sessions.outlook import NO_OUTLOOK, AttemptDuration, Outlook, outlook_of
from sessions.present import Seen
from sessions.records import RecordsOutOfReachError

_DURATIONS: Final = 50
_MEASURED_FOR: Final = timedelta(minutes=1)
_MOST_MEASURED: Final = 100
"""Models, whose names anybody makes up."""

_logger = logging.getLogger("retakes.outlook")


class _Records(Protocol):
    async def attempts(self, session_id: str) -> Sequence[LedgerEntry]: ...

    async def durations(self, model: str, *, limit: int) -> Sequence[AttemptDuration]: ...


def _now() -> datetime:
    return datetime.now(UTC)


class Outlooks:
    """Tells when sessions will be ready. ``now`` is the clock, for tests."""

    def __init__(self, *, records: _Records, now: Callable[[], datetime] = _now) -> None:
        self._records = records
        self._now = now
        self._measured: dict[str, tuple[float, Sequence[AttemptDuration]]] = {}

    async def outlook(self, seen: Seen) -> Outlook:
        """Return how a session's attempts stand in time; nothing of that while the records do not answer."""
        try:
            entries = await self._records.attempts(seen.state.id)
            elsewhere = await self._elsewhere(entries) if not seen.state.status.is_settled else ()
        except RecordsOutOfReachError:
            _logger.info("the records did not answer, so nothing is said of when a session will be ready")
            return NO_OUTLOOK
        return outlook_of(seen.state, under_way=seen.under_way, entries=entries, elsewhere=elsewhere, now=self._now())

    async def _elsewhere(self, entries: Sequence[LedgerEntry]) -> Sequence[AttemptDuration]:
        return [duration for model in {entry.model for entry in entries} for duration in await self._of_model(model)]

    async def _of_model(self, model: str) -> Sequence[AttemptDuration]:
        now = time.monotonic()
        if model in self._measured and now - self._measured[model][0] < _MEASURED_FOR.total_seconds():
            return self._measured[model][1]
        durations = await self._records.durations(model, limit=_DURATIONS)
        self._measured.pop(model, None)
        if len(self._measured) >= _MOST_MEASURED:
            del self._measured[next(iter(self._measured))]
        self._measured[model] = (now, durations)
        return durations
