"""Waiting for a story on the real product: clients that leave, servers and workers that end, people who cancel."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest
import pytest_asyncio

from sessions.identifiers import session_id_for
from tests.support.eventually import eventually
from tests.support.generating import (
    GENERATE,
    failing,
    generated,
    posted,
    retried,
    statuses,
)
from tests.support.product import Product, running_product

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def product(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Product]:
    async with running_product(tmp_path_factory.mktemp("product")) as product:
        yield product


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def no_faults(product: Product) -> None:
    """Every test begins with a provider that works."""
    await product.faults({"seed": 1})


async def test_prefer_respond_async_and_wait(product: Product) -> None:
    """`respond-async` answers at once, `wait` after its time, both with the session; the result is there later."""
    await failing(product, {"Set 1 of 1": {"kind": "slow", "seconds": 2}})
    body = {"idea": "A fox", "total_segments": 1}
    for preference in ("respond-async", "wait=1"):
        response = await posted(product, GENERATE, body, Prefer=preference)
        assert (202, preference) == (response.status_code, response.headers["preference-applied"])
        location = response.headers["location"]
        assert location == response.json()["links"]["self"]
    assert 409 == (await product.api.get(f"{location}/result")).status_code
    await product.settled(location.rpartition("/")[2])
    assert (await product.api.get(f"{location}/result")).json()["success"] is True
    patient = await posted(product, GENERATE, body, Prefer="wait=60")
    assert (200, "wait=60") == (patient.status_code, patient.headers["preference-applied"])


async def test_a_client_that_gives_up_loses_nothing(product: Product) -> None:
    """The session goes on; the same key brings its result, and nothing was made twice."""
    await failing(product, {"Set 1 of 1": {"kind": "slow", "seconds": 1}})
    body = {"idea": "A fox that left", "total_segments": 2}
    headers = {"Idempotency-Key": "left-early"}
    with pytest.raises(httpx2.TimeoutException):
        await product.api.post(GENERATE, json=body, headers=headers, timeout=0.5)
    calls = len(await product.calls())
    response = await posted(product, GENERATE, body, Idempotency_Key="left-early")
    assert session_id_for("left-early") == response.json()["session_id"]
    assert response.json()["success"] is True
    assert 2 >= len(await product.calls()) - calls
    other = await posted(product, GENERATE, {**body, "total_segments": 3}, Idempotency_Key="left-early")
    assert 422 == other.status_code


async def test_waiting_outlives_the_worker(product: Product) -> None:
    """With no worker the answer takes until there is one again; it is never an error."""
    await product.kill("worker")
    (product.data_dir / "worker.log").unlink()
    waiting = asyncio.create_task(generated(product, Idempotency_Key="no-worker"))

    async def is_started() -> bool:
        return (await product.api.get(f"/api/sessions/{session_id_for('no-worker')}")).status_code == 200

    try:
        await eventually(is_started)
        assert not waiting.done()
    finally:
        await product.start("worker")
    assert (await waiting)["success"] is True


async def test_a_server_that_ends_tells_how_the_story_stands(product: Product) -> None:
    """The wait ends with 202 and the session's address; the next server has the result."""
    await failing(product, {"Set 1 of 1": {"kind": "slow", "seconds": 2}})
    body = {"idea": "A fox", "total_segments": 1}
    waiting = asyncio.create_task(posted(product, GENERATE, body, Idempotency_Key="ended"))

    async def is_started() -> bool:
        return (await product.api.get(f"/api/sessions/{session_id_for('ended')}")).status_code == 200

    await eventually(is_started)
    await product.stop("api")
    try:
        response = await waiting
        assert (202, session_id_for("ended")) == (response.status_code, response.json()["id"])
    finally:
        await product.start("api")
    again = await posted(product, GENERATE, body, Idempotency_Key="ended")
    assert (200, session_id_for("ended")) == (again.status_code, again.json()["session_id"])


async def test_a_cancelled_story_goes_on_in_another_session(product: Product) -> None:
    """What was cancelled counts as failed and says so; a retry keeps what was finished, and lets the session be."""
    await failing(product, {"Set 2 of 3": {"kind": "hang"}})
    waiting = asyncio.create_task(generated(product, Idempotency_Key="cancelled"))
    session_id = session_id_for("cancelled")

    async def is_half_done() -> bool:
        counts = (await product.session(session_id))["counts"]
        return bool((counts["complete"], counts["processing"]) == (3, 1))

    await eventually(is_half_done)
    await product.api.post(f"/api/sessions/{session_id}/cancel")
    previous = await waiting
    assert {1: "success", 2: "failed", 3: "success"} == statuses(previous)
    assert "cancelled" in previous["sets"][1]["error"]
    await product.faults({"seed": 1})
    result = await retried(product, previous)
    assert result["success"] is True
    assert result["session_id"] != session_id
    assert "cancelled" == (await product.session(session_id))["status"]
