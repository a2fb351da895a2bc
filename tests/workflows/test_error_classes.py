"""Every class of failure gets its own treatment, seen from outside: calls, ledger and what a person is told."""

from datetime import timedelta

import pytest

from sessions.attempts import AttemptLimits
from sessions.errors import ErrorClass
from sessions.images import ImageSessionRequest, Product
from sessions.pricing import expected_image_usage
from sessions.statuses import AttemptStatus, ItemStatus
from sessions.variations import VARIATIONS
from sessions.view import SessionView
from tests.support.history import item_runs
from tests.support.scripted import (
    USAGE,
    broken,
    forbidden,
    refused,
    throttled,
    unanswered,
    unpaid,
)
from tests.support.workflow_environment import PRICES, Studio, image_input

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_throttled_call_does_not_burn_an_attempt(studio: Studio) -> None:
    """The waits that a provider asks for happen inside the attempt: it is still the first one that succeeds."""
    studio.provider.script("Lifestyle", throttled(), throttled())
    session = await studio.start()
    state = await session.result()

    assert (ItemStatus.COMPLETE, 1) == (state.item("lifestyle").status, state.item("lifestyle").attempt)
    assert 3 == studio.provider.count("Lifestyle")
    assert 1 == item_runs(await session.history())["lifestyle"].attempt
    (entry,) = studio.records.ledger("lifestyle")
    assert (AttemptStatus.COMPLETE, 2) == (entry.status, entry.throttled_calls)


async def test_a_throttled_call_waits_at_least_as_long_as_it_was_asked_to(studio: Studio) -> None:
    """The provider's own figure is a lower bound for the wait."""
    pause = timedelta(milliseconds=200)
    studio.provider.script("Lifestyle", throttled(retry_after=pause))
    session = await studio.start()
    await session.result()

    (entry,) = studio.records.ledger("lifestyle")
    assert entry.ended_at is not None
    assert pause <= entry.ended_at - entry.started_at


async def test_throttling_past_the_patience_counts(studio: Studio) -> None:
    """A provider that asks for longer waits than an attempt may take is asked once more before that attempt fails."""
    limits = AttemptLimits(throttle_patience=timedelta(milliseconds=50))
    studio.provider.script("Lifestyle", *[throttled(retry_after=timedelta(minutes=1))] * 6)
    session = await studio.start(image_input(limits=limits))
    view = await session.settled()

    assert [ErrorClass.THROTTLE] * 3 == [entry.error_type for entry in studio.records.ledger("lifestyle")]
    assert 6 == studio.provider.count("Lifestyle")
    assert ErrorClass.THROTTLE is _error_type(view, "lifestyle")


@pytest.mark.parametrize(
    ("failure", "error_class"), [(unpaid(), ErrorClass.BILLING), (forbidden(), ErrorClass.PERMANENT)]
)
async def test_what_cannot_work_fails_at_once_with_advice(
    studio: Studio, failure: Exception, error_class: ErrorClass
) -> None:
    """Without money or permission there is no second call, and the item says what a person can do."""
    studio.provider.script("Lifestyle", failure)
    session = await studio.start()
    view = await session.settled()
    error = (await session.state()).item("lifestyle").error

    assert 1 == studio.provider.count("Lifestyle")
    assert error is not None
    assert (error_class, failure.args[0]) == (error.type, error.message)
    assert error.advice
    assert error.advice in view.message


async def test_a_transient_failure_is_retried_and_counts(studio: Studio) -> None:
    """A server error is followed by another attempt, which is the item's second."""
    studio.provider.script("Lifestyle", broken())
    session = await studio.start()
    state = await session.result()

    assert 2 == state.item("lifestyle").attempt
    assert 2 == item_runs(await session.history())["lifestyle"].attempt
    failed, complete = studio.records.ledger("lifestyle")
    assert (AttemptStatus.FAILED, ErrorClass.TRANSIENT, "req-500", 0) == (
        failed.status,
        failed.error_type,
        failed.request_id,
        failed.cost_microdollars,
    )
    assert AttemptStatus.COMPLETE is complete.status


async def test_an_uncertain_outcome_is_recorded_with_its_worst_case_cost_and_retried(real_studio: Studio) -> None:
    """What may have been billed is never hidden: the ledger and the session show what it costs at worst."""
    real_studio.provider.script("Lifestyle", unanswered())
    session = await real_studio.start()
    state = await session.result()
    prompt = real_studio.provider.calls["Lifestyle"][0].prompt
    worst_case = PRICES.cost_microdollars(
        expected_image_usage(size="1024x1024", quality="medium", prompt_characters=len(prompt), references=0),
        model="gpt-image-2",
    )

    uncertain, complete = real_studio.records.ledger("lifestyle")
    assert (AttemptStatus.UNCERTAIN, ErrorClass.UNCERTAIN, worst_case) == (
        uncertain.status,
        uncertain.error_type,
        uncertain.cost_microdollars,
    )
    assert AttemptStatus.COMPLETE is complete.status
    assert worst_case == state.spending.uncertain_microdollars
    assert 5 * PRICES.cost_microdollars(USAGE, model="gpt-image-2") == state.spending.spent_microdollars


async def test_refused_content_is_retried_with_the_next_variation(studio: Studio) -> None:
    """Each attempt after the first adds the next variation to the prompt, word for word, in turn and from the start."""
    request = ImageSessionRequest(product=Product(title="Steel bottle"), max_attempts=5)
    studio.provider.script("Lifestyle", *[refused() for _ in range(4)])
    session = await studio.start(image_input(request))
    state = await session.result()

    first, *others = [call.prompt for call in studio.provider.calls["Lifestyle"]]
    expected = [f"{first}\n[VARIATION: {variation}]" for variation in (*VARIATIONS, VARIATIONS[0])]
    assert expected == others
    assert [None, *VARIATIONS, VARIATIONS[0]] == [entry.variation for entry in studio.records.ledger("lifestyle")]
    assert (ItemStatus.COMPLETE, 5) == (state.item("lifestyle").status, state.item("lifestyle").attempt)


async def test_a_refusal_that_was_billed_is_paid_for_in_the_ledger(real_studio: Studio) -> None:
    """Tokens that a provider counts for a refusal are part of what the session has spent."""
    real_studio.provider.script("Lifestyle", refused(), refused())
    session = await real_studio.start()
    state = await session.result()
    cost = PRICES.cost_microdollars(USAGE, model="gpt-image-2")

    assert [cost] * 3 == [entry.cost_microdollars for entry in real_studio.records.ledger("lifestyle")]
    assert 7 * cost == state.spending.spent_microdollars


async def test_an_item_that_was_refused_three_times_says_why(studio: Studio) -> None:
    """The item and the session's message show the provider's reason and what to do about it."""
    studio.provider.script("Lifestyle", *[refused() for _ in range(3)])
    session = await studio.start()
    view = await session.settled()

    assert ErrorClass.CONTENT is _error_type(view, "lifestyle")
    assert (
        "4 of 5 images are ready. lifestyle failed after 3 attempts: Refused by moderation: violence. "
        "Soften the wording. Retry makes only what failed again."
    ) == view.message


def _error_type(view: SessionView, key: str) -> ErrorClass | None:
    error = next(item for item in view.items if item.key == key).error
    return error.type if error else None
