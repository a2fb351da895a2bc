"""What an attempt is going to do, as its kind plans it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from sessions.artifacts import Artifact, Made
from sessions.money import Usage
from sessions.pending import PendingCall
from sessions.ports import OnPending

Call = Callable[[OnPending], Awaitable[Made]]
"""Asks the provider, with one call that may be billed."""


Finish = Callable[[Artifact, bytes | None], Awaitable[str | None]]
"""Does what follows a stored result, given its bytes where they were just made."""


class PendingCalls(Protocol):
    """What can be done about a call that goes on without whoever made it."""

    async def take_up(self, pending: PendingCall) -> Made | None:
        """Wait for it and return what it made, None where the provider does not know it.

        Raises:
            AttemptError: it made nothing.
        """
        ...

    async def give_up(self, pending: PendingCall) -> None:
        """End it, within seconds. Raises nothing."""
        ...


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What an attempt is going to do: the prompt as sent, what it costs at worst, and how the call is made ready.

    ``prepare`` reads what the call needs; nothing can have been billed until what it returns is called. ``finish``
    does what follows once the result is stored, and returns the session's title where this item decides it; it may
    be called again after a crash, then without the bytes, must not fail, and has a few seconds. ``pending`` is for
    calls that go on without a worker, None where the provider has none.
    """

    prompt: str
    worst_case: Usage
    prepare: Callable[[], Awaitable[Call]]
    finish: Finish | None = None
    pending: PendingCalls | None = None


async def _never() -> Call:
    raise AssertionError("an attempt without a plan asks nobody")


NO_PLAN = Plan(prompt="", worst_case=Usage(), prepare=_never)
"""Of an attempt that fails before it is known what it would have asked."""


class PlanFor(Protocol):
    """Plans attempts."""

    async def __call__(self, variation: str | None, *, correction: str | None) -> Plan:
        """Return the plan of an attempt.

        Args:
            variation: this attempt's, None for the first.
            correction: what was wrong with the result before, for the prompt.

        Raises:
            AttemptError: what the plan needs cannot be had.
        """
        ...
