"""Whatever is killed in the middle of a story, it is finished, and no finished set is written again."""

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

from sessions.identifiers import artifact_key
from tests.support.eventually import eventually
from tests.support.product import Product, running_product
from tests.support.story_sessions import (
    OUTLINE_CALL,
    archive_of,
    check_one_story,
    finished,
    item_of,
    ledger_of,
    start_story,
)

SETS = 60
AT_ONCE = 10
SLOW = {"seed": 1, "rate": 1.0, "rate_faults": [{"kind": "slow", "seconds": 0.7}]}
PATIENCE = timedelta(seconds=90)


async def in_the_middle(product: Product) -> dict[str, Any]:
    """Start a story of 60 sets that take their time, and return the session when a third is there and more is asked."""
    await product.faults(SLOW)
    session_id = await start_story(product, total_segments=SETS, segments_per_set=1)

    async def session_in_the_middle() -> dict[str, Any] | None:
        session = await product.session(session_id)
        under_way = sum(call["ended_at"] is None for call in await product.calls())
        return session if session["counts"]["complete"] > SETS // 3 and under_way == AT_ONCE else None

    return await eventually(session_in_the_middle, timeout=PATIENCE)


def stored(product: Product, session_id: str) -> set[str]:
    """Return the items whose first artifact is on the disk, as its receipt says."""
    keys = ["outline", *(f"set-{number:02d}" for number in range(1, SETS + 1))]
    folder = product.data_dir / "artifacts"
    return {key for key in keys if (folder / f"{artifact_key(session_id, item=key, attempt=1)}.receipt.json").exists()}


async def check_finished(product: Product, *, before: dict[str, Any], kept: set[str]) -> Counter[str]:
    """Check that a story is finished without a loss or a second payment, and return the calls for each item.

    Args:
        product: started again.
        before: the session shortly before the kill.
        kept: the items whose artifact was on the disk right after it.
    """
    after = await product.settled(before["id"], patience=PATIENCE)
    assert "complete" == after["status"], after["message"]
    assert finished(before).keys() <= kept
    assert finished(before).items() <= finished(after).items()
    calls = Counter(item_of(call) for call in await product.calls())
    made_again = {item["key"] for item in after["items"] if item["selected_attempt"] != 1}
    assert set() == made_again & kept
    assert len(made_again) <= AT_ONCE
    # An attempt that was killed between its entry in the ledger and its call counts as uncertain without a call.
    assert {item for item, count in calls.items() if count > 1} <= made_again
    assert {1, 2} == set(calls.values())
    told: dict[str, list[str]] = {}
    for entry in await ledger_of(product, before["id"]):
        told.setdefault(entry["item"], []).append(entry["status"])
    assert {item: ["uncertain", "complete"] if item in made_again else ["complete"] for item in calls} == told
    assert after["title"] == check_one_story(await archive_of(product, before["id"]), sets=SETS, segments=SETS)
    return calls


async def test_a_killed_product_finishes_sixty_sets(tmp_path: Path) -> None:
    """Only what was under way is asked for again, at most once, and each such call is shown as uncertain."""
    async with running_product(tmp_path) as product:
        before = await in_the_middle(product)
        await product.kill("worker", "api", "temporal")
        kept = stored(product, before["id"])
        assert SETS // 3 < len(kept) < SETS
        await product.start("temporal")
        await product.start("worker", "api")
        await check_finished(product, before=before, kept=kept)


async def test_a_product_killed_at_the_outline_writes_it_again_and_no_set_twice(tmp_path: Path) -> None:
    """The outline that was under way is asked for a second time; the sets follow as if nothing had happened."""
    async with running_product(tmp_path) as product:
        await product.faults({"seed": 1, "rules": [{"match": OUTLINE_CALL, "times": 1, "fault": {"kind": "hang"}}]})
        session_id = await start_story(product, total_segments=SETS, segments_per_set=1)

        async def is_asked() -> bool:
            return len(await product.calls()) == 1

        await eventually(is_asked)
        before = await product.session(session_id)
        await product.kill("worker", "api", "temporal")
        await product.start("temporal")
        await product.start("worker", "api")
        calls = await check_finished(product, before=before, kept=set())
        assert ["outline"] == [item for item, count in calls.items() if count == 2]
