"""What is told of sessions that ended otherwise than by themselves, on Temporal's server and real records."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import pytest
import pytest_asyncio
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client, WorkflowExecutionDescription, WorkflowExecutionStatus, WorkflowFailureError
from temporalio.converter import DataConverter
from temporalio.testing import WorkflowEnvironment

from activities.ledger import LedgerWriter
from service.admission import Admission
from service.errors import (
    BusyError,
    IdempotencyConflictError,
    IdempotencyKeySpentError,
    SessionDeletedError,
    SessionNotFoundError,
    WrongStateError,
)
from service.kinds import start_of
from service.read import SessionReader
from service.start import SessionStarter, StartDefaults
from service.steer import SessionSteering
from service.under_way import attempts_under_way
from service.watch import SessionWatch
from sessions.attempts import AttemptLimits
from sessions.commands import RetryRequest
from sessions.identifiers import session_id_for
from sessions.images import ImageRequest, ImageSessionInput, ImageSessionRequest, ImageType, Product
from sessions.ledger import LedgerEntry
from sessions.progress import UnderWay
from sessions.state import SessionState
from sessions.statuses import ItemStatus, SessionKind, SessionStatus
from sessions.steering import CancelItems
from sessions.view import SessionView
from sessions.wire import CANCEL_ITEMS_UPDATE, FINGERPRINT_MEMO, IMAGE_SESSION, PAUSE_UPDATE, TASK_QUEUE
from storage.records.database import Database
from storage.records.repository import Records
from tests.support.eventually import eventually
from tests.support.losing import forget_session
from tests.support.scripted import Gate, broken, forbidden, refused
from tests.support.workflow_environment import (
    PRICES,
    RunningSession,
    Studio,
    image_input,
    start_development_server,
)

pytest_plugins = ["tests.support.databases"]
pytestmark = pytest.mark.asyncio(loop_scope="module")

LIFESTYLE = ImageSessionRequest(product=Product(title="Steel bottle"), images=(ImageRequest(type="lifestyle"),))


DEFAULTS = StartDefaults(
    image_model="gpt-image-2", text_model="gpt-6-luna", prices=PRICES, limits=AttemptLimits(), retry_window=timedelta(0)
)


class NoUploads:
    """Nobody has uploaded anything."""

    async def missing(self, upload_ids: object) -> tuple[str, ...]:
        return ()


@dataclass(frozen=True, kw_only=True)
class House:
    """The services over a studio whose records are in a database."""

    studio: Studio
    database: Database
    records: Records
    reader: SessionReader
    steering: SessionSteering
    starter: SessionStarter

    async def begin(self, start: ImageSessionInput) -> RunningSession:
        """Start a session as the API does."""
        await self.records.create_session(start.state, request_sha256="d1", start=start_of(start))
        return await self.studio.start(start)

    async def listed(self, session_id: str) -> SessionView:
        """Return a session as the list shows it."""
        (view,) = [view for view in (await self.reader.sessions(limit=100)).sessions if view.id == session_id]
        return view

    def forgetful(self) -> Client:
        """Return a client that finds no session, as after Temporal's retention: in another namespace there is none."""
        client = self.studio.environment.client
        return Client(client.service_client, namespace="temporal-system", data_converter=client.data_converter)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def environment() -> AsyncIterator[WorkflowEnvironment]:
    async with await start_development_server() as environment:
        yield environment


@pytest_asyncio.fixture(loop_scope="module")
async def house(environment: WorkflowEnvironment, sqlite_url: str) -> AsyncIterator[House]:
    database = Database(sqlite_url)
    records = Records(database)
    studio = Studio(environment)
    studio.task_queue = TASK_QUEUE
    studio.records = records  # type: ignore[assignment]  # the studio's own are in memory
    studio.ledger = LedgerWriter(records)
    reader = SessionReader(client=environment.client, records=records, ui_url=None)
    yield House(
        studio=studio,
        database=database,
        records=records,
        reader=reader,
        steering=SessionSteering(client=environment.client, records=records, reader=reader),
        starter=SessionStarter(
            client=environment.client, records=records, uploads=NoUploads(), reader=reader, defaults=DEFAULTS
        ),
    )
    studio.provider.open_gates()
    await studio.ledger.close()
    await database.close()


