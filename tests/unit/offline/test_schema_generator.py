"""Documents for schemas that nobody here knows."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from providers.offline.errors import ApiError
from providers.offline.texts.generator import document_for
from providers.offline.texts.strict import judge

Schema = dict[str, Any]

EVERYTHING: Schema = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 200},
        "short": {"type": "string", "maxLength": 5},
        "when": {"type": "string", "format": "date-time"},
        "count": {"type": "integer", "minimum": 3, "exclusiveMaximum": 5},
        "share": {"type": "number", "minimum": 0.5, "maximum": 0.75},
        "below": {"type": "integer", "maximum": -4},
        "is_open": {"type": "boolean"},
        "nothing": {"type": "null"},
        "kind": {"enum": ["a", "b", None]},
        "fixed": {"const": {"deep": 1}},
        "maybe": {"anyOf": [{"type": "null"}, {"type": "string"}]},
        "either": {"type": ["null", "integer"]},
        "tags": {"type": "array", "items": {"type": "string"}, "minItems": 7, "maxItems": 15},
        "none": {"type": "array", "items": {"type": "string"}, "maxItems": 0},
        "tree": {"$ref": "#/$defs/Tree"},
        "loose": {},
    },
    "additionalProperties": False,
    "$defs": {
        "Tree": {
            "type": "object",
            "properties": {
                "children": {"type": "array", "items": {"$ref": "#/$defs/Tree"}},
                "parent": {"anyOf": [{"$ref": "#/$defs/Tree"}, {"type": "null"}]},
            },
            "additionalProperties": False,
        }
    },
}
EVERYTHING["required"] = list(EVERYTHING["properties"])


def test_document_fits_its_schema() -> None:
    """Numbers in their bounds, lists of their length, trees that end: a validator finds nothing wrong."""
    for number in range(50):
        Draft202012Validator(EVERYTHING).validate(document_for(EVERYTHING, prompt=f"prompt {number}"))


def test_same_prompt_gives_the_same_document() -> None:
    """And another prompt another one."""
    documents = [document_for(EVERYTHING, prompt=prompt) for prompt in ("a", "a", "b")]

    assert documents[0] == documents[1] != documents[2]


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"$ref": "#/$defs/Nowhere"},
        {"$ref": 5},
        {"type": "object", "properties": {"self": {"$ref": "#"}}},
        {"type": "array", "items": {"type": "string"}, "minItems": 10**9},
    ],
    ids=str,
)
def test_schema_without_a_document_is_a_bad_request(schema: Schema) -> None:
    """What never ends, leads nowhere or is too much is said to be wrong."""
    with pytest.raises(ApiError) as caught:
        document_for(schema, prompt="a")

    assert caught.value.detail.code == "invalid_json_schema"


KNOWN = {keyword for schema in (EVERYTHING, *EVERYTHING["properties"].values()) for keyword in schema}
KEYWORDS = st.sampled_from(sorted(KNOWN | {"a"}))
WORDS = st.sampled_from(["object", "array", "string", "integer", "number", "null", "boolean", "#", "#/$defs/a", "a"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYWORDS, inner, max_size=4),
    max_leaves=20,
)


@given(schema=st.dictionaries(KEYWORDS, VALUES, max_size=5))
def test_any_json_is_judged_and_answered(schema: Schema) -> None:
    """A schema that is none gets a document or a bad request, and never breaks the server."""
    with contextlib.suppress(ApiError):
        judge(schema, name="x", param="text.format.schema")
    with contextlib.suppress(ApiError):
        json.dumps(document_for(schema, prompt="a"))


def test_schema_that_is_judged_strict_has_a_valid_document() -> None:
    """Strict mode takes no schema that cannot be followed."""
    schema = {**EVERYTHING, "properties": {"tree": {"$ref": "#/$defs/Tree"}}, "required": ["tree"]}
    schema["$defs"] = {"Tree": {**schema["$defs"]["Tree"], "required": ["children", "parent"]}}
    judge(schema, name="x", param="text.format.schema")

    Draft202012Validator(schema).validate(document_for(schema, prompt="a"))
