"""Results that come back: what is ours is taken, and everything else is told where it is wrong."""

import copy
import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.scripts import OutlinedPart, SetOutline, as_bytes
from sessions.stories import StoryPlan, StorySessionRequest
from sessions.story_checks import outlined_part_of, story_set_of
from sessions.story_result_checks import InvalidResultError, request_of, result_of
from sessions.story_results import (
    AskedStory,
    FailedSet,
    FinishedSetHead,
    GenerationSummary,
    ResultHead,
    ResultMetadata,
    SetRetry,
    result_closing,
    result_opening,
    result_set,
)
from tests.unit.sessions import story_examples as examples

Json = Any
MOMENT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
SESSION = "ses-abcdefghijklmnop"


def outlined_sets(plan: StoryPlan) -> tuple[SetOutline, ...]:
    parts: list[OutlinedPart] = []
    for number in range(1, plan.total_parts + 1):
        answer = {"sets": [examples.outlined_set(one) for one in plan.sets_of(number)]}
        parts.append(outlined_part_of(json.dumps(answer), plan=plan, part_number=number))
    return tuple(one for part in parts for one in part.sets)


def written(
    *, failed: tuple[int, ...] = (2,), is_outlined: bool = True, retried: tuple[int, ...] = (), **request: Any
) -> bytes:
    """Return a result as the product writes it: of 25 segments in 3 sets, unless the request says otherwise."""
    asked = examples.request_of(**request)
    plan = asked.plan
    outline = examples.outline_for(asked)
    told = (
        ResultMetadata.of(outline, sets=outline.sets or outlined_sets(plan))
        if is_outlined
        else AskedStory.of(asked, plan=plan)
    )
    failed = failed if is_outlined else tuple(range(1, plan.total_sets + 1))
    head = ResultHead(
        success=not failed,
        session_id=SESSION,
        story_title=outline.title if is_outlined else "A keeper and a fox",
        story_metadata=told,
        generation_summary=GenerationSummary.of(plan, failed=failed),
        files_saved=("/there/The_Last_Lamp_metadata.json",),
        output_directory="/there",
    )
    return result_opening(head) + b",".join(_sets(asked, failed=failed, retried=retried)) + result_closing(failed)


def _sets(asked: StorySessionRequest, *, failed: tuple[int, ...], retried: tuple[int, ...]) -> list[bytes]:
    plan, metadata = asked.plan, examples.metadata_for(asked)
    entries = []
    for number in range(1, plan.total_sets + 1):
        retry = SetRetry(retry_timestamp=MOMENT) if number in retried else None
        if number in failed:
            entries.append(result_set(FailedSet(set_number=number, error="The model refused.", retry_info=retry)))
            continue
        answer = json.dumps(examples.set_answer(plan, number))
        data = as_bytes(story_set_of(answer, metadata=metadata, plan=plan, set_number=number))
        entry = FinishedSetHead(
            set_number=number, segments_count=len(plan.segments_of(number)), file_path=None, retry_info=retry
        )
        entries.append(result_set(entry, data=data))
    return entries


@cache
def sample() -> bytes:
    return written(failed=(2,), retried=(1, 2))


def changed(*path: str | int, to: Json) -> str:
    """Return the sample with one value put in another's place."""
    result = json.loads(sample())
    target = result
    for part in path[:-1]:
        target = target[part]
    target[path[-1]] = to
    return json.dumps(result)


def problems_in(text: str | bytes) -> dict[str, str]:
    with pytest.raises(InvalidResultError) as caught:
        result_of(text)
    return {
        "/".join(map(str, problem.place)): str(problem.context.get("error", problem.message))
        for problem in caught.value.problems
    }


@pytest.mark.parametrize(
    "text",
    [
        sample(),
        written(failed=()),
        written(failed=(1, 2, 3)),
        written(is_outlined=False),
        written(is_outlined=False, characters=[{"name": "Ada", "voice": "low"}]),
        written(failed=(61,), total_segments=61, segments_per_set=1),
        written(total_segments=1, failed=()),
    ],
)
def test_what_we_write_comes_back_byte_for_byte(text: bytes) -> None:
    """A result that was read says the same again, in the same bytes, but for how its sets were set."""
    result = result_of(text)
    assert json.loads(text) == json.loads(result.model_dump_json())
    for entry in result.finished:
        assert as_bytes(entry.set_data) in text


def test_contract() -> None:
    """The keys are those of the contract, in its order, and retries are told of retried sets alone."""
    result = json.loads(sample())
    assert [
        "success",
        "session_id",
        "story_title",
        "story_metadata",
        "generation_summary",
        "files_saved",
        "output_directory",
        "sets",
        "retry_info",
    ] == list(result)
    assert {"was_retried": True, "retry_timestamp": "2026-11-22T09:30:00Z"} == result["sets"][0]["retry_info"]
    assert "retry_info" not in result["sets"][2]
    assert {
        "total_segments_requested": 25,
        "total_segments_generated": 15,
        "total_sets_requested": 3,
        "successful_sets": 2,
        "failed_sets": 1,
        "segments_per_set": 10,
        "failed_set_numbers": [2],
    } == result["generation_summary"]


