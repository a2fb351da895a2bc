"""Attempts that are stopped from outside: by a person, by a timeout of the server, by a worker that ends."""

import asyncio
from datetime import timedelta

import pytest
from temporalio.activity import ActivityCancellationDetails
from temporalio.exceptions import ApplicationError

from activities.failures import INTERRUPTED, STOPPED, FailureDetail
from sessions.artifacts import Receipt
from sessions.attempts import AttemptLimits, AttemptOutcome, Heartbeat, RoundReport
from sessions.errors import ErrorClass
from sessions.ledger import LedgerEntry
from sessions.money import Spending
from sessions.statuses import AttemptStatus, ItemStatus
from tests.support.eventually import eventually
from tests.support.memory import MemoryArtifacts, MemoryRecords
from tests.support.scripted import Gate, refused, throttled
from tests.unit.activities.desk import Desk, cost_at_worst, image_task, running_entry

BY_A_PERSON = ActivityCancellationDetails(cancel_requested=True)
BY_THE_WORKER = ActivityCancellationDetails(worker_shutdown=True)


class SlowArtifacts(MemoryArtifacts):
    """A store that takes as long as the test wants."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()

    async def put(self, key: str, *, data: bytes, receipt: Receipt) -> None:
        self.reached.set()
        await self.opened.wait()
        await super().put(key, data=data, receipt=receipt)


@pytest.mark.parametrize("why", [BY_A_PERSON, BY_THE_WORKER])
async def test_what_is_paid_for_is_stored_although_the_attempt_was_stopped(why: ActivityCancellationDetails) -> None:
    """Once the provider has answered, nothing keeps the picture from being kept: the attempt completes."""
    artifacts = SlowArtifacts()
    desk = Desk(artifacts=artifacts)
    environment = desk.environment()
    running = asyncio.ensure_future(desk.run(image_task(), environment=environment))
    await artifacts.reached.wait()
    environment.cancel(why)
    await asyncio.sleep(0)
    artifacts.opened.set()
    outcome = await running

    assert isinstance(outcome, AttemptOutcome)
    assert 1 == len(artifacts.stored)
    assert [AttemptStatus.COMPLETE] == [entry.status for entry in desk.entries]


async def test_a_call_that_is_cut_off_may_have_been_billed(desk: Desk) -> None:
    """A cancel while the provider works leaves an uncertain entry with its worst-case cost."""
    gate = Gate()
    desk.provider.script("Lifestyle", gate)
    environment = desk.environment()
    running = asyncio.ensure_future(desk.run(image_task(), environment=environment))
    await gate.reached.wait()
    environment.cancel(BY_A_PERSON)
    with pytest.raises(ApplicationError) as failure:
        await running

    assert STOPPED == failure.value.type
    (entry,) = desk.entries
    assert entry.spending == FailureDetail.model_validate(failure.value.details[0]).report.spending
    assert (AttemptStatus.UNCERTAIN, ErrorClass.UNCERTAIN) == (entry.status, entry.error_type)
    assert cost_at_worst(desk.provider.calls["Lifestyle"][0].prompt) == entry.cost_microdollars


async def test_a_wait_that_is_cut_off_has_cost_nothing(desk: Desk) -> None:
    """An attempt that is stopped while it waits for a throttling provider was not billed, and the ledger says so."""
    desk.provider.script("Lifestyle", throttled(retry_after=timedelta(minutes=1)))
    environment = desk.environment()
    running = asyncio.ensure_future(desk.run(image_task(), environment=environment))
    await eventually(lambda: desk.heartbeats)
    environment.cancel(BY_A_PERSON)
    with pytest.raises(ApplicationError, match="stopped"):
        await running

    (entry,) = desk.entries
    assert (AttemptStatus.FAILED, 0, 1) == (entry.status, entry.cost_microdollars, entry.throttled_calls)


async def test_a_worker_that_ends_hands_the_item_to_the_next_one(desk: Desk) -> None:
    """The session is not cancelled, so the attempt fails in a way that is retried, with its report."""
    gate = Gate()
    desk.provider.script("Lifestyle", gate)
    environment = desk.environment()
    running = asyncio.ensure_future(desk.run(image_task(), environment=environment))
    await gate.reached.wait()
    environment.cancel(BY_THE_WORKER)
    with pytest.raises(ApplicationError) as failure:
        await running

    assert not failure.value.non_retryable
    assert ErrorClass.UNCERTAIN.value == failure.value.type
    assert 1 == desk.heartbeats[-1].report.attempts_used
    assert 0 < desk.heartbeats[-1].report.spending.uncertain_microdollars


async def test_an_attempt_that_the_server_gave_up_ends_as_cancelled(desk: Desk) -> None:
    """Its report would no longer be heard, but its ledger entry is closed."""
    gate = Gate()
    desk.provider.script("Lifestyle", gate)
    environment = desk.environment()
    running = asyncio.ensure_future(desk.run(image_task(), environment=environment))
    await gate.reached.wait()
    environment.cancel(ActivityCancellationDetails(timed_out=True))
    with pytest.raises(ApplicationError, match="stopped"):
        await running

    assert [AttemptStatus.UNCERTAIN] == [entry.status for entry in desk.entries]


async def test_a_stop_while_the_entry_is_closed_does_not_pay_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the answer is there nothing stops its attempt: the entry is completed, and the result is handed on."""
    is_closing, may_close = asyncio.Event(), asyncio.Event()
    record = MemoryRecords.record_attempt

    async def slow_record(
        records: MemoryRecords, session_id: str, *, entry: LedgerEntry, item_status: ItemStatus, max_attempts: int
    ) -> None:
        if entry.status is AttemptStatus.COMPLETE:
            is_closing.set()
            await may_close.wait()
        await record(records, session_id, entry=entry, item_status=item_status, max_attempts=max_attempts)

    monkeypatch.setattr(MemoryRecords, "record_attempt", slow_record)
    environment = desk.environment()
    running = asyncio.ensure_future(desk.run(image_task(), environment=environment))
    await is_closing.wait()
    environment.cancel(BY_THE_WORKER)
    environment.cancel(BY_A_PERSON)
    may_close.set()
    outcome = await running

    assert 1 == outcome.artifact.attempt
    assert [AttemptStatus.COMPLETE] == [entry.status for entry in desk.entries]


