"""What a check answers with."""

from collections import Counter
from collections.abc import Mapping

from tests.chaos.journal import Fact


class Listed(Fact):
    """Something that a check does not object to and yet shows one by one: a call that was paid twice, a recovery."""

    session: str
    item: str
    at: float
    """Seconds since the run began."""
    reason: str
    text: str = ""
    seconds: float | None = None


class CheckResult(Fact):
    """What a check has found. It has passed when nothing failed.

    Attributes:
        promise: what was checked, as a sentence.
        looked_at: how many things were looked at; a check that saw none proves nothing.
        failures: what breaks the promise, each naming its session and item.
        exceptions: known exceptions and how often each was met.
        listed: things shown one by one.
    """

    name: str
    promise: str
    looked_at: int
    failures: tuple[str, ...] = ()
    exceptions: Mapping[str, int] = {}
    listed: tuple[Listed, ...] = ()

    @property
    def has_passed(self) -> bool:
        """Whether the promise was kept."""
        return not self.failures


class Findings:
    """Collects what a check finds."""

    def __init__(self, name: str, promise: str) -> None:
        self._name = name
        self._promise = promise
        self._looked_at = 0
        self._failures: list[str] = []
        self._exceptions: Counter[str] = Counter()
        self._listed: list[Listed] = []

    def look(self, times: int = 1) -> None:
        """Count something that is looked at."""
        self._looked_at += times

    def fail(self, text: str) -> None:
        """Keep what breaks the promise."""
        self._failures.append(text)

    def expect(self, holds: bool, text: str) -> None:
        """Look at something, and keep the text if it does not hold."""
        self.look()
        if not holds:
            self.fail(text)

    def excuse(self, reason: str) -> None:
        """Count a known exception."""
        self._exceptions[reason] += 1

    def show(self, listed: Listed) -> None:
        """Keep something to be shown."""
        self._listed.append(listed)

    def result(self) -> CheckResult:
        """Return what was found."""
        return CheckResult(
            name=self._name,
            promise=self._promise,
            looked_at=self._looked_at,
            failures=tuple(self._failures),
            exceptions=dict(self._exceptions),
            listed=tuple(self._listed),
        )
