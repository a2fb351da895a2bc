"""The seed's two calls as HTTP tells them."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.watch import Change
from sessions.identifiers import session_id_for
from sessions.state import SessionState
from sessions.stories import StorySessionRequest, set_key
from sessions.story_checks import story_set_of
from tests.support.eventually import eventually
from tests.unit.api.in_memory import InMemory, application, client_of
from tests.unit.api.serving import served
from tests.unit.sessions import story_examples as examples
from tests.unit.sessions.test_story_results import PLACES, json_values, written

GENERATE = "/generate-movie-auto"
RETRY = "/retry-failed-story-sets"
BOTH = ("", "/api")
RESULT: dict[str, Any] = json.loads(written())


def told(state: SessionState, *, memory: InMemory, failed: tuple[int, ...] = ()) -> SessionState:
    """Let a story be written as far as it can be."""
    request = memory.stories[state.id]
    outline = examples.outline_for(request)
    state = memory.write(state, key="outline", document=outline, title=outline.title)
    for number in range(1, request.plan.total_sets + 1):
        if number in failed:
            state = memory.fail(state, key=set_key(number))
            continue
        answer = json.dumps(examples.set_answer(request.plan, number))
        document = story_set_of(answer, metadata=outline.metadata, plan=request.plan, set_number=number)
        state = memory.write(state, key=set_key(number), document=document)
    return state


async def begun(memory: InMemory) -> SessionState:
    """Return the session that a waiting request has started, once it is watched."""
    await eventually(lambda: memory.viewers)
    return next(reversed(memory.states.values()))


@pytest.mark.parametrize("prefix", BOTH)
async def test_a_result_is_answered_when_the_round_has_settled(
    client: httpx2.AsyncClient, memory: InMemory, prefix: str
) -> None:
    """Not before, with the session's address, and 200 also when sets have failed."""
    body = {"idea": "A keeper", "total_segments": 25, "custom_character_roster": None}
    waiting = asyncio.create_task(client.post(prefix + GENERATE, json=body))
    state = await begun(memory)
    assert not waiting.done()
    told(state, memory=memory, failed=(2,))
    await memory.tell()
    response = await waiting
    assert 200 == response.status_code
    assert f"/api/sessions/{state.id}" == response.headers["location"]
    assert "preference-applied" not in response.headers
    result = response.json()
    assert (False, [2]) == (result["success"], result["retry_info"]["failed_sets"])
    assert "violence" in result["sets"][1]["error"]
    assert 0 == memory.viewers
    assert result == (await client.get(f"/api/sessions/{state.id}/result")).json()


async def test_all_that_can_be_asked_for_arrives(client: httpx2.AsyncClient, memory: InMemory) -> None:
    """The fields of the call are those of the session, with the seed's names."""
    roster = [{"name": "Ada", "description": "a keeper", "voice": "low"}]
    body = {"idea": "A keeper", "total_segments": 40, "segments_per_set": 8, "custom_character_roster": roster}
    response = await client.post(GENERATE, json=body, headers={"Prefer": "respond-async"})
    assert 202 == response.status_code
    asked = StorySessionRequest.model_validate(
        {"idea": "A keeper", "total_segments": 40, "segments_per_set": 8, "characters": roster}
    )
    assert [asked] == list(memory.stories.values())


WRONG_STARTS = {
    "no idea": ({}, "#/idea", "is required"),
    "blank idea": ({"idea": " "}, "#/idea", "blank"),
    "long idea": ({"idea": "x" * 100_001}, "#/idea", "100,000"),
    "no segments": ({"idea": "a", "total_segments": 0}, "#/total_segments", "at least 1"),
    "ten million segments": ({"idea": "a", "total_segments": 10_000_000}, "#/total_segments", "at most 10000"),
    "21 per set": ({"idea": "a", "segments_per_set": 21}, "#/segments_per_set", "at most 20"),
    "too many sets": ({"idea": "a", "total_segments": 2000, "segments_per_set": 1}, "#", "raise segments_per_set"),
    "unknown field": ({"idea": "a", "max_attempts": 3}, "#/max_attempts", "is no field"),
    "two Adas": ({"idea": "a", "custom_character_roster": [{"name": "Ada"}] * 2}, "#/custom_character_roster", "share"),
    "nobody": ({"idea": "a", "custom_character_roster": [{}]}, "#/custom_character_roster/0/name", "is required"),
}


