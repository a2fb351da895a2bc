"""The status of a session follows from those of its items, and from nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.statuses import ItemStatus, SessionStatus, session_status

PENDING, PROCESSING = ItemStatus.PENDING, ItemStatus.PROCESSING
COMPLETE, FAILED, CANCELLED = ItemStatus.COMPLETE, ItemStatus.FAILED, ItemStatus.CANCELLED


@pytest.mark.parametrize(
    ("items", "status"),
    [
        ([PENDING, PENDING], SessionStatus.PENDING),
        ([PENDING, PROCESSING], SessionStatus.PROCESSING),
        ([PENDING, COMPLETE], SessionStatus.PROCESSING),
        ([PENDING, FAILED], SessionStatus.PROCESSING),
        ([COMPLETE] * 5, SessionStatus.COMPLETE),
        ([COMPLETE] * 4 + [FAILED], SessionStatus.PARTIAL),
        ([COMPLETE] + [FAILED] * 4, SessionStatus.PARTIAL),
        ([FAILED] * 5, SessionStatus.FAILED),
        ([CANCELLED] * 2, SessionStatus.CANCELLED),
        ([COMPLETE, CANCELLED], SessionStatus.CANCELLED),
        ([FAILED, COMPLETE, CANCELLED], SessionStatus.CANCELLED),
    ],
)
def test_the_status_of_a_session(items: list[ItemStatus], status: SessionStatus) -> None:
    """All complete, some, none, stopped: each has its own word."""
    assert status == session_status(items)


@given(st.lists(st.sampled_from(ItemStatus), min_size=1, max_size=12))
def test_a_session_is_settled_exactly_when_all_its_items_are(items: list[ItemStatus]) -> None:
    """A session is never partial, failed or complete while an item is pending or processing."""
    assert all(item.is_settled for item in items) == session_status(items).is_settled


@given(st.lists(st.sampled_from(ItemStatus), min_size=1, max_size=12))
def test_the_order_of_items_makes_no_difference(items: list[ItemStatus]) -> None:
    """The status counts, it does not read."""
    assert session_status(items) == session_status(reversed(items))
