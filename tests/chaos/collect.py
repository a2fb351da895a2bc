"""Collects the evidence of a run once everything has settled: from the APIs, the records, the store and Temporal."""

import asyncio
import base64
import hashlib
import json
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import httpx2
from temporalio.client import Client, WorkflowExecution, WorkflowHistory, WorkflowQueryFailedError
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError
from temporalio.worker import Replayer

from activities.queueing import WAITED_FOR_A_PLACE
from providers.offline.calls import Call, CallLog
from service.answers import answered
from sessions.artifacts import Receipt
from sessions.ledger import LedgerEntry
from sessions.money import microdollars
from sessions.state import SessionState
from sessions.view import SessionView
from sessions.wire import IMAGE_SESSION, STATE_QUERY, STORY_SESSION
from storage.records.database import Database
from storage.records.repository import Records
from tests.chaos.evidence import HistoryEvidence, SessionEvidence, Stored
from tests.chaos.journal import Wait
from tests.chaos.machine import KEY, Machine
from tests.chaos.people import Life
from tests.chaos.plan import APIS, WORKERS
from tests.chaos.viewers import Viewers, Watched, follow
from tests.support.eventually import eventually
from tests.support.history import history_payloads
from worker import WORKFLOWS, workflow_runner

PATIENT: Final = timedelta(seconds=30)
"""Whoever collects evidence on a busy machine has more time than the product gives its records."""
_AT_ONCE: Final = 8
_QUESTIONS: Final = 3
_QUESTION_PATIENCE: Final = timedelta(seconds=10)
_STREAM_PATIENCE: Final = 10.0
_RECEIPT: Final = re.compile(r"attempt-([0-9]+)\.receipt\.json")
_LEAKS: Final[Mapping[str, bytes]] = {
    "a PNG": b"\x89PNG\r\n",
    "a PNG in Base64": base64.b64encode(b"\x89PNG\r\n\x1a\n\0\0")[:14],
    "a JPEG": b"\xff\xd8\xff\xe0",
    "a JPEG in Base64": b"/9j/4AAQ",
    "the provider's key": KEY.encode(),
}

Spent = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Collector:
    """Reads everything. ``spent`` is what sessions had cost when their budgets were lifted, by mark."""

    machine: Machine
    temporal: Client
    records_url: str
    artifacts: Path
    viewers: Viewers
    spent: Mapping[str, Spent]

    async def sessions(self, lives: Iterable[Life]) -> tuple[SessionEvidence, ...]:
        """Return what is known of each session."""
        room = asyncio.Semaphore(_AT_ONCE)
        database = Database(self.records_url, patience=PATIENT)
        apis = [self.machine.api(name) for name in APIS]

        async def one(life: Life) -> SessionEvidence:
            async with room:
                return await self._session(life, records=Records(database), apis=apis)

        try:
            return tuple(await asyncio.gather(*(one(life) for life in lives if life.id is not None)))
        finally:
            await database.close()
            for api in apis:
                await api.aclose()

    async def _session(self, life: Life, *, records: Records, apis: list[httpx2.AsyncClient]) -> SessionEvidence:
        assert life.id is not None
        path = f"/api/sessions/{life.id}"
        views = [await _view(api, path) for api in apis]
        record = await records.session(life.id)
        ledger = tuple(await records.attempts(life.id))
        stored = tuple(self._stored(life.id))
        standings = {name: _standing(view) for name, view in zip(APIS, views, strict=True)}
        if record is not None:
            standings["the records"] = _standing_of(record.state)
        standings["the workflow"], questions = await self._standing_of_workflow(life.id)
        watched = self.viewers.watched.get(life.wish.mark)
        budget = life.wish.request.get("budget_usd")
        return SessionEvidence(
            mark=life.wish.mark,
            id=life.id,
            is_cancelled_by_plan=life.wish.is_cancelled,
            max_attempts=life.wish.request["max_attempts"],
            budget_microdollars=None if budget is None else microdollars(budget),
            spent_within_budget=self.spent.get(life.wish.mark) or spent_by(ledger),
            view=views[0],
            standings=standings,
            questions=questions,
            ledger=ledger,
            stored=stored,
            contents={
                f"{one.item}#{one.attempt}": await _content(apis[0], f"{path}/items/{one.item}/content", one.attempt)
                for one in stored
            },
            replayed=await _replayed(apis[1], mark=life.wish.mark, session_id=life.id),
            watched=watched.view if watched else None,
            has_stream_ended=watched.has_ended if watched else True,
        )

    async def _standing_of_workflow(self, session_id: str) -> tuple[dict[str, str], int]:
        """Return what the workflow itself says of its items, and how often it had to be asked."""
        handle = self.temporal.get_workflow_handle(session_id)
        for number in range(1, _QUESTIONS + 1):
            try:
                asking = handle.query(STATE_QUERY, result_type=SessionState)
                return _standing_of(await answered(asking, within=_QUESTION_PATIENCE)), number
            except (WorkflowQueryFailedError, RPCError) as error:
                reason = str(error)
        return {"it does not answer": reason[:200]}, _QUESTIONS

    def _stored(self, session_id: str) -> Iterable[Stored]:
        for file in sorted((self.artifacts / "sessions" / session_id).glob("*/attempt-*.receipt.json")):
            if match := _RECEIPT.fullmatch(file.name):
                receipt = Receipt.model_validate_json(file.read_bytes())
                yield Stored(
                    item=file.parent.name,
                    attempt=int(match[1]),
                    stored_at=datetime.fromtimestamp(file.stat().st_mtime, UTC),
                    sha256=receipt.artifact.sha256,
                    request_id=receipt.request_id,
                )

    async def histories(self, *, known: frozenset[str]) -> tuple[tuple[HistoryEvidence, ...], tuple[str, ...]]:
        """Return every history of a session, examined and replayed, and the ids of sessions that nobody asked for."""
        replayer = Replayer(
            workflows=WORKFLOWS, workflow_runner=workflow_runner(), data_converter=pydantic_data_converter
        )
        found: list[HistoryEvidence] = []
        strangers: set[str] = set()
        async for execution in self._executions():
            if execution.id not in known:
                strangers.add(execution.id)
            handle = self.temporal.get_workflow_handle(execution.id, run_id=execution.run_id)
            history = await handle.fetch_history()
            replayed = await replayer.replay_workflow(history, raise_on_replay_failure=False)
            text = await asyncio.to_thread(history.to_json)
            if replayed.replay_failure is not None:
                (self.machine.folder / f"does-not-replay-{execution.id}-{execution.run_id}.json").write_text(text)
            found.append(
                HistoryEvidence(
                    session_id=execution.id,
                    run_id=execution.run_id,
                    events=len(history.events),
                    size=len(text),
                    leaks=leaks(history, text=text),
                    replay_error=None if replayed.replay_failure is None else repr(replayed.replay_failure)[:500],
                )
            )
        return tuple(found), tuple(sorted(strangers))

    def _executions(self) -> AsyncIterator[WorkflowExecution]:
        return self.temporal.list_workflows(f'WorkflowType IN ("{IMAGE_SESSION}", "{STORY_SESSION}")')

    def calls(self) -> tuple[Call, ...]:
        """Return every call that the provider has had, by its own file."""
        log = CallLog(self.machine.calls_file)
        log.close()
        return log.since()

    def waits(self, *, marks: Mapping[str, str]) -> tuple[Wait, ...]:
        """Return the attempts that were in the queue for long. ``marks``: those of the sessions, by their ids."""
        told = (wait_told_in(line, marks=marks) for name in WORKERS for line in self.machine.log_of(name))
        return tuple(sorted((wait for wait in told if wait is not None), key=lambda wait: wait.taken_at))


