"""Turns what a model wrote into the documents of a story, or says what is wrong with it.

What can be known without the model is never taken from it: the title in every set, what the story was asked for, the
numbers of sets, counts of words and seconds. Everything else is judged by `sessions.story_rules`.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import get_args

from sessions.scripts import (
    DialogueLine,
    GenerationInfo,
    Outline,
    OutlinedPart,
    PartOutline,
    Segment,
    SetOutline,
    StoryMetadata,
    StorySet,
    Transition,
)
from sessions.stories import StoryPlan, StorySessionRequest
from sessions.story_answers import NotJsonError, is_blank, lines, many_lines, object_in, objects, one_line
from sessions.story_hashtags import hashtags_of
from sessions.story_limits import MAX_SUMMARY_CHARACTERS, own_roster_limits, roster_limits
from sessions.story_roster import Cast, own_roster, roster_of
from sessions.story_rules import metadata_problems, outlined_sets_problems, parts_problems, written_set_problems
from sessions.story_words import seconds_for, words_of
from sessions.texts import shortened

_PROBLEMS_TOLD = 3
_PROBLEMS_CORRECTED = 10
_CORRECTION_BYTES = 1500
_TRANSITIONS: Sequence[Transition] = get_args(Transition)
_LARGEST_NUMBER = 1_000_000


class InvalidStoryError(Exception):
    """A document of a story is not what was asked for.

    ``message`` tells people what is wrong in a few sentences, and quotes no more of a text than a name.
    ``correction`` tells the model, in 1,500 bytes at most, so that its next attempt can do better.
    ``problems`` are all that were found, in sentences without a full stop.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        found = self.problems = tuple(problems)
        told = list(found[:_PROBLEMS_TOLD])
        if more := len(found) - len(told):
            told.append("1 more thing is wrong" if more == 1 else f"{more} more things are wrong")
        self.message = _sentences(told)
        self.correction = shortened(_sentences(found[:_PROBLEMS_CORRECTED]), max_bytes=_CORRECTION_BYTES)
        super().__init__(self.message)


def outline_of(text: str, *, request: StorySessionRequest, plan: StoryPlan) -> Outline:
    """Return the outline that a model wrote: with its sets, or with its parts where the story has any.

    Raises:
        InvalidStoryError: it is no outline of this story.
    """
    answer = _answer_in(text, place="The outline")
    outline = Outline(
        title=one_line(answer.get("title")),
        short_summary=many_lines(answer.get("short_summary")),
        description=many_lines(answer.get("description")),
        hashtags=hashtags_of(answer.get("hashtags"), is_cut=True),
        narrator_voice=many_lines(answer.get("narrator_voice")),
        characters_roster=roster_of(answer.get("characters"), given=request.characters),
        generation_info=generation_info(request, plan=plan),
        sets=() if plan.total_parts else _outlined_sets(answer.get("sets"), first=1),
        parts=_parts(answer.get("parts"), plan=plan),
    )
    problems = [*metadata_problems(outline, roster_limits=roster_limits(len(request.characters)))]
    if plan.total_parts:
        problems.extend(parts_problems(outline.parts, written=len(objects(answer.get("parts"))), plan=plan))
    else:
        problems.extend(_outline_sets_problems(outline, plan=plan))
    _refuse(problems)
    return outline


def outlined_part_of(text: str, *, plan: StoryPlan, part_number: int) -> OutlinedPart:
    """Return the outline of one part's sets that a model wrote.

    Raises:
        InvalidStoryError: it is no outline of this part.
    """
    place = f"Outline part {part_number}"
    numbers = plan.sets_of(part_number)
    sets = _outlined_sets(_answer_in(text, place=place).get("sets"), first=numbers[0])
    _refuse(outlined_sets_problems(sets, numbers=numbers, whole=place))
    return OutlinedPart(part_number=part_number, sets=sets)


def story_set_of(text: str, *, metadata: StoryMetadata, plan: StoryPlan, set_number: int) -> StorySet:
    """Return the set that a model wrote.

    Raises:
        InvalidStoryError: it is not this set of this story.
    """
    expected = plan.segments_of(set_number)
    written = objects(_answer_in(text, place=f"Set {set_number}").get("segments"))
    cast = Cast(metadata.characters_roster)
    problems: list[str] = []
    segments = tuple(
        _segment(entry, assumed_number=expected[0] + position, cast=cast, problems=problems)
        for position, entry in enumerate(written)
    )
    story_set = StorySet(
        title=metadata.title,
        set_number=set_number,
        total_sets=plan.total_sets,
        first_segment=expected[0],
        last_segment=expected[-1],
        word_count=sum(segment.word_count for segment in segments),
        duration_seconds=sum(segment.duration_seconds for segment in segments),
        segments=segments,
    )
    _refuse((*set_problems(story_set, metadata=metadata, plan=plan), *problems))
    return story_set


def set_problems(story_set: StorySet, *, metadata: StoryMetadata, plan: StoryPlan) -> tuple[str, ...]:
    """Return what is wrong with a finished set, in sentences without a full stop; nothing where it is valid."""
    return tuple(written_set_problems(story_set, metadata=metadata, plan=plan))


