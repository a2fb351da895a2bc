"""A failure crosses the wire and comes back whole."""

from datetime import UTC, datetime

import pytest
from temporalio.api.failure.v1 import Failure
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ActivityError, ApplicationError, RetryState

from activities.failures import FailureDetail, failure_of
from sessions.attempts import RoundReport
from sessions.errors import AttemptError, ErrorClass
from sessions.items import ItemState
from sessions.money import Spending, Usage
from tests.support.scripted import broken, forbidden, refused, throttled, unanswered, unpaid
from tests.unit.activities.desk import running_entry
from workflows.failures import item_failure

REPORT = RoundReport(
    attempts_used=2,
    spending=Spending(usage=Usage(input_tokens=3, output_tokens=4), spent_microdollars=5, uncertain_microdollars=6),
    unrecorded=(running_entry(1),),
)
FAILURES = [throttled(), unpaid(), broken(), unanswered(), refused(), forbidden()]


async def _over_the_wire(error: ApplicationError) -> ApplicationError:
    failure = Failure()
    await pydantic_data_converter.encode_failure(error, failure)
    sent = Failure.FromString(failure.SerializeToString())
    received = await pydantic_data_converter.decode_failure(sent)
    assert isinstance(received, ApplicationError)
    return received


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: error.error_class.value)
async def test_class_words_and_report_survive_the_wire(error: AttemptError) -> None:
    """What the workflow reads of a failed attempt is what the attempt has said."""
    received = await _over_the_wire(failure_of(error, report=REPORT))
    activity_error = ActivityError(
        "activity task failed",
        scheduled_event_id=1,
        started_event_id=2,
        identity="",
        activity_type="generate_image",
        activity_id="lifestyle#1",
        retry_state=RetryState.MAXIMUM_ATTEMPTS_REACHED,
    )
    activity_error.__cause__ = received
    failure = item_failure(
        activity_error,
        item=ItemState(key="lifestyle", label="Lifestyle", max_attempts=3),
        model="gpt-image-2",
        worst_case_microdollars=7,
        noticed_at=datetime(2026, 11, 21, tzinfo=UTC),
    )

    assert error.error_class.value == received.type
    assert error.error_class.is_retried is not received.non_retryable
    assert error.as_item_error() == failure.error
    assert REPORT == failure.report


def test_every_class_of_failure_is_covered() -> None:
    """A new class of failure has to be added here as well."""
    assert set(ErrorClass) == {error.error_class for error in FAILURES}


def test_a_failure_has_one_detail() -> None:
    """Whoever reads a failure, in any language, finds all of it in the first detail."""
    (detail,) = failure_of(broken(), report=REPORT).details
    assert FailureDetail(error=broken().as_item_error(), report=REPORT) == detail
