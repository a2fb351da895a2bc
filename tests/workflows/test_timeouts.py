"""Attempts that do not end by themselves."""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from sessions.artifacts import Receipt
from sessions.attempts import AttemptLimits
from sessions.errors import ErrorClass
from sessions.images import ImageSessionRequest, Product
from sessions.state import SessionState
from sessions.statuses import AttemptStatus, ItemStatus
from tests.support.eventually import eventually
from tests.support.memory import MemoryArtifacts, MemoryRecords
from tests.support.scripted import Gate, throttled
from tests.support.workflow_environment import RunningSession, Studio, image_input
from tests.unit.activities.desk import LIFESTYLE, cost_at_worst
from worker import WORKFLOWS, workflow_runner

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_attempt_has_a_deadline_of_its_own(studio: Studio) -> None:
    """A provider that never answers is given up after the deadline; it may have been billed, so that is recorded."""
    studio.provider.script("Lifestyle", Gate())
    limits = AttemptLimits(deadline=timedelta(milliseconds=200))
    session = await studio.start(image_input(limits=limits))
    state = await session.result()

    uncertain, complete = studio.records.ledger("lifestyle")
    assert (AttemptStatus.UNCERTAIN, ErrorClass.UNCERTAIN) == (uncertain.status, uncertain.error_type)
    assert 0 < uncertain.cost_microdollars
    assert AttemptStatus.COMPLETE is complete.status
    assert 2 == state.item("lifestyle").attempt


