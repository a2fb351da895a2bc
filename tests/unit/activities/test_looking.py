"""What lost attempts have left is looked for when no other attempt follows; nothing is made."""

import pytest
from temporalio.exceptions import ApplicationError

from sessions.attempts import LostAttempts, RoundReport
from sessions.images import ImageTask
from sessions.ledger import UNKNOWN_PROMPT, LedgerEntry
from sessions.money import Spending
from sessions.statuses import AttemptStatus
from tests.support.memory import MemoryArtifacts
from tests.support.scripted import USAGE
from tests.support.workflow_environment import PRICES
from tests.unit.activities.desk import Desk, image_task, running_entry

PAID = PRICES.cost_microdollars(USAGE, model="gpt-image-2")
WORST = 7000


def lost(attempt: int) -> LedgerEntry:
    """Return what is entered of a lost attempt that has left nothing."""
    return running_entry(attempt).model_copy(update={"worst_case_microdollars": WORST}).abandoned()


def looking_for(*entries: LedgerEntry, report: RoundReport = RoundReport()) -> ImageTask:  # noqa: B008 - frozen
    """Return the task to look for what these attempts have left."""
    return image_task().model_copy(update={"lost": LostAttempts(report=report, entries=entries)})


async def test_what_was_stored_is_the_items_result(desk: Desk) -> None:
    """Its entry is complete, with its own beginning and its cost as it was, and what came before still counts."""
    receipt = desk.store(3)
    before = RoundReport(attempts_used=2, spending=Spending(spent_microdollars=5))
    outcome = await desk.run(looking_for(lost(3), report=before))

    assert {} == dict(desk.provider.calls)
    assert receipt.artifact == outcome.artifact
    assert (3, 5 + PAID, 0) == (
        outcome.report.attempts_used,
        outcome.report.spending.spent_microdollars,
        outcome.report.spending.uncertain_microdollars,
    )
    (entry,) = desk.entries
    assert (AttemptStatus.COMPLETE, "req-of-3", PAID, None, None, None) == (
        entry.status,
        entry.request_id,
        entry.cost_microdollars,
        entry.error,
        entry.error_type,
        entry.advice,
    )
    assert (running_entry(3).started_at, "the dead worker") == (entry.started_at, entry.worker)


@pytest.mark.parametrize("stored", [[1], [2], [3], [1, 3]])
async def test_the_others_stay_lost(desk: Desk, stored: list[int]) -> None:
    """Of several results the latest is taken; every other attempt may have been billed."""
    for attempt in stored:
        desk.store(attempt)
    outcome = await desk.run(looking_for(lost(1), lost(2), lost(3)))

    assert stored[-1] == outcome.artifact.attempt
    assert (3, PAID, 2 * WORST) == (
        outcome.report.attempts_used,
        outcome.report.spending.spent_microdollars,
        outcome.report.spending.uncertain_microdollars,
    )
    assert [AttemptStatus.COMPLETE if attempt == stored[-1] else AttemptStatus.UNCERTAIN for attempt in (1, 2, 3)] == [
        entry.status for entry in desk.entries
    ]


async def test_an_attempt_that_nobody_told_of_is_entered_as_it_must_have_been(desk: Desk) -> None:
    """With the digest of its prompt, which follows from its number."""
    await desk.run(image_task())
    known = desk.entries[0].prompt_sha256
    untold = lost(1).model_copy(update={"prompt_sha256": UNKNOWN_PROMPT, "worker": "unknown"})
    await desk.run(looking_for(untold))

    (entry,) = desk.entries
    assert (known, "this worker", AttemptStatus.COMPLETE) == (entry.prompt_sha256, entry.worker, entry.status)


async def test_where_nothing_was_left_nothing_is_made(desk: Desk) -> None:
    """Neither a call nor an entry: what the session enters is known to it already. Nobody looks again."""
    with pytest.raises(ApplicationError) as ended:
        await desk.run(looking_for(lost(1), lost(2)))

    assert ("nothing_left", True) == (ended.value.type, ended.value.non_retryable)
    assert ({}, []) == (dict(desk.provider.calls), desk.entries)


async def test_a_store_that_cannot_be_read_is_asked_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """That it does not answer is no answer."""

    async def find(self: object, key: str) -> None:
        raise PermissionError("no access to the folder")

    monkeypatch.setattr(MemoryArtifacts, "find", find)
    monkeypatch.setattr("activities.shelf.Patience.is_left", False)
    with pytest.raises(ApplicationError, match="cannot be read") as ended:
        await desk.run(looking_for(lost(1)))

    assert not ended.value.non_retryable
    assert [] == desk.entries
