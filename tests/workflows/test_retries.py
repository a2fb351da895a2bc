"""Retrying what failed while the workflow is open."""

import asyncio

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from sessions.commands import Accepted, ItemNotRetryableError, NothingFailedError, RetryItem, RetryRequest
from sessions.images import ImageSessionRequest, Product
from sessions.statuses import ItemStatus, SessionStatus
from sessions.variations import VARIATIONS
from sessions.view import SessionView
from sessions.wire import RETRY_SIGNAL, RETRY_UPDATE
from tests.support.scripted import Gate, broken, forbidden, refused
from tests.support.workflow_environment import RunningSession, Studio, image_input

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _with_failed_lifestyle(studio: Studio) -> RunningSession:
    studio.provider.script("Lifestyle", forbidden())
    session = await studio.start()
    await session.settled()
    return session


def _attempt(view: SessionView, key: str) -> int:
    return next(item.attempt for item in view.items if item.key == key)


async def test_an_update_retries_what_failed(studio: Studio) -> None:
    """Without naming items, all that failed are made again, and the answer names the round that has begun."""
    session = await _with_failed_lifestyle(studio)
    before = await session.state()
    accepted = await session.retry()

    assert (before.revision + 1, 2) == (accepted.revision, accepted.round)
    state = await session.result()
    assert (SessionStatus.COMPLETE, 2) == (state.status, state.item("lifestyle").attempt)


async def test_a_signal_retries_what_failed(studio: Studio) -> None:
    """The signal does the same as the update, for whoever sends it from Temporal's own tools."""
    session = await _with_failed_lifestyle(studio)
    await session.signal_retry()
    state = await session.result()

    assert (SessionStatus.COMPLETE, 2) == (state.status, state.item("lifestyle").attempt)


async def test_a_signal_that_comes_with_the_failure_is_not_lost(real_server: WorkflowEnvironment) -> None:
    """The ledger shows a failure before any worker has told the session of it; who retries it then is heard."""
    studio = Studio(real_server)
    asked = Gate()
    studio.provider.script("Lifestyle", asked)
    async with studio.worker():
        session = await studio.start(image_input(ImageSessionRequest(product=Product(title="Bottle"), max_attempts=1)))
        await asked.reached.wait()
        await session.until(lambda view: view.counts.complete == 4)

    await session.signal_retry()
    async with studio.worker():
        state = await session.result()
        await studio.close()

    assert (SessionStatus.COMPLETE, 2, 2) == (state.status, state.round, state.item("lifestyle").attempt)


async def test_the_body_of_the_retry_call_works_as_a_signal(studio: Studio) -> None:
    """The signal takes the plain JSON that the API takes, as somebody would type it."""
    session = await _with_failed_lifestyle(studio)
    await session.handle.signal(RETRY_SIGNAL, {"items": [{"key": "lifestyle", "note": "At dusk."}], "max_attempts": 2})
    await session.result()

    assert "Note: At dusk.\n" in studio.provider.calls["Lifestyle"][-1].prompt


async def test_finished_items_are_not_touched(studio: Studio) -> None:
    """A retry calls the provider for failed items only; what was finished keeps its artifact, byte for byte."""
    session = await _with_failed_lifestyle(studio)
    before = await session.state()
    stored = dict(studio.artifacts.stored)
    await session.retry()
    after = await session.result()

    for item in before.items:
        if item.key != "lifestyle":
            assert item == after.item(item.key)
            assert 1 == studio.provider.count(item.label)
    assert stored.items() <= studio.artifacts.stored.items()


