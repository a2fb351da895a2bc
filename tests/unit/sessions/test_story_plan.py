"""What a person may ask for, and how a story is divided."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from sessions.stories import (
    OUTLINE_STAGE,
    PARTS_STAGE,
    SETS_STAGE,
    StoryPlan,
    StorySessionRequest,
    part_key,
    part_number_of,
    set_key,
    set_number_of,
    story_items,
)
from tests.unit.sessions.story_examples import request_of

plans = st.builds(
    StoryPlan,
    total_segments=st.integers(1, 10_000),
    segments_per_set=st.integers(1, 20),
    sets_per_outline=st.integers(1, 100),
)


@settings(deadline=None)
@given(plans)
def test_every_segment_is_in_one_set_and_in_order(plan: StoryPlan) -> None:
    """Sets cover the story without a gap or an overlap; only the last may be shorter."""
    sets = [plan.segments_of(number) for number in range(1, plan.total_sets + 1)]
    assert list(range(1, plan.total_segments + 1)) == [segment for segments in sets for segment in segments]
    assert {plan.segments_per_set} >= {len(segments) for segments in sets[:-1]}


@settings(deadline=None)
@given(plans.filter(lambda plan: plan.total_parts > 0))
def test_every_set_is_in_one_part_and_in_order(plan: StoryPlan) -> None:
    """Parts cover the sets, none is larger than one call can outline, and they are about alike."""
    parts = [plan.sets_of(number) for number in range(1, plan.total_parts + 1)]
    assert list(range(1, plan.total_sets + 1)) == [number for part in parts for number in part]
    lengths = {len(part) for part in parts}
    assert max(lengths) <= plan.sets_per_outline
    assert max(lengths) - min(lengths) <= 1


@settings(deadline=None)
@given(plans.filter(lambda plan: plan.total_parts > 0), st.data())
def test_the_part_of_a_set_holds_it(plan: StoryPlan, data: st.DataObject) -> None:
    """Both directions agree."""
    number = data.draw(st.integers(1, plan.total_sets))
    assert number in plan.sets_of(plan.part_of(number))


def test_a_story_without_parts_has_no_part_for_a_set() -> None:
    """Asking for it is a mistake."""
    with pytest.raises(ValueError, match="no part"):
        StoryPlan(total_segments=60, segments_per_set=10).part_of(1)


@pytest.mark.parametrize(("segments", "sets", "parts"), [(600, 60, 0), (601, 61, 2), (10_000, 1000, 17), (1, 1, 0)])
def test_more_than_sixty_sets_are_outlined_in_parts(segments: int, sets: int, parts: int) -> None:
    """Up to 60 sets fit one outline."""
    plan = StoryPlan(total_segments=segments, segments_per_set=10)
    assert (sets, parts) == (plan.total_sets, plan.total_parts)


def test_items_are_made_stage_by_stage() -> None:
    """The outline, then its parts, then the sets, under keys that say which they are."""
    plan = StoryPlan(total_segments=620, segments_per_set=10)
    items = tuple(story_items(plan, max_attempts=4))
    assert ["outline", "outline-01", "outline-02", "set-01"] == [item.key for item in items[:4]]
    assert ["set-62"] == [item.key for item in items[-1:]]
    assert [OUTLINE_STAGE, PARTS_STAGE, PARTS_STAGE, *[SETS_STAGE] * 62] == [item.stage for item in items]
    assert {4} == {item.max_attempts for item in items}


@settings(deadline=None)
@given(st.integers(1, 10_000))
def test_keys_say_which_number_they_are_of(number: int) -> None:
    """A number is read back from the key of its own kind, and from no other."""
    assert (number, None) == (set_number_of(set_key(number)), part_number_of(set_key(number)))
    assert (number, None) == (part_number_of(part_key(number)), set_number_of(part_key(number)))
    assert (None, None) == (part_number_of("outline"), set_number_of("outline"))


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"idea": " \n"}, "idea"),
        ({"idea": "x" * 100_001}, "idea"),
        ({"total_segments": 0}, "total_segments"),
        ({"total_segments": 10_000_000}, "total_segments"),
        ({"total_segments": "60"}, "total_segments"),
        ({"segments_per_set": 21}, "segments_per_set"),
        ({"segments_per_set": 0}, "segments_per_set"),
        ({"language": "English, please"}, "language"),
        ({"characters": [{"name": "Ada"}, {"name": " ADA "}]}, "share the name"),
        ({"characters": [{"name": "Ada", "id": "a"}, {"name": "Bo", "id": "a"}]}, "share the id"),
        ({"characters": [{"name": "Ada", "age": 7}]}, "age"),
        ({"total_segments": 5000, "segments_per_set": 1}, "raise segments_per_set"),
    ],
)
def test_a_request_that_cannot_be_met_says_which_part_is_wrong(fields: dict[str, Any], named: str) -> None:
    """Refused before anything starts."""
    with pytest.raises(ValidationError, match=named):
        request_of(**fields)


def test_only_the_idea_is_required() -> None:
    """It says how long the story is, where no number does."""
    request = StorySessionRequest.model_validate({"idea": "A movie about a fox"})
    assert (150, 15) == (request.plan.total_segments, request.plan.total_sets)
    assert ("U", "en", 10) == (request.content_rating, request.language, request.segments_per_set)
