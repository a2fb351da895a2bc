"""Limits over HTTP: shown and changed, and nonsense refused."""

import httpx2
import pytest

from tests.unit.api.in_memory import InMemory

PATH = "/api/rates"


async def test_a_limit_is_shown_with_where_it_comes_from(client: httpx2.AsyncClient) -> None:
    """Without a limit there is no burst to name."""
    response = await client.get(PATH)

    assert (200, "no-store") == (response.status_code, response.headers["Cache-Control"])
    assert {"limit": None, "source": "setting", "burst": None, "backlog": 0} == response.json()["images_per_minute"]


async def test_a_limit_is_changed_and_taken_back(client: httpx2.AsyncClient) -> None:
    """The answer says what holds from now on; null gives the setting its say again."""
    changed = await client.put(PATH, json={"images_per_minute": 30})
    shown = await client.get(PATH)
    taken_back = await client.put(PATH, json={"images_per_minute": None})

    assert {"limit": 30.0, "source": "changed", "burst": 2, "backlog": 0} == changed.json()["images_per_minute"]
    assert shown.json() == changed.json()
    assert (None, "setting") == tuple(taken_back.json()["images_per_minute"][key] for key in ("limit", "source"))


@pytest.mark.parametrize(
    "body",
    [
        '{"images_per_minute": 0}',
        '{"images_per_minute": -1}',
        '{"images_per_minute": 60001}',
        '{"images_per_minute": "30"}',
        '{"images_per_minute": true}',
        '{"images_per_minute": NaN}',
        '{"images_per_minute": Infinity}',
        '{"images_per_minute": [30]}',
        '{"images_per_hour": 30}',
        '{"images_per_minute": 30, "texts_per_minute": 30}',
        "{}",
    ],
)
async def test_nonsense_is_refused_and_changes_nothing(client: httpx2.AsyncClient, body: str) -> None:
    """No limit is taken that could not be meant."""
    refused = await client.put(PATH, content=body, headers={"Content-Type": "application/json"})
    shown = await client.get(PATH)

    assert (422, None) == (refused.status_code, shown.json()["images_per_minute"]["limit"])


async def test_a_limit_that_cannot_be_reached_is_said_to_be(memory: InMemory, client: httpx2.AsyncClient) -> None:
    """With Temporal down neither call pretends to know."""
    memory.is_down = True

    assert [503, 503] == [
        (await client.get(PATH)).status_code,
        (await client.put(PATH, json={"images_per_minute": 30})).status_code,
    ]
