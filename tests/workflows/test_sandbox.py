"""The production sandbox is strict: workflow code that would not replay does not get past it."""

import importlib
from pathlib import Path
from typing import cast

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from tests.support.eventually import eventually
from tests.support.history import of_type
from worker import workflow_runner

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture(autouse=True)
def _forbidden_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    # As modules of their own: the packages of the tests are not meant to pass into the sandbox either.
    monkeypatch.syspath_prepend(str(Path(__file__).with_name("forbidden")))


def _workflow(module: str, name: str) -> type:
    return cast(type, getattr(importlib.import_module(module), name))


async def test_an_import_that_was_not_meant_to_pass_is_refused(real_server: WorkflowEnvironment) -> None:
    """A workflow that drags in the database does not even start."""
    workflow = _workflow("imports_the_database", "ImportsTheDatabase")
    with pytest.raises(RuntimeError, match="Failed validating workflow ImportsTheDatabase"):
        Worker(real_server.client, task_queue="imports", workflows=[workflow], workflow_runner=workflow_runner())


async def test_reading_the_clock_is_refused(real_server: WorkflowEnvironment) -> None:
    """A workflow that asks the machine for the time fails its task instead of running differently next time."""
    workflow = _workflow("reads_the_clock", "ReadsTheClock")
    client = real_server.client
    async with Worker(client, task_queue="clock", workflows=[workflow], workflow_runner=workflow_runner()):
        handle = await client.start_workflow("ReadsTheClock", id="reads-the-clock", task_queue="clock")

        async def refusals() -> list[str]:
            failed = of_type(await handle.fetch_history(), EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED)
            return [event.workflow_task_failed_event_attributes.failure.message for event in failed]

        (message,) = await eventually(refusals)
        await handle.terminate()
    assert "datetime.datetime.now" in message