@pytest.mark.parametrize(("body", "pointer", "words"), WRONG_STARTS.values(), ids=WRONG_STARTS.keys())
async def test_a_wrong_start_is_refused(
    client: httpx2.AsyncClient, memory: InMemory, body: dict[str, Any], pointer: str, words: str
) -> None:
    """The problem names the place, and nothing is started."""
    response = await client.post(GENERATE, json=body)
    assert 422 == response.status_code
    assert pointer in [error["pointer"] for error in response.json()["errors"]]
    assert words in response.json()["detail"]
    assert {} == memory.states


@pytest.mark.parametrize("path", [prefix + path for prefix in BOTH for path in (GENERATE, RETRY)])
async def test_keys_are_asked_for(path: str) -> None:
    """With keys set, the seed's calls need one like all others, wherever they are reached."""
    memory = InMemory()
    async with client_of(application(memory, keys=("k" * 32,))) as client:
        assert 401 == (await client.post(path, json={"idea": "a"})).status_code
        authorised = await client.post(
            path, json={"idea": "a"}, headers={"Authorization": f"Bearer {'k' * 32}", "Prefer": "respond-async"}
        )
    assert (202 if path.endswith(GENERATE) else 422) == authorised.status_code


@pytest.mark.parametrize("max_retries", [0, 11, -3, 1.0, "3", None, True, [], 10**100])
async def test_max_retries_outside_its_range(client: httpx2.AsyncClient, max_retries: object) -> None:
    """The seed's words, whatever else is wrong with the request."""
    for previous in (RESULT, {}):
        response = await client.post(RETRY, json={"previous_result": previous, "max_retries": max_retries})
        assert 400 == response.status_code
        assert "Max retries must be between 1 and 10" == response.json()["detail"]


WRONG_RETRIES = {
    "nothing": ("", 422, "no body"),
    "an empty object": ("{}", 422, "previous_result: is required"),
    "a list": ("[]", 422, "must be an object"),
    "no JSON": ("{previous", 400, "not valid JSON at character 1"),
    "a name alone": ('{"previous_result"}', 400, "expecting ':'"),
    "two values": ('{"max_retries": 1 2}', 400, "expecting ',' or '}'"),
    "something after the end": ('{"previous_result": {}} x', 400, "something follows"),
    "a list that breaks off": ("[1,", 400, "not valid JSON"),
    "NaN": ('{"previous_result": {"sets": NaN}}', 400, "NaN"),
    "a number of thousands of digits": ('{"max_retries": ' + "9" * 5000 + "}", 400, "not valid JSON"),
    "a deep one": ('{"previous_result": ' + "[" * 200_000 + "}", 400, "nested too deeply"),
    "an unknown field": ('{"previous_result": {}, "maxRetries": 3}', 422, "maxRetries: is no field"),
    "a result of another product": ('{"previous_result": {"id": 7}}', 422, "previous_result.sets: is required"),
    "a result that is a text": ('{"previous_result": "it went well"}', 422, "previous_result: must be an object"),
    "half a result": (f'{{"previous_result": {written().decode()[:900]}', 400, "not valid JSON"),
}


@pytest.mark.parametrize(("body", "status", "words"), WRONG_RETRIES.values(), ids=WRONG_RETRIES.keys())
async def test_a_wrong_retry_is_refused(
    client: httpx2.AsyncClient, memory: InMemory, body: str, status: int, words: str
) -> None:
    """Each with a problem that says what is wrong, and nothing is started."""
    response = await client.post(RETRY, content=body, headers={"Content-Type": "application/json"})
    assert status == response.status_code, response.text
    assert words in response.json()["detail"]
    assert {} == memory.states


