"""Judging schemas as strict structured output does."""

from typing import Any

import pytest

from providers.offline.errors import ApiError
from providers.offline.texts.strict import judge

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}


def an_object(**properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def nested(levels: int) -> Schema:
    schema = an_object(deepest=TEXT)
    for _ in range(levels):
        schema = an_object(inner=schema)
    return schema


@pytest.mark.parametrize(
    "schema",
    [
        an_object(),
        an_object(title=TEXT, tags={"type": "array", "items": TEXT, "minItems": 7, "maxItems": 15}),
        an_object(mood={"type": "string", "enum": ["calm", "wild"]}, fixed={"const": 1}),
        an_object(maybe={"type": ["string", "null"]}, other={"anyOf": [TEXT, {"type": "null"}]}),
        {**an_object(inner={"$ref": "#/$defs/Inner"}), "$defs": {"Inner": an_object(again={"$ref": "#"})}},
    ],
    ids=str,
)
def test_strict_schema_is_taken(schema: Schema) -> None:
    """What strict mode takes is taken."""
    judge(schema, name="story", param="text.format.schema")


@pytest.mark.parametrize(
    ("schema", "place", "problem"),
    [
        (TEXT, "its root", "'object'"),
        ({"anyOf": [an_object()]}, "its root", "'object'"),
        ({**an_object(a=TEXT), "additionalProperties": True}, "its root", "additionalProperties"),
        ({"type": "object", "properties": {}, "required": []}, "its root", "additionalProperties"),
        ({"type": "object", "properties": {}, "additionalProperties": False}, "its root", "'required'"),
        ({**an_object(a=TEXT, b=TEXT), "required": ["a"]}, "its root", "'b' is missing"),
        ({**an_object(a=TEXT), "required": ["a", "c"]}, "its root", "'c', which is no property"),
        ({**an_object(), "required": [{}]}, "its root", "which is no property"),
        (an_object(a={"type": "array"}), "properties.a", "'items'"),
        (an_object(a={"type": "array", "items": {"type": "object"}}), "properties.a.items", "additionalProperties"),
        (an_object(a={}), "properties.a", "'type'"),
        (an_object(a={"type": "text"}), "properties.a", "'type'"),
        (an_object(a={"type": "string", "default": "x"}), "properties.a", "'default'"),
        (an_object(a={"oneOf": [TEXT]}), "properties.a", "'oneOf'"),
        (an_object(a={"anyOf": [TEXT, {"type": "object"}]}), "properties.a.anyOf.1", "additionalProperties"),
        (an_object(a={"anyOf": []}), "properties.a", "'anyOf'"),
        (an_object(a={"type": "string", "enum": []}), "properties.a", "'enum'"),
        (an_object(a={"type": "integer", "enum": list(range(1001))}), "its root", "1001 enum values"),
        (an_object(a={"$ref": "#/$defs/B"}), "properties.a", "leads nowhere"),
        (an_object(a={"$ref": "#", "description": "x"}), "properties.a", "'description'"),
        ({**an_object(), "$defs": {"B": {"type": "object"}}}, "$defs.B", "additionalProperties"),
        ({**an_object(), "$defs": []}, "$defs", "object"),
        ({**an_object(), "properties": []}, "its root", "'properties'"),
        (an_object(**{f"p{number}": TEXT for number in range(5001)}), "its root", "5001 properties"),
        (nested(10), "inner", "10 levels"),
        (nested(500), "inner", "10 levels"),
        ({**an_object(a=TEXT), "properties": {"a": True}}, "properties.a", "JSON object"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_loose_schema_is_refused(schema: Schema, place: str, problem: str) -> None:
    """The error is a 400 that names the schema, the place in it, and what to change."""
    with pytest.raises(ApiError) as caught:
        judge(schema, name="story", param="text.format.schema")
    detail = caught.value.detail

    assert (400, "text.format.schema", "invalid_json_schema") == (caught.value.status, detail.param, detail.code)
    assert "'story'" in detail.message
    assert place in detail.message
    assert problem in detail.message
