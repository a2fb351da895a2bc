"""A person steers a session: what is held back, stopped, made again, chosen or paid for.

On the real server, because time passes there as it does for attempts and the people who watch them.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WithStartWorkflowOperation, WorkflowUpdateFailedError
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import ApplicationError

from service.gate import SessionGate
from service.labels import search_attributes
from sessions.commands import Accepted, NothingFailedError
from sessions.images import ImageRequest, ImageSessionInput, ImageSessionRequest, ImageType, Product
from sessions.ledger import LedgerEntry
from sessions.money import microdollars
from sessions.ports import Hold
from sessions.state import SessionState
from sessions.statuses import AttemptStatus, ItemStatus, SessionStatus
from sessions.steering import BudgetChange
from sessions.view import ItemView, SessionView
from tests.support.eventually import eventually
from tests.support.scripted import USAGE, Gate, broken, forbidden, refused
from tests.support.workflow_environment import PRICES, RunningSession, Studio, image_input, story_input
from tests.support.written import HeldText

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.usefixtures("quick_heartbeats")]

PRICE = PRICES.cost_microdollars(USAGE, model="gpt-image-2")
"""What the provider's every answer costs here, in micro-dollars."""

TWO = (ImageType.MAIN, ImageType.LIFESTYLE)
SHORT = timedelta(milliseconds=300)


def _input(
    types: Sequence[ImageType] = TWO, *, max_attempts: int = 3, items_at_once: int = 20, **state: Any
) -> ImageSessionInput:
    request = ImageSessionRequest(
        product=Product(title="Steel bottle"),
        images=tuple(ImageRequest(type=kind) for kind in types),
        max_attempts=max_attempts,
    )
    start = image_input(request, retry_window=timedelta(hours=1))
    changed = start.state.model_copy(update={"worst_case_microdollars": PRICE, **state})
    return start.model_copy(update={"state": changed, "items_at_once": items_at_once})


def _item(view: SessionView, key: str) -> ItemView:
    return next(item for item in view.items if item.key == key)


async def _refusal(session: RunningSession, update: str, body: object = None) -> str:
    before = await session.state()
    with pytest.raises(WorkflowUpdateFailedError) as failure:
        await session.steer(update, body)
    assert isinstance(failure.value.cause, ApplicationError)
    assert before == await session.state()
    return failure.value.cause.message


async def _kept_open(studio: Studio, *types: ImageType) -> RunningSession:
    """Start a session whose infographic fails, so that it waits to be retried once the others are made."""
    studio.provider.script("Infographic 1", forbidden())
    session = await studio.start(_input((*(types or TWO), ImageType.INFOGRAPHIC_1)))
    await session.settled()
    return session


async def test_a_pause_lets_a_running_attempt_finish_and_begins_no_new_one(real_studio: Studio) -> None:
    """What was paid for is kept; what waits goes on waiting until somebody resumes."""
    gate = Gate()
    real_studio.provider.script("Main image", gate)
    session = await real_studio.start(_input(items_at_once=1))
    await gate.reached.wait()

    accepted = await session.steer("pause")
    gate.opened.set()
    view = await session.until(lambda view: view.counts.complete == 1)

    assert accepted.revision < view.version
    assert (True, SessionStatus.PROCESSING) == (view.paused, view.status)
    assert "Paused" in view.message
    await eventually(session.is_at_rest)
    assert 0 == real_studio.provider.count("Lifestyle")
    assert real_studio.records.states[session.handle.id].is_paused

    await session.steer("resume")
    state = await session.result()
    assert (SessionStatus.COMPLETE, False) == (state.status, state.is_paused)


