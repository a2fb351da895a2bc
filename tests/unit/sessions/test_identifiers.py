"""Ids and keys, and what reads them back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.identifiers import (
    activity_id,
    artifact_key,
    is_item_key,
    is_session_id,
    item_of_activity,
    new_session_id,
    round_of_activity,
    session_id_for,
    session_prefix,
)

ITEM_KEYS = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,63}", fullmatch=True)


def test_a_new_session_id_is_one_and_differs_from_the_last() -> None:
    """Two sessions never share an id."""
    first, second = new_session_id(), new_session_id()
    assert is_session_id(first)
    assert is_session_id(second)
    assert first != second


@given(st.text(st.characters(codec="utf-8")))
def test_a_key_of_a_client_leads_to_one_session_id(key: str) -> None:
    """Derived, so that every process comes to the same one, and without the client's own words in it."""
    identifier = session_id_for(key)
    assert is_session_id(identifier)
    assert len(key) < 8 or key not in identifier


def test_tenants_do_not_meet_in_one_session() -> None:
    """The same key of two tenants means two sessions, and a tenant's name cannot pass for part of a key."""
    assert session_id_for("k") == session_id_for("k", tenant="default")
    assert session_id_for("k", tenant="a") != session_id_for("k", tenant="b")
    assert session_id_for("bk", tenant="a") != session_id_for("k", tenant="ab")


@pytest.mark.parametrize("text", ["", "ses-", "ses-ABCDEFGHIJKLMNOP", "ses-aaaa", "ses-aaaaaaaaaaaaaaaa\n", "../x"])
def test_other_texts_are_no_session_ids(text: str) -> None:
    """What is none is not looked up."""
    assert not is_session_id(text)


@pytest.mark.parametrize("text", ["", "-a", "_a", "A", "a b", "a/b", "..", "a#1", "é", "a\n", "a" * 65])
def test_what_is_unsafe_in_a_path_is_no_item_key(text: str) -> None:
    """Keys become parts of addresses and of file names."""
    assert not is_item_key(text)


@given(item=ITEM_KEYS, round_number=st.integers(min_value=1, max_value=1000))
def test_an_activity_names_its_item_and_round(item: str, round_number: int) -> None:
    """What is put into an activity's id can be read back from it."""
    assert is_item_key(item)
    identifier = activity_id(item, round_number=round_number)
    assert item == item_of_activity(identifier)
    assert round_number == round_of_activity(identifier)


@pytest.mark.parametrize("identifier", ["", "main", "main#0", "main#x", "#1", "1", "record-session", "main#1#2"])
def test_other_activities_make_no_item(identifier: str) -> None:
    """The one that records a session is not mistaken for one that makes an item."""
    assert item_of_activity(identifier) is None
    with pytest.raises(ValueError, match="makes no item"):
        round_of_activity(identifier)


def test_every_attempt_has_its_own_place() -> None:
    """Deterministic, below the session's prefix, and in order up to three digits."""
    keys = [artifact_key("ses-a", item="main", attempt=attempt) for attempt in (2, 10, 100)]
    assert sorted(keys) == keys
    assert all(key.startswith(session_prefix("ses-a")) for key in keys)
    assert not keys[0].startswith(session_prefix("ses-"))
