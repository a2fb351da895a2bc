"""The schemas that a provider holds a model to."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from sessions.story_schemas import Schema, outline_schema, part_schema, set_schema
from tests.unit.sessions.story_examples import metadata_for, outline_answer, outlined_set, request_of, set_answer

SHORT = request_of()
LONG = request_of(total_segments=1205)
SCHEMAS = {
    "outline": outline_schema(SHORT, plan=SHORT.plan),
    "outline with parts": outline_schema(LONG, plan=LONG.plan),
    "part": part_schema(plan=LONG.plan, part_number=3),
    "set": set_schema(metadata_for(SHORT), plan=SHORT.plan, set_number=2),
    "last set": set_schema(metadata_for(SHORT), plan=SHORT.plan, set_number=3),
}


def objects_in(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if node.get("type") == "object":
            yield node
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from objects_in(child)


def accepts(schema: Schema, answer: Any) -> bool:
    return bool(jsonschema.Draft202012Validator(json.loads(schema.json_schema)).is_valid(answer))


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas_are_strict(name: str) -> None:
    """Every property of every object is required, and no other is allowed; the root is an object."""
    schema = json.loads(SCHEMAS[name].json_schema)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["type"] == "object"
    for node in objects_in(schema):
        assert list(node["properties"]) == node["required"]
        assert node["additionalProperties"] is False


def test_what_a_good_model_writes_is_accepted() -> None:
    """Each of the five kinds of answer."""
    assert accepts(SCHEMAS["outline"], outline_answer(SHORT))
    assert accepts(SCHEMAS["outline with parts"], outline_answer(LONG))
    assert accepts(SCHEMAS["part"], {"sets": [outlined_set(n) for n in LONG.plan.sets_of(3)]})
    assert accepts(SCHEMAS["set"], set_answer(SHORT.plan, 2))
    assert accepts(SCHEMAS["last set"], set_answer(SHORT.plan, 3))


def test_counts_are_fixed() -> None:
    """One set, part or segment more or fewer is not accepted."""
    for name, key, answer in (
        ("outline", "sets", outline_answer(SHORT)),
        ("outline with parts", "parts", outline_answer(LONG)),
        ("set", "segments", set_answer(SHORT.plan, 2)),
    ):
        entries = answer[key]
        assert not accepts(SCHEMAS[name], {**answer, key: entries[:-1]})
        assert not accepts(SCHEMAS[name], {**answer, key: [*entries, entries[-1]]})


def test_only_the_last_set_can_end_the_story() -> None:
    """The transition "end" is not even offered before."""
    answer = set_answer(SHORT.plan, 2)
    answer["segments"][-1]["transition"] = "end"
    assert not accepts(SCHEMAS["set"], answer)


def test_only_the_roster_can_speak() -> None:
    """Ids of others are not offered."""
    answer = set_answer(SHORT.plan, 2)
    answer["segments"][1]["dialogue"][0]["character_id"] = "nobody"
    assert not accepts(SCHEMAS["set"], answer)


def test_a_roster_of_more_than_five_is_asked_for_when_a_person_brings_more() -> None:
    """Whom the person gave is never too many."""
    request = request_of(characters=[{"name": f"Own {number}"} for number in range(7)])
    properties = json.loads(outline_schema(request, plan=request.plan).json_schema)["properties"]
    assert (7, 7) == (properties["characters"]["minItems"], properties["characters"]["maxItems"])


def test_a_roster_that_is_missing_still_gives_a_valid_schema() -> None:
    """A result that was sent back may come without one."""
    metadata = metadata_for(SHORT).model_copy(update={"characters_roster": ()})
    schema = set_schema(metadata, plan=SHORT.plan, set_number=2)
    jsonschema.Draft202012Validator.check_schema(json.loads(schema.json_schema))


def test_the_same_arguments_give_the_same_text() -> None:
    """Schemas are part of what a request is known by."""
    assert SCHEMAS["set"] == set_schema(metadata_for(SHORT), plan=SHORT.plan, set_number=2)
    assert ("story_outline", "story_outline_part", "story_set") == tuple(
        SCHEMAS[name].name for name in ("outline", "part", "set")
    )
