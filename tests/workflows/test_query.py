"""What a running session answers: to our own API, and to a person who opens Temporal."""

from typing import Any

import pytest
from temporalio.api.sdk.v1 import WorkflowMetadata

from sessions.variations import VARIATIONS
from sessions.wire import SESSION_QUERY
from tests.support.scripted import Gate, forbidden, refused
from tests.support.workflow_environment import RunningSession, Studio

pytestmark = pytest.mark.asyncio(loop_scope="session")

# The contract's session, field by field; a list stands for a list of such objects, None for a plain value.
CONTRACT: dict[str, Any] = {
    **dict.fromkeys(("id", "version", "kind", "title", "status", "paused", "round", "message")),
    "counts": dict.fromkeys(("total", "pending", "processing", "complete", "failed", "cancelled")),
    "items": [
        {
            **dict.fromkeys(("key", "label", "status", "attempt", "max_attempts", "retry_count", "variation")),
            "next_attempt_at": None,
            "error": dict.fromkeys(("type", "message", "advice")),
            "artifact": dict.fromkeys(("url", "media_type", "bytes", "sha256", "width", "height")),
            "selected_attempt": None,
        }
    ],
    "retry_info": dict.fromkeys(("can_retry", "failed_items", "retry_endpoint")),
    "usage": dict.fromkeys(("input_tokens", "output_tokens")),
    "cost_usd": dict.fromkeys(("estimated", "spent", "uncertain")),
    **dict.fromkeys(("created_at", "updated_at", "settled_at", "closed_at", "stale")),
    "links": dict.fromkeys(("self", "events", "archive", "temporal")),
}


def _assert_shape(expected: object, actual: object, *, at: str = "session") -> None:
    if isinstance(expected, list):
        assert isinstance(actual, list), at
        for index, entry in enumerate(actual):
            _assert_shape(expected[0], entry, at=f"{at}[{index}]")
    elif isinstance(expected, dict) and actual is not None:
        assert isinstance(actual, dict), at
        assert set(expected) == set(actual), at
        for key, inner in expected.items():
            _assert_shape(inner, actual[key], at=f"{at}.{key}")


async def _answer(session: RunningSession) -> dict[str, Any]:
    answer = await session.handle.query(SESSION_QUERY)
    assert isinstance(answer, dict)
    return answer


async def _details(session: RunningSession) -> str:
    metadata = await session.handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    assert isinstance(metadata, WorkflowMetadata)
    return metadata.current_details


async def test_the_answer_has_the_fields_of_the_contract_and_no_others(studio: Studio) -> None:
    """Items that are finished, failed and under way each show exactly what the contract names."""
    gate = Gate()
    studio.provider.script("Main image", gate)
    studio.provider.script("Lifestyle", forbidden())
    session = await studio.start()
    await session.until(lambda view: (view.counts.complete, view.counts.failed) == (3, 1))
    answer = await _answer(session)

    _assert_shape(CONTRACT, answer)
    by_key = {item["key"]: item for item in answer["items"]}
    assert None is by_key["main"]["error"]
    assert None is by_key["main"]["artifact"]
    assert "permanent" == by_key["lifestyle"]["error"]["type"]
    assert by_key["comparison"]["artifact"]["url"].startswith(f"/api/sessions/{answer['id']}/items/comparison/content")
    gate.opened.set()


async def test_the_answer_of_a_complete_session(studio: Studio) -> None:
    """A session that went well says so in every field."""
    session = await studio.start()
    await session.result()
    answer = await _answer(session)

    expected = {
        "id": session.handle.id,
        "kind": "images",
        "title": "Steel bottle",
        "status": "complete",
        "paused": False,
        "round": 1,
        "message": "All 5 images are ready.",
        "counts": {"total": 5, "pending": 0, "processing": 0, "complete": 5, "failed": 0, "cancelled": 0},
        "retry_info": {
            "can_retry": False,
            "failed_items": [],
            "retry_endpoint": f"/api/sessions/{session.handle.id}/retry",
        },
        "usage": {"input_tokens": 500, "output_tokens": 5000},
        "stale": False,
    }
    assert expected == {key: answer[key] for key in expected}
    for item in answer["items"]:
        assert ("complete", 1, 3, 0, None, 1) == tuple(
            item[key] for key in ("status", "attempt", "max_attempts", "retry_count", "variation", "selected_attempt")
        )
        assert ("image/png", 1024, 1024) == tuple(item["artifact"][key] for key in ("media_type", "width", "height"))
    assert answer["settled_at"] == answer["closed_at"]
    assert answer["created_at"] <= answer["settled_at"]


async def test_a_failed_item_shows_how_often_it_was_tried(studio: Studio) -> None:
    """After three attempts: attempt 3 of 3, two retries, and the third attempt's variation."""
    studio.provider.script("Lifestyle", *[refused() for _ in range(3)])
    session = await studio.start()
    await session.settled()
    item = next(item for item in (await _answer(session))["items"] if item["key"] == "lifestyle")

    assert ("failed", 3, 3, 2, VARIATIONS[1]) == tuple(
        item[key] for key in ("status", "attempt", "max_attempts", "retry_count", "variation")
    )


async def test_the_version_grows_with_every_change(studio: Studio) -> None:
    """A watcher tells newer from older by the version alone."""
    studio.provider.script("Lifestyle", forbidden())
    session = await studio.start()
    versions = [(await session.settled()).version, (await session.retry()).revision]
    versions.append((await session.result()).revision)

    assert sorted(set(versions)) == versions


async def test_a_closed_session_still_answers(studio: Studio) -> None:
    """As long as the server keeps the history, any worker can answer from it."""
    session = await studio.start()
    state = await session.result()

    assert state == await session.state()
    assert "complete" == (await _answer(session))["status"]


async def test_current_details_hold_the_table_of_items(studio: Studio) -> None:
    """Who opens the session in Temporal sees each item, its status, its attempts and its last error."""
    studio.provider.script("Lifestyle", forbidden())
    session = await studio.start()
    await session.settled()
    lines = (await _details(session)).splitlines()

    assert ["**Steel bottle**", "", "**partial** in round 1: 4 complete, 1 failed"] == lines[:3]
    assert "| Item | Status | Attempts | Last error |" in lines
    assert "| Main image | complete | 1 |  |" in lines
    assert r"| Lifestyle | failed | 1 | permanent: The key is not valid\. |" in lines


async def test_current_details_follow_the_session(studio: Studio) -> None:
    """The table is that of the moment, not of the end of a round."""
    gate = Gate()
    studio.provider.script("Lifestyle", gate)
    session = await studio.start()
    await session.until(lambda view: view.counts.complete == 4)
    assert "| Lifestyle | processing | 0 |  |" in await _details(session)
    gate.opened.set()
    await session.result()

    assert "| Lifestyle | complete | 1 |  |" in await _details(session)
