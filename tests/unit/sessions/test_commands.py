"""What a person may ask of a session, and how a refusal reads."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from sessions.commands import (
    CommandRefusedError,
    ItemNotRetryableError,
    NothingFailedError,
    RetryItem,
    RetryRequest,
)
from sessions.items import ItemState
from sessions.state import SessionState
from sessions.statuses import ItemStatus, SessionKind

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def state_of(**statuses: ItemStatus) -> SessionState:
    items = tuple(ItemState(key=key, label=key.title(), status=status) for key, status in statuses.items())
    return SessionState(
        id="ses-a", kind=SessionKind.IMAGES, tenant="default", title="T", items=items, created_at=NOW, updated_at=NOW
    )


PARTIAL = state_of(main=ItemStatus.COMPLETE, lifestyle=ItemStatus.FAILED, comparison=ItemStatus.FAILED)


def test_without_items_everything_that_failed_is_meant() -> None:
    """Retry failed means all of them, in the session's order, and nothing else."""
    assert [*RetryRequest().notes_for(PARTIAL).items()] == [("lifestyle", None), ("comparison", None)]


def test_named_items_come_with_their_notes() -> None:
    """Only what is named is made again."""
    request = RetryRequest(items=(RetryItem(key="comparison", note="softer light"),))
    assert request.notes_for(PARTIAL) == {"comparison": "softer light"}


@pytest.mark.parametrize("status", [ItemStatus.COMPLETE, ItemStatus.PROCESSING, ItemStatus.CANCELLED])
def test_where_nothing_failed_there_is_nothing_to_retry(status: ItemStatus) -> None:
    """Named or not: the refusal says how the session stands."""
    for request in (RetryRequest(), RetryRequest(items=(RetryItem(key="main"),))):
        with pytest.raises(NothingFailedError, match=str(status)):
            request.notes_for(state_of(main=status))


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        (("main",), "'main' is complete"),
        (("lifestyle", "main"), "'main' is complete"),
        (("nowhere",), "no item 'nowhere'"),
        (("lifestyle", "lifestyle"), "named twice"),
    ],
)
def test_an_item_that_cannot_be_retried_refuses_the_whole_request(keys: tuple[str, ...], reason: str) -> None:
    """Nothing is started by halves, and the refusal names the item."""
    request = RetryRequest(items=tuple(RetryItem(key=key) for key in keys))
    with pytest.raises(ItemNotRetryableError, match=reason) as caught:
        request.notes_for(PARTIAL)
    assert isinstance(caught.value, CommandRefusedError)


@pytest.mark.parametrize("status", [ItemStatus.PENDING, ItemStatus.PROCESSING])
def test_an_item_under_way_is_not_retried(status: ItemStatus) -> None:
    """A second call for an item that is being made would be paid twice."""
    state = state_of(main=status, lifestyle=ItemStatus.FAILED)
    with pytest.raises(ItemNotRetryableError, match="is being made"):
        RetryRequest(items=(RetryItem(key="main"),)).notes_for(state)


@pytest.mark.parametrize(
    "body",
    [
        {"items": []},
        {"items": [{"key": "main", "colour": "red"}]},
        {"items": [{"note": "x"}]},
        {"items": [{"key": "main", "note": " "}]},
        {"items": [{"key": "x" * 65}]},
        {"max_attempts": 0},
        {"max_attempts": 11},
        {"attempts": 3},
    ],
)
def test_a_request_that_makes_no_sense_is_refused(body: dict[str, object]) -> None:
    """Misspelt, empty or out of bounds."""
    with pytest.raises(ValidationError):
        RetryRequest.model_validate(body)
