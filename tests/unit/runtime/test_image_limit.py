from datetime import timedelta

import pytest

from runtime.image_limit import ImageLimit
from tests.support.eventually import eventually


async def test_while_nobody_can_tell_images_count_as_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that cannot ask starts no images past a limit it does not know of, nor forgets the one it knows of."""
    monkeypatch.setattr("runtime.image_limit.INTERVAL", timedelta(milliseconds=1))
    answers: list[bool | None] = [None, None, False, None, True, None]
    heard: list[bool] = []

    async def is_changed() -> bool | None:
        heard.append(limit.holds)
        return answers[len(heard) - 1] if len(heard) <= len(answers) else None

    limit = ImageLimit(is_set=False, is_changed=is_changed)
    async with limit:
        await eventually(lambda: len(heard) > len(answers))

    assert [True, True, True, False, False, True, True] == heard[: len(answers) + 1]


async def test_a_limit_that_is_set_is_not_asked_for() -> None:
    """A worker with the setting limits whatever the server says of it."""

    async def is_changed() -> bool | None:
        raise AssertionError("there is nothing to ask")

    async with ImageLimit(is_set=True, is_changed=is_changed) as limit:
        assert limit.holds
