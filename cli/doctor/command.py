"""The command `retakes doctor`."""

import asyncio
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Final, NoReturn

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cli.doctor.examine import checks_of, examined
from cli.doctor.findings import Finding, Report, Verdict
from runtime.settings import Settings

_SIGNS: Final = {
    Verdict.OK: ("✓", "green"),
    Verdict.WARNING: ("!", "yellow"),
    Verdict.WRONG: ("✗", "bold red"),
    Verdict.SKIPPED: ("–", "dim"),
}


def examine(settings: Settings, *, api: str | None, as_json: bool) -> NoReturn:
    """Look at everything, print what was found, and end: 0 when nothing is wrong, else 1."""
    # What libraries would say of each failure is in the findings.
    logging.getLogger().addHandler(logging.NullHandler())
    asyncio.run(_examine(settings, api=api, as_json=as_json))


async def _examine(settings: Settings, *, api: str | None, as_json: bool) -> NoReturn:
    report = await examined(checks_of(settings, api=api))
    with suppress(BrokenPipeError):  # whoever read has seen enough
        if as_json:
            sys.stdout.write(f"{report.model_dump_json(indent=2)}\n")
        elif sys.stdout.isatty():
            _show(report, console=Console(highlight=False))
        else:
            sys.stdout.write(_in_lines(report))
        sys.stdout.flush()
    # Here and at once: what was left behind, such as a name that is still being looked up in a thread, would hold
    # up the end of the loop, and the SDK's threads now and then crash an interpreter that ends around them.
    os._exit(1 if report.status is Verdict.WRONG else 0)


def _show(report: Report, *, console: Console) -> None:
    table = Table.grid(padding=(0, 2))
    for column in ("verdict", "title"):
        table.add_column(column, no_wrap=True)
    table.add_column("seen", overflow="fold")
    for finding, advice in _with_advice(report):
        sign, style = _SIGNS[finding.status]
        told = Text(finding.seen)
        if advice is not None:
            told.append(f"\n→ {advice}", style="bold")
        table.add_row(Text(f"{sign} {finding.status}", style=style), finding.title, told)
    console.print(Padding(table, (1, 0, 1, 0), expand=False))
    console.print(_summary(report))


def _in_lines(report: Report) -> str:
    """Return unbroken lines, for a file or a program that searches them."""
    title_width = max(len(finding.title) for finding in report.checks)
    lines = []
    for finding, advice in _with_advice(report):
        lines.append(f"{finding.status:<7}  {finding.title:<{title_width}}  {finding.seen}")
        if advice is not None:
            lines.append(f"{'':<{title_width + 11}}-> {advice}")
    return "\n".join((*lines, _summary(report), ""))


def _with_advice(report: Report) -> Iterator[tuple[Finding, str | None]]:
    """Yield each finding with its advice, which is spelt out once: much that is wrong has one cause."""
    told: set[str] = set()
    for finding in report.checks:
        yield finding, "as above" if finding.advice in told else finding.advice
        told.update(filter(None, [finding.advice]))


def _summary(report: Report) -> str:
    counts = {verdict: sum(finding.status is verdict for finding in report.checks) for verdict in Verdict}
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
    return f"{len(report.checks)} checks: {told}."