def person_outline_of(
    outline: Outline, *, request: StorySessionRequest, plan: StoryPlan
) -> tuple[Outline, tuple[OutlinedPart, ...]]:
    """Return the outline that a person sends in place of ours, and where the story has parts, the sets of each.

    ``outline.sets`` holds all sets of the story, in order, even where the story has parts. The person's roster stands
    as it is, own characters of the request included or not. What the story was asked for stays as it was.

    Raises:
        InvalidStoryError: it is no outline of this story; the message names the place.
    """
    sets = tuple(
        SetOutline(
            set_number=outlined.set_number,
            beats=tuple(map(one_line, outlined.beats)),
            begins=one_line(outlined.begins),
            ends=one_line(outlined.ends),
        )
        for outlined in outline.sets
    )
    whole = outline.model_copy(
        update={
            "title": outline.title.strip(),
            "hashtags": hashtags_of(list(outline.hashtags), is_cut=False),
            "characters_roster": own_roster(outline.characters_roster),
            "generation_info": generation_info(request, plan=plan),
            "sets": sets,
            "parts": (),
        }
    )
    _refuse((*metadata_problems(whole, roster_limits=own_roster_limits()), *_outline_sets_problems(whole, plan=plan)))
    if not plan.total_parts:
        return whole, ()
    parts = tuple(
        OutlinedPart(part_number=number, sets=tuple(sets[set_number - 1] for set_number in plan.sets_of(number)))
        for number in range(1, plan.total_parts + 1)
    )
    summaries = [part.summary for part in outline.parts] if len(outline.parts) == len(parts) else [""] * len(parts)
    outlined_parts = tuple(
        _part_around(part, summary=one_line(summary)) for part, summary in zip(parts, summaries, strict=True)
    )
    return whole.model_copy(update={"sets": (), "parts": outlined_parts}), parts


def generation_info(request: StorySessionRequest, *, plan: StoryPlan) -> GenerationInfo:
    """Return what a story was asked for, as every document about it says."""
    return GenerationInfo(
        total_segments=plan.total_segments,
        segments_per_set=plan.segments_per_set,
        total_sets=plan.total_sets,
        idea=request.idea,
        content_rating=request.content_rating,
        language=request.language,
    )


def _answer_in(text: str, *, place: str) -> Mapping[str, object]:
    try:
        return object_in(text)
    except NotJsonError:
        raise InvalidStoryError([f"{place} came back as something else than one whole JSON object"]) from None


def _outlined_sets(answer: object, *, first: int) -> tuple[SetOutline, ...]:
    return tuple(
        SetOutline(
            set_number=number,
            beats=lines(entry.get("beats")),
            begins=one_line(entry.get("begins")),
            ends=one_line(entry.get("ends")),
        )
        for number, entry in enumerate(objects(answer), start=first)
    )


def _outline_sets_problems(outline: Outline, *, plan: StoryPlan) -> Iterable[str]:
    return outlined_sets_problems(outline.sets, numbers=range(1, plan.total_sets + 1), whole="The outline")


def _parts(answer: object, *, plan: StoryPlan) -> tuple[PartOutline, ...]:
    """Return the parts that there is a place for in the story."""
    return tuple(
        PartOutline(
            part_number=number,
            first_set=plan.sets_of(number)[0],
            last_set=plan.sets_of(number)[-1],
            summary=one_line(entry.get("summary")),
            begins=one_line(entry.get("begins")),
            ends=one_line(entry.get("ends")),
        )
        for number, entry in zip(range(1, plan.total_parts + 1), objects(answer), strict=False)
    )


def _part_around(part: OutlinedPart, *, summary: str) -> PartOutline:
    first, last = part.sets[0], part.sets[-1]
    told = " ".join(chain.from_iterable(outlined.beats for outlined in part.sets)) if is_blank(summary) else summary
    return PartOutline(
        part_number=part.part_number,
        first_set=first.set_number,
        last_set=last.set_number,
        summary=shortened(told, max_bytes=MAX_SUMMARY_CHARACTERS),
        begins=first.begins,
        ends=last.ends,
    )


def _segment(entry: Mapping[str, object], *, assumed_number: int, cast: Cast, problems: list[str]) -> Segment:
    """Return a segment as it was written; where that cannot be, with something in its place and a problem for it."""
    number = _number(entry.get("number"))
    if number is None:
        number = assumed_number
        problems.append(f"A segment has no number where {number} should be")
    narration = one_line(entry.get("narration"))
    dialogue = tuple(
        DialogueLine(character_id=cast.id_of(one_line(line.get("character_id"))), line=one_line(line.get("line")))
        for line in objects(entry.get("dialogue"))
        if not is_blank(one_line(line.get("line")))
    )
    present = map(cast.id_of, lines(entry.get("characters_present")))
    transition = _transition(entry.get("transition"))
    if transition is None:
        problems.append(f"Segment {number} has none of the transitions {', '.join(_TRANSITIONS)}")
    content_type = one_line(entry.get("content_type")).lower()
    if content_type not in ("narration", "dialogue"):
        problems.append(f"Segment {number} has neither narration nor dialogue as its content_type")
        content_type = "dialogue" if dialogue else "narration"
    words = words_of(narration, (line.line for line in dialogue))
    return Segment(
        number=number,
        scene=one_line(entry.get("scene")),
        content_type="dialogue" if content_type == "dialogue" else "narration",
        narration=None if is_blank(narration) else narration,
        dialogue=dialogue,
        characters_present=tuple(dict.fromkeys(present)),
        camera=one_line(entry.get("camera")),
        background_definition=one_line(entry.get("background_definition")),
        music=one_line(entry.get("music")),
        sound_effects=one_line(entry.get("sound_effects")),
        mood=one_line(entry.get("mood")),
        transition=transition or "cut",
        word_count=words,
        duration_seconds=seconds_for(words),
    )


def _number(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _LARGEST_NUMBER:
        return None
    return value


def _transition(value: object) -> Transition | None:
    written = one_line(value).lower().replace("-", " ").replace("_", " ")
    return next((transition for transition in _TRANSITIONS if transition == written), None)


def _refuse(problems: Iterable[str]) -> None:
    found = tuple(problems)
    if found:
        raise InvalidStoryError(found)


def _sentences(problems: Iterable[str]) -> str:
    return " ".join(f"{problem}." for problem in problems)
