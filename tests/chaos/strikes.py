"""Carries a plan's strikes out, each at its time, and mends what it has broken."""

import asyncio

from tests.chaos.journal import Journal, Outage, now
from tests.chaos.links import WAYS
from tests.chaos.machine import Machine
from tests.chaos.plan import Strike
from tests.chaos.records import RecordsKeeper
from tests.chaos.scale import Blow
from tests.chaos.store import BreakableStore


class Attacker:
    """Strikes the parts of one machine."""

    def __init__(self, machine: Machine, *, records: RecordsKeeper, store: BreakableStore, journal: Journal) -> None:
        self._machine = machine
        self._records = records
        self._store = store
        self._journal = journal

    async def attack(self, strikes: tuple[Strike, ...]) -> None:
        """Carry all strikes out, counted in seconds from now, and return when the last is mended."""
        began = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as group:
            for blow in Blow:
                group.create_task(self._in_turn([one for one in strikes if one.blow is blow], began=began))

    async def _in_turn(self, strikes: list[Strike], *, began: float) -> None:
        for strike in strikes:
            await asyncio.sleep(max(0.0, began + strike.at - asyncio.get_running_loop().time()))
            await self._strike(strike)

    async def _strike(self, strike: Strike) -> None:
        match strike.blow:
            case Blow.KILL_WORKER | Blow.KILL_API | Blow.KILL_TEMPORAL | Blow.KILL_PROVIDER:
                await self._machine.kill(strike.target, blow=strike.blow, lasts=strike.lasts)
                return
        began_at = now()
        match strike.blow:
            case Blow.STOP_RECORDS if strike.way == "refuse":
                await self._refuse_records(strike.lasts)
            case Blow.STOP_RECORDS:
                await self._records.stop()
                try:
                    await asyncio.sleep(strike.lasts)
                finally:
                    await self._records.go_on()
            case Blow.BREAK_STORE:
                await self._store.break_it(strike.way)
                try:
                    await asyncio.sleep(strike.lasts)
                finally:
                    await self._store.mend()
            case Blow.CUT_LINK:
                link = self._machine.links[strike.target]
                WAYS[strike.way](link)
                await asyncio.sleep(strike.lasts)
                await link.mend()
        self._journal.add(
            Outage(blow=strike.blow, target=strike.target, way=strike.way, began_at=began_at, ended_at=now())
        )

    async def _refuse_records(self, lasts: float) -> None:
        doors = [link for name, link in self._machine.links.items() if name.endswith(">records")]
        for link in doors:
            link.refuse()
        try:
            await asyncio.sleep(lasts)
        finally:
            for link in doors:
                await link.mend()
