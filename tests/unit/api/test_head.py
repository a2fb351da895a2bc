"""HEAD: what GET would answer, without the body."""

import httpx2
import pytest

from sessions.state import SessionState


@pytest.mark.parametrize(
    "path", ["/api/sessions", "/api/sessions/{id}", "/api/sessions/{id}/attempts", "/", "/api/costs"]
)
async def test_as_get(client: httpx2.AsyncClient, state: SessionState, path: str) -> None:
    """Status and headers are those of GET, the length of the body included."""
    address = path.format(id=state.id)
    got, headed = await client.get(address), await client.head(address)

    assert (200, b"") == (headed.status_code, headed.content)
    for name in ("content-type", "content-length"):
        assert got.headers[name] == headed.headers[name]


async def test_of_nothing(client: httpx2.AsyncClient) -> None:
    """What is not there is not there for HEAD either."""
    assert [404, 404] == [(await client.head(path)).status_code for path in ("/api/sessions/ses-a", "/api/nothing")]


@pytest.mark.parametrize("rest", ["events", "archive"])
async def test_what_is_not_made_to_be_thrown_away(client: httpx2.AsyncClient, state: SessionState, rest: str) -> None:
    """A stream would never end, and an archive be read whole."""
    assert 405 == (await client.head(f"/api/sessions/{state.id}/{rest}")).status_code


@pytest.mark.parametrize("rest", ["live", "story/live", "outline/live"])
async def test_what_a_page_follows(client: httpx2.AsyncClient, state: SessionState, rest: str) -> None:
    """The streams of pages would never end either."""
    assert 405 == (await client.head(f"/sessions/{state.id}/{rest}")).status_code


async def test_only_reading(client: httpx2.AsyncClient) -> None:
    """HEAD starts nothing, and finds nothing where only POST does."""
    assert 405 == (await client.head("/api/estimate")).status_code
