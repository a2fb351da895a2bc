"""Whether an attempt may begin: in doubt it waits, because what was begun is paid for."""

from datetime import datetime, timedelta
from typing import cast

import pytest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from service import gate
from service.gate import SessionGate
from sessions.records import RecordsOutOfReachError
from sessions.statuses import HeldAttempts
from sessions.wire import HELD_ATTEMPTS_MEMO

WORST_CASE = 50_000


class Session:
    """A session that answers as the test says; an exception is raised."""

    def __init__(self, *answers: bool | Exception) -> None:
        self.answers = list(answers)
        self.asked = 0

    def get_workflow_handle(self, session_id: str) -> "Session":
        return self

    async def query(self, name: str, spent: int, *, result_type: type) -> bool:
        return self._answer()

    async def describe(self) -> "Described":
        return Described(HeldAttempts.NONE if self._answer() else HeldAttempts.ALL)

    def _answer(self) -> bool:
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Described:
    """What the server knows of a session that has told it what it holds back. None: it has not told yet."""

    def __init__(self, held: HeldAttempts | None) -> None:
        self._held = held

    async def memo_value(self, key: str, default: str, *, type_hint: type) -> str:
        assert key == HELD_ATTEMPTS_MEMO
        return default if self._held is None else self._held.value


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


async def _may_begin(of: SessionGate, *, is_first: bool = True, is_told: bool = False, spent: int = 0) -> bool:
    hold = await of.hold(
        "ses-a",
        spent_in_round_microdollars=spent,
        worst_case_microdollars=WORST_CASE,
        is_first=is_first,
        is_told=is_told,
    )
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


@pytest.mark.parametrize("is_told", [False, True])
async def test_a_paused_session_holds_its_attempts(is_told: bool) -> None:
    """Whatever number they have in their round, and whether it tells the server or has to be asked."""
    assert not await _may_begin(_gate(Session(False)), is_first=False, is_told=is_told)
    assert await _may_begin(_gate(Session(True)), is_first=False, is_told=is_told)


@pytest.mark.parametrize(
    ("held", "spent", "may_begin"),
    [
        (None, 1, True),
        (HeldAttempts.NONE, 1, True),
        (HeldAttempts.THAT_SPENT, 0, True),
        (HeldAttempts.THAT_SPENT, 1, False),
        (HeldAttempts.ALL, 0, False),
    ],
)
async def test_what_a_session_has_told_the_server_decides(
    held: HeldAttempts | None, spent: int, may_begin: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that has told nothing holds nothing back; under a budget what has spent is counted first."""

    async def described(session: Session) -> Described:
        return Described(held)

    monkeypatch.setattr(Session, "describe", described)
    session = Session(AssertionError("no worker is asked"))

    assert may_begin is await _may_begin(_gate(session), is_first=False, is_told=True, spent=spent)


@pytest.mark.parametrize("is_told", [False, True])
async def test_a_session_that_is_out_of_reach_is_asked_until_it_answers(
    is_told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pause or a budget is not passed over because nobody answered at once."""
    monkeypatch.setattr(gate, "_PAUSE_BETWEEN_QUESTIONS", timedelta())
    silence = RPCError("no answer", RPCStatusCode.DEADLINE_EXCEEDED, b"")
    session = Session(silence, silence, False)

    assert not await _may_begin(_gate(session), is_first=False, is_told=is_told)
    assert 3 == session.asked


async def test_a_session_that_stays_silent_holds_its_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are handed out again by the session itself, when somebody has it in hand."""
    monkeypatch.setattr(gate, "_PATIENCE", timedelta(milliseconds=20))
    monkeypatch.setattr(gate, "_PAUSE_BETWEEN_QUESTIONS", timedelta(milliseconds=5))
    session = Session(RPCError("no answer", RPCStatusCode.UNAVAILABLE, b""))

    assert not await _may_begin(_gate(session), is_first=False)
