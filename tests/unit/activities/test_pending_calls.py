"""Calls that go on without their worker: told of at once, fetched by the next one, and counted once."""

import asyncio
import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.activity import ActivityCancellationDetails
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.attempt import Attempts
from activities.failures import INTERRUPTED, STOPPED, FailureDetail
from activities.ledger import LedgerWriter
from activities.stories import StoryActivities
from sessions.attempts import AttemptLimits, AttemptOutcome, Heartbeat, RoundReport
from sessions.errors import ErrorClass
from sessions.identifiers import artifact_key
from sessions.ledger import LedgerEntry
from sessions.pending import PendingAttempt
from sessions.scripts import Outline
from sessions.statuses import AttemptStatus
from sessions.stories import OUTLINE, OutlineTask, StorySessionRequest
from tests.support.eventually import eventually
from tests.support.memory import MemoryArtifacts, MemoryFiles, MemoryGate, MemoryRecords
from tests.support.scripted import forbidden, refused, throttled, unanswered
from tests.support.workflow_environment import PRICES
from tests.support.written import PendingText, ScriptedTexts

SESSION = "ses-aaaaaaaaaaaaaaaa"
IDEA = "Two keepers of a light that nobody has ever seen."
BY_A_PERSON = ActivityCancellationDetails(cancel_requested=True)
BY_THE_WORKER = ActivityCancellationDetails(worker_shutdown=True)
TAKEN_FOR_DEAD = ActivityCancellationDetails(not_found=True)


def outline_task(
    *,
    limits: AttemptLimits = AttemptLimits(),  # noqa: B008 - frozen, so it can't change between calls
    max_attempts: int = 3,
    pending: PendingAttempt | None = None,
) -> OutlineTask:
    request = StorySessionRequest(idea=IDEA, total_segments=6, segments_per_set=2)
    return OutlineTask(
        session_id=SESSION,
        item=OUTLINE,
        label="Outline",
        round=1,
        attempts_before_round=0,
        max_attempts=max_attempts,
        limits=limits,
        model="gpt-6-luna",
        request=request,
        plan=request.plan,
        pending=pending,
    )


class WritingDesk:
    """The ports of an attempt at an outline, and what it told the server."""

    def __init__(self) -> None:
        self.artifacts, self.records = MemoryArtifacts(), MemoryRecords()
        self.texts, self.files = ScriptedTexts(), MemoryFiles()
        self.heartbeats: list[Heartbeat] = []

    def environment(self, *, attempt: int = 1, told: Heartbeat | None = None) -> ActivityEnvironment:
        environment = ActivityEnvironment()
        details = [told.model_dump(mode="json")] if told else []
        environment.info = dataclasses.replace(environment.info, attempt=attempt, heartbeat_details=details)
        environment.on_heartbeat = self.heartbeats.append
        return environment

    async def run(self, task: OutlineTask, *, environment: ActivityEnvironment | None = None) -> AttemptOutcome:
        ledger = LedgerWriter(self.records)
        attempts = Attempts(
            artifacts=self.artifacts, ledger=ledger, prices=PRICES, gate=MemoryGate(), worker="this worker"
        )
        stories = StoryActivities(attempts=attempts, provider=self.texts, artifacts=self.artifacts, files=self.files)
        return await (environment or self.environment()).run(stories.write_outline, task)

    async def left_behind(self, call: PendingText) -> Heartbeat:
        """Begin a call, have its worker cease to exist in the middle, and return what that told last."""
        self.texts.script(OUTLINE, call)
        running = asyncio.ensure_future(self.run(outline_task()))
        await eventually(lambda: self.heartbeats)
        told = self.heartbeats[-1]
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        self.heartbeats.clear()
        return told

    @property
    def entries(self) -> list[LedgerEntry]:
        return self.records.ledger(OUTLINE)


@pytest.fixture
def desk() -> WritingDesk:
    return WritingDesk()


@pytest.fixture
def call() -> PendingText:
    return PendingText("resp_of_the_outline")


async def failure_of(running: "asyncio.Future[AttemptOutcome]") -> tuple[ApplicationError, FailureDetail]:
    with pytest.raises(ApplicationError) as failure:
        await running
    return failure.value, FailureDetail.model_validate(failure.value.details[0])


async def test_the_call_is_told_of_at_once(desk: WritingDesk, call: PendingText) -> None:
    """Before anything else happens, and without a word of what is written."""
    told = await desk.left_behind(call)

    assert told.pending_call is not None
    assert (call.call.id, call.call.request_id) == (told.pending_call.id, told.pending_call.request_id)
    assert told.running is not None
    assert (1, AttemptStatus.RUNNING, call.call.request_id) == (
        told.running.attempt,
        told.running.status,
        told.running.request_id,
    )
    assert "keepers" not in told.model_dump_json()
    assert len(told.model_dump_json()) < 2_000