def test_a_story_that_was_only_asked_for_can_be_begun_anew() -> None:
    """Own characters, language and sizes come back into the request; the attempts are those of the retry."""
    roster = [{"name": "Ada", "voice": "low"}]
    asked = examples.request_of(characters=roster, language="pt-BR", content_rating="12A")
    result = result_of(written(is_outlined=False, characters=roster, language="pt-BR", content_rating="12A"))
    assert asked.model_copy(update={"max_attempts": 7}) == request_of(result, max_attempts=7)


WRONG: dict[str, tuple[tuple[str | int, ...], Json, str]] = {
    "another product's session": (("session_id",), "job-17", "session_id"),
    "a session of no form": (("session_id",), 17, "session_id"),
    "success against the sets": (("success",), True, "success"),
    "success as a number": (("success",), 0, "success"),
    "another title": (("story_title",), "Another", "story_title"),
    "a title that is only in the metadata": (("story_metadata", "title"), "Another", "sets/0/set_data"),
    "a title too long": (("story_metadata", "title"), "x" * 60, "story_metadata"),
    "no metadata": (("story_metadata",), None, "story_metadata"),
    "metadata that is a list": (("story_metadata",), [], "story_metadata"),
    "an unknown field in the metadata": (("story_metadata", "mood"), "grim", "story_metadata/mood"),
    "one character": (("story_metadata", "characters_roster"), [], "story_metadata"),
    "a character of another form": (
        ("story_metadata", "characters_roster", 0),
        {"name": "Ada"},
        "story_metadata/characters_roster/0/id",
    ),
    "an outline without a set": (("story_metadata", "outline"), [], "story_metadata/outline"),
    "an outline in another order": (
        ("story_metadata", "outline", 0, "set_number"),
        2,
        "story_metadata/outline",
    ),
    "a beat that is no text": (("story_metadata", "outline", 0, "beats"), [7], "story_metadata/outline/0/beats/0"),
    "parts of a short story": (
        ("story_metadata", "parts"),
        [{"part_number": 1, "first_set": 1, "last_set": 3, "summary": "a", "begins": "b", "ends": "c"}],
        "story_metadata/parts",
    ),
    "ten million segments": (
        ("story_metadata", "generation_info", "total_segments"),
        10_000_000,
        "story_metadata/generation_info/total_segments",
    ),
    "another number of sets": (
        ("story_metadata", "generation_info", "total_sets"),
        4,
        "story_metadata/generation_info/total_sets",
    ),
    "another number of segments": (("story_metadata", "generation_info", "total_segments"), 24, "sets/2/set_data"),
    "no idea": (("story_metadata", "generation_info", "idea"), " ", "story_metadata/generation_info/idea"),
    "no sets": (("sets",), [], "sets"),
    "sets that are no list": (("sets",), {}, "sets"),
    "a set that is no object": (("sets", 1), 7, "sets/1"),
    "a set of no status": (("sets", 1), {"set_number": 2}, "sets/1/status"),
    "a set of another status": (("sets", 1, "status"), "pending", "sets/1/status"),
    "a set twice": (("sets", 1, "set_number"), 1, "sets/1/set_number"),
    "a failed set with text": (("sets", 1, "set_data"), {}, "sets/1/set_data"),
    "a failed set without its reason": (("sets", 1, "error"), None, "sets/1/error"),
    "a finished set without text": (("sets", 0, "set_data"), None, "sets/0/set_data"),
    "a set with another title": (("sets", 0, "set_data", "title"), "Drifted", "sets/0/set_data"),
    "another set's text": (("sets", 0, "set_data", "set_number"), 3, "sets/0/set_data/set_number"),
    "too few segments": (("sets", 0, "set_data", "segments"), [], "sets/0/segments_count"),
    "a wrong count": (("sets", 0, "segments_count"), 9, "sets/0/segments_count"),
    "a segment number twice": (("sets", 0, "set_data", "segments", 1, "number"), 1, "sets/0/set_data"),
    "an unknown character": (
        ("sets", 0, "set_data", "segments", 1, "characters_present"),
        ["nobody"],
        "sets/0/set_data",
    ),
    "thirty words": (("sets", 0, "set_data", "segments", 0, "narration"), "word " * 30, "sets/0/set_data"),
    "both kinds": (("sets", 0, "set_data", "segments", 1, "narration"), "And then.", "sets/0/set_data"),
    "an unknown transition": (
        ("sets", 0, "set_data", "segments", 0, "transition"),
        "swirl",
        "sets/0/set_data/segments/0/transition",
    ),
    "an unknown field in a segment": (
        ("sets", 0, "set_data", "segments", 0, "shot"),
        1,
        "sets/0/set_data/segments/0/shot",
    ),
    "a number as a text": (("sets", 0, "set_data", "first_segment"), "1", "sets/0/set_data/first_segment"),
    "a retry that was none": (("sets", 0, "retry_info", "was_retried"), False, "sets/0/retry_info/was_retried"),
    "a retry at no time": (("sets", 0, "retry_info", "retry_timestamp"), "noon", "sets/0/retry_info/retry_timestamp"),
    "a wrong summary": (("generation_summary", "successful_sets"), 3, "generation_summary/successful_sets"),
    "other failed sets": (("retry_info", "failed_sets"), [3], "retry_info/failed_sets"),
    "nothing to retry": (("retry_info", "can_retry"), False, "retry_info/can_retry"),
    "another endpoint": (("retry_info", "retry_endpoint"), "http://x", "retry_info/retry_endpoint"),
    "an unknown field": (("sessions",), [], "sessions"),
}


