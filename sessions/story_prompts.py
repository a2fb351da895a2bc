"""Prompts for stories: pure functions from what a person asked for, and what is settled already, to what a model reads.

One fact stands on a line, and what all calls of a story share stands first, where providers can reuse their work on
it. The idea and notes appear verbatim.
"""

from collections.abc import Iterable, Iterator, Sequence

from sessions.scripts import MAX_WORDS, SEGMENT_SECONDS, Character, GenerationInfo, Outline, SetOutline, StoryMetadata
from sessions.stories import OwnCharacter, StoryPlan, StorySessionRequest
from sessions.story_limits import BEATS_ASKED_FOR, HASHTAGS, MAX_TITLE_CHARACTERS, roster_limits
from sessions.variations import varied

_TRAITS_OF_OWN = ("physical_appearance", "clothing", "personality", "role", "voice", "id")


def outline_prompt(
    request: StorySessionRequest,
    *,
    plan: StoryPlan,
    variation: str | None = None,
    note: str | None = None,
    correction: str | None = None,
) -> str:
    """Return the whole prompt of one attempt at the outline.

    Args:
        request: what the session was started with.
        plan: how the story is divided.
        variation: the variation of this attempt, None for the first.
        note: what a person asked for when trying the outline again.
        correction: what was wrong with the outline that the attempt before wrote.
    """
    lines = [*_outline_lines(request, plan=plan), *_asked_for_now(note=note, correction=correction)]
    return varied("\n".join(lines), variation=variation)


def part_prompt(
    outline: Outline,
    *,
    plan: StoryPlan,
    part_number: int,
    variation: str | None = None,
    note: str | None = None,
    correction: str | None = None,
) -> str:
    """Return the whole prompt of one attempt at outlining the sets of one part of a long story.

    Args:
        outline: the outline of the whole, with its parts.
        plan: how the story is divided.
        part_number: which part is to be outlined, from 1.
        variation: the variation of this attempt, None for the first.
        note: what a person asked for when trying this part again.
        correction: what was wrong with what the attempt before wrote.
    """
    lines = [
        *_part_lines(outline, plan=plan, part_number=part_number),
        *_asked_for_now(note=note, correction=correction),
    ]
    return varied("\n".join(lines), variation=variation)


def set_prompt(
    metadata: StoryMetadata,
    *,
    plan: StoryPlan,
    set_number: int,
    here: SetOutline,
    previous: SetOutline | None,
    following: SetOutline | None,
    variation: str | None = None,
    note: str | None = None,
    correction: str | None = None,
) -> str:
    """Return the whole prompt of one attempt at one set.

    Args:
        metadata: what is the same in every set.
        plan: how the story is divided.
        set_number: which set is to be written, from 1.
        here: the outline of this set.
        previous: the outline of the set before, None for the first.
        following: the outline of the set after, None for the last.
        variation: the variation of this attempt, None for the first.
        note: what a person asked for when trying this set again.
        correction: what was wrong with what the attempt before wrote.
    """
    lines = [
        *_set_lines(metadata, plan=plan, set_number=set_number, here=here, previous=previous, following=following),
        *_set_rules(metadata, plan=plan, set_number=set_number),
        *_asked_for_now(note=note, correction=correction),
    ]
    return varied("\n".join(lines), variation=variation)


def _outline_lines(request: StorySessionRequest, *, plan: StoryPlan) -> Iterator[str]:
    yield "Write the outline of a story for film, as JSON."
    yield f"Language: {request.language}"
    yield f"Content rating: {request.content_rating}"
    segments = f"segments 1-{plan.total_segments}"
    sets = "1 set" if plan.total_sets == 1 else f"{plan.total_sets} sets"
    size = f"Outline of {sets} ({segments}), {plan.segments_per_set} segments in a set"
    if plan.total_parts:
        yield f"{size}, in {plan.total_parts} parts"
        yield "Parts:"
        for number in range(1, plan.total_parts + 1):
            yield f"- part {number}: sets {_span(plan.sets_of(number))}"
    else:
        yield size
    if request.characters:
        yield "Characters given:"
        yield from (f"- {_own(character)}" for character in request.characters)
    yield f"Idea: {request.idea}"
    yield from _rules(_outline_rules(request, plan=plan))


