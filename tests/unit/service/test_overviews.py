"""Watching the list: everybody is told, and the records are asked for all of them at once."""

import asyncio
from contextlib import aclosing
from datetime import timedelta
from typing import cast

import pytest

from service.errors import OutOfReachError
from service.overviews import SessionOverviews
from sessions.overviews import OverviewRecords
from sessions.records import RecordsOutOfReachError
from tests.support.eventually import eventually

OFTEN = timedelta(milliseconds=5)


class Marked:
    """Records of which only the marker is asked."""

    def __init__(self) -> None:
        self.marker = "1"
        self.asked = 0
        self.fault: Exception | None = None

    async def list_marker(self) -> str:
        self.asked += 1
        if self.fault is not None:
            raise self.fault
        return self.marker

    async def overviews(self, **_query: object) -> object:
        raise RecordsOutOfReachError

    async def was_asked(self) -> None:
        """Wait until they are asked once more, from beginning to end."""
        seen = self.asked
        await eventually(lambda: self.asked >= seen + 2)


def _watching(records: Marked) -> SessionOverviews:
    return SessionOverviews(records=cast(OverviewRecords, records), interval=OFTEN)


async def test_everybody_is_told() -> None:
    """Viewers see the list as it is, and every change, whenever they came; one question serves them all."""
    records = Marked()
    overviews = _watching(records)
    async with aclosing(overviews.changes()) as first, aclosing(overviews.changes()) as second:
        assert ("1", "1") == (await anext(first), await anext(second))
        tasks = {task for task in asyncio.all_tasks() if task.get_name() == "changes of the list of sessions"}
        assert 1 == len(tasks)
        records.marker = "2"
        assert ("2", "2") == (await anext(first), await anext(second))
    await asyncio.wait(tasks)


async def test_what_was_seen_is_not_sent_again() -> None:
    """A viewer that comes back waits for the next change."""
    records = Marked()
    async with aclosing(_watching(records).changes(after="1")) as changes:
        waiting = asyncio.ensure_future(anext(changes))
        await records.was_asked()
        assert not waiting.done()
        records.marker = "2"
        assert "2" == await waiting


@pytest.mark.parametrize("fault", [RecordsOutOfReachError("down"), RuntimeError("a fault of ours")])
async def test_an_outage_is_waited_out(fault: Exception) -> None:
    """While nobody can tell nothing is sent, and afterwards what has changed meanwhile."""
    records = Marked()
    async with aclosing(_watching(records).changes()) as changes:
        assert "1" == await anext(changes)
        records.fault = fault
        await records.was_asked()
        records.marker, records.fault = "2", None
        assert "2" == await anext(changes)


async def test_nobody_watches_nobody_asks() -> None:
    """The records are left alone when the last viewer has gone, and asked anew for the next one."""
    records = Marked()
    overviews = _watching(records)
    async with aclosing(overviews.changes()) as changes:
        await anext(changes)
    asked = records.asked
    records.marker = "2"
    async with aclosing(overviews.changes()) as changes:
        assert "2" == await anext(changes)
    assert asked < records.asked


async def test_a_page_without_records() -> None:
    """Out of reach is told as such."""
    with pytest.raises(OutOfReachError, match="Try again"):
        await _watching(Marked()).page(limit=5)
