"""JSON schemas of what a text model is asked for, in the strict form that providers enforce while it writes.

Strict means: every property is required and no other is allowed. Counts are fixed by minItems and maxItems; what
they let through all the same is judged by `sessions.story_checks`.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from sessions.model import Value
from sessions.scripts import StoryMetadata, Transition
from sessions.stories import StoryPlan, StorySessionRequest
from sessions.story_limits import BEATS_ASKED_FOR, HASHTAGS, roster_limits

OUTLINE_SCHEMA = "story_outline"
PART_SCHEMA = "story_outline_part"
SET_SCHEMA = "story_set"

_Node = Mapping[str, Any]
_TEXT: _Node = {"type": "string"}
_TEXT_OR_NOTHING: _Node = {"type": ["string", "null"]}
_CHARACTER_FIELDS = ("id", "name", "physical_appearance", "clothing", "personality", "role", "voice")


class Schema(Value):
    """A schema by its name. ``json_schema`` is JSON text; the same arguments always give the same text."""

    name: str
    json_schema: str


def outline_schema(request: StorySessionRequest, *, plan: StoryPlan) -> Schema:
    """Return the schema of a story's outline: with its sets, or with its parts where the story is long."""
    if plan.total_parts:
        divided = {
            "parts": _list_of(_texts("summary", "begins", "ends"), least=plan.total_parts, most=plan.total_parts)
        }
    else:
        divided = {"sets": _sets(plan.total_sets)}
    hashtags_least, hashtags_most = HASHTAGS
    roster_least, roster_most = roster_limits(len(request.characters))
    return _schema(
        OUTLINE_SCHEMA,
        {
            "title": _TEXT,
            "short_summary": _TEXT,
            "description": _TEXT,
            "hashtags": _list_of(_TEXT, least=hashtags_least, most=hashtags_most),
            "narrator_voice": _TEXT,
            "characters": _list_of(_texts(*_CHARACTER_FIELDS), least=roster_least, most=roster_most),
            **divided,
        },
    )


def part_schema(*, plan: StoryPlan, part_number: int) -> Schema:
    """Return the schema of the outline of one part of a long story."""
    return _schema(PART_SCHEMA, {"sets": _sets(len(plan.sets_of(part_number)))})


def set_schema(metadata: StoryMetadata, *, plan: StoryPlan, set_number: int) -> Schema:
    """Return the schema of one set. Only the roster's ids can speak, and only the last set can end the story."""
    numbers = plan.segments_of(set_number)
    character = _one_of([character.id for character in metadata.characters_roster])
    closes = set_number == plan.total_sets
    segment = _object(
        {
            "number": {"type": "integer", "enum": list(numbers)},
            "scene": _TEXT,
            "content_type": _one_of(["narration", "dialogue"]),
            "narration": _TEXT_OR_NOTHING,
            "dialogue": {"type": "array", "items": _object({"character_id": character, "line": _TEXT})},
            "characters_present": {"type": "array", "items": character},
            "camera": _TEXT,
            "background_definition": _TEXT,
            "music": _TEXT,
            "sound_effects": _TEXT,
            "mood": _TEXT,
            "transition": _one_of([name for name in get_args(Transition) if closes or name != "end"]),
        }
    )
    return _schema(SET_SCHEMA, {"segments": _list_of(segment, least=len(numbers), most=len(numbers))})


def _schema(name: str, properties: _Node) -> Schema:
    return Schema(name=name, json_schema=json.dumps(_object(properties), ensure_ascii=False))


def _sets(count: int) -> _Node:
    least, most = BEATS_ASKED_FOR
    outlined = _object({"beats": _list_of(_TEXT, least=least, most=most), "begins": _TEXT, "ends": _TEXT})
    return _list_of(outlined, least=count, most=count)


def _texts(*names: str) -> _Node:
    return _object(dict.fromkeys(names, _TEXT))


def _one_of(values: Sequence[str]) -> _Node:
    # An empty enum is no schema: a result that was sent back to us may come without a roster.
    return {"type": "string", "enum": list(values)} if values else _TEXT


def _list_of(items: _Node, *, least: int, most: int) -> _Node:
    return {"type": "array", "items": items, "minItems": least, "maxItems": most}


def _object(properties: _Node) -> _Node:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
