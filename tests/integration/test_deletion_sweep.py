"""Deletions that were interrupted, or that something came after, are brought to their end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from service.deletion import SessionDeletion
from service.errors import SessionDeletedError
from sessions.deletions import Deletion
from sessions.identifiers import artifact_key, delivery_id, new_session_id, session_prefix
from sessions.present import session_view
from sessions.state import session_closed, unfinished_items_cancelled
from sessions.statuses import SessionKind
from sessions.view import SessionView
from sessions.wire import CALLBACK_DELIVERY, IMAGE_SESSION
from storage.objects import Objects
from tests.support.eventually import eventually
from tests.support.memory import MemoryRecords
from tests.support.workflow_environment import start_development_server
from tests.unit.storage.histories import START, new_state

pytest_plugins = ["tests.support.stores"]
pytestmark = pytest.mark.asyncio(loop_scope="module")

QUEUE = "nobody-serves-this"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client() -> AsyncIterator[Client]:
    environment: WorkflowEnvironment
    async with await start_development_server() as environment:
        yield environment.client


class Settled:
    """Knows every session as one that has settled and closed."""

    async def session(self, session_id: str) -> SessionView:
        state = unfinished_items_cancelled(new_state(session_id=session_id), now=START)
        return session_view(session_closed(state, now=START))


class Store:
    """A store that fails while `is_down`."""

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        self.is_down = False

    async def delete_prefix(self, prefix: str) -> None:
        if self.is_down:
            raise OSError("no such host")
        await self.objects.delete_prefix(prefix)


@pytest.fixture
def store(store_url: str) -> Store:
    return Store(Objects(store_url))


def _deletion(client: Client, records: MemoryRecords, store: Store) -> SessionDeletion:
    return SessionDeletion(client=client, records=records, reader=Settled(), artifacts=store)


async def _stored(store: Store, session_id: str) -> None:
    await store.objects.put(artifact_key(session_id, item="main", attempt=1), data=b"picture")


async def _left(store: Store, session_id: str) -> int:
    return len(await store.objects.paths(session_prefix(session_id)))


async def test_the_store_is_down(client: Client, store: Store) -> None:
    """The session is gone all the same; what is stored goes with the next call, and then nothing is left to do."""
    records, session_id = MemoryRecords(), new_session_id()
    await _stored(store, session_id)
    deletion = _deletion(client, records, store)
    store.is_down = True
    await deletion.delete(session_id)
    assert (True, 1) == (await records.is_deleted(session_id), await _left(store, session_id))
    store.is_down = False

    await deletion.delete(session_id)

    assert 0 == await _left(store, session_id)
    with pytest.raises(SessionDeletedError):
        await deletion.delete(session_id)


async def test_what_came_late(client: Client, store: Store) -> None:
    """An hour after, everything is removed once more: what was stored late, and a run that nobody should have begun."""
    records, late, recent = MemoryRecords(), new_session_id(), new_session_id()
    now = datetime.now(UTC)
    for session_id, ago in ((late, timedelta(hours=2)), (recent, timedelta(minutes=2))):
        records.deletions[session_id] = Deletion(
            session_id=session_id, kind=SessionKind.IMAGES, deleted_at=now - ago, removed_at=now - ago
        )
        await _stored(store, session_id)
        await client.start_workflow(IMAGE_SESSION, id=session_id, task_queue=QUEUE)
    delivery = delivery_id(late, round_number=1, revision=7)
    await client.start_workflow(CALLBACK_DELIVERY, id=delivery, task_queue=QUEUE)
    running = f"WorkflowId IN ('{late}', '{recent}', '{delivery}') AND ExecutionStatus = 'Running'"

    async def open_runs() -> set[str]:
        return {found.id async for found in client.list_workflows(running)}

    async def all_are_known() -> bool:
        return {late, recent, delivery} == await open_runs()

    await eventually(all_are_known)
    sweeping = asyncio.create_task(_deletion(client, records, store).run())
    await eventually(lambda: records.deletions[late].finished_at)

    async def only_one_is_open() -> bool:
        return {recent} == await open_runs()

    await eventually(only_one_is_open)
    assert (0, 1) == (await _left(store, late), await _left(store, recent))
    assert records.deletions[recent].finished_at is None
    sweeping.cancel()
    with suppress(asyncio.CancelledError):
        await sweeping
