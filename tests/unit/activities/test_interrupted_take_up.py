"""A result that an attempt has stored is found again, whatever befalls the attempts that look for it."""

import asyncio
from datetime import timedelta

import pytest
from temporalio.activity import ActivityCancellationDetails
from temporalio.exceptions import ApplicationError

from activities import images
from activities.failures import INTERRUPTED, FailureDetail
from sessions.artifacts import Receipt
from sessions.attempts import AttemptLimits
from sessions.image_prompts import image_prompt
from sessions.ledger import LedgerEntry
from sessions.statuses import AttemptStatus, ItemStatus
from tests.support.memory import MemoryArtifacts, MemoryRecords
from tests.unit.activities.desk import Desk, image_task

BY_THE_WORKER = ActivityCancellationDetails(worker_shutdown=True)


@pytest.fixture
def desk() -> Desk:
    return Desk()


class SlowArtifacts(MemoryArtifacts):
    """A store that takes its time to tell what it has."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.opened = asyncio.Event(), asyncio.Event()

    async def find(self, key: str) -> Receipt | None:
        self.reached.set()
        await self.opened.wait()
        return await super().find(key)


class UnreadableArtifacts(MemoryArtifacts):
    """A store that tells nothing."""

    async def find(self, key: str) -> Receipt | None:
        raise OSError("input/output error")


async def test_a_worker_that_stops_while_it_looks_gives_nothing_up() -> None:
    """Nothing was asked for yet, so the attempt does not count, and the next worker looks in the same place."""
    artifacts = SlowArtifacts()
    desk = Desk(artifacts=artifacts)
    desk.store(1)
    environment = desk.environment(attempt=2)
    running = asyncio.ensure_future(desk.run(image_task(), environment=environment))
    await artifacts.reached.wait()

    environment.cancel(BY_THE_WORKER)
    with pytest.raises(ApplicationError) as stopped:
        await running
    assert INTERRUPTED == stopped.value.type
    assert 0 == FailureDetail.model_validate(stopped.value.details[0]).report.attempts_used

    artifacts.opened.set()
    outcome = await desk.run(image_task())
    assert (1, 0) == (outcome.artifact.attempt, desk.provider.count("Lifestyle"))


async def test_a_worker_that_stops_while_it_takes_up_has_taken_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is paid for is brought to its end, like a result that was just made."""
    is_closing, may_close = asyncio.Event(), asyncio.Event()
    record = MemoryRecords.record_attempt

    async def slowly(
        records: MemoryRecords, session_id: str, *, entry: LedgerEntry, item_status: ItemStatus, max_attempts: int
    ) -> None:
        if entry.status is AttemptStatus.COMPLETE:
            is_closing.set()
            await may_close.wait()
        await record(records, session_id, entry=entry, item_status=item_status, max_attempts=max_attempts)

    monkeypatch.setattr(MemoryRecords, "record_attempt", slowly)
    desk.store(1)
    environment = desk.environment(attempt=2)
    running = asyncio.ensure_future(desk.run(image_task(), environment=environment))
    await is_closing.wait()

    environment.cancel(BY_THE_WORKER)
    may_close.set()

    assert (1, 0) == ((await running).artifact.attempt, desk.provider.count("Lifestyle"))


async def test_a_bug_in_the_plan_of_an_earlier_attempt_loses_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan is needed for no more than the entry in the ledger."""

    def broken(*_: object, **__: object) -> str:
        monkeypatch.setattr(images, "image_prompt", image_prompt)
        raise ValueError("a bug")

    monkeypatch.setattr(images, "image_prompt", broken)
    desk.store(1)

    outcome = await desk.run(image_task(), environment=desk.environment(attempt=2))

    assert (1, 0) == (outcome.artifact.attempt, desk.provider.count("Lifestyle"))


@pytest.mark.parametrize(("attempt", "was_interrupted"), [(2, False), (1, True)])
async def test_a_store_that_cannot_be_read_is_waited_for_where_a_result_may_lie(
    attempt: int, was_interrupted: bool
) -> None:
    """Were the attempt counted instead, the next one would look under another number, and pay again."""
    desk = Desk(artifacts=UnreadableArtifacts())
    limits = AttemptLimits(storage_patience=timedelta())
    task = image_task(limits=limits).model_copy(update={"was_interrupted": was_interrupted})

    with pytest.raises(ApplicationError) as waited:
        await desk.run(task, environment=desk.environment(attempt=attempt))

    assert INTERRUPTED == waited.value.type