async def terminated(house: House) -> str:
    """Return a session that was terminated with one item failed, one under way and three made; some money is spent."""
    gate = Gate()
    house.studio.provider.script("Lifestyle", forbidden())
    house.studio.provider.script("Comparison", refused(), gate)
    session = await house.begin(image_input())
    await gate.reached.wait()

    async def has_come_so_far() -> bool:
        counts = (await house.reader.session(session.handle.id)).counts
        entries = await house.records.attempts(session.handle.id)
        # The ledger, which alone knows the costs afterwards, may be a moment behind on a busy machine.
        return (counts.complete, counts.failed, sum(entry.ended_at is not None for entry in entries)) == (3, 1, 5)

    await eventually(has_come_so_far)
    live = await house.reader.session(session.handle.id)
    await session.handle.terminate()
    ended = await house.reader.session(session.handle.id)
    assert live.version < ended.version
    assert live.cost_usd.spent <= ended.cost_usd.spent
    return session.handle.id


async def test_a_terminated_session_is_the_same_everywhere(house: House) -> None:
    """Page, list and records agree: what was unfinished is cancelled, it has closed, and no money is lost."""
    async with house.studio.worker():
        session_id = await terminated(house)
    view = await house.reader.session(session_id)
    assert SessionStatus.CANCELLED is view.status
    assert (3, 1, 1) == (view.counts.complete, view.counts.failed, view.counts.cancelled)
    assert view.closed_at is not None
    assert 0 < view.cost_usd.spent
    assert 0 < view.cost_usd.uncertain
    assert view == await house.listed(session_id)
    spent = sum(attempt.cost_usd for attempt in await house.reader.attempts(session_id))
    assert round(spent, 6) == round(view.cost_usd.spent + view.cost_usd.uncertain, 6)


async def test_it_stays_so_when_temporal_has_forgotten(house: House) -> None:
    """After Temporal's retention a session that was ended from outside is still told as it ended."""
    async with house.studio.worker():
        session_id = await terminated(house)
    view = await house.reader.session(session_id)
    reader = SessionReader(client=house.forgetful(), records=house.records, ui_url=None)
    assert view == await reader.session(session_id)


async def test_what_failed_in_a_terminated_session_can_be_retried(house: House) -> None:
    """What the page offers works: the failed item is made, what was cancelled stays so, the money adds up."""
    async with house.studio.worker():
        session_id = await terminated(house)
        before = await house.reader.session(session_id)
        assert ("lifestyle",) == before.retry_info.failed_items
        await house.steering.retry(session_id, RetryRequest())

        async def is_over() -> SessionView | None:
            view = await house.reader.session(session_id)
            return view if view.closed_at else None

        view = await eventually(is_over)
        assert ("complete", "cancelled") == tuple(
            item.status for key in ("lifestyle", "comparison") for item in view.items if item.key == key
        )
        assert before.cost_usd.spent < view.cost_usd.spent
        assert view == await house.listed(session_id)


async def test_nothing_to_retry_after_a_termination_is_said_so(house: House) -> None:
    """A terminated session in which nothing has failed refuses the retry for its state."""
    gate = Gate()
    house.studio.provider.script("Lifestyle", gate)
    async with house.studio.worker():
        session = await house.begin(image_input(LIFESTYLE))
        await gate.reached.wait()
        await session.handle.terminate()
        with pytest.raises(WrongStateError, match="cancelled"):
            await house.steering.retry(session.handle.id, RetryRequest())


async def test_a_stale_session_counts_its_money_once(house: House) -> None:
    """Without a worker the money is the ledger's: neither lost nor counted again from the heartbeat."""
    gate = Gate()
    house.studio.provider.script("Lifestyle", refused(), gate)
    async with house.studio.worker():
        session = await house.begin(image_input(LIFESTYLE))
        await gate.reached.wait()

        async def is_told() -> SessionView | None:
            view = await house.reader.session(session.handle.id)
            return view if view.cost_usd.spent else None

        live = await eventually(is_told)
    stale = await house.reader.session(session.handle.id)
    assert stale.stale
    assert (live.cost_usd.spent, live.usage) == (stale.cost_usd.spent, stale.usage)
    assert stale.cost_usd == (await house.listed(session.handle.id)).cost_usd
    await session.handle.terminate()


async def test_a_session_whose_start_was_never_recorded_can_be_retried(house: House) -> None:
    """What it was started with is read from its history, and is in the records from then on."""
    house.studio.provider.script("Lifestyle", forbidden())
    async with house.studio.worker():
        start = image_input(LIFESTYLE, retry_window=timedelta(0))
        handle = await house.studio.environment.client.start_workflow(
            IMAGE_SESSION, start, id=start.state.id, task_queue=TASK_QUEUE, memo={FINGERPRINT_MEMO: "d1"}
        )
        await handle.result()
        retried = await house.steering.retry(start.state.id, RetryRequest())
        assert 2 == retried.round
        record = await house.records.session(start.state.id)
        assert record is not None
        assert (start_of(start), "d1") == (record.start, record.request_sha256)
        result = await house.studio.environment.client.get_workflow_handle(start.state.id).result()
        assert "complete" == result["items"][0]["status"]


