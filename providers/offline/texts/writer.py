"""Writing what a prompt asks for: the documents of a story by the names of their schemas, anything else by its form.

Whatever language is asked for, it writes English.
"""

import json
from collections.abc import Mapping

from pydantic import BaseModel

from providers.offline.decisions import prompt_sha256
from providers.offline.faults import InvalidSet
from providers.offline.texts.briefs import Known, read_outline, read_part, read_set
from providers.offline.texts.generator import document_for, sentence_for
from providers.offline.texts.outlines import write_outline, write_part
from providers.offline.texts.people import MOST
from providers.offline.texts.requests import JsonSchema
from providers.offline.texts.scripts import write_set
from providers.offline.texts.spoiling import spoilt_outline, spoilt_set
from providers.offline.texts.strict import resolved

_MOST_ENTRIES = 10_000
_MOST_BEATS = 5
_FEWEST_BEATS = 2
_ENTRIES = "*"


def written(prompt: str, *, asked: JsonSchema | None, wants_object: bool, invalid: InvalidSet | None) -> str:
    """Return what is written for a prompt: the same prompt and schema always give the same text.

    Args:
        prompt: the whole text of the request.
        asked: the schema of the answer, None where any text will do.
        wants_object: without a schema, write some JSON object.
        invalid: break the rules of a story; what is no story stays as it is.

    Raises:
        ApiError: the schema has no document.
    """
    if asked is None:
        sentence = sentence_for(prompt)
        return _json({"answer": sentence}) if wants_object else sentence
    schema = asked.json_schema
    parts_of = {
        ("story_outline", "sets"): _outline,
        ("story_outline", "parts"): _outline,
        ("story_outline_part", "sets"): _part,
        ("story_set", "segments"): _set,
    }
    for (name, content), write in parts_of.items():
        if asked.name == name and _node(schema, content):
            return write(prompt, schema, invalid).model_dump_json()
    return _json(document_for(schema, prompt=prompt))


def _outline(prompt: str, schema: Mapping[str, object], invalid: InvalidSet | None) -> BaseModel:
    brief = read_outline(prompt)
    outline = write_outline(
        brief,
        sets=_count(schema, "sets", otherwise=brief.total_sets),
        parts=_count(schema, "parts", otherwise=brief.total_parts) if _node(schema, "parts") else 0,
        most_beats=_most_beats(schema),
        most_characters=_limit(schema, "characters", otherwise=MOST),
        seed=prompt_sha256(prompt),
    )
    return spoilt_outline(outline) if invalid else outline


def _part(prompt: str, schema: Mapping[str, object], invalid: InvalidSet | None) -> BaseModel:
    brief = read_part(prompt)
    sets = _count(schema, "sets", otherwise=brief.last_set - brief.first_set + 1)
    outline = write_part(brief, sets=sets, most_beats=_most_beats(schema), seed=prompt_sha256(prompt))
    return spoilt_outline(outline) if invalid else outline


def _set(prompt: str, schema: Mapping[str, object], invalid: InvalidSet | None) -> BaseModel:
    seed = prompt_sha256(prompt)
    brief = read_set(prompt)
    allowed = _node(schema, "segments", _ENTRIES, "dialogue", _ENTRIES, "character_id").get("enum")
    if isinstance(allowed, list):
        # The schema says for certain who is in the story; a trait of somebody may look like another entry.
        known = {person.id: person for person in brief.characters}
        brief = brief.with_characters(known.get(str(one)) or Known(str(one), str(one).title()) for one in allowed)
    count = _count(schema, "segments", otherwise=brief.last_segment - brief.first_segment + 1)
    document = write_set(brief, segments=count, seed=seed)
    return spoilt_set(document, brief=brief, what=invalid.what, seed=seed) if invalid else document


def _most_beats(schema: Mapping[str, object]) -> int:
    return max(_limit(schema, "sets", _ENTRIES, "beats", otherwise=_MOST_BEATS), _FEWEST_BEATS)


def _count(schema: Mapping[str, object], *path: str, otherwise: int) -> int:
    """Return how many entries a list must have."""
    least = _node(schema, *path).get("minItems")
    count = least if isinstance(least, int) and least > 0 else otherwise
    return min(max(count, 1), _MOST_ENTRIES)


def _limit(schema: Mapping[str, object], *path: str, otherwise: int) -> int:
    """Return how many entries a list may have."""
    most = _node(schema, *path).get("maxItems")
    return most if isinstance(most, int) and most > 0 else otherwise


def _node(schema: Mapping[str, object], *path: str) -> Mapping[str, object]:
    """Return the schema of a property, of the entries of a list, and so on down; empty where there is none."""
    node: object = schema
    for step in path:
        if not isinstance(node, Mapping):
            return {}
        inside: object = node.get("items") if step == _ENTRIES else node.get("properties")
        node = inside if step == _ENTRIES else inside.get(step) if isinstance(inside, Mapping) else None
        if isinstance(node, Mapping) and "$ref" in node:
            node = resolved(node["$ref"], root=schema)
    return node if isinstance(node, Mapping) else {}


def _json(document: object) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
