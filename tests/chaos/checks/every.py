"""All checks, in the order in which a report shows them."""

from collections.abc import Callable, Sequence
from typing import Final

from tests.chaos.checks.calls import (
    attempts_within_their_maximum,
    cancel_stops_calls,
    ledger_is_the_log,
    nothing_after_a_stored_artifact,
)
from tests.chaos.checks.histories import histories_are_clean, histories_replay
from tests.chaos.checks.matching import Casebook
from tests.chaos.checks.money import budgets_kept
from tests.chaos.checks.paid_twice import calls_paid_twice
from tests.chaos.checks.recovery import items_go_on
from tests.chaos.checks.result import CheckResult
from tests.chaos.checks.states import (
    duplicates_begin_nothing,
    finished_stays,
    nothing_left_failed,
    nothing_lost,
    nothing_stuck,
    one_final_state,
    streams_end_with_the_truth,
)
from tests.chaos.evidence import Evidence

CHECKS: Final[Sequence[Callable[[Casebook], CheckResult]]] = (
    nothing_lost,
    nothing_stuck,
    one_final_state,
    nothing_left_failed,
    duplicates_begin_nothing,
    finished_stays,
    attempts_within_their_maximum,
    ledger_is_the_log,
    nothing_after_a_stored_artifact,
    calls_paid_twice,
    cancel_stops_calls,
    budgets_kept,
    streams_end_with_the_truth,
    histories_are_clean,
    histories_replay,
    items_go_on,
)


def checked(evidence: Evidence) -> tuple[CheckResult, ...]:
    """Run every check over the evidence of a run."""
    book = Casebook(evidence)
    return tuple(check(book) for check in CHECKS)