async def test_attempt_numbers_and_variations_go_on_counting(studio: Studio) -> None:
    """A second round's attempts are the item's fourth to sixth, each with the variation of its number."""
    studio.provider.script("Lifestyle", *[refused() for _ in range(5)])
    session = await studio.start()
    await session.settled()
    await session.retry()
    state = await session.result()

    entries = studio.records.ledger("lifestyle")
    assert [(1, 1), (2, 1), (3, 1), (4, 2), (5, 2), (6, 2)] == [(entry.attempt, entry.round) for entry in entries]
    expected = [None, *VARIATIONS, *VARIATIONS[:2]]
    assert expected == [entry.variation for entry in entries]
    prompts = [call.prompt for call in studio.provider.calls["Lifestyle"]]
    assert [f"[VARIATION: {variation}]" if variation else prompts[0].splitlines()[-1] for variation in expected] == [
        prompt.splitlines()[-1] for prompt in prompts
    ]
    assert 6 == state.item("lifestyle").attempt


async def test_a_note_goes_into_the_prompt_word_for_word(studio: Studio) -> None:
    """What a person asks for when retrying an item reaches the provider verbatim, for that item only."""
    studio.provider.script("Lifestyle", forbidden())
    studio.provider.script("Comparison", forbidden())
    session = await studio.start()
    await session.settled()
    note = 'Kein Text — "nur" Wasser & Licht; 100 % {echt} 🌊'
    await session.retry(RetryRequest(items=(RetryItem(key="lifestyle", note=note), RetryItem(key="comparison"))))
    await session.result()

    assert f"\nNote: {note}\n" in studio.provider.calls["Lifestyle"][-1].prompt
    assert note not in studio.provider.calls["Comparison"][-1].prompt


async def test_a_note_holds_for_its_round_only(studio: Studio) -> None:
    """The next retry without a note does not repeat the old one."""
    studio.provider.script("Lifestyle", forbidden(), forbidden())
    session = await studio.start()
    await session.settled()
    await session.retry(RetryRequest(items=(RetryItem(key="lifestyle", note="At dusk."),)))
    await session.settled()
    await session.retry()
    await session.result()

    assert ["At dusk." in call.prompt for call in studio.provider.calls["Lifestyle"]] == [False, True, False]


async def test_a_retry_can_bring_its_own_number_of_attempts(studio: Studio) -> None:
    """``max_attempts`` of a retry counts for its round, on top of the attempts before."""
    studio.provider.script("Lifestyle", forbidden(), *[broken() for _ in range(9)])
    session = await studio.start()
    await session.settled()
    await session.retry(RetryRequest(max_attempts=2))
    assert 1 + 2 == next(item.max_attempts for item in (await session.view()).items if item.key == "lifestyle")
    view = await session.settled()

    assert 1 + 2 == studio.provider.count("Lifestyle") == _attempt(view, "lifestyle")


async def test_only_the_named_items_are_retried(studio: Studio) -> None:
    """Naming some of the failed items leaves the others failed."""
    studio.provider.script("Lifestyle", forbidden())
    studio.provider.script("Comparison", forbidden())
    session = await studio.start()
    await session.settled()
    await session.retry(RetryRequest(items=(RetryItem(key="comparison"),)))
    view = await session.settled()

    assert SessionStatus.PARTIAL is view.status
    assert ("lifestyle",) == view.retry_info.failed_items
    assert (1, 2) == (studio.provider.count("Lifestyle"), studio.provider.count("Comparison"))


async def test_rounds_follow_each_other_as_often_as_asked(studio: Studio) -> None:
    """A round that fails again can be retried again."""
    studio.provider.script("Lifestyle", *[forbidden() for _ in range(4)])
    session = await studio.start()
    for expected in (1, 2, 3, 4):
        view = await session.settled()
        assert (SessionStatus.PARTIAL, expected) == (view.status, view.round)
        await session.retry()
    state = await session.result()

    assert (SessionStatus.COMPLETE, 5, 5) == (state.status, state.round, state.item("lifestyle").attempt)


