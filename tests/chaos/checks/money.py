"""Budgets."""

from sessions.statuses import ItemStatus
from tests.chaos.checks.matching import Casebook
from tests.chaos.checks.result import CheckResult, Findings
from tests.chaos.evidence import SessionEvidence

FORGOTTEN = "an attempt that the records did not take yet was forgotten when its item was cancelled"


def budgets_kept(book: Casebook) -> CheckResult:
    """No session costs more than its budget, by more than its attempts cost beyond what they were reckoned at."""
    found = Findings("budgets kept", "No session passes its budget, uncertain attempts included.")
    for mark, session in book.sessions.items():
        if session.budget_microdollars is None or session.spent_within_budget is None:
            continue
        spent, beyond = session.spent_within_budget
        forgotten = _forgotten(session)
        if session.budget_microdollars + beyond < spent <= session.budget_microdollars + beyond + forgotten:
            found.excuse(FORGOTTEN)
            continue
        found.expect(
            spent <= session.budget_microdollars + beyond,
            f"{mark} has cost {spent} micro-dollars of {session.budget_microdollars}, and {beyond} were not foreseen",
        )
    return found.result()


def _forgotten(session: SessionEvidence) -> int:
    """Return what attempts have cost of which the session did not know when their items were cancelled.

    Between two attempts Temporal hands no report over, and the ledger that is asked instead had not taken them yet.
    """
    known = {item.key: item.attempt for item in session.view.items if item.status is ItemStatus.CANCELLED}
    return sum(
        entry.cost_microdollars for entry in session.ledger if entry.attempt > known.get(entry.item, entry.attempt)
    )
