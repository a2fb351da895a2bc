"""Server-sent events over a real connection."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass

import pytest

from sessions.images import ImageSessionRequest
from sessions.state import SessionState
from tests.support.eventually import eventually
from tests.unit.api.in_memory import InMemory, application
from tests.unit.api.serving import served

REQUEST = ImageSessionRequest.model_validate({"product": {"title": "Steel bottle"}})


@dataclass(frozen=True, kw_only=True)
class Event:
    """One event as a browser would see it."""

    name: str
    data: str
    id: str


async def events_of(lines: AsyncIterator[str]) -> AsyncGenerator[Event, None]:
    """Yield the events of a stream."""
    fields: dict[str, str] = {}
    async for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            yield Event(name=fields.get("event", "message"), data=fields["data"], id=fields.get("id", ""))
            fields = {}


@pytest.fixture
def memory() -> InMemory:
    return InMemory()


@pytest.fixture
def state(memory: InMemory) -> SessionState:
    return memory.begin(REQUEST)


async def test_a_stream_tells_the_session_at_once_at_every_change_and_ends(
    memory: InMemory, state: SessionState
) -> None:
    """The whole session comes with its version as id; `end` follows when the workflow has closed."""
    async with served(application(memory)) as (_, client):
        async with client.stream("GET", f"/api/sessions/{state.id}/events") as stream:
            events = events_of(stream.aiter_lines())
            first = await anext(events)
            assert ("session", str(state.revision)) == (first.name, first.id)
            assert 5 == json.loads(first.data)["counts"]["pending"]
            state = memory.complete(state, key="main", data=b"picture")
            await memory.tell()
            second = await anext(events)
            assert 1 == json.loads(second.data)["counts"]["complete"]
            assert int(second.id) > int(first.id)
            memory.close(state)
            await memory.tell()
            assert ["session", "end"] == [event.name async for event in events]
        assert "text/event-stream" in stream.headers["content-type"]
        assert "no-store" == stream.headers["cache-control"]
        assert "no" == stream.headers["x-accel-buffering"]


async def test_a_reconnecting_viewer_is_not_told_what_it_knows(memory: InMemory, state: SessionState) -> None:
    """Last-Event-ID names the version that was seen: the next thing told is the next change."""
    async with served(application(memory)) as (_, client):
        headers = {"Last-Event-ID": str(state.revision)}
        async with client.stream("GET", f"/api/sessions/{state.id}/events", headers=headers) as stream:
            events = events_of(stream.aiter_lines())
            await eventually(lambda: memory.viewers == 1)
            memory.complete(state, key="main", data=b"picture")
            await memory.tell()
            assert 1 == json.loads((await anext(events)).data)["counts"]["complete"]


async def test_whoever_saw_a_stale_state_is_told_when_it_is_confirmed(memory: InMemory, state: SessionState) -> None:
    """Its version may stay the same. A viewer whose connection breaks meanwhile does not take it for all there is."""
    memory.is_stale = True
    ids: list[str] = []
    async with served(application(memory)) as (_, client):
        async with client.stream("GET", f"/api/sessions/{state.id}/events") as stream:
            async for line in stream.aiter_lines():
                if line.startswith("id: "):
                    ids.append(line.removeprefix("id: "))
                    if len(ids) == 2:
                        break
        memory.is_stale = False
        headers = {"Last-Event-ID": ids[-1]}
        async with client.stream("GET", f"/api/sessions/{state.id}/events", headers=headers) as stream:
            told = json.loads((await anext(events_of(stream.aiter_lines()))).data)

    assert str(state.revision) == ids[0]
    assert (state.revision, False) == (told["version"], told["stale"])


@pytest.mark.parametrize("nonsense", ["", "abc", "-1", "9" * 400, "1.5"])
async def test_a_senseless_last_event_id_is_as_good_as_none(
    memory: InMemory, state: SessionState, nonsense: str
) -> None:
    """What is no version is passed over, as browsers send back whatever they were given."""
    async with served(application(memory)) as (_, client):
        headers = {"Last-Event-ID": nonsense}
        async with client.stream("GET", f"/api/sessions/{state.id}/events", headers=headers) as stream:
            assert "session" == (await anext(events_of(stream.aiter_lines()))).name


async def test_an_unknown_session_is_refused_before_the_stream_begins(memory: InMemory) -> None:
    """A stream that has begun could no longer answer 404."""
    async with served(application(memory)) as (_, client):
        response = await client.get("/api/sessions/ses-aaaaaaaaaaaaaaaa/events")
        assert 404 == response.status_code
        assert "application/problem+json" == response.headers["content-type"]


async def test_a_viewer_who_leaves_is_watched_for_no_longer(memory: InMemory, state: SessionState) -> None:
    """Closing the connection closes the watcher's iterator."""
    async with served(application(memory)) as (_, client):
        async with client.stream("GET", f"/api/sessions/{state.id}/events") as stream:
            await anext(events_of(stream.aiter_lines()))
            assert 1 == memory.viewers
        await eventually(lambda: memory.viewers == 0)
        assert "retakes_event_streams 0.0" in (await client.get("/metrics")).text


async def test_an_open_stream_does_not_hold_up_the_shutdown(
    memory: InMemory, state: SessionState, caplog: pytest.LogCaptureFixture
) -> None:
    """The stream ends whole, the process ends quickly, and nobody is told of an error."""
    async with (
        served(application(memory)) as (server, client),
        client.stream("GET", f"/api/sessions/{state.id}/events") as stream,
    ):
        events = events_of(stream.aiter_lines())
        await anext(events)
        began = asyncio.get_running_loop().time()
        server.should_exit = True
        assert [] == [event async for event in events]
        await eventually(lambda: not server.server_state.connections)
        assert asyncio.get_running_loop().time() - began < 2
    assert 0 == memory.viewers
    assert [] == [record.message for record in caplog.records if record.levelno >= logging.WARNING]
