from datetime import timedelta

import pytest

from tests.support.eventually import eventually

SOON = timedelta(milliseconds=50)


async def test_the_first_true_answer_is_returned() -> None:
    """Asking goes on until something true comes back."""
    answers = iter([None, 0, "", "done"])
    assert await eventually(lambda: next(answers), interval=timedelta(0)) == "done"


async def test_a_failed_assertion_means_not_yet() -> None:
    """A probe may assert, and may be async."""
    looks = 0

    async def probe() -> bool:
        nonlocal looks
        looks += 1
        assert looks == 3
        return True

    assert await eventually(probe, interval=timedelta(0))


async def test_when_time_is_over_the_last_answer_is_told() -> None:
    """The failure tells what was asked and what was answered last."""
    with pytest.raises(AssertionError, match=r"lambda: \[\].* within 0.05 s; last: \[\]"):
        await eventually(lambda: [], timeout=SOON)


async def test_other_errors_are_raised_at_once() -> None:
    """A broken probe is not waited for."""
    with pytest.raises(ZeroDivisionError):
        await eventually(lambda: 1 // 0)
