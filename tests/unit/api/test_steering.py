"""Steering over HTTP: what is accepted, and what is refused in words that say how the session stands."""

from typing import Any

import httpx2
import pytest

from sessions.state import SessionState, item_started
from tests.unit.api.in_memory import MOMENT, InMemory


def _path(state: SessionState, rest: str) -> str:
    return f"/api/sessions/{state.id}/{rest}"


async def test_a_finished_item_is_retaken(memory: InMemory, state: SessionState, client: httpx2.AsyncClient) -> None:
    """The answer is the session in its next round; the version there is stays."""
    response = await client.post(_path(state, "items/main/retake"), json={"note": "At dusk."})

    view = response.json()
    assert (202, 2) == (response.status_code, view["round"])
    main = view["items"][0]
    assert ("main", "pending", 1) == (main["key"], main["status"], main["selected_attempt"])
    assert "At dusk." == memory.states[state.id].item("main").note


async def test_a_retake_needs_no_body(memory: InMemory, state: SessionState, client: httpx2.AsyncClient) -> None:
    """Once more, just so."""
    response = await client.post(_path(state, "items/main/retake"))

    assert 202 == response.status_code


async def test_a_version_is_chosen(memory: InMemory, state: SessionState, client: httpx2.AsyncClient) -> None:
    """The answer shows which one counts, and the list of versions marks it."""
    await client.post(_path(state, "items/main/retake"))
    memory.complete(memory.states[state.id], key="main", data=b"second picture", attempt=2)

    newest = (await client.get(_path(state, "items/main/versions"))).json()["versions"]
    response = await client.put(_path(state, "items/main/selected"), json={"attempt": 1})
    chosen = (await client.get(_path(state, "items/main/versions"))).json()["versions"]

    assert (202, 1) == (response.status_code, response.json()["items"][0]["selected_attempt"])
    assert [(1, False), (2, True)] == [(version["attempt"], version["is_selected"]) for version in newest]
    assert [(1, True), (2, False)] == [(version["attempt"], version["is_selected"]) for version in chosen]


async def test_a_session_is_paused_and_resumed(
    memory: InMemory, state: SessionState, client: httpx2.AsyncClient
) -> None:
    """Both answer with the session."""
    paused = await client.post(_path(state, "pause"))
    resumed = await client.post(_path(state, "resume"))

    assert [(202, True), (202, False)] == [
        (answer.status_code, answer.json()["paused"]) for answer in (paused, resumed)
    ]
    assert "Paused" in paused.json()["message"]


async def test_items_are_cancelled_by_name(memory: InMemory, state: SessionState, client: httpx2.AsyncClient) -> None:
    """The others go on."""
    response = await client.post(_path(state, "cancel"), json={"items": ["lifestyle"]})

    assert 202 == response.status_code
    assert (1, 2) == (response.json()["counts"]["cancelled"], response.json()["counts"]["pending"])


async def test_the_budget_is_set_and_lifted(memory: InMemory, state: SessionState, client: httpx2.AsyncClient) -> None:
    """In US dollars; null lifts it."""
    for amount, expected in ((0.5, 500_000), (None, None)):
        response = await client.put(_path(state, "budget"), json={"budget_usd": amount})
        assert 202 == response.status_code
        assert expected == memory.states[state.id].budget_microdollars


@pytest.mark.parametrize(
    ("method", "rest", "body", "status", "said"),
    [
        ("POST", "items/infographic_1/retake", {}, 409, "'infographic_1' is being made"),
        ("POST", "items/lifestyle/retake", {}, 409, "'lifestyle' is being made"),
        ("POST", "items/comparison/retake", {}, 409, "'comparison' has failed; retry it instead"),
        ("POST", "items/nowhere/retake", {}, 422, "There is no item 'nowhere'"),
        ("POST", "items/main/retake", {"note": "x", "prompt": "y"}, 422, "not both"),
        ("POST", "items/main/retake", {"surprise": 1}, 422, "surprise"),
        ("POST", "items/main/retake", {"prompt": "x" * 32_001}, 422, "prompt"),
        ("PUT", "items/main/selected", {"attempt": 2}, 422, "Attempts that can be selected: 1."),
        ("PUT", "items/comparison/selected", {"attempt": 3}, 422, "Attempts that can be selected: none."),
        ("PUT", "items/main/selected", {"attempt": 0}, 422, "attempt"),
        ("PUT", "items/main/selected", {"attempt": "1"}, 422, "attempt"),
        ("PUT", "items/main/selected", {}, 422, "attempt"),
        ("POST", "resume", None, 409, "not paused (it is processing)"),
        ("POST", "cancel", {"items": ["main"]}, 409, "'main' is complete already"),
        ("POST", "cancel", {"items": ["nowhere"]}, 422, "There is no item 'nowhere'"),
        ("POST", "cancel", {"items": []}, 422, "items"),
        ("PUT", "budget", {"budget_usd": 0.02}, 422, "has spent 0.021 US dollars already"),
        ("PUT", "budget", {"budget_usd": -1}, 422, "budget_usd"),
        ("PUT", "budget", {"budget_usd": "much"}, 422, "budget_usd"),
        ("PUT", "budget", {}, 422, "budget_usd"),
        ("POST", "retry", {"items": [{"key": "main"}]}, 422, "'main' is complete"),
    ],
)
async def test_what_cannot_be_is_refused_and_changes_nothing(
    memory: InMemory,
    state: SessionState,
    client: httpx2.AsyncClient,
    method: str,
    rest: str,
    body: Any,
    status: int,
    said: str,
) -> None:
    """The problem says how things stand, or which field is wrong."""
    before = memory.put(item_started(state, key="infographic_1", now=MOMENT))

    response = await client.request(method, _path(state, rest), json=body)

    problem = response.json()
    assert (status, "application/problem+json") == (response.status_code, response.headers["content-type"])
    assert said in problem["detail"]
    assert before == memory.states[state.id]


@pytest.mark.parametrize(
    ("method", "rest"),
    [
        ("POST", "pause"),
        ("POST", "resume"),
        ("POST", "cancel"),
        ("POST", "retry"),
        ("POST", "items/main/retake"),
        ("GET", "items/main/versions"),
    ],
)
async def test_an_unknown_session_is_not_found(client: httpx2.AsyncClient, method: str, rest: str) -> None:
    """Whatever is asked of it."""
    response = await client.request(method, f"/api/sessions/ses-aaaaaaaaaaaaaaaa/{rest}")

    assert 404 == response.status_code


@pytest.mark.parametrize("rest", ["cancel", "pause", "resume"])
async def test_a_finished_session_is_neither_stopped_nor_paused(
    memory: InMemory, state: SessionState, client: httpx2.AsyncClient, rest: str
) -> None:
    """The refusal says that it is finished."""
    for number, key in enumerate(("infographic_1", "infographic_2", "lifestyle")):
        memory.complete(memory.states[state.id], key=key, data=f"picture {number}".encode())
    memory.close(memory.states[state.id])
    before = memory.states[state.id]

    response = await client.post(_path(state, rest))

    assert 409 == response.status_code
    assert "partial" in response.json()["detail"]
    assert before == memory.states[state.id]
