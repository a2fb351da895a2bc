"""The client against the description of the API: each call is one that the server knows, and none is missing."""

import inspect
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema
import pytest

from client import calls
from client.call import IDEMPOTENCY_KEY, Call
from sessions.commands import RetryItem, RetryRequest
from sessions.costs import CostBy
from sessions.estimates import ImageEstimateRequest, StoryEstimateRequest
from sessions.exports import ExportFormat
from sessions.images import ImageSessionRequest
from sessions.outlines import OutlineDecision
from sessions.rates import RatesChange
from sessions.statuses import SessionKind, SessionStatus
from sessions.steering import RetakeRequest
from sessions.stories import StorySessionRequest
from tests.unit.api.in_memory import InMemory, application

ID = "ses-aaaabbbbccccdddd"
IMAGES = {
    "product": {"title": "Steel bottle", "features": ["Leak-proof"]},
    "images": [{"type": "main"}],
    "budget_usd": 2,
}
STORY = {"idea": "A heist", "total_segments": 20, "characters": [{"name": "Ada"}], "approve_outline": True}

NOT_CALLED = {
    ("POST", "/api/generate-movie-auto"),
    ("POST", "/api/retry-failed-story-sets"),
}
"""They hold the connection until a story is written: `start_story`, `watch` and `result` do the same, in parts."""


def examples(picture: Path) -> list[Call[Any]]:
    """Return every call with all that it can carry, and where a body may be left out, without one."""
    return [
        calls.start_images(ImageSessionRequest.model_validate(IMAGES)),
        calls.start_story(StorySessionRequest.model_validate(STORY)),
        calls.sessions(kind=SessionKind.STORY, status=SessionStatus.FAILED, title="a & b", limit=5, cursor="abc"),
        calls.session(ID),
        calls.attempts(ID),
        calls.deliveries(ID),
        calls.retry(ID),
        calls.retry(ID, RetryRequest(items=(RetryItem(key="main", note="brighter"),), max_attempts=5)),
        calls.retake(ID, "main"),
        calls.retake(ID, "main", RetakeRequest(note="brighter", from_previous=True)),
        calls.select(ID, "main", attempt=2),
        calls.versions(ID, "main"),
        calls.content(ID, "main", attempt=2),
        calls.pause(ID),
        calls.resume(ID),
        calls.delete(ID),
        calls.cancel(ID),
        calls.cancel(ID, items=["main"]),
        calls.set_budget(ID, budget_usd=2.5),
        calls.set_budget(ID, budget_usd=None),
        calls.outline(ID),
        calls.decide_on_outline(ID, OutlineDecision(approve=True)),
        calls.story(ID),
        calls.result(ID),
        calls.export(ID, ExportFormat.PDF),
        calls.archive(ID),
        calls.upload(picture),
        calls.estimate(ImageEstimateRequest.model_validate({**IMAGES, "kind": "images"})),
        calls.estimate(StoryEstimateRequest.model_validate({**STORY, "kind": "story"})),
        calls.costs(begin="2026-11-01", end="2026-11-30", by=CostBy.MODEL, limit=5, cursor="abc"),
        calls.prices(),
        calls.rates(),
        calls.change_rates(RatesChange(images_per_minute=30.0)),
        calls.try_callback(),
        calls.try_callback("https://example.com/hook"),
    ]


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    return application(InMemory()).openapi()


@pytest.fixture
def all_calls(tmp_path: Path) -> list[Call[Any]]:
    picture = tmp_path / "front.png"
    picture.write_bytes(b"a picture")
    return examples(picture)


def test_every_function_of_the_client_has_an_example(all_calls: list[Call[Any]]) -> None:
    """A call that is added has to be held against the description, too."""
    functions = {
        name
        for name, function in inspect.getmembers(calls, inspect.isfunction)
        if function.__module__ == calls.__name__ and not name.startswith("_")
    } - {"session_path"}
    named = set(re.findall(r"calls\.(\w+)\(", inspect.getsource(examples)))

    assert functions == named
    assert len(all_calls) >= len(functions)


def test_every_call_is_an_operation_of_the_api(all_calls: list[Call[Any]], description: dict[str, Any]) -> None:
    """Method, path, query, headers and body of each call are what the description says the server takes."""
    for call in all_calls:
        path, operation = operation_of(call, description)
        check_parameters(call, path=path, operation=operation, description=description)
        check_body(call, operation=operation, description=description)


