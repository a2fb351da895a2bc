"""Sessions that have begun under released code go on under this one: their histories replay."""

import gzip
import re
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from temporalio.workflow import NondeterminismError

from sessions.wire import IMAGE_SESSION
from tests.replay.changed_session import ChangedSession
from tests.replay.record import HISTORIES, RELEASED, SCENARIOS, history_file
from tests.support.history import history_payloads
from worker import WORKFLOWS, workflow_runner

FILES = sorted(HISTORIES.glob("*/*.json"))
RELEASES = sorted(folder for folder in RELEASED.iterdir() if folder.is_dir())
RELEASED_FILES = sorted(RELEASED.glob("*/*/*.json.gz"))
LARGEST_FILE = 200_000  # bytes


def _history(file: Path) -> WorkflowHistory:
    told = gzip.decompress(file.read_bytes()).decode() if file.suffix == ".gz" else file.read_text(encoding="utf-8")
    return WorkflowHistory.from_json(file.stem, told)


async def _replay(history: WorkflowHistory, *, workflows: tuple[type, ...], runner: WorkflowRunner) -> None:
    replayer = Replayer(workflows=workflows, workflow_runner=runner, data_converter=pydantic_data_converter)
    await replayer.replay_workflow(history)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_a_recorded_history_replays_under_the_code_of_today(file: Path) -> None:
    """A session that was open before a deployment is open after it."""
    await _replay(_history(file), workflows=WORKFLOWS, runner=workflow_runner())


@pytest.mark.parametrize("file", RELEASED_FILES, ids=lambda file: f"{file.parents[1].name}-{file.name}")
async def test_the_sessions_of_every_released_version_go_on(file: Path) -> None:
    """Whatever version a session was started by, this one replays its history."""
    await _replay(_history(file), workflows=WORKFLOWS, runner=workflow_runner())


@pytest.mark.parametrize("folder", RELEASES, ids=lambda folder: folder.name)
def test_a_released_version_has_left_histories_of_every_workflow(folder: Path) -> None:
    """An interrupted recording, or a folder that holds nothing, would prove nothing."""
    recorded = {file.parent.name for file in folder.glob("*/*.json.gz")}

    assert recorded
    assert recorded <= set(SCENARIOS)
    assert IMAGE_SESSION in recorded


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_workflow_code_does_nothing_that_the_full_sandbox_refuses(file: Path) -> None:
    """In production our packages pass through the sandbox unwatched; here each is loaded under its restrictions.

    So a clock, randomness or file access anywhere along a session's ways is found although production would not.
    """
    watched = SandboxRestrictions.default.with_passthrough_modules("pydantic", "pydantic_core", "annotated_types")
    await _replay(_history(file), workflows=WORKFLOWS, runner=SandboxedWorkflowRunner(restrictions=watched))


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_every_workflow_has_its_histories(workflow: type) -> None:
    """A workflow type that is registered is covered, with each way a session can go."""
    name = workflow.__temporal_workflow_definition.name  # type: ignore[attr-defined]
    missing = [scenario for scenario in SCENARIOS.get(name, {}) if not history_file(name, scenario).is_file()]

    assert SCENARIOS.get(name), f"record histories of {name}: add them to tests/replay/record.py"
    assert [] == missing, "run python -m tests.replay.record with these names"


def test_every_history_has_its_scenario() -> None:
    """No file lies there that nobody can record again."""
    known = {history_file(name, scenario) for name, scenarios in SCENARIOS.items() for scenario in scenarios}

    assert known == set(FILES)


async def test_a_change_that_breaks_running_sessions_is_caught() -> None:
    """Were the workflow to do something else first, the replay of any history would say so."""
    with pytest.raises(NondeterminismError):
        await _replay(
            _history(history_file(IMAGE_SESSION, "complete")),
            workflows=(ChangedSession,),
            runner=UnsandboxedWorkflowRunner(),
        )


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_histories_are_small_and_name_no_machine(file: Path) -> None:
    """What is committed tells nothing of where it was recorded, and does not weigh on a clone."""
    history = _history(file)
    texts = [
        file.read_text(encoding="utf-8"),
        *(payload.decode(errors="replace") for payload in history_payloads(history)),
    ]

    assert LARGEST_FILE > file.stat().st_size
    assert "stackTrace" not in texts[0]
    assert set(re.findall(r'"identity":\s*"([^"]*)"', texts[0])) <= {"recorder", ""}
    assert set(re.findall(r'"worker":\s*"([^":]*)', "\n".join(texts))) <= {"recorder"}
