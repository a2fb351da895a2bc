"""How many words are spoken, how long that takes, and whether a title is among them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.story_opening import holds_title
from sessions.story_words import count_words, seconds_for


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        ("The sea is calm.", 4),
        ("It's a well-known keeper's tale", 5),
        ("Wait—what… and/or -- no", 5),
        ("3,000 lamps at 12:30", 4),
        (" — … ! 🙂 ", 0),
        ("हिन्दी में कहानी", 3),
        ("등대지기와 여우", 2),
        ("海上有一盏灯", 3),
        ("灯台守のアダは三年ぶりに", 6),
        ("ผู้เฝ้าประภาคาร", 4),
        ("Ada说: 你好", 3),
    ],
)
def test_words_are_counted_as_they_are_spoken(text: str, words: int) -> None:
    """Between spaces, dashes and ellipses; in scripts without spaces by their characters."""
    assert words == count_words(text)


@given(st.lists(st.sampled_from(["sea", "well-known", "it's", "12"]), max_size=40))
def test_every_spaced_word_counts_once(words: list[str]) -> None:
    """Whatever white space stands between them."""
    assert len(words) == count_words(" \n".join(words))


@pytest.mark.parametrize(("words", "seconds"), [(0, 8), (20, 8), (21, 9), (25, 10)])
def test_a_segment_lasts_until_its_words_are_said(words: int, seconds: int) -> None:
    """8 seconds, or longer at 150 words a minute, rounded up."""
    assert seconds == seconds_for(words)


@pytest.mark.parametrize(
    ("text", "title", "holds"),
    [
        ("THE LAST LAMP. A rock.", "The Last Lamp", True),
        ("Title card: “The last, lamp”", "The Last Lamp", True),
        ("Its dawn", "It's Dawn", True),
        ("The last lampshade", "The Last Lamp", False),
        ("good morning", "Go", False),
        ("A rock", "The Last Lamp", False),
        ("出现最后的灯的画面", "最后的灯", True),
        ("What ?! now", "?!", True),
        ("What now", "?!", False),
    ],
)
def test_a_title_is_found_however_it_is_set(text: str, title: str, *, holds: bool) -> None:
    """Case and punctuation do not matter; whole words do."""
    assert holds is holds_title(text, title=title)
