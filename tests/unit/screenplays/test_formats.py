"""What holds for every format that a parser of its own reads back."""

import pytest
from hypothesis import HealthCheck, given, settings

from screenplays.formats import FORMATS
from sessions.scripts import Story
from tests.unit.screenplays.readers import READERS, Read, written
from tests.unit.screenplays.stories import character, lamp_story, narrated, story_of, story_set, strange_stories

every_format = pytest.mark.parametrize("name", FORMATS)
every_readable_format = pytest.mark.parametrize("name", READERS)


def document(name: str, *, story: Story) -> bytes:
    return b"".join(FORMATS[name].write(story))


def test_the_formats_are_those_of_the_contract() -> None:
    """An address ends in one of these names."""
    assert {"md", "fountain", "fdx", "pdf", "csv"} == set(FORMATS)


@every_format
def test_the_extension_is_the_name(name: str) -> None:
    """A file can be named after the format that was asked for."""
    assert name == FORMATS[name].extension


@every_readable_format
def test_a_story_is_read_back(name: str) -> None:
    """Every segment's number once and in order, and everything that is spoken, by whom."""
    story = lamp_story()
    expected, read = written(story), READERS[name](document(name, story=story))
    assert expected.numbers == read.numbers
    assert expected.said == read.said
    assert read.title in (expected.title, None)


@every_readable_format
@given(story=strange_stories())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
def test_any_text_is_read_back(name: str, story: Story) -> None:
    """No sentence is taken for a heading, a cue, markup or the end of a cell."""
    expected, read = written(story), READERS[name](document(name, story=story))
    assert Read(numbers=expected.numbers, said=expected.said, title=read.title) == read
    assert read.title in (expected.title, None)


@every_format
def test_the_same_story_gives_the_same_bytes(name: str) -> None:
    """No clock, no random identifier."""
    assert document(name, story=lamp_story()) == document(name, story=lamp_story())


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "pdf"])
def test_a_missing_set_is_named(name: str) -> None:
    """Where its segments would be stands that it is not ready."""
    text = document(name, story=lamp_story()).decode()
    assert 1 == text.count("Set 2 (segments 3–4) is not ready")
    assert text.index("The Last Lamp. Nobody") < text.index("is not ready") < text.index("Привет")


@every_format
def test_a_story_without_any_set_can_be_had(name: str) -> None:
    """From the outline on there is something to look at."""
    assert document(name, story=lamp_story().model_copy(update={"sets": ()}))


@every_format
def test_texts_may_be_empty(name: str) -> None:
    """A segment of which nothing is told still has its number."""
    nothing = {"music": "", "sound_effects": "", "mood": " ", "characters_present": ()}
    segment = narrated(1, text="", around="").model_copy(update=nothing)
    cast = [character("", name=" ", text="").model_copy(update={"role": ""})]
    story = story_of(
        [story_set(1, segments=[segment])], total_segments=1, segments_per_set=1, cast=cast, title="", text=""
    )
    made = document(name, story=story.model_copy(update={"hashtags": ()}))
    assert made
    assert name not in READERS or [1] == READERS[name](made).numbers


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "pdf"])
def test_what_no_document_can_hold_is_replaced_visibly(name: str) -> None:
    """Control characters would make XML unreadable, and surrogates have no bytes."""
    story = lamp_story()
    first = story.sets[0].segments[0].model_copy(update={"narration": "Nul\x00 bell\x07 half\ud83d end\uffff."})
    first_set = story.sets[0].model_copy(update={"segments": (first,)})
    text = document(name, story=story.model_copy(update={"sets": (first_set,)})).decode()
    assert "Nul\ufffd bell\ufffd half\ufffd end\ufffd." in text


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "pdf"])
def test_documents_come_in_pieces(name: str) -> None:
    """A long story is not put together in memory: there is a piece for each set at least."""
    assert 3 <= len(list(FORMATS[name].write(lamp_story())))
