"""DELETE, as routes answer it."""

import httpx2

from sessions.state import SessionState
from tests.unit.api.in_memory import InMemory


async def test_deleted(client: httpx2.AsyncClient, memory: InMemory, state: SessionState) -> None:
    """A session that has settled is gone after it, and the answer is empty."""
    (await client.post(f"/api/sessions/{state.id}/cancel")).raise_for_status()
    deleted = await client.delete(f"/api/sessions/{state.id}")

    assert (204, b"") == (deleted.status_code, deleted.content)
    assert 404 == (await client.delete(f"/api/sessions/{state.id}")).status_code
    assert state.id not in memory.states


async def test_refused(client: httpx2.AsyncClient, memory: InMemory, state: SessionState) -> None:
    """While something is being made nothing is deleted, and the answer says what to do."""
    refused = await client.delete(f"/api/sessions/{state.id}")

    assert (409, "application/problem+json") == (refused.status_code, refused.headers["content-type"])
    assert "Cancel it first" in refused.json()["detail"]
    assert state.id in memory.states


async def test_described(client: httpx2.AsyncClient) -> None:
    """Programs are told of it, and that a key can be spent."""
    paths = (await client.get("/api/openapi.json")).json()["paths"]
    assert {"204", "404", "409"} <= set(paths["/api/sessions/{session_id}"]["delete"]["responses"])
    assert "409" in paths["/api/sessions/images"]["post"]["responses"]
