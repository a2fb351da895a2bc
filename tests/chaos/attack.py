"""A run from its beginning to its evidence: load and faults together, then peace, then everything is brought home."""

import asyncio
import random
import subprocess
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from storage.records.database import Database
from storage.records.repository import Records
from tests.chaos.collect import PATIENT, Collector, Spent, spent_by
from tests.chaos.evidence import Evidence
from tests.chaos.journal import Journal, now
from tests.chaos.machine import Machine
from tests.chaos.people import Life, People
from tests.chaos.plan import ChaosPlan, plan_of
from tests.chaos.records import RecordsKeeper, kept_records
from tests.chaos.scale import Scale
from tests.chaos.store import BreakableStore, breakable_store
from tests.chaos.strikes import Attacker
from tests.chaos.viewers import Viewers

_AT_ONCE: Final = 10
_LOOK_AGAIN: Final = 1.0
_STREAMS_END_WITHIN: Final = 30.0
_SAY_EVERY: Final = 10.0
_HELD_BY_BUDGET: Final = "budget"


@dataclass
class Run:
    """One attack, and what it has come to so far."""

    scale: Scale
    folder: Path
    command: str
    say: Callable[[str], None]
    spent: dict[str, Spent] = field(default_factory=dict)

    def evidence(self) -> Evidence:
        """Attack, heal, wait until everything has settled, and return what is left behind."""
        self.folder.mkdir(parents=True)
        journal = Journal(self.folder / "journal.jsonl")
        with ExitStack() as kept:
            kept.callback(journal.close)
            records = kept.enter_context(kept_records(self.scale.records, folder=self.folder))
            store = kept.enter_context(breakable_store(self.folder / "artifacts"))
            return asyncio.run(self._attacked(records=records, store=store, journal=journal))

    async def _attacked(self, *, records: RecordsKeeper, store: BreakableStore, journal: Journal) -> Evidence:
        plan = plan_of(self.scale)
        machine = Machine(self.folder, scale=self.scale, plan=plan, records=records, journal=journal)
        async with AsyncExitStack() as running:
            running.push_async_callback(machine.close)
            await machine.start()
            temporal = await machine.temporal()
            people = People(machine, temporal=temporal, journal=journal, seed=self.scale.seed)
            running.push_async_callback(people.close)
            viewers = Viewers(machine, journal=journal, seed=self.scale.seed)
            self.say(f"started; faults fall for {self.scale.duration.total_seconds():g} s; store: {store.manner}")
            began_at = now()
            attacker = Attacker(machine, records=records, store=store, journal=journal)
            await self._under_attack(plan, people=people, viewers=viewers, attacker=attacker)
            faults_ended_at = now()
            await self._heal(machine)
            unsettled = await self._bring_home(people, records=records)
            settled_at = now()
            self.say(f"settled after {(settled_at - faults_ended_at).total_seconds():.0f} s; collecting the evidence")
            await viewers.settle(within=_STREAMS_END_WITHIN)
            collector = Collector(
                machine=machine,
                temporal=temporal,
                records_url=records.url,
                artifacts=self.folder / "artifacts",
                viewers=viewers,
                spent=self.spent,
            )
            return await self._collected(
                collector,
                people=people,
                plan=plan,
                journal=journal,
                store=store.manner,
                unsettled=unsettled,
                times=(began_at, faults_ended_at, settled_at),
                workers=tuple(sorted(machine.workers)),
            )

    async def _under_attack(self, plan: ChaosPlan, *, people: People, viewers: Viewers, attacker: Attacker) -> None:
        peace = asyncio.Event()
        began = asyncio.get_running_loop().time()

        async def come(index: int) -> None:
            wish = plan.wishes[index]
            await asyncio.sleep(max(0.0, began + wish.at - asyncio.get_running_loop().time()))
            await people.live(wish, until=peace, on_start=viewers.add)

        async def attack() -> None:
            try:
                await attacker.attack(plan.strikes)
                rest = began + self.scale.duration.total_seconds() - asyncio.get_running_loop().time()
                await asyncio.sleep(max(0.0, rest))
            finally:
                peace.set()

        async def tell() -> None:
            while not peace.is_set():
                await asyncio.sleep(_SAY_EVERY)
                passed = asyncio.get_running_loop().time() - began
                self.say(f"{passed:.0f} s: {len(people.lives)} of {len(plan.wishes)} sessions asked for")

        async with asyncio.TaskGroup() as group:
            group.create_task(attack())
            telling = group.create_task(tell())
            coming = [group.create_task(come(index)) for index in range(len(plan.wishes))]
            await asyncio.gather(*coming)
            await peace.wait()
            telling.cancel()

    async def _heal(self, machine: Machine) -> None:
        """Have every part run and every link work, and the provider do its best."""
        (machine.folder / "faults.json").write_text("{}")
        for link in machine.links.values():
            await link.mend()
        await machine.ready()
        async with machine.provider() as provider:
            (await provider.put("/faults", json={})).raise_for_status()

    async def _bring_home(self, people: People, *, records: RecordsKeeper) -> tuple[str, ...]:
        """Retry, resume and pay until everything is made or cancelled; return the marks of what is not in time."""
        dice = random.Random(f"{self.scale.seed}:home")
        room = asyncio.Semaphore(_AT_ONCE)
        deadline = asyncio.get_running_loop().time() + self.scale.settle_within.total_seconds()
        database = Database(records.url, patience=PATIENT)

        async def see_to(life: Life) -> None:
            async with room:
                await self._see_to(life, people=people, records=Records(database), dice=dice)

        try:
            while waiting := [life for life in people.lives.values() if not life.is_over]:
                if asyncio.get_running_loop().time() > deadline:
                    return tuple(life.wish.mark for life in waiting)
                await asyncio.gather(*(see_to(life) for life in waiting))
                await asyncio.sleep(_LOOK_AGAIN)
        finally:
            await database.close()
        return ()

    async def _see_to(self, life: Life, *, people: People, records: Records, dice: random.Random) -> None:
        """Do what a session needs next, as a person would who reads its message."""
        view = await people.look(life, dice)
        if view is None or view.stale:
            return
        if view.paused:
            await people.post(life, "resume", "resume", dice)
        elif not view.status.is_settled and _HELD_BY_BUDGET in view.message and life.wish.mark not in self.spent:
            assert life.id is not None
            self.spent[life.wish.mark] = spent_by(await records.attempts(life.id))
            await people.raise_budget(life, dice)
        elif view.status.is_settled and view.counts.failed and not life.wish.is_cancelled:
            await people.retry(life, view, by=life.wish.retry_by, again=dice.randint(0, 1), dice=dice)
        elif view.status.is_settled:
            life.is_over = view.closed_at is not None or bool(view.counts.failed)

    async def _collected(
        self,
        collector: Collector,
        *,
        people: People,
        plan: ChaosPlan,
        journal: Journal,
        store: str,
        unsettled: tuple[str, ...],
        times: tuple[datetime, datetime, datetime],
        workers: tuple[str, ...],
    ) -> Evidence:
        lives = people.lives.values()
        sessions = await collector.sessions(lives)
        histories, strangers = await collector.histories(known=frozenset(life.id for life in lives if life.id))
        return Evidence(
            seed=self.scale.seed,
            command=self.command,
            commit=_commit(),
            records=self.scale.records,
            store=store,
            began_at=times[0],
            faults_ended_at=times[1],
            settled_at=times[2],
            asked_for=tuple(wish.mark for wish in plan.wishes),
            unsettled=unsettled,
            strangers=strangers,
            sessions=sessions,
            calls=collector.calls(),
            outages=tuple(journal.outages),
            asked=tuple(journal.asked),
            seen=tuple(sorted(journal.seen, key=lambda seen: (seen.mark, seen.item, seen.attempt))),
            histories=histories,
            workers=workers,
            disorders=tuple(journal.disorders),
            waits=collector.waits(marks={session.id: session.mark for session in sessions}),
            settle_within_seconds=self.scale.settle_within.total_seconds(),
        )


def _commit() -> str:
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent,
    )
    return told.stdout.strip() or "unknown"
