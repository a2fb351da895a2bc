"""How long a story becomes when nobody says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.story_length import segments_for


@pytest.mark.parametrize(
    ("idea", "segments"),
    [
        ("A fox, in 60 segments", 60),
        ("a 12-part story", 12),
        ("A SAGA IN 7 EPISODES", 7),
        ("1,000 chapters of one life", 1000),
        ("short movie in 1 chapter", 1),
        ("3 parts, then 9 segments", 3),
    ],
)
def test_a_count_in_the_idea_is_taken_before_anything_else(idea: str, segments: int) -> None:
    """ "N segments/parts/episodes/chapters" says how long the story is, from 1 to 10,000."""
    assert segments == segments_for(idea)


@pytest.mark.parametrize("idea", ["0 segments", "20000 segments please", f"{'9' * 200} parts"])
def test_a_count_that_no_story_can_have_says_nothing(idea: str) -> None:
    """Nobody pays for the longest story there is because of a figure of speech."""
    assert 30 == segments_for(idea)


@pytest.mark.parametrize("idea", ["Catch 22, partly", "2.5 parts wine", "Episode 5", "60 segmented worms", "v60 parts"])
def test_other_numbers_are_no_count(idea: str) -> None:
    """A number counts only as a whole, before a whole word."""
    assert segments_for(idea) == 30


@pytest.mark.parametrize(
    ("idea", "segments"),
    [
        ("A short tale", 20),
        ("Medium length, about a fox", 50),
        ("A LONG story", 100),
        ("a movie about a fox", 150),
        ("The saga of a fox", 200),
        ("a medium-length tale", 50),
        ("a movie about a long road", 150),
        ("a short movie", 20),
        ("a long movie", 150),
        ("a long saga", 200),
    ],
)
def test_the_first_word_about_length_decides(idea: str, segments: int) -> None:
    """Of several such words the first counts; a long movie is a movie."""
    assert segments == segments_for(idea)


@pytest.mark.parametrize(
    "idea", ["Long ago a fox", "A long time after", "shortly", "a long-lost fox", "Belong", "movies"]
)
def test_words_that_only_look_like_a_length_are_passed_over(idea: str) -> None:
    """Only whole words that tell of a length count."""
    assert segments_for(idea) == 30


@pytest.mark.parametrize(("characters", "segments"), [(1, 30), (300, 30), (301, 50), (1000, 50), (1001, 100)])
def test_otherwise_the_length_of_the_idea_decides(characters: int, segments: int) -> None:
    """The more there is to tell, the longer the story."""
    assert segments == segments_for("x" * characters)


@given(st.text())
def test_every_idea_gives_a_length(idea: str) -> None:
    """There is always an answer, within the limits."""
    assert 1 <= segments_for(idea) <= 10_000


@pytest.mark.timeout(5)
@pytest.mark.parametrize("unit", ["1,", "111,", "1 ", "long ", "1-", "9"])
def test_the_longest_idea_is_read_at_once(unit: str) -> None:
    """No text makes the search slow."""
    assert 1 <= segments_for(unit * (100_000 // len(unit))) <= 10_000
