"""A worker with more open sessions than it may keep in memory: none of them stands still."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from random import Random

import pytest
import pytest_asyncio
from temporalio import workflow
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from runtime.open_sessions import OUT_OF_REACH, OpenSessions, RememberingRunner
from sessions.statuses import SessionStatus
from tests.support.eventually import eventually
from tests.support.scripted import forbidden
from tests.support.workflow_environment import RunningSession, Studio

pytestmark = pytest.mark.asyncio(loop_scope="session")

_SESSIONS = 12
_RUNS = 30
_IN_MEMORY = 4
_OFTEN = timedelta(milliseconds=20)
_IDLE = timedelta(milliseconds=20)
_ASKING = 10
_QUESTIONS_AT_ONCE = 5
_ROUNDS_OF_QUESTIONS = 10
_PATIENCE = timedelta(seconds=1)
# The loss needs tasks with and without the whole history side by side: those that were not fetched in time have it.
_LITTLE_TIME = timedelta(milliseconds=200)
# The server gives up a workflow task that nobody answers after ten seconds.
_LONGEST_WAIT = timedelta(seconds=40)


@workflow.defn
class Idler:
    """Waits to be ended."""

    def __init__(self) -> None:
        self._is_ended = False

    @workflow.run
    async def run(self) -> str:
        """Wait."""
        await workflow.wait_condition(lambda: self._is_ended)
        return "ended"

    @workflow.signal
    def end(self) -> None:
        """End."""
        self._is_ended = True

    @workflow.query
    def answer(self) -> bool:
        """Answer a question."""
        return self._is_ended


@pytest_asyncio.fixture(loop_scope="session")
async def crowded(
    real_server: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Studio, OpenSessions]]:
    """A studio whose worker keeps four sessions in memory."""
    monkeypatch.setattr("worker._SESSIONS_IN_MEMORY", _IN_MEMORY)
    monkeypatch.setattr("worker._SESSIONS_COUNTED_EVERY", _OFTEN)
    monkeypatch.setattr("worker._IDLE_SESSION", _IDLE)
    studio = Studio(real_server)
    async with studio.worker() as worker:
        try:
            yield studio, worker.open_sessions
        finally:
            await studio.close()


async def _sessions_to_be_retried(studio: Studio) -> list[RunningSession]:
    """Start sessions that stay open, since one of their images fails."""
    studio.provider.script("Lifestyle", *(forbidden() for _ in range(_SESSIONS)))
    return list(await asyncio.gather(*(studio.start() for _ in range(_SESSIONS))))


async def test_a_worker_keeps_no_more_sessions_in_memory_than_it_may(crowded: tuple[Studio, OpenSessions]) -> None:
    """Those that wait for a retry leave the memory, and come back whole when they are asked or retried."""
    studio, kept = crowded
    sessions = await _sessions_to_be_retried(studio)
    for session in sessions:
        await session.settled()

    await eventually(lambda: kept.in_memory == _IN_MEMORY)
    for session in sessions:
        assert (await session.view()).counts.failed == 1
    for session in sessions:
        await session.retry()
    assert {SessionStatus.COMPLETE} == {(await session.settled()).status for session in sessions}


async def test_runs_that_are_asked_while_they_leave_memory_do_not_stand_still(real_server: WorkflowEnvironment) -> None:
    """Each of them still takes a signal and ends, however many questions came for it at once.

    With the SDK's own bound at the same number, this often loses a run, and with it the worker.
    """
    client, queue = real_server.client, f"idlers-{uuid.uuid4().hex}"
    runner = RememberingRunner(UnsandboxedWorkflowRunner())
    worker = Worker(
        client,
        task_queue=queue,
        workflows=[Idler],
        workflow_runner=runner,
        max_cached_workflows=OUT_OF_REACH,
        sticky_queue_schedule_to_start_timeout=_LITTLE_TIME,
    )

    async def ask_some(chosen: Random) -> None:
        for _ in range(_ROUNDS_OF_QUESTIONS):
            asked = chosen.choice(runs)
            questions = (asked.query(Idler.answer, rpc_timeout=_PATIENCE) for _ in range(_QUESTIONS_AT_ONCE))
            # One that stays unanswered is asked again by whoever asked; what counts is that the run goes on.
            await asyncio.gather(*questions, return_exceptions=True)

    async with worker, OpenSessions(worker, runner=runner, most=_IN_MEMORY, idle_for=_IDLE, look_every=_OFTEN):
        runs = [
            await client.start_workflow(Idler.run, id=f"{queue}-{number}", task_queue=queue) for number in range(_RUNS)
        ]
        await asyncio.gather(*(ask_some(Random(seed)) for seed in range(_ASKING)))
        for run in runs:
            await run.signal(Idler.end)
        async with asyncio.timeout(_LONGEST_WAIT.total_seconds()):
            assert ["ended"] * _RUNS == await asyncio.gather(*(run.result() for run in runs))


async def test_the_sdk_may_not_keep_a_bound_of_its_own(real_server: WorkflowEnvironment) -> None:
    """A worker that could reach the bound at which the SDK loses tasks is refused."""
    runner = RememberingRunner(UnsandboxedWorkflowRunner())
    worker = Worker(real_server.client, task_queue="bounded", workflows=[Idler], workflow_runner=runner)
    with pytest.raises(ValueError, match="max_cached_workflows"):
        OpenSessions(worker, runner=runner, most=_IN_MEMORY, idle_for=_IDLE, look_every=_OFTEN)
