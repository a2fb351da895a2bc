"""What the log tells of attempts: enough to find and understand each one, and never a prompt."""

import dataclasses
import hashlib
import logging
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.exceptions import ApplicationError

from activities.queueing import WAITED_FOR_A_PLACE
from sessions.errors import ErrorClass
from sessions.images import ImageSessionRequest, Product
from sessions.variations import VARIATIONS
from tests.support.scripted import broken, refused, throttled
from tests.unit.activities.desk import LIFESTYLE, SESSION, Desk, image_task

SECRET_IDEA = "an unreleased bottle that nobody may read of"


@pytest.fixture(autouse=True)
def _everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


def _failed(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [vars(record) for record in caplog.records if record.message == "an attempt failed"]


async def test_each_failed_attempt_is_logged_with_what_identifies_and_explains_it(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """Session, item, class, message, attempt, retry count, variation and the prompt's hash: one line a failure."""
    desk.provider.script("Lifestyle", refused())
    with pytest.raises(ApplicationError):
        await desk.run(image_task(attempts_before_round=3, round_number=2))
    prompt = desk.provider.calls["Lifestyle"][0].prompt

    (line,) = _failed(caplog)
    expected = {
        "session_id": SESSION,
        "item": "lifestyle",
        "error_class": ErrorClass.CONTENT,
        "error": "Refused by moderation: violence.",
        "attempt": 4,
        "retry_count": 3,
        "round": 2,
        "variation": VARIATIONS[2],
        "prompt_sha256": hashlib.sha256(prompt.encode()).hexdigest(),
        "request_id": None,
    }
    assert expected == {key: line[key] for key in expected}
    assert logging.WARNING == line["levelno"]


async def test_the_prompts_hash_is_that_of_the_prompt_as_sent(desk: Desk) -> None:
    """Who has the prompt can tell which ledger entry it belongs to, the variation included."""
    desk.provider.script("Lifestyle", broken())
    with pytest.raises(ApplicationError):
        await desk.run(image_task())
    await desk.run(image_task(), environment=desk.environment(attempt=2, told=desk.heartbeats[-1]))

    hashes = [hashlib.sha256(call.prompt.encode()).hexdigest() for call in desk.provider.calls["Lifestyle"]]
    assert hashes == [entry.prompt_sha256 for entry in desk.entries]
    assert 2 == len(set(hashes))


async def test_an_interrupted_attempt_is_logged_as_failed(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """An attempt whose worker died could not log its end; the next one does it for it."""
    await desk.run(image_task(), environment=desk.environment(attempt=2))

    (line,) = _failed(caplog)
    assert (1, 0, ErrorClass.UNCERTAIN, None) == (
        line["attempt"],
        line["retry_count"],
        line["error_class"],
        line["variation"],
    )


async def test_a_fault_of_our_own_is_logged_with_its_traceback(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """What nobody expected can be looked into: the log has the whole story, the item only a short one."""
    desk.provider.script("Lifestyle", ZeroDivisionError("division by zero"))
    with pytest.raises(ApplicationError) as failure:
        await desk.run(image_task())

    (line,) = [vars(record) for record in caplog.records if record.exc_info]
    assert (SESSION, "lifestyle", 1) == (line["session_id"], line["item"], line["attempt"])
    assert "ZeroDivisionError" in caplog.text
    assert "division by zero" not in failure.value.message


async def test_no_log_line_holds_a_prompt(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever goes wrong, and at every level: neither the title, nor a note, nor any line of the prompt is logged."""
    request = ImageSessionRequest(product=Product(title=SECRET_IDEA), images=(LIFESTYLE,), note=SECRET_IDEA)
    desk.records.is_down = True
    desk.provider.script("Lifestyle", throttled(), refused(), ZeroDivisionError(), broken())
    for attempt in (1, 2, 3):
        with pytest.raises(ApplicationError):
            await desk.run(image_task(request=request), environment=desk.environment(attempt=attempt))

    logged = "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    assert 4 <= len(caplog.records)
    assert SECRET_IDEA not in logged
    assert "[VARIATION:" not in logged


@pytest.mark.parametrize(("seconds", "lines"), [(12.0, 1), (1.0, 0)], ids=["long", "hardly"])
async def test_a_long_wait_for_a_place_is_told(
    desk: Desk, caplog: pytest.LogCaptureFixture, seconds: float, lines: int
) -> None:
    """Who wonders why nothing happens learns that the workers have more to do than places."""
    environment = desk.environment()
    handed_out_at = datetime.now(UTC) - timedelta(seconds=seconds)
    environment.info = dataclasses.replace(environment.info, current_attempt_scheduled_time=handed_out_at)
    await desk.run(image_task(), environment=environment)

    told = [vars(record) for record in caplog.records if record.message == WAITED_FOR_A_PLACE]
    assert lines == len(told)
    for line in told:
        assert (SESSION, "lifestyle") == (line["session_id"], line["item"])
        assert line["waited_seconds"] == pytest.approx(seconds, abs=5)
