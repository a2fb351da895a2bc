"""Writes the ledger without ever holding up an attempt: when the records are down, entries wait in memory."""

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta

from sessions.ledger import LedgerEntry
from sessions.ports import AttemptRecords
from sessions.records import RecordsOutOfReachError
from sessions.statuses import ItemStatus

_WRITE_TIMEOUT = timedelta(seconds=1)
_RETRY_INTERVAL = timedelta(seconds=1)
# Entries that do not fit are not lost: they travel with the attempt's report and are written with the round.
_MAX_WAITING = 10_000

_logger = logging.getLogger("retakes.ledger")


@dataclass(frozen=True, kw_only=True)
class LedgerLine:
    """An entry and the item's standing after it."""

    session_id: str
    entry: LedgerEntry
    item_status: ItemStatus
    max_attempts: int

    @property
    def identity(self) -> tuple[str, str, int]:
        """Which attempt this is about; a later line about the same attempt takes its place."""
        return (self.session_id, self.entry.item, self.entry.attempt)


class LedgerWriter:
    """One per worker. While the records are down only one writer knocks, so that no attempt waits for them."""

    def __init__(self, records: AttemptRecords) -> None:
        self._records = records
        self._waiting: OrderedDict[tuple[str, str, int], LedgerLine] = OrderedDict()
        self._catching_up: asyncio.Task[None] | None = None

    async def write(self, line: LedgerLine) -> bool:
        """Write a line, within a second, and return whether the records confirmed it. Never raises."""
        if not self._waiting:
            written = await self._written(line)
            if written is not None:
                return written
        self._waiting[line.identity] = line
        self._waiting.move_to_end(line.identity)
        if len(self._waiting) > _MAX_WAITING:
            self._waiting.popitem(last=False)
        if self._catching_up is None or self._catching_up.done():
            _logger.warning("the records are out of reach; the ledger catches up later")
            self._catching_up = asyncio.create_task(self._catch_up(), name="ledger")
        return False

    async def close(self) -> None:
        """Stop catching up. What still waits has travelled with the reports."""
        if self._catching_up is not None:
            self._catching_up.cancel()
            await asyncio.gather(self._catching_up, return_exceptions=True)

    async def _written(self, line: LedgerLine) -> bool | None:
        """Return whether the records took a line, None where they did not answer and it is worth asking again."""
        try:
            async with asyncio.timeout(_WRITE_TIMEOUT.total_seconds()):
                await self._records.record_attempt(
                    line.session_id,
                    entry=line.entry,
                    item_status=line.item_status,
                    max_attempts=line.max_attempts,
                )
        except (RecordsOutOfReachError, TimeoutError) as error:
            _logger.debug("the records did not take a line", extra={"reason": repr(error)})
            return None
        except Exception:
            # A fault of our own, which waiting does not mend: it must cost no attempt and not hold up other lines.
            _logger.exception("a ledger entry could not be written", extra={"session_id": line.session_id})
            return False
        return True

    async def _catch_up(self) -> None:
        while self._waiting:
            identity, line = next(iter(self._waiting.items()))
            if await self._written(line) is None:
                await asyncio.sleep(_RETRY_INTERVAL.total_seconds())
            elif self._waiting.get(identity) is line:
                del self._waiting[identity]
        _logger.info("the ledger has caught up")
