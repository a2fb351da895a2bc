"""A person steers sessions of the real product: while they run, after they have closed, and when processes die."""

import asyncio
import hashlib
import io
import json
import zipfile
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from tests.support.eventually import eventually
from tests.support.product import Product, running_product
from tests.support.story_sessions import failing, start_story

pytestmark = pytest.mark.asyncio(loop_scope="module")

ONE: dict[str, Any] = {"images": [{"type": "main"}], "quality": "low"}
TWO: dict[str, Any] = {"images": [{"type": "main"}, {"type": "lifestyle"}], "quality": "low"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def product(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Product]:
    """A product whose sessions close at once, so that everything after the end is put to the test."""
    folder = tmp_path_factory.mktemp("product")
    async with running_product(folder, settings={"RETAKES_RETRY_WINDOW": "0s"}) as product:
        yield product


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def no_faults(product: Product) -> None:
    """Every test begins with a provider that works."""
    await product.faults({"seed": 1})


async def _closed(product: Product, session_id: str) -> dict[str, Any]:
    async def closed() -> dict[str, Any] | None:
        session = await product.session(session_id)
        return session if session["closed_at"] else None

    return await eventually(closed)


async def _post(product: Product, session_id: str, rest: str, body: object = None, **headers: str) -> httpx2.Response:
    return await product.api.post(
        f"/api/sessions/{session_id}/{rest}",
        json=body,
        headers={name.replace("_", "-"): v for name, v in headers.items()},
    )


async def _attempts(product: Product, session_id: str, item: str) -> list[dict[str, Any]]:
    response = await product.api.get(f"/api/sessions/{session_id}/attempts")
    return [entry for entry in response.json()["attempts"] if entry["item"] == item]


async def _calls_for(product: Product, session_id: str, item: str) -> int:
    """Return how many attempts the ledger knows that the provider was asked for."""
    return len(await _attempts(product, session_id, item))


async def _runs(product: Product, session_id: str) -> int:
    client = await product.temporal()
    return len([run async for run in client.list_workflows(f"WorkflowId = '{session_id}'")])


async def _forget_all(product: Product) -> None:
    """Let Temporal forget every session, as it does when its retention is over."""
    await product.kill("worker", "api", "temporal")
    for file in product.data_dir.glob("temporal.sqlite3*"):
        file.unlink()
    await product.start("temporal")
    await product.start("worker", "api")


async def test_a_closed_session_is_retried_retaken_and_chosen_from(product: Product) -> None:
    """Under the same id, each in the next run of the same workflow; archive and content follow the choice."""
    await product.faults(failing("Image: Lifestyle", times=1, kind="bad_request"))
    session_id = await product.start_images(**TWO)
    first = await _closed(product, session_id)
    assert "partial" == first["status"]

    assert 202 == (await _post(product, session_id, "retry")).status_code
    await _closed(product, session_id)
    retaken = await _post(product, session_id, "items/main/retake", {"note": "At dusk."})
    assert (202, 3) == (retaken.status_code, retaken.json()["round"])
    await _closed(product, session_id)
    versions = (await product.api.get(f"/api/sessions/{session_id}/items/main/versions")).json()["versions"]
    assert [(1, False), (2, True)] == [(one["attempt"], one["is_selected"]) for one in versions]
    assert ["At dusk." in one["prompt"] for one in versions] == [False, True]

    chosen = await product.api.put(f"/api/sessions/{session_id}/items/main/selected", json={"attempt": 1})
    after = await _closed(product, session_id)

    assert 202 == chosen.status_code
    assert ("complete", 1) == (after["status"], after["items"][0]["selected_attempt"])
    content = (await product.api.get(f"/api/sessions/{session_id}/items/main/content")).content
    assert first["items"][0]["artifact"]["sha256"] == hashlib.sha256(content).hexdigest()
    archive = zipfile.ZipFile(io.BytesIO((await product.api.get(after["links"]["archive"])).content))
    assert content == archive.read("1_main_image.png")
    assert [1, 2] == [entry["attempt"] for entry in await _attempts(product, session_id, "main")]
    assert [1, 2] == [entry["attempt"] for entry in await _attempts(product, session_id, "lifestyle")]

    async def is_the_fourth_run() -> bool:
        return await _runs(product, session_id) == 4

    await eventually(is_the_fourth_run)


async def test_what_temporal_has_forgotten_is_steered_by_the_records(product: Product) -> None:
    """As long as the records exist; the next run begins where the last one ended."""
    await product.faults(failing("Image: Lifestyle", times=1, kind="bad_request"))
    session_id = await product.start_images(**TWO)
    before = await _closed(product, session_id)
    await _forget_all(product)

    for rest, body in (("retry", None), ("items/main/retake", {"note": "At dusk."})):
        response = await _post(product, session_id, rest, body)
        assert 202 == response.status_code, response.text
        await _closed(product, session_id)
    response = await product.api.put(f"/api/sessions/{session_id}/items/main/selected", json={"attempt": 1})
    after = await _closed(product, session_id)

    assert 202 == response.status_code, response.text
    assert ("complete", 3) == (after["status"], after["round"])
    assert before["items"][0]["artifact"] == after["items"][0]["artifact"]
    assert [1, 2] == [entry["attempt"] for entry in await _attempts(product, session_id, "main")]
    assert [1, 2] == [entry["attempt"] for entry in await _attempts(product, session_id, "lifestyle")]


async def test_requests_that_race_have_one_outcome(product: Product) -> None:
    """One round begins; whoever came too late is told what the session does."""
    await product.faults(failing("Image: Main", times=1, kind="bad_request"))
    session_id = await product.start_images(**ONE)
    await _closed(product, session_id)
    await product.faults({"seed": 1, "rules": [{"match": "Image: Main", "fault": {"kind": "slow", "seconds": 0.5}}]})

    answers = await asyncio.gather(*(_post(product, session_id, "retry") for _ in range(4)))
    session = await _closed(product, session_id)

    assert [202, 409, 409, 409] == sorted(answer.status_code for answer in answers)
    assert {"Nothing has failed in this session"} == {
        answer.json()["detail"].partition(" (")[0] for answer in answers if answer.status_code == 409
    }
    assert ("complete", 2) == (session["status"], session["round"])
    assert 2 == await _calls_for(product, session_id, "main")


async def test_retries_while_a_session_closes_never_get_lost(product: Product) -> None:
    """Accepted ones are made, refused ones say why: from the moment it has failed to the one it has closed."""
    await product.faults(failing("Image: Main", kind="bad_request"))
    session_id = await product.start_images(**ONE)
    await product.settled(session_id)

    for round_number in range(2, 6):
        answer = await _post(product, session_id, "retry")  # it may be closing, or closed
        assert 202 == answer.status_code, answer.text

        async def round_is_over(expected: int = round_number) -> bool:
            session = await product.session(session_id)
            return bool(session["round"] == expected and session["status"] == "failed")

        await eventually(round_is_over)

    await _closed(product, session_id)
    assert [1, 2, 3, 4, 5] == [entry["attempt"] for entry in await _attempts(product, session_id, "main")]


async def test_a_request_with_a_key_is_obeyed_once(product: Product) -> None:
    """Whether the session is open or has closed; with another request the key is refused."""
    await product.faults(failing("Image: Lifestyle", times=1, kind="bad_request"))
    session_id = await product.start_images(**TWO)
    await _closed(product, session_id)

    retries = [await _post(product, session_id, "retry", {}, Idempotency_Key="retry-1") for _ in range(2)]
    await _closed(product, session_id)
    retries.append(await _post(product, session_id, "retry", {}, Idempotency_Key="retry-1"))
    assert [202] * 3 == [answer.status_code for answer in retries]

    retakes = []
    for _ in range(3):
        retakes.append(await _post(product, session_id, "items/main/retake", {}, Idempotency_Key="retake-1"))
        await _closed(product, session_id)
    assert [202] * 3 == [answer.status_code for answer in retakes]
    for rest, body in (("items/lifestyle/retake", {}), ("items/main/retake", {"note": "x"}), ("retry", {})):
        refused = await _post(product, session_id, rest, body, Idempotency_Key="retake-1")
        assert 422 == refused.status_code
        assert "Use a new key" in refused.json()["detail"]
    assert 2 == await _calls_for(product, session_id, "main") == await _calls_for(product, session_id, "lifestyle")
    assert 3 == (await product.session(session_id))["round"]


async def test_a_pause_outlives_worker_and_api(product: Product) -> None:
    """Killed in the middle of the pause, they come back to it; nothing is made until somebody resumes."""
    slow = {"match": "Image: ", "fault": {"kind": "slow", "seconds": 0.5}}
    await product.faults({"seed": 1, "rules": [slow]})
    images = [{"type": "custom", "key": f"image-{n}", "label": f"Image {n}", "prompt": "A bottle."} for n in range(60)]
    session_id = await product.start_images(images=images, quality="low", size="256x256")

    async def some_are_made() -> bool:
        return bool(0 < (await product.session(session_id))["counts"]["complete"])

    await eventually(some_are_made)
    paused = await _post(product, session_id, "pause")
    assert (202, True) == (paused.status_code, paused.json().get("paused")), paused.text

    async def nothing_is_made() -> dict[str, Any] | None:
        session = await product.session(session_id)
        return session if session["counts"]["processing"] == 0 else None

    before = await eventually(nothing_is_made)
    assert 0 < before["counts"]["pending"]
    await product.kill("worker", "api")
    await product.start("worker", "api")
    after = await product.session(session_id)
    assert before["counts"] == after["counts"]
    assert after["paused"]
    assert "Paused" in after["message"]

    await product.faults({"seed": 1})

    async def resumed() -> bool:
        # For some seconds the server still sends what is for the session to the worker that died; then it is refused
        # in plain words, and may yet have been obeyed.
        answer = await _post(product, session_id, "resume")
        assert answer.status_code in (202, 409, 503), answer.text
        return bool(answer.status_code != 503)

    await eventually(resumed, timeout=timedelta(seconds=30))
    session = await product.settled(session_id)
    attempts = (await product.api.get(f"/api/sessions/{session_id}/attempts")).json()["attempts"]
    assert ("complete", 60) == (session["status"], len(attempts))


async def test_a_budget_is_waited_for_and_raised(product: Product) -> None:
    """The session says what it waits for, refuses less than is spent, and goes on with more."""
    first = await product.settled(await product.start_images(**ONE))
    price = first["cost_usd"]["spent"]
    worst = first["cost_usd"]["estimated"]
    session_id = await product.start_images(**TWO, budget_usd=max(price, worst) * 1.2)

    async def waits() -> dict[str, Any] | None:
        session = await product.session(session_id)
        return session if "budget" in session["message"] else None

    session = await eventually(waits)
    assert (1, 1, "processing") == (session["counts"]["complete"], session["counts"]["pending"], session["status"])
    path = f"/api/sessions/{session_id}/budget"
    refused = await product.api.put(path, json={"budget_usd": price / 2})
    assert 422 == refused.status_code
    assert "has spent" in refused.json()["detail"]
    assert 202 == (await product.api.put(path, json={"budget_usd": 5})).status_code
    assert "complete" == (await _closed(product, session_id))["status"]
    assert 409 == (await product.api.put(path, json={"budget_usd": 6})).status_code


async def test_exports_and_results_use_the_chosen_set(product: Product) -> None:
    """A set that was taken again stays a version; the story is told by the one that was chosen."""
    session_id = await start_story(product, total_segments=2, segments_per_set=1)
    await _closed(product, session_id)

    async def told() -> list[dict[str, Any]]:
        story = (await product.api.get(f"/api/sessions/{session_id}/story")).json()
        return list(story["sets"])

    first = await told()
    assert 202 == (await _post(product, session_id, "items/set-01/retake", {"note": "Slower, at night."})).status_code
    await _closed(product, session_id)
    second = await told()
    assert first[0] != second[0]
    assert first[1] == second[1]

    selected = f"/api/sessions/{session_id}/items/set-01/selected"
    assert 202 == (await product.api.put(selected, json={"attempt": 1})).status_code
    await _closed(product, session_id)
    assert first == await told()
    archive = zipfile.ZipFile(io.BytesIO((await product.api.get(f"/api/sessions/{session_id}/archive")).content))
    (name,) = [name for name in archive.namelist() if name.endswith("_set_01.json")]
    assert first[0] == json.loads(archive.read(name))
    on_disk = next(product.data_dir.rglob(name))
    assert first[0] == json.loads(on_disk.read_bytes())
    export = (await product.api.get(f"/api/sessions/{session_id}/export/md")).text
    assert first[0]["segments"][0]["scene"] in export