async def test_a_store_that_cannot_be_read_costs_no_money(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as it is unknown whether something is stored, nothing is asked for, and the entry says that none was."""

    async def find(self: object, key: str) -> None:
        raise PermissionError("no access to the folder")

    monkeypatch.setattr(MemoryArtifacts, "find", find)
    with pytest.raises(ApplicationError, match="cannot be read"):
        await desk.run(image_task(limits=AttemptLimits(storage_patience=timedelta())))

    assert {} == dict(desk.provider.calls)
    (entry,) = desk.entries
    assert (AttemptStatus.FAILED, ErrorClass.TRANSIENT, 0) == (entry.status, entry.error_type, entry.cost_microdollars)


@pytest.mark.parametrize(("why", "type_"), [(BY_A_PERSON, STOPPED), (BY_THE_WORKER, INTERRUPTED)])
async def test_what_the_records_missed_is_told_although_the_attempt_is_stopped_in_its_pause(
    desk: Desk, why: ActivityCancellationDetails, type_: str
) -> None:
    """A person's cancel and a worker's end cut the pause short, and the session hears what the attempt has cost."""
    desk.records.is_down = True
    desk.provider.script("Lifestyle", refused())
    environment = desk.environment()
    running = asyncio.ensure_future(desk.run(image_task(), environment=environment))
    await eventually(lambda: any(beat.is_resting for beat in desk.heartbeats))
    environment.cancel(why)
    with pytest.raises(ApplicationError) as failure:
        await running

    report = FailureDetail.model_validate(failure.value.details[0]).report
    assert (type_, 1) == (failure.value.type, report.attempts_used)
    assert [AttemptStatus.FAILED] == [entry.status for entry in report.unrecorded]


@pytest.mark.parametrize(
    ("told", "used"),
    [(None, 1), (Heartbeat(report=RoundReport(), running=running_entry(1)), 2)],
    ids=["its own", "one that was lost"],
)
async def test_a_stop_while_a_failure_is_entered_does_not_forget_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, told: Heartbeat | None, used: int
) -> None:
    """What comes in the second in which the records are waited for in vain finds every attempt counted, and entered."""
    is_entering = asyncio.Event()

    async def no_answer(
        _records: MemoryRecords, _session_id: str, *, entry: LedgerEntry, item_status: ItemStatus, max_attempts: int
    ) -> None:
        if entry.status is not AttemptStatus.RUNNING:
            is_entering.set()
            await asyncio.Event().wait()

    monkeypatch.setattr("activities.ledger._WRITE_TIMEOUT", timedelta(milliseconds=50))
    monkeypatch.setattr(MemoryRecords, "record_attempt", no_answer)
    desk.provider.script("Lifestyle", refused())
    environment = desk.environment(attempt=used, told=told)
    running = asyncio.ensure_future(desk.run(image_task(), environment=environment))
    await is_entering.wait()
    environment.cancel(BY_A_PERSON)
    with pytest.raises(ApplicationError) as failure:
        await running

    report = FailureDetail.model_validate(failure.value.details[0]).report
    assert (STOPPED, used) == (failure.value.type, report.attempts_used)
    assert [*range(1, used + 1)] == [entry.attempt for entry in report.unrecorded]
    assert report.spending == sum((entry.spending for entry in report.unrecorded), Spending())