async def test_a_retry_that_waits_when_somebody_pauses_is_held_and_does_not_count(real_studio: Studio) -> None:
    """The second of three attempts is still the second one after the pause."""
    real_studio.provider.script("Lifestyle", broken())
    session = await real_studio.start(_input())
    await session.until(lambda view: view.counts.complete == 1)
    await eventually(lambda: any(entry.ended_at for entry in real_studio.records.ledger("lifestyle")))

    await session.steer("pause")
    view = await session.until(lambda view: view.counts.pending == 1)
    assert (1, 3) == (_item(view, "lifestyle").attempt, _item(view, "lifestyle").max_attempts)
    await eventually(session.is_at_rest)
    assert 1 == real_studio.provider.count("Lifestyle")

    await session.steer("resume")
    state = await session.result()
    ledger = real_studio.records.ledger("lifestyle")
    assert [(1, "failed"), (2, "complete")] == [(entry.attempt, entry.status) for entry in ledger]
    assert 2 == state.item("lifestyle").attempt


async def _at_its_first_item(studio: Studio) -> tuple[RunningSession, Gate]:
    """Start a session that makes one item after the other; the first is being made until the gate is opened."""
    gate = Gate()
    studio.provider.script("Main image", gate)
    session = await studio.start(_input(items_at_once=1))
    await gate.reached.wait()
    return session, gate


async def _paused_after_it(session: RunningSession, gate: Gate) -> None:
    """Pause a session at its first item, and return once that is made and nothing else is under way."""
    await session.steer("pause")
    gate.opened.set()
    await session.until(lambda view: view.counts.complete == 1)
    await eventually(session.is_at_rest)


async def test_a_paused_session_survives_its_worker(real_studio: Studio) -> None:
    """Another worker finds it paused, costs it nothing, and goes on when it is told to."""
    await real_studio.close()
    studio = Studio(real_studio.environment)
    async with studio.worker():
        session, gate = await _at_its_first_item(studio)
        await _paused_after_it(session, gate)
        before = await session.state()
    async with studio.worker():
        assert before == await session.state()
        assert 0 == studio.provider.count("Lifestyle")
        await session.steer("resume")
        state = await session.result()
        await studio.close()

    assert SessionStatus.COMPLETE is state.status
    assert 1 == studio.provider.count("Main image") == studio.provider.count("Lifestyle")


async def test_pausing_and_resuming_twice_is_refused(real_studio: Studio) -> None:
    """The refusal says how the session stands."""
    gate = Gate()
    real_studio.provider.script("Main image", gate)
    session = await real_studio.start(_input())
    await session.until(lambda view: view.counts.complete == 1)

    assert "is not paused (it is processing)" in await _refusal(session, "resume")
    await session.steer("pause")
    assert "is paused already" in await _refusal(session, "pause")
    await session.steer("resume")
    gate.opened.set()
    await session.result()


async def test_a_settled_session_is_neither_paused_nor_stopped(real_studio: Studio) -> None:
    """Nothing is left that could be."""
    session = await _kept_open(real_studio)

    assert "is partial, so there is nothing to pause" in await _refusal(session, "pause")
    assert "'main' is complete already" in await _refusal(session, "cancel_items", {"items": ["main"]})
    assert "There is no item 'nowhere'" in await _refusal(session, "cancel_items", {"items": ["nowhere"]})


async def test_cancelling_an_item_reaches_its_attempt_and_leaves_others_alone(real_studio: Studio) -> None:
    """The attempt is stopped within seconds, in the ledger as what it was, and the session goes on."""
    gates = {label: Gate() for label in ("Main image", "Lifestyle")}
    for label, gate in gates.items():
        real_studio.provider.script(label, gate)
    session = await real_studio.start(_input())
    for gate in gates.values():
        await gate.reached.wait()

    await session.steer("cancel_items", {"items": ["lifestyle"]})
    view = await session.until(lambda view: view.counts.cancelled == 1)
    gates["Main image"].opened.set()
    state = await session.result()

    assert ItemStatus.PROCESSING is _item(view, "main").status
    assert (SessionStatus.CANCELLED, ItemStatus.COMPLETE) == (state.status, state.item("main").status)
    (entry,) = real_studio.records.ledger("lifestyle")
    assert AttemptStatus.UNCERTAIN is entry.status
    assert entry.cost_microdollars == state.spending.uncertain_microdollars > 0