async def test_an_unrecorded_start_keeps_its_key(house: House) -> None:
    """With the digest missing in the records, Temporal's tells the same request from another."""
    async with house.studio.worker():
        key = uuid.uuid4().hex
        await house.starter.start_images(LIFESTYLE, idempotency_key=key)
        await house.starter.close()
        session_id = session_id_for(key)
        await house.studio.environment.client.get_workflow_handle(session_id).result()
        record = await house.records.session(session_id)
        assert record is not None
        await forget_session(house.database, session_id)
        await house.records.record_session(record.state, entries=())
        again = await house.starter.start_images(LIFESTYLE, idempotency_key=key)
        assert session_id == again.id
        other = LIFESTYLE.model_copy(update={"product": Product(title="Glass bottle")})
        with pytest.raises(IdempotencyConflictError):
            await house.starter.start_images(other, idempotency_key=key)
        reader = SessionReader(client=house.forgetful(), records=house.records, ui_url=None)
        starter = SessionStarter(
            client=house.forgetful(), records=house.records, uploads=NoUploads(), reader=reader, defaults=DEFAULTS
        )
        assert session_id == (await starter.start_images(LIFESTYLE, idempotency_key=key)).id


async def test_a_spent_key_that_nobody_could_tell(house: House) -> None:
    """A start under the key of a deleted session, while it could not be found out, is ended as soon as it can be."""
    key = uuid.uuid4().hex
    session_id = session_id_for(key)
    await house.records.delete_session(session_id, kind=SessionKind.IMAGES)
    with pytest.raises(IdempotencyKeySpentError):
        await house.starter.start_images(LIFESTYLE, idempotency_key=key)
    client, down = house.studio.environment.client, Database("postgresql://nobody@127.0.0.1:1/nothing")
    starter = SessionStarter(
        client=client,
        records=house.records,
        uploads=NoUploads(),
        reader=SessionReader(client=client, records=Records(down), ui_url=None),
        defaults=DEFAULTS,
    )
    await starter.start_images(LIFESTYLE, idempotency_key=key)

    async def is_ended() -> bool:
        return (await client.get_workflow_handle(session_id).describe()).status is WorkflowExecutionStatus.TERMINATED

    await eventually(is_ended)
    with pytest.raises(SessionDeletedError):
        await house.reader.session(session_id)
    await starter.close()
    await down.close()


async def test_a_start_that_is_turned_away_has_started_nothing(house: House) -> None:
    """Beyond what can be begun in time, a start is refused before anything is asked of Temporal or written down."""
    admission = Admission(at_once=1, waiting=0)
    client = house.studio.environment.client
    starter = SessionStarter(
        client=client,
        records=house.records,
        uploads=NoUploads(),
        reader=house.reader,
        defaults=DEFAULTS,
        admission=admission,
    )
    async with admission.turn():
        with pytest.raises(BusyError):
            await starter.start_images(LIFESTYLE, idempotency_key="turned-away")
    with pytest.raises(SessionNotFoundError):
        await house.reader.session(session_id_for("turned-away"))
    view = await starter.start_images(LIFESTYLE, idempotency_key="turned-away")
    assert session_id_for("turned-away") == view.id
    await client.get_workflow_handle(view.id).terminate()


async def test_after_a_reset_the_newest_run_is_told(house: House) -> None:
    """A workflow that an operator has reset and that ended better is told as it ended the last time."""
    client = house.studio.environment.client
    house.studio.provider.script("Lifestyle", broken(), forbidden())
    async with house.studio.worker():
        session = await house.begin(image_input(LIFESTYLE, retry_window=timedelta(0)))
        await session.result()
        before = await house.reader.session(session.handle.id)
        assert SessionStatus.FAILED is before.status
        events = (await session.history()).events
        first = next(event for event in events if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED)
        await client.workflow_service.reset_workflow_execution(
            ResetWorkflowExecutionRequest(
                namespace=client.namespace,
                workflow_execution=WorkflowExecution(workflow_id=session.handle.id),
                reason="a test",
                workflow_task_finish_event_id=first.event_id,
                request_id=uuid.uuid4().hex,
            )
        )
        await client.get_workflow_handle(session.handle.id).result()
        after = await house.reader.session(session.handle.id)
    assert SessionStatus.COMPLETE is after.status
    assert ItemStatus.COMPLETE is after.items[0].status
    assert before.version < after.version
    assert after == await house.listed(session.handle.id)


