"""The report of a run."""

from pathlib import Path
from typing import Final

from tests.chaos.checks.result import CheckResult
from tests.chaos.evidence import Evidence
from tests.chaos.plan import ChaosPlan

EVIDENCE_FILE: Final = "evidence.json"


def write_report(folder: Path, *, evidence: Evidence, results: tuple[CheckResult, ...], plan: ChaosPlan | None) -> None:
    """Write the evidence."""
    (folder / EVIDENCE_FILE).write_text(evidence.model_dump_json(), encoding="utf-8")


def summary(evidence: Evidence, results: tuple[CheckResult, ...]) -> str:
    """Return what was found, a line for each check and each failure."""
    lines = []
    for result in results:
        lines.append(f"{'ok  ' if result.has_passed else 'FAIL'} {result.name}: {result.looked_at} looked at")
        lines += [f"       {count} x {reason}" for reason, count in sorted(result.exceptions.items())]
        lines += [f"     ! {failure}" for failure in result.failures[:12]]
    return "\n".join(lines)