async def test_cancelling_an_item_twice_is_cancelling_it_once(real_studio: Studio) -> None:
    """Whoever asks again while the attempt is being stopped changes nothing."""
    gate = Gate()
    real_studio.provider.script("Lifestyle", gate)
    session = await real_studio.start(_input())
    await gate.reached.wait()

    await session.steer("cancel_items", {"items": ["lifestyle"]})
    with suppress(WorkflowUpdateFailedError):  # it may be stopped by now
        await session.steer("cancel_items", {"items": ["lifestyle"]})
    state = await session.result()

    assert (SessionStatus.CANCELLED, 1) == (state.status, state.item("lifestyle").attempt)


async def test_an_item_cancelled_again_while_it_asks_the_ledger_ends(
    real_studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waited for its second attempt; what the first one came to is found out once, however often it is cancelled."""
    asked, may_answer = asyncio.Event(), asyncio.Event()
    answer = real_studio.records.attempts

    async def held(session_id: str) -> Sequence[LedgerEntry]:
        asked.set()
        await may_answer.wait()
        return await answer(session_id)

    real_studio.provider.script("Lifestyle", broken())
    session = await real_studio.start(_input())
    await eventually(lambda: any(entry.ended_at for entry in real_studio.records.ledger("lifestyle")))
    monkeypatch.setattr(real_studio.records, "attempts", held)
    await session.steer("cancel_items", {"items": ["lifestyle"]})
    await asked.wait()
    await session.steer("cancel_items", {"items": ["lifestyle"]})
    may_answer.set()
    async with asyncio.timeout(20):
        state = await session.result()

    assert (ItemStatus.CANCELLED, 1) == (state.item("lifestyle").status, state.item("lifestyle").attempt)


async def test_an_item_that_waits_is_cancelled_without_an_attempt(real_studio: Studio) -> None:
    """It costs nothing, and nobody makes it later."""
    gate = Gate()
    real_studio.provider.script("Main image", gate)
    session = await real_studio.start(_input(items_at_once=1))
    await gate.reached.wait()

    await session.steer("cancel_items", {"items": ["lifestyle"]})
    gate.opened.set()
    state = await session.result()

    assert (ItemStatus.CANCELLED, 0) == (state.item("lifestyle").status, state.item("lifestyle").attempt)
    assert [] == real_studio.records.ledger("lifestyle")


async def test_items_cancelled_together_with_the_start_do_not_hang(real_studio: Studio) -> None:
    """However early the word comes, nothing is left being made by nobody."""
    start = _input()
    operation: WithStartWorkflowOperation[object, SessionState] = WithStartWorkflowOperation(
        "ImageSession",
        start,
        id=start.state.id,
        task_queue=real_studio.task_queue,
        id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
        search_attributes=search_attributes(start.state),
    )
    await real_studio.environment.client.execute_update_with_start_workflow(
        "cancel_items", {"items": ["lifestyle"]}, start_workflow_operation=operation, result_type=Accepted
    )
    session = RunningSession(await operation.workflow_handle(), environment=real_studio.environment)

    view = await session.settled()
    assert [ItemStatus.COMPLETE, ItemStatus.CANCELLED] == [item.status for item in view.items]


async def test_a_retake_is_the_next_version_under_the_next_number(real_studio: Studio) -> None:
    """With the note in its prompt; the version before stays, and the new one counts."""
    session = await _kept_open(real_studio)
    first = (await session.state()).item("main").artifact

    accepted = await session.steer("retake", {"key": "main", "note": "At dusk."})
    assert 2 == accepted.round
    await session.settled()
    item = (await session.state()).item("main")

    assert "Note: At dusk.\n" in real_studio.provider.calls["Main image"][1].prompt
    assert [1, 2] == [version.attempt for version in item.versions]
    assert first == item.versions[0]
    assert (2, 2, 2) == (item.attempt, item.round, item.artifact.attempt if item.artifact else None)
    assert 1 == real_studio.provider.count("Lifestyle") == real_studio.provider.count("Infographic 1")
    assert [1, 2] == [entry.round for entry in real_studio.records.ledger("main")]


async def test_a_retake_from_the_previous_picture_sends_it_along(real_studio: Studio) -> None:
    """The picture that counts is what the provider starts from."""
    session = await _kept_open(real_studio)
    before = real_studio.provider.calls["Main image"][0].prompt.encode()

    await session.steer("retake", {"key": "main", "note": "Only the cap in red.", "from_previous": True})
    await session.settled()

    call = real_studio.provider.calls["Main image"][1]
    assert [before] == [picture.data for picture in call.references]
    assert "Only the cap in red." in call.prompt


async def test_a_prompt_of_ones_own_is_sent_as_it_is(real_studio: Studio) -> None:
    """Nothing of ours is added to it, and the next retake is back to ours."""
    session = await _kept_open(real_studio)
    prompt = "Image: Main image\nA bottle.\n  As I want it."

    await session.steer("retake", {"key": "main", "prompt": prompt})
    await session.settled()
    await session.steer("retake", {"key": "main"})
    await session.settled()

    _, own, ours = (call.prompt for call in real_studio.provider.calls["Main image"])
    assert own.startswith(prompt)
    assert "As I want it." not in ours


async def test_a_retake_that_fails_leaves_the_version_as_it_was(real_studio: Studio) -> None:
    """The item stays complete, says why the retake failed, and nothing is left to retry."""
    session = await _kept_open(real_studio)
    first = (await session.state()).item("main").artifact
    real_studio.provider.script("Main image", forbidden())

    await session.steer("retake", {"key": "main"})
    view = await session.settled()

    item = (await session.state()).item("main")
    assert (ItemStatus.COMPLETE, first, ()) == (item.status, item.artifact, item.others)
    assert item.error is not None
    assert "The key is not valid." == item.error.message
    assert (2, SessionStatus.PARTIAL) == (item.attempt, view.status)
    assert ("infographic_1",) == view.retry_info.failed_items


async def test_a_chosen_version_stays_when_a_newer_one_is_made(real_studio: Studio) -> None:
    """Until somebody chooses, the newest counts; afterwards the choice does."""
    session = await _kept_open(real_studio)
    await session.steer("retake", {"key": "main"})
    await session.settled()

    await session.steer("select", {"key": "main", "attempt": 1})
    await session.steer("retake", {"key": "main"})
    view = await session.settled()

    assert 1 == _item(view, "main").selected_attempt
    item = (await session.state()).item("main")
    assert [1, 2, 3] == [version.attempt for version in item.versions]
    assert "Attempt 9 at 'main' has no result" in await _refusal(session, "select", {"key": "main", "attempt": 9})
    refusal = await _refusal(session, "select", {"key": "infographic_1", "attempt": 1})
    assert "Attempts that can be selected: none." in refusal


async def test_what_is_being_made_or_has_failed_is_not_retaken(real_studio: Studio) -> None:
    """Making it twice at a time would be paid twice."""
    gate = Gate()
    real_studio.provider.script("Main image", gate)
    real_studio.provider.script("Lifestyle", forbidden())
    session = await real_studio.start(_input())
    await gate.reached.wait()
    await session.until(lambda view: view.counts.failed == 1)

    assert "'main' is being made" in await _refusal(session, "retake", {"key": "main"})
    assert "'lifestyle' has failed; retry it" in await _refusal(session, "retake", {"key": "lifestyle"})
    assert 1 == real_studio.provider.count("Main image")
    gate.opened.set()


async def test_a_cancelled_retake_leaves_the_item_complete(real_studio: Studio) -> None:
    """With the version it has, and the attempt in the ledger."""
    session = await _kept_open(real_studio)
    gate = Gate()
    real_studio.provider.script("Main image", gate)
    await session.steer("retake", {"key": "main"})
    await gate.reached.wait()

    await session.steer("cancel_items", {"items": ["main"]})
    view = await session.settled()

    assert (ItemStatus.COMPLETE, 1) == (_item(view, "main").status, _item(view, "main").selected_attempt)
    assert SessionStatus.PARTIAL is view.status
    assert [1, 2] == [entry.attempt for entry in real_studio.records.ledger("main")]


async def test_the_budget_holds_back_what_could_pass_it_and_a_higher_one_lets_it_go_on(real_studio: Studio) -> None:
    """The session says that it waits for its budget, and makes the rest when it may."""
    session = await real_studio.start(_input(budget_microdollars=PRICE))
    view = await session.until(lambda view: "budget" in view.message)

    assert (1, 1, SessionStatus.PROCESSING) == (view.counts.complete, view.counts.pending, view.status)
    assert 0 == real_studio.provider.count("Lifestyle")
    refusal = await _refusal(session, "budget", {"budget_usd": PRICE / 2_000_000})
    assert "the budget cannot be below that" in refusal

    await session.steer("budget", {"budget_usd": 2 * PRICE / 1_000_000})
    state = await session.result()
    assert (SessionStatus.COMPLETE, 2 * PRICE) == (state.status, state.spending.spent_microdollars)


async def test_items_side_by_side_do_not_retry_past_the_budget(real_studio: Studio) -> None:
    """Each billed failure counts for all before anything further begins: no call is made that could pass it."""
    for label in ("Main image", "Lifestyle"):
        real_studio.provider.script(label, *[refused() for _ in range(9)])
    session = await real_studio.start(_input(max_attempts=10, budget_microdollars=3 * PRICE))
    view = await session.until(lambda view: "budget" in view.message)
    await eventually(session.is_at_rest)

    assert 3 == real_studio.provider.count("Main image") + real_studio.provider.count("Lifestyle")
    assert 3 * PRICE == round(view.cost_usd.spent * 1_000_000)
    assert {10} == {item.max_attempts for item in view.items}


async def test_the_limit_of_a_month_holds_sessions_back(real_studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes on by itself when there is room again, and the attempt that was held does not count."""
    hold = Hold(message="The month's limit is reached.", advice="It goes on by itself.", retry_after=SHORT)
    monkeypatch.setattr("service.gate._HELD_BY_MONTH", hold)
    monkeypatch.setattr("service.gate._ASKED_ANEW", timedelta())
    await real_studio.close()
    studio = Studio(real_studio.environment)
    studio.monthly, studio.spending.microdollars = 1_000_000, 1_000_000
    async with studio.worker():
        session = await studio.start(_input())
        view = await session.until(lambda view: "month" in view.message and view.counts.processing == 0)
        assert (0, 2) == (view.counts.complete, view.counts.pending)
        assert 0 == studio.provider.count("Main image")

        studio.spending.microdollars = 0
        state = await session.result()
        await studio.close()

    assert SessionStatus.COMPLETE is state.status
    assert {1} == {item.attempt for item in state.items}
    assert [1, 1] == [entry.attempt for key in ("main", "lifestyle") for entry in studio.records.ledger(key)]


async def test_more_failures_than_are_tolerated_end_a_session_early(real_studio: Studio) -> None:
    """What was not begun costs nothing, says why, and is made by a retry."""
    types = (ImageType.MAIN, ImageType.LIFESTYLE, ImageType.COMPARISON, ImageType.INFOGRAPHIC_1)
    for label in ("Lifestyle", "Comparison"):
        real_studio.provider.script(label, forbidden())
    session = await real_studio.start(_input(types, items_at_once=1, tolerated_failures=1))
    view = await session.settled()

    assert (SessionStatus.PARTIAL, 1, 3) == (view.status, view.counts.complete, view.counts.failed)
    assert 0 == real_studio.provider.count("Infographic 1")
    assert "More have failed than were tolerated, so the rest was not begun." in view.message
    error = _item(view, "infographic_1").error
    assert error is not None
    assert "2 others had failed and 1 were tolerated" in error.message

    await session.retry()
    assert SessionStatus.COMPLETE is (await session.result()).status
    assert 1 == real_studio.provider.count("Main image")


async def test_a_pause_and_versions_go_along_to_the_next_run(real_studio: Studio) -> None:
    """A session that is handed over because its history grew long is what it was."""
    real_studio.provider.script("Infographic 1", forbidden())
    types = (*TWO, ImageType.COMPARISON, ImageType.INFOGRAPHIC_1)
    session = await real_studio.start(_input(types, items_at_once=1).model_copy(update={"most_events": 40}))
    await session.settled()
    await session.steer("retake", {"key": "main"})
    await session.settled()
    await session.steer("select", {"key": "main", "attempt": 1})
    for _ in range(4):
        await session.steer("retake", {"key": "lifestyle"})
        await session.settled()
    gate = Gate()
    real_studio.provider.script("Lifestyle", gate)
    await session.steer("retake", {"key": "lifestyle"})
    await session.steer("retake", {"key": "comparison"})
    await session.steer("pause")
    gate.opened.set()
    await session.until(lambda view: view.counts.processing == 0)
    await eventually(session.is_at_rest)
    assert (await session.view()).paused
    await session.steer("resume")
    await session.settled()
    before = (await session.state()).item("main")
    await session.retry()
    state = await session.result()

    assert 1 < await session.count_runs()
    assert before == state.item("main")
    assert [1, 2] == [version.attempt for version in before.versions]
    assert before.is_chosen
    attempts = [entry.attempt for entry in real_studio.records.ledger("lifestyle")]
    assert list(range(1, len(attempts) + 1)) == attempts


async def _may_begin(studio: Studio, session: RunningSession, *, spent: int = 0) -> bool:
    """Ask as an attempt does that has waited for its turn."""
    gate = SessionGate(studio.environment.client, spending=studio.spending, monthly_microdollars=None)
    hold = await gate.hold(
        session.handle.id,
        spent_in_round_microdollars=spent,
        worst_case_microdollars=PRICE,
        is_first=False,
        is_told=True,
    )
    return hold is None


async def test_what_is_held_back_is_known_while_no_worker_is_there(real_studio: Studio) -> None:
    """An attempt that is about to begin does not wait until some worker has replayed its session."""
    await real_studio.close()
    studio = Studio(real_studio.environment)
    async with studio.worker():
        session, gate = await _at_its_first_item(studio)
        assert await _may_begin(studio, session)
        await _paused_after_it(session, gate)
    assert not await _may_begin(studio, session)

    async with studio.worker():
        await session.steer("resume")
        await session.result()
        await studio.close()
    assert await _may_begin(studio, session)


async def test_what_is_held_back_is_known_in_the_next_run_as_well(real_studio: Studio) -> None:
    """A budget that was set in one run holds for the attempts of those that follow."""
    first, last = Gate(), Gate()
    real_studio.provider.script("Main image", first)
    real_studio.provider.script("Infographic 2", last)
    types = (*TWO, ImageType.COMPARISON, ImageType.INFOGRAPHIC_1, ImageType.INFOGRAPHIC_2)
    session = await real_studio.start(_input(types, items_at_once=1).model_copy(update={"most_events": 15}))
    await first.reached.wait()
    assert await _may_begin(real_studio, session, spent=1)
    await session.steer("budget", BudgetChange(budget_usd=1.0))
    assert not await _may_begin(real_studio, session, spent=1)
    first.opened.set()
    await last.reached.wait()
    assert session.handle.first_execution_run_id != (await session.handle.describe()).run_id

    assert not await _may_begin(real_studio, session, spent=1)
    assert await _may_begin(real_studio, session)
    last.opened.set()
    await session.result()


async def test_a_command_with_a_key_is_obeyed_once(real_studio: Studio) -> None:
    """Sent again it is accepted and changes nothing; its key with another request is refused."""
    session = await _kept_open(real_studio)
    body = {"key": "main", "once": "a1:b1"}
    first = await session.steer("retake", body)
    await session.settled()
    before = await session.state()
    again = await session.steer("retake", body)

    assert first.round == again.round == 2
    assert before == await session.state()
    assert 2 == real_studio.provider.count("Main image")
    refusal = await _refusal(session, "retake", {"key": "lifestyle", "once": "a1:b2"})
    assert "Use a new key for a new request" in refusal


async def test_a_story_takes_a_set_again_and_is_paused_between_its_sets(real_studio: Studio) -> None:
    """What holds for images holds for stories; the outline that sets were written by stays."""
    real_studio.texts.script("set-03", forbidden())
    held = HeldText()
    real_studio.texts.script("set-01", held)
    session = await real_studio.start(story_input().model_copy(update={"items_at_once": 1}))
    await held.reached.wait()
    await session.steer("pause")
    held.opened.set()
    await session.until(lambda view: view.counts.complete == 2)
    await eventually(session.is_at_rest)
    assert 0 == real_studio.texts.count("set-02")
    await session.steer("resume")
    await session.settled()
    assert "outline" in await _refusal(session, "retake", {"key": "outline"})
    await session.steer("retake", {"key": "set-01", "note": "Slower."})
    await session.settled()

    assert "Slower." in real_studio.texts.calls["set-01"][1].prompt
    assert [1, 2] == [version.attempt for version in (await session.state()).item("set-01").versions]


async def test_the_records_and_a_replay_tell_what_the_session_was(real_studio: Studio) -> None:
    """The state that another worker comes to from the history is the one before, and the one written down."""
    await real_studio.close()
    studio = Studio(real_studio.environment)
    async with studio.worker():
        session = await _kept_open(studio)
        await session.steer("retake", {"key": "main"})
        await session.settled()
        await session.steer("select", {"key": "main", "attempt": 1})
        await session.steer("budget", {"budget_usd": 5.0})
        await eventually(session.is_at_rest)
        before = await session.state()
    async with studio.worker():
        assert before == await session.state()
        assert before == studio.records.states[session.handle.id]
        assert NothingFailedError.__name__ not in str(await session.retry())
        await session.result()
        await studio.close()


@pytest.mark.parametrize("is_session_cancelled", [False, True])
async def test_a_cancel_between_two_attempts_forgets_none_of_them(
    real_studio: Studio, is_session_cancelled: bool
) -> None:
    """What was paid for stays in the session's figures, and no attempt number is ever used again."""
    real_studio.provider.script("Main image", refused())
    request = ImageSessionRequest(
        product=Product(title="Steel bottle"), images=(ImageRequest(type=ImageType.MAIN),), max_attempts=5
    )
    session = await real_studio.start(image_input(request))
    await eventually(lambda: len(real_studio.records.ledger("main")) == 1)
    await eventually(lambda: real_studio.records.ledger("main")[0].status is AttemptStatus.FAILED)

    if is_session_cancelled:
        await session.handle.cancel()
    else:
        await session.steer("cancel_items", {"items": ["main"]})
    view = await session.until(lambda view: view.status.is_settled)

    assert ("cancelled", 1) == (view.items[0].status, view.items[0].attempt)
    assert real_studio.records.ledger("main")[0].cost_microdollars == microdollars(view.cost_usd.spent)
