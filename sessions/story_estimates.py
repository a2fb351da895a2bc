"""What writing a story takes, before it is written: expectations, never a bill.

Figures of tokens were taken from what the schemas ask for: about four characters a token, a segment of about 220
tokens as JSON, a set's outline of about 160.
"""

from sessions.money import Usage
from sessions.pricing import expected_text_usage
from sessions.stories import StoryPlan, StorySessionRequest

_METADATA_TOKENS = 1200
_PART_TOKENS = 140
_SET_OUTLINE_TOKENS = 160
_SEGMENT_TOKENS = 220
_PROMPT_CHARACTERS = 6000
"""Of a set or a part: what all share, the roster, the rules and the schema."""


def outline_tokens(plan: StoryPlan) -> int:
    """Return how many tokens the outline is expected to take."""
    return _METADATA_TOKENS + (
        plan.total_parts * _PART_TOKENS if plan.total_parts else plan.total_sets * _SET_OUTLINE_TOKENS
    )


def part_tokens(plan: StoryPlan, *, part_number: int) -> int:
    """Return how many tokens the outline of a part is expected to take."""
    return len(plan.sets_of(part_number)) * _SET_OUTLINE_TOKENS


def set_tokens(plan: StoryPlan, *, set_number: int) -> int:
    """Return how many tokens a set is expected to take."""
    return len(plan.segments_of(set_number)) * _SEGMENT_TOKENS


def expected_usages(request: StorySessionRequest, *, plan: StoryPlan) -> tuple[Usage, ...]:
    """Return the usage to expect of each item, in their order, if every first attempt succeeds."""
    asked = len(request.idea) + sum(len(one.model_dump_json()) for one in request.characters)
    return (
        expected_text_usage(input_characters=_PROMPT_CHARACTERS + asked, output_tokens=outline_tokens(plan)),
        *(
            expected_text_usage(
                input_characters=_PROMPT_CHARACTERS, output_tokens=part_tokens(plan, part_number=number)
            )
            for number in range(1, plan.total_parts + 1)
        ),
        *(
            expected_text_usage(input_characters=_PROMPT_CHARACTERS, output_tokens=set_tokens(plan, set_number=number))
            for number in range(1, plan.total_sets + 1)
        ),
    )