async def test_two_retries_at_once_make_one_round(real_studio: Studio) -> None:
    """Whoever comes second is told the state; the item is made once."""
    session = await _with_failed_lifestyle(real_studio)
    gate = Gate()
    real_studio.provider.script("Lifestyle", gate)
    outcomes = await asyncio.gather(session.retry(), session.retry(), session.signal_retry(), return_exceptions=True)
    await gate.reached.wait()
    gate.opened.set()
    state = await session.result()

    assert 1 >= sum(isinstance(outcome, Accepted) for outcome in outcomes)
    assert (2, 2) == (state.round, real_studio.provider.count("Lifestyle"))


async def test_a_retry_starts_at_once_while_another_item_is_still_being_made(studio: Studio) -> None:
    """A failed item is made again without waiting for the slowest one to end."""
    gate = Gate()
    studio.provider.script("Main image", gate)
    studio.provider.script("Lifestyle", forbidden())
    session = await studio.start()
    await session.until(lambda view: view.counts.failed == 1)
    await session.retry()
    view = await session.until(lambda view: view.counts.complete == 4)

    assert SessionStatus.PROCESSING is view.status
    assert 2 == _attempt(view, "lifestyle")
    gate.opened.set()
    state = await session.result()
    assert {ItemStatus.COMPLETE} == {item.status for item in state.items}
    assert 1 == studio.provider.count("Main image")


_REFUSED = [
    (RetryRequest(items=(RetryItem(key="nonsense"),)), ItemNotRetryableError, "There is no item 'nonsense'"),
    (RetryRequest(items=(RetryItem(key="main"),)), ItemNotRetryableError, "Item 'main' is complete"),
    (
        RetryRequest(items=(RetryItem(key="lifestyle"), RetryItem(key="main"))),
        ItemNotRetryableError,
        "Item 'main' is complete",
    ),
    (
        RetryRequest(items=(RetryItem(key="lifestyle"), RetryItem(key="lifestyle"))),
        ItemNotRetryableError,
        "'lifestyle' is named twice",
    ),
]


@pytest.mark.parametrize(("request_", "refusal", "words"), _REFUSED)
async def test_a_refused_retry_starts_nothing(
    studio: Studio, request_: RetryRequest, refusal: type[Exception], words: str
) -> None:
    """A retry that names what can't be retried is refused whole, with the reason, by update and by signal."""
    session = await _with_failed_lifestyle(studio)
    before = await session.state()
    with pytest.raises(WorkflowUpdateFailedError) as refused_:
        await session.retry(request_)
    await session.signal_retry(request_)

    cause = refused_.value.cause
    assert isinstance(cause, ApplicationError)
    assert refusal.__name__ == cause.type
    assert words in cause.message
    assert before == await session.state()
    assert 1 == studio.provider.count("Lifestyle")


async def test_nothing_to_retry_is_refused(studio: Studio) -> None:
    """While nothing has failed a retry is refused, and what is being made goes on."""
    gate = Gate()
    studio.provider.script("Main image", gate)
    session = await studio.start()
    await gate.reached.wait()
    with pytest.raises(WorkflowUpdateFailedError) as refused_:
        await session.retry()
    await session.signal_retry()
    gate.opened.set()
    state = await session.result()

    assert isinstance(refused_.value.cause, ApplicationError)
    assert NothingFailedError.__name__ == refused_.value.cause.type
    assert (1, 5) == (state.round, len(studio.records.entries))


@pytest.mark.parametrize(
    "body", [{"max_attempts": 11}, {"items": []}, {"surprise": True}, "all", {"items": [{"key": 7}]}]
)
async def test_a_malformed_retry_changes_nothing(studio: Studio, body: object) -> None:
    """What cannot be read is refused or ignored; the session stays as it is and can still be retried."""
    session = await _with_failed_lifestyle(studio)
    before = await session.state()
    with pytest.raises(WorkflowUpdateFailedError):
        await session.handle.execute_update(RETRY_UPDATE, body)
    await session.handle.signal(RETRY_SIGNAL, body)

    assert before == await session.state()
    await session.retry()
    assert SessionStatus.COMPLETE is (await session.result()).status
