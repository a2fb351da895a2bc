"""What the doctor finds. `retakes doctor --json` prints a `Report`."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from sessions.model import Value


class Verdict(StrEnum):
    """How something was found; ``skipped`` where it could not, or need not, be looked at."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"
    SKIPPED = "skipped"


class Seen(Value):
    """What one look has come to: what was seen, and what to do where something is to be done."""

    status: Verdict
    seen: str
    advice: str | None = None

    @classmethod
    def ok(cls, seen: str) -> Self:
        """Return that all is well."""
        return cls(status=Verdict.OK, seen=seen)

    @classmethod
    def warning(cls, seen: str, *, advice: str) -> Self:
        """Return what works, and may not for long or not for everybody."""
        return cls(status=Verdict.WARNING, seen=seen, advice=advice)

    @classmethod
    def wrong(cls, seen: str, *, advice: str) -> Self:
        """Return what sessions will fail of."""
        return cls(status=Verdict.WRONG, seen=seen, advice=advice)

    @classmethod
    def skipped(cls, why: str, *, advice: str | None = None) -> Self:
        """Return why nobody looked."""
        return cls(status=Verdict.SKIPPED, seen=why, advice=advice)


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing to look at. ``name`` is for programs, ``title`` for people."""

    name: str
    title: str
    look: Callable[[], Awaitable[Seen]]


class Finding(Value):
    """What was found of one thing; the fields are those of `Check` and of `Seen`."""

    name: str
    title: str
    status: Verdict
    seen: str
    advice: str | None


class Report(Value):
    """All findings, in the order of the checks. ``status`` is the worst of them; what was skipped does not count."""

    status: Verdict
    checks: tuple[Finding, ...]

    @classmethod
    def of(cls, findings: Sequence[Finding]) -> Self:
        """Return the report on these findings."""
        found = {finding.status for finding in findings}
        worst = next((one for one in (Verdict.WRONG, Verdict.WARNING) if one in found), Verdict.OK)
        return cls(status=worst, checks=tuple(findings))
