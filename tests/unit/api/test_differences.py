"""The difference of two prompts: nothing lost, nothing made up, and found in time."""

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.web.differences import Kind, Piece, condensed, differences


def rebuilt(before: str, after: str) -> tuple[str, str]:
    """Return both texts as they are put together again from their difference."""
    pieces = differences(before, after)
    return (
        "".join(piece.text for piece in pieces if piece.kind is not Kind.ADDED),
        "".join(piece.text for piece in pieces if piece.kind is not Kind.REMOVED),
    )


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("A red bottle.", "A blue bottle.", "same:A |removed:red |added:blue |same:bottle."),
        ("One\nTwo.", "One\nNote: x\nTwo.", "same:One\n|added:Note: x\n|same:Two."),
        ("The end.", "The end.\n[VARIATION: a]", "same:The end.|added:\n[VARIATION: a]"),
        ("same", "same", "same:same"),
        ("", "new", "added:new"),
        ("", "", ""),
    ],
)
def test_words_are_what_is_compared(before: str, after: str, expected: str) -> None:
    """Whole words, with the blanks after them; line ends for themselves."""
    found = differences(before, after)
    assert expected == "|".join(f"{piece.kind}:{piece.text}" for piece in found)


@given(st.text(alphabet="ab .\n", max_size=60), st.text(alphabet="ab .\n", max_size=60))
def test_both_texts_are_found_in_their_difference(before: str, after: str) -> None:
    """Letter for letter, and no two pieces in a row are of one kind."""
    assert (before, after) == rebuilt(before, after)
    kinds = [piece.kind for piece in differences(before, after)]
    assert all(one is not other for one, other in pairwise(kinds))


def test_most_of_what_is_the_same_is_left_out() -> None:
    """Two lines stay around each change, and how many are not shown is said."""
    lines = [f"line {number}\n" for number in range(10)]
    before = "".join(lines)
    after = "".join([*lines[:8], "new\n", *lines[8:]])
    assert [
        Piece(kind=Kind.LEFT_OUT, text="6"),
        Piece(kind=Kind.SAME, text="line 6\nline 7\n"),
        Piece(kind=Kind.ADDED, text="new\n"),
        Piece(kind=Kind.SAME, text="line 8\nline 9\n"),
    ] == condensed(differences(before, after))
    same = differences(before, before)
    assert same == condensed(same), "without a change everything is shown"


@pytest.mark.parametrize("word", ["a ", "a\n", "word and word "])
def test_long_texts_of_few_words_are_compared_in_time(word: str) -> None:
    """The square of 30,000 equal words would take minutes: such a block counts as replaced."""
    before, after = word * 30_000, "x" + word * 29_999
    began = time.monotonic()
    assert (before, after) == rebuilt(before, after)
    assert time.monotonic() - began < 5