def test_every_answer_is_read_as_what_the_api_gives(all_calls: list[Call[Any]], description: dict[str, Any]) -> None:
    """The model that a call reads its answer as has the name of the schema that is described, or it reads bytes."""
    for call in all_calls:
        path, operation = operation_of(call, description)
        success = next(answer for status, answer in operation["responses"].items() if status.startswith("2"))
        schema = success.get("content", {}).get("application/json", {}).get("schema", {})
        described = schema.get("$ref", "").rpartition("/")[2]
        model = getattr(call.read, "__self__", None)
        if described:
            assert model is not None, path
            assert described == model.__name__, path
        else:
            assert model is None or path.endswith("/story"), path


def test_every_operation_of_the_api_has_a_call(all_calls: list[Call[Any]], description: dict[str, Any]) -> None:
    """What the API can do, the client can, but for what is named here with the reason."""
    called = {(call.method, operation_of(call, description)[0]) for call in all_calls}
    watched = {("GET", "/api/sessions/{session_id}/events")}
    operations = {
        (method.upper(), path)
        for path, methods in description["paths"].items()
        if path.startswith("/api/")
        for method in methods
    }

    assert operations == called | watched | NOT_CALLED


def test_what_begins_something_is_never_begun_twice(all_calls: list[Call[Any]], description: dict[str, Any]) -> None:
    """Every call whose operation takes an Idempotency-Key carries one, and each call another."""
    keys = []
    for call in all_calls:
        _, operation = operation_of(call, description)
        takes_one = any(parameter["name"] == IDEMPOTENCY_KEY for parameter in operation.get("parameters", ()))
        assert takes_one == (IDEMPOTENCY_KEY in call.headers), call
        keys += [call.headers[IDEMPOTENCY_KEY]] if takes_one else []
    assert len(keys) == len(set(keys))


def test_a_given_key_is_kept() -> None:
    """Whoever brings a key decides what counts as the same start."""
    call = calls.start_images(ImageSessionRequest.model_validate(IMAGES), idempotency_key="night-17")
    assert "night-17" == call.headers[IDEMPOTENCY_KEY]


def test_what_was_not_given_is_not_sent() -> None:
    """Defaults are the server's: a field that nobody set is left out, so that an older server need not know it."""
    call = calls.start_images(ImageSessionRequest.model_validate({"product": {"title": "Steel bottle"}}))
    assert {"product": {"title": "Steel bottle"}} == json.loads(call.body or b"")


def test_ids_cannot_lead_elsewhere() -> None:
    """An id is one part of a path, whatever it holds."""
    assert "/api/sessions/a%2F..%3Fb/attempts" == calls.attempts("a/..?b").path


def operation_of(call: Call[Any], description: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the operation that a call stands for, a path without parameters before one with some."""
    for path in sorted(description["paths"], key=lambda path: path.count("{")):
        pattern = re.sub(r"\{\w+\}", "([^/]+)", path)
        if re.fullmatch(pattern, call.path) and call.method.lower() in description["paths"][path]:
            return path, description["paths"][path][call.method.lower()]
    raise AssertionError(f"the API has no {call.method} {call.path}")


def check_parameters(call: Call[Any], *, path: str, operation: dict[str, Any], description: dict[str, Any]) -> None:
    """Hold what stands in path, query and headers against the parameters of an operation."""
    parameters = {(one["in"], one["name"].lower()): one for one in operation.get("parameters", ())}
    names = re.findall(r"\{(\w+)\}", path)
    match = re.fullmatch(re.sub(r"\{\w+\}", "([^/]+)", path), call.path)
    assert match is not None
    sent = [("path", name, unquote(value)) for name, value in zip(names, match.groups(), strict=True)]
    sent += [("query", name, value) for name, value in call.query.items()]
    sent += [("header", name, value) for name, value in call.headers.items() if name != "Content-Type"]
    for place, name, value in sent:
        assert (place, name.lower()) in parameters, f"{call.method} {path} takes no {name}"
        schema = parameters[place, name.lower()]["schema"]
        is_number = "integer" in json.dumps(schema)
        validate(int(value) if is_number else value, schema=schema, description=description)
    required = {key for key, one in parameters.items() if one.get("required")}
    assert required <= {(place, name.lower()) for place, name, _ in sent}


def check_body(call: Call[Any], *, operation: dict[str, Any], description: dict[str, Any]) -> None:
    """Hold the body of a call against what an operation takes."""
    taken = operation.get("requestBody", {"content": {}})
    if call.picture is not None:
        assert ["multipart/form-data"] == list(taken["content"])
    elif call.body is not None:
        assert "application/json" == call.headers["Content-Type"]
        schema = taken["content"]["application/json"]["schema"]
        validate(json.loads(call.body), schema=schema, description=description)
    else:
        assert not taken.get("required", False)


def validate(value: object, *, schema: dict[str, Any], description: dict[str, Any]) -> None:
    """Hold a value against a schema of the description."""
    whole = {**schema, "components": description["components"]}
    jsonschema.Draft202012Validator(whole).validate(value)
