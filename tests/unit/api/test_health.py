import asyncio

import httpx2

from tests.unit.api.in_memory import InMemory, application, client_of


async def answers() -> None:
    """A check that succeeds."""


async def refuses() -> None:
    """A check that fails, with what nobody outside should read."""
    raise ConnectionError("connection to 10.1.2.3 refused")


async def hangs() -> None:
    """A check that never comes back."""
    await asyncio.Event().wait()


async def test_ready_asks_everything_that_is_needed(memory: InMemory) -> None:
    """200 when all answer; 503 with what does not, within two seconds and without addresses."""
    app = application(memory)
    async with client_of(app) as client:
        app.state.backend.checks = {"temporal": answers, "records": answers}
        ready = await client.get("/health/ready")
        assert (200, {"temporal": "ok", "records": "ok"}) == (ready.status_code, ready.json()["checks"])
        app.state.backend.checks = {"temporal": hangs, "records": refuses}
        async with asyncio.timeout(2):
            unready = await client.get("/health/ready")
    assert 503 == unready.status_code
    assert "not ready" == unready.json()["status"]
    assert {"temporal": "does not answer", "records": "does not answer"} == unready.json()["checks"]


async def test_live_needs_nothing(client: httpx2.AsyncClient, memory: InMemory) -> None:
    """A process whose database is away is not to be restarted for that."""
    memory.is_down = True
    assert 200 == (await client.get("/health/live")).status_code


async def test_metrics_tell_requests_by_route_and_what_the_records_hold(client: httpx2.AsyncClient) -> None:
    """Routes are templates, so that their number is bounded; sessions and attempts are counted by what they are."""
    for session in ("ses-aaaaaaaaaaaaaaaa", "ses-bbbbbbbbbbbbbbbb"):
        await client.get(f"/api/sessions/{session}")
    await client.get("/nothing")
    await client.request("BREW", "/api/sessions")
    text = (await client.get("/metrics")).text
    assert (
        'retakes_http_request_duration_seconds_count{method="GET",route="/api/sessions/{session_id}",status="404"} 2.0'
        in text
    )
    assert 'method="GET",route="unmatched",status="404"' in text
    assert 'method="other",route="/api/sessions",status="405"' in text
    assert 'retakes_sessions{kind="images",status="partial"} 1.0' in text
    assert 'retakes_attempts{error_type="content",status="failed"} 3.0' in text
    assert 'retakes_attempts{error_type="",status="complete"} 9.0' in text
    assert "retakes_records_up 1.0" in text


async def test_a_scrape_survives_the_records(client: httpx2.AsyncClient, memory: InMemory) -> None:
    """With the records down, the rest is still told, and that they are."""
    memory.is_down = True
    response = await client.get("/metrics")
    assert 200 == response.status_code
    assert "retakes_records_up 0.0" in response.text
    assert "retakes_sessions{" not in response.text
    assert "retakes_event_streams" in response.text
