"""The report of a run: the evidence and what was found in it as JSON, and a page that needs nothing else to be read."""

import dataclasses
import json
from html import escape
from pathlib import Path
from typing import Final

from tests.chaos.checks.result import CheckResult
from tests.chaos.evidence import Evidence
from tests.chaos.plan import ChaosPlan
from tests.chaos.plots import figures, recoveries, timeline

EVIDENCE_FILE: Final = "evidence.json"
_MOST_FAILURES: Final = 12
_STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; padding: .25rem .6rem; vertical-align: top;
border-bottom: 1px solid #ddd } .kept { color: #2f6f4f } .broken { color: #b5483a; font-weight: 600 }
svg { width: 100%; height: auto } code { background: #f3f1ec; padding: 0 .25rem }
"""


def write_report(folder: Path, *, evidence: Evidence, results: tuple[CheckResult, ...], plan: ChaosPlan | None) -> None:
    """Write ``evidence.json``, ``report.json``, ``index.html`` and, of a run that has just been, ``plan.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / EVIDENCE_FILE).write_text(evidence.model_dump_json(), encoding="utf-8")
    report = {
        "seed": evidence.seed,
        "command": evidence.command,
        "commit": evidence.commit,
        "records": evidence.records,
        "store": evidence.store,
        "began_at": evidence.began_at.isoformat(),
        "has_passed": all(result.has_passed for result in results),
        "figures": figures(evidence),
        "checks": [{**result.model_dump(mode="json"), "has_passed": result.has_passed} for result in results],
    }
    (folder / "report.json").write_text(json.dumps(report, indent=2, ensure_ascii=False), encoding="utf-8")
    (folder / "index.html").write_text(_page(evidence, results), encoding="utf-8")
    if plan is not None:
        planned = {
            "wishes": [dataclasses.asdict(wish) for wish in plan.wishes],
            "strikes": [dataclasses.asdict(strike) for strike in plan.strikes],
            "faults": plan.faults.model_dump(mode="json"),
        }
        (folder / "plan.json").write_text(json.dumps(planned, indent=1), encoding="utf-8")


def summary(evidence: Evidence, results: tuple[CheckResult, ...]) -> str:
    """Return what was found in plain text: the figures, and a line for each check, exception and failure."""
    lines = [f"     {name}: {value}" for name, value in figures(evidence).items()]
    for result in results:
        lines.append(f"{'ok  ' if result.has_passed else 'FAIL'} {result.name}: {result.looked_at} looked at")
        lines += [f"       {count} x {reason}" for reason, count in sorted(result.exceptions.items())]
        lines += [f"     ! {failure}" for failure in result.failures[:_MOST_FAILURES]]
        if len(result.failures) > _MOST_FAILURES:
            lines.append(f"     ! … {len(result.failures) - _MOST_FAILURES} more, in the report")
    return "\n".join(lines)


def _page(evidence: Evidence, results: tuple[CheckResult, ...]) -> str:
    kept = sum(result.has_passed for result in results)
    shown = figures(evidence)
    recovered = next((result.listed for result in results if any(one.seconds for one in result.listed)), ())
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>Chaos</title>",
        f"<style>{_STYLE}</style>",
        f"<h1>{kept} of {len(results)} promises kept</h1>",
        f"<p>{evidence.began_at:%-d %B %Y}, commit <code>{escape(evidence.commit)}</code>, seed {evidence.seed}, ",
        f"records on {escape(evidence.records)}; the store: {escape(evidence.store)}. The same plan again:</p>",
        f"<p><code>{escape(evidence.command)}</code></p>",
        "<table>",
        *(f"<tr><th>{escape(name)}<td>{escape(value)}" for name, value in shown.items()),
        "</table><h2>What was broken, and what went on meanwhile</h2>",
        timeline(evidence),
        "<h2>Promises</h2><table><tr><th>Promise<th>Looked at<th>Known exceptions<th>Broken",
        *(_row(result) for result in results),
        "</table>",
        *(_listed(result) for result in results if result.listed),
        *(
            ["<h2>How long items took to go on after their worker was killed</h2>", recoveries(recovered)]
            if recovered
            else []
        ),
        "</html>",
    ]
    return "\n".join(parts)


def _row(result: CheckResult) -> str:
    mark = "<span class=kept>kept</span>" if result.has_passed else "<span class=broken>broken</span>"
    exceptions = "<br>".join(f"{count} × {escape(reason)}" for reason, count in sorted(result.exceptions.items()))
    failures = "<br>".join(escape(failure) for failure in result.failures)
    return f"<tr><td>{mark} {escape(result.promise)}<td>{result.looked_at}<td>{exceptions}<td>{failures}"


def _listed(result: CheckResult) -> str:
    rows = "\n".join(
        f"<tr><td>{one.at:.1f} s<td>{escape(one.session)} {escape(one.item)}<td>{escape(one.reason)}"
        f"<td>{'' if one.seconds is None else f'{one.seconds:.1f} s'}<td>{escape(one.text)}"
        for one in result.listed
    )
    return f"<h2>{escape(result.name)}, one by one</h2><table>{rows}</table>"