async def test_a_changed_result_is_refused_with_the_place(client: httpx2.AsyncClient, memory: InMemory) -> None:
    """Edited by hand: the JSON pointer leads into the request's body."""
    changed = {**RESULT, "sets": [{**RESULT["sets"][0], "segments_count": 9}, *RESULT["sets"][1:]]}
    response = await client.post(RETRY, json={"previous_result": changed})
    assert 422 == response.status_code
    assert ["#/previous_result/sets/0/segments_count"] == [error["pointer"] for error in response.json()["errors"]]
    assert "previous_result.sets.0.segments_count: must be 10" in response.json()["detail"]
    assert {} == memory.states


async def test_the_body_has_to_be_json(client: httpx2.AsyncClient) -> None:
    """415 as elsewhere."""
    response = await client.post(RETRY, content=b"{}", headers={"Content-Type": "text/plain"})
    assert 415 == response.status_code
    latin = await client.post(RETRY, content=b'{"a\xe9":1}', headers={"Content-Type": "application/json"})
    assert (400, True) == (latin.status_code, "UTF-8" in latin.json()["detail"])


@pytest.mark.parametrize("prefix", BOTH)
async def test_a_result_may_have_32_mb(prefix: str) -> None:
    """Up to there it is read and judged; 50 MB are refused by their size."""
    async with served(application(InMemory())) as (_, client):
        headers = {"Content-Type": "application/json"}
        large = await client.post(prefix + RETRY, content=b'{"previous_result":' + b" " * (31 * 2**20), headers=headers)
        huge = await client.post(prefix + RETRY, content=b" " * (50 * 2**20), headers=headers)
    assert 400 == large.status_code
    assert 413 == huge.status_code


async def test_a_client_that_goes_is_not_waited_for(memory: InMemory) -> None:
    """Nobody watches any more once the client has closed its connection; the session stays."""
    async with served(application(memory)) as (_, client):
        waiting = asyncio.create_task(client.post(GENERATE, json={"idea": "A keeper"}))
        state = await begun(memory)
        waiting.cancel()
        await eventually(lambda: memory.viewers == 0)
    assert state.id in memory.states


async def test_wait_is_over_in_time(client: httpx2.AsyncClient, memory: InMemory) -> None:
    """After its seconds the session is told as it stands."""
    response = await client.post(GENERATE, json={"idea": "A keeper"}, headers={"Prefer": "wait=0"})
    assert (202, "wait=0") == (response.status_code, response.headers["preference-applied"])
    assert "pending" == response.json()["status"]
    assert 0 == memory.viewers


