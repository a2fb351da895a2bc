"""Text requests as they come and as they are judged."""

from typing import Any

import pytest

from providers.offline.errors import ApiError
from providers.offline.texts.requests import TextRequest

SCHEMA: dict[str, Any] = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
LOOSE: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "string"}}}
DEEP: dict[str, Any] = {}
for _ in range(120):
    DEEP = {"anyOf": [DEEP]}


def rejected(path: str, **fields: object) -> ApiError:
    request = TextRequest(fields)
    with pytest.raises(ApiError) as caught:
        request.chat_parameters() if path == "chat" else request.responses_parameters()
    assert caught.value.status == 400
    return caught.value


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({}, "input", "missing_required_parameter"),
        ({"input": []}, "input", "invalid_value"),
        ({"input": 5}, "input", "invalid_value"),
        ({"input": [{"role": "wizard", "content": "a"}]}, "input.0.role", "invalid_value"),
        ({"input": [{"role": "user"}]}, "input.0.content", "missing_required_parameter"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image"}]}]},
            "input.0.content.0.type",
            "invalid_value",
        ),
        ({"input": "a", "max_tokens": 100}, "max_tokens", "unknown_parameter"),
        ({"input": "a", "response_format": {}}, "response_format", "unknown_parameter"),
        ({"input": "a", "max_output_tokens": 15}, "max_output_tokens", "invalid_value"),
        ({"input": "a", "temperature": 2.5}, "temperature", "invalid_value"),
        ({"input": "a", "stream": True}, "stream", "invalid_value"),
        ({"input": "a", "background": "yes, please"}, "background", "invalid_value"),
        ({"input": "a", "tools": [{"type": "web_search"}]}, "tools", "invalid_value"),
        ({"input": "a", "text": {"format": {"type": "json_schema"}}}, "text.format", "invalid_value"),
        (
            {"input": "a", "text": {"format": {"type": "json_schema", "name": "no blanks", "schema": SCHEMA}}},
            "text.format.name",
            "invalid_value",
        ),
        (
            {"input": "a", "text": {"format": {"type": "json_schema", "json_schema": {}}}},
            "text.format.json_schema",
            "unknown_parameter",
        ),
        (
            {"input": "a", "text": {"format": {"type": "json_schema", "name": "x", "schema": DEEP}}},
            "text.format.schema",
            "invalid_value",
        ),
        (
            {"input": "a", "text": {"format": {"type": "json_schema", "name": "x", "schema": LOOSE, "strict": True}}},
            "text.format.schema",
            "invalid_json_schema",
        ),
    ],
    ids=lambda value: str(value)[:80],
)
def test_wrong_parameter_of_responses_is_named(fields: dict[str, object], param: str, code: str) -> None:
    """The error is a 400 that names the parameter."""
    detail = rejected("responses", model="gpt-6-luna", **fields).detail

    assert (param, code) == (detail.param, detail.code)


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({}, "messages", "missing_required_parameter"),
        ({"messages": []}, "messages", "invalid_value"),
        ({"input": "a", "messages": [{"role": "user", "content": "a"}]}, "input", "unknown_parameter"),
        ({"messages": [{"role": "user", "content": "a"}], "n": 2}, "n", "invalid_value"),
        (
            {"messages": [{"role": "user", "content": "a"}], "response_format": {"type": "json_schema"}},
            "response_format",
            "invalid_value",
        ),
        (
            {
                "messages": [{"role": "user", "content": "a"}],
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "x", "schema": LOOSE, "strict": True},
                },
            },
            "response_format.json_schema.schema",
            "invalid_json_schema",
        ),
    ],
    ids=str,
)
def test_wrong_parameter_of_chat_is_named(fields: dict[str, object], param: str, code: str) -> None:
    """The error is a 400 that names the parameter."""
    detail = rejected("chat", model="gpt-6-luna", **fields).detail

    assert (param, code) == (detail.param, detail.code)


def test_model_is_required() -> None:
    """As by the real service, for texts."""
    assert rejected("responses", input="a").detail.param == "model"


def test_schema_that_is_not_strict_is_not_judged() -> None:
    """Only strict mode is particular."""
    chat_format = {"type": "json_schema", "json_schema": {"name": "x", "schema": LOOSE}}
    request = TextRequest(
        {"model": "m", "messages": [{"role": "user", "content": "a"}], "response_format": chat_format}
    )
    asked = request.chat_parameters().schema_asked

    assert asked is not None
    assert asked.json_schema == LOOSE


@pytest.mark.parametrize(
    ("fields", "prompt"),
    [
        ({"input": "write"}, "write"),
        ({"instructions": "Be brief.", "input": "write"}, "Be brief.\nwrite"),
        (
            {
                "input": [
                    {"role": "system", "content": "one"},
                    {
                        "role": "user",
                        "content": [{"type": "input_text", "text": "two"}, {"type": "input_text", "text": "three"}],
                    },
                ]
            },
            "one\ntwo\nthree",
        ),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "two"}]}]}, "two"),
        ({"input": [5, None, {"content": 5}, {"content": [5, {"text": 5}]}]}, None),
        ({"input": 5}, None),
        ({"input": "\ud800"}, "?"),
        ({}, None),
    ],
    ids=str,
)
def test_prompt_is_the_whole_text(fields: dict[str, object], prompt: str | None) -> None:
    """Instructions and messages, joined by line breaks; what cannot be read is passed over."""
    assert prompt == TextRequest(fields).asked.prompt