def _outline_rules(request: StorySessionRequest, *, plan: StoryPlan) -> Iterator[str]:
    least, most = roster_limits(len(request.characters))
    yield f"title: one line of at most {MAX_TITLE_CHARACTERS} characters."
    yield f"hashtags: {HASHTAGS[0]} to {HASHTAGS[1]}, each a single word and no two alike."
    yield "narrator_voice: how the narrator sounds; one voice for the whole story."
    yield (
        f"characters: {_from_to(least, most)}, each with a short lower-case id of its own. "
        "Describe looks, clothing and voice so exactly that every scene can show the same person."
    )
    if request.characters:
        yield "The characters given come first, under their own names; keep all that is said of them and add the rest."
    if plan.total_parts:
        yield f"parts: exactly {plan.total_parts}, in the order above."
        yield "For each part: summary is what happens in it; begins and ends are how things stand at its start and end."
        yield from _joints("part")
    else:
        yield from _beat_rules(plan.total_sets)
        yield from _joints("set")
        if (rest := len(plan.segments_of(plan.total_sets))) < plan.segments_per_set and plan.total_sets > 1:
            yield f"The last set has only {rest} segments: give it fewer beats."
    yield "The last one closes the story."
    yield from _tone(language=request.language, content_rating=request.content_rating)


def _part_lines(outline: Outline, *, plan: StoryPlan, part_number: int) -> Iterator[str]:
    part = outline.parts[part_number - 1]
    sets = plan.sets_of(part_number)
    yield "Write a part of the outline of a story for film, as JSON."
    yield from _shared(outline)
    yield "Characters:"
    for character in outline.characters_roster:
        yield f"- {_sentences([_named(character), character.personality])}"
    yield f"Outline part {part_number} of {plan.total_parts} (sets {_span(sets)})"
    if part_number > 1:
        yield f"Part before ends: {outline.parts[part_number - 2].ends}"
    yield f"This part begins: {part.begins}"
    yield f"What happens in it: {part.summary}"
    yield f"This part ends: {part.ends}"
    if part_number < plan.total_parts:
        yield f"Next part begins: {outline.parts[part_number].begins}"
    yield from _rules(_part_rules(outline, plan=plan, part_number=part_number))


def _part_rules(outline: Outline, *, plan: StoryPlan, part_number: int) -> Iterator[str]:
    yield from _beat_rules(len(plan.sets_of(part_number)))
    yield from _joints("set")
    yield "The first set begins as this part begins, and the last one ends as this part ends."
    if part_number > 1:
        yield "The story is under way: do not start it again."
    yield (
        "The last set closes the story."
        if part_number == plan.total_parts
        else "The story goes on after this part: do not close it."
    )
    yield from _tone_of(outline.generation_info)


def _set_lines(
    metadata: StoryMetadata,
    *,
    plan: StoryPlan,
    set_number: int,
    here: SetOutline,
    previous: SetOutline | None,
    following: SetOutline | None,
) -> Iterator[str]:
    yield "Write one set of a story for film, as JSON."
    yield from _shared(metadata)
    yield f"Narrator: {metadata.narrator_voice}"
    yield "Characters:"
    yield from (f"- {_in_full(character)}" for character in metadata.characters_roster)
    yield f"Set {set_number} of {plan.total_sets} (segments {_span(plan.segments_of(set_number))})"
    if previous:
        yield f"Previous set ends: {previous.ends}"
    yield f"This set begins: {here.begins}"
    yield "Beats:"
    yield from (f"- {beat}" for beat in here.beats)
    yield f"This set ends: {here.ends}"
    if following:
        yield f"Next set begins: {following.begins}"


def _set_rules(metadata: StoryMetadata, *, plan: StoryPlan, set_number: int) -> Iterator[str]:
    numbers = plan.segments_of(set_number)
    yield from _rules(
        (
            *_segment_rules(metadata, numbers=numbers),
            *_opening_rules(metadata, is_first=set_number == 1),
            *_closing_rules(numbers, is_last=set_number == plan.total_sets),
            *_tone_of(metadata.generation_info),
        )
    )