async def test_a_session_that_is_deleted_while_it_is_waited_for(
    client: httpx2.AsyncClient, memory: InMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wait ends with 404: there is nothing to wait for."""

    async def no_changes(*_args: object, **_named: object) -> AsyncIterator[Change]:
        if memory.is_down:
            yield Change(seen=await memory.seen(""), is_last=True)

    monkeypatch.setattr(memory, "changes", no_changes)
    assert 404 == (await client.post(GENERATE, json={"idea": "A keeper"})).status_code


async def test_a_store_that_is_down_is_told_before_the_answer_begins(
    client: httpx2.AsyncClient, memory: InMemory
) -> None:
    """Not in the middle of it: the status says so."""
    state = told(memory.begin_story(examples.request_of()), memory=memory)
    memory.stored = {key: data for key, data in memory.stored.items() if "set-01" not in key}
    response = await client.get(f"/api/sessions/{state.id}/result")
    assert 404 == response.status_code
    assert "no longer stored" in response.json()["detail"]


async def test_files_that_cannot_be_written_are_left_out(client: httpx2.AsyncClient, memory: InMemory) -> None:
    """The result names no file that is not there."""
    state = told(memory.begin_story(examples.request_of()), memory=memory)
    memory.files.is_down = True
    result = (await client.get(f"/api/sessions/{state.id}/result")).json()
    assert (True, [], None) == (result["success"], result["files_saved"], result["sets"][0]["file_path"])
    memory.files.is_down = False
    result = (await client.get(f"/api/sessions/{state.id}/result")).json()
    assert 4 == len(result["files_saved"])
    assert result["files_saved"][0].endswith("The_Last_Lamp_metadata.json")


async def test_the_calls_are_described(client: httpx2.AsyncClient) -> None:
    """Both addresses of both calls stand in the description, with the result and the body of a retry."""
    described = (await client.get("/api/openapi.json")).json()
    for prefix in BOTH:
        for path in (GENERATE, RETRY):
            call = described["paths"][prefix + path]["post"]
            schema = call["responses"]["200"]["content"]["application/json"]["schema"]
            assert {"$ref": "#/components/schemas/StoryResult"} == schema
            assert "requestBody" in call
            assert {"Idempotency-Key", "Prefer"} <= {one["name"] for one in call["parameters"]}
    assert "/api/sessions/{session_id}/result" in described["paths"]
    assert "StoryResult" in described["components"]["schemas"]


async def test_a_result_has_the_form_that_is_described(client: httpx2.AsyncClient, memory: InMemory) -> None:
    """Programs that hold an answer against the description find that it keeps to it, written or not."""
    described = (await client.get("/api/openapi.json")).json()
    form = {"$ref": "#/components/schemas/StoryResult", "components": described["components"]}
    state = told(memory.begin_story(examples.request_of()), memory=memory, failed=(2,))
    result = (await client.get(f"/api/sessions/{state.id}/result")).json()
    asked = {name: result["story_metadata"][name] for name in ("generation_info",)}
    for metadata in (result["story_metadata"], asked):
        jsonschema.Draft202012Validator(form).validate({**result, "story_metadata": metadata})
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(form).validate({**result, "story_metadata": {}})


async def test_a_document_of_a_story_has_the_type_that_is_described(
    client: httpx2.AsyncClient, memory: InMemory
) -> None:
    """What an item became is a picture or a document, and the description names both."""
    state = told(memory.begin_story(examples.request_of()), memory=memory)
    response = await client.get(f"/api/sessions/{state.id}/items/outline/content")
    described = (await client.get("/api/openapi.json")).json()
    operation = described["paths"]["/api/sessions/{session_id}/items/{key}/content"]["get"]
    assert response.headers["content-type"] in operation["responses"]["200"]["content"]


async def test_idempotency_keys_name_sessions(client: httpx2.AsyncClient, memory: InMemory) -> None:
    """A retry that is marked under its key is not made twice in the session that it was made in."""
    state = told(memory.begin_story(examples.request_of()), memory=memory, failed=(2,))
    previous = (await client.get(f"/api/sessions/{state.id}/result")).json()
    headers = {"Prefer": "respond-async", "Idempotency-Key": "k"}
    for _ in range(2):
        assert 202 == (await client.post(RETRY, json={"previous_result": previous}, headers=headers)).status_code
        if not memory.states[state.id].failed_items:
            memory.fail(memory.states[state.id], key="set-02")
    assert 1 == len(memory.retried)
    other = await client.post(RETRY, json={"previous_result": previous, "max_retries": 4}, headers=headers)
    assert 422 == other.status_code
    assert session_id_for("k") not in memory.states


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(PLACES), value=json_values)
async def test_nothing_sent_breaks_the_server(path: tuple[str | int, ...], value: object) -> None:
    """A result with anything at all in it is started from, answered, or refused: never a 500."""
    result = json.loads(written())
    target = result
    try:
        for part in path[:-1]:
            target = target[part]
        target[path[-1]] = value
    except (KeyError, IndexError, TypeError):
        return
    memory = InMemory()
    async with client_of(application(memory)) as client:
        response = await client.post(
            RETRY,
            content=json.dumps({"previous_result": result}),
            headers={"Content-Type": "application/json", "Prefer": "respond-async"},
        )
    assert response.status_code in (200, 202, 400, 422), response.text
    assert bool(memory.states) == (202 == response.status_code)
