"""The items of a session: found by key, counted without being looked through, and never out of step with the counts."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from sessions.items import Items, ItemState
from sessions.statuses import ItemStatus, session_status

statuses = st.sampled_from(ItemStatus)
many_items = st.lists(st.tuples(st.integers(0, 3), statuses), min_size=1, max_size=12).map(
    lambda drawn: Items(
        ItemState(key=f"item-{number}", label="Item", stage=stage, status=status)
        for number, (stage, status) in enumerate(drawn)
    )
)


@given(items=many_items, changes=st.lists(st.tuples(st.integers(0, 11), statuses), max_size=8))
def test_the_counts_agree_with_the_items_after_any_changes(items: Items, changes: list[tuple[int, ItemStatus]]) -> None:
    """Status, counts and open stage are what looking through all items would give."""
    for number, status in changes:
        key = f"item-{number % len(items)}"
        items = items.changed(items.of(key).model_copy(update={"status": status}))

    counted = Counter(item.status for item in items)
    assert {status: counted[status] for status in ItemStatus} == items.counts
    assert session_status(counted) is items.status
    unfinished = [item.stage for item in items if item.status is not ItemStatus.COMPLETE]
    assert min(unfinished, default=None) == items.open_stage
    assert all({item.status for item in items if item.stage == stage} == items.statuses_of(stage) for stage in range(4))
    assert tuple(item for item in items if item.status is ItemStatus.FAILED) == items.with_status(ItemStatus.FAILED)


@given(items=many_items)
def test_items_survive_the_wire_in_their_order(items: Items) -> None:
    """They are written as a list and read back equal."""
    adapter = TypeAdapter(Items)

    written = adapter.dump_json(items)

    assert written.startswith(b"[{")
    assert items == adapter.validate_json(written)
    assert items == adapter.validate_python(adapter.dump_python(items))


def test_a_change_leaves_the_items_it_came_from_alone() -> None:
    """States are kept, compared and replayed: none may change under a reader."""
    before = Items([ItemState(key="main", label="Main image"), ItemState(key="lifestyle", label="Lifestyle")])

    after = before.changed(before.of("main").model_copy(update={"status": ItemStatus.COMPLETE}))

    assert ItemStatus.PENDING is before.of("main").status
    assert ["main", "lifestyle"] == [item.key for item in after]
    assert before != after


def test_two_items_of_one_key_are_refused() -> None:
    """What a key names is never in doubt."""
    item = ItemState(key="main", label="Main image")

    with pytest.raises(ValueError, match="the same key"):
        Items([item, item])