async def test_what_is_told_at_once_leaves_at_once(real_studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """That the provider has an attempt wait is known to the server at once, though a heartbeat has only just left.

    So is what stands in no ledger, before it is asked for: a worker may die in the next moment.
    """
    monkeypatch.setattr("activities.heartbeat.INTERVAL", timedelta(seconds=1))
    asked = Gate(failing=throttled(retry_after=timedelta(minutes=1)))
    real_studio.provider.script("Lifestyle", asked)
    session = await real_studio.start()

    async def heartbeat(*, saying: bytes) -> datetime | None:
        for pending in (await session.handle.describe()).raw_description.pending_activities:
            if any(saying in payload.data for payload in pending.heartbeat_details.payloads):
                return pending.last_heartbeat_time.ToDatetime()
        return None

    regular = await eventually(lambda: heartbeat(saying=b"running"))
    asked.opened.set()
    told = await eventually(lambda: heartbeat(saying=b"Too many requests"))
    await session.handle.cancel()

    assert told - regular < timedelta(seconds=2), "it was held back"


async def replayed(session: RunningSession) -> None:
    """Replay a session that has closed; an error says that it cannot be."""
    replayer = Replayer(workflows=WORKFLOWS, workflow_runner=workflow_runner(), data_converter=pydantic_data_converter)
    await replayer.replay_workflow(await session.history())


class TestSilentWorker:
    """A worker that has died or lost its network: it neither ends its attempt nor beats any more."""

    @pytest.fixture(autouse=True)
    def _silent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("activities.heartbeat.INTERVAL", timedelta(hours=1))
        monkeypatch.setattr("workflows.making.HEARTBEAT_TIMEOUT", timedelta(seconds=1))

    @pytest.fixture
    def end_of_test(self, real_studio: Studio) -> Iterator[asyncio.Event]:
        """Set when the test is over, so that what hangs until then does not keep the worker from ending."""
        event = asyncio.Event()
        yield event
        event.set()

    async def test_the_next_attempt_follows_and_counts(self, real_studio: Studio) -> None:
        """The lost attempt is closed as uncertain with its worst-case cost, and the next one is the item's second."""
        real_studio.provider.script("Lifestyle", Gate())
        session = await real_studio.start()
        state = await session.result()

        uncertain, complete = real_studio.records.ledger("lifestyle")
        assert (AttemptStatus.UNCERTAIN, AttemptStatus.COMPLETE) == (uncertain.status, complete.status)
        assert 2 == state.item("lifestyle").attempt
        assert 0 < uncertain.cost_microdollars == state.spending.uncertain_microdollars

    @pytest.mark.parametrize("max_attempts", [2, 3])
    async def test_workers_that_die_one_after_the_other_do_not_pass_a_budget(
        self, real_studio: Studio, monkeypatch: pytest.MonkeyPatch, max_attempts: int
    ) -> None:
        """The second had asked for nothing: only what the first may have cost counts, and there is room for another.

        So it is where the second was the last that Temporal would begin by itself.
        """
        find = MemoryArtifacts.find
        searches: list[str] = []
        end_of_test = asyncio.Event()

        async def find_and_hang(store: MemoryArtifacts, key: str) -> Receipt | None:
            searches.append(key)
            if len(searches) == 2:
                await end_of_test.wait()
            return await find(store, key)

        monkeypatch.setattr(MemoryArtifacts, "find", find_and_hang)
        real_studio.provider.script("Lifestyle", Gate())
        request = ImageSessionRequest(
            product=Product(title="Steel bottle"), images=(LIFESTYLE,), max_attempts=max_attempts
        )
        start = image_input(request)
        worst = cost_at_worst("x" * 10_000)
        budget = {"budget_microdollars": 2 * worst, "worst_case_microdollars": worst}
        limited = start.state.model_copy(update=budget)
        session = await real_studio.start(start.model_copy(update={"state": limited, "worst_case_microdollars": worst}))
        await session.until(lambda view: view.status.is_settled or "budget" in view.message)
        end_of_test.set()
        state = await session.state()

        assert (ItemStatus.COMPLETE, 2) == (state.item("lifestyle").status, state.item("lifestyle").attempt)
        assert 2 == real_studio.provider.count("Lifestyle")
        assert state.spending.at_worst_microdollars <= 2 * worst
        assert [1, 2] == [entry.attempt for entry in real_studio.records.ledger("lifestyle")]
        await session.result()
        await replayed(session)

    async def test_what_it_had_stored_is_taken_up_without_a_call(
        self, real_studio: Studio, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A picture that is paid for and stored is never made again: the next attempt returns the first one's."""
        put = MemoryArtifacts.put
        end_of_test = asyncio.Event()

        async def put_and_hang(store: MemoryArtifacts, key: str, *, data: bytes, receipt: Receipt) -> None:
            await put(store, key, data=data, receipt=receipt)
            if "/lifestyle/" in key:
                await end_of_test.wait()

        monkeypatch.setattr(MemoryArtifacts, "put", put_and_hang)
        session = await real_studio.start()
        state = await session.result()
        end_of_test.set()

        assert 1 == real_studio.provider.count("Lifestyle")
        assert (ItemStatus.COMPLETE, 1) == (state.item("lifestyle").status, state.item("lifestyle").attempt)
        (entry,) = real_studio.records.ledger("lifestyle")
        assert AttemptStatus.COMPLETE is entry.status
        assert 0 == state.spending.uncertain_microdollars

    async def test_what_the_last_attempt_had_stored_is_taken_up_as_well(
        self, real_studio: Studio, monkeypatch: pytest.MonkeyPatch, end_of_test: asyncio.Event
    ) -> None:
        """No other attempt follows that would look for it: it is looked for by itself, and the round replays so."""
        session = await self._started_and_lost_after_storing(real_studio, monkeypatch, end_of_test, max_attempts=1)
        state = await session.result()

        assert 1 == real_studio.provider.count("Lifestyle")
        assert (ItemStatus.COMPLETE, 1) == (state.item("lifestyle").status, state.item("lifestyle").attempt)
        (entry,) = real_studio.records.ledger("lifestyle")
        assert (AttemptStatus.COMPLETE, None, None) == (entry.status, entry.error, entry.error_type)
        assert (0, entry.cost_microdollars) == (
            state.spending.uncertain_microdollars,
            state.spending.spent_microdollars - 4 * entry.cost_microdollars,
        )
        await replayed(session)

    async def test_attempts_that_were_lost_after_the_one_that_had_stored_keep_their_numbers(
        self, real_studio: Studio, monkeypatch: pytest.MonkeyPatch, end_of_test: asyncio.Event
    ) -> None:
        """They may have asked, too: they are counted, and a retake goes on behind them."""
        searches = 0
        find = MemoryArtifacts.find

        async def find_and_hang(store: MemoryArtifacts, key: str) -> Receipt | None:
            nonlocal searches
            searches += "/lifestyle/" in key
            if searches == 2 and "/lifestyle/" in key:
                searches += 1
                await end_of_test.wait()
            return await find(store, key)

        monkeypatch.setattr(MemoryArtifacts, "find", find_and_hang)
        session = await self._started_and_lost_after_storing(real_studio, monkeypatch, end_of_test, max_attempts=2)
        view = await session.settled()
        state = await session.result()
        item = state.item("lifestyle")

        assert view.counts.complete == 5
        assert item.artifact is not None
        assert (1, 2, 2) == (item.artifact.attempt, item.attempt, item.last_number)
        assert 1 == real_studio.provider.count("Lifestyle")
        ledger = real_studio.records.ledger("lifestyle")
        assert [(1, AttemptStatus.COMPLETE), (2, AttemptStatus.UNCERTAIN)] == [
            (one.attempt, one.status) for one in ledger
        ]
        assert ledger[1].cost_microdollars == state.spending.uncertain_microdollars > 0
        await replayed(session)

    async def test_who_cancels_while_it_is_looked_for_is_obeyed(
        self, real_studio: Studio, monkeypatch: pytest.MonkeyPatch, end_of_test: asyncio.Event
    ) -> None:
        """The item is cancelled with its attempt counted, and the session closes."""
        real_studio.provider.script("Lifestyle", Gate())
        find = MemoryArtifacts.find
        looking = asyncio.Event()

        async def find_and_hang(store: MemoryArtifacts, key: str) -> Receipt | None:
            if real_studio.provider.count("Lifestyle") and "/lifestyle/" in key:
                looking.set()
                await end_of_test.wait()
            return await find(store, key)

        monkeypatch.setattr(MemoryArtifacts, "find", find_and_hang)
        request = ImageSessionRequest(product=Product(title="Steel bottle"), max_attempts=1)
        session = await real_studio.start(image_input(request))
        await looking.wait()
        await session.steer("cancel_items", {"items": ["lifestyle"]})
        view = await session.settled()
        await eventually(lambda: session.handle.id in real_studio.records.states)
        item = (await session.state()).item("lifestyle")

        assert (4, 1) == (view.counts.complete, view.counts.cancelled)
        assert (ItemStatus.CANCELLED, 1) == (item.status, item.attempt)
        assert [AttemptStatus.UNCERTAIN] == [one.status for one in real_studio.records.ledger("lifestyle")]

    async def _started_and_lost_after_storing(
        self, studio: Studio, monkeypatch: pytest.MonkeyPatch, end_of_test: asyncio.Event, *, max_attempts: int
    ) -> RunningSession:
        """Start a session whose first attempt at an image stores it, and is not heard of again."""
        put = MemoryArtifacts.put

        async def put_and_hang(store: MemoryArtifacts, key: str, *, data: bytes, receipt: Receipt) -> None:
            await put(store, key, data=data, receipt=receipt)
            if "/lifestyle/" in key:
                await end_of_test.wait()

        monkeypatch.setattr(MemoryArtifacts, "put", put_and_hang)
        request = ImageSessionRequest(product=Product(title="Steel bottle"), max_attempts=max_attempts)
        return await studio.start(image_input(request))

    async def test_a_last_attempt_that_was_lost_fails_its_item(self, real_studio: Studio) -> None:
        """With no attempt left the item fails as uncertain, and says so."""
        state = await self._after_a_lost_last_attempt(real_studio)
        item = state.item("lifestyle")

        assert (ItemStatus.FAILED, 1) == (item.status, item.attempt)
        assert item.error is not None
        assert ErrorClass.UNCERTAIN is item.error.type

    async def test_a_last_attempt_that_was_lost_is_counted(self, real_studio: Studio) -> None:
        """Neither ledger nor spending hides that it may have been billed."""
        state = await self._after_a_lost_last_attempt(real_studio)

        assert [AttemptStatus.UNCERTAIN] == [entry.status for entry in real_studio.records.ledger("lifestyle")]
        assert 0 < state.spending.uncertain_microdollars

    async def test_a_last_attempt_that_nobody_was_told_of_is_entered(
        self, real_studio: Studio, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its worker could reach nobody any more. It has asked, so the ledger must not pass over it."""

        async def lose(*_: object, **__: object) -> None:
            raise ValueError("nothing of it arrives")

        monkeypatch.setattr(MemoryRecords, "record_attempt", lose)
        monkeypatch.setattr("activities.heartbeat.Pulse.running", lambda *_, **__: None)
        state = await self._after_a_lost_last_attempt(real_studio)
        (entry,) = real_studio.records.ledger("lifestyle")

        assert 1 == real_studio.provider.count("Lifestyle")
        assert (AttemptStatus.UNCERTAIN, 1, 1) == (entry.status, entry.attempt, entry.round)
        assert 0 < entry.cost_microdollars == state.spending.uncertain_microdollars

    async def test_a_last_attempt_that_may_have_asked_again_after_a_wait_is_counted(self, real_studio: Studio) -> None:
        """It was silent from its wait on. It may have asked once more, so it is not made again as if it had not."""
        asked_again = Gate()
        real_studio.provider.script("Lifestyle", throttled(), asked_again)
        request = ImageSessionRequest(product=Product(title="Steel bottle"), max_attempts=1)
        session = await real_studio.start(image_input(request))
        await asked_again.reached.wait()
        await session.settled()
        await eventually(lambda: session.handle.id in real_studio.records.states)
        item = (await session.state()).item("lifestyle")

        assert (ItemStatus.FAILED, 1) == (item.status, item.attempt)
        assert 2 == real_studio.provider.count("Lifestyle")
        assert [AttemptStatus.UNCERTAIN] == [entry.status for entry in real_studio.records.ledger("lifestyle")]

    async def _after_a_lost_last_attempt(self, studio: Studio) -> SessionState:
        studio.provider.script("Lifestyle", Gate())
        request = ImageSessionRequest(product=Product(title="Steel bottle"), max_attempts=1)
        session = await studio.start(image_input(request))
        await session.settled()
        await eventually(lambda: session.handle.id in studio.records.states)
        return await session.state()