async def test_a_watch_ends_with_its_session(house: House) -> None:
    """Viewers of a session that is deleted are let go, and nobody asks for it any more."""
    watch = SessionWatch(client=house.studio.environment.client, reader=house.reader, records=house.records)
    state = image_input(LIFESTYLE).state
    await house.records.create_session(state, request_sha256="d1", start="{}")
    changes = watch.changes(state.id)
    assert state.id == (await anext(changes)).view.id
    await house.records.delete_session(state.id, kind=SessionKind.IMAGES)
    assert [] == [change async for change in changes if change.is_last]
    await watch.close()


async def test_interrupted_between_the_two_questions(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """An attempt that is held just after the server was asked is not counted twice: the next look shows no less."""
    house.studio.provider.script("Lifestyle", refused())
    request = ImageSessionRequest(
        product=Product(title="Steel bottle"), images=(ImageRequest(type=ImageType.LIFESTYLE),)
    )
    async with house.studio.worker():
        session = await house.begin(image_input(request))

        async def described_before(
            description: WorkflowExecutionDescription, *, converter: DataConverter
        ) -> Mapping[str, UnderWay]:
            described = await attempts_under_way(description, converter=converter)
            if described:
                await session.steer(PAUSE_UPDATE)
                await eventually(has_been_interrupted)
            return described

        async def has_been_interrupted() -> bool:
            return (await session.state()).item("lifestyle").was_interrupted

        async def is_failing() -> bool:
            return any(item.error for item in (await house.reader.session(session.handle.id)).items)

        await eventually(is_failing)
        with monkeypatch.context() as patched:
            patched.setattr("service.read.attempts_under_way", described_before)
            seen = await house.reader.session(session.handle.id)
        assert seen.paused
        assert seen == await house.reader.session(session.handle.id)
        await session.steer(CANCEL_ITEMS_UPDATE, CancelItems(items=("lifestyle",)))
        await session.result()


@pytest.mark.parametrize("is_session_cancelled", [False, True])
async def test_cancelled_between_two_attempts_while_the_records_are_silent(
    house: House, monkeypatch: pytest.MonkeyPatch, is_session_cancelled: bool
) -> None:
    """While nobody can tell what an item's attempts were, the session is shown no less far than before."""
    asked, may_answer = asyncio.Event(), asyncio.Event()
    answer = house.records.attempts

    async def held(session_id: str) -> Sequence[LedgerEntry]:
        asked.set()
        await may_answer.wait()
        return await answer(session_id)

    async def waiting() -> SessionView | None:
        view = await house.reader.session(session.handle.id)
        return view if view.items[0].next_attempt_at else None

    house.studio.provider.script("Lifestyle", refused())
    async with house.studio.worker():
        session = await house.begin(image_input(LIFESTYLE))
        shown = [await eventually(waiting)]
        monkeypatch.setattr(house.records, "attempts", held)
        if is_session_cancelled:
            await session.handle.cancel()
        else:
            await session.steer(CANCEL_ITEMS_UPDATE, CancelItems(items=("lifestyle",)))
        await asked.wait()
        shown.append(await house.reader.session(session.handle.id))
        may_answer.set()
        with suppress(WorkflowFailureError):
            await session.handle.result()
        shown.append(await house.reader.session(session.handle.id))

    assert [False] * len(shown) == [view.stale for view in shown]
    assert ["processing", "processing", "cancelled"] == [view.status for view in shown]
    versions = [view.version for view in shown]
    assert sorted(set(versions)) == versions


async def test_while_the_last_write_is_under_way_nobody_is_shown_an_older_version(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The records say that the session has closed, its workflow still runs: a worker that answers tells no less."""
    written, may_answer = asyncio.Event(), asyncio.Event()
    write = house.records.record_session

    async def held(state: SessionState, *, entries: Sequence[LedgerEntry]) -> None:
        await write(state, entries=entries)
        if state.closed_at is not None:
            written.set()
            await may_answer.wait()

    monkeypatch.setattr(house.records, "record_session", held)
    async with house.studio.worker():
        session = await house.begin(image_input(LIFESTYLE))
        await written.wait()
        shown = [await house.reader.session(session.handle.id)]
    shown.append(await house.reader.session(session.handle.id))

    async def answered() -> SessionView | None:
        view = await house.reader.session(session.handle.id)
        return None if view.stale else view

    async with house.studio.worker():
        shown.append(await eventually(answered))
        may_answer.set()
        await session.handle.result()
        shown.append(await house.reader.session(session.handle.id))

    assert [False, True, False, False] == [view.stale for view in shown]
    assert [False, False, False, True] == [view.closed_at is not None for view in shown]
    versions = [view.version for view in shown]
    assert sorted(versions) == versions
