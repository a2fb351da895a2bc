"""Whether an attempt may begin: in doubt it waits, because what was begun is paid for."""

from datetime import datetime, timedelta
from typing import cast

import pytest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from service import gate
from service.gate import SessionGate
from sessions.records import RecordsOutOfReachError

WORST_CASE = 50_000


class Session:
    """A session that answers as the test says; an exception is raised."""

    def __init__(self, *answers: bool | Exception) -> None:
        self.answers = list(answers)
        self.asked = 0

    def get_workflow_handle(self, session_id: str) -> "Session":
        return self

    async def query(self, name: str, spent: int, *, result_type: type) -> bool:
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Spent:
    """The records' sum, or that they do not answer."""

    def __init__(self, microdollars: int = 0) -> None:
        self.microdollars = microdollars
        self.is_down = False

    async def spent_since(self, moment: datetime) -> int:
        if self.is_down:
            raise RecordsOutOfReachError
        return self.microdollars


def _gate(session: Session, *, spent: Spent | None = None, month: int | None = None) -> SessionGate:
    return SessionGate(cast(Client, session), spending=spent or Spent(), monthly_microdollars=month)


async def _may_begin(of: SessionGate, *, is_first: bool = True) -> bool:
    hold = await of.hold("ses-a", spent_in_round_microdollars=0, worst_case_microdollars=WORST_CASE, is_first=is_first)
    return hold is None


async def test_a_burst_does_not_pass_the_limit_of_the_month() -> None:
    """What was let through a moment ago counts, long before the records know of it."""
    of = _gate(Session(True), month=10 * WORST_CASE)

    begun = [await _may_begin(of) for _ in range(60)]

    assert 10 == sum(begun)


async def test_what_was_spent_before_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a limit that is raised, or a new month, is noticed when the sum is asked for again."""
    monkeypatch.setattr(gate, "_ASKED_ANEW", timedelta())
    spent = Spent(10 * WORST_CASE)
    of = _gate(Session(True), spent=spent, month=10 * WORST_CASE)
    assert not await _may_begin(of)

    spent.microdollars = 0
    assert await _may_begin(of)


async def test_records_that_are_down_leave_the_last_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    """An outage neither lifts the limit nor stops what it allows."""
    monkeypatch.setattr(gate, "_ASKED_ANEW", timedelta())
    spent = Spent(9 * WORST_CASE)
    of = _gate(Session(True), spent=spent, month=10 * WORST_CASE)
    assert await _may_begin(of)

    spent.is_down = True
    assert not await _may_begin(of)


async def test_a_first_attempt_need_not_ask_its_session() -> None:
    """The session has just handed it out."""
    session = Session(False)

    assert await _may_begin(_gate(session))
    assert 0 == session.asked


async def test_a_paused_session_holds_its_attempts() -> None:
    """Whatever number they have in their round."""
    assert not await _may_begin(_gate(Session(False)), is_first=False)


async def test_a_session_whose_worker_was_killed_is_asked_until_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pause or a budget is not passed over because nobody answered at once."""
    monkeypatch.setattr(gate, "_PAUSE_BETWEEN_QUERIES", timedelta())
    silence = RPCError("no answer", RPCStatusCode.DEADLINE_EXCEEDED, b"")
    session = Session(silence, silence, False)

    assert not await _may_begin(_gate(session), is_first=False)
    assert 3 == session.asked


async def test_a_session_that_stays_silent_holds_its_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are handed out again by the session itself, when somebody has it in hand."""
    monkeypatch.setattr(gate, "_QUERY_PATIENCE", timedelta(milliseconds=20))
    monkeypatch.setattr(gate, "_PAUSE_BETWEEN_QUERIES", timedelta(milliseconds=5))
    session = Session(RPCError("no answer", RPCStatusCode.UNAVAILABLE, b""))

    assert not await _may_begin(_gate(session), is_first=False)
