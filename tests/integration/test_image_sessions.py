"""Image sessions on the real product: Temporal's server, worker, API and provider as processes of their own."""

import asyncio
import hashlib
import io
import json
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image

from sessions.commands import RetryItem, RetryRequest
from tests.support.eventually import eventually
from tests.support.product import Product, running_product

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEYS = ["main", "infographic_1", "infographic_2", "lifestyle", "comparison"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def product(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Product]:
    async with running_product(tmp_path_factory.mktemp("product"), settings={"RETAKES_RETRY_WINDOW": "1h"}) as product:
        yield product


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def no_faults(product: Product) -> None:
    """Every test begins with a provider that works."""
    await product.faults({"seed": 1})


def failing(label: str, *, times: int, **fault: Any) -> dict[str, Any]:
    """Return a fault plan by which the next calls for one item fail."""
    return {"seed": 1, "rules": [{"match": f"Image: {label}", "times": times, "fault": fault}]}


async def events_of(product: Product, session_id: str, *, last_event_id: str | None = None) -> list[dict[str, Any]]:
    """Return the stream's events until it ends by itself."""
    headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
    events: list[dict[str, Any]] = []
    event: dict[str, Any] = {}
    async with product.api.stream("GET", f"/api/sessions/{session_id}/events", headers=headers, timeout=60) as stream:
        async for line in stream.aiter_lines():
            if not line and event:
                events.append(event)
                event = {}
            name, _, value = line.partition(": ")
            if name in ("event", "data", "id"):
                event[name] = value
    return events


async def test_five_pictures_come_of_a_title_alone(product: Product) -> None:
    """A title is enough: the five images are made, stored and served byte for byte with their digest as ETag."""
    session = await product.settled(await product.start_images())
    assert session["status"] == "complete"
    assert [item["key"] for item in session["items"]] == KEYS
    assert session["message"] == "All 5 images are ready."
    for item in session["items"]:
        served = await product.api.get(item["artifact"]["url"])
        assert hashlib.sha256(served.content).hexdigest() == item["artifact"]["sha256"]
        assert served.headers["etag"] == f'"{item["artifact"]["sha256"]}"'
        assert served.headers["content-type"] == "image/png"
        assert Image.open(io.BytesIO(served.content)).size == (1024, 1024)


async def test_the_archive_has_marketplace_names_and_a_manifest(product: Product) -> None:
    """The ZIP holds the pictures under the names that marketplaces want, and says what each of them is."""
    session = await product.settled(await product.start_images())
    archive = await product.api.get(session["links"]["archive"])
    with zipfile.ZipFile(io.BytesIO(archive.content)) as files:
        names = [
            "1_main_image.png",
            "2_infographic_1.png",
            "3_infographic_2.png",
            "4_lifestyle.png",
            "5_comparison.png",
        ]
        assert files.namelist() == [*names, "manifest.json"]
        main = next(item for item in session["items"] if item["key"] == "main")
        assert hashlib.sha256(files.read("1_main_image.png")).hexdigest() == main["artifact"]["sha256"]
        assert json.loads(files.read("manifest.json"))["session"]["id"] == session["id"]


async def test_a_retry_is_seen_as_it_happens(product: Product) -> None:
    """While an item waits for its next attempt, its error, its attempt and the time of the next one are shown."""
    await product.faults(failing("Lifestyle", times=2, kind="server_error"))
    session_id = await product.start_images()

    async def waiting_item() -> dict[str, Any] | None:
        session = await product.session(session_id)
        item = next(item for item in session["items"] if item["key"] == "lifestyle")
        return item if item["next_attempt_at"] and item["attempt"] == 2 else None

    item = await eventually(waiting_item)
    assert item["status"] == "processing"
    assert item["retry_count"] == 1
    assert item["error"]["type"] == "transient"
    assert item["error"]["advice"]
    assert datetime.fromisoformat(item["next_attempt_at"]) > datetime(2026, 1, 1, tzinfo=UTC)
    session = await product.settled(session_id)
    assert session["status"] == "complete"
    assert next(item for item in session["items"] if item["key"] == "lifestyle")["attempt"] == 3


async def test_the_stream_tells_every_step_and_ends(product: Product) -> None:
    """Versions only grow, the last session is the settled one, and `end` follows when the workflow has closed."""
    await product.faults(failing("Main image", times=1, kind="moderation"))
    session_id = await product.start_images()
    events = await events_of(product, session_id)
    assert [event["event"] for event in events[:-1]] == ["session"] * (len(events) - 1)
    assert events[-1]["event"] == "end"
    versions = [int(event["id"]) for event in events[:-1]]
    assert versions == sorted(versions)
    shown = [json.loads(event["data"]) for event in events[:-1]]
    attempts = {item["attempt"] for session in shown for item in session["items"] if item["key"] == "main"}
    assert attempts >= {1, 2}
    assert shown[-1]["status"] == "complete"
    assert shown[-1]["closed_at"] is not None
    again = await events_of(product, session_id, last_event_id=events[-2]["id"])
    assert again[-1]["event"] == "end"


async def test_a_partial_session_says_why_and_is_found_in_temporal(product: Product) -> None:
    """One failing item leaves the others complete; the message says what failed and what to do."""
    await product.faults(failing("Comparison", times=3, kind="moderation"))
    session = await product.settled(await product.start_images())
    assert session["status"] == "partial"
    assert session["counts"] == {"total": 5, "pending": 0, "processing": 0, "complete": 4, "failed": 1, "cancelled": 0}
    assert session["retry_info"]["can_retry"] is True
    assert session["retry_info"]["failed_items"] == ["comparison"]
    assert "comparison failed after 3 attempts" in session["message"]
    client = await product.temporal()

    async def found() -> bool:
        query = 'RetakesStatus = "partial" AND RetakesFailedItems = 1'
        return session["id"] in [workflow.id async for workflow in client.list_workflows(query)]

    assert await eventually(found)
    ledger = (await product.api.get(f"/api/sessions/{session['id']}/attempts")).json()["attempts"]
    entries = [entry for entry in ledger if entry["item"] == "comparison"]
    assert [(entry["attempt"], entry["status"], entry["error_type"]) for entry in entries] == [
        (1, "failed", "content"),
        (2, "failed", "content"),
        (3, "failed", "content"),
    ]
    assert [entry["variation"] for entry in entries] == [
        None,
        "Emphasize clarity and simplicity",
        "Focus on product detail and precision",
    ]


@pytest.mark.parametrize("way", ["http", "update", "signal"])
async def test_only_what_failed_is_made_again(product: Product, way: str) -> None:
    """A retry over HTTP, by update or by signal makes the failed item again with its note; the rest stays as it is."""
    await product.faults(failing("Lifestyle", times=3, kind="server_error"))
    before = await product.settled(await product.start_images())
    assert before["status"] == "partial"
    calls_before = len(await product.calls())
    note = f"in the rain, asked for by {way}"
    if way == "http":
        body = {"items": [{"key": "lifestyle", "note": note}]}
        response = await product.api.post(f"/api/sessions/{before['id']}/retry", json=body)
        assert response.status_code == 202
    else:
        handle = (await product.temporal()).get_workflow_handle(before["id"])
        request = RetryRequest(items=(RetryItem(key="lifestyle", note=note),))
        if way == "update":
            await handle.execute_update("retry", request)
        else:
            await handle.signal("retry_failed", request)

    async def complete() -> dict[str, Any] | None:
        session = await product.session(before["id"])
        return session if session["status"] == "complete" else None

    after = await eventually(complete)
    assert after["round"] == 2
    untouched = [item for item in after["items"] if item["key"] != "lifestyle"]
    assert [item for item in before["items"] if item["key"] != "lifestyle"] == untouched
    assert next(item for item in after["items"] if item["key"] == "lifestyle")["attempt"] == 4
    calls = (await product.calls())[calls_before:]
    assert len(calls) == 1
    assert note in calls[0]["prompt"]
    assert "[VARIATION: Prioritize clean composition]" in calls[0]["prompt"]


async def test_an_unknown_or_finished_item_is_not_retried(product: Product) -> None:
    """A retry that names what cannot be retried is refused as a whole, and starts nothing."""
    await product.faults(failing("Lifestyle", times=3, kind="server_error"))
    session = await product.settled(await product.start_images())
    calls_before = len(await product.calls())
    for keys in (["nothing"], ["main"], ["lifestyle", "main"]):
        body = {"items": [{"key": key} for key in keys]}
        response = await product.api.post(f"/api/sessions/{session['id']}/retry", json=body)
        assert response.status_code == 422
        assert response.headers["content-type"] == "application/problem+json"
        assert "lifestyle" in response.json()["detail"]
    assert (await product.session(session["id"]))["round"] == 1
    assert len(await product.calls()) == calls_before


async def test_nothing_to_retry_is_a_conflict(product: Product) -> None:
    """A retry of a complete session is refused with what its state is."""
    session = await product.settled(await product.start_images())
    response = await product.api.post(f"/api/sessions/{session['id']}/retry")
    assert response.status_code == 409
    assert "complete" in response.json()["detail"]


async def test_the_same_key_and_request_are_one_session(product: Product) -> None:
    """An Idempotency-Key starts one session however often it is sent, and refuses another request."""
    headers = {"Idempotency-Key": f"test-{datetime.now(UTC).isoformat()}"}
    body = {"product": {"title": "Kettle"}, "images": [{"type": "main"}]}
    answers = await asyncio.gather(
        *(product.api.post("/api/sessions/images", json=body, headers=headers) for _ in range(5))
    )
    assert [answer.status_code for answer in answers] == [202] * 5
    assert len({answer.json()["id"] for answer in answers}) == 1
    other = await product.api.post(
        "/api/sessions/images", json={"product": {"title": "Another kettle"}}, headers=headers
    )
    assert other.status_code == 422
    await product.settled(answers[0].json()["id"])
    assert sum("Product: Kettle" in call["prompt"] for call in await product.calls()) == 1


async def test_reference_photos_go_to_the_provider(product: Product) -> None:
    """With an uploaded photo the images are edits of it; a photo that was never uploaded starts nothing."""
    picture = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(picture, "PNG")
    upload = await product.api.post("/api/uploads", files={"file": ("photo.png", picture.getvalue(), "image/png")})
    assert upload.status_code == 201
    request = {"images": [{"type": "main"}], "references": [upload.json()["id"]]}
    session = await product.settled(await product.start_images(**request))
    assert session["status"] == "complete"
    call = (await product.calls())[-1]
    assert call["path"] == "/v1/images/edits"
    assert call["images"] == 1
    assert "The exact product is shown in image 1." in call["prompt"]
    missing = {"product": {"title": "x"}, "references": ["upl-" + "a" * 26]}
    assert (await product.api.post("/api/sessions/images", json=missing)).status_code == 422


async def test_cancel_keeps_what_is_finished(product: Product) -> None:
    """A cancelled session stops its running attempts, keeps its finished images, and makes no further call."""
    await product.faults(failing("Lifestyle", times=1, kind="hang"))
    session_id = await product.start_images()

    async def others_are_complete() -> bool:
        session = await product.session(session_id)
        return bool(session["counts"]["complete"] == 4)

    await eventually(others_are_complete)
    assert (await product.api.post(f"/api/sessions/{session_id}/cancel")).status_code == 202
    session = await product.settled(session_id)
    assert session["status"] == "cancelled"
    assert session["counts"]["complete"] == 4
    assert session["counts"]["cancelled"] == 1
    entries = (await product.api.get(f"/api/sessions/{session_id}/attempts")).json()["attempts"]
    assert next(entry for entry in entries if entry["item"] == "lifestyle")["status"] == "uncertain"
    assert (await product.api.post(f"/api/sessions/{session_id}/cancel")).status_code == 409


async def test_histories_and_logs_hold_neither_pictures_nor_secrets(product: Product) -> None:
    """No picture, key or prompt ends up where everybody with access to Temporal or the logs can read it."""
    session_id = await product.start_images(note="the note that is nobody's business")
    await product.settled(session_id)
    handle = (await product.temporal()).get_workflow_handle(session_id)
    history = (await handle.fetch_history()).to_json()
    assert len(history) < 60_000
    assert "sk-offline" not in history
    assert "iVBORw0KGgo" not in history
    logs = product.log("worker") + product.log("api")
    assert "sk-offline" not in logs
    assert "nobody's business" not in logs


async def test_five_images_cost_few_events_and_actions(product: Product) -> None:
    """Five images that end at different times take at most 42 events and 8 actions, watched or not."""
    labels = ["Main image", "Infographic 1", "Infographic 2", "Lifestyle", "Comparison"]
    rules = [
        {"match": f"Image: {label}", "fault": {"kind": "slow", "seconds": 0.3 * (number + 1)}}
        for number, label in enumerate(labels)
    ]
    await product.faults({"seed": 1, "rules": rules})
    session_id = await product.start_images()
    await asyncio.gather(*(events_of(product, session_id) for _ in range(3)))
    history = await (await product.temporal()).get_workflow_handle(session_id).fetch_history()
    kinds = [event.WhichOneof("attributes") for event in history.events]
    assert len(kinds) <= 42
    billable = [
        kind for kind in kinds if kind and kind.startswith(("activity_task_scheduled", "upsert_", "timer_started"))
    ]
    assert 1 + len(billable) <= 8
