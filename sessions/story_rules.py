"""What makes a story's documents valid: rules over finished ones, whoever wrote them.

Each rule that is broken gives a sentence with the place, for people and models alike, which quotes a few characters
of the text at most.
"""

from collections.abc import Iterator, Sequence

from sessions.scripts import MAX_WORDS, PartOutline, Segment, SetOutline, StoryMetadata, StorySet
from sessions.stories import StoryPlan
from sessions.story_answers import is_blank, is_storable, quoted
from sessions.story_limits import (
    HASHTAGS,
    MAX_BEATS,
    MAX_ID_CHARACTERS,
    MAX_LINE_CHARACTERS,
    MAX_NAME_CHARACTERS,
    MAX_OUTLINED_CHARACTERS,
    MAX_SPOKEN_CHARACTERS,
    MAX_SUMMARY_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    MAX_TITLE_CHARACTERS,
)
from sessions.story_opening import holds_title
from sessions.story_words import count_words

_DIRECTIONS = ("camera", "background_definition", "music", "sound_effects", "mood")
_TRAITS = ("physical_appearance", "clothing", "personality", "role", "voice")


def metadata_problems(metadata: StoryMetadata, *, roster_limits: tuple[int, int]) -> Iterator[str]:
    """Yield what is wrong with what is the same in every set.

    Args:
        metadata: what to judge. How many segments and sets there are is not judged here.
        roster_limits: how many characters there may be, at least and at most.
    """
    if is_blank(metadata.title):
        yield "The outline has no title"
    elif len(metadata.title.splitlines()) > 1 or not is_storable(metadata.title):
        yield "The title is not one line"
    elif len(metadata.title) > MAX_TITLE_CHARACTERS:
        yield f"The title has {len(metadata.title)} characters; {MAX_TITLE_CHARACTERS} are the most"
    for name in ("short_summary", "description", "narrator_voice"):
        yield from _text_problems("The outline", name=name, text=getattr(metadata, name), most=MAX_TEXT_CHARACTERS)
    least, most = HASHTAGS
    if not least <= len(metadata.hashtags) <= most:
        yield f"The outline has {len(metadata.hashtags)} different hashtags instead of {least} to {most}"
    yield from _roster_problems(metadata, limits=roster_limits)


def _roster_problems(metadata: StoryMetadata, *, limits: tuple[int, int]) -> Iterator[str]:
    least, most = limits
    roster = metadata.characters_roster
    if not least <= len(roster) <= most:
        yield f"The outline has {len(roster)} characters instead of {least} to {most}"
    for field, values in (
        ("id", [character.id for character in roster]),
        ("name", [character.name.casefold() for character in roster]),
    ):
        if len(set(values)) < len(values):
            yield f"Several characters share the same {field}"
    for position, character in enumerate(roster, start=1):
        place = f"Character {position}"
        yield from _text_problems(place, name="id", text=character.id, most=MAX_ID_CHARACTERS)
        yield from _text_problems(place, name="name", text=character.name, most=MAX_NAME_CHARACTERS)
        for name in _TRAITS:
            yield from _text_problems(place, name=name, text=getattr(character, name), most=MAX_TEXT_CHARACTERS)
        yield from _text_problems(
            place, name="description", text=character.description or "", most=MAX_TEXT_CHARACTERS, may_be_blank=True
        )


def outlined_sets_problems(sets: Sequence[SetOutline], *, numbers: range, whole: str) -> Iterator[str]:
    """Yield what is wrong with the outlines of sets.

    Args:
        sets: what to judge.
        numbers: the sets that should be there, in this order.
        whole: what they are the sets of, as a sentence about it begins ("The outline").
    """
    if len(sets) != len(numbers):
        yield f"{whole} has {_counted(len(sets), 'set')} instead of {len(numbers)}"
    elif [outline.set_number for outline in sets] != list(numbers):
        yield f"The sets of {whole[0].lower()}{whole[1:]} are not numbered {_span(numbers)} in order"
    for outline in sets:
        yield from _outlined_set_problems(outline)


def _outlined_set_problems(outline: SetOutline) -> Iterator[str]:
    place = f"Set {outline.set_number}"
    if not outline.beats:
        yield f"{place} has no beats"
    if len(outline.beats) > MAX_BEATS:
        yield f"{place} has {len(outline.beats)} beats; {MAX_BEATS} are the most"
    for number, beat in enumerate(outline.beats, start=1):
        yield from _text_problems(place, name=f"beat {number}", text=beat, most=MAX_LINE_CHARACTERS)
    for name in ("begins", "ends"):
        yield from _text_problems(place, name=name, text=getattr(outline, name), most=MAX_LINE_CHARACTERS)
    if sum(map(len, (*outline.beats, outline.begins, outline.ends))) > MAX_OUTLINED_CHARACTERS:
        yield f"{place} is outlined in more than {MAX_OUTLINED_CHARACTERS:,} characters"