async def test_the_next_worker_fetches_what_is_paid_for(desk: WritingDesk, call: PendingText) -> None:
    """One call, and one entry, which is complete: the first attempt's, with its beginning and its request."""
    told = await desk.left_behind(call)
    call.end()
    outcome = await desk.run(outline_task(), environment=desk.environment(attempt=2, told=told))

    assert (1, 1) == (desk.texts.count(OUTLINE), outcome.artifact.attempt)
    assert (1, 0) == (outcome.report.attempts_used, outcome.report.spending.uncertain_microdollars)
    (entry,) = desk.entries
    assert told.running is not None
    assert (1, AttemptStatus.COMPLETE, call.call.request_id, told.running.started_at) == (
        entry.attempt,
        entry.status,
        entry.request_id,
        entry.started_at,
    )
    assert 0 < entry.cost_microdollars == outcome.report.spending.spent_microdollars
    data, receipt = desk.artifacts.stored[artifact_key(SESSION, item=OUTLINE, attempt=1)]
    assert Outline.model_validate_json(data).title == outcome.title
    assert receipt.prompt == desk.texts.calls[OUTLINE][0].prompt


async def test_the_one_who_fetches_tells_of_it_from_its_first_heartbeat_on(
    desk: WritingDesk, call: PendingText, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Should it die as well, the third worker fetches it."""
    monkeypatch.setattr("activities.heartbeat.INTERVAL", timedelta(milliseconds=20))
    told = await desk.left_behind(call)
    second = asyncio.ensure_future(desk.run(outline_task(), environment=desk.environment(attempt=2, told=told)))
    await eventually(lambda: desk.heartbeats)
    again = desk.heartbeats[-1]
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    call.end()
    outcome = await desk.run(outline_task(), environment=desk.environment(attempt=3, told=again))

    assert told.pending == again.pending
    assert (1, 1) == (desk.texts.count(OUTLINE), outcome.report.attempts_used)
    assert [(1, AttemptStatus.COMPLETE)] == [(entry.attempt, entry.status) for entry in desk.entries]


async def test_what_it_has_stored_comes_before_what_it_has_coming(desk: WritingDesk, call: PendingText) -> None:
    """An answer that was stored already is not fetched again."""
    told = await desk.left_behind(call)
    call.end()
    await desk.run(outline_task(), environment=desk.environment(attempt=2, told=told))
    outcome = await desk.run(outline_task(), environment=desk.environment(attempt=3, told=told))

    assert 1 == len(desk.texts.taken_up)
    assert 1 == outcome.artifact.attempt


async def test_a_call_that_nobody_knows_any_more_is_made_anew(desk: WritingDesk, call: PendingText) -> None:
    """It may have been billed, and the ledger says so; the second attempt is another call."""
    told = await desk.left_behind(call)
    desk.texts.pending.clear()
    outcome = await desk.run(outline_task(), environment=desk.environment(attempt=2, told=told))

    lost, complete = desk.entries
    assert (AttemptStatus.UNCERTAIN, ErrorClass.UNCERTAIN) == (lost.status, lost.error_type)
    assert 0 < lost.cost_microdollars == lost.worst_case_microdollars
    assert "no longer knows" in (lost.error or "")
    assert (2, AttemptStatus.COMPLETE) == (complete.attempt, complete.status)
    assert (2, 2) == (desk.texts.count(OUTLINE), outcome.report.attempts_used)
    assert "[VARIATION" in desk.texts.calls[OUTLINE][1].prompt


async def test_a_fetched_answer_that_cannot_be_used_is_the_first_attempts_failure(
    desk: WritingDesk, call: PendingText
) -> None:
    """The next attempt follows at once, with its variation, and is told what was wrong."""
    told = await desk.left_behind(call)
    call.end("{}")
    outcome = await desk.run(outline_task(), environment=desk.environment(attempt=2, told=told))

    failed, complete = desk.entries
    assert (1, AttemptStatus.FAILED, ErrorClass.CONTENT, call.call.request_id) == (
        failed.attempt,
        failed.status,
        failed.error_type,
        failed.request_id,
    )
    assert 0 < failed.cost_microdollars
    assert (2, AttemptStatus.COMPLETE) == (complete.attempt, complete.status)
    assert 2 == outcome.report.attempts_used
    prompt = desk.texts.calls[OUTLINE][1].prompt
    assert "\nCorrect this: " in prompt
    assert "[VARIATION" in prompt


async def test_a_fetched_failure_that_no_retry_mends_ends_the_round(desk: WritingDesk, call: PendingText) -> None:
    """It is not asked again."""
    told = await desk.left_behind(call)
    call.end(forbidden())
    running = asyncio.ensure_future(desk.run(outline_task(), environment=desk.environment(attempt=2, told=told)))
    error, detail = await failure_of(running)

    assert (True, ErrorClass.PERMANENT.value) == (error.non_retryable, error.type)
    assert (1, 1) == (detail.report.attempts_used, desk.texts.count(OUTLINE))
    assert [(1, AttemptStatus.FAILED)] == [(entry.attempt, entry.status) for entry in desk.entries]


async def test_an_attempt_that_ended_left_nothing_to_fetch(desk: WritingDesk, call: PendingText) -> None:
    """The heartbeat of a failure does not name its call any more."""
    call.end(refused())
    desk.texts.script(OUTLINE, call)
    with pytest.raises(ApplicationError):
        await desk.run(outline_task())
    assert (None, 1) == (desk.heartbeats[-1].pending, desk.heartbeats[-1].report.attempts_used)


async def test_a_call_that_asks_to_wait_in_the_end_is_made_anew(desk: WritingDesk, call: PendingText) -> None:
    """It came to nothing, so there is nothing to fetch while the attempt waits."""
    call.end(throttled())
    desk.texts.script(OUTLINE, call)
    outcome = await desk.run(outline_task())

    waiting = next(heartbeat for heartbeat in desk.heartbeats if heartbeat.waiting_for)
    assert waiting.pending is None
    assert (2, 1) == (desk.texts.count(OUTLINE), outcome.report.attempts_used)


@pytest.mark.parametrize("why", [BY_THE_WORKER, TAKEN_FOR_DEAD])
async def test_a_worker_that_stops_leaves_the_call_to_the_next_one(
    desk: WritingDesk, call: PendingText, why: ActivityCancellationDetails
) -> None:
    """The attempt is not over: its entry stays open, nothing is counted, and the provider is not stopped."""
    desk.texts.script(OUTLINE, call)
    environment = desk.environment()
    running = asyncio.ensure_future(desk.run(outline_task(), environment=environment))
    await eventually(lambda: desk.texts.pending)
    environment.cancel(why)
    error, detail = await failure_of(running)

    assert INTERRUPTED == error.type
    assert detail.pending is not None
    assert (call.call.id, 1) == (detail.pending.call.id, detail.pending.entry.attempt)
    assert RoundReport() == detail.report
    assert [] == desk.texts.given_up
    assert [AttemptStatus.RUNNING] == [entry.status for entry in desk.entries]

    call.end()
    outcome = await desk.run(outline_task(pending=detail.pending))
    assert (1, 1) == (desk.texts.count(OUTLINE), outcome.artifact.attempt)
    assert [(1, AttemptStatus.COMPLETE)] == [(entry.attempt, entry.status) for entry in desk.entries]


async def test_a_worker_that_stops_before_it_has_fetched_hands_the_call_on(
    desk: WritingDesk, call: PendingText, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also while it is only looking whether the answer is stored already."""
    told = await desk.left_behind(call)
    looking = asyncio.Event()

    async def find(store: object, key: str) -> None:
        looking.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(MemoryArtifacts, "find", find)
    environment = desk.environment(attempt=2, told=told)
    running = asyncio.ensure_future(desk.run(outline_task(), environment=environment))
    await looking.wait()
    environment.cancel(BY_THE_WORKER)
    _, detail = await failure_of(running)

    assert told.pending == detail.pending


async def test_a_cancelled_attempt_ends_its_call(desk: WritingDesk, call: PendingText) -> None:
    """A person wants it no more: the provider stops, and what it has done so far may have been billed."""
    desk.texts.script(OUTLINE, call)
    environment = desk.environment()
    running = asyncio.ensure_future(desk.run(outline_task(), environment=environment))
    await eventually(lambda: desk.texts.pending)
    environment.cancel(BY_A_PERSON)
    error, detail = await failure_of(running)

    assert (STOPPED, None) == (error.type, detail.pending)
    assert [call.call.id] == desk.texts.given_up
    assert [(1, AttemptStatus.UNCERTAIN)] == [(entry.attempt, entry.status) for entry in desk.entries]
    assert detail.report.attempts_used == 1


async def test_a_cancelled_attempt_ends_a_call_that_it_was_fetching(desk: WritingDesk, call: PendingText) -> None:
    """The entry that is closed is that of the attempt which made the call."""
    told = await desk.left_behind(call)
    environment = desk.environment(attempt=2, told=told)
    running = asyncio.ensure_future(desk.run(outline_task(), environment=environment))
    await eventually(lambda: desk.texts.taken_up)
    environment.cancel(BY_A_PERSON)
    await failure_of(running)

    assert [call.call.id] == desk.texts.given_up
    assert [(1, AttemptStatus.UNCERTAIN)] == [(entry.attempt, entry.status) for entry in desk.entries]


async def test_a_call_that_is_overdue_is_ended(desk: WritingDesk, call: PendingText) -> None:
    """Nobody waits for it any more, and it may have been billed."""
    desk.texts.script(OUTLINE, call)
    limits = AttemptLimits(deadline=timedelta(milliseconds=50))
    running = asyncio.ensure_future(desk.run(outline_task(limits=limits)))
    error, _ = await failure_of(running)

    assert ErrorClass.UNCERTAIN.value == error.type
    assert [call.call.id] == desk.texts.given_up


async def test_a_fetched_call_has_what_is_left_of_its_deadline(
    desk: WritingDesk, call: PendingText, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a moment, should nothing be left: the answer has probably been there for long."""
    monkeypatch.setattr("activities.asking._SHORTEST_TAKE_UP", timedelta(milliseconds=50))
    told = await desk.left_behind(call)
    assert told.pending_call is not None
    old = told.pending_call.model_copy(update={"begun_at": datetime(2026, 11, 1, tzinfo=UTC)})
    told = told.model_copy(update={"pending_call": old})
    outcome = await desk.run(outline_task(), environment=desk.environment(attempt=2, told=told))

    assert [call.call.id] == desk.texts.given_up
    assert (2, 2) == (desk.texts.count(OUTLINE), outcome.report.attempts_used)
    assert [AttemptStatus.UNCERTAIN, AttemptStatus.COMPLETE] == [entry.status for entry in desk.entries]


async def test_what_an_attempt_had_waited_for_is_not_taken_from_its_calls_deadline(
    desk: WritingDesk, call: PendingText, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The attempt may have begun long before its call, because the provider had it wait."""
    monkeypatch.setattr("activities.asking._SHORTEST_TAKE_UP", timedelta(milliseconds=50))
    told = await desk.left_behind(call)
    assert told.running is not None
    old = told.running.model_copy(update={"started_at": datetime(2026, 11, 1, tzinfo=UTC)})
    told = told.model_copy(update={"running": old})
    running = asyncio.ensure_future(desk.run(outline_task(), environment=desk.environment(attempt=2, told=told)))
    await asyncio.wait([running], timeout=0.2)
    call.end()

    assert 1 == (await running).artifact.attempt
    assert [] == desk.texts.given_up


async def test_the_prompt_of_another_release_is_not_made_up(desk: WritingDesk, call: PendingText) -> None:
    """Where the plan does not give what was sent, the receipt says nothing of it."""
    told = await desk.left_behind(call)
    call.end()
    assert told.running is not None
    told = told.model_copy(update={"running": told.running.model_copy(update={"prompt_sha256": "00" * 32})})
    await desk.run(outline_task(), environment=desk.environment(attempt=2, told=told))

    _, receipt = desk.artifacts.stored[artifact_key(SESSION, item=OUTLINE, attempt=1)]
    assert receipt.prompt is None
    assert "00" * 32 == desk.entries[0].prompt_sha256


async def test_the_last_attempts_call_is_fetched_by_the_session(desk: WritingDesk, call: PendingText) -> None:
    """Handed out again, the attempt has the number it had; should nobody know its call, it has failed."""
    told = await desk.left_behind(call)
    desk.texts.pending.clear()
    running = asyncio.ensure_future(desk.run(outline_task(max_attempts=1, pending=told.pending)))
    error, detail = await failure_of(running)

    assert ErrorClass.UNCERTAIN.value == error.type
    assert (1, 1) == (detail.report.attempts_used, desk.texts.count(OUTLINE))
    assert [(1, AttemptStatus.UNCERTAIN)] == [(entry.attempt, entry.status) for entry in desk.entries]


async def test_a_failure_after_the_call_had_begun_keeps_its_request(desk: WritingDesk, call: PendingText) -> None:
    """Where the failure knows no request of its own."""
    told = await desk.left_behind(call)
    call.end(unanswered())
    await desk.run(outline_task(), environment=desk.environment(attempt=2, told=told))
    assert call.call.request_id == desk.entries[0].request_id
