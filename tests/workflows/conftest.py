"""One server of each kind for all tests of workflows, and a studio of its own for every test."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio
from temporalio.testing import WorkflowEnvironment

from tests.support.workflow_environment import (
    Studio,
    opened_studio,
    start_development_server,
    start_time_skipping_server,
)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def skipping_server() -> AsyncIterator[WorkflowEnvironment]:
    async with await start_time_skipping_server() as environment:
        yield environment


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def real_server() -> AsyncIterator[WorkflowEnvironment]:
    async with await start_development_server() as environment:
        yield environment


@pytest_asyncio.fixture(loop_scope="session")
async def studio(skipping_server: WorkflowEnvironment) -> AsyncIterator[Studio]:
    """A studio on the server that skips time."""
    async with opened_studio(skipping_server) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def real_studio(real_server: WorkflowEnvironment) -> AsyncIterator[Studio]:
    """A studio on the real server: what attempts tell each other is certain to arrive there, and time is real."""
    async with opened_studio(real_server) as opened:
        yield opened


@pytest.fixture
def quick_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let attempts beat fifty times as often, so that a cancel reaches them at once. To be named before a studio."""
    monkeypatch.setattr("activities.heartbeat.INTERVAL", timedelta(milliseconds=50))