@pytest.mark.parametrize(("path", "value", "place"), WRONG.values(), ids=WRONG.keys())
def test_each_mistake_has_a_place(path: tuple[str | int, ...], value: Json, place: str) -> None:
    """Whatever was changed, the problem says where it is."""
    assert place in problems_in(changed(*path, to=value))


@pytest.mark.parametrize("end", [0, 1, 500, -1, -200])
def test_truncated(end: int) -> None:
    """What breaks off is refused as a whole."""
    (problem,) = problems_in(sample()[:end]).items()
    assert "" == problem[0]
    assert "cannot be read" in problem[1]


def test_without_the_last_set() -> None:
    """A result that somebody cut down to two sets does not pass for a whole one."""
    result = json.loads(sample())
    result["sets"].pop()
    assert "the story has 3" in problems_in(json.dumps(result))["sets"]


def test_finished_sets_need_an_outline() -> None:
    """A set cannot be there in a story that was never outlined."""
    result = json.loads(written(is_outlined=False))
    result["sets"][0] = json.loads(sample())["sets"][0]
    assert "sets/0/status" in problems_in(json.dumps(result))


def test_a_half_outlined_story_keeps_whole_parts() -> None:
    """Of a long story whose outline stopped half-way, parts are there as a whole or not at all."""
    request: Json = {"total_segments": 61, "segments_per_set": 1}
    whole = json.loads(written(failed=tuple(range(1, 62)), **request))
    outline = whole["story_metadata"]["outline"]
    halves: list[list[Json]] = [[], outline[:31], outline[31:]]
    for kept in halves:
        whole["story_metadata"]["outline"] = kept
        assert len(kept) == len(result_of(json.dumps(whole)).model_dump()["story_metadata"]["outline"])
    for wrong in (outline[:30], outline[1:31], outline[31:] + outline[:31], [*outline, outline[0]]):
        whole["story_metadata"]["outline"] = wrong
        assert "story_metadata/outline" in problems_in(json.dumps(whole))


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000 + "]" * 100_000,
        '{"success":' * 5000 + "1" + "}" * 5000,
        '{"sets": NaN}',
        '{"generation_summary": {"failed_sets": ' + "9" * 10_000 + "}}",
        '{"session_id": "\\ud800"}',
        '{"sets": [{"status": "success", "set_number": 1e999}]}',
        "null",
        '"text"',
        "\x00",
    ],
)
def test_nothing_crashes_on_monsters(text: str) -> None:
    """What no result can be is refused like anything else."""
    assert problems_in(text)


json_values: st.SearchStrategy[Json] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**30, max_value=10**40)
    | st.floats()
    | st.text(max_size=80)
    | st.sampled_from(["success", "failed", "end", "ada", "2026-11-22T09:30:00Z"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=6,
)


def places(value: Json, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [path] if path else []
    if isinstance(value, dict):
        for name, inner in value.items():
            found += places(inner, (*path, name))
    if isinstance(value, list):
        for position, inner in enumerate(value):
            found += places(inner, (*path, position))
    return found


def texts(result: Json) -> list[Json]:
    return [entry.get("set_data") for entry in result["sets"]]


PLACES = places(json.loads(sample()))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PLACES), json_values, st.sampled_from(["change", "remove", "add"]))
def test_whatever_is_changed_is_taken_or_refused(path: tuple[str | int, ...], value: Json, how: str) -> None:
    """A result with anything changed anywhere is a valid one, which says the same again, or is refused."""
    result = copy.deepcopy(json.loads(sample()))
    target = result
    for part in path[:-1]:
        target = target[part]
    if how == "change":
        target[path[-1]] = value
    elif how == "remove":
        target.pop(path[-1])
    elif isinstance(target, list):
        target.append(value)
    else:
        target["another"] = value
    text = json.dumps(result)
    try:
        taken = result_of(text)
    except InvalidResultError as error:
        problems = error.problems
    else:
        problems = ()
        again = json.loads(taken.model_dump_json())
        assert how == "remove" or {**result, "sets": None} == {**again, "sets": None}
    assert problems or texts(result) == texts(again)


def test_ten_thousand_segments_take_a_moment() -> None:
    """The largest story there can be is looked into within seconds, and its problems are found as well."""
    text = written(total_segments=10_000, failed=(7, 1000))
    begun = datetime.now(UTC)
    assert [7, 1000] == list(result_of(text).failed_numbers)
    assert datetime.now(UTC) - begun < timedelta(seconds=6)
