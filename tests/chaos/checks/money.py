"""Budgets."""

from tests.chaos.checks.matching import Casebook
from tests.chaos.checks.result import CheckResult, Findings


def budgets_kept(book: Casebook) -> CheckResult:
    """No session costs more than its budget, by more than its attempts cost beyond what they were reckoned at."""
    found = Findings("budgets kept", "No session passes its budget, uncertain attempts included.")
    for mark, session in book.sessions.items():
        if session.budget_microdollars is None or session.spent_within_budget is None:
            continue
        spent, beyond = session.spent_within_budget
        found.expect(
            spent <= session.budget_microdollars + beyond,
            f"{mark} has cost {spent} micro-dollars of {session.budget_microdollars}, and {beyond} were not foreseen",
        )
    return found.result()
