"""Whatever is killed, the session goes on where it was, and no finished image is made again."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.chaos.store import SwappedStore
from tests.support.eventually import eventually
from tests.support.product import Product, running_product

SLOW = {"seed": 1, "rules": [{"match": "Image: Lifestyle", "times": 1, "fault": {"kind": "hang"}}]}


async def in_the_middle(product: Product) -> str:
    """Start a session whose lifestyle image hangs, and return its id once the other four are complete."""
    await product.faults(SLOW)
    session_id = await product.start_images()

    async def four_are_complete() -> bool:
        calls = await product.calls()
        session = await product.session(session_id)
        return session["counts"]["complete"] == 4 and any("Lifestyle" in call["prompt"] for call in calls)

    await eventually(four_are_complete)
    return session_id


async def check_completed(product: Product, session_id: str, *, before: dict[str, Any]) -> None:
    """Check that the session is complete and that its finished images were left alone."""
    after = await product.settled(session_id)
    assert after["status"] == "complete"
    finished = [item["key"] for item in before["items"] if item["status"] == "complete"]
    digests = {item["key"]: item["artifact"]["sha256"] for item in after["items"]}
    for item in before["items"]:
        if item["key"] in finished:
            assert item["artifact"]["sha256"] == digests[item["key"]]
    calls = [call["prompt"].splitlines()[0] for call in await product.calls()]
    assert {line: calls.count(line) for line in calls} == {
        "Image: Main image": 1,
        "Image: Infographic 1": 1,
        "Image: Infographic 2": 1,
        "Image: Lifestyle": 2,
        "Image: Comparison": 1,
    }
    ledger = (await product.api.get(f"/api/sessions/{session_id}/attempts")).json()["attempts"]
    lifestyle = [(entry["attempt"], entry["status"]) for entry in ledger if entry["item"] == "lifestyle"]
    assert lifestyle == [(1, "uncertain"), (2, "complete")]


async def test_worker_killed(tmp_path: Path) -> None:
    """After a worker is killed in the middle of an attempt, the next one makes that image again, and no other."""
    async with running_product(tmp_path) as product:
        session_id = await in_the_middle(product)
        before = await product.session(session_id)
        await product.kill("worker")
        stale = await product.session(session_id)
        assert stale["stale"] is True
        assert stale["counts"]["complete"] == 4
        await product.start("worker")
        await check_completed(product, session_id, before=before)


async def test_worker_killed_while_its_answers_wait_for_the_store(tmp_path: Path) -> None:
    """Answers that were paid for while the store was broken are taken up after the crash; none is asked for again."""
    async with running_product(tmp_path) as product:
        await product.faults({"seed": 1, "rules": [{"match": "Image:", "fault": {"kind": "slow", "seconds": 4}}]})
        session_id = await product.start_images()
        await eventually(lambda: _has_five_calls(product))
        store = SwappedStore(tmp_path / "artifacts")
        await store.break_it("full")
        await eventually(lambda: product.log("worker").count("is set aside") == 5, timeout=timedelta(seconds=20))
        await product.kill("worker")
        await store.mend()
        await product.start("worker")
        after = await product.settled(session_id)

        assert after["status"] == "complete"
        assert len(await product.calls()) == 5
        ledger = (await product.api.get(f"/api/sessions/{session_id}/attempts")).json()["attempts"]
        assert [(entry["attempt"], entry["status"]) for entry in ledger] == [(1, "complete")] * 5
        assert not [path for path in (tmp_path / "spool").rglob("*") if path.is_file()]


async def test_everything_killed(tmp_path: Path) -> None:
    """After worker, API, Temporal and provider are killed at once, the started product completes the session."""
    async with running_product(tmp_path) as product:
        session_id = await in_the_middle(product)
        before = await product.session(session_id)
        await product.kill("worker", "api", "temporal")
        await product.start("temporal")
        await product.start("worker", "api")
        await check_completed(product, session_id, before=before)


async def test_temporal_killed(tmp_path: Path) -> None:
    """After the Temporal server alone is killed and started again, the session completes without a lost image."""
    async with running_product(tmp_path) as product:
        plan = {
            "seed": 1,
            "rules": [{"match": "Image: Lifestyle", "times": 1, "fault": {"kind": "slow", "seconds": 3}}],
        }
        await product.faults(plan)
        session_id = await product.start_images()
        await eventually(lambda: _has_five_calls(product))
        await product.kill("temporal")
        assert (await product.session(session_id))["stale"] is True
        await product.start("temporal")
        after = await product.settled(session_id, patience=timedelta(seconds=90))
        assert after["status"] == "complete"
        calls = [call["prompt"].splitlines()[0] for call in await product.calls()]
        assert sorted(set(calls)) == sorted(calls)


async def test_api_killed(tmp_path: Path) -> None:
    """The session goes on without an API, and an API started later shows it."""
    async with running_product(tmp_path) as product:
        session_id = await product.start_images()
        await product.kill("api")
        await product.start("api")
        assert (await product.settled(session_id))["status"] == "complete"


async def test_a_closed_session_is_retried_under_the_same_id(tmp_path: Path) -> None:
    """Long after the window has passed a retry starts the same workflow id again, with numbers that go on counting."""
    async with running_product(tmp_path, settings={"RETAKES_RETRY_WINDOW": "1s"}) as product:
        await product.faults(
            {"seed": 1, "rules": [{"match": "Image: Lifestyle", "times": 3, "fault": {"kind": "server_error"}}]}
        )
        session_id = await product.start_images()

        async def closed() -> dict[str, Any] | None:
            session = await product.session(session_id)
            return session if session["closed_at"] else None

        before = await eventually(closed, timeout=timedelta(seconds=20))
        assert before["status"] == "partial"
        answer = await product.api.post(f"/api/sessions/{session_id}/retry")
        assert answer.status_code == 202
        assert answer.json()["round"] == 2
        after = await product.settled(session_id)
        assert after["status"] == "complete"
        lifestyle = next(item for item in after["items"] if item["key"] == "lifestyle")
        assert lifestyle["attempt"] == 4
        runs = [run async for run in (await product.temporal()).list_workflows(f'WorkflowId = "{session_id}"')]
        assert len(runs) == 2


async def _has_five_calls(product: Product) -> bool:
    return len(await product.calls()) == 5


async def test_a_retry_while_no_worker_runs_waits_for_one(tmp_path: Path) -> None:
    """It is accepted in bounded time, reads go on meanwhile, and the next worker makes what failed, once."""
    async with running_product(tmp_path) as product:
        await product.faults(
            {"seed": 1, "rules": [{"match": "Image: Lifestyle", "times": 3, "fault": {"kind": "server_error"}}]}
        )
        session_id = await product.start_images()
        assert (await product.settled(session_id))["status"] == "partial"
        await product.kill("worker")
        retry = await product.api.post(f"/api/sessions/{session_id}/retry")
        assert retry.status_code == 202
        shown = await product.api.get(f"/api/sessions/{session_id}", timeout=4)
        assert shown.json()["stale"] is True
        await product.start("worker")

        async def complete() -> bool:
            return bool((await product.session(session_id))["status"] == "complete")

        await eventually(complete, timeout=timedelta(seconds=30))
        calls = [call["prompt"] for call in await product.calls() if "Image: Lifestyle" in call["prompt"]]
        assert len(calls) == 4
