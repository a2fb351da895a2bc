"""The waits between attempts, read from the server's own history."""

import logging
from datetime import timedelta

import pytest

from activities.queueing import WAITED_FOR_A_PLACE
from sessions.images import ImageSessionRequest, Product
from tests.support.history import item_runs
from tests.support.scripted import broken
from tests.support.workflow_environment import Studio, image_input

pytestmark = pytest.mark.asyncio(loop_scope="session")

# What the attempts themselves and the way through the task queue may add.
_ALLOWED = timedelta(milliseconds=700)


def _is_about(expected: timedelta, actual: timedelta) -> bool:
    return expected <= actual <= expected + _ALLOWED


async def test_the_waits_are_one_and_two_seconds_on_the_real_server(real_studio: Studio) -> None:
    """The second attempt begins 1 s after the first has failed, the third another 2 s after the second."""
    real_studio.provider.script("Main image", broken())
    real_studio.provider.script("Lifestyle", broken(), broken())
    session = await real_studio.start()
    await session.result()
    runs = item_runs(await session.history())

    assert (2, 3) == (runs["main"].attempt, runs["lifestyle"].attempt)
    assert _is_about(timedelta(seconds=1), runs["main"].began_after)
    assert _is_about(timedelta(seconds=1 + 2), runs["lifestyle"].began_after)


async def test_the_pause_between_two_attempts_is_no_wait_for_a_place(
    real_studio: Studio, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With places free nobody is told that an attempt had to wait for one."""
    caplog.set_level(logging.INFO)
    monkeypatch.setattr("activities.queueing.LONG_WAIT", _ALLOWED)
    real_studio.provider.script("Main image", broken())
    session = await real_studio.start()
    await session.result()

    assert 2 == item_runs(await session.history())["main"].attempt
    assert WAITED_FOR_A_PLACE not in [record.message for record in caplog.records]


async def test_later_waits_are_four_and_eight_seconds_and_never_longer(studio: Studio) -> None:
    """With more attempts the waits double up to 8 s: 1, 2, 4, 8, 8."""
    labels = {
        "main": "Main image",
        "infographic_1": "Infographic 1",
        "lifestyle": "Lifestyle",
        "comparison": "Comparison",
    }
    failures = {"main": 2, "infographic_1": 3, "lifestyle": 4, "comparison": 5}
    for key, count in failures.items():
        studio.provider.script(labels[key], *[broken() for _ in range(count)])
    request = ImageSessionRequest(product=Product(title="Steel bottle"), max_attempts=6)
    session = await studio.start(image_input(request))
    await session.result()
    runs = item_runs(await session.history())

    for key, seconds in {"main": 1 + 2, "infographic_1": 1 + 2 + 4, "lifestyle": 15, "comparison": 23}.items():
        assert failures[key] + 1 == runs[key].attempt
        assert _is_about(timedelta(seconds=seconds), runs[key].began_after), key


@pytest.mark.parametrize("max_attempts", [1, 5])
async def test_an_item_gets_as_many_attempts_as_were_asked_for(studio: Studio, max_attempts: int) -> None:
    """Neither fewer nor more calls than allowed, and no wait after the last one."""
    studio.provider.script("Lifestyle", *[broken() for _ in range(10)])
    request = ImageSessionRequest(product=Product(title="Steel bottle"), max_attempts=max_attempts)
    session = await studio.start(image_input(request))
    view = await session.settled()

    assert max_attempts == studio.provider.count("Lifestyle")
    assert max_attempts == next(item.attempt for item in view.items if item.key == "lifestyle")
