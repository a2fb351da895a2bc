"""Story sessions over HTTP, end to end: a provider that fails, outlines that wait, files, exports, and bad input."""

import csv
import io
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import pytest_asyncio

from tests.support.eventually import eventually
from tests.support.product import Product, running_product
from tests.support.story_sessions import (
    FAULTS,
    IDEA,
    OUTLINE_CALL,
    archive_of,
    calls_since,
    check_ledger,
    check_one_story,
    check_written_once,
    failed,
    failing,
    finished,
    item_of,
    last_call,
    ledger_of,
    retry,
    start_story,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

STARTS = "/api/sessions/stories"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def product(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Product]:
    async with running_product(tmp_path_factory.mktemp("product")) as product:
        yield product


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def no_faults(product: Product) -> None:
    """Every test begins with a provider that works."""
    await product.faults({"seed": 1})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def story(product: Product) -> dict[str, Any]:
    """A story of three sets that is complete and closed."""
    await product.faults({"seed": 1})
    session_id = await start_story(product, total_segments=6, segments_per_set=2)

    async def session_if_closed() -> dict[str, Any] | None:
        session = await product.session(session_id)
        return session if session["closed_at"] else None

    return await eventually(session_if_closed)


async def waiting(product: Product, session_id: str) -> dict[str, Any]:
    """Return a session once its outline waits for a person."""

    async def session_if_waiting() -> dict[str, Any] | None:
        session = await product.session(session_id)
        return session if session["counts"]["complete"] == 1 else None

    return await eventually(session_if_waiting)


async def test_sixty_sets_are_finished_though_every_third_call_fails(product: Product) -> None:
    """All 60 are there after at most two manual rounds: one title, every segment once, nothing paid for twice."""
    stubborn = {"match": "\nSet 7 of 60 (", "times": 3, "fault": "server_error"}
    each = [{"match": f"\nSet {number} of 60 (", "times": 1, "fault": fault} for number, fault in enumerate(FAULTS, 11)]
    await product.faults({"seed": 3, "rate": 0.3, "rate_faults": FAULTS, "rules": [stubborn, *each]})
    before = await last_call(product)
    session_id = await start_story(product, total_segments=600, segments_per_set=10)
    session = await product.settled(session_id)
    rounds = 0
    while session["status"] != "complete":
        rounds += 1
        assert rounds <= 2, failed(session)
        done, remade, begun = finished(session), failed(session), await last_call(product)
        await retry(product, session_id)
        session = await product.settled(session_id)
        assert done.items() <= finished(session).items()
        assert set(remade) == {item_of(call) for call in await calls_since(product, begun)}
    assert rounds >= 1
    assert 4 <= next(item["attempt"] for item in session["items"] if item["key"] == "set-07")
    calls = await calls_since(product, before)
    faulty = [call["fault"] for call in calls if call["fault"]]
    assert {fault if isinstance(fault, str) else fault["kind"] for fault in FAULTS} == set(faulty)
    assert len(faulty) / len(calls) > 0.2
    check_written_once(calls)
    check_ledger(await ledger_of(product, session_id), calls=calls)
    documents = await archive_of(product, session_id)
    assert session["title"] == check_one_story(documents, sets=60, segments=600)
    on_disk = product.data_dir / "artifacts" / "sessions" / session_id / "files"
    for name, document in documents.items():
        if "_set_" in name or name.endswith("_metadata.json"):
            assert document == json.loads((on_disk / name).read_bytes()), name
    assembled = (await product.api.get(f"/api/sessions/{session_id}/story")).json()
    assert list(range(1, 601)) == [part["number"] for one in assembled["sets"] for part in one["segments"]]
    page = await product.api.get(f"/sessions/{session_id}")
    assert 200 == page.status_code
    assert session["title"] in page.text


async def test_a_failed_outline_is_an_item_that_is_retried_by_hand(product: Product) -> None:
    """It gets three attempts, stands there as failed with its reason, and after a retry the sets follow."""
    await product.faults(failing(OUTLINE_CALL, times=3))
    before = await last_call(product)
    session_id = await start_story(product, total_segments=4, segments_per_set=2)
    session = await product.settled(session_id)
    assert "failed" == session["status"]
    outline = session["items"][0]
    assert ("outline", "failed", 3) == (outline["key"], outline["status"], outline["attempt"])
    assert "transient" == outline["error"]["type"]
    assert outline["error"]["advice"]
    assert session["retry_info"]["can_retry"] is True
    assert "outline" in session["retry_info"]["failed_items"]
    assert 200 == (await product.api.get(f"/sessions/{session_id}")).status_code
    assert 409 == (await product.api.get(f"/api/sessions/{session_id}/story")).status_code
    assert 3 == len(await calls_since(product, before))
    await retry(product, session_id)
    session = await product.settled(session_id)
    assert "complete" == session["status"]
    assert 4 == session["items"][0]["attempt"]
    calls = await calls_since(product, before)
    check_written_once(calls)
    check_ledger(await ledger_of(product, session_id), calls=calls)


async def test_an_approved_outline_is_written_as_it_is(product: Product) -> None:
    """Nothing is written before somebody has agreed, and then everything is."""
    before = await last_call(product)
    session_id = await start_story(product, total_segments=4, segments_per_set=2, approve_outline=True)
    session = await waiting(product, session_id)
    assert "processing" == session["status"]
    assert "The outline is ready. 2 sets wait until it is approved or replaced." == session["message"]
    assert ["outline"] == [item_of(call) for call in await calls_since(product, before)]
    answer = await product.api.put(f"/api/sessions/{session_id}/outline", json={"approve": True})
    assert 202 == answer.status_code, answer.text
    session = await product.settled(session_id)
    assert "complete" == session["status"]
    assert 1 == session["items"][0]["attempt"]


async def test_a_replaced_outline_is_what_sets_and_files_follow(product: Product) -> None:
    """The new title is in every prompt, set, file and file name; nothing is left under the old one."""
    session_id = await start_story(product, total_segments=4, segments_per_set=2, approve_outline=True)
    session = await waiting(product, session_id)
    before = await last_call(product)
    outline = (await product.api.get(f"/api/sessions/{session_id}/outline")).json()
    outline["title"] = "The Bell Under the Water"
    outline["sets"][1]["beats"][0] = "Somebody rings the bell from below."
    answer = await product.api.put(f"/api/sessions/{session_id}/outline", json={"outline": outline})
    assert 202 == answer.status_code, answer.text
    assert outline["title"] == answer.json()["title"]
    session = await product.settled(session_id)
    assert ("complete", outline["title"]) == (session["status"], session["title"])
    prompts = {item_of(call): call["prompt"] for call in await calls_since(product, before)}
    assert {"set-01", "set-02"} == prompts.keys()
    assert all(f"\nTitle: {outline['title']}\n" in prompt for prompt in prompts.values())
    assert "Somebody rings the bell from below." in prompts["set-02"]
    assert outline["title"] == check_one_story(await archive_of(product, session_id), sets=2, segments=4)
    files = product.data_dir / "artifacts" / "sessions" / session_id / "files"
    assert {"metadata", "set_01", "set_02"} == {
        path.stem.removeprefix("The_Bell_Under_the_Water_") for path in files.iterdir()
    }


async def test_an_outline_that_no_sets_can_be_written_by_changes_nothing(product: Product) -> None:
    """The mistake is told, and the session waits on."""
    session_id = await start_story(product, total_segments=4, segments_per_set=2, approve_outline=True)
    await waiting(product, session_id)
    before = await last_call(product)
    address = f"/api/sessions/{session_id}/outline"
    outline = (await product.api.get(address)).json()
    wrong = {
        "sets": {**outline, "sets": outline["sets"][:1]},
        "title": {**outline, "title": ""},
        "characters_roster": {**outline, "characters_roster": []},
    }
    for field, sent in wrong.items():
        refused = await product.api.put(address, json={"outline": sent})
        assert (422, "application/problem+json") == (refused.status_code, refused.headers["content-type"]), field
    for sent in ({}, {"approve": False}, {"approve": True, "outline": outline}):
        assert 422 == (await product.api.put(address, json=sent)).status_code, sent
    assert outline == (await product.api.get(address)).json()
    assert "processing" == (await product.session(session_id))["status"]
    assert [] == await calls_since(product, before)
    assert 202 == (await product.api.post(f"/api/sessions/{session_id}/cancel")).status_code
    assert "cancelled" == (await product.settled(session_id))["status"]


async def test_a_decision_that_nobody_waits_for_is_a_conflict(product: Product, story: dict[str, Any]) -> None:
    """Before there is an outline, and after the sets have begun, a decision is refused and changes nothing."""
    await product.faults({"seed": 1, "rules": [{"match": OUTLINE_CALL, "fault": {"kind": "hang"}}]})
    early = await start_story(product, total_segments=2, approve_outline=True)
    sent = (await product.api.get(f"/api/sessions/{story['id']}/outline")).json()
    for session_id in (early, story["id"]):
        for decision in ({"approve": True}, {"outline": {**sent, "title": "Another Title"}}):
            refused = await product.api.put(f"/api/sessions/{session_id}/outline", json=decision)
            assert (409, "application/problem+json") == (refused.status_code, refused.headers["content-type"])
    assert 202 == (await product.api.post(f"/api/sessions/{early}/cancel")).status_code
    assert story == await product.session(story["id"])
    images = await product.start_images(images=[{"type": "main"}])
    refused = await product.api.put(f"/api/sessions/{images}/outline", json={"approve": True})
    assert 404 == refused.status_code


async def test_the_archive_holds_a_story_under_the_names_of_its_files(product: Product, story: dict[str, Any]) -> None:
    """Metadata, outline and sets, each with the digest that the manifest gives for it."""
    documents = await archive_of(product, story["id"])
    assert story["title"] == check_one_story(documents, sets=3, segments=6)
    manifest = documents["manifest.json"]
    assert list(documents)[:-1] == [file["name"] for file in manifest["files"]]
    assert finished(story) == {
        file["item"]: file["artifact"]["sha256"]
        for file in manifest["files"]
        if not file["name"].endswith("_metadata.json")
    }


@pytest.mark.parametrize("form", ["md", "fountain", "fdx", "pdf", "csv"])
async def test_every_export_is_downloaded(product: Product, story: dict[str, Any], form: str) -> None:
    """It comes under the story's title, in its own form, with every segment."""
    response = await product.api.get(f"/api/sessions/{story['id']}/export/{form}")
    assert 200 == response.status_code
    assert f".{form}" in response.headers["content-disposition"]
    assert response.headers["content-disposition"].startswith("attachment")
    if form == "pdf":
        assert response.content.startswith(b"%PDF-")
        return
    assert story["title"].casefold() in response.text.casefold()
    if form == "fdx":
        assert "FinalDraft" == ElementTree.fromstring(response.content).tag
    if form == "csv":
        assert 7 == len(list(csv.reader(io.StringIO(response.text))))


async def test_a_story_without_a_set_is_read_with_its_gap(product: Product) -> None:
    """What is ready can be read and exported while a set has failed; the missing one is marked."""
    await product.faults(failing("\nSet 2 of 3 (", kind="auth"))
    session = await product.settled(await start_story(product, total_segments=6, segments_per_set=2))
    assert ("partial", ["set-02"]) == (session["status"], failed(session))
    assembled = (await product.api.get(f"/api/sessions/{session['id']}/story")).json()
    assert [1, 3] == [one["set_number"] for one in assembled["sets"]]
    for form in ("md", "fountain", "fdx", "pdf", "csv"):
        assert 200 == (await product.api.get(f"/api/sessions/{session['id']}/export/{form}")).status_code, form
    assert 404 == (await product.api.get(f"/api/sessions/{session['id']}/items/set-02/content")).status_code


WRONG_STARTS: dict[str, tuple[dict[str, Any], str]] = {
    "no idea": ({}, "#/idea"),
    "blank idea": ({"idea": " \n"}, "#/idea"),
    "idea too long": ({"idea": "x" * 100_001}, "#/idea"),
    "NUL in the idea": ({"idea": "a\0b"}, "#/idea"),
    "no segments": ({"idea": IDEA, "total_segments": 0}, "#/total_segments"),
    "ten million segments": ({"idea": IDEA, "total_segments": 10_000_000}, "#/total_segments"),
    "segments as a text": ({"idea": IDEA, "total_segments": "60"}, "#/total_segments"),
    "no segments per set": ({"idea": IDEA, "segments_per_set": 0}, "#/segments_per_set"),
    "21 segments per set": ({"idea": IDEA, "segments_per_set": 21}, "#/segments_per_set"),
    "1,001 sets": ({"idea": IDEA, "total_segments": 1001, "segments_per_set": 1}, "#"),
    "two of one name": ({"idea": IDEA, "characters": [{"name": "Ada"}, {"name": " ADA"}]}, "#/characters"),
    "a character without a name": ({"idea": IDEA, "characters": [{"description": "tall"}]}, "#/characters/0/name"),
    "21 characters": ({"idea": IDEA, "characters": [{"name": f"N{n}"} for n in range(21)]}, "#/characters"),
    "roster of names alone": ({"idea": IDEA, "characters": ["Ada"]}, "#/characters/0"),
    "a language that is none": ({"idea": IDEA, "language": "the Queen's"}, "#/language"),
    "eleven attempts": ({"idea": IDEA, "max_attempts": 11}, "#/max_attempts"),
    "a field that is none": ({"idea": IDEA, "segments": 60}, "#/segments"),
}


async def ids_of_sessions(product: Product) -> list[str]:
    """Return which sessions there are; those of other tests may close meanwhile."""
    return [session["id"] for session in (await product.api.get("/api/sessions")).json()["sessions"]]


@pytest.mark.parametrize(("body", "pointer"), WRONG_STARTS.values(), ids=WRONG_STARTS.keys())
async def test_a_wrong_start_names_its_mistake_and_starts_nothing(
    product: Product, body: dict[str, Any], pointer: str
) -> None:
    """Whoever sends it learns which part is wrong; there is no session and no call."""
    sessions = await ids_of_sessions(product)
    before = await last_call(product)
    refused = await product.api.post(STARTS, json=body)
    assert (422, "application/problem+json") == (refused.status_code, refused.headers["content-type"])
    problem = refused.json()
    assert pointer in [error["pointer"] for error in problem["errors"]]
    assert problem["detail"].strip().endswith(".")
    assert "xxxx" not in refused.text
    assert sessions == await ids_of_sessions(product)
    assert [] == await calls_since(product, before)


async def test_the_largest_idea_is_written(product: Product) -> None:
    """100,000 characters in any script are no mistake, and no history is too large for them."""
    session = await product.settled(await start_story(product, idea="灯" * 100_000, total_segments=1))
    assert "complete" == session["status"]
    assert 200 == (await product.api.get(f"/sessions/{session['id']}")).status_code


async def test_a_server_that_has_only_chat_completions_is_enough(tmp_path: Path) -> None:
    """With RETAKES_TEXT_API=chat the same story comes of the same faults, by the other endpoint alone."""
    async with running_product(tmp_path, settings={"RETAKES_TEXT_API": "chat"}) as product:
        rules = [
            {"match": f"\nSet {number} of 8 (", "times": 1, "fault": fault} for number, fault in enumerate(FAULTS, 1)
        ]
        await product.faults({"seed": 1, "rules": rules})
        session_id = await start_story(product, total_segments=16, segments_per_set=2)
        session = await product.settled(session_id, patience=timedelta(seconds=30))
        assert "complete" == session["status"]
        calls = await product.calls()
        assert {"/v1/chat/completions"} == {call["path"] for call in calls}
        assert len(FAULTS) == sum(call["fault"] is not None for call in calls)
        check_written_once(calls)
        check_ledger(await ledger_of(product, session_id), calls=calls)
        assert session["title"] == check_one_story(await archive_of(product, session_id), sets=8, segments=16)
