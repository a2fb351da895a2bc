"""What attempts have cost: sums over the ledger, over a period, by day, kind, model or session."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final, Protocol, Self

from pydantic import ConfigDict, Field

from sessions.model import Value
from sessions.money import Usage, dollars
from sessions.statuses import SessionKind

DEFAULT_ROWS: Final = 100
MOST_ROWS: Final = 10_000

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?)(?:([Zz])|([ +-]\d{2}:\d{2}))", re.ASCII
)
_YEARS: Final = range(1970, 9999)
_ADVICE: Final = "must be a day such as 2026-11-21 or a moment such as 2026-11-21T09:30:00Z"


class InvalidPeriodError(ValueError):
    """The period ends before it begins. Let ``from`` be earlier than ``to``."""


@dataclass(frozen=True, kw_only=True)
class Boundary:
    """Where a period begins or ends: a day as a whole, or a moment. ``first`` belongs to it, ``after`` does not."""

    first: datetime
    after: datetime


@dataclass(frozen=True, kw_only=True)
class Period:
    """From ``begin`` on, until just before ``end``."""

    begin: datetime
    end: datetime


def boundary_of(text: str) -> Boundary:
    """Return what a text stands for: a day in UTC, or a moment as RFC 3339 writes it.

    Raises:
        ValueError: it is neither, or centuries off; the message is to be read after the parameter's name.
    """
    try:
        if _DAY.fullmatch(text):
            day = date.fromisoformat(text)
            first = datetime.combine(day, time(), tzinfo=UTC)
        elif match := _INSTANT.fullmatch(text):
            # A plus sign that a client did not escape arrives as a space.
            offset = "+00:00" if match[3] else match[4].replace(" ", "+")
            first = datetime.fromisoformat(f"{match[1]}T{match[2]}{offset}")
        else:
            raise ValueError(_ADVICE)
    except ValueError as error:
        raise ValueError(_ADVICE) from error
    if first.year not in _YEARS:
        raise ValueError(f"must lie in the years {_YEARS[0]} to {_YEARS[-1]}")
    first = first.astimezone(UTC)
    return Boundary(first=first, after=first + timedelta(days=1) if _DAY.fullmatch(text) else first)


def valid_boundary(text: str) -> str:
    """Return a text that `boundary_of` understands.

    Raises:
        ValueError: as `boundary_of` does.
    """
    boundary_of(text)
    return text


def period_of(begin: str | None, end: str | None, *, now: datetime) -> Period:
    """Return the period between two texts, as `boundary_of` reads them: an end that is a day is included.

    Without an end it lasts until the end of the current month, without a beginning it begins with the month in
    which it ends; without both it is the current month. Months are those of UTC.

    Raises:
        InvalidPeriodError: it holds not one moment.
        ValueError: as `boundary_of` does.
    """
    until = boundary_of(end).after if end else _month(now.astimezone(UTC), later=1)
    since = boundary_of(begin).first if begin else _month(until - timedelta.resolution)
    if since >= until:
        raise InvalidPeriodError(
            f"The period would begin at {_written(since)} and end at {_written(until)}. Let from be earlier than to."
        )
    return Period(begin=since, end=until)


def _month(moment: datetime, *, later: int = 0) -> datetime:
    months = moment.year * 12 + moment.month - 1 + later
    return datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)


def _written(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


class CostBy(StrEnum):
    """What sums are taken by. ``day`` is that of UTC on which an attempt began."""

    DAY = "day"
    KIND = "kind"
    MODEL = "model"
    SESSION = "session"

    @property
    def is_paged(self) -> bool:
        """Whether there may be more rows than anybody wants at once: those come dearest first."""
        return self in (CostBy.MODEL, CostBy.SESSION)


class CostSums(Value):
    """Sums over ledger entries. ``attempts`` are all of them; ``running`` ones have no cost yet."""

    attempts: int = 0
    running: int = 0
    complete: int = 0
    failed: int = 0
    uncertain: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    spent_microdollars: int = 0
    uncertain_microdollars: int = 0

    def __add__(self, other: Self) -> "CostSums":
        return CostSums(**{name: getattr(self, name) + getattr(other, name) for name in CostSums.model_fields})


class CostGroup(Value):
    """The sums of one day, kind, model or session: of whatever ``key`` names.

    ``key`` is None for the kind of attempts whose session is not written down. Title and kind are the session's.
    """

    key: str | None
    title: str | None = None
    kind: SessionKind | None = None
    sums: CostSums


class CostPage(Value):
    """Groups, the sums of all groups whether or not they are on this page, and where the next page begins."""

    groups: tuple[CostGroup, ...]
    totals: CostSums
    next_cursor: str | None = None


class RecordedCall(Value):
    """The usage of an attempt that was complete, and what its session was started with, as JSON."""

    session_id: str
    item: str
    usage: Usage
    start: str


class CostRecords(Protocol):
    """The records as far as money is concerned. Raises `RecordsOutOfReachError` while they do not answer."""

    async def costs(self, period: Period, *, by: CostBy, limit: int, cursor: str | None) -> CostPage:
        """Return the sums of the attempts that began in a period.

        Raises:
            InvalidCursorError: the cursor is not one of this list.
        """
        ...

    async def recorded_calls(self, model: str, *, kind: SessionKind, limit: int) -> Sequence[RecordedCall]:
        """Return those of a model's newest complete attempts that belong to a kind and whose usage was told."""
        ...


class CostAmounts(Value):
    """Sums as they are shown. Amounts are US dollars, exact to the micro-dollar."""

    attempts: int
    running: int
    complete: int
    failed: int
    uncertain: int
    input_tokens: int
    output_tokens: int
    spent_usd: float
    uncertain_usd: float


class CostOf(Value):
    """Whose costs a row tells: the one of the first four that was asked by; of a session also its title and kind."""

    day: date | None = None
    model: str | None = None
    session: str | None = None
    kind: SessionKind | None = None
    title: str | None = None


# In this order of bases what a row is about comes before its figures.
class CostRow(CostAmounts, CostOf):
    """A row of a report."""


class CostReport(Value):
    """What was spent from the beginning of a period until just before its end."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    begin: datetime = Field(alias="from")
    end: datetime = Field(alias="to")
    by: CostBy
    currency: str = "USD"
    rows: tuple[CostRow, ...]
    totals: CostAmounts
    next_cursor: str | None = None


def report_of(page: CostPage, *, period: Period, by: CostBy) -> CostReport:
    """Return a page as it is shown."""
    return CostReport(
        begin=period.begin,
        end=period.end,
        by=by,
        currency="USD",
        rows=tuple(_row(group, by=by) for group in page.groups),
        totals=CostAmounts.model_validate(_amounts(page.totals)),
        next_cursor=page.next_cursor,
    )


def _row(group: CostGroup, *, by: CostBy) -> CostRow:
    # Only what is told is set, so that fields which do not belong to the row can be left out of it.
    told: dict[str, object] = {by.value: group.key}
    if by is CostBy.SESSION:
        told |= {"title": group.title, "kind": group.kind}
    return CostRow.model_validate(told | _amounts(group.sums))


def _amounts(sums: CostSums) -> dict[str, object]:
    return {
        **sums.model_dump(exclude={"spent_microdollars", "uncertain_microdollars"}),
        "spent_usd": dollars(sums.spent_microdollars),
        "uncertain_usd": dollars(sums.uncertain_microdollars),
    }