def wait_told_in(line: str, *, marks: Mapping[str, str]) -> Wait | None:
    """Return what a line of a worker's log tells of an attempt's time in the queue. A line may be cut off by a kill."""
    if WAITED_FOR_A_PLACE not in line:
        return None
    with suppress(ValueError):
        told = json.loads(line)
        return Wait(
            mark=marks.get(told["session_id"], ""),
            item=told["item"],
            taken_at=told["timestamp"],
            seconds=told["waited_seconds"],
        )
    return None


def leaks(history: WorkflowHistory, *, text: str) -> tuple[str, ...]:
    """Return what a history holds that it must not, in its payloads or anywhere in its text."""
    payloads = [*history_payloads(history), text.encode()]
    return tuple(what for what, bytes_ in _LEAKS.items() if any(bytes_ in payload for payload in payloads))


def spent_by(ledger: Iterable[LedgerEntry]) -> Spent:
    """Return what attempts have cost at worst, and by how much that is more than they were reckoned at."""
    costs = [(entry.cost_microdollars, entry.worst_case_microdollars) for entry in ledger]
    return sum(cost for cost, _ in costs), sum(max(0, cost - worst) for cost, worst in costs)


async def _view(api: httpx2.AsyncClient, path: str) -> SessionView:
    """Return a session as an API shows it in the end. One that stands still is shown as it was recorded last."""
    last: list[SessionView] = []

    async def shown() -> SessionView | None:
        answer = await api.get(path)
        if answer.status_code == 200:
            last[:] = [SessionView.model_validate_json(answer.content)]
        return last[0] if last and not last[0].stale else None

    with suppress(AssertionError):
        return await eventually(shown, timeout=PATIENT)
    if not last:
        raise AssertionError(f"{path} cannot be read")
    return last[0]


async def _content(api: httpx2.AsyncClient, path: str, attempt: int) -> str:
    answer = await api.get(path, params={"attempt": attempt})
    return hashlib.sha256(answer.content).hexdigest() if answer.status_code == 200 else f"HTTP {answer.status_code}"


async def _replayed(api: httpx2.AsyncClient, *, mark: str, session_id: str) -> SessionView | None:
    watched = Watched(mark, session_id)
    with suppress(TimeoutError):
        async with asyncio.timeout(_STREAM_PATIENCE):
            await follow(api, watched, disorders=[])
    return watched.view


def _standing(view: SessionView) -> dict[str, str]:
    return {item.key: item.status.value for item in view.items}


def _standing_of(state: SessionState) -> dict[str, str]:
    return {item.key: item.status.value for item in state.items}
