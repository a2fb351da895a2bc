"""Starts are let in as far as they can be begun in time; the others are turned away while nothing is begun."""

import asyncio
from datetime import timedelta

import pytest

from service.admission import Admission
from service.errors import BusyError
from tests.support.eventually import eventually

SOON = timedelta(milliseconds=30)


class Starts:
    """Starts that last until the test ends them."""

    def __init__(self, admission: Admission) -> None:
        self.admission = admission
        self.begun: list[int] = []
        self.ending = asyncio.Event()

    async def start(self, number: int) -> None:
        async with self.admission.turn():
            self.begun.append(number)
            await self.ending.wait()

    async def begin(self, *numbers: int) -> list[asyncio.Task[None]]:
        tasks = [asyncio.create_task(self.start(number)) for number in numbers]
        await asyncio.sleep(0)
        return tasks


async def test_a_start_waits_for_its_turn() -> None:
    """A burst is begun in the order in which it came."""
    starts = Starts(Admission(at_once=2, waiting=3, patience=timedelta(seconds=10)))
    tasks = await starts.begin(1, 2, 3, 4, 5)
    assert [1, 2] == starts.begun
    starts.ending.set()
    await asyncio.gather(*tasks)
    assert [1, 2, 3, 4, 5] == starts.begun


async def test_what_finds_no_place_is_turned_away_at_once() -> None:
    """Nobody waits who has no prospect; when there is room again, the next one is let in."""
    starts = Starts(Admission(at_once=1, waiting=1, patience=timedelta(seconds=10)))
    tasks = await starts.begin(1, 2)
    with pytest.raises(BusyError):
        await starts.start(3)
    starts.ending.set()
    await asyncio.gather(*tasks)
    await starts.start(4)
    assert [1, 2, 4] == starts.begun


async def test_nobody_waits_for_long() -> None:
    """Whoever waited in vain has begun nothing, and takes up no place any more."""
    starts = Starts(Admission(at_once=1, waiting=1, patience=SOON))
    (first,) = await starts.begin(1)
    for number in (2, 3, 4):
        with pytest.raises(BusyError):
            await starts.start(number)
    starts.ending.set()
    await first
    await starts.start(5)
    assert [1, 5] == starts.begun


async def test_who_leaves_gives_the_turn_back() -> None:
    """A client that goes while it waits, or a start that fails, holds nobody up."""
    starts = Starts(Admission(at_once=1, waiting=2, patience=timedelta(seconds=10)))
    first, waiting = await starts.begin(1, 2)
    for task in (waiting, first):
        task.cancel()
    await asyncio.wait({first, waiting})
    with pytest.raises(ValueError, match="broken"):
        async with starts.admission.turn():
            raise ValueError("broken")
    (last,) = await starts.begin(3)
    await eventually(lambda: starts.begun == [1, 3])
    starts.ending.set()
    await last