def parts_problems(parts: Sequence[PartOutline], *, written: int, plan: StoryPlan) -> Iterator[str]:
    """Yield what is wrong with the parts of a long story's outline, of which ``written`` were written."""
    if written != plan.total_parts:
        yield f"The outline has {_counted(written, 'part')} instead of {plan.total_parts}"
    for part in parts:
        place = f"Part {part.part_number}"
        yield from _text_problems(place, name="summary", text=part.summary, most=MAX_SUMMARY_CHARACTERS)
        for name in ("begins", "ends"):
            yield from _text_problems(place, name=name, text=getattr(part, name), most=MAX_LINE_CHARACTERS)


def written_set_problems(story_set: StorySet, *, metadata: StoryMetadata, plan: StoryPlan) -> Iterator[str]:
    """Yield what is wrong with a finished set, within the story that it belongs to.

    What is computed of it (words, seconds) is not judged: how words are counted may change, and a set that was
    finished before stays as it is.
    """
    place = f"Set {story_set.set_number}"
    if story_set.set_number > plan.total_sets:
        yield f"{place} is none of the story's {_counted(plan.total_sets, 'set')}"
        return
    if story_set.title != metadata.title:
        yield f"{place} has another title than the story"
    if story_set.total_sets != plan.total_sets:
        yield f"{place} counts {_counted(story_set.total_sets, 'set')} in the story instead of {plan.total_sets}"
    expected = plan.segments_of(story_set.set_number)
    if (story_set.first_segment, story_set.last_segment) != (expected[0], expected[-1]):
        yield f"{place} does not say that its segments are {_span(expected)}"
    numbers = [segment.number for segment in story_set.segments]
    if len(numbers) != len(expected):
        yield f"{place} has {_counted(len(numbers), 'segment')} instead of {len(expected)}"
    if numbers[: len(expected)] != list(expected[: len(numbers)]):
        yield f"The segments of set {story_set.set_number} are not numbered {_span(expected)} in order"
    known = {character.id for character in metadata.characters_roster}
    for segment in story_set.segments:
        yield from _segment_problems(segment, known=known)
    if story_set.set_number == 1 and story_set.segments and not _opens_with(story_set.segments[0], metadata.title):
        yield "Segment 1 does not open with the title"
    yield from _ending_problems(story_set, is_last=story_set.set_number == plan.total_sets)


def _segment_problems(segment: Segment, *, known: set[str]) -> Iterator[str]:
    place = f"Segment {segment.number}"
    narration = segment.narration or ""
    lines = [line for line in segment.dialogue if not is_blank(line.line)]
    spoken = [narration, *(line.line for line in lines)]
    yield from _kind_problems(segment, has_narration=not is_blank(narration), has_dialogue=bool(lines))
    if (words := sum(map(count_words, spoken))) > MAX_WORDS:
        yield f"{place} has {words} spoken words; {MAX_WORDS} are the most"
    elif sum(map(len, spoken)) > MAX_SPOKEN_CHARACTERS:
        yield f"{place} has more than {MAX_SPOKEN_CHARACTERS} spoken characters"
    if not all(map(is_storable, spoken)):
        yield f"{place} holds control characters"
    named = dict.fromkeys((*(line.character_id for line in segment.dialogue), *segment.characters_present))
    unknown = [character for character in named if character not in known]
    if unknown:
        more = f" and {len(unknown) - 2} more" if len(unknown) > 2 else ""
        yield f"{place} names characters who are not in the roster: {', '.join(map(quoted, unknown[:2]))}{more}"
    yield from _text_problems(place, name="scene", text=segment.scene, most=MAX_TEXT_CHARACTERS)
    for name in _DIRECTIONS:
        text = getattr(segment, name)
        yield from _text_problems(place, name=name, text=text, most=MAX_LINE_CHARACTERS, may_be_blank=True)


def _kind_problems(segment: Segment, *, has_narration: bool, has_dialogue: bool) -> Iterator[str]:
    place = f"Segment {segment.number}"
    if has_narration and has_dialogue:
        yield f"{place} has both narration and dialogue"
    elif not has_narration and not has_dialogue:
        yield f"{place} has neither narration nor dialogue"
    elif has_narration != (segment.content_type == "narration"):
        yield f"{place} is called {segment.content_type} and holds the other"


def _ending_problems(story_set: StorySet, *, is_last: bool) -> Iterator[str]:
    segments = story_set.segments
    if is_last and segments and segments[-1].transition != "end":
        yield f"Segment {segments[-1].number} closes the story, and its transition is not end"
    for segment in segments[:-1] if is_last else segments:
        if segment.transition == "end":
            yield f"Segment {segment.number} has the transition end, and the story goes on"


def _opens_with(segment: Segment, title: str) -> bool:
    first_line = segment.dialogue[0].line if segment.dialogue else ""
    return any(holds_title(text, title=title) for text in (segment.scene, segment.narration or "", first_line))


def _text_problems(place: str, *, name: str, text: str, most: int, may_be_blank: bool = False) -> Iterator[str]:
    label = name.replace("_", " ")
    if is_blank(text):
        if not may_be_blank:
            yield f"{place} leaves {label} blank"
    elif len(text) > most:
        yield f"{place} has a {label} of {len(text):,} characters; {most:,} are the most"
    elif not is_storable(text):
        yield f"{place} holds control characters in its {label}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _span(numbers: range) -> str:
    return f"{numbers[0]}" if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"
