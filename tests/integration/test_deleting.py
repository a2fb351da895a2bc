"""Deleting sessions of the real product: gone at once for everybody, and removed wherever something of them is kept."""

import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from temporalio.client import WorkflowExecutionStatus

from tests.support.eventually import eventually
from tests.support.product import Product, running_product
from tests.support.story_sessions import failing, start_story

pytestmark = pytest.mark.asyncio(loop_scope="module")

ONE: dict[str, Any] = {"images": [{"type": "main"}], "quality": "low"}
TWO: dict[str, Any] = {"images": [{"type": "main"}, {"type": "lifestyle", "note": "doomed"}], "quality": "low"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def product(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Product]:
    async with running_product(tmp_path_factory.mktemp("product")) as product:
        yield product


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def no_faults(product: Product) -> None:
    """Every test begins with a provider that works."""
    await product.faults({"seed": 1})


async def _delete(product: Product, session_id: str) -> httpx2.Response:
    return await product.api.delete(f"/api/sessions/{session_id}")


async def _status(product: Product, method: str, path: str, **options: Any) -> int:
    return (await product.api.request(method, path, **options)).status_code


async def _listed(product: Product) -> set[str]:
    return {session["id"] for session in (await product.api.get("/api/sessions?limit=100")).json()["sessions"]}


async def _costs(product: Product) -> list[Any]:
    return [(await product.api.get(f"/api/costs?by={by}")).json()["totals"] for by in ("day", "kind", "session")]


def _files(product: Product, session_id: str) -> list[str]:
    # Unlike a glob this takes it well when a folder goes away meanwhile, which is what is waited for.
    paths = (f"{folder}/{name}" for folder, folders, files in os.walk(product.data_dir) for name in folders + files)
    return [path for path in paths if session_id in path]


async def _executions(product: Product, session_id: str) -> list[WorkflowExecutionStatus | None]:
    client = await product.temporal()
    query = f"WorkflowId = '{session_id}' OR WorkflowId STARTS_WITH 'dlv-{session_id.removeprefix('ses-')}-'"
    return [found.status async for found in client.list_workflows(query)]


async def _settled_with_a_failure(product: Product) -> str:
    """Return a session that waits for a retry, and so is open."""
    await product.faults(failing("doomed"))
    session_id = await product.start_images(**TWO)
    assert "partial" == (await product.settled(session_id))["status"]
    return session_id


async def test_gone_everywhere_and_at_once(product: Product) -> None:
    """Whatever is asked of a deleted session answers 404 right away, nothing of it is stored, and its key is spent."""
    key = {"Idempotency-Key": "deleted-once"}
    request = {"product": {"title": "Steel bottle"}, **ONE}
    session_id = (await product.api.post("/api/sessions/images", json=request, headers=key)).json()["id"]
    await product.settled(session_id)
    kept = await product.start_images(**ONE)
    await product.settled(kept)
    before = await _costs(product)
    assert _files(product, session_id)

    deleted = await _delete(product, session_id)

    assert (204, b"") == (deleted.status_code, deleted.content)
    at = f"/api/sessions/{session_id}"
    reading = ("", "/events", "/attempts", "/archive", "/items/main/content", "/items/main/versions", "/deliveries")
    assert [404] * len(reading) == [await _status(product, "GET", at + rest) for rest in reading]
    steering = ("/retry", "/items/main/retake", "/pause", "/resume", "/cancel")
    assert [404] * len(steering) == [await _status(product, "POST", at + rest) for rest in steering]
    assert 404 == await _status(product, "PUT", f"{at}/budget", json={"budget_usd": 1})
    assert "was deleted" in (await product.api.get(at)).json()["detail"]
    assert 404 == (await _delete(product, session_id)).status_code
    assert {kept} == await _listed(product)
    assert [] == _files(product, session_id)
    assert _files(product, kept)
    assert before == await _costs(product)
    again = await product.api.post("/api/sessions/images", json=request, headers=key)
    assert 409 == again.status_code
    assert "Use a new key" in again.json()["detail"]
    assert "complete" == (await product.session(kept))["status"]


async def test_what_is_being_made_is_not_deleted(product: Product) -> None:
    """A session with work under way is not touched; once it is cancelled it can be deleted."""
    await product.faults(failing("Steel bottle", kind="hang"))
    session_id = await product.start_images(**ONE)
    await eventually(lambda: _is_running(product, session_id))

    refused = await _delete(product, session_id)

    assert 409 == refused.status_code
    assert "Cancel it first" in refused.json()["detail"]
    await product.api.post(f"/api/sessions/{session_id}/cancel")
    await product.settled(session_id)
    assert 204 == (await _delete(product, session_id)).status_code
    assert 404 == await _status(product, "GET", f"/api/sessions/{session_id}")


async def test_one_that_waits_for_a_retry(product: Product) -> None:
    """It is closed by being deleted, no worker needed, and whoever watches it is let go."""
    session_id = await _settled_with_a_failure(product)
    assert [WorkflowExecutionStatus.RUNNING] == await _executions(product, session_id)
    async with product.api.stream("GET", f"/api/sessions/{session_id}/events", timeout=30) as watching:
        lines = watching.aiter_lines()
        while not (await anext(lines)).startswith("data:"):
            pass
        await product.kill("worker")

        assert 204 == (await _delete(product, session_id)).status_code

        assert "event: end" not in [line async for line in lines]
    assert 404 == await _status(product, "POST", f"/api/sessions/{session_id}/retry")
    assert [] == await _executions(product, session_id)
    await product.start("worker")


async def test_with_temporal_down(product: Product) -> None:
    """A closed session is gone at once without Temporal, and removed there once it answers again, by whoever runs."""
    session_id = await product.start_images(**ONE)
    await product.settled(session_id)
    await eventually(lambda: _closed(product, session_id))
    await product.kill("temporal")

    assert 204 == (await _delete(product, session_id)).status_code

    assert 404 == await _status(product, "GET", f"/api/sessions/{session_id}")
    assert session_id not in await _listed(product)
    await product.kill("api")
    await product.start("temporal")
    assert await _executions(product, session_id)
    await product.start("api")
    await eventually(lambda: not _files(product, session_id))
    await eventually(lambda: _is_gone(product, session_id))


async def test_begun_and_not_finished(product: Product) -> None:
    """A deletion whose process died after the mark is gone for everybody, and the next call goes on with it."""
    session_id = await product.start_images(**ONE)
    await product.settled(session_id)
    await eventually(lambda: _closed(product, session_id))
    with closing(sqlite3.connect(product.data_dir / "records.sqlite3")) as records:
        records.execute(
            "INSERT INTO deletions VALUES (?, 'images', '2026-11-22 10:00:00.000000', NULL, NULL)", [session_id]
        )
        records.commit()
    assert 404 == await _status(product, "GET", f"/api/sessions/{session_id}")
    assert _files(product, session_id)

    assert [204, 404] == [(await _delete(product, session_id)).status_code for _ in range(2)]

    assert [] == _files(product, session_id)


async def test_unknown_to_the_records(product: Product) -> None:
    """A session that the records have lost is deleted all the same, as Temporal knows it."""
    session_id = await product.start_images(**ONE)
    await product.settled(session_id)
    await eventually(lambda: _closed(product, session_id))
    with closing(sqlite3.connect(product.data_dir / "records.sqlite3")) as records:
        records.execute("PRAGMA foreign_keys = ON")
        records.execute("DELETE FROM sessions WHERE id = ?", [session_id])
        records.commit()

    assert 204 == (await _delete(product, session_id)).status_code

    assert 404 == await _status(product, "GET", f"/api/sessions/{session_id}")


async def test_stories(product: Product) -> None:
    """A story goes with its files."""
    session_id = await start_story(product, total_segments=4, segments_per_set=2)
    await product.settled(session_id)
    at = f"/api/sessions/{session_id}"
    assert 200 == await _status(product, "GET", f"{at}/story")

    assert 204 == (await _delete(product, session_id)).status_code

    assert [404] * 3 == [await _status(product, "GET", at + rest) for rest in ("/story", "/outline", "/export/md")]
    assert [] == _files(product, session_id)


async def test_a_result_outlives_its_sessions(product: Product) -> None:
    """An earlier result goes on in another session, and where that was deleted too, in yet another."""
    await product.faults(failing("Set 2 of 2"))
    story = {"idea": "A lighthouse.", "total_segments": 4, "segments_per_set": 2}
    result = (await product.api.post("/generate-movie-auto", json=story, timeout=60)).json()
    assert [2] == result["generation_summary"]["failed_set_numbers"]
    await product.faults({"seed": 1})
    seen = [result["session_id"]]
    for _ in range(2):
        assert 204 == (await _delete(product, seen[-1])).status_code
        answer = await product.api.post(
            "/retry-failed-story-sets", json={"previous_result": result, "max_retries": 3}, timeout=60
        )
        assert 200 == answer.status_code, answer.text
        assert answer.json()["success"]
        seen.append(answer.json()["session_id"])
    assert 3 == len(set(seen))


async def test_unknown(product: Product) -> None:
    """What never was cannot be deleted."""
    for session_id in ("ses-aaaaaaaaaaaaaaaa", "nothing"):
        assert 404 == (await _delete(product, session_id)).status_code


async def test_temporal_forgets(product: Product) -> None:
    """Nothing is left in Temporal of what was deleted first here. It takes its time with what had closed by itself:
    one after the other, half a minute each."""
    with closing(sqlite3.connect(product.data_dir / "records.sqlite3")) as records:
        (deleted,) = records.execute("SELECT session_id FROM deletions ORDER BY rowid LIMIT 1").fetchone()

    async def is_forgotten() -> bool:
        return not await _executions(product, deleted)

    await eventually(is_forgotten, timeout=timedelta(seconds=90))


async def _closed(product: Product, session_id: str) -> bool:
    return (await product.session(session_id))["closed_at"] is not None


async def _is_gone(product: Product, session_id: str) -> bool:
    return (await _delete(product, session_id)).status_code == 404


async def _is_running(product: Product, session_id: str) -> bool:
    attempts = (await product.api.get(f"/api/sessions/{session_id}/attempts")).json()["attempts"]
    return [entry["status"] for entry in attempts] == ["running"]
