"""Texts in the background: a worker that is killed in the middle of one costs neither an attempt nor money."""

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.support.eventually import eventually
from tests.support.product import Product, running_product
from tests.support.story_sessions import OUTLINE_CALL, check_ledger, item_of, ledger_of, start_story

BACKGROUND = {"RETAKES_TEXT_BACKGROUND": "brief"}
PATIENCE = timedelta(seconds=90)


def slow(match: str, *, seconds: float, times: int | None = None) -> dict[str, Any]:
    fault = {"kind": "slow", "seconds": seconds}
    return {"seed": 1, "rules": [{"match": match, "times": times, "fault": fault}]}


async def heard(product: Product, session_id: str, *, calls: int) -> None:
    """Wait until the provider works on so many texts, and the server has heard of each from its attempt."""
    workflow = (await product.temporal()).get_workflow_handle(session_id)

    async def all_heard() -> bool:
        pending = (await workflow.describe()).raw_description.pending_activities
        told = [b"pending_call" in payload.data for one in pending for payload in one.heartbeat_details.payloads]
        return len(await product.calls()) == calls and 0 < len(pending) == sum(told)

    await eventually(all_heard, timeout=PATIENCE)


async def told(product: Product, session_id: str) -> dict[str, list[tuple[int, str]]]:
    entries: dict[str, list[tuple[int, str]]] = {}
    for entry in await ledger_of(product, session_id):
        entries.setdefault(entry["item"], []).append((entry["attempt"], entry["status"]))
    return entries


async def test_a_killed_worker_loses_no_text_that_is_under_way(tmp_path: Path) -> None:
    """One call for each set, one complete entry for each, and the ledger is the provider's log."""
    async with running_product(tmp_path, settings=BACKGROUND) as product:
        await product.faults(slow("Set ", seconds=3))
        session_id = await start_story(product, total_segments=3, segments_per_set=1)
        await heard(product, session_id, calls=4)
        await product.kill("worker")
        await product.start("worker")
        session = await product.settled(session_id, patience=PATIENCE)
        calls = await product.calls()

        assert "complete" == session["status"], session["message"]
        items = ["outline", "set-01", "set-02", "set-03"]
        assert dict.fromkeys(items, 1) == Counter(item_of(call) for call in calls)
        assert {item: [(1, "complete")] for item in items} == await told(product, session_id)
        check_ledger(await ledger_of(product, session_id), calls=[{**call, "fault": None} for call in calls])
        assert 3 == product.log("worker").count("taking up a call that goes on")


async def test_what_the_provider_has_forgotten_is_asked_for_again(tmp_path: Path) -> None:
    """Worker and provider are killed: nobody knows the call any more. It counts as uncertain, and another follows."""
    async with running_product(tmp_path, settings=BACKGROUND) as product:
        await product.faults(slow(OUTLINE_CALL, seconds=600))
        session_id = await start_story(product, total_segments=1, segments_per_set=1)
        await heard(product, session_id, calls=1)
        await product.kill("worker", "provider")
        await product.start("provider", "worker")
        session = await product.settled(session_id, patience=PATIENCE)

        assert "complete" == session["status"], session["message"]
        assert {"outline": 2, "set-01": 1} == Counter(item_of(call) for call in await product.calls())
        expected = {"outline": [(1, "uncertain"), (2, "complete")], "set-01": [(1, "complete")]}
        assert expected == await told(product, session_id)


async def test_a_story_without_a_failure_costs_nothing_but_its_looks(tmp_path: Path) -> None:
    """Faults in the end and at the start are told apart as ever; no history holds a prompt for it."""
    async with running_product(tmp_path, settings=BACKGROUND) as product:
        faults: list[dict[str, Any]] = [
            {"match": "Set 1 of 3", "times": 1, "fault": "incomplete"},
            {"match": "Set 2 of 3", "times": 1, "fault": "server_error"},
            {"match": "Set 3 of 3", "times": 1, "fault": "disconnect"},
        ]
        await product.faults({"seed": 1, "rules": faults})
        session_id = await start_story(product, total_segments=3, segments_per_set=1)
        session = await product.settled(session_id, patience=PATIENCE)

        assert "complete" == session["status"], session["message"]
        check_ledger(await ledger_of(product, session_id), calls=await product.calls())
