from datetime import UTC, datetime

import pytest

from sessions.items import new_items
from sessions.priorities import BULK_PRIORITY, MOST_NORMAL_ITEMS, NORMAL_PRIORITY, RETRY_PRIORITY, session_priority
from sessions.rates import burst_of
from sessions.state import SessionState
from sessions.statuses import SessionKind


@pytest.mark.parametrize(("limit", "burst"), [(60, 2), (30, 2), (0.5, 2), (90, 3), (600, 11)])
def test_a_limits_burst_is_one_seconds_starts_and_one(limit: float, burst: int) -> None:
    """A second's starts are saved up while nothing waits, and one is always under way."""
    assert burst == burst_of(limit)


@pytest.mark.parametrize(
    ("items", "round_number", "expected"),
    [
        (1, 1, NORMAL_PRIORITY),
        (MOST_NORMAL_ITEMS, 1, NORMAL_PRIORITY),
        (MOST_NORMAL_ITEMS + 1, 1, BULK_PRIORITY),
        (MOST_NORMAL_ITEMS + 1, 2, RETRY_PRIORITY),
    ],
)
def test_a_retry_goes_first_and_bulk_work_last(items: int, round_number: int, expected: int) -> None:
    """A session of more items than are made at a time waits for smaller ones, unless a person asked again."""
    now = datetime(2026, 11, 21, tzinfo=UTC)
    state = SessionState(
        id="s",
        kind=SessionKind.IMAGES,
        tenant="default",
        title="x",
        items=new_items([(f"image-{n}", "x") for n in range(items)], max_attempts=3),
        round=round_number,
        created_at=now,
        updated_at=now,
    )

    assert expected == session_priority(state)
