"""Questions about sessions that no worker holds do not keep other sessions from being taken up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from itertools import cycle

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowQueryFailedError
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from sessions.wire import SESSION_QUERY
from tests.support.eventually import eventually
from tests.support.slow_link import slow_link
from tests.support.workflow_environment import RunningSession, Studio

pytestmark = pytest.mark.asyncio(loop_scope="session")

_CLOSED = 4
_BEGUN = 8
# A poll takes more than this twice over, so that one alone brings fewer than ten tasks a second.
_DELAY = timedelta(milliseconds=50)
_QUESTIONS_A_SECOND = 20
_PATIENCE_OF_WHO_ASKS = timedelta(seconds=2)
_PATIENCE = timedelta(seconds=6)


@asynccontextmanager
async def asked_all_the_time(sessions: list[RunningSession]) -> AsyncIterator[None]:
    """Ask closed sessions, which no worker holds for long, whether the questions before are answered or not."""
    questions: set[asyncio.Task[None]] = set()

    async def ask(session: RunningSession) -> None:
        with suppress(RPCError, WorkflowQueryFailedError):
            await session.handle.query(SESSION_QUERY, rpc_timeout=_PATIENCE_OF_WHO_ASKS)

    async def ask_on() -> None:
        for session in cycle(sessions):
            questions.add(asyncio.create_task(ask(session)))
            await asyncio.sleep(1 / _QUESTIONS_A_SECOND)

    asking = asyncio.create_task(ask_on())
    try:
        # Until there are more of them than one poll could bring, and from then on.
        await eventually(lambda: len(questions) >= _QUESTIONS_A_SECOND)
        yield
    finally:
        asking.cancel()
        await asyncio.gather(asking, *questions, return_exceptions=True)


async def is_taken_up(session: RunningSession) -> bool:
    """Whether a worker has had a workflow task of a session."""
    history = await session.history()
    return any(event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED for event in history.events)


async def test_sessions_are_taken_up_while_others_are_asked_all_the_time(real_server: WorkflowEnvironment) -> None:
    """The server hands questions out before tasks, so there have to be more polls than questions take."""
    studio = Studio(real_server)
    async with studio.worker():
        closed = [await studio.start() for _ in range(_CLOSED)]
        for session in closed:
            await session.settled()
        await studio.close()
    address = real_server.client.service_client.config.target_host
    async with slow_link(address, delay=_DELAY) as slow_address:
        client = await Client.connect(slow_address, data_converter=pydantic_data_converter)
        async with studio.worker(client=client):
            async with asked_all_the_time(closed):
                begun = [await studio.start() for _ in range(_BEGUN)]
                for session in begun:
                    await eventually(partial(is_taken_up, session), timeout=_PATIENCE)
            await studio.close()
