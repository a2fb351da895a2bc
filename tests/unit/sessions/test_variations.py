"""What a later attempt adds to its prompt."""

import pytest

from sessions.variations import VARIATIONS, variation_for, varied


def test_the_first_attempt_has_no_variation() -> None:
    """The prompt goes out as it was meant before anything is varied."""
    assert variation_for(1) is None
    assert varied("A bottle", variation=None) == "A bottle"


def test_later_attempts_take_turns() -> None:
    """Attempt n takes variation (n - 2) mod 3, over the item's whole life."""
    assert [*VARIATIONS, *VARIATIONS, VARIATIONS[0]] == [variation_for(attempt) for attempt in range(2, 9)]


def test_the_variation_stands_on_a_line_of_its_own_at_the_end() -> None:
    """In the very words of the specification."""
    prompt = varied("A bottle", variation=variation_for(2))
    assert prompt == "A bottle\n[VARIATION: Emphasize clarity and simplicity]"


@pytest.mark.parametrize("attempt", [0, -1])
def test_there_is_no_attempt_before_the_first(attempt: int) -> None:
    """A count that starts at 0 is a bug, not a variation."""
    with pytest.raises(ValueError, match="numbered from 1"):
        variation_for(attempt)
