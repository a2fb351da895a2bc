"""Costs as a sheet: CSV with one row for each day, kind, model or session, and no row of totals to be summed twice.

UTF-8 without a byte order mark, unlike the shot list: this one is for programs first, which would take the mark for a
part of the first column's name.
"""

import csv
import io
from collections.abc import Iterator
from typing import Final

from sessions.costs import CostAmounts, CostBy, CostReport, CostRow

_AMOUNTS: Final = tuple(CostAmounts.model_fields)
_SESSION: Final = ("session", "title", "kind")
# Spreadsheet programs take a cell that begins like this for a formula and run it, the full-width forms too.
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def cost_sheet(report: CostReport) -> bytes:
    """Return a report as CSV."""
    names = _SESSION if report.by is CostBy.SESSION else (report.by.value,)
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow([*names, *_AMOUNTS])
    for row in report.rows:
        writer.writerow([*(_text(getattr(row, name)) for name in names), *_amounts(row)])
    return written.getvalue().encode()


def _amounts(row: CostRow) -> Iterator[str | int]:
    for name in _AMOUNTS:
        value = getattr(row, name)
        # With all digits: a thousandth of a cent is no 1e-05.
        yield f"{value:.6f}" if isinstance(value, float) else value


def _text(value: object) -> str:
    """Return a cell that no spreadsheet program runs: an apostrophe before a formula makes it text."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.lstrip().startswith(_FORMULA_STARTS) else text
