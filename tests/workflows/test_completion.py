"""A session in which nothing goes wrong."""

import asyncio

import pytest

from sessions.statuses import AttemptStatus, ItemStatus, SessionStatus
from tests.support.scripted import USAGE, Gate
from tests.support.workflow_environment import PRICES, Studio, image_input

pytestmark = pytest.mark.asyncio(loop_scope="session")

SEED_KEYS = ["main", "infographic_1", "infographic_2", "lifestyle", "comparison"]


async def test_all_five_images_are_made_with_one_call_each(studio: Studio) -> None:
    """A session without failures completes with the five images of the seed, and pays for each once."""
    session = await studio.start()
    state = await session.result()

    assert SEED_KEYS == [item.key for item in state.items]
    assert {(ItemStatus.COMPLETE, 1)} == {(item.status, item.attempt) for item in state.items}
    assert {item.label: 1 for item in state.items} == {
        item: len(calls) for item, calls in studio.provider.calls.items()
    }


async def test_a_complete_session_closes_by_itself(studio: Studio) -> None:
    """With nothing left to retry, the workflow completes at once, and its result is the session's last state."""
    session = await studio.start()
    state = await session.result()

    assert SessionStatus.COMPLETE is state.status
    assert state.settled_at is not None
    assert state.settled_at == state.closed_at
    assert studio.records.states[state.id] == state


async def test_the_first_attempt_has_no_variation(studio: Studio) -> None:
    """First attempts send the prompt as it is, without a variation."""
    session = await studio.start()
    await session.result()

    assert [] == [calls for calls in studio.provider.calls.values() if "[VARIATION" in calls[0].prompt]


async def test_every_attempt_is_in_the_ledger_with_its_cost(studio: Studio) -> None:
    """Each attempt has one closed entry: what was asked, what came back, what it cost."""
    session = await studio.start()
    state = await session.result()
    cost = PRICES.cost_microdollars(USAGE, model="gpt-image-2")

    assert 5 == len(studio.records.entries)
    for item in state.items:
        (entry,) = studio.records.ledger(item.key)
        assert (AttemptStatus.COMPLETE, "req-1", USAGE, cost) == (
            entry.status,
            entry.request_id,
            entry.usage,
            entry.cost_microdollars,
        )
        assert item.artifact == entry.artifact
    assert 5 * cost == state.spending.spent_microdollars
    assert 0 == state.spending.uncertain_microdollars


async def test_each_artifact_lies_under_the_key_of_its_attempt(studio: Studio) -> None:
    """The bytes are where anyone finds them who knows session, item and attempt."""
    start = image_input()
    session = await studio.start(start)
    await session.result()

    expected = {f"sessions/{start.state.id}/{key}/attempt-001" for key in SEED_KEYS}
    assert expected == set(studio.artifacts.stored)


async def test_attempts_of_every_item_run_at_the_same_time(studio: Studio) -> None:
    """The items are fanned out: none waits for another to end."""
    gates = {label: Gate() for label in ("Main image", "Infographic 1", "Infographic 2", "Lifestyle", "Comparison")}
    for label, gate in gates.items():
        studio.provider.script(label, gate)
    session = await studio.start()
    for gate in gates.values():
        await asyncio.wait_for(gate.reached.wait(), timeout=5)

    view = await session.view()
    assert (SessionStatus.PROCESSING, 5) == (view.status, view.counts.processing)
    for gate in gates.values():
        gate.opened.set()
    assert SessionStatus.COMPLETE is (await session.result()).status