def _segment_rules(metadata: StoryMetadata, *, numbers: range) -> Iterator[str]:
    ids = ", ".join(character.id for character in metadata.characters_roster)
    yield (
        f"segments: exactly {len(numbers)}, numbered {_from_to(numbers[0], numbers[-1])} without a gap, "
        f"each about {SEGMENT_SECONDS} seconds of film."
    )
    yield "Either content_type is narration: narration holds what the narrator says, and dialogue is empty."
    yield "Or content_type is dialogue: dialogue holds the lines, and narration is null. Never both, never neither."
    yield (
        f"At most {MAX_WORDS} words are spoken in a segment, all its lines of dialogue together. "
        "Count them, and rather stay below 20."
    )
    yield f"In character_id and characters_present only these ids stand: {ids}. Nobody else speaks or is named there."
    yield "scene is what the camera sees, never empty. Looks and clothing stay as described above."


def _opening_rules(metadata: StoryMetadata, *, is_first: bool) -> Iterator[str]:
    if is_first:
        yield f"Open segment 1 with the title: its scene begins with “{metadata.title}”."
    else:
        yield (
            "This is not the opening: carry on in the middle of things, from where the previous set ends. "
            "No title, no greeting, no first look at a place or a person that is known already, no recap."
        )


def _closing_rules(numbers: range, *, is_last: bool) -> Iterator[str]:
    if is_last:
        yield f"Segment {numbers[-1]} closes the story: its transition is end. No other segment has that."
    else:
        yield "The story goes on after this set: leave it open, and give no segment the transition end."


def _shared(metadata: StoryMetadata) -> Iterator[str]:
    yield f"Title: {metadata.title}"
    yield f"Premise: {metadata.description}"
    yield f"Language: {metadata.generation_info.language}"
    yield f"Content rating: {metadata.generation_info.content_rating}"


def _beat_rules(sets: int) -> Iterator[str]:
    least, most = BEATS_ASKED_FOR
    yield f"sets: exactly {sets}, in the order of the story."
    yield (
        f"For each set: beats are {least} to {most} events in one sentence each; begins and ends say "
        "where everybody is and how things stand when it starts and when it stops."
    )


def _joints(what: str) -> Iterator[str]:
    yield f"Each {what} begins where the one before ends; only the first one opens the story."


def _tone_of(info: GenerationInfo) -> Iterator[str]:
    yield from _tone(language=info.language, content_rating=info.content_rating)


def _tone(*, language: str, content_rating: str) -> Iterator[str]:
    yield f"All texts are in the language {language} and fit for the rating {content_rating}."


def _rules(rules: Iterable[str]) -> Iterator[str]:
    yield "Rules:"
    yield from (f"- {rule}" for rule in rules)


def _asked_for_now(*, note: str | None, correction: str | None) -> Iterator[str]:
    if note:
        yield f"Note: {note}"
    if correction:
        yield f"Correct this: {correction}"


def _own(character: OwnCharacter) -> str:
    """Return what a person gave of a character, the name first."""
    traits = ((trait, getattr(character, trait)) for trait in _TRAITS_OF_OWN)
    given = [character.description, *(f"{_heading(trait)}: {value}" for trait, value in traits if value)]
    words = _sentences([text for text in given if text])
    return f"{character.name}: {words}" if words else character.name


def _heading(trait: str) -> str:
    return trait.replace("_", " ").capitalize()


def _named(character: Character) -> str:
    return f"{character.id}: {character.name}, {character.role}"


def _in_full(character: Character) -> str:
    texts = [
        _named(character),
        character.physical_appearance,
        character.clothing,
        character.personality,
        f"Voice: {character.voice}",
    ]
    # A person's own words come along with the traits that were made of them: they stay as they were given.
    return _sentences([*texts, f"Described as: {character.description}"] if character.description else texts)


def _sentences(texts: Sequence[str]) -> str:
    """Return texts on one line, with a full stop after each but the last that has no end of its own.

    A line break within an entry of a list would look like the next entry, or like another fact.
    """
    *before, last = [" ".join(text.splitlines()) for text in texts] or [""]
    return " ".join([*(text if text.endswith((".", "!", "?", "…", "。")) else f"{text}." for text in before), last])


def _span(numbers: range) -> str:
    return f"{numbers[0]}-{numbers[-1]}"


def _from_to(first: int, last: int) -> str:
    return str(first) if first == last else f"{first} to {last}"
