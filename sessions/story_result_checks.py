"""A result that comes back from outside: it starts paid work, so all of it is checked, and each mistake has a place."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from sessions.identifiers import is_session_id
from sessions.model import Value
from sessions.scripts import SetOutline
from sessions.stories import StoryPlan, StorySessionRequest
from sessions.story_answers import one_line
from sessions.story_checks import set_problems
from sessions.story_limits import own_roster_limits
from sessions.story_results import AskedStory, FailedSets, FinishedSet, GenerationSummary, ResultMetadata, StoryResult
from sessions.story_rules import metadata_problems, outlined_sets_problems, parts_problems
from sessions.story_words import seconds_for, words_of

Place = tuple[str | int, ...]

_PROBLEMS_OF_A_SET = 3
_TAGS = {"sets": ("success", "failed"), "story_metadata": ("written", "asked")}


class ResultProblem(Value):
    """One mistake. ``place`` leads to it from the result; ``type`` and ``context`` are as pydantic tells errors."""

    place: Place
    type: str = "value_error"
    message: str = ""
    context: Mapping[str, Any] = {}

    @classmethod
    def at(cls, *place: str | int, detail: str) -> "ResultProblem":
        """Return a mistake of ours: ``detail`` is read after the name of its place."""
        return cls(place=place, message=detail, context={"error": detail})


class InvalidResultError(Exception):
    """The result is none of ours, or was changed. ``problems`` says where; nothing has happened."""

    def __init__(self, problems: Sequence[ResultProblem]) -> None:
        super().__init__("The result is none of this product's, or it was changed.")
        self.problems = tuple(problems)


def result_of(json: str | bytes) -> StoryResult:
    """Return the result that a JSON text holds. Takes its time with megabytes.

    Raises:
        InvalidResultError: it is no result, or one that contradicts itself.
    """
    try:
        # Strict, and nothing beside what we write: what came in is what would come out again, byte for byte.
        result = StoryResult.model_validate_json(json, strict=True, extra="forbid")
    except ValidationError as error:
        raise InvalidResultError([_told(raw) for raw in _raw_errors(error)]) from None
    if problems := list(_problems(result)):
        raise InvalidResultError(problems)
    return result


def request_of(result: StoryResult, *, max_attempts: int) -> StorySessionRequest:
    """Return the request that starts the story of a result anew.

    Raises:
        ValidationError: no story can be started so; a result from `result_of` is past that.
    """
    return StorySessionRequest.model_validate({**result.request_fields(), "max_attempts": max_attempts})


def _raw_errors(error: ValidationError) -> Sequence[Mapping[str, Any]]:
    # Input is left out: it may be huge, and is never echoed.
    return error.errors(include_input=False, include_url=False)


def _told(raw: Mapping[str, Any]) -> ResultProblem:
    place = _without_tags(raw["loc"])
    match raw["type"]:
        case "union_tag_invalid" | "union_tag_not_found":
            return ResultProblem.at(*place, "status", detail="must be 'success' or 'failed'")
        case "json_invalid":
            return ResultProblem.at(detail=f"cannot be read: {raw['ctx']['error']}")
        case _:
            return ResultProblem(
                place=place, type=raw["type"], message=raw["msg"], context=_plain(raw.get("ctx") or {})
            )


def _plain(context: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: str(value) if isinstance(value, Exception) else value for name, value in context.items()}


def _without_tags(place: Place) -> Place:
    """Return a place without the names of alternatives, which pydantic puts into it and no JSON pointer knows."""
    kept: list[str | int] = []
    for position, part in enumerate(place):
        before = [one for one in place[:position] if isinstance(one, str)]
        is_tag = len(before) == 1 and part in _TAGS.get(before[0], ()) and position == (2 if before[0] == "sets" else 1)
        if not is_tag:
            kept.append(part)
    return tuple(kept)


def _problems(result: StoryResult) -> Iterator[ResultProblem]:
    if not is_session_id(result.session_id):
        yield ResultProblem.at("session_id", detail="is no id of a session")
    asked = list(_asked_problems(result))
    yield from asked
    if asked:
        return  # how the story is divided is not known, and everything else is held against that
    told = result.story_metadata
    if isinstance(told, ResultMetadata):
        yield from _metadata_problems(told, result=result)
        if result.story_title != told.title:
            yield ResultProblem.at("story_title", detail="must be the title in story_metadata")
    yield from _sets_problems(result)
    yield from _contradictions(result)


def _asked_problems(result: StoryResult) -> Iterator[ResultProblem]:
    info = ("story_metadata", "generation_info")
    if result.asked.total_sets != result.plan.total_sets:
        yield ResultProblem.at(*info, "total_sets", detail=f"must be {result.plan.total_sets}")
    try:
        request_of(result, max_attempts=1)
    except ValidationError as error:
        for raw in _raw_errors(error):
            name, *rest = raw["loc"] or ("",)
            place = ("story_metadata", "custom_character_roster", *rest) if name == "characters" else (*info, name)
            told = _told(raw)
            yield told.model_copy(update={"place": place if name else ("story_metadata",)})


def _metadata_problems(told: ResultMetadata, *, result: StoryResult) -> Iterator[ResultProblem]:
    plan = result.plan
    for detail in metadata_problems(told, roster_limits=own_roster_limits()):
        yield ResultProblem.at("story_metadata", detail=detail)
    if (told.parts or plan.total_parts) and (problem := next(_parts_problems(told, plan=plan), None)):
        yield ResultProblem.at("story_metadata", "parts", detail=problem)
        return
    outline = ("story_metadata", "outline")
    for index, one in enumerate(told.outline):
        if any(text != one_line(text) for text in (*one.beats, one.begins, one.ends)):
            detail = "holds a text of several lines, which it was not written with"
            yield ResultProblem.at(*outline, index, detail=detail)
    if not plan.total_parts or result.finished:
        numbers = range(1, plan.total_sets + 1)
        for detail in outlined_sets_problems(told.outline, numbers=numbers, whole="The outline"):
            yield ResultProblem.at(*outline, detail=detail)
        return
    left = list(told.outline)
    for part in range(1, plan.total_parts + 1):
        sets = [one for one in left if one.set_number in plan.sets_of(part)]
        left = [one for one in left if one.set_number not in plan.sets_of(part)]
        if sets:
            for detail in outlined_sets_problems(sets, numbers=plan.sets_of(part), whole=f"Outline part {part}"):
                yield ResultProblem.at(*outline, detail=detail)
    if left or not _is_in_order(told.outline):
        yield ResultProblem.at(*outline, detail=f"must hold sets 1 to {plan.total_sets} in order")


def _is_in_order(sets: Sequence[SetOutline]) -> bool:
    numbers = [one.set_number for one in sets]
    return numbers == sorted(numbers)


def _parts_problems(told: ResultMetadata, *, plan: StoryPlan) -> Iterator[str]:
    expected = [(number, plan.sets_of(number)) for number in range(1, plan.total_parts + 1)]
    if [(part.part_number, part.first_set, part.last_set) for part in told.parts] != [
        (number, sets[0], sets[-1]) for number, sets in expected
    ]:
        yield f"must be the {plan.total_parts} parts of a story with {plan.total_sets} sets"
    yield from parts_problems(told.parts, written=len(told.parts), plan=plan)


def _sets_problems(result: StoryResult) -> Iterator[ResultProblem]:
    plan, told = result.plan, result.story_metadata
    if len(result.sets) != plan.total_sets:
        yield ResultProblem.at("sets", detail=f"holds {len(result.sets)} sets; the story has {plan.total_sets}")
    for position, entry in enumerate(result.sets):
        place = ("sets", position)
        if entry.set_number != position + 1:
            detail = f"must be {position + 1}: every set is there once, in order"
            yield ResultProblem.at(*place, "set_number", detail=detail)
        elif isinstance(entry, FinishedSet) and isinstance(told, AskedStory):
            yield ResultProblem.at(*place, "status", detail="cannot be 'success': story_metadata has no outline")
        elif isinstance(entry, FinishedSet) and isinstance(told, ResultMetadata):
            yield from _set_problems(entry, place=place, metadata=told, plan=plan)


def _set_problems(
    entry: FinishedSet, *, place: Place, metadata: ResultMetadata, plan: StoryPlan
) -> Iterator[ResultProblem]:
    if entry.segments_count != len(entry.set_data.segments):
        detail = f"must be {len(entry.set_data.segments)}, as many segments as the set has"
        yield ResultProblem.at(*place, "segments_count", detail=detail)
    if entry.set_data.set_number != entry.set_number:
        yield ResultProblem.at(*place, "set_data", "set_number", detail=f"must be {entry.set_number}")
        return
    for index, segment in enumerate(entry.set_data.segments):
        words = words_of(segment.narration, (line.line for line in segment.dialogue))
        computed = {"word_count": words, "duration_seconds": seconds_for(words)}
        for name, right in computed.items():
            if getattr(segment, name) != right:
                where = (*place, "set_data", "segments", index, name)
                yield ResultProblem.at(*where, detail=f"must be {right}, as its words come to; it was changed")
    for detail in set_problems(entry.set_data, metadata=metadata, plan=plan)[:_PROBLEMS_OF_A_SET]:
        yield ResultProblem.at(*place, "set_data", detail=detail)


def _contradictions(result: StoryResult) -> Iterator[ResultProblem]:
    """Yield where what is said of the sets does not fit them. Only held against sets that fit the story."""
    if [entry.set_number for entry in result.sets] != list(range(1, result.plan.total_sets + 1)):
        return
    failed = result.failed_numbers
    if result.success is bool(failed):
        yield ResultProblem.at("success", detail=f"must be {str(not failed).lower()}, as the sets say")
    expected: Sequence[tuple[str, Value, Value]] = (
        ("generation_summary", result.generation_summary, GenerationSummary.of(result.plan, failed=failed)),
        ("retry_info", result.retry_info, FailedSets.of(failed)),
    )
    for name, said, right in expected:
        for field in type(right).model_fields:
            if getattr(said, field) != getattr(right, field):
                yield ResultProblem.at(name, field, detail="does not fit the sets")
