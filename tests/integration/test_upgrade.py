"""A session that was started by an earlier version is finished by this one, and nothing is paid for twice."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.support.eventually import eventually
from tests.support.product import READY_PATIENCE, Product
from tests.support.story_sessions import start_story
from tests.support.versions import unpacked, versions_before

VERSIONS = versions_before() or ["HEAD~1"]
# The one before is killed, and the last that landed told to stop: neither way of ending depends on the version.
ENDS = [(VERSIONS[0], "kill"), (VERSIONS[-1], "stop")]
# Asks to wait, which costs nothing: whatever is killed meanwhile has paid for nothing that it did not keep.
WAIT = {"kind": "rate_limit", "retry_after": 6}
PLAN = {
    "seed": 1,
    "rules": [
        {"match": "Image: Lifestyle", "times": 1, "fault": WAIT},
        {"match": "Set 2 of 3", "times": 1, "fault": WAIT},
    ],
}


async def in_the_middle(product: Product) -> tuple[dict[str, Any], dict[str, Any]]:
    """Start images and a story, and return both when all is made but what was asked to wait."""
    await product.faults(PLAN)
    images = await product.start_images(size="256x256")
    story = await start_story(product, total_segments=6, segments_per_set=2)

    async def all_but_what_waits() -> tuple[dict[str, Any], dict[str, Any]] | None:
        sessions = (await product.session(images), await product.session(story))
        asked_to_wait = sum(call["status"] == 429 for call in await product.calls())
        made = all(session["counts"]["complete"] == session["counts"]["total"] - 1 for session in sessions)
        return sessions if made and asked_to_wait == 2 else None

    return await eventually(all_but_what_waits, timeout=READY_PATIENCE)


def digests(session: dict[str, Any]) -> dict[str, str]:
    return {item["key"]: item["artifact"]["sha256"] for item in session["items"] if item["artifact"]}


def what_for(call: dict[str, Any]) -> str:
    """Return what was asked for in a call."""
    lines = [line for line in call["prompt"].splitlines() if line.startswith(("Image: ", "Set "))]
    return lines[0] if lines else "outline"


@pytest.mark.parametrize(("commit", "stop"), ENDS, ids=[f"{stop}-{commit[:7]}" for commit, stop in ENDS])
async def test_a_session_of_an_earlier_version_is_finished_by_this_one(tmp_path: Path, commit: str, stop: str) -> None:
    """Its worker and API end in the middle, asked to or not; this version migrates the records and goes on."""
    code, data = tmp_path / "code", tmp_path / "data"
    data.mkdir()
    product = Product(data)
    try:
        product.code = await asyncio.to_thread(unpacked, commit, folder=code)
        await asyncio.gather(product.start("temporal", "provider"), product.migrate())
        await product.start("worker", "api")
        before = await in_the_middle(product)
        assert (code / "workflows" / "__pycache__").is_dir(), "another version ran than was meant to"
        await getattr(product, stop)("worker", "api")
        product.code = None
        await product.migrate()
        await product.start("worker", "api")
        for session in before:
            after = await product.settled(session["id"])
            assert "complete" == after["status"], after["message"]
            assert digests(session).items() <= digests(after).items()
        paid = Counter(what_for(call) for call in await product.calls() if call["status"] == 200)
        assert 5 + 4 == len(paid)
        assert {1} == set(paid.values()), paid
    finally:
        await product.close()
